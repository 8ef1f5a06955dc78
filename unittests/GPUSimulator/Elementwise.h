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
/// `operand`, once per thread. The vectors give threads their numbers.
template <typename R, typename T>
std::vector<R> elementwise(const std::string &operand,
                           const std::string &result, const std::string &body,
                           const std::vector<T> &x, const std::vector<T> &y,
                           const std::vector<T> &z,
                           const std::string &declarations = "") {
  std::string type = "ptr addrspace(1)";
  std::string ir = "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                   "declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\n" +
                   declarations + "\ndefine ptx_kernel void @k(" + type +
                   " %px, " + type + " %py, " + type + " %pz, " + type +
                   " %pr, i32 %count) {\n"
                   "  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                   "  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\n"
                   "  %b128 = mul i32 %b, 128\n"
                   "  %i = add i32 %b128, %t\n"
                   "  %in = icmp ult i32 %i, %count\n"
                   "  br i1 %in, label %work, label %done\n"
                   "work:\n";
  for (const char *name : {"x", "y", "z"})
    ir += std::string("  %a") + name + " = getelementptr " + operand + ", " +
          type + " %p" + name + ", i32 %i\n  %" + name + " = load " + operand +
          ", " + type + " %a" + name + "\n";
  ir += body + "\n  %ar = getelementptr " + result + ", " + type +
        " %pr, i32 %i\n  store " + result + " %r, " + type +
        " %ar\n  br label %done\ndone:\n  ret void\n}\n";
  DeviceMemory memory;
  unsigned count = static_cast<unsigned>(x.size());
  std::vector<Argument> arguments = {
      Argument::pointer(memory.allocate("x", x)),
      Argument::pointer(memory.allocate("y", y)),
      Argument::pointer(memory.allocate("z", z))};
  DeviceBuffer &output = memory.allocate("r", count * sizeof(R));
  arguments.push_back(Argument::pointer(output));
  arguments.push_back(Argument::of<uint32_t>(count));
  LaunchConfig config;
  config.block.x = 128;
  config.grid.x = (count + 127) / 128;
  Report report = runText(ir, memory, config, arguments);
  EXPECT_TRUE(report.clean()) << report.text(false) << ir;
  std::vector<R> results(count);
  std::memcpy(results.data(), output.data, count * sizeof(R));
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
