//===- ModelQuantizer.h - one quantization of a model -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_MODELQUANTIZER_H
#define AWQ_LIB_PIPELINES_MODELQUANTIZER_H

#include "DiagnosticCollector.h"
#include "LayerStreams.h"
#include "MemoryWatch.h"
#include "QuantizeJournal.h"
#include "awq/Calibration/StatisticsFile.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "awq/Pipelines/Quantize.h"

#include <chrono>

namespace awq {

inline double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

/// A layer in a module of its own, on its way to a quantized one.
struct LayerWork {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  std::unique_ptr<ParameterStore> store;

  explicit LayerWork(mlir::func::FuncOp layer)
      : module(extractFunction(layer)), function(getFunction(*module)),
        store(std::make_unique<ParameterStore>(*module,
                                               ParameterStore::Mode::Memory)) {}
};

/// What one layer's work is made of, in bytes.
struct LayerSizes {
  int64_t weights = 0;  ///< in f32
  int64_t gram = 0;     ///< a matrix for each part of the samples and site
  int64_t widest = 0;   ///< of these, those of the widest site
  int64_t observed = 0; ///< what sites observe of one sample

  LayerSizes(mlir::func::FuncOp layer, const CompiledPart &part,
             int64_t tokens);
};

/// One run over a model; see quantizeModel.
class ModelQuantizer {
  using Event = nlohmann::ordered_json;

public:
  ModelQuantizer(mlir::ModuleOp module, const QuantizeOptions &options,
                 QuantizedModelSink &sink)
      : module(module), options(options), sink(sink),
        filter(TargetFilter::forModule(module, options.skip)) {}

  Result<QuantizeSummary> run();
  Result<MemoryPlan> planMemory();

private:
  Status analyse();
  /// Reads the calibration data and compiles the layers.
  Status prepare();
  /// Makes the hidden states before the first layer.
  Status embed();
  Status openStatistics();
  Status openJournal();
  Status quantizeLayer(size_t index);
  Status roundLayer(size_t index);
  /// What some sites of a layer see, in the order of `observed`.
  Result<std::vector<calibration::StatisticsAccumulator>>
  observe(size_t index, CompiledPart &part,
          const std::vector<std::vector<float>> &weights,
          llvm::ArrayRef<size_t> observed, bool keep);
  Status gather(size_t index, CompiledPart &part,
                std::vector<std::vector<float>> weights,
                StatisticsSource &source, Event &event);
  /// Replaces the statistics of experts that got few tokens by those that all
  /// tokens of the block would give.
  Status lendTokens(size_t index, CompiledPart &part,
                    const std::vector<std::vector<float>> &weights,
                    std::vector<calibration::StatisticsAccumulator> &statistics,
                    Event &event);
  Status search(LayerWork &work, StatisticsSource &source, Event &event);
  Status judge();

  Result<std::vector<std::vector<float>>> readWeights(LayerWork &work);
  Result<std::vector<std::vector<float>>>
  storedWeights(mlir::func::FuncOp layer, const LayerResult &result);
  /// What is to be written of a quantized layer.
  Result<LayerResult> collect(LayerWork &work);
  /// Hands it to the sink.
  Status hand(size_t index, const LayerResult &result);
  Result<LayerResult> round(mlir::func::FuncOp layer);
  Status advanceExact(size_t index, CompiledPart &part);
  Status advanceGuard(size_t index, CompiledPart &part,
                      const LayerResult &result);

  void emit(const Event &event) const {
    if (options.onEvent)
      options.onEvent(event);
  }
  void noteMemory() {
    int64_t held = hiddenBytes;
    summary.peakAnonymousBytes =
        std::max(summary.peakAnonymousBytes, watch.peak() - baseline - held);
    summary.peakBytes = std::max(summary.peakBytes, watch.peak());
  }

  mlir::ModuleOp module;
  const QuantizeOptions &options;
  QuantizedModelSink &sink;
  TargetFilter filter;
  QuantizeSummary summary;
  QuantizedModelPlan plan;
  MemoryWatch watch;
  int64_t baseline = 0, hiddenBytes = 0;

  ModelParts parts;
  CalibrationData data;
  std::unique_ptr<LayerStreams> streams;
  Stream exact, rounded, scaled;
  std::optional<calibration::StatisticsWriter> gathered;
  std::optional<QuantizeJournal> journal;
};

} // namespace awq

#endif // AWQ_LIB_PIPELINES_MODELQUANTIZER_H
