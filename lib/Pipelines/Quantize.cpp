//===- Quantize.cpp - quantizes a model layer by layer -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Quantize.h"

#include "LayerStreams.h"
#include "MemoryWatch.h"
#include "QuantizationTargets.h"
#include "SearchEvents.h"

#include "awq/Dialect/AWQ/Transforms/Quantization.h"

#include <chrono>

using namespace mlir;
using namespace awq;
using Json = nlohmann::ordered_json;

QuantizedModelSink::~QuantizedModelSink() = default;

namespace {

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

/// A layer in a module of its own, on its way to a quantized one.
struct LayerWork {
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::unique_ptr<ParameterStore> store;

  explicit LayerWork(func::FuncOp layer)
      : module(extractFunction(layer)), function(getFunction(*module)),
        store(std::make_unique<ParameterStore>(*module,
                                               ParameterStore::Mode::Memory)) {}
};

/// One run over a model.
class ModelQuantizer {
public:
  ModelQuantizer(ModuleOp module, const QuantizeOptions &options,
                 QuantizedModelSink &sink)
      : module(module), options(options), sink(sink),
        filter(TargetFilter::forModule(module, options.skip)) {}

  Result<QuantizeSummary> run();

private:
  Status analyse();
  Status prepare();
  Status openStatistics();
  Status quantizeLayer(size_t index);
  Status roundLayer(size_t index);
  /// What some sites of a layer see, in the order of `observed`.
  Result<std::vector<calibration::StatisticsAccumulator>>
  observe(size_t index, CompiledPart &part,
          const std::vector<std::vector<float>> &weights,
          ArrayRef<size_t> observed, bool keep);
  Status gather(size_t index, CompiledPart &part,
                std::vector<std::vector<float>> weights,
                StatisticsSource &source, Json &event);
  /// Replaces the statistics of experts that got few tokens by those that all
  /// tokens of the block would give.
  Status lendTokens(size_t index, CompiledPart &part,
                    const std::vector<std::vector<float>> &weights,
                    std::vector<calibration::StatisticsAccumulator> &statistics,
                    Json &event);
  Status search(LayerWork &work, StatisticsSource &source, Json &event);
  Status judge();
  Status write(LayerWork &work);
  std::string weightName(QuantizedLinearOp op) const;
  Result<std::vector<std::vector<float>>> readWeights(LayerWork &work,
                                                      bool stored);

  void emit(const Json &event) const {
    if (options.onEvent)
      options.onEvent(event);
  }
  void noteMemory() {
    int64_t held = hiddenBytes;
    summary.peakAnonymousBytes =
        std::max(summary.peakAnonymousBytes, watch.peak() - baseline - held);
  }

  ModuleOp module;
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
};

} // namespace

//===----------------------------------------------------------------------===//
// Before the layers
//===----------------------------------------------------------------------===//

Status ModelQuantizer::analyse() {
  Result<ModelParts> cut = ModelParts::cut(module);
  if (!cut)
    return cut.error();
  parts = std::move(*cut);
  summary.layers = parts.layers.size();
  Result<QuantizationTargets> targets =
      findTargets(module, filter, options.scheme);
  if (!targets)
    return targets.error();
  plan = std::move(targets->plan);
  summary.groups = targets->groups;
  summary.linears = plan.weights.size();
  emit({{"event", "groups"},
        {"count", summary.groups},
        {"reported", targets->reported}});
  return Status();
}

/// The vocabulary: the rows of the table that the tokens choose from.
static int64_t getVocabulary(ModelParts &parts) {
  int64_t rows = 0;
  for (OpOperand *read : getParameterReads(getFunction(*parts.prologue)))
    if (read->getOwner()->getName().getStringRef() == "decoder.embedding")
      rows = cast<RankedTensorType>(read->get().getType()).getDimSize(0);
  return rows;
}

