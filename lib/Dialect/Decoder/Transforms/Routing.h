//===- Routing.h - how tokens are sent to experts --------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_DIALECT_DECODER_TRANSFORMS_ROUTING_H
#define AWQ_LIB_DIALECT_DECODER_TRANSFORMS_ROUTING_H

#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/Dialect/Decoder/Transforms/Elements.h"
#include "awq/Dialect/Decoder/Transforms/Scalars.h"

namespace awq::decoder {

/// The places of the largest elements of each row, the largest first; of equal
/// ones, the first.
struct TopKMatch {
  mlir::Value scores;
  int64_t k = 0;
};
std::optional<TopKMatch> matchTopK(mlir::Value places);

/// source[.., places[.., j]].
struct GatherMatch {
  mlir::Value source, places;
};
std::optional<GatherMatch> matchGather(mlir::Value tensor);

/// A tensor without casts, copies and changes of its shape alone.
mlir::Value stripReshapes(mlir::Value tensor);

/// The weights of the experts that each token is sent to.
struct RouterMatch {
  /// [n, E], and the places of the chosen experts in it, [n, k].
  mlir::Value logits, chosen;
  int64_t perToken = 0;
  RouterScoring scoring = RouterScoring::Softmax;
  bool isNormalized = false;
  double scale = 1.0;
  /// [E], steers the choice alone; null if there is none.
  mlir::Value bias;
};
std::optional<RouterMatch> matchRouter(const Product &weights);

/// A mixture while its experts are built: row perToken * t + j of what they
/// compute is that of token t and the j-th expert that it is sent to.
struct Routing {
  mlir::Value hidden, chosen;
  int64_t perToken = 0, experts = 0;
  Variable token = 0, slot = 0, expert = 0;
  /// The expert being built, and its argument.
  int64_t current = 0;
  mlir::Value argument;
};

} // namespace awq::decoder

#endif // AWQ_LIB_DIALECT_DECODER_TRANSFORMS_ROUTING_H
