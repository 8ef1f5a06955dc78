//===- StatisticsFile.cpp - statistics on disk ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/StatisticsFile.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

using namespace awq;
using namespace awq::calibration;

static constexpr const char *formatName = "awq-statistics";
static constexpr const char *formatVersion = "1";

const SiteStatistics *StatisticsFile::find(const std::string &name) const {
  auto it = std::find_if(sites.begin(), sites.end(),
                         [&](const auto &site) { return site.name == name; });
  return it == sites.end() ? nullptr : &*it;
}

static Error fileError(const char *code, std::string message, std::string where,
                       std::string help) {
  return {ErrorKind::Malformed, code, std::move(message), std::move(where),
          std::move(help)};
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {

/// One vector or matrix of one part.
struct Field {
  const char *name;
  std::vector<float> PartStatistics::*values;
  int rank;
};

} // namespace

static constexpr Field fields[] = {
    {"mean_abs", &PartStatistics::meanAbs, 1},
    {"max_abs", &PartStatistics::maxAbs, 1},
    {"mean_square", &PartStatistics::meanSquare, 1},
    {"gram", &PartStatistics::gram, 2},
};

static std::string prefixOf(const std::string &site, Part part) {
  return site + "/" + name(part) + "/";
}

static std::vector<int64_t> shapeOf(const Field &field, int64_t channels) {
  return std::vector<int64_t>(field.rank, channels);
}

using PartPlan = StatisticsWriter::PartPlan;
using SitePlan = StatisticsWriter::SitePlan;

static const PartPlan &partOf(const SitePlan &site, Part which) {
  return which == Part::Fit ? site.fit : site.guard;
}

/// Whether a field of a part belongs into the file.
static bool isWritten(const Field &field, const PartPlan &part) {
  return part.tokens && (field.rank == 1 || part.gram);
}

static Error planError(const std::string &path, std::string message) {
  return {ErrorKind::Internal, "AWQ1304", std::move(message), path,
          "please report this"};
}

Result<StatisticsWriter>
StatisticsWriter::create(const std::string &path,
                         const Fingerprints &fingerprints,
                         std::vector<SitePlan> sites) {
  std::vector<io::TensorSpec> specs;
  std::map<std::string, SitePlan> plans;
  for (SitePlan &site : sites) {
    for (Part which : {Part::Fit, Part::Guard}) {
      std::string prefix = prefixOf(site.name, which);
      specs.push_back({prefix + "tokens", io::DType::I64, {1}});
      for (const Field &field : fields)
        if (isWritten(field, partOf(site, which)))
          specs.push_back({prefix + field.name, io::DType::F32,
                           shapeOf(field, site.channels)});
    }
    std::string name = site.name;
    if (!plans.emplace(name, std::move(site)).second)
      return planError(path, "site " + name + " is given twice");
  }
  auto file = io::SafetensorsWriter::create(
      path, specs,
      {{"format", formatName},
       {"version", formatVersion},
       {"model_sha256", fingerprints.model},
       {"tokenizer_sha256", fingerprints.tokenizer},
       {"data_sha256", fingerprints.data}});
  if (!file)
    return file.error();
  StatisticsWriter writer(std::move(*file));
  writer.plans = std::move(plans);
  return writer;
}

Status StatisticsWriter::write(const SiteStatistics &site) {
  auto plan = plans.find(site.name);
  if (plan == plans.end() || plan->second.channels != site.channels)
    return planError(file.path(), "site " + site.name + " with " +
                                      std::to_string(site.channels) +
                                      " channels was not planned");
  for (Part which : {Part::Fit, Part::Guard}) {
    const PartStatistics &part = site.part(which);
    const PartPlan &planned = partOf(plan->second, which);
    std::string prefix = prefixOf(site.name, which);
    if (planned.tokens != (part.tokens > 0))
      return planError(file.path(), prefix + "tokens is " +
                                        std::to_string(part.tokens) +
                                        ", other than planned");
    if (Status status =
            file.write(prefix + "tokens", &part.tokens, sizeof part.tokens);
        !status)
      return status;
    for (const Field &field : fields) {
      if (!isWritten(field, planned))
        continue;
      const std::vector<float> &values = part.*field.values;
      size_t wanted =
          field.rank == 1 ? site.channels : site.channels * site.channels;
      if (values.size() != wanted)
        return planError(file.path(), prefix + field.name + " has " +
                                          std::to_string(values.size()) +
                                          " numbers instead of " +
                                          std::to_string(wanted));
      if (Status status = file.write(prefix + field.name, values.data(),
                                     values.size() * sizeof(float));
          !status)
        return status;
    }
  }
  return {};
}

Status calibration::writeStatistics(const std::string &path,
                                    const StatisticsFile &file, bool grams) {
  std::vector<SitePlan> plans;
  auto planOf = [&](const PartStatistics &part) {
    return PartPlan{part.tokens > 0, grams && !part.gram.empty()};
  };
  for (const SiteStatistics &site : file.sites)
    plans.push_back(
        {site.name, site.channels, planOf(site.fit), planOf(site.guard)});
  auto writer =
      StatisticsWriter::create(path, file.fingerprints, std::move(plans));
  if (!writer)
    return writer.error();
  for (const SiteStatistics &site : file.sites)
    if (Status status = writer->write(site); !status)
      return status;
  return writer->commit();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static Error tensorError(const io::SafetensorsFile &file,
                         const std::string &tensor, std::string message) {
  return fileError("AWQ1307", std::move(message),
                   file.path() + ", tensor " + tensor,
                   "the file is damaged or was made by another program; "
                   "calibrate again");
}

Result<StatisticsReader> StatisticsReader::open(const std::string &path) {
  auto opened = io::SafetensorsFile::open(path);
  if (!opened)
    return opened.error();
  StatisticsReader reader(std::move(*opened));
  const auto &metadata = reader.file.metadata();
  auto value = [&](const char *key) {
    auto it = metadata.find(key);
    return it == metadata.end() ? std::string() : it->second;
  };
  if (value("format") != formatName || value("version") != formatVersion)
    return fileError("AWQ1306",
                     "this is no statistics file of version " +
                         std::string(formatVersion) + " (format \"" +
                         value("format") + "\", version \"" + value("version") +
                         "\")",
                     path, "make it again with this release");
  reader.prints = {value("model_sha256"), value("tokenizer_sha256"),
                   value("data_sha256")};
  for (const io::TensorView &tensor : reader.file.tensors()) {
    size_t field = tensor.name.rfind('/');
    size_t part = field == std::string::npos || field == 0
                      ? std::string::npos
                      : tensor.name.rfind('/', field - 1);
    if (part == std::string::npos || part == 0)
      return tensorError(reader.file, tensor.name,
                         "the name is not <site>/<part>/<statistic>");
    reader.bySite[tensor.name.substr(0, part)].emplace(
        tensor.name.substr(part + 1), tensor);
  }
  return reader;
}

std::vector<std::string> StatisticsReader::sites() const {
  std::vector<std::string> names;
  for (const auto &site : bySite)
    names.push_back(site.first);
  return names;
}

Result<SiteStatistics> StatisticsReader::read(const std::string &name) const {
  if (Status status = file.checkUnchanged(); !status)
    return status.error();
  const SiteTensors &tensors = bySite.at(name);
  SiteStatistics site;
  site.name = name;
  std::set<std::string> known;
  for (Part which : {Part::Fit, Part::Guard}) {
    std::string prefix = std::string(calibration::name(which)) + "/";
    known.insert(prefix + "tokens");
    for (const Field &field : fields)
      known.insert(prefix + field.name);
    auto it = tensors.find(prefix + "mean_abs");
    if (it != tensors.end() && site.channels == 0)
      site.channels = it->second.elementCount();
  }
  for (const auto &[field, tensor] : tensors)
    if (!known.count(field))
      return tensorError(file, tensor.name, "no such statistic");
  for (Part which : {Part::Fit, Part::Guard})
    if (Status status = readPart(tensors, which, site); !status)
      return status.error();
  return site;
}

Status StatisticsReader::readPart(const SiteTensors &tensors, Part which,
                                  SiteStatistics &site) const {
  PartStatistics &part = site.part(which);
  std::string prefix = std::string(name(which)) + "/";
  auto tokens = tensors.find(prefix + "tokens");
  if (tokens == tensors.end())
    return tensorError(file, site.name + "/" + prefix + "tokens",
                       "the tensor is missing");
  const io::TensorView &count = tokens->second;
  if (count.dtype != io::DType::I64 || count.shape != std::vector<int64_t>{1})
    return tensorError(file, count.name, "it must be I64 of shape [1]");
  std::memcpy(&part.tokens, count.data, sizeof part.tokens);
  if (part.tokens < 0)
    return tensorError(file, count.name, "the number of tokens is negative");
  for (const Field &field : fields) {
    auto it = tensors.find(prefix + field.name);
    bool wanted = part.tokens > 0 && field.rank == 1;
    if (it == tensors.end()) {
      if (wanted)
        return tensorError(file, site.name + "/" + prefix + field.name,
                           "the tensor is missing");
      continue;
    }
    const io::TensorView &tensor = it->second;
    if (part.tokens == 0)
      return tensorError(file, tensor.name, "the part has no tokens");
    if (tensor.dtype != io::DType::F32 ||
        tensor.shape != shapeOf(field, site.channels))
      return tensorError(file, tensor.name,
                         "it must be F32 with " +
                             std::to_string(site.channels) +
                             " channels in each dimension");
    std::vector<float> &values = part.*field.values;
    values.resize(tensor.elementCount());
    if (!values.empty())
      std::memcpy(values.data(), tensor.data, tensor.bytes);
  }
  return checkValues(site, which);
}

Status StatisticsReader::checkValues(const SiteStatistics &site,
                                     Part which) const {
  const PartStatistics &part = site.part(which);
  auto valueError = [&](const char *field, const std::string &message) {
    return fileError("AWQ1308", message,
                     file.path() + ", tensor " + prefixOf(site.name, which) +
                         field,
                     "the file is damaged; calibrate again");
  };
  for (const Field &field : fields) {
    const std::vector<float> &values = part.*field.values;
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]) || (field.rank == 1 && values[i] < 0.0f))
        return valueError(field.name, "element " + std::to_string(i) +
                                          " is negative or not finite");
  }
  for (size_t c = 0; c < part.meanAbs.size(); ++c)
    if (part.meanAbs[c] > part.maxAbs[c])
      return valueError("max_abs", "the maximum of channel " +
                                       std::to_string(c) +
                                       " is below its mean");
  if (part.gram.empty())
    return {};
  int64_t channels = site.channels;
  for (int64_t i = 0; i < channels; ++i) {
    if (part.gram[i * channels + i] < 0.0f)
      return valueError("gram", "diagonal element " + std::to_string(i) +
                                    " is negative");
    for (int64_t j = 0; j < i; ++j)
      if (part.gram[i * channels + j] != part.gram[j * channels + i])
        return valueError("gram", "the matrix is not symmetric at [" +
                                      std::to_string(i) + ", " +
                                      std::to_string(j) + "]");
  }
  return {};
}

Result<StatisticsFile> calibration::readStatistics(const std::string &path) {
  auto reader = StatisticsReader::open(path);
  if (!reader)
    return reader.error();
  StatisticsFile file;
  file.fingerprints = reader->fingerprints();
  for (const std::string &name : reader->sites()) {
    auto site = reader->read(name);
    if (!site)
      return site.error();
    file.sites.push_back(std::move(*site));
  }
  return file;
}

Status calibration::checkFingerprints(const Fingerprints &found,
                                      const Fingerprints &expected,
                                      const std::string &path) {
  struct {
    const char *what;
    const std::string &found, &expected;
  } rows[] = {{"model", found.model, expected.model},
              {"tokenizer", found.tokenizer, expected.tokenizer},
              {"calibration data", found.data, expected.data}};
  for (const auto &row : rows)
    if (!row.expected.empty() && row.found != row.expected)
      return fileError("AWQ1309",
                       std::string("the statistics were made from another ") +
                           row.what + " (SHA-256 " +
                           (row.found.empty() ? "unknown" : row.found) +
                           ", expected " + row.expected + ")",
                       path, "calibrate again for this model and these data");
  return {};
}
