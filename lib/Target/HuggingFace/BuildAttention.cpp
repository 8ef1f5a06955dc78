//===- BuildAttention.cpp - attention of an imported model ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelBuilder.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace awq;
using Kind = AttentionStyle::Kind;
using Rotary = AttentionStyle::Rotary;

//===----------------------------------------------------------------------===//
// Query, key and value
//===----------------------------------------------------------------------===//

Value ModelBuilder::rotate(Value heads, const RotaryTables &tables) {
  if (architecture.attention.rotary == Rotary::None)
    return heads;
  return decoder::RotaryOp::create(
      builder, heads.getType(), heads, tables.cosines, tables.sines,
      architecture.attention.rotary == Rotary::Interleaved);
}

ModelBuilder::Heads ModelBuilder::separateHeads(int64_t layer, Value input) {
  const AttentionStyle &style = architecture.attention;
  bool row = style.normOver == AttentionStyle::NormOver::Row;
  auto project = [&](const LinearModule &module, const std::string &normModule,
                     int64_t heads, int64_t channels) {
    Value flat = this->project(layer, module, input, heads * channels);
    std::string name = architecture.layerName(layer, normModule);
    if (row && !normModule.empty())
      flat = norm(name, flat);
    Value value = split(flat, {heads, channels});
    return row || normModule.empty() ? value : norm(name, value);
  };
  return {project(style.query, style.queryNorm, sizes.heads, sizes.key),
          project(style.key, style.keyNorm, sizes.kvHeads, sizes.key),
          project(style.value, "", sizes.kvHeads, sizes.value)};
}

ModelBuilder::Heads ModelBuilder::fusedHeads(int64_t layer, Value input) {
  const AttentionStyle &style = architecture.attention;
  int64_t heads = sizes.heads, kvHeads = sizes.kvHeads, channels = sizes.key;
  int64_t rows = heads + 2 * kvHeads;
  Value all = project(layer, style.fused, input, rows * channels);
  if (style.order == AttentionStyle::FusedOrder::Blocks) {
    Value split = this->split(all, {rows, channels});
    return {slice(split, 1, 0, heads), slice(split, 1, heads, kvHeads),
            slice(split, 1, heads + kvHeads, kvHeads)};
  }
  int64_t shared = heads / kvHeads;
  Value split = this->split(all, {kvHeads, shared + 2, channels});
  auto part = [&](int64_t first, int64_t count) {
    return join(slice(split, 2, first, count), 1);
  };
  return {part(0, shared), part(shared, 1), part(shared + 1, 1)};
}

