//===- Quantize.cpp - quantizes a model layer by layer -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Quantize.h"

#include "ModelQuantizer.h"
#include "QuantizationTargets.h"

#include "awq/IO/Sha256.h"
#include "mlir/IR/OperationSupport.h"

#include <sys/stat.h>

using namespace mlir;
using namespace awq;
using Json = nlohmann::ordered_json;

QuantizedModelSink::~QuantizedModelSink() = default;

Status QuantizedModelSink::beginLayer(llvm::StringRef) { return {}; }

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
  watch.reset();
  baseline = MemoryWatch::current();
  return Status();
}

Status ModelQuantizer::embed() {
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

/// What makes a run the same as another one. Files of weights are told apart by
/// size and time: reading them would take as long as a layer.
static Json describeJob(ModuleOp module, const QuantizeOptions &options,
                        const CalibrationData &data) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  std::vector<std::string> paths = parameterFilePaths(module);
  OpPrintingFlags flags;
  if (!paths.empty()) // the weights are in files
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(16);
  module->print(stream, flags);
  Json files = Json::array();
  for (const std::string &path : paths) {
    struct stat info = {};
    (void)::stat(path.c_str(), &info);
    files.push_back(
        {path, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec});
  }
  return {{"version", AWQ_VERSION},
          {"model", io::sha256(text.data(), text.size())},
          {"weights", std::move(files)},
          {"tokens", io::sha256(data.tokens.data(),
                                data.tokens.size() * sizeof(int32_t))},
          {"guard", io::sha256(data.parts.data(),
                               data.parts.size() * sizeof(calibration::Part))},
          {"mask", io::sha256(data.mask.data(), data.mask.size())},
          {"bits", options.scheme.bits},
          {"group_size", options.scheme.group},
          {"symmetric", options.scheme.symmetric},
          {"skip", options.skip},
          {"autoawq", options.autoAwq},
          {"scale_ratios", options.scaleRatios},
          {"plain_scales", options.plainScales},
          {"search_clips", options.searchClips},
          {"refit_scales", options.refitScales},
          {"refine_codes", options.refineCodes},
          {"skip_tokens", options.skipTokens},
          {"shrinkage", options.shrinkage}};
}

Status ModelQuantizer::openJournal() {
  if (options.journal.empty())
    return Status();
  using Mode = QuantizeJournal::Mode;
  Result<QuantizeJournal> opened =
      QuantizeJournal::open(options.journal, describeJob(module, options, data),
                            options.resume    ? Mode::Resume
                            : options.restart ? Mode::Restart
                                              : Mode::Begin);
  if (!opened)
    return opened.error();
  journal.emplace(std::move(*opened));
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
  if (calibrated) {
    for (auto step : {&ModelQuantizer::prepare, &ModelQuantizer::openJournal,
                      &ModelQuantizer::openStatistics, &ModelQuantizer::embed})
      if (Status status = (this->*step)(); !status)
        return status.error();
  }
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
  if (journal)
    journal->remove();
  summary.seconds = secondsSince(start);
  return summary;
}

Result<QuantizeSummary> awq::quantizeModel(ModuleOp module,
                                           const QuantizeOptions &options,
                                           QuantizedModelSink &sink) {
  return ModelQuantizer(module, options, sink).run();
}