Status ModelQuantizer::prepare() {
  if (!parts.head)
    return Error{ErrorKind::Unsupported, "AWQ1324",
                 "the module has no function @head, so quantized models "
                 "cannot be judged",
                 "", "import the whole model, or use --quantize=rtn"};
  Result<CalibrationData> read =
      readCalibrationData(options.calibration, getVocabulary(parts));
  if (!read)
    return read.error();
  data = std::move(*read);
  if (!(options.shrinkage >= 0.0) || !(options.shrinkage <= 1.0))
    return Error{ErrorKind::Usage, "AWQ1314",
                 "correlations cannot be shrunk by " +
                     std::to_string(options.shrinkage),
                 "", "give a shrinkage from 0 to 1"};
  if (options.skipTokens >= data.length)
    return Error{ErrorKind::Usage, "AWQ1322",
                 "nothing is left of samples of " +
                     std::to_string(data.length) + " tokens without their " +
                     "first " + std::to_string(options.skipTokens),
                 options.calibration,
                 "skip fewer tokens, or give longer samples"};
  jit::setThreads(options.threads);
  streams = std::make_unique<LayerStreams>(module, parts, filter, data);
  if (Status status = streams->compileAll(); !status)
    return status;
  if (Status status = openStatistics(); !status)
    return status;
  watch.reset();
  baseline = MemoryWatch::current();
  Result<Stream> embedded = streams->embed();
  if (!embedded)
    return embedded.error();
  exact = std::move(*embedded);
  for (int64_t sample = 0; sample < data.samples; ++sample)
    if (data.parts[sample] == calibration::Part::Guard) {
      rounded.samples.push_back(sample);
      rounded.hidden.push_back(exact.hidden[sample]);
    }
  scaled = rounded;
  hiddenBytes = streams->bytes(exact);
  for (const Stream *stream : {&rounded, &scaled})
    for (const std::vector<float> &hidden : stream->hidden)
      hiddenBytes += hidden.size() * sizeof(float);
  return Status();
}

/// Begins the statistics file: what it will hold is known before the search.
Status ModelQuantizer::openStatistics() {
  if (options.statistics.empty())
    return Status();
  Result<std::string> model = fingerprintModel(module);
  if (!model)
    return model.error();
  calibration::Fingerprints prints = data.fingerprints;
  prints.model = *model;
  // Every part has tokens: see readCalibrationData.
  calibration::StatisticsWriter::PartPlan part{/*tokens=*/true,
                                               options.statisticsGram};
  std::vector<calibration::StatisticsWriter::SitePlan> sites;
  for (size_t layer = 0; layer < parts.layers.size(); ++layer) {
    Result<CompiledPart> compiled = streams->compileLayer(layer);
    if (!compiled)
      return compiled.error();
    for (auto [index, name] : llvm::enumerate(compiled->sites()))
      sites.push_back({name, compiled->resultChannels(index + 1), part, part});
  }
  auto writer = calibration::StatisticsWriter::create(options.statistics,
                                                      prints, std::move(sites));
  if (!writer)
    return writer.error();
  gathered.emplace(std::move(*writer));
  return Status();
}

//===----------------------------------------------------------------------===//
// One layer
//===----------------------------------------------------------------------===//

/// The layer's weights as it reads them; if `stored`, as they will be read back
/// from what is written.
Result<std::vector<std::vector<float>>>
ModelQuantizer::readWeights(LayerWork &work, bool stored) {
  DiagnosticCollector collector(module.getContext());
  std::vector<std::vector<float>> weights;
  for (OpOperand *read : getParameterReads(work.function)) {
    auto quantized = dyn_cast<QuantizedLinearOp>(read->getOwner());
    if (quantized && read->get() == quantized.getCodes()) {
      FailureOr<QuantizedMatrix> matrix =
          readQuantizedWeight(quantized, *work.store);
      if (failed(matrix))
        return collector.error("calibration");
      weights.push_back(dequantize(*matrix));
      continue;
    }
    if (quantized && read->get() != quantized.getBias())
      continue; // scales and zeros are in the weight
    FailureOr<std::vector<float>> values = work.store->readFloats(read->get());
    if (failed(values))
      return collector.error("calibration");
    if (stored)
      sink.roundToStored(*values);
    weights.push_back(std::move(*values));
  }
  return weights;
}

/// Tokens of each part below which an expert's statistics say too little.
static constexpr int64_t fewFitTokens = 32;
static constexpr int64_t fewGuardTokens = 8;

Result<std::vector<calibration::StatisticsAccumulator>>
ModelQuantizer::observe(size_t index, CompiledPart &part,
                        const std::vector<std::vector<float>> &weights,
                        ArrayRef<size_t> observed, bool keep) {
  std::vector<calibration::StatisticsAccumulator> accumulators;
  SmallVector<int> place(part.sites().size(), -1);
  for (size_t site : observed) {
    place[site] = accumulators.size();
    accumulators.emplace_back(
        part.sites()[site], part.resultChannels(site + 1),
        calibration::StatisticsAccumulator::Options{
            /*gram=*/true, options.skipTokens, options.shrinkage});
  }
  Status status = streams->advance(
      index, part, weights, exact,
      [&](size_t site, int64_t sample, const float *values) {
        return place[site] < 0
                   ? Status()
                   : accumulators[place[site]].add(sample, data.parts[sample],
                                                   values, data.length);
      },
      keep);
  if (!status)
    return status.error();
  return accumulators;
}

