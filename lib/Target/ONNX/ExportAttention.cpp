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

/// A cosine or sine for each channel that turns, from one for each pair:
/// [batch, sequence, 1, R] of [batch, sequence, 1, R/2].
std::string Exporter::spreadAngles(const std::string &values, int64_t half,
                                   bool interleaved) {
  if (!interleaved)
    return graph.concat({values, values}, 3);
  std::string column = graph.unsqueeze(values, {4});
  return graph.reshape(graph.concat({column, column}, 4), {0, 0, 1, 2 * half});
}

/// Cosines and sines at the positions of the new tokens.
void Exporter::gatherAngles(Angles &angles, bool interleaved) {
  if (!angles.tables[interleaved].first.empty())
    return;
  std::string rows = positions();
  if (angles.offset != 0)
    rows = graph.add("Add", {rows, graph.integer(angles.offset)});
  std::string places = graph.unsqueeze(graph.cast(rows, OnnxType::F32), {2, 3});
  std::string turns =
      graph.add("Mul", {places, parameter(angles.op.getInvFreq())});
  double scaling = angles.op.getScaling().convertToDouble();
  auto table = [&](StringRef function) {
    std::string values = graph.multiply(graph.add(function, {turns}), scaling);
    return spreadAngles(values, width(angles.op.getCosines()), interleaved);
  };
  std::string cosines = table("Cos");
  angles.tables[interleaved] = {cosines, table("Sin")};
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

/// [-x2, x1] of the halves of x, or (-x1, x0, -x3, x2, ...).
std::string Exporter::rotaryPartner(const std::string &x, int64_t heads,
                                    int64_t half, bool interleaved) {
  if (!interleaved) {
    std::string second = graph.slice(x, 3, half, half);
    std::string first = graph.slice(x, 3, 0, half);
    return graph.concat({graph.add("Neg", {second}), first}, 3);
  }
  std::string pairs = graph.reshape(x, {0, 0, heads, half, 2});
  std::string second = graph.slice(pairs, 4, 1, 1);
  std::string first = graph.slice(pairs, 4, 0, 1);
  return graph.reshape(graph.concat({graph.add("Neg", {second}), first}, 4),
                       {0, 0, heads, 2 * half});
}

/// x * cos + partner(x) * sin, as exporters write it.
void Exporter::convertRotary(decoder::RotaryOp op) {
  Angles *angles = known[op.getCosines()].angles;
  if (!angles || lead != 2)
    return failOp(op, "its angles are no decoder.rotary_table's");
  bool interleaved = op.getInterleaved();
  gatherAngles(*angles, interleaved);
  const auto &[cosines, sines] = angles->tables[interleaved];
  std::string x = tensor(op.getInput());
  int64_t channels = width(op.getInput()), half = width(op.getCosines());
  int64_t heads = shape(op.getInput())[1], rest = channels - 2 * half;
  std::string turning = rest == 0 ? x : graph.slice(x, 3, 0, 2 * half);
  std::string partner = rotaryPartner(turning, heads, half, interleaved);
  std::string straight = graph.add("Mul", {turning, cosines});
  std::string crossed = graph.add("Mul", {partner, sines});
  std::string turned = graph.add("Add", {straight, crossed});
  if (rest != 0)
    turned = graph.concat({turned, graph.slice(x, 3, 2 * half, rest)}, 3);
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

/// [batch, kv heads, rows, channels] with each head as often as queries share
/// it, in the form that exporters write and runtimes know.
std::string Exporter::repeatedHeads(const std::string &heads, int64_t times,
                                    int64_t count, int64_t channels) {
  if (times == 1)
    return heads;
  std::string apart = graph.unsqueeze(heads, {2});
  std::string repeated =
      graph.add("Expand", {apart, graph.ints({1, 1, times, 1, 1})});
  return graph.reshape(repeated, {0, count, -1, channels});
}

/// Scores of all queries and keys, [batch, heads, sequence, total], before
/// anything is masked.
std::string Exporter::scores(decoder::AttentionOp op,
                             const std::string &present) {
  int64_t heads = shape(op.getQuery())[1], channels = width(op.getQuery());
  std::string query =
      graph.multiply(headed(op.getQuery()), op.getScale().convertToDouble());
  std::string keys =
      repeatedHeads(present, heads / shape(op.getKey())[1], heads, channels);
  keys = graph.transpose(keys, {0, 1, 3, 2});
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
      graph.reshape(parameter(op.getSlopes()), {1, heads, 1, 1});
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
  int64_t heads = shape(op.getQuery())[1];
  values = repeatedHeads(values, heads / shape(op.getValue())[1], heads,
                         width(op.getValue()));
  std::string mixed = graph.add("MatMul", {weights, values});
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
