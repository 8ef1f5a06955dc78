//===- Fingerprint.h - which model some tensors are -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What was computed from a model (statistics) must not be used with another
// one. Hashing every byte would take minutes for a large model each time such a
// file is opened, so a fingerprint samples the tensors: training changes all of
// a tensor's values, and 64 KiB of each tell two models apart. It guards
// against mistakes, not against somebody who edits single weights on purpose.
//
// The message that is hashed is, for each tensor in ascending byte order of the
// names: name, NUL, element type, NUL, the dimensions in decimal joined by
// commas, NUL, then its content: all of it up to 64 KiB, else 16 blocks of
// 4 KiB of which block i begins at byte floor((bytes - 4096) * i / 15). Paths,
// shards and the order of tensors in the files do not matter.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_FINGERPRINT_H
#define AWQ_IO_FINGERPRINT_H

#include "awq/IO/Safetensors.h"

#include <string>
#include <vector>

namespace awq::io {

/// The fingerprint of a model's tensors: SHA-256 as toHex. Names are unique.
std::string fingerprint(std::vector<TensorView> tensors);

} // namespace awq::io

#endif // AWQ_IO_FINGERPRINT_H
