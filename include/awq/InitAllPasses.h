//===- InitAllPasses.h - registration of passes -----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_INITALLPASSES_H
#define AWQ_INITALLPASSES_H

namespace awq {

/// Registers the passes and pipelines of this project.
inline void registerAllPasses() {}

} // namespace awq

#endif // AWQ_INITALLPASSES_H
