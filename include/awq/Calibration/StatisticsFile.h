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
//   <site>/<part>/gram         F32 [C, C]   (optional; sum over tokens, that of
//                                            the fit part shrunk, see
//                                            StatisticsAccumulator::Options)
// A part without tokens has only its token count.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_STATISTICSFILE_H
#define AWQ_CALIBRATION_STATISTICSFILE_H

#include "awq/Calibration/Statistics.h"
#include "awq/IO/Safetensors.h"
#include "awq/IO/SafetensorsWriter.h"

#include <map>
#include <string>
#include <vector>

namespace awq::calibration {

/// What statistics were made from: lower-case hexadecimal SHA-256 values, of
/// the model as io::fingerprint; empty where not known.
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

/// Writes a statistics file site by site, so that no more than one site's Gram
/// matrices need to be in memory. The file appears when commit() succeeds.
class StatisticsWriter {
public:
  /// What is going to be written of one part of a site.
  struct PartPlan {
    bool tokens = false; ///< whether there are any
    bool gram = false;
  };
  struct SitePlan {
    std::string name;
    int64_t channels = 0;
    PartPlan fit, guard;
  };

  /// Errors: those of the safetensors writer, AWQ1304 (a site planned twice).
  static Result<StatisticsWriter> create(const std::string &path,
                                         const Fingerprints &fingerprints,
                                         std::vector<SitePlan> sites);

  /// Writes the planned site of that name. Gram matrices that were not planned
  /// are left out. Errors: those of the safetensors writer, AWQ1304 (vectors of
  /// another length than planned).
  Status write(const SiteStatistics &site);

  /// Errors: those of the safetensors writer, among them a site not written.
  Status commit() { return file.commit(); }

private:
  explicit StatisticsWriter(io::SafetensorsWriter file)
      : file(std::move(file)) {}

  io::SafetensorsWriter file;
  std::map<std::string, SitePlan> plans;
};

/// Writes `file` to `path` (atomically). Gram matrices are written only if
/// `grams`. Errors: those of StatisticsWriter.
Status writeStatistics(const std::string &path, const StatisticsFile &file,
                       bool grams = false);

/// Reads a statistics file site by site.
class StatisticsReader {
public:
  /// Errors: those of the safetensors reader, AWQ1306 (not a statistics file,
  /// or of another version), AWQ1307 (a tensor that belongs to no site).
  static Result<StatisticsReader> open(const std::string &path);

  const Fingerprints &fingerprints() const { return prints; }
  /// The names of all sites, ascending.
  std::vector<std::string> sites() const;
  bool has(const std::string &site) const { return bySite.count(site); }

  /// Reads a site that the file has. Errors: AWQ1005 (the file changed),
  /// AWQ1307 (a tensor missing, unexpected, of the wrong type or shape),
  /// AWQ1308 (values that no activations have: negative, not finite, mean above
  /// maximum, asymmetric Gram matrix).
  Result<SiteStatistics> read(const std::string &site) const;

private:
  /// The tensors of one site, by "<part>/<field>".
  using SiteTensors = std::map<std::string, io::TensorView>;

  explicit StatisticsReader(io::SafetensorsFile file) : file(std::move(file)) {}
  Status readPart(const SiteTensors &tensors, Part which,
                  SiteStatistics &site) const;
  Status checkValues(const SiteStatistics &site, Part which) const;

  io::SafetensorsFile file;
  Fingerprints prints;
  std::map<std::string, SiteTensors> bySite;
};

/// Reads a whole statistics file. Errors: those of StatisticsReader.
Result<StatisticsFile> readStatistics(const std::string &path);

/// Checks that `found` belongs to what is expected; empty expectations match
/// everything, but what is expected must be known of `found`. Error: AWQ1309,
/// naming which of model, tokenizer and data differs and in which file.
Status checkFingerprints(const Fingerprints &found,
                         const Fingerprints &expected, const std::string &path);

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_STATISTICSFILE_H
