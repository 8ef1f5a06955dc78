//===- AttentionOps.cpp - Attention and RotaryEmbedding ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "OpContext.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

/// Query, key and value as [B, H, S, D]; whether they came as [B, S, H * D].
static Status readHeads(OpContext &op, Attention &attention, bool &isJoined) {
  Tensor q = op.input(0), k = op.input(1), v = op.input(2);
  int64_t queryHeads = op.getInt("q_num_heads", 0);
  int64_t keyHeads = op.getInt("kv_num_heads", 0);
  if (!op.ok())
    return op.status();
  isJoined = q.rank() == 3;
  if ((q.rank() != 3 && q.rank() != 4) || k.rank() != q.rank() ||
      v.rank() != q.rank())
    return op.invalid("query, key and value of ranks " + Twine(q.rank()) +
                      ", " + Twine(k.rank()) + " and " + Twine(v.rank()));
  if (!isFloat(q.type) || k.type != q.type || !isFloat(v.type))
    return op.invalid("query, key and value that are no floats of one type");
  if (isJoined) {
    if (queryHeads <= 0 || keyHeads <= 0)
      return op.invalid("joined heads without q_num_heads and kv_num_heads");
    q = splitHeads(op.e, q, queryHeads);
    k = splitHeads(op.e, k, keyHeads);
    v = splitHeads(op.e, v, keyHeads);
  }
  auto heads = q.shape[1].constant(), shared = k.shape[1].constant();
  if (!heads || !shared || *shared == 0 || *heads % *shared != 0)
    return op.unsupported("numbers of heads that are not known or do not "
                          "divide each other");
  attention.query = q;
  attention.key = k;
  attention.value = v;
  return {};
}

/// A mask of fewer keys than there are hides the others.
static Tensor padMask(OpContext &op, const Tensor &mask, const DimExpr &keys) {
  DimExpr missing = keys - mask.shape.back();
  if (missing.is(0) || mask.shape.back().is(1) || !missing.constant() ||
      *missing.constant() < 0)
    return mask;
  Shape shape = mask.shape;
  shape.back() = missing;
  double hidden = mask.type == OnnxType::Bool
                      ? 0.0
                      : -std::numeric_limits<double>::infinity();
  Tensor rest = op.e.full(mask.type, shape, op.e.scalar(mask.type, hidden));
  return op.e.concat({mask, rest}, mask.rank() - 1);
}

static Status readMasks(OpContext &op, Attention &attention,
                        const DimExpr &past) {
  DimExpr queries = attention.query.shape[2], keys = attention.key.shape[2];
  if (op.has(3)) {
    Tensor mask = padMask(op, op.inputs[3], keys);
    Shape scores = {attention.query.shape[0], attention.query.shape[1], queries,
                    keys};
    auto shape = op.e.broadcast({scores, mask.shape});
    if (!shape || shape->size() != 4)
      return op.invalid("a mask that cannot be broadcast to the scores");
    if (mask.type == OnnxType::Bool)
      attention.seen = mask;
    else if (isFloat(mask.type))
      attention.bias = mask;
    else
      return op.invalid("a mask of " + io::name(mask.type));
  }
  Tensor offset = op.e.fromElements(OnnxType::I64, {}, {past});
  if (op.has(6)) {
    Tensor lengths = op.inputs[6];
    if (lengths.rank() != 1 || !isInteger(lengths.type))
      return op.invalid("nonpad_kv_seqlen must be integers, one a sequence");
    attention.seen =
        intersect(op.e, attention.seen, lengthMask(op.e, keys, lengths));
    Tensor count = op.e.cast(op.e.fromElements(OnnxType::I64, {}, {queries}),
                             lengths.type);
    offset = op.e.subtract(lengths, count);
  }
  bool isCausal = op.getInt("is_causal", 0) != 0;
  int64_t left = op.getInt("left_window_size", -1);
  int64_t right = op.getInt("right_window_size", -1);
  if (left < -1 || right < -1)
    return op.invalid("a window of negative size");
  // What causal attention sees to the right is in no window.
  if (isCausal)
    attention.seen =
        intersect(op.e, attention.seen,
                  causalMask(op.e, queries, keys, offset, left + 1));
  else if (left >= 0 || right >= 0)
    attention.seen =
        intersect(op.e, attention.seen,
                  windowMask(op.e, queries, keys, offset, left, right));
  return op.status();
}