ModelBuilder::Heads ModelBuilder::latentHeads(int64_t layer, Value input,
                                              const RotaryTables &tables) {
  const AttentionStyle &style = architecture.attention;
  auto latentNorm = [&](const std::string &module, Value value) {
    return rmsNorm(architecture.layerName(layer, module), value,
                   style.latentEpsilon, /*offset=*/0.0);
  };
  int64_t turning = sizes.key - sizes.straight;
  int64_t rank = sizes.keyValueRank;
  // [tokens, heads, straight] and [tokens, heads, turning] behind one another.
  auto concatenate = [&](Value straight, Value turned) -> Value {
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(3, builder.getIndexAttr(1));
    SmallVector<OpFoldResult> counts = {tokens,
                                        builder.getIndexAttr(sizes.heads),
                                        builder.getIndexAttr(sizes.straight)};
    Value whole = tensor::EmptyOp::create(
        builder, activations({sizes.heads, sizes.key}), ValueRange{tokens});
    whole = tensor::InsertSliceOp::create(builder, straight, whole, offsets,
                                          counts, strides);
    offsets[2] = builder.getIndexAttr(sizes.straight);
    counts[2] = builder.getIndexAttr(turning);
    return tensor::InsertSliceOp::create(builder, turned, whole, offsets,
                                         counts, strides);
  };

  int64_t queryRows = sizes.heads * sizes.key;
  Value query;
  if (sizes.queryRank == 0) {
    query = project(layer, style.query, input, queryRows);
  } else {
    Value latent = project(layer, style.queryDown, input, sizes.queryRank);
    query = project(layer, style.queryUp,
                    latentNorm(style.queryLatentNorm, latent), queryRows);
  }
  query = split(query, {sizes.heads, sizes.key});
  query = concatenate(slice(query, 2, 0, sizes.straight),
                      rotate(slice(query, 2, sizes.straight, turning), tables));

  // All heads share the key's channels that turn.
  Value down = project(layer, style.keyValueDown, input, rank + turning);
  Value shared =
      rotate(split(slice(down, 1, rank, turning), {1, turning}), tables);
  Value spread = tensor::EmptyOp::create(
      builder, activations({sizes.heads, turning}), ValueRange{tokens});
  spread = linalg::BroadcastOp::create(builder, join(shared, 1), spread,
                                       ArrayRef<int64_t>{1})
               ->getResult(0);
  Value up =
      project(layer, style.keyValueUp,
              latentNorm(style.keyValueLatentNorm, slice(down, 1, 0, rank)),
              sizes.heads * (sizes.straight + sizes.value));
  up = split(up, {sizes.heads, sizes.straight + sizes.value});
  Value key = concatenate(slice(up, 2, 0, sizes.straight), spread);
  return {query, key, slice(up, 2, sizes.straight, sizes.value)};
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Slopes of ALiBi as in transformers (build_alibi_tensor): powers of
/// 2^(-8 / n) for the largest power of two n of heads, and between them for the
/// rest; rounded to bf16. Some models scale them with the scores.
Value ModelBuilder::alibiSlopes(double scale) {
  std::vector<float> slopes;
  int64_t heads = sizes.heads, even = 1;
  while (2 * even <= heads)
    even *= 2;
  for (int64_t h = 0; h < heads; ++h) {
    double exponent =
        h < even ? (h + 1) * 8.0 / even : (2 * (h - even) + 1) * 4.0 / even;
    float slope = roundToBfloat(static_cast<float>(std::exp2(-exponent)));
    slopes.push_back(static_cast<float>(slope * scale));
  }
  auto type = RankedTensorType::get({heads}, builder.getF32Type());
  return arith::ConstantOp::create(
      builder, DenseElementsAttr::get(type, ArrayRef<float>(slopes)));
}

SmallVector<Value> ModelBuilder::attention(int64_t layer, Value input,
                                           const LayerArguments &arguments) {
  const AttentionStyle &style = architecture.attention;
  Heads heads = style.kind == Kind::Separate ? separateHeads(layer, input)
                : style.kind == Kind::Fused
                    ? fusedHeads(layer, input)
                    : latentHeads(layer, input, arguments.rotary);
  std::string output = architecture.layerName(layer, style.output.module);
  enter(output.substr(0, output.rfind('.')));
  if (style.kind != Kind::Latent) {
    heads.query = rotate(heads.query, arguments.rotary);
    heads.key = rotate(heads.key, arguments.rotary);
  }
  double scale = get(attentionScale(architecture, config, sizes));
  Value slopes = style.alibi ? alibiSlopes(scale) : Value();
  auto softcap = get(optionalNumber(style.softcap, config, 0.0));
  auto op = decoder::AttentionOp::create(
      builder, activations({sizes.heads, sizes.value}),
      arguments.keyCache.getType(), arguments.valueCache.getType(), heads.query,
      heads.key, heads.value, arguments.keyCache, arguments.valueCache,
      arguments.position, slopes, builder.getF64FloatAttr(scale),
      builder.getI64IntegerAttr(get(layerWindow(architecture, config, layer))),
      builder.getF64FloatAttr(softcap.value_or(0.0)));
  Value result =
      project(layer, style.output, join(op.getOut(), 1), config.hiddenSize);
  return {result, op.getNewKeyCache(), op.getNewValueCache()};
}
