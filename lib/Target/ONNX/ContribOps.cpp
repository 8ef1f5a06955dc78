//===- ContribOps.cpp - com.microsoft's operators -------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "NormOps.h"
#include "OpContext.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// The norm of `x` by the inputs `scale` and `bias` (0: none).
static Tensor normalize(OpContext &op, const Tensor &x, size_t scale,
                        size_t bias, bool simplified) {
  double epsilon = op.getFloat("epsilon", 1e-5);
  int64_t axis = op.axis(op.getInt("axis", -1), x.rank());
  Tensor normal = simplified ? normalizeRMS(op.e, x, axis, epsilon)
                             : normalizeLayer(op.e, x, axis, epsilon).result;
  Tensor result =
      op.e.multiply(normal, op.e.cast(op.input(scale), normal.type));
  if (bias != 0 && op.has(bias))
    result = op.e.add(result, op.e.cast(op.inputs[bias], normal.type));
  return op.e.cast(result, x.type);
}

static Status simplifiedLayerNormalization(OpContext &op) {
  Tensor x = op.input(0);
  if (!op.ok() || !isFloat(x.type))
    return op.ok() ? op.invalid("an input of " + io::name(x.type))
                   : op.status();
  return op.set(normalize(op, x, 1, 0, /*simplified=*/true));
}

static Status skipNorm(OpContext &op, bool simplified) {
  Tensor x = op.input(0), skip = op.input(1);
  if (op.ok() && (!isFloat(x.type) || skip.type != x.type ||
                  !op.e.broadcast({x.shape, skip.shape})))
    op.note(op.invalid("input and skip do not fit"));
  if (!op.ok())
    return op.status();
  size_t bias = simplified ? 3 : 4;
  Tensor sum = op.e.add(x, skip);
  if (op.has(bias))
    sum = op.e.add(sum, op.inputs[bias]);
  op.put(normalize(op, sum, 2, simplified ? 0 : 3, simplified), 0);
  op.put(sum, 3);
  return op.status();
}

