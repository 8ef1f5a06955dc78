//===- OnnxChecks.h - what holds in every ONNX model ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_ONNXCHECKS_H
#define AWQ_LIB_IO_ONNX_ONNXCHECKS_H

#include "awq/IO/Onnx.h"

namespace awq::io {

/// "[2, 3]".
std::string shapeText(const std::vector<int64_t> &shape);

/// `place`, then the node by its name or by its number, and its operator.
std::string nodePlace(const std::string &place, const std::string &name,
                      const std::string &opType, size_t number);

/// AWQ1080 unless there is such an element type.
Status checkElementType(int32_t number, const std::string &where);

/// AWQ1082 for more dimensions than are supported.
Status checkRank(size_t rank, const std::string &where);

/// Values are defined once and before they are used, operators come from
/// imported domains, and no function calls itself. Errors: AWQ1069 to AWQ1076.
Status checkModel(const OnnxModel &model, const std::string &path);

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_ONNXCHECKS_H
