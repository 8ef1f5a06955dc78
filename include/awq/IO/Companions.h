//===- Companions.h - files that go along with weights ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_COMPANIONS_H
#define AWQ_IO_COMPANIONS_H

#include "awq/Support/Error.h"

#include <string>

namespace awq::io {

/// Copies from the folder of a model what the tokenizer and generation read,
/// and the terms of use. Errors: AWQ1040.
Status copyCompanions(const std::string &source,
                      const std::string &destination);

} // namespace awq::io

#endif // AWQ_IO_COMPANIONS_H
