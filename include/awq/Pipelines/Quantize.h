//===- Quantize.h - quantizes a model layer by layer -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_QUANTIZE_H
#define AWQ_PIPELINES_QUANTIZE_H

#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace awq {

/// What will come: known before the first number.
struct QuantizedModelPlan {
  /// A parameter [n, k] that becomes codes, scales and zero points.
  struct Weight {
    std::string linear; ///< the op's name
    std::string name;   ///< the parameter's
    int64_t n = 0, k = 0;
  };

  QuantScheme scheme;
  std::vector<Weight> weights;
  /// Linears whose weights stay float, by the name of the op.
  std::vector<std::string> floatLinears;
  /// Float parameters that decide a choice (the correction of a router): they
  /// must not be rounded further than they are.
  std::vector<std::string> exactParameters;
};

/// Where a quantized model goes. A call to begin(); for each layer in order
/// beginLayer(), its float parameters that changed, its weights; then finish().
/// begin() may come again: then everything written so far is void. Parameters
/// that are never written keep their values.
class QuantizedModelSink {
public:
  virtual ~QuantizedModelSink();

  virtual Status begin(const QuantizedModelPlan &plan) = 0;
  /// What follows belongs to the layer in this function of the module.
  virtual Status beginLayer(llvm::StringRef function);
  /// A float parameter whose values changed (a norm, a bias). `name` is empty
  /// if it has none; `place` counts the layer's reads of parameters in program
  /// order, but for the weights that become codes.
  virtual Status writeParameter(int64_t place, const std::string &name,
                                const std::vector<int64_t> &shape,
                                const std::vector<float> &values) = 0;
  /// The weight [N, K] of the linear of that name, in its quantized form.
  virtual Status writeWeight(const std::string &linear,
                             const QuantizedMatrix &matrix) = 0;
  /// Makes of a float parameter's values what they will be when the written
  /// model is read back.
  virtual void roundToStored(std::vector<float> &values) const = 0;
  virtual Status finish() = 0;
};

enum class QuantizeMethod {
  Rtn, ///< rounding only; needs no calibration
  Awq  ///< scales, clips, then rounding
};

struct QuantizeOptions {
  QuantizeMethod method = QuantizeMethod::Awq;
  QuantScheme scheme;
  /// Safetensors file with "tokens" I32 [samples, length] and "guard" U8
  /// [samples], and perhaps "mask" U8 [samples, length], 0 for tokens that
  /// count neither in statistics nor in the last judgement; needed for Awq.
  std::string calibration;
  /// If not empty, the statistics of all sites are written there.
  std::string statistics;
  /// Also with their Gram matrices, which awq-search-scales needs and which are
  /// large: 4 C^2 bytes for each part of a site of C channels.
  bool statisticsGram = false;
  /// Linears whose name contains one of these stay float.
  std::vector<std::string> skip;
  /// If not empty, a folder that keeps the results of finished layers until the
  /// run ends well.
  std::string journal;
  /// Go on behind the finished layers of an interrupted run, or begin anew and
  /// forget them. With neither, finding some is an error.
  bool resume = false;
  bool restart = false;
  /// AutoAWQ's arithmetic and its search: no refit, no refinement.
  bool autoAwq = false;
  /// Points of each grid of channel scales, and whether there is one that does
  /// not look at the weights.
  int scaleRatios = 20;
  bool plainScales = true;
  bool searchClips = true;
  /// Fit scales to codes in the end.
  bool refitScales = true;
  /// Move codes off the nearest level where the output gains.
  bool refineCodes = true;
  /// Tokens at the start of each sample that the statistics leave out. The
  /// activations of the first one dwarf all others in some layers; but all
  /// others attend to it, and leaving it out hurts SmolLM2.
  int64_t skipTokens = 0;
  /// How far correlations of channels are shrunk; see
  /// StatisticsAccumulator::Options.
  double shrinkage = 0.5;
  /// Guard tokens at most on which the two models are compared.
  int64_t judgedTokens = 4096;
  /// 0: one per processor.
  int threads = 0;
  /// Called with each event (see docs); may be empty.
  std::function<void(const nlohmann::ordered_json &)> onEvent;
};

