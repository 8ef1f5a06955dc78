//===- Attention.h - attention, whatever op it is in ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_ATTENTION_H
#define AWQ_LIB_TARGET_ONNX_ATTENTION_H

#include "Emitter.h"

namespace awq::onnx {

/// What all attention ops have in common. Heads are a dimension of their own:
/// query [B, Hq, S, D], key [B, Hkv, T, D], value [B, Hkv, T, Dv], with T the
/// past and the new tokens.
struct Attention {
  Tensor query, key, value;
  /// BOOL, true where a key is seen, that can be broadcast to [B, Hq, S, T];
  /// may be missing.
  Tensor seen;
  /// Float, added to the scores, likewise.
  Tensor bias;
  double scale = 1.0;
  double softcap = 0.0;

  /// What was computed on the way: scores, scores after the cap, scores with
  /// the masks, weights; each [B, Hq, S, T].
  Tensor scores, capped, masked, weights;

  /// Puts past keys and values in front; says what does not fit.
  std::optional<std::string> prepend(Emitter &e, const Tensor &pastKey,
                                     const Tensor &pastValue);
  /// What of query, key and value does not fit together.
  std::optional<std::string> mismatch(Emitter &e) const;

  /// [B, Hq, S, Dv], in the query's type; computed in f32 at least.
  Tensor emit(Emitter &e);
};

/// [B, S, H * D] to [B, H, S, D] and back.
Tensor splitHeads(Emitter &e, const Tensor &x, int64_t heads);
Tensor joinHeads(Emitter &e, const Tensor &x);

/// BOOL [B or 1, 1, S, T]: true where key j is at most `offset[b] + i` and,
/// with a window, more than `offset[b] + i - window`. `offset` is an integer
/// scalar or [B].
Tensor causalMask(Emitter &e, const DimExpr &queries, const DimExpr &keys,
                  const Tensor &offset, int64_t window);
/// The same where j lies from `offset[b] + i - left` to `offset[b] + i +
/// right`; -1 leaves a side open.
Tensor windowMask(Emitter &e, const DimExpr &queries, const DimExpr &keys,
                  const Tensor &offset, int64_t left, int64_t right);
/// BOOL [B, 1, 1, T]: true where j < lengths[b].
Tensor lengthMask(Emitter &e, const DimExpr &keys, const Tensor &lengths);
/// Both of two masks, either of which may be missing.
Tensor intersect(Emitter &e, const Tensor &a, const Tensor &b);

/// Rotary embedding of x, [B, S, H, D] or with `headsFirst` [B, H, S, D], by
/// cos and sin [B or 1, S, R / 2] of its first R channels.
Tensor rotate(Emitter &e, const Tensor &x, const Tensor &cosines,
              const Tensor &sines, bool interleaved, bool headsFirst);
/// Rows of a table at positions: [M, R] and [B, S] to [B, S, R].
Tensor rowsAt(Emitter &e, const Tensor &table, const Tensor &positions);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_ATTENTION_H
