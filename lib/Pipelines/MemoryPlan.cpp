//===- MemoryPlan.cpp - memory of a calibration, beforehand -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelQuantizer.h"

using namespace mlir;
using namespace awq;

LayerSizes::LayerSizes(func::FuncOp layer, const CompiledPart &part,
                       int64_t tokens) {
  for (OpOperand *read : getParameterReads(layer))
    weights += cast<RankedTensorType>(read->get().getType()).getNumElements() *
               sizeof(float);
  for (size_t site = 0; site < part.sites().size(); ++site) {
    int64_t channels = part.resultChannels(site + 1);
    // One matrix for each part of the samples.
    int64_t matrices = 2 * channels * channels * sizeof(float);
    gram += matrices;
    widest = std::max(widest, matrices);
    observed += tokens * channels * sizeof(float);
  }
}

/// While statistics are gathered, a layer is there with what it computes of one
/// sample, in proportion to what is observed of it; while it is searched, with
/// the factors of a Gram matrix and what becomes of its weights. The shares and
/// the rest are as measured (python/tests/test_plan.py).
static int64_t workOf(const LayerSizes &sizes, bool refines) {
  constexpr double computing = 3.5, becoming = 0.8, factors = 1.2;
  constexpr int64_t rest = 3 << 19;
  double gathering = sizes.weights + sizes.gram + computing * sizes.observed;
  double searching = sizes.gram + becoming * sizes.weights;
  if (refines)
    searching += factors * sizes.widest;
  return static_cast<int64_t>(std::max(gathering, searching)) + rest;
}

Result<MemoryPlan> ModelQuantizer::planMemory() {
  if (Status status = analyse(); !status)
    return status.error();
  if (Status status = prepare(); !status)
    return status.error();
  MemoryPlan memory;
  memory.layers = summary.layers;
  memory.linears = summary.linears;
  memory.process = baseline;
  for (size_t i = 0; i < parts.layers.size(); ++i) {
    Result<CompiledPart> part = streams->compileLayer(i);
    if (!part)
      return part.error();
    LayerSizes sizes(parts.layers[i], *part, data.length);
    memory.layer = std::max(memory.layer, sizes.weights);
    memory.gram = std::max(memory.gram, sizes.gram);
    memory.work = std::max(
        memory.work, workOf(sizes, options.refineCodes && !options.autoAwq));
  }
  // One sample tells the size of each; tables are shared between them.
  int64_t samples = data.samples, copies = samples;
  for (int64_t sample = 0; sample < samples; ++sample)
    if (data.parts[sample] == calibration::Part::Guard)
      copies += 2;
  data.samples = 1;
  if (Status status = embed(); !status)
    return status.error();
  int64_t one = exact.hidden.front().size() * sizeof(float);
  memory.hidden = streams->bytes(exact) + (copies - 1) * one;
  return memory;
}

namespace {
/// Nothing is quantized, so nothing comes.
struct NoSink : QuantizedModelSink {
  Status begin(const QuantizedModelPlan &) override { return {}; }
  Status writeParameter(int64_t, const std::string &,
                        const std::vector<int64_t> &,
                        const std::vector<float> &) override {
    return {};
  }
  Status writeWeight(const std::string &, const QuantizedMatrix &) override {
    return {};
  }
  void roundToStored(std::vector<float> &) const override {}
  Status finish() override { return {}; }
};
} // namespace

Result<MemoryPlan> awq::planQuantization(ModuleOp module,
                                         const QuantizeOptions &options) {
  NoSink sink;
  return ModelQuantizer(module, options, sink).planMemory();
}