struct QuantizeSummary {
  int64_t layers = 0;
  int64_t groups = 0;
  int64_t linears = 0;
  /// Mean KL divergence from the float model on the guard tokens.
  double klRtn = 0.0, klAwq = 0.0;
  /// False where rounding only was written because the scaled and clipped model
  /// was worse on the guard part.
  bool accepted = true;
  double seconds = 0.0;
  /// Peak of anonymous memory above the start, without the hidden states.
  int64_t peakAnonymousBytes = 0;
  /// The same with the start and the hidden states.
  int64_t peakBytes = 0;
  /// What the peak is measured by: the weights of the largest layer in f32, and
  /// its Gram matrices of both parts of the samples.
  int64_t layerBytes = 0, gramBytes = 0;
};

/// Quantizes the linears of the module's decoder layers (functions with
/// `awq.layer`, called one after the other by one public function) and hands
/// the results to `sink`. The module is not changed.
///
/// Streams layer by layer over cached hidden states: at any time the weights,
/// Gram matrices and results of one layer are in memory. The guard part of the
/// samples judges each group, each linear, and at last the whole model against
/// rounding only. That last judgement runs the layers as they will be read
/// back, norms and biases included; embedding and head, the same in both, are
/// run as they are.
///
/// Errors: AWQ1320 (no layers, or a graph that cannot be cut at them), AWQ1321
/// (the calibration file does not fit), AWQ1322 (an empty fit or guard part),
/// AWQ1314 (a shrinkage that is no share), AWQ1324 (calibration without @head),
/// AWQ1325 (a part of a name to skip that no linear has), AWQ1326 (nothing is
/// left to quantize), AWQ1327 to AWQ1329 (the journal), those of compileForCPU,
/// of the searches and of the sink; AWQ1510 carries what a pass reported.
Result<QuantizeSummary> quantizeModel(mlir::ModuleOp module,
                                      const QuantizeOptions &options,
                                      QuantizedModelSink &sink);

/// What a calibration will need of anonymous memory, in bytes.
struct MemoryPlan {
  int64_t layers = 0;
  int64_t linears = 0;
  /// The process with its compiled layers, before the first sample.
  int64_t process = 0;
  /// The hidden states of all samples, and of the guard part's twice more.
  int64_t hidden = 0;
  /// Of the largest layer: its weights in f32, and its Gram matrices.
  int64_t layer = 0, gram = 0;
  /// The most that a layer needs on top of process and hidden states.
  int64_t work = 0;

  int64_t peak() const { return process + hidden + work; }
};

/// Predicts what quantizeModel will need with these options, from the sizes of
/// the calibration data and not from what is in them. Compiles the layers, as
/// their code is part of the process. Errors: those of quantizeModel before its
/// first layer.
Result<MemoryPlan> planQuantization(mlir::ModuleOp module,
                                    const QuantizeOptions &options);

/// A sink that makes a Hugging Face folder in AutoAWQ's format at
/// `destination`, with everything that is not quantized taken from the folder
/// `source`. The folder appears when finish() succeeds; it replaces an older
/// one if `force`. Errors: those of AutoAwqWriter and Checkpoint; AWQ1323 (a
/// tensor of a type that is not a float).
std::unique_ptr<QuantizedModelSink>
createAutoAwqSink(std::string source, std::string destination, bool force);

/// A sink that makes a module: `source` with quantized linears and the float
/// parameters that changed, in f32. New parameters go to the safetensors file
/// `sideFile`, which the module lists, if those that they replace lie in files;
/// else they are constants. One weight is in memory at a time.
class ModuleSink : public QuantizedModelSink {
public:
  ModuleSink(mlir::ModuleOp source, std::string sideFile);
  ~ModuleSink() override;

  Status begin(const QuantizedModelPlan &plan) override;
  Status beginLayer(llvm::StringRef function) override;
  Status writeParameter(int64_t place, const std::string &name,
                        const std::vector<int64_t> &shape,
                        const std::vector<float> &values) override;
  Status writeWeight(const std::string &linear,
                     const QuantizedMatrix &matrix) override;
  /// Nothing is rounded.
  void roundToStored(std::vector<float> &values) const override;
  Status finish() override;

  /// The module, after finish().
  mlir::OwningOpRef<mlir::ModuleOp> take();

private:
  struct State;
  mlir::ModuleOp source;
  std::string sideFile;
  std::unique_ptr<State> state;
};

} // namespace awq

#endif // AWQ_PIPELINES_QUANTIZE_H