Status ModelQuantizer::gather(size_t index, CompiledPart &part,
                              std::vector<std::vector<float>> weights,
                              StatisticsSource &source, Json &event) {
  auto all = llvm::to_vector(llvm::seq<size_t>(0, part.sites().size()));
  int64_t gramBytes = 0, layerBytes = 0;
  bool hasExperts = false;
  for (size_t site : all) {
    // One matrix for each part of the samples.
    int64_t channels = part.resultChannels(site + 1);
    gramBytes += 2 * channels * channels * sizeof(float);
    hasExperts |= part.isRouted(site);
  }
  for (const std::vector<float> &weight : weights)
    layerBytes += weight.size() * sizeof(float);
  summary.gramBytes = std::max(summary.gramBytes, gramBytes);
  summary.layerBytes = std::max(summary.layerBytes, layerBytes);
  // An expert that got few tokens is observed once more with those of the
  // others, so the hidden states must stay until then.
  auto statistics = observe(index, part, weights, all, /*keep=*/!hasExperts);
  if (!statistics)
    return statistics.error();
  if (hasExperts) {
    if (Status status = lendTokens(index, part, weights, *statistics, event);
        !status)
      return status;
    if (Status status =
            streams->advance(index, part, weights, exact, /*observe=*/nullptr);
        !status)
      return status;
  }
  // The search needs whole matrices and evaluates weights one by one.
  weights.clear();
  part.releaseScratch();
  MemoryWatch::giveBack();
  for (calibration::StatisticsAccumulator &accumulator : *statistics) {
    calibration::SiteStatistics site = accumulator.take();
    if (gathered)
      if (Status status = gathered->write(site); !status)
        return status;
    source.set(std::move(site));
  }
  return Status();
}

Status ModelQuantizer::lendTokens(
    size_t index, CompiledPart &part,
    const std::vector<std::vector<float>> &weights,
    std::vector<calibration::StatisticsAccumulator> &statistics, Json &event) {
  SmallVector<size_t> poor;
  event["borrowed"] = Json::array();
  for (auto [site, found] : llvm::enumerate(statistics)) {
    int64_t fit = found.tokens(calibration::Part::Fit);
    int64_t guard = found.tokens(calibration::Part::Guard);
    if (!part.isRouted(site) ||
        (fit >= fewFitTokens && guard >= fewGuardTokens))
      continue;
    poor.push_back(site);
    event["borrowed"].push_back({{"site", part.sites()[site]},
                                 {"tokens", fit},
                                 {"guard_tokens", guard}});
  }
  if (poor.empty())
    return Status();
  Result<CompiledPart> whole = streams->compileLayer(index, /*allTokens=*/true);
  if (!whole)
    return whole.error();
  auto lent = observe(index, *whole, weights, poor, /*keep=*/false);
  if (!lent)
    return lent.error();
  for (auto [site, found] : llvm::zip_equal(poor, *lent))
    statistics[site] = std::move(found);
  return Status();
}

Status ModelQuantizer::search(LayerWork &work, StatisticsSource &source,
                              Json &event) {
  DiagnosticCollector collector(module.getContext());
  insertObservers(work.function, filter);
  auto scales =
      searchScales(work.function, filter, options.scheme, source, *work.store);
  if (failed(scales))
    return collector.error("search-scales");
  applyScales(work.function);
  MemoryWatch::giveBack();
  event["groups"] = Json::array();
  for (const ScaleReport &report : *scales)
    event["groups"].push_back(describe(report));
  event["linears"] = Json::array();
  if (options.searchClips) {
    auto clips =
        searchClips(work.function, filter, options.scheme, source, *work.store);
    if (failed(clips))
      return collector.error("search-clips");
    for (const ClipReport &report : *clips)
      event["linears"].push_back(describe(report));
  }
  ScaleRefit refit{source, {}, {}};
  if (failed(quantizeWeights(work.function, filter, options.scheme, *work.store,
                             options.refitScales ? &refit : nullptr)))
    return collector.error("quantize-weights");
  event["refits"] = Json::array();
  for (const RefitReport &report : refit.reports)
    event["refits"].push_back(describe(report));
  removeObservers(work.function);
  return Status();
}

std::string ModelQuantizer::weightName(QuantizedLinearOp op) const {
  // The codes are called after the weight that they replace.
  std::string name = getOpName(op);
  for (const QuantizedModelPlan::Weight &weight : plan.weights)
    if (StringRef(weight.name).rsplit('.').first == name)
      return weight.name;
  return name;
}

Status ModelQuantizer::write(LayerWork &work) {
  DiagnosticCollector collector(module.getContext());
  for (OpOperand *read : getParameterReads(work.function)) {
    auto quantized = dyn_cast<QuantizedLinearOp>(read->getOwner());
    if (quantized && read->get() == quantized.getCodes()) {
      FailureOr<QuantizedMatrix> matrix =
          readQuantizedWeight(quantized, *work.store);
      if (failed(matrix))
        return collector.error("write");
      if (Status status = sink.writeWeight(weightName(quantized), *matrix);
          !status)
        return status;
      continue;
    }
    if (!isParameterExpression(read->get()))
      continue;
    FailureOr<std::vector<float>> values = work.store->readFloats(read->get());
    if (failed(values))
      return collector.error("write");
    auto type = cast<RankedTensorType>(read->get().getType());
    if (Status status =
            sink.writeParameter(getParameterName(read->get()),
                                std::vector<int64_t>(type.getShape().begin(),
                                                     type.getShape().end()),
                                *values);
        !status)
      return status;
  }
  return Status();
}

