//===- SearchEvents.h - what searches found, as JSON ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_SEARCHEVENTS_H
#define AWQ_LIB_PIPELINES_SEARCHEVENTS_H

#include "awq/Dialect/AWQ/Transforms/Quantization.h"

#include <nlohmann/json.hpp>

namespace awq {

/// An entry of "groups" in the event of a layer.
nlohmann::ordered_json describe(const ScaleReport &report);

/// An entry of "linears" in the event of a layer.
nlohmann::ordered_json describe(const ClipReport &report);

/// An entry of "weights" in the event of a layer.
nlohmann::ordered_json describeWeight(const FitReport &report);
/// An entry of "refits" in the event of a layer.
nlohmann::ordered_json describeRefit(const FitReport &report);
/// An entry of "refinements" there.
nlohmann::ordered_json describeRefinement(const FitReport &report);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_SEARCHEVENTS_H
