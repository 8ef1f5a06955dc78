//===- StatisticsFile.cpp - statistics on disk ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/StatisticsFile.h"

#include "awq/IO/Safetensors.h"
#include "awq/IO/SafetensorsWriter.h"

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

static std::string prefixOf(const SiteStatistics &site, Part part) {
  return site.name + "/" + name(part) + "/";
}

static std::vector<int64_t> shapeOf(const Field &field, int64_t channels) {
  return std::vector<int64_t>(field.rank, channels);
}

/// Whether a field of a part belongs into the file.
static bool isWritten(const Field &field, const PartStatistics &part,
                      bool grams) {
  if (part.tokens == 0)
    return false;
  return field.rank == 1 || (grams && !part.gram.empty());
}

static Status checkSites(const std::string &path,
                         const std::vector<SiteStatistics> &sites) {
  std::set<std::string> seen;
  for (const SiteStatistics &site : sites) {
    std::string message;
    if (!seen.insert(site.name).second)
      message = "site " + site.name + " is given twice";
    for (Part which : {Part::Fit, Part::Guard})
      for (const Field &field : fields) {
        size_t wanted =
            field.rank == 1 ? site.channels : site.channels * site.channels;
        const PartStatistics &part = site.part(which);
        if (isWritten(field, part, true) &&
            (part.*field.values).size() != wanted)
          message = prefixOf(site, which) + field.name + " has " +
                    std::to_string((part.*field.values).size()) +
                    " numbers instead of " + std::to_string(wanted);
      }
    if (!message.empty())
      return Error{ErrorKind::Internal, "AWQ1304", message, path,
                   "please report this"};
  }
  return {};
}

Status calibration::writeStatistics(const std::string &path,
                                    const StatisticsFile &file, bool grams) {
  if (Status status = checkSites(path, file.sites); !status)
    return status;
  std::vector<io::TensorSpec> specs;
  for (const SiteStatistics &site : file.sites)
    for (Part which : {Part::Fit, Part::Guard}) {
      const PartStatistics &part = site.part(which);
      specs.push_back({prefixOf(site, which) + "tokens", io::DType::I64, {1}});
      for (const Field &field : fields)
        if (isWritten(field, part, grams))
          specs.push_back({prefixOf(site, which) + field.name, io::DType::F32,
                           shapeOf(field, site.channels)});
    }
  auto writer = io::SafetensorsWriter::create(
      path, specs,
      {{"format", formatName},
       {"version", formatVersion},
       {"model_sha256", file.fingerprints.model},
       {"tokenizer_sha256", file.fingerprints.tokenizer},
       {"data_sha256", file.fingerprints.data}});
  if (!writer)
    return writer.error();
  for (const SiteStatistics &site : file.sites)
    for (Part which : {Part::Fit, Part::Guard}) {
      const PartStatistics &part = site.part(which);
      if (Status status = writer->write(prefixOf(site, which) + "tokens",
                                        &part.tokens, sizeof part.tokens);
          !status)
        return status;
      for (const Field &field : fields) {
        if (!isWritten(field, part, grams))
          continue;
        const std::vector<float> &values = part.*field.values;
        if (Status status =
                writer->write(prefixOf(site, which) + field.name, values.data(),
                              values.size() * sizeof(float));
            !status)
          return status;
      }
    }
  return writer->commit();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

/// The tensors of one site, by "<part>/<field>".
using SiteTensors = std::map<std::string, io::TensorView>;

/// Reads the sites of one file; keeps the first error.
class Reader {
public:
  explicit Reader(std::string path) : path(std::move(path)) {}

  Result<std::vector<SiteStatistics>>
  read(const std::vector<io::TensorView> &tensors);

private:
  Status readSite(const SiteTensors &tensors, SiteStatistics &site);
  Status readPart(const SiteTensors &tensors, Part which, SiteStatistics &site);
  Status checkValues(const SiteStatistics &site, Part which) const;
  Error tensorError(const std::string &tensor, std::string message) const {
    return fileError("AWQ1307", std::move(message), path + ", tensor " + tensor,
                     "the file is damaged or was made by another program; "
                     "calibrate again");
  }

  std::string path;
};

} // namespace

