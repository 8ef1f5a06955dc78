//===- OnnxError.h - errors of ONNX models ----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_ONNXERROR_H
#define AWQ_LIB_IO_ONNX_ONNXERROR_H

#include "awq/Support/Error.h"

#include <string>
#include <string_view>

namespace awq::io {

inline constexpr const char *damagedModel =
    "the file is damaged or was written by a faulty tool; fetch or export it "
    "again";
inline constexpr const char *tooLargeModel =
    "split the model, or export it without the parts that are not needed";

/// Names longer than this are no names.
inline constexpr size_t maxNameBytes = 65536;

/// An error of kind Malformed.
Error malformedOnnx(std::string code, std::string message, std::string where,
                    std::string help = damagedModel);

/// AWQ1068 unless `name` is UTF-8 without NUL and of at most maxNameBytes.
/// `role` says what it names, e.g. "an input's name".
Status checkName(std::string_view name, const std::string &role,
                 const std::string &where);
/// The same, and not empty.
Status requireName(std::string_view name, const std::string &role,
                   const std::string &where);

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_ONNXERROR_H
