//===- QuantizeWeights.cpp - rounds the weights of linears -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightStatistics.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

#include <cmath>

namespace awq {
#define GEN_PASS_DEF_QUANTIZEWEIGHTSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// The new parameters of one quantized linear.
struct QuantizedParameters {
  Value codes, scales, zeros;
};

/// Keeps codes, scales and zeros (null for a symmetric scheme) as parameters.
static FailureOr<QuantizedParameters>
define(LinearOp op, const QuantizedMatrix &matrix, ParameterStore &store) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  std::string name = getOpName(op);
  int64_t groups = matrix.scheme.groups(matrix.k);
  auto bytes = [](const std::vector<uint8_t> &values) {
    return ArrayRef<char>(reinterpret_cast<const char *>(values.data()),
                          values.size());
  };
  SchemeAttr scheme = toAttribute(op.getContext(), matrix.scheme);
  Type i8 = builder.getI8Type();
  FailureOr<Value> codes =
      store.define(builder, loc, name + ".codes",
                   RankedTensorType::get({matrix.n, matrix.k}, i8),
                   bytes(matrix.codes), op.getWeight());
  FailureOr<Value> scales = store.defineFloats(
      builder, loc, name + ".scales",
      RankedTensorType::get({matrix.n, groups}, scheme.getScale()),
      matrix.scales, op.getWeight());
  if (failed(codes) || failed(scales))
    return failure();
  if (matrix.scheme.symmetric)
    return QuantizedParameters{*codes, *scales, Value()};
  FailureOr<Value> zeros =
      store.define(builder, loc, name + ".zeros",
                   RankedTensorType::get({matrix.n, groups}, i8),
                   bytes(matrix.zeros), op.getWeight());
  if (failed(zeros))
    return failure();
  return QuantizedParameters{*codes, *scales, *zeros};
}

/// In dB; 0 where there is no noise.
static double signalToNoise(ArrayRef<float> weights, ArrayRef<float> stored) {
  double signal = 0.0, noise = 0.0;
  for (auto [w, s] : llvm::zip_equal(weights, stored)) {
    signal += double(w) * w;
    noise += (double(w) - s) * (double(w) - s);
  }
  return signal > 0.0 && noise > 0.0 ? 10.0 * std::log10(signal / noise) : 0.0;
}

static double saturation(const QuantizedMatrix &matrix) {
  uint8_t most = (1 << matrix.scheme.bits) - 1;
  int64_t count = llvm::count_if(
      matrix.codes, [&](uint8_t code) { return code == 0 || code == most; });
  return matrix.codes.empty()
             ? 0.0
             : double(count) / static_cast<double>(matrix.codes.size());
}

/// Fits `matrix` to the weight of `op` before it was clipped.
static LogicalResult fitToWeight(LinearOp op, QuantizedMatrix &matrix,
                                 WeightFit &request, ParameterStore &store) {
  Value target = op.getWeight();
  if (auto clip = target.getDefiningOp<ClipGroupsOp>())
    target = clip.getWeight();
  FailureOr<std::vector<float>> weights = store.readFloats(target);
  if (failed(weights))
    return failure();
  FitReport report;
  report.name = getOpName(op);
  if (request.options.refitScales || request.options.refineCodes) {
    auto grams = WeightStatistics::read(op, request.statistics, store);
    if (failed(grams))
      return failure();
    calibration::RefitProblem problem;
    problem.name = report.name;
    problem.weights = weights->data();
    problem.fitGram = grams->fit();
    problem.guardGram = grams->guard();
    auto result = calibration::fitWeight(problem, matrix, request.options);
    if (!result)
      return awq::emitError(op.getLoc(), result.error());
    report.result = *result;
  }
  report.sqnr = signalToNoise(*weights, dequantize(matrix));
  report.saturated = saturation(matrix);
  request.reports.push_back(std::move(report));
  return success();
}

static LogicalResult quantizeLinear(LinearOp op, const QuantScheme &scheme,
                                    ParameterStore &store, WeightFit *request,
                                    Arithmetic arithmetic) {
  FailureOr<std::vector<float>> weights = store.readFloats(op.getWeight());
  if (failed(weights))
    return failure();
  auto type = cast<RankedTensorType>(op.getWeight().getType());
  int64_t n = type.getDimSize(0), k = type.getDimSize(1);
  Result<QuantizedMatrix> matrix =
      arithmetic == Arithmetic::AutoAwq
          ? quantizeAutoAwq(weights->data(), n, k, scheme, getOpName(op))
          : quantize(weights->data(), n, k, scheme, {}, getOpName(op));
  if (!matrix)
    return awq::emitError(op.getLoc(), matrix.error());
  if (request && failed(fitToWeight(op, *matrix, *request, store)))
    return failure();
  return replaceLinear(op, *matrix, store);
}

LogicalResult awq::replaceLinear(LinearOp op, const QuantizedMatrix &matrix,
                                 ParameterStore &store) {
  FailureOr<QuantizedParameters> parameters = define(op, matrix, store);
  if (failed(parameters))
    return failure();
  OpBuilder builder(op);
  auto quantized = QuantizedLinearOp::create(
      builder, op.getLoc(), op.getType(), op.getInput(), parameters->codes,
      parameters->scales, parameters->zeros, op.getBias(),
      toAttribute(op.getContext(), matrix.scheme));
  quantized->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  op.getResult().replaceAllUsesWith(quantized.getResult());
  op.erase();
  return success();
}

LogicalResult awq::quantizeWeights(func::FuncOp function,
                                   const TargetFilter &filter,
                                   const QuantScheme &scheme,
                                   ParameterStore &store, WeightFit *fit,
                                   Arithmetic arithmetic) {
  SmallVector<LinearOp> targets;
  function.walk([&](LinearOp op) {
    if (filter.isTarget(op))
      targets.push_back(op);
  });
  for (LinearOp op : targets)
    if (failed(quantizeLinear(op, scheme, store, fit, arithmetic)))
      return failure();
  eraseUnusedParameters(function);
  return success();
}

namespace {

struct QuantizeWeights
    : public awq::impl::QuantizeWeightsPassBase<QuantizeWeights> {
  using QuantizeWeightsPassBase::QuantizeWeightsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<QuantScheme> scheme =
        makeScheme(module.getLoc(), bits, group, symmetric);
    if (failed(scheme))
      return signalPassFailure();
    ParameterStore store(module, sideFile);
    TargetFilter filter =
        TargetFilter::forModule(module, llvm::to_vector(skip));
    StatisticsSource source;
    bool fit = refit || refine;
    if (fit && failed(source.open(module, statistics)))
      return signalPassFailure();
    for (auto function : module.getOps<func::FuncOp>()) {
      WeightFit request{source, {}, {}};
      request.options.refitScales = refit;
      request.options.refineCodes = refine;
      if (failed(quantizeWeights(
              function, filter, *scheme, store, fit ? &request : nullptr,
              autoAwq ? Arithmetic::AutoAwq : Arithmetic::F32)))
        return signalPassFailure();
      // One layer's Gram matrices at a time.
      source.clear();
    }
    if (failed(store.commit()))
      signalPassFailure();
  }
};

} // namespace
