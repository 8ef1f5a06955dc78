//===- Tensors.h - numbers and shapes of tensors ----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_SIMULATEDLINEARS_TENSORS_H
#define AWQ_LIB_EXECUTIONENGINE_SIMULATEDLINEARS_TENSORS_H

#include "awq/ExecutionEngine/Runtime/Model.h"
#include "mlir/IR/BuiltinTypes.h"

namespace awq::gpusim {

/// Whether `tensor` is one of the type `wanted`, whose sizes may be dynamic.
bool fitsType(mlir::Type wanted, const runtime::Tensor &tensor);

/// A tensor of f32, f16 or bf16 as f32.
std::vector<float> toFloats(const runtime::Tensor &tensor);

/// The numbers rounded to `dtype`: f32, f16 or bf16.
runtime::Tensor toTensor(const std::vector<float> &numbers, io::DType dtype,
                         std::vector<int64_t> shape);

/// Columns [first, first + count) of a matrix.
runtime::Tensor takeColumns(const runtime::Tensor &source, int64_t first,
                            int64_t count);

/// The same numbers in the shape of `type`, of which one size may be dynamic.
runtime::Tensor reshape(runtime::Tensor tensor, mlir::RankedTensorType type);

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_SIMULATEDLINEARS_TENSORS_H
