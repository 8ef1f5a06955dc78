//===- StatisticsFile.h - statistics on disk --------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// One safetensors file. Metadata: format = "awq-statistics", version = "1",
// model_sha256, tokenizer_sha256, data_sha256. Per site and part (fit, guard),
// with C channels:
//   <site>/<part>/tokens       I64 [1]
//   <site>/<part>/mean_abs     F32 [C]
//   <site>/<part>/max_abs      F32 [C]
//   <site>/<part>/mean_square  F32 [C]
//   <site>/<part>/gram         F32 [C, C]   (optional; sum over tokens)
// A part without tokens has only its token count.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_STATISTICSFILE_H
#define AWQ_CALIBRATION_STATISTICSFILE_H

#include "awq/Calibration/Statistics.h"

#include <string>
#include <vector>

namespace awq::calibration {

/// What statistics were made from: lower-case hexadecimal SHA-256 values. An
/// empty one is not compared.
struct Fingerprints {
  std::string model;
  std::string tokenizer;
  std::string data;
};

/// The contents of a statistics file.
struct StatisticsFile {
  Fingerprints fingerprints;
  /// In ascending order of their names.
  std::vector<SiteStatistics> sites;

  /// The site called `name`, or null.
  const SiteStatistics *find(const std::string &name) const;
};

/// Writes `file` to `path` (atomically). Gram matrices are written only if
/// `grams`. Errors: those of the safetensors writer, AWQ1304 (vectors of the
/// wrong length or a site given twice).
Status writeStatistics(const std::string &path, const StatisticsFile &file,
                       bool grams = false);

/// Reads a statistics file. Errors: those of the safetensors reader, AWQ1306
/// (not a statistics file, or of another version), AWQ1307 (a tensor missing,
/// unexpected, of the wrong type or shape), AWQ1308 (values that no activations
/// have: negative, not finite, mean above maximum, asymmetric Gram matrix).
Result<StatisticsFile> readStatistics(const std::string &path);

/// Checks that `found` belongs to what is expected; empty expectations match
/// everything. Error: AWQ1309, naming which of model, tokenizer and data
/// differs and in which file.
Status checkFingerprints(const Fingerprints &found,
                         const Fingerprints &expected, const std::string &path);

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_STATISTICSFILE_H