Result<std::vector<SiteStatistics>>
Reader::read(const std::vector<io::TensorView> &tensors) {
  std::map<std::string, SiteTensors> bySite;
  for (const io::TensorView &tensor : tensors) {
    size_t field = tensor.name.rfind('/');
    size_t part = field == std::string::npos || field == 0
                      ? std::string::npos
                      : tensor.name.rfind('/', field - 1);
    if (part == std::string::npos || part == 0)
      return tensorError(tensor.name,
                         "the name is not <site>/<part>/<statistic>");
    bySite[tensor.name.substr(0, part)].emplace(tensor.name.substr(part + 1),
                                                tensor);
  }
  std::vector<SiteStatistics> sites;
  for (const auto &[name, siteTensors] : bySite) {
    SiteStatistics site;
    site.name = name;
    if (Status status = readSite(siteTensors, site); !status)
      return status.error();
    sites.push_back(std::move(site));
  }
  return sites;
}

Status Reader::readSite(const SiteTensors &tensors, SiteStatistics &site) {
  std::set<std::string> known;
  for (Part which : {Part::Fit, Part::Guard}) {
    known.insert(std::string(name(which)) + "/tokens");
    for (const Field &field : fields)
      known.insert(std::string(name(which)) + "/" + field.name);
    auto it = tensors.find(std::string(name(which)) + "/mean_abs");
    if (it != tensors.end() && site.channels == 0)
      site.channels = it->second.elementCount();
  }
  for (const auto &[field, tensor] : tensors)
    if (!known.count(field))
      return tensorError(tensor.name, "no such statistic");
  for (Part which : {Part::Fit, Part::Guard})
    if (Status status = readPart(tensors, which, site); !status)
      return status;
  return {};
}

Status Reader::readPart(const SiteTensors &tensors, Part which,
                        SiteStatistics &site) {
  PartStatistics &part = site.part(which);
  std::string prefix = std::string(name(which)) + "/";
  auto tokens = tensors.find(prefix + "tokens");
  if (tokens == tensors.end())
    return tensorError(site.name + "/" + prefix + "tokens",
                       "the tensor is missing");
  const io::TensorView &count = tokens->second;
  if (count.dtype != io::DType::I64 || count.shape != std::vector<int64_t>{1})
    return tensorError(count.name, "it must be I64 of shape [1]");
  std::memcpy(&part.tokens, count.data, sizeof part.tokens);
  if (part.tokens < 0)
    return tensorError(count.name, "the number of tokens is negative");
  for (const Field &field : fields) {
    auto it = tensors.find(prefix + field.name);
    bool wanted = part.tokens > 0 && field.rank == 1;
    if (it == tensors.end()) {
      if (wanted)
        return tensorError(site.name + "/" + prefix + field.name,
                           "the tensor is missing");
      continue;
    }
    const io::TensorView &tensor = it->second;
    if (part.tokens == 0)
      return tensorError(tensor.name, "the part has no tokens");
    if (tensor.dtype != io::DType::F32 ||
        tensor.shape != shapeOf(field, site.channels))
      return tensorError(tensor.name, "it must be F32 with " +
                                          std::to_string(site.channels) +
                                          " channels in each dimension");
    std::vector<float> &values = part.*field.values;
    values.resize(tensor.elementCount());
    if (!values.empty())
      std::memcpy(values.data(), tensor.data, tensor.bytes);
  }
  return checkValues(site, which);
}

Status Reader::checkValues(const SiteStatistics &site, Part which) const {
  const PartStatistics &part = site.part(which);
  auto valueError = [&](const char *field, const std::string &message) {
    return fileError("AWQ1308", message,
                     path + ", tensor " + prefixOf(site, which) + field,
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
  auto opened = io::SafetensorsFile::open(path);
  if (!opened)
    return opened.error();
  const auto &metadata = opened->metadata();
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
  StatisticsFile file;
  file.fingerprints = {value("model_sha256"), value("tokenizer_sha256"),
                       value("data_sha256")};
  auto sites = Reader(path).read(opened->tensors());
  if (!sites)
    return sites.error();
  file.sites = std::move(*sites);
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