static Status skipSimplifiedLayerNormalization(OpContext &op) {
  return skipNorm(op, true);
}
static Status skipLayerNormalization(OpContext &op) {
  return skipNorm(op, false);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

static Status quickGelu(OpContext &op) {
  Tensor x = op.input(0);
  double alpha = op.getFloat("alpha", 1.702);
  if (!op.ok() || !isFloat(x.type))
    return op.ok() ? op.invalid("an input of " + io::name(x.type))
                   : op.status();
  return op.set(op.e.map(
      {x}, x.type, [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Type type = in[0].getType();
        Value factor =
            arith::ConstantOp::create(b, b.getFloatAttr(type, -alpha));
        Value one = arith::ConstantOp::create(b, b.getFloatAttr(type, 1.0));
        Value power =
            math::ExpOp::create(b, arith::MulFOp::create(b, in[0], factor));
        return arith::DivFOp::create(b, in[0],
                                     arith::AddFOp::create(b, one, power));
      }));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

static Status rotaryEmbedding(OpContext &op) {
  Tensor x = op.input(0), positions = op.input(1);
  Tensor cosines = op.input(2), sines = op.input(3);
  bool interleaved = op.getInt("interleaved", 0) != 0;
  int64_t heads = op.getInt("num_heads", 0);
  int64_t turned = op.getInt("rotary_embedding_dim", 0);
  double scale = op.getFloat("scale", 1.0);
  if (!op.ok())
    return op.status();
  if (scale != 1.0)
    return op.unsupported("a scale of positions");
  if ((x.rank() != 3 && x.rank() != 4) || cosines.rank() != 2 ||
      sines.rank() != 2)
    return op.invalid("an input of rank " + Twine(x.rank()));
  Shape shape = x.shape;
  bool isJoined = x.rank() == 3;
  DimExpr tokens = shape[isJoined ? 1 : 2];
  // One number is the position of the first token of all sequences.
  if (positions.rank() == 1) {
    Tensor steps =
        op.e.generate(positions.type, {1, tokens},
                      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                        return arith::IndexCastOp::create(
                            b, op.e.elementType(positions.type), at[1]);
                      });
    positions = op.e.add(steps, positions);
  }
  if (isJoined) {
    auto width = shape[2].constant(), half = cosines.shape[1].constant();
    if (heads == 0 && turned != 0)
      return op.invalid("rotary_embedding_dim without num_heads");
    if (heads == 0 && width && half)
      heads = *width / (2 * *half);
    if (heads <= 0)
      return op.unsupported("a number of heads that is not known");
    x = op.e.reshape(
        x, {shape[0], shape[1], heads, op.e.dims.floorDiv(shape[2], heads)});
  }
  Tensor result =
      rotate(op.e, x, rowsAt(op.e, cosines, positions),
             rowsAt(op.e, sines, positions), interleaved, !isJoined);
  return op.set(op.e.reshape(result, std::move(shape)));
}

/// Query, key and value of [B, S, heads x D] each, out of one tensor or three.
static Status readPacked(OpContext &op, int64_t heads, int64_t shared,
                         Tensor &q, Tensor &k, Tensor &v) {
  q = op.input(0);
  if (!op.ok() || q.rank() != 3 || heads <= 0 || shared <= 0 ||
      heads % shared != 0 || !isFloat(q.type))
    return op.ok() ? op.invalid("a query or numbers of heads that do not fit")
                   : op.status();
  if (op.has(1) && op.has(2)) {
    k = op.inputs[1];
    v = op.inputs[2];
    if (k.rank() != 3 || v.rank() != 3)
      return op.unsupported("keys of rank " + Twine(k.rank()));
    return {};
  }
  DimExpr size = op.e.dims.floorDiv(q.shape[2], heads + 2 * shared);
  DimExpr first = size * DimExpr(heads), each = size * DimExpr(shared);
  Tensor packed = q;
  q = op.e.slice(packed, 2, 0, first);
  k = op.e.slice(packed, 2, first, each);
  v = op.e.slice(packed, 2, first + each, each);
  return {};
}

/// max(seqlens_k + 1 - S, 0): the number of tokens before the first query, one
/// a sequence.
static Tensor tokensBefore(OpContext &op, const Tensor &last,
                           const DimExpr &queries) {
  Tensor count =
      op.e.cast(op.e.fromElements(OnnxType::I64, {}, {queries}), last.type);
  return op.e.map({last, count}, last.type,
                  [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                    Type type = in[0].getType();
                    Value one =
                        arith::ConstantOp::create(b, b.getIntegerAttr(type, 1));
                    Value zero =
                        arith::ConstantOp::create(b, b.getIntegerAttr(type, 0));
                    Value total = arith::AddIOp::create(b, in[0], one);
                    Value rest = arith::SubIOp::create(b, total, in[1]);
                    return arith::MaxSIOp::create(b, rest, zero);
                  });
}

static Status groupQueryAttention(OpContext &op) {
  int64_t heads = op.getInt("num_heads", 0),
          shared = op.getInt("kv_num_heads", 0);
  int64_t window = op.getInt("local_window_size", -1);
  bool turns = op.getInt("do_rotary", 0) != 0;
  bool interleaved = op.getInt("rotary_interleaved", 0) != 0;
  Tensor q, k, v;
  if (Status status = readPacked(op, heads, shared, q, k, v); !status)
    return status;
  if (op.getInt("smooth_softmax", 0) > 0 || op.has(11))
    return op.unsupported("attention sinks");
  if (op.hasAttribute("k_quant_type") &&
      op.getString("k_quant_type", "NONE") != "NONE")
    return op.unsupported("a quantized cache");
  Tensor last = op.input(5);
  if (!op.ok())
    return op.status();
  // seqlens_k is [B] or [B, 1].
  if (last.rank() == 2)
    last = op.e.reshape(last, {last.shape[0]});
  if (last.rank() != 1 || !isInteger(last.type))
    return op.invalid("seqlens_k of rank " + Twine(last.rank()));
  Attention attention;
  DimExpr tokens = q.shape[1];
  Tensor before = tokensBefore(op, last, tokens);
  q = splitHeads(op.e, q, heads);
  k = splitHeads(op.e, k, shared);
  v = splitHeads(op.e, v, shared);
  if (turns) {
    Tensor cosines = op.input(7), sines = op.input(8);
    if (!op.ok() || cosines.rank() != 2 || sines.rank() != 2)
      return op.ok() ? op.invalid("tables of rank " + Twine(cosines.rank()))
                     : op.status();
    Tensor positions;
    if (op.has(9)) {
      positions = op.inputs[9];
    } else {
      Tensor steps =
          op.e.generate(last.type, {1, tokens},
                        [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                          return arith::IndexCastOp::create(
                              b, op.e.elementType(last.type), at[1]);
                        });
      positions = op.e.add(steps, op.e.unsqueeze(before, {1}));
    }
    auto half = cosines.shape[1].constant(), whole = q.shape[3].constant();
    if (positions.rank() != 2 || !isInteger(positions.type) ||
        (half && whole && 2 * *half > *whole) ||
        op.e.dims.isEqual(cosines.shape[1], sines.shape[1]) == false)
      return op.invalid("tables or positions that do not fit the heads");
    cosines = op.e.cast(rowsAt(op.e, cosines, positions), q.type);
    sines = op.e.cast(rowsAt(op.e, sines, positions), q.type);
    q = rotate(op.e, q, cosines, sines, interleaved, true);
    k = rotate(op.e, k, cosines, sines, interleaved, true);
  }
  attention.query = q;
  attention.key = k;
  attention.value = v;
  // As many keys as there are: a cache that is filled up in place would have to
  // be told from one that grows.
  if (op.has(3) && op.has(4))
    if (auto what = attention.prepend(op.e, op.inputs[3], op.inputs[4]))
      return op.invalid(*what);
  attention.seen = causalMask(op.e, tokens, attention.key.shape[2], before,
                              std::max<int64_t>(window, 0));
  if (op.has(10))
    attention.bias = op.inputs[10];
  if (auto what = attention.mismatch(op.e))
    return op.invalid(*what);
  auto size = q.shape[3].constant();
  double scale = op.getFloat("scale", 0.0);
  if (scale == 0.0 && !size)
    return op.unsupported("a dynamic head size without a scale");
  attention.scale = scale != 0.0 ? scale : 1.0 / std::sqrt(double(*size));
  attention.softcap = op.getFloat("softcap", 0.0);
  op.put(joinHeads(op.e, attention.emit(op.e)), 0);
  op.put(attention.key, 1);
  op.put(attention.value, 2);
  return op.status();
}

static Status multiHeadAttention(OpContext &op) {
  int64_t heads = op.getInt("num_heads", 0);
  Tensor q = op.input(0);
  if (!op.ok() || q.rank() != 3 || heads <= 0 || !isFloat(q.type))
    return op.ok() ? op.unsupported("packed queries, or no number of heads")
                   : op.status();
  for (size_t i : {3, 4})
    if (op.has(i))
      return op.unsupported(i == 3 ? "biases" : "a padding mask");
  Attention attention;
  auto read = [&](size_t index) {
    Tensor x = op.input(index);
    return x.rank() == 3 ? splitHeads(op.e, x, heads) : x;
  };
  attention.query = read(0);
  attention.key = read(1);
  attention.value = read(2);
  if (!op.ok() || attention.key.rank() != 4 || attention.value.rank() != 4)
    return op.ok() ? op.invalid("keys that do not fit") : op.status();
  DimExpr past = 0;
  if (op.has(6) && op.has(7)) {
    if (auto what = attention.prepend(op.e, op.inputs[6], op.inputs[7]))
      return op.invalid(*what);
    past = op.inputs[6].shape[2];
  }
  if (op.has(5))
    attention.bias = op.inputs[5];
  if (auto what = attention.mismatch(op.e))
    return op.invalid(*what);
  if (op.getInt("unidirectional", 0) != 0)
    attention.seen =
        causalMask(op.e, attention.query.shape[2], attention.key.shape[2],
                   op.e.fromElements(OnnxType::I64, {}, {past}), 0);
  auto size = attention.query.shape[3].constant();
  double scale = op.getFloat("scale", 0.0);
  if (scale == 0.0 && !size)
    return op.unsupported("a dynamic head size without a scale");
  attention.scale = scale != 0.0 ? scale : 1.0 / std::sqrt(double(*size));
  op.put(joinHeads(op.e, attention.emit(op.e)), 0);
  op.put(attention.key, 1);
  op.put(attention.value, 2);
  return op.status();
}

ArrayRef<OpEntry> onnx::contribOps() {
  static const OpEntry entries[] = {
      {"GroupQueryAttention", groupQueryAttention, 1, 1, "com.microsoft",
       "no sinks, no quantized cache; the cache grows"},
      {"MultiHeadAttention", multiHeadAttention, 1, 1, "com.microsoft",
       "no packed queries, biases or padding mask"},
      {"QuickGelu", quickGelu, 1, 1, "com.microsoft"},
      {"RotaryEmbedding", rotaryEmbedding, 1, 1, "com.microsoft", "no `scale`"},
      // onnxruntime's own, which its exporters write without a domain.
      {"SimplifiedLayerNormalization", simplifiedLayerNormalization},
      {"SimplifiedLayerNormalization", simplifiedLayerNormalization, 1, 1,
       "com.microsoft"},
      {"SkipLayerNormalization", skipLayerNormalization, 1, 1, "com.microsoft"},
      {"SkipSimplifiedLayerNormalization", skipSimplifiedLayerNormalization, 1,
       1, "com.microsoft"},
  };
  return entries;
}
