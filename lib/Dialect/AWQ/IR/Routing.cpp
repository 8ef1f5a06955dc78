//===- Routing.cpp - tokens that part ways --------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/Routing.h"

#include "awq/Dialect/AWQ/IR/RoutingInterface.cpp.inc"
