//===- GramLoss.h - output errors of linears from Gram matrices -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// With activations X [T, K], a change D [N, K] of the weights changes the
// output by X D^T, whose squared norm is tr(D G D^T) with G = X^T X. All losses
// of this room are of that kind; nothing needs the activations themselves.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_GRAMLOSS_H
#define AWQ_CALIBRATION_GRAMLOSS_H

#include <cstdint>
#include <vector>

namespace awq::calibration {

/// result[n] = D[n] G D[n]^T for each row of D [rows, k], row-major, with the
/// symmetric G [k, k]. Serial: callers spread row tiles over threads. `scratch`
/// is reused between calls.
void rowGramLosses(const float *d, int64_t rows, const float *gram, int64_t k,
                   double *result, std::vector<float> &scratch);

/// tr(D G D^T), by threads over fixed row tiles whose results are added in
/// order.
double gramLoss(const float *d, int64_t rows, const float *gram, int64_t k);

/// The Gram matrix of activations divided by s [k]: G_ij / (s_i s_j).
std::vector<float> scaledGram(const float *gram, const float *scales,
                              int64_t k);

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_GRAMLOSS_H
