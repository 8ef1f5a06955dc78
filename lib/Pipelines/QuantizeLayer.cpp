//===- QuantizeLayer.cpp - one layer of a model ---------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelQuantizer.h"
#include "SearchEvents.h"
#include "awq/Dialect/AWQ/IR/Routing.h"

using namespace mlir;
using namespace awq;
using Json = nlohmann::ordered_json;

//===----------------------------------------------------------------------===//
// Weights and results
//===----------------------------------------------------------------------===//

/// The layer's parameters in f32, as it reads them.
Result<std::vector<std::vector<float>>>
ModelQuantizer::readWeights(LayerWork &work) {
  DiagnosticCollector collector(module.getContext());
  std::vector<std::vector<float>> weights;
  for (OpOperand *read : getParameterReads(work.function)) {
    FailureOr<std::vector<float>> values = work.store->readFloats(read->get());
    if (failed(values))
      return collector.error("calibration");
    weights.push_back(std::move(*values));
  }
  return weights;
}

/// Whether a read is of what takes a linear's weight's place.
static bool isQuantizedPart(const OpOperand &read) {
  auto quantized = dyn_cast<QuantizedLinearOp>(read.getOwner());
  return quantized && read.get() != quantized.getBias();
}

/// Whether the search changed a parameter: it is an expression with scales in
/// it. Other expressions (the transpose of an ONNX weight) were there before.
static bool isScaled(Value value) {
  Operation *op = value.getDefiningOp();
  return op && isParameter(value) &&
         (isa<ScaleChannelsOp>(op) ||
          llvm::any_of(op->getOperands(), isScaled));
}

Result<LayerResult> ModelQuantizer::collect(LayerWork &work) {
  DiagnosticCollector collector(module.getContext());
  LayerResult result;
  int64_t ordinal = 0;
  for (OpOperand *read : getParameterReads(work.function)) {
    if (isQuantizedPart(*read)) {
      auto quantized = cast<QuantizedLinearOp>(read->getOwner());
      if (read->get() != quantized.getCodes())
        continue;
      FailureOr<QuantizedMatrix> matrix =
          readQuantizedWeight(quantized, *work.store);
      if (failed(matrix))
        return collector.error("write");
      result.weights[getOpName(quantized)] = std::move(*matrix);
      continue;
    }
    int64_t place = ordinal++;
    if (!isScaled(read->get()))
      continue;
    FailureOr<std::vector<float>> values = work.store->readFloats(read->get());
    if (failed(values))
      return collector.error("write");
    auto type = cast<RankedTensorType>(read->get().getType());
    result.parameters[place] = {getParameterName(read->get()),
                                type.getShape().vec(), std::move(*values)};
  }
  return result;
}

/// The layer's parameters as they will be read back from what is written.
Result<std::vector<std::vector<float>>>
ModelQuantizer::storedWeights(func::FuncOp layer, const LayerResult &result) {
  DiagnosticCollector collector(module.getContext());
  LayerWork work(layer);
  std::vector<std::vector<float>> weights;
  int64_t ordinal = 0;
  for (OpOperand *read : getParameterReads(work.function)) {
    auto linear = dyn_cast<LinearOp>(read->getOwner());
    if (linear && read->get() == linear.getWeight() &&
        filter.isTarget(linear)) {
      auto found = result.weights.find(getOpName(linear));
      if (found == result.weights.end())
        return Error{ErrorKind::Malformed, "AWQ1329",
                     "the result of a layer lacks the linear " +
                         getOpName(linear),
                     options.journal, "add --restart to begin anew"};
      weights.push_back(dequantize(found->second));
      continue;
    }
    auto changed = result.parameters.find(ordinal++);
    if (changed != result.parameters.end()) {
      weights.push_back(changed->second.values);
    } else {
      FailureOr<std::vector<float>> values =
          work.store->readFloats(read->get());
      if (failed(values))
        return collector.error("calibration");
      weights.push_back(std::move(*values));
    }
    if (!read->getOwner()->hasTrait<ReadsExactly>())
      sink.roundToStored(weights.back());
  }
  return weights;
}

Status ModelQuantizer::hand(size_t index, const LayerResult &result) {
  if (Status status = sink.beginLayer(parts.layers[index].getSymName());
      !status)
    return status;
  for (const auto &[place, parameter] : result.parameters)
    if (Status status = sink.writeParameter(place, parameter.name,
                                            parameter.shape, parameter.values);
        !status)
      return status;
  for (const auto &[name, matrix] : result.weights)
    if (Status status = sink.writeWeight(name, matrix); !status)
      return status;
  return Status();
}

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

