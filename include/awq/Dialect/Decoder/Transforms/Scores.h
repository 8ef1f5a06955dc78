//===- Scores.h - what attention's scores are ------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_TRANSFORMS_SCORES_H
#define AWQ_DIALECT_DECODER_TRANSFORMS_SCORES_H

#include "awq/Dialect/Decoder/Transforms/ElementReader.h"
#include "awq/Dialect/Decoder/Transforms/Scalars.h"

#include <string>

namespace awq::decoder {

/// What a scalar is at a place of its expression's root.
ElementRef readUse(ElementReader &reader, const Scalar &scalar,
                   llvm::ArrayRef<ElementRef> places);

/// Multiples of a product of queries and keys, under a mask.
struct Scores {
  mlir::Value tensor;
  double factor = 1.0, softcap = 0.0;
  int64_t window = 0;
  bool isCausal = false;
};

/// The scores [batch, head, query, key] of a softmax, for `news` queries that
/// have `past` keys before their own. If they are not understood, `why` says
/// what they have.
std::optional<Scores> matchScores(const Scalar &scalar, ElementReader &reader,
                                  const Linear &past, const Linear &news,
                                  std::string &why);

} // namespace awq::decoder

#endif // AWQ_DIALECT_DECODER_TRANSFORMS_SCORES_H
