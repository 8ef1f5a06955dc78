//===- Recognizers.h - what an expression computes -------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_TRANSFORMS_RECOGNIZERS_H
#define AWQ_DIALECT_DECODER_TRANSFORMS_RECOGNIZERS_H

#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/Dialect/Decoder/Transforms/Scalars.h"

namespace awq::decoder {

/// A normalisation over the last dimension. `weight` and `bias` are null where
/// there are none; they are vectors, perhaps with sizes of 1 in front.
struct NormMatch {
  bool isLayerNorm = false;
  Scalar input;
  mlir::Value weight, bias;
  double epsilon = 0.0, offset = 0.0;
};
std::optional<NormMatch> matchNorm(const Scalar &scalar);

/// A function of one scalar.
struct ActivationMatch {
  ActivationKind kind;
  Scalar input;
};
std::optional<ActivationMatch> matchActivation(const Scalar &scalar);

/// y[..., n] = sum_k x[..., k] w[n, k], or with w[k, n].
struct ContractionMatch {
  mlir::linalg::LinalgOp op;
  mlir::Value left, right;
  mlir::AffineMap leftMap, rightMap, resultMap;
};
/// A sum of products of two tensors over one loop.
std::optional<ContractionMatch> matchContraction(mlir::Value tensor);

/// A contraction of a tensor's last dimension with a parameter.
struct LinearMatch {
  mlir::Value input, weight;
  /// Whether the weight is [K, N].
  bool isTransposed = false;
  mlir::Operation *op = nullptr;
};
std::optional<LinearMatch> matchLinear(mlir::Value tensor);

/// Whether a tensor is a parameter: a vector of `channels` elements, perhaps
/// with sizes of 1 in front.
bool isVectorParameter(mlir::Value tensor, int64_t channels);

/// The elements that a leaf adds up over their last dimension.
std::optional<Scalar> sumOverLast(const Scalar &scalar);

/// exp(x - max x) / sum exp(x - max x) over the last dimension, perhaps with a
/// guard that turns rows of NaN into zeros: x.
std::optional<Scalar> matchSoftmax(Scalar scalar);

/// What each channel is turned with by a rotary embedding, and whether pairs
/// lie side by side: concat(-x[half:], x[:half]), or (-x[1::2], x[::2]).
struct RotaryPartner {
  mlir::Value input;
  bool interleaved = false;
};
std::optional<RotaryPartner> partnerOf(mlir::Value tensor);

/// The tensor that is repeated along a new dimension `group`; null if there is
/// none.
mlir::Value repeatedFrom(mlir::Value tensor, int64_t group);

} // namespace awq::decoder

#endif // AWQ_DIALECT_DECODER_TRANSFORMS_RECOGNIZERS_H
