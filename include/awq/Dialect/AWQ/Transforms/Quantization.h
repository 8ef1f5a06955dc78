//===- Quantization.h - the steps of quantizing a function -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the passes of the same names do, for callers that hold statistics or
// parameters in memory. Every step reads and writes numbers through the
// ParameterStore and leaves valid IR that computes the same function up to
// clipping and rounding. Statistics always describe the unscaled model.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_QUANTIZATION_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_QUANTIZATION_H

#include "awq/Calibration/ClipSearch.h"
#include "awq/Calibration/ScaleSearch.h"
#include "awq/Calibration/WeightFit.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "awq/Dialect/AWQ/Transforms/StatisticsSource.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

namespace awq {

/// How parameters are computed.
enum class Arithmetic {
  F32, ///< each expression in f32, rounded where it is stored
  /// Each step in f16, as AutoAWQ 0.2.9 does: scales, scaled weights and norms,
  /// bounds, and rounding (quantizeAutoAwq).
  AutoAwq
};

/// What a scale search found for one group.
struct ScaleReport {
  std::string name;
  std::vector<std::string> absorbers;
  calibration::ScaleSearchResult result;
};

/// What a clip search found for one linear.
struct ClipReport {
  std::string name;
  calibration::ClipSearchResult result;
};

/// What fitting scales and codes found for one linear, and what became of its
/// weight, scaled but not clipped.
struct FitReport {
  std::string name;
  calibration::WeightFitResult result;
  /// sum w^2 / sum (w - w')^2 in dB; 0 for a weight that is met exactly.
  double sqnr = 0.0;
  /// The part of the codes that are the smallest or the largest.
  double saturated = 0.0;
};

/// Asks for scales and codes that fit each other; takes the reports.
struct WeightFit {
  /// Of the unscaled model.
  StatisticsSource &statistics;
  calibration::WeightFitOptions options;
  std::vector<FitReport> reports;
};

/// The scheme with scales in f16; emits an error for bits or groups that no
/// scheme has.
mlir::FailureOr<QuantScheme> makeScheme(mlir::Location loc, int64_t bits,
                                        int64_t group, bool symmetric);

/// The attribute form of a scheme.
SchemeAttr toAttribute(mlir::MLIRContext *context, const QuantScheme &scheme);

/// Puts an `awq.observe` on each value that a target linear reads: one for all
/// readers of the value, called after the first of them, "<linear>.input".
void insertObservers(mlir::func::FuncOp function, const TargetFilter &filter);

/// Replaces each `awq.observe` by its operand.
void removeObservers(mlir::func::FuncOp function);

/// Searches all groups on the weights as they are, then inserts the scalings
/// that were accepted: `awq.scale_channels` on the producer's result (inverse)
/// and on the weights of all absorbers. A group whose target readers read
/// different values stays as it is, with a remark and without a report.
mlir::FailureOr<std::vector<ScaleReport>>
searchScales(mlir::func::FuncOp function, const TargetFilter &filter,
             const QuantScheme &scheme, StatisticsSource &statistics,
             ParameterStore &store,
             const calibration::ScaleSearchOptions &options = {},
             Arithmetic arithmetic = Arithmetic::F32);

/// Divides the channels of a group's producer by `scales` and multiplies the
/// weights of its absorbers: the function computes the same. f32, one scale
/// per producer channel.
mlir::LogicalResult insertScales(const ScalingGroup &group,
                                 llvm::ArrayRef<float> scales,
                                 ParameterStore &store,
                                 Arithmetic arithmetic = Arithmetic::F32);

/// Folds each inverse `awq.scale_channels` on an op's result into the op's
/// constants. Emits a remark where that is not possible.
void applyScales(mlir::func::FuncOp function,
                 Arithmetic arithmetic = Arithmetic::F32);

/// Searches bounds for the weights of all target linears and inserts
/// `awq.clip_groups` where they were accepted.
mlir::FailureOr<std::vector<ClipReport>>
searchClips(mlir::func::FuncOp function, const TargetFilter &filter,
            const QuantScheme &scheme, StatisticsSource &statistics,
            ParameterStore &store,
            const calibration::ClipSearchOptions &options = {},
            Arithmetic arithmetic = Arithmetic::F32);

/// Rounds the weights of all target linears: `awq.linear` becomes
/// `awq.quantized_linear` with plain codes. With `fit`, whose statistics need
/// observers, scales and codes are then fitted to the weight.
mlir::LogicalResult quantizeWeights(mlir::func::FuncOp function,
                                    const TargetFilter &filter,
                                    const QuantScheme &scheme,
                                    ParameterStore &store,
                                    WeightFit *fit = nullptr,
                                    Arithmetic arithmetic = Arithmetic::F32);

/// Replaces a linear by one with these codes and the same name, kept in
/// `store` as the weight is kept.
mlir::LogicalResult replaceLinear(LinearOp op, const QuantizedMatrix &matrix,
                                  ParameterStore &store);

/// The codes, scales and zero points of a quantized weight, plain or packed;
/// `zeros` are filled in for a symmetric scheme.
mlir::FailureOr<QuantizedMatrix>
readQuantizedWeight(QuantizedWeightOpInterface op, ParameterStore &store);

/// `value` as f32, through arith.extf if it is narrower, so that what is done
/// to it rounds nothing.
mlir::Value widen(mlir::OpBuilder &builder, mlir::Value value);

/// `value` as f16 for AutoAWQ's arithmetic, as f32 for the other.
mlir::Value convert(mlir::OpBuilder &builder, mlir::Value value,
                    Arithmetic arithmetic);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_QUANTIZATION_H
