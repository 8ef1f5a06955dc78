//===- CalibrationData.cpp - samples to calibrate on -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CalibrationData.h"

#include "awq/IO/Safetensors.h"

#include <algorithm>
#include <cstring>

using namespace awq;

static Error misfit(const std::string &path, std::string message) {
  return Error{ErrorKind::Malformed, "AWQ1321", std::move(message), path,
               "make the calibration file with this model's tokenizer "
               "(awq-mlir quantize does)"};
}

static std::string metadata(const io::SafetensorsFile &file,
                            const std::string &key) {
  auto found = file.metadata().find(key);
  return found == file.metadata().end() ? "" : found->second;
}

/// Whether a token of the part counts.
static bool hasTokens(const CalibrationData &data, calibration::Part part) {
  for (int64_t sample = 0; sample < data.samples; ++sample)
    for (int64_t token = 0; token < data.length; ++token)
      if (data.parts[sample] == part && data.counts(sample, token))
        return true;
  return false;
}

Result<CalibrationData> awq::readCalibrationData(const std::string &path,
                                                 int64_t vocabulary) {
  Result<io::SafetensorsFile> file = io::SafetensorsFile::open(path);
  if (!file)
    return file.error();
  auto tokens = file->get("tokens");
  if (!tokens)
    return tokens.error();
  auto guard = file->get("guard");
  if (!guard)
    return guard.error();
  if (tokens->dtype != io::DType::I32 || tokens->shape.size() != 2)
    return misfit(path, "'tokens' must be I32 [samples, length]");
  CalibrationData data;
  data.samples = tokens->shape[0];
  data.length = tokens->shape[1];
  if (guard->dtype != io::DType::U8 ||
      guard->shape != std::vector<int64_t>{data.samples})
    return misfit(path, "'guard' must be U8 [samples]");
  data.tokens.resize(data.samples * data.length);
  std::memcpy(data.tokens.data(), tokens->data, tokens->bytes);
  for (size_t i = 0; i < data.tokens.size(); ++i)
    if (data.tokens[i] < 0 || data.tokens[i] >= vocabulary)
      return misfit(path, "token " + std::to_string(data.tokens[i]) +
                              " of sample " + std::to_string(i / data.length) +
                              " is not among the model's " +
                              std::to_string(vocabulary));
  for (int64_t i = 0; i < data.samples; ++i)
    data.parts.push_back(guard->data[i] ? calibration::Part::Guard
                                        : calibration::Part::Fit);
  if (auto mask = file->find("mask")) {
    if (mask->dtype != io::DType::U8 || mask->shape != tokens->shape)
      return misfit(path, "'mask' must be U8 [samples, length]");
    data.mask.assign(mask->data, mask->data + mask->bytes);
  }
  for (calibration::Part part :
       {calibration::Part::Fit, calibration::Part::Guard})
    if (!hasTokens(data, part))
      return Error{ErrorKind::Malformed, "AWQ1322",
                   std::string("there are no tokens in the ") +
                       calibration::name(part) + " part",
                   path, "give more text, from at least two documents"};
  data.fingerprints.tokenizer = metadata(*file, "tokenizer_sha256");
  data.fingerprints.data = metadata(*file, "data_sha256");
  return data;
}
