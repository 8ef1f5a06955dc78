//===- WeightFit.cpp - what follows rounding ------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/WeightFit.h"

using namespace awq;
using namespace awq::calibration;

static int64_t countDifferences(const std::vector<uint8_t> &a,
                                const std::vector<uint8_t> &b) {
  int64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i)
    count += a[i] != b[i];
  return count;
}

Result<WeightFitResult>
calibration::fitWeight(const RefitProblem &problem, QuantizedMatrix &matrix,
                       const WeightFitOptions &options) {
  WeightFitResult result;
  if (options.refitScales) {
    Result<RefitResult> refit = refitScales(problem, matrix, options.refit);
    if (!refit)
      return refit.error();
    result.refit = *refit;
  }
  std::vector<uint8_t> rounded;
  for (int round = 0; options.refineCodes && round < options.rounds; ++round) {
    if (round == 0)
      rounded = matrix.codes;
    Result<CodeRefineResult> refine =
        refineCodes(problem, matrix, options.refine);
    if (!refine)
      return refine.error();
    if (round == 0) {
      result.refine = *refine;
    } else if (refine->accepted) {
      result.refine.fit = refine->fit;
      result.refine.guard = refine->guard;
    }
    // What is left as it was would be left so again.
    if (!refine->accepted || !options.refitScales)
      break;
    Result<RefitResult> refit = refitScales(problem, matrix, options.refit);
    if (!refit)
      return refit.error();
    if (refit->accepted) {
      result.refine.fit = refit->fit;
      result.refine.guard = refit->guard;
    }
  }
  if (!rounded.empty())
    result.refine.changedCodes = countDifferences(rounded, matrix.codes);
  return result;
}
