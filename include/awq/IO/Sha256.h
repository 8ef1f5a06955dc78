//===- Sha256.h - SHA-256 of bytes and files --------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_SHA256_H
#define AWQ_IO_SHA256_H

#include "awq/Support/Error.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace awq::io {

/// The SHA-256 of FIPS 180-4, fed in pieces. Uses the processor's SHA
/// instructions where it has them.
class Sha256 {
public:
  using Digest = std::array<uint8_t, 32>;
  enum class Implementation { Portable, Hardware };

  /// The fastest implementation of this processor.
  Sha256();
  /// Hardware must be available on this processor.
  explicit Sha256(Implementation implementation);

  /// Whether this processor (and this build) has SHA instructions.
  static bool hasHardware();

  void update(const void *data, size_t bytes);
  /// Ends the message; the object then stands for a new, empty message.
  Digest finish();

private:
  void reset();

  using Compress = void (*)(uint32_t *state, const uint8_t *blocks,
                            size_t count);
  Compress compress;
  std::array<uint32_t, 8> state;
  std::array<uint8_t, 64> pending;
  uint64_t length = 0; ///< bytes of the message so far
};

/// Lower-case hexadecimal, 64 characters.
std::string toHex(const Sha256::Digest &digest);

/// Hash of bytes in memory, as toHex.
std::string sha256(const void *data, size_t bytes);

/// Hash of a regular file, read piecewise (never mapped, so a file that
/// shrinks meanwhile is an error, not a signal), as toHex. Errors: AWQ1001 to
/// AWQ1003.
Result<std::string> sha256File(const std::string &path);

} // namespace awq::io

#endif // AWQ_IO_SHA256_H
