//===- QuantizationTargets.h - what of a model is quantized -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_QUANTIZATIONTARGETS_H
#define AWQ_LIB_PIPELINES_QUANTIZATIONTARGETS_H

#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "awq/Pipelines/Quantize.h"

namespace awq {

/// What is quantized and scaled, and what is not.
struct QuantizationTargets {
  QuantizedModelPlan plan;
  /// Scaling groups with a linear to quantize.
  int64_t groups = 0;
  /// The names of the others.
  std::vector<std::string> reported;
};

/// Finds them in `module`, and refuses options that do not fit it: AWQ1204 (the
/// group size divides not all rows), AWQ1325 (a skipped name that changes
/// nothing), AWQ1326 (nothing is left).
Result<QuantizationTargets> findTargets(mlir::ModuleOp module,
                                        const TargetFilter &filter,
                                        const QuantScheme &scheme);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_QUANTIZATIONTARGETS_H
