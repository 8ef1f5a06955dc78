//===- ParameterFileList.h - files of a module's weights ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_PARAMETERFILELIST_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_PARAMETERFILELIST_H

#include "awq/IO/Safetensors.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace awq {

/// The module attribute that lists the files in which extern globals are
/// looked up by symbol name; a later file overrides an earlier one. An entry is
/// the path of a safetensors file or of a folder with a checkpoint, or, for a
/// file of another format,
///   {file = "model.onnx", tensors = {name = {dtype = "F32", offset = 64 : i64,
///                                           shape = array<i64: 2, 3>}}}
/// with the element types as safetensors spells them.
inline constexpr llvm::StringLiteral kParameterFilesAttr =
    "awq.parameter_files";

/// The files, opened, in their order. Errors: those of Checkpoint::open and
/// Checkpoint::openIndexed, AWQ1032 (an entry of another form).
Result<std::vector<io::Checkpoint>> openParameterFiles(mlir::ModuleOp module);

/// The paths, in their order.
std::vector<std::string> parameterFilePaths(mlir::ModuleOp module);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_PARAMETERFILELIST_H
