//===- StatisticsSource.cpp - where passes find statistics -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/StatisticsSource.h"

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"

using namespace mlir;
using namespace awq;

LogicalResult StatisticsSource::open(Location loc, const std::string &path) {
  if (path.empty())
    return success();
  Result<calibration::StatisticsFile> read = calibration::readStatistics(path);
  if (!read)
    return awq::emitError(loc, read.error());
  file = std::move(*read);
  return success();
}

void StatisticsSource::set(calibration::SiteStatistics statistics) {
  std::string name = statistics.name;
  sites[name] = std::move(statistics);
}

/// One part of the statistics attribute; what is missing stays empty.
static calibration::PartStatistics readPart(ObserveOp op, StringRef name) {
  calibration::PartStatistics part;
  auto dictionary = op.getStatisticsAttr().getAs<DictionaryAttr>(name);
  if (!dictionary)
    return part;
  if (auto tokens = dictionary.getAs<IntegerAttr>("tokens"))
    part.tokens = tokens.getInt();
  auto read = [&](StringRef key, std::vector<float> &values) {
    if (auto dense = dictionary.getAs<DenseFPElementsAttr>(key))
      values.assign(dense.value_begin<float>(), dense.value_end<float>());
  };
  read("mean_abs", part.meanAbs);
  read("max_abs", part.maxAbs);
  read("mean_square", part.meanSquare);
  read("gram", part.gram);
  return part;
}

FailureOr<const calibration::SiteStatistics *>
StatisticsSource::get(ObserveOp op) {
  std::string site = op.getSite().str();
  int64_t channels = getNumChannels(op.getResult());
  const calibration::SiteStatistics *found = nullptr;
  if (auto set = sites.find(site); set != sites.end())
    found = &set->second;
  else
    found = file.find(site);
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
