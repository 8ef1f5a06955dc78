//===- Elementwise.h - one instruction on many numbers -------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_GPUSIMULATOR_ELEMENTWISE_H
#define AWQ_UNITTESTS_GPUSIMULATOR_ELEMENTWISE_H

#include "SampleKernels.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace awq::gpusim::test {

/// Runs `body`, which computes %r of type `result` from %x, %y and %z of type
/// `operand`, once per thread, on elements of these many bytes.
std::vector<uint8_t>
runElementwise(const std::string &operand, const std::string &result,
               const std::string &body, const std::string &declarations,
               const std::vector<uint8_t> operands[3], unsigned operandBytes,
               unsigned resultBytes);

template <typename T>
std::vector<uint8_t> toBytes(const std::vector<T> &values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// The same on vectors of numbers.
template <typename R, typename T>
std::vector<R> elementwise(const std::string &operand,
                           const std::string &result, const std::string &body,
                           const std::vector<T> &x, const std::vector<T> &y,
                           const std::vector<T> &z,
                           const std::string &declarations = "") {
  std::vector<uint8_t> operands[3] = {toBytes(x), toBytes(y), toBytes(z)};
  std::vector<uint8_t> bytes = runElementwise(
      operand, result, body, declarations, operands, sizeof(T), sizeof(R));
  std::vector<R> results(x.size());
  std::memcpy(results.data(), bytes.data(), bytes.size());
  return results;
}

/// Numbers of a given width that reach the corners.
inline std::vector<uint64_t> cornerNumbers(size_t count, unsigned width,
                                           unsigned seed) {
  std::mt19937_64 random(seed);
  uint64_t mask = width == 64 ? ~0ull : (1ull << width) - 1;
  std::vector<uint64_t> corners = {0, 1, 2, mask, mask >> 1, (mask >> 1) + 1};
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < count; ++i)
    numbers.push_back(random() % 4 == 0 ? corners[random() % corners.size()]
                                        : random() & mask);
  return numbers;
}

} // namespace awq::gpusim::test

#endif // AWQ_UNITTESTS_GPUSIMULATOR_ELEMENTWISE_H
