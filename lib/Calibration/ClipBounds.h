//===- ClipBounds.h - how far bounds clip -----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CALIBRATION_CLIPBOUNDS_H
#define AWQ_LIB_CALIBRATION_CLIPBOUNDS_H

#include "awq/Calibration/ClipSearch.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

namespace awq::calibration {

/// Sets meanLow and meanHigh from the bounds: the mean of bound / extreme over
/// the groups whose extreme is not zero.
inline void measureBounds(const float *weights, int64_t size,
                          ClipSearchResult &result) {
  double low = 0.0, high = 0.0;
  int64_t lows = 0, highs = 0;
  for (size_t i = 0; i < result.lo.size(); ++i) {
    float min, max;
    groupRange(weights + i * size, size, min, max);
    if (min < 0.0f) {
      low += result.lo[i] / min;
      ++lows;
    }
    if (max > 0.0f) {
      high += result.hi[i] / max;
      ++highs;
    }
  }
  result.meanLow = lows ? low / static_cast<double>(lows) : 1.0;
  result.meanHigh = highs ? high / static_cast<double>(highs) : 1.0;
}

} // namespace awq::calibration

#endif // AWQ_LIB_CALIBRATION_CLIPBOUNDS_H