static Status attentionOp(OpContext &op) {
  Attention attention;
  bool isJoined = false;
  if (Status status = readHeads(op, attention, isJoined); !status)
    return status;
  if (op.has(4) != op.has(5))
    return op.invalid("past_key and past_value come together");
  DimExpr past = 0;
  if (op.has(4)) {
    if (auto what = attention.prepend(op.e, op.inputs[4], op.inputs[5]))
      return op.invalid(*what);
    past = op.inputs[4].shape[2];
  }
  if (auto what = attention.mismatch(op.e))
    return op.invalid(*what);
  if (Status status = readMasks(op, attention, past); !status)
    return status;
  auto size = attention.query.shape[3].constant();
  if (!op.hasAttribute("scale") && !size)
    return op.unsupported("a dynamic head size without a scale");
  attention.scale =
      op.getFloat("scale", size ? 1.0 / std::sqrt(double(*size)) : 1.0);
  attention.softcap = op.getFloat("softcap", 0.0);
  Tensor result = attention.emit(op.e);
  op.put(isJoined ? joinHeads(op.e, result) : result, 0);
  op.put(attention.key, 1);
  op.put(attention.value, 2);
  if (op.wants(3)) {
    const Tensor *modes[] = {&attention.scores, &attention.capped,
                             &attention.masked, &attention.weights};
    int64_t mode = op.getInt("qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3)
      return op.invalid("qk_matmul_output_mode of " + Twine(mode));
    op.put(op.e.cast(*modes[mode], attention.query.type), 3);
  }
  return op.status();
}

static Status rotaryEmbedding(OpContext &op) {
  Tensor x = op.input(0), cosines = op.input(1), sines = op.input(2);
  bool interleaved = op.getInt("interleaved", 0) != 0;
  int64_t heads = op.getInt("num_heads", 0);
  int64_t turned = op.getInt("rotary_embedding_dim", 0);
  if (!op.ok())
    return op.status();
  bool isJoined = x.rank() == 3;
  if (isJoined && heads <= 0)
    return op.invalid("an input of rank 3 without num_heads");
  if (x.rank() != 3 && x.rank() != 4)
    return op.invalid("an input of rank " + Twine(x.rank()));
  if (op.has(3)) {
    if (cosines.rank() != 2 || sines.rank() != 2 || op.inputs[3].rank() != 2)
      return op.invalid(
          "with position_ids [B, S], tables of rank 2 are needed");
    cosines = rowsAt(op.e, cosines, op.inputs[3]);
    sines = rowsAt(op.e, sines, op.inputs[3]);
  }
  if (cosines.rank() != 3 || sines.rank() != 3)
    return op.invalid("tables of rank " + Twine(cosines.rank()));
  Shape shape = x.shape;
  if (isJoined)
    x = op.e.reshape(
        x, {shape[0], shape[1], heads, op.e.dims.floorDiv(shape[2], heads)});
  if (turned != 0 && !cosines.shape.back().is(turned / 2))
    return op.invalid("tables that do not fit rotary_embedding_dim");
  if (cosines.shape[0].is(1) && !x.shape[0].is(1))
    emitWarning(op.e.b.getLoc(), "cosines and sines have batch 1, which the "
                                 "standard does not allow: they are broadcast");
  Tensor result = rotate(op.e, x, cosines, sines, interleaved, !isJoined);
  return op.set(op.e.reshape(result, std::move(shape)));
}

ArrayRef<OpEntry> onnx::attentionOps() {
  static const OpEntry entries[] = {
      {"Attention", attentionOp, 23, kNewestOpset, "",
       "numbers of heads known, and the size of a head or the scale; softmax "
       "in f32 (f64 for f64) whatever `softmax_precision`"},
      {"RotaryEmbedding", rotaryEmbedding, 23},
  };
  return entries;
}
