//===- Sha1.h - SHA-1 of bytes ----------------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_SHA1_H
#define AWQ_LIB_IO_ONNX_SHA1_H

#include <cstdint>
#include <string>

namespace awq::io {

/// The SHA-1 of FIPS 180-4 as lower-case hexadecimal. ONNX's checksums are
/// made with it: good against damage, not against an attacker.
std::string sha1(const uint8_t *data, uint64_t bytes);

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_SHA1_H