Status ModelQuantizer::quantizeLayer(size_t index) {
  auto start = std::chrono::steady_clock::now();
  func::FuncOp layer = parts.layers[index];
  Json event = {
      {"event", "layer"}, {"index", index}, {"count", summary.layers}};
  Result<CompiledPart> part = streams->compileLayer(index);
  if (!part)
    return part.error();

  StatisticsSource source;
  LayerWork work(layer);
  {
    auto weights = readWeights(work, /*stored=*/false);
    if (!weights)
      return weights.error();
    if (Status status =
            gather(index, *part, std::move(*weights), source, event);
        !status)
      return status;
  }
  if (Status status = search(work, source, event); !status)
    return status;
  source.clear();
  MemoryWatch::giveBack();
  if (Status status = write(work); !status)
    return status;
  // The guard samples go on with the weights as they will be read, and as they
  // would be after rounding only.
  for (bool plain : {false, true}) {
    LayerWork plainWork(layer);
    DiagnosticCollector collector(module.getContext());
    if (plain && failed(quantizeWeights(plainWork.function, filter,
                                        options.scheme, *plainWork.store)))
      return collector.error("quantize-weights");
    auto weights = readWeights(plain ? plainWork : work, /*stored=*/true);
    if (!weights)
      return weights.error();
    if (Status status = streams->advance(index, *part, *weights,
                                         plain ? rounded : scaled, nullptr);
        !status)
      return status;
  }
  noteMemory();
  event["seconds"] = secondsSince(start);
  event["rss_bytes"] = MemoryWatch::current();
  emit(event);
  return Status();
}

Status ModelQuantizer::roundLayer(size_t index) {
  auto start = std::chrono::steady_clock::now();
  LayerWork work(parts.layers[index]);
  DiagnosticCollector collector(module.getContext());
  if (failed(
          quantizeWeights(work.function, filter, options.scheme, *work.store)))
    return collector.error("quantize-weights");
  if (Status status = write(work); !status)
    return status;
  emit({{"event", "layer"},
        {"index", index},
        {"count", summary.layers},
        {"seconds", secondsSince(start)},
        {"groups", Json::array()},
        {"rss_bytes", MemoryWatch::current()}});
  return Status();
}

//===----------------------------------------------------------------------===//
// The whole model
//===----------------------------------------------------------------------===//

Status ModelQuantizer::judge() {
  auto divergences =
      streams->compare(exact, {&rounded, &scaled}, options.judgedTokens);
  if (!divergences)
    return divergences.error();
  summary.klRtn = (*divergences)[0];
  summary.klAwq = (*divergences)[1];
  summary.accepted = summary.klAwq <= summary.klRtn;
  emit({{"event", "guard"},
        {"kl_rtn", summary.klRtn},
        {"kl_awq", summary.klAwq},
        {"accepted", summary.accepted}});
  return Status();
}

Result<QuantizeSummary> ModelQuantizer::run() {
  auto start = std::chrono::steady_clock::now();
  if (Status status = analyse(); !status)
    return status.error();
  bool calibrated = options.method == QuantizeMethod::Awq;
  if (calibrated)
    if (Status status = prepare(); !status)
      return status.error();
  if (Status status = sink.begin(plan); !status)
    return status.error();
  for (size_t i = 0; i < parts.layers.size(); ++i)
    if (Status status = calibrated ? quantizeLayer(i) : roundLayer(i); !status)
      return status.error();
  if (calibrated) {
    if (Status status = judge(); !status)
      return status.error();
    noteMemory();
  }
  if (!summary.accepted) {
    if (Status status = sink.begin(plan); !status)
      return status.error();
    for (size_t i = 0; i < parts.layers.size(); ++i)
      if (Status status = roundLayer(i); !status)
        return status.error();
  }
  // Before the model appears: a failure must not follow a finished folder.
  if (gathered)
    if (Status status = gathered->commit(); !status)
      return status.error();
  if (Status status = sink.finish(); !status)
    return status.error();
  summary.seconds = secondsSince(start);
  return summary;
}

Result<QuantizeSummary> awq::quantizeModel(ModuleOp module,
                                           const QuantizeOptions &options,
                                           QuantizedModelSink &sink) {
  return ModelQuantizer(module, options, sink).run();
}
