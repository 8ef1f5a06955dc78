//===- CalibrationData.h - samples to calibrate on -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_CALIBRATIONDATA_H
#define AWQ_LIB_PIPELINES_CALIBRATIONDATA_H

#include "awq/Calibration/Statistics.h"
#include "awq/Calibration/StatisticsFile.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace awq {

/// Token sequences of one length, each for fitting or for judging.
struct CalibrationData {
  int64_t samples = 0;
  int64_t length = 0;
  std::vector<int32_t> tokens;
  std::vector<calibration::Part> parts;
  /// [samples, length]: 0 for tokens that do not count; empty if all do.
  std::vector<uint8_t> mask;
  /// Of tokenizer and data, as the file gives them.
  calibration::Fingerprints fingerprints;

  const int32_t *sample(int64_t index) const {
    return tokens.data() + index * length;
  }
  bool counts(int64_t sample, int64_t token) const {
    return mask.empty() || mask[sample * length + token];
  }
};

/// Reads a calibration file for a model of `vocabulary` tokens. Errors: those
/// of SafetensorsFile, AWQ1321 and AWQ1322 (see quantizeModel).
Result<CalibrationData> readCalibrationData(const std::string &path,
                                            int64_t vocabulary);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_CALIBRATIONDATA_H
