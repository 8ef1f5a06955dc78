//===- StatisticsSource.cpp - where passes find statistics -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/StatisticsSource.h"

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Providers.h"
#include "awq/IO/Fingerprint.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace awq;

Result<std::string> awq::fingerprintModel(ModuleOp module) {
  Result<std::vector<io::Checkpoint>> files = openParameterFiles(module);
  if (!files)
    return files.error();
  std::map<std::string, io::TensorView> tensors;
  for (const io::Checkpoint &file : *files) {
    if (isSideFile(file))
      continue;
    // As for reading, a later file overrides an earlier one.
    for (const std::string &name : file.names())
      tensors[name] = *file.find(name);
  }
  std::vector<io::TensorView> views;
  for (const auto &tensor : tensors)
    views.push_back(tensor.second);
  return views.empty() ? std::string() : io::fingerprint(std::move(views));
}

LogicalResult StatisticsSource::open(ModuleOp module, const std::string &path) {
  if (path.empty())
    return success();
  Result<calibration::StatisticsReader> opened =
      calibration::StatisticsReader::open(path);
  if (!opened)
    return awq::emitError(module.getLoc(), opened.error());
  Result<std::string> model = fingerprintModel(module);
  if (!model)
    return awq::emitError(module.getLoc(), model.error());
  if (Status status = calibration::checkFingerprints(opened->fingerprints(),
                                                     {*model, "", ""}, path);
      !status)
    return awq::emitError(module.getLoc(), status.error());
  file = std::move(*opened);
  return success();
}

void StatisticsSource::set(calibration::SiteStatistics statistics) {
  std::string name = statistics.name;
  sites[name] = std::move(statistics);
}

/// The numbers of an attribute that the verifier of `awq.observe` accepts;
/// nothing if its resource was elided. MLIR does not compare a resource with
/// its type.
static std::vector<float> readNumbers(Attribute attribute) {
  if (auto dense = dyn_cast_or_null<DenseFPElementsAttr>(attribute))
    return {dense.value_begin<float>(), dense.value_end<float>()};
  auto resource = dyn_cast_or_null<DenseF32ResourceElementsAttr>(attribute);
  if (!resource || !resource.getRawHandle().getBlob())
    return {};
  std::optional<ArrayRef<float>> values = resource.tryGetAsArrayRef();
  if (!values || int64_t(values->size()) != resource.getType().getNumElements())
    return {};
  return values->vec();
}

/// One part of the statistics attribute; what is missing stays empty.
static calibration::PartStatistics readPart(ObserveOp op, StringRef name) {
  calibration::PartStatistics part;
  auto dictionary = op.getStatisticsAttr().getAs<DictionaryAttr>(name);
  if (!dictionary)
    return part;
  if (auto tokens = dictionary.getAs<IntegerAttr>("tokens"))
    part.tokens = tokens.getInt();
  part.meanAbs = readNumbers(dictionary.get("mean_abs"));
  part.maxAbs = readNumbers(dictionary.get("max_abs"));
  part.meanSquare = readNumbers(dictionary.get("mean_square"));
  part.gram = readNumbers(dictionary.get("gram"));
  return part;
}

FailureOr<const calibration::SiteStatistics *>
StatisticsSource::get(ObserveOp op) {
  std::string site = op.getSite().str();
  int64_t channels = getNumChannels(op.getResult());
  const calibration::SiteStatistics *found = nullptr;
  if (auto set = sites.find(site); set != sites.end())
    found = &set->second;
  if (!found && file && file->has(site)) {
    Result<calibration::SiteStatistics> read = file->read(site);
    if (!read)
      return awq::emitError(op.getLoc(), read.error());
    found = &(sites[site] = std::move(*read));
  }
  if (!found) {
    FailureOr<std::optional<calibration::SiteStatistics>> provided =
        findProvidedStatistics(op.getLoc(), site, channels);
    if (failed(provided))
      return failure();
    if (*provided)
      found = &(sites[site] = std::move(**provided));
  }
  if (!found && op.getStatisticsAttr()) {
    calibration::SiteStatistics statistics;
    statistics.name = site;
    statistics.channels = channels;
    statistics.fit = readPart(op, "fit");
    statistics.guard = readPart(op, "guard");
    found = &(sites[site] = std::move(statistics));
  }
  if (!found)
    return op.emitOpError("there are no statistics of site '")
           << site << "'; calibrate the model and give statistics=FILE";
  if (found->channels != channels)
    return op.emitOpError("statistics of site '")
           << site << "' are of " << found->channels
           << " channels, but the value has " << channels
           << "; they were made from another model";
  if (found->fit.gram.empty() || found->fit.meanAbs.empty())
    return op.emitOpError("statistics of site '")
           << site
           << "' have no mean_abs or no Gram matrix in the fit part; "
              "calibrate again and ask for Gram matrices";
  return found;
}
