//===- LayerStreams.h - hidden states on their way through the layers -*- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_LAYERSTREAMS_H
#define AWQ_LIB_PIPELINES_LAYERSTREAMS_H

#include "CalibrationData.h"
#include "ModelParts.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace awq {

/// The hidden states of some samples, before the same layer.
struct Stream {
  /// Indices into the calibration data, ascending.
  std::vector<int64_t> samples;
  /// [length, channels] each.
  std::vector<std::vector<float>> hidden;
};

/// What runs a model's parts over streams of samples.
class LayerStreams {
public:
  /// Receives the value at site `site` of sample `sample`.
  using Observe =
      llvm::function_ref<Status(size_t site, int64_t sample, const float *)>;

  /// Layers observe what the targets of `filter` read. The arguments must
  /// outlive the object.
  LayerStreams(mlir::ModuleOp module, const ModelParts &parts,
               const TargetFilter &filter, const CalibrationData &data)
      : module(module), parts(parts), filter(filter), data(data),
        store(module) {}

  /// Compiles all parts, so that later no memory is needed for that.
  Status compileAll();

  /// Runs the prologue on all samples. The stream holds the first layer's
  /// inputs; what else layers read is kept here, once if it is the same for all
  /// samples.
  Result<Stream> embed();

  /// The compiled layer; layers that are alike share the code.
  /// With `allTokens`, experts are observed as if they got all tokens.
  Result<CompiledPart> compileLayer(size_t layer, bool allTokens = false);

  /// Replaces the stream's hidden states by what the layer makes of them, or,
  /// with `keep` false, only observes.
  Status advance(size_t layer, CompiledPart &part,
                 const std::vector<std::vector<float>> &weights, Stream &stream,
                 Observe observe, bool keep = true);

  /// Mean KL divergence of each of `others` from `reference`, over at most
  /// `rows` tokens evenly spread; all streams hold final hidden states, and
  /// `others` have the guard samples.
  Result<std::vector<double>> compare(const Stream &reference,
                                      const std::vector<const Stream *> &others,
                                      int64_t rows);

  /// Bytes of the hidden states and prologue results held for a stream.
  int64_t bytes(const Stream &stream) const;

private:
  /// Pointers to the parameters that `function` reads; computed ones are kept
  /// in `storage`.
  Result<std::vector<const void *>>
  viewParameters(mlir::func::FuncOp function,
                 std::vector<std::vector<char>> &storage);

  mlir::ModuleOp module;
  const ModelParts &parts;
  const TargetFilter &filter;
  const CalibrationData &data;
  ParameterStore store;
  CompiledPart::Cache cache;
  /// [sample][result] of the prologue; empty for hidden states, which are in
  /// the stream.
  std::vector<std::vector<std::shared_ptr<std::vector<float>>>> prologue;
};

} // namespace awq

#endif // AWQ_LIB_PIPELINES_LAYERSTREAMS_H