Status ModelQuantizer::search(LayerWork &work, StatisticsSource &source,
                              Json &event) {
  DiagnosticCollector collector(module.getContext());
  insertObservers(work.function, filter);
  Arithmetic arithmetic =
      options.autoAwq ? Arithmetic::AutoAwq : Arithmetic::F32;
  calibration::ScaleSearchOptions scaleOptions;
  scaleOptions.autoAwq = options.autoAwq;
  scaleOptions.ratios = options.scaleRatios;
  scaleOptions.plain = options.plainScales;
  auto scales = searchScales(work.function, filter, options.scheme, source,
                             *work.store, scaleOptions, arithmetic);
  if (failed(scales))
    return collector.error("search-scales");
  applyScales(work.function, arithmetic);
  MemoryWatch::giveBack();
  event["groups"] = Json::array();
  for (const ScaleReport &report : *scales)
    event["groups"].push_back(describe(report));
  event["linears"] = Json::array();
  if (options.searchClips) {
    auto clips = searchClips(work.function, filter, options.scheme, source,
                             *work.store, {}, arithmetic);
    if (failed(clips))
      return collector.error("search-clips");
    for (const ClipReport &report : *clips)
      event["linears"].push_back(describe(report));
  }
  WeightFit fit{source, {}, {}};
  fit.options.refitScales = options.refitScales && !options.autoAwq;
  fit.options.refineCodes = options.refineCodes && !options.autoAwq;
  if (failed(quantizeWeights(work.function, filter, options.scheme, *work.store,
                             &fit, arithmetic)))
    return collector.error("quantize-weights");
  event["weights"] = Json::array();
  event["refits"] = Json::array();
  event["refinements"] = Json::array();
  for (const FitReport &report : fit.reports) {
    event["weights"].push_back(describeWeight(report));
    if (fit.options.refitScales)
      event["refits"].push_back(describeRefit(report));
    if (fit.options.refineCodes)
      event["refinements"].push_back(describeRefinement(report));
  }
  removeObservers(work.function);
  return Status();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// Plain rounding of a layer.
Result<LayerResult> ModelQuantizer::round(func::FuncOp layer) {
  LayerWork work(layer);
  DiagnosticCollector collector(module.getContext());
  if (failed(
          quantizeWeights(work.function, filter, options.scheme, *work.store)))
    return collector.error("quantize-weights");
  return collect(work);
}

/// The guard samples go on with the weights as they will be read, and as they
/// would be after rounding only.
Status ModelQuantizer::advanceGuard(size_t index, CompiledPart &part,
                                    const LayerResult &result) {
  func::FuncOp layer = parts.layers[index];
  for (bool plain : {false, true}) {
    std::optional<LayerResult> plainly;
    if (plain) {
      Result<LayerResult> made = round(layer);
      if (!made)
        return made.error();
      plainly = std::move(*made);
    }
    auto weights = storedWeights(layer, plain ? *plainly : result);
    if (!weights)
      return weights.error();
    plainly.reset();
    if (Status status = streams->advance(index, part, *weights,
                                         plain ? rounded : scaled, nullptr);
        !status)
      return status;
  }
  return Status();
}

Status ModelQuantizer::quantizeLayer(size_t index) {
  auto start = std::chrono::steady_clock::now();
  Json event = {
      {"event", "layer"}, {"index", index}, {"count", summary.layers}};
  Result<CompiledPart> part = streams->compileLayer(index);
  if (!part)
    return part.error();
  std::optional<LayerResult> result;
  if (journal) {
    auto kept = journal->read(index, options.scheme);
    if (!kept)
      return kept.error();
    result = std::move(*kept);
  }
  bool resumed = result.has_value();
  if (!resumed || gathered) {
    LayerWork work(parts.layers[index]);
    StatisticsSource source;
    auto weights = readWeights(work);
    if (!weights)
      return weights.error();
    if (Status status =
            gather(index, *part, std::move(*weights), source, event);
        !status)
      return status;
    if (!resumed) {
      if (Status status = search(work, source, event); !status)
        return status;
      source.clear();
      MemoryWatch::giveBack();
      Result<LayerResult> found = collect(work);
      if (!found)
        return found.error();
      result = std::move(*found);
    }
  } else if (Status status = advanceExact(index, *part); !status) {
    return status;
  }
  if (Status status = hand(index, *result); !status)
    return status;
  if (Status status = advanceGuard(index, *part, *result); !status)
    return status;
  noteMemory();
  if (resumed) {
    event = result->event;
    event["resumed"] = true;
  } else {
    event["seconds"] = secondsSince(start);
    event["rss_bytes"] = MemoryWatch::current();
    result->event = event;
    if (journal)
      if (Status status = journal->write(index, *result); !status)
        return status;
  }
  emit(event);
  return Status();
}

/// The float model goes on without being observed.
Status ModelQuantizer::advanceExact(size_t index, CompiledPart &part) {
  LayerWork work(parts.layers[index]);
  auto weights = readWeights(work);
  if (!weights)
    return weights.error();
  return streams->advance(index, part, *weights, exact, /*observe=*/nullptr);
}

Status ModelQuantizer::roundLayer(size_t index) {
  auto start = std::chrono::steady_clock::now();
  Result<LayerResult> result = round(parts.layers[index]);
  if (!result)
    return result.error();
  if (Status status = hand(index, *result); !status)
    return status;
  emit({{"event", "layer"},
        {"index", index},
        {"count", summary.layers},
        {"seconds", secondsSince(start)},
        {"groups", Json::array()},
        {"rss_bytes", MemoryWatch::current()}});
  return Status();
}
