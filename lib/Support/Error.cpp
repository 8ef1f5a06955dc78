//===- Error.cpp - errors that name the place and the remedy --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Support/Error.h"

using namespace awq;

std::string Error::str() const {
  std::string text = "error[" + code + "]: " + message;
  if (!where.empty())
    text += "\n  where: " + where;
  if (!help.empty())
    text += "\n  help: " + help;
  return text;
}
