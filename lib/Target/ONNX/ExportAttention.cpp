//===- ExportAttention.cpp - rotary embedding and attention as ONNX -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using io::OnnxType;

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

/// Cosines and sines at the positions of the new tokens.
void Exporter::gatherAngles(Angles &angles) {
  if (!angles.cosines.empty())
    return;
  std::string rows = positions();
  if (angles.offset != 0)
    rows = graph.add("Add", {rows, graph.integer(angles.offset)});
  std::string places = graph.unsqueeze(graph.cast(rows, OnnxType::F32), {2, 3});
  std::string turns =
      graph.add("Mul", {places, parameter(angles.op.getInvFreq())});
  double scaling = angles.op.getScaling().convertToDouble();
  angles.cosines = graph.multiply(graph.add("Cos", {turns}), scaling);
  angles.sines = graph.multiply(graph.add("Sin", {turns}), scaling);
}

/// All of them, for GroupQueryAttention, which picks its own.
void Exporter::writeAngleCaches(Angles &angles) {
  if (!angles.cosineCache.empty())
    return;
  FailureOr<std::vector<float>> frequencies =
      store.readFloats(angles.op.getInvFreq());
  if (failed(frequencies))
    return;
  float scaling = static_cast<float>(angles.op.getScaling().convertToDouble());
  int64_t half = frequencies->size();
  std::vector<float> cosines, sines;
  for (int64_t row = 0; row < maxPosition; ++row)
    for (float frequency : *frequencies) {
      float turn = static_cast<float>(row) * frequency;
      cosines.push_back(std::cos(turn) * scaling);
      sines.push_back(std::sin(turn) * scaling);
    }
  angles.cosineCache =
      floats(graph.unique("cos_cache"), {maxPosition, half}, cosines);
  angles.sineCache =
      floats(graph.unique("sin_cache"), {maxPosition, half}, sines);
}

void Exporter::convertRotary(decoder::RotaryOp op) {
  Known &table = known[op.getCosines()];
  if (!table.angles)
    return failOp(op, "its angles are no decoder.rotary_table's");
  Angles &angles = *table.angles;
  gatherAngles(angles);
  std::string x = tensor(op.getInput());
  int64_t channels = width(op.getInput()), half = width(op.getCosines());
  int64_t last = lead + 1, heads = shape(op.getInput())[1];
  std::string turning =
      2 * half == channels ? x : graph.slice(x, last, 0, 2 * half);
  std::string cosines = angles.cosines, sines = angles.sines;
  if (op.getInterleaved()) {
    // Pairs lie side by side: [..., R/2, 2].
    turning = graph.reshape(turning, {0, 0, heads, half, 2});
    cosines = graph.unsqueeze(cosines, {4});
    sines = graph.unsqueeze(sines, {4});
    ++last;
  }
  Names parts = graph.split(turning, last, 2);
  auto mul = [&](const std::string &a, const std::string &b) {
    return graph.add("Mul", {a, b});
  };
  std::string first =
      graph.add("Sub", {mul(parts[0], cosines), mul(parts[1], sines)});
  std::string second =
      graph.add("Add", {mul(parts[1], cosines), mul(parts[0], sines)});
  std::string turned;
  if (op.getInterleaved()) {
    turned = graph.reshape(graph.concat({first, second}, last),
                           {0, 0, heads, 2 * half});
    --last;
    if (2 * half < channels)
      turned = graph.concat(
          {turned, graph.slice(x, last, 2 * half, channels - 2 * half)}, last);
  } else {
    Names all = {first, second};
    if (2 * half < channels)
      all.push_back(graph.slice(x, last, 2 * half, channels - 2 * half));
    turned = graph.concat(all, last);
  }
  define(op.getResult(), turned);
}

//===----------------------------------------------------------------------===//
// Attention of standard operators
//===----------------------------------------------------------------------===//

void Exporter::convertAttention(decoder::AttentionOp op) {
  for (Value cache : {op.getKeyCache(), op.getValueCache()})
    if (known[cache].layer < 0)
      return failOp(op, "its caches are not those that @forward is given");
  if (std::optional<GroupQuery> plan = groupQuery(op))
    return convertGroupQuery(op, *plan);
  convertPlainAttention(op);
}

/// [batch, sequence, heads, channels] with heads before the sequence.
std::string Exporter::headed(Value value) {
  return graph.transpose(tensor(value), {0, 2, 1, 3});
}

/// Scores of all queries and keys, [batch, kv heads, heads per kv head,
/// sequence, total], before anything is masked.
std::string Exporter::scores(decoder::AttentionOp op,
                             const std::string &present) {
  int64_t heads = shape(op.getQuery())[1], channels = width(op.getQuery());
  int64_t kvHeads = shape(op.getKey())[1], each = heads / kvHeads;
  std::string query =
      graph.multiply(headed(op.getQuery()), op.getScale().convertToDouble());
  query = graph.reshape(query, {0, kvHeads, each, -1, channels});
  std::string keys =
      graph.unsqueeze(graph.transpose(present, {0, 1, 3, 2}), {2});
  std::string result = graph.add("MatMul", {query, keys});
  double cap = op.getSoftcap().convertToDouble();
  if (cap > 0.0) {
    result = graph.add(
        "Tanh",
        {graph.add("Div", {result, graph.number(static_cast<float>(cap))})});
    result = graph.multiply(result, cap);
  }
  if (!op.getSlopes())
    return result;
  std::string slopes =
      graph.reshape(parameter(op.getSlopes()), {1, kvHeads, each, 1, 1});
  std::string distance =
      graph.cast(graph.add("Sub", {columns(), rows()}), OnnxType::F32);
  return graph.add("Add", {result, graph.add("Mul", {slopes, distance})});
}

