//===- ScatterOps.cpp - placeholder -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"
using namespace awq;
llvm::ArrayRef<onnx::OpEntry> onnx::scatterOps() { return {}; }
