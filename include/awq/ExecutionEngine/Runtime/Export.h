//===- Export.h - what libAWQRuntime.so shows -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_RUNTIME_EXPORT_H
#define AWQ_EXECUTIONENGINE_RUNTIME_EXPORT_H

/// Marks the C++ interface of the runtime library. Everything else in it is
/// hidden. The C++ interface serves this project's own tools, which are built
/// together with the library; other programs use awq-c/Runtime.h.
#define AWQ_RUNTIME_EXPORT __attribute__((visibility("default")))

#endif // AWQ_EXECUTIONENGINE_RUNTIME_EXPORT_H