void Exporter::convertPlainAttention(decoder::AttentionOp op) {
  hasPlainAttention = true;
  Known keyCache = known[op.getKeyCache()];
  Known valueCache = known[op.getValueCache()];
  auto append = [&](const Known &cache, Value fresh) {
    return graph
        .addNode("Concat", {cache.name, headed(fresh)}, {cache.present},
                 {{"axis", int64_t(2)}})
        .front();
  };
  std::string keys = append(keyCache, op.getKey());
  std::string values = append(valueCache, op.getValue());
  // Finite, so that a row that sees nothing (padding) stays a number.
  std::string hidden = graph.number(std::numeric_limits<float>::lowest());
  std::string masked =
      graph.add("Where", {visible(op.getWindow()), scores(op, keys), hidden});
  std::string weights = graph.add("Softmax", {masked}, {{"axis", int64_t(-1)}});
  std::string mixed =
      graph.add("MatMul", {weights, graph.unsqueeze(values, {2})});
  int64_t heads = shape(op.getQuery())[1], channels = width(op.getValue());
  mixed = graph.reshape(mixed, {0, heads, -1, channels});
  define(op.getOut(), graph.transpose(mixed, {0, 2, 1, 3}));
  keyCache.name = keyCache.present;
  valueCache.name = valueCache.present;
  known[op.getNewKeyCache()] = keyCache;
  known[op.getNewValueCache()] = valueCache;
}

//===----------------------------------------------------------------------===//
// Attention of onnxruntime
//===----------------------------------------------------------------------===//

/// [tokens, heads * channels] where heads are but a view of it.
static Value joinedHeads(Value heads) {
  auto expand = heads.getDefiningOp<tensor::ExpandShapeOp>();
  if (expand && expand.getSrcType().getRank() == 2)
    return expand.getSrc();
  return heads;
}

/// GroupQueryAttention has no slopes, equal sizes of keys and values, and sizes
/// that vectors divide.
std::optional<Exporter::GroupQuery>
Exporter::groupQuery(decoder::AttentionOp op) {
  int64_t channels = width(op.getQuery());
  if (format != WeightFormat::MatMulNBits || op.getSlopes() ||
      channels != width(op.getValue()) || channels % 8 != 0)
    return std::nullopt;
  GroupQuery plan;
  Value query = op.getQuery(), key = op.getKey();
  auto turnedQuery = query.getDefiningOp<decoder::RotaryOp>();
  auto turnedKey = key.getDefiningOp<decoder::RotaryOp>();
  if (turnedQuery && turnedKey && maxPosition > 0 &&
      turnedQuery.getCosines() == turnedKey.getCosines() &&
      turnedQuery.getSines() == turnedKey.getSines() &&
      turnedQuery.getInterleaved() == turnedKey.getInterleaved() &&
      channels % 16 == 0 && width(turnedQuery.getCosines()) % 8 == 0) {
    plan.rotates = true;
    plan.interleaved = turnedQuery.getInterleaved();
    plan.cosines = turnedQuery.getCosines();
    query = turnedQuery.getInput();
    key = turnedKey.getInput();
  }
  plan.query = joinedHeads(query);
  plan.key = joinedHeads(key);
  plan.value = joinedHeads(op.getValue());
  return plan;
}

void Exporter::convertGroupQuery(decoder::AttentionOp op,
                                 const GroupQuery &plan) {
  Known keyCache = known[op.getKeyCache()];
  Known valueCache = known[op.getValueCache()];
  int64_t heads = shape(op.getQuery())[1], channels = width(op.getQuery());
  int64_t kvHeads = shape(op.getKey())[1];
  auto joined = [&](Value value, int64_t count) {
    std::string name = tensor(value);
    return shape(value).size() == 2
               ? name
               : graph.reshape(name, {0, 0, count * channels});
  };
  Names inputs = {joined(plan.query, heads),
                  joined(plan.key, kvHeads),
                  joined(plan.value, kvHeads),
                  keyCache.name,
                  valueCache.name,
                  lastRows(),
                  totalRows()};
  if (plan.rotates) {
    Angles *angles = known[plan.cosines].angles;
    if (!angles || angles->offset != 0)
      return failOp(op, "its angles are not those of the tokens' positions");
    writeAngleCaches(*angles);
    inputs.insert(inputs.end(), {angles->cosineCache, angles->sineCache});
  }
  int64_t window = op.getWindow();
  Names results = graph.addNode(
      "GroupQueryAttention", inputs,
      {graph.resultName("GroupQueryAttention"), keyCache.present,
       valueCache.present},
      {{"num_heads", heads},
       {"kv_num_heads", kvHeads},
       {"scale", static_cast<float>(op.getScale().convertToDouble())},
       {"local_window_size", window > 0 ? window : int64_t(-1)},
       {"softcap", static_cast<float>(op.getSoftcap().convertToDouble())},
       {"do_rotary", int64_t(plan.rotates)},
       {"rotary_interleaved", int64_t(plan.interleaved)}},
      ExportGraph::contrib);
  Known out(results[0]);
  out.flat = true;
  known[op.getOut()] = out;
  keyCache.name = keyCache.present;
  valueCache.name = valueCache.present;
  known[op.getNewKeyCache()] = keyCache;
  known[op.getNewValueCache()] = valueCache;
}
