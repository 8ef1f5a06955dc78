//===- AWQPrecompiled.cpp - carries the precompiled headers ---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's headers take most of a file's compile time: they are parsed once, for
// this file, and reused by every library on MLIR.
//
//===----------------------------------------------------------------------===//
