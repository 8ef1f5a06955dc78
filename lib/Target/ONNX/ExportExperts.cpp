//===- ExportExperts.cpp - mixtures of experts as ONNX --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using decoder::GroupScore;
using decoder::RouterScoring;
using io::OnnxType;

static constexpr int64_t last = -1;

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

/// Values and places of the largest numbers, of equals the first.
ExportGraph::Names Exporter::largest(const std::string &value, int64_t count) {
  std::string values = graph.resultName("TopK");
  return graph.addNode("TopK", {value, graph.ints({count})},
                       {values, graph.resultName("TopK")}, {{"axis", last}});
}

/// `scores` with the lowest number where an expert's group is not kept.
std::string Exporter::keepGroups(decoder::RouterOp op,
                                 const std::string &scores) {
  int64_t groups = op.getGroups(), experts = width(op.getLogits());
  SmallVector<int64_t> sizes(lead, 0);
  sizes.append({groups, experts / groups});
  std::string grouped = graph.reshape(scores, sizes);
  ExportGraph::Attributes flat = {{"keepdims", int64_t(0)}};
  std::string best =
      op.getGroupScore() == GroupScore::Max
          ? graph.add("ReduceMax", {grouped, graph.ints({last})}, flat)
          : graph.add("ReduceSum",
                      {largest(grouped, 2).front(), graph.ints({last})}, flat);
  std::string kept = largest(best, op.getKeptGroups()).back();
  // 1 at the places of the groups that are kept.
  std::string zeros = graph.add("Mul", {best, graph.number(0.0f)});
  std::string ones =
      graph.add("Expand", {graph.number(1.0f), graph.add("Shape", {kept})});
  std::string marks =
      graph.add("ScatterElements", {zeros, kept, ones}, {{"axis", last}});
  std::string isKept =
      graph.unsqueeze(graph.cast(marks, OnnxType::Bool), {last});
  std::string lowest = graph.number(std::numeric_limits<float>::lowest());
  sizes.pop_back_n(2);
  sizes.push_back(experts);
  return graph.reshape(graph.add("Where", {isKept, grouped, lowest}), sizes);
}

void Exporter::convertRouter(decoder::RouterOp op) {
  std::string logits = tensor(op.getLogits()), scores = logits;
  if (op.getScoring() == RouterScoring::Softmax)
    scores = graph.add("Softmax", {logits}, {{"axis", last}});
  else if (op.getScoring() == RouterScoring::Sigmoid)
    scores = graph.add("Sigmoid", {logits});
  std::string steered = scores;
  if (op.getBias())
    steered = graph.add("Add", {scores, parameter(op.getBias())});
  if (op.getGroups() > 1)
    steered = keepGroups(op, steered);
  std::string indices = largest(steered, op.getTopK()).back();
  std::string weights =
      graph.add("GatherElements", {scores, indices}, {{"axis", last}});
  if (op.getScoring() == RouterScoring::SoftmaxOfChosen)
    weights = graph.add("Softmax", {weights}, {{"axis", last}});
  if (op.getNormalize()) {
    std::string sum = graph.add("ReduceSum", {weights, graph.ints({last})});
    sum = graph.add("Add", {sum, graph.number(1e-20f)});
    weights = graph.add("Div", {weights, sum});
  }
  define(op.getWeights(),
         graph.multiply(weights, op.getScale().convertToDouble()));
  define(op.getIndices(), indices);
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

/// Each expert gets the rows that chose it, and adds its results to theirs.
void Exporter::convertExperts(decoder::ExpertsOp op) {
  int64_t chosen = width(op.getWeights()), outputs = width(op.getResult());
  std::string hidden = tensor(op.getHidden());
  std::string rows = graph.reshape(hidden, {-1, width(op.getHidden())});
  std::string weights = graph.reshape(tensor(op.getWeights()), {-1, chosen});
  std::string indices = graph.reshape(tensor(op.getIndices()), {-1, chosen});
  std::string count =
      graph.add("Shape", {rows}, {{"start", int64_t(0)}, {"end", int64_t(1)}});
  std::string sum =
      graph.add("Expand", {graph.number(0.0f),
                           graph.concat({count, graph.ints({outputs})}, 0)});
  int64_t outside = std::exchange(lead, 1);
  for (auto [expert, region] : llvm::enumerate(op.getExperts())) {
    std::string hits = graph.add("Equal", {indices, graph.integer(expert)});
    std::string shares =
        graph.add("Where", {hits, weights, graph.number(0.0f)});
    std::string share = graph.add("ReduceSum", {shares, graph.ints({1})});
    std::string times = graph.add(
        "ReduceMax", {graph.cast(hits, OnnxType::I32), graph.ints({1})},
        {{"keepdims", int64_t(0)}});
    std::string places = graph.transpose(graph.add("NonZero", {times}), {1, 0});
    std::string own = graph.add("GatherND", {rows, places});
    Block &body = region.front();
    define(body.getArgument(0), own);
    convertBody(body);
    if (!status)
      return;
    std::string result = tensor(body.getTerminator()->getOperand(0));
    result = graph.add("Mul", {result, graph.add("GatherND", {share, places})});
    std::string add = "add";
    sum = graph.add("ScatterND", {sum, places, result}, {{"reduction", add}});
  }
  lead = outside;
  std::string sizes =
      graph.add("Shape", {hidden}, {{"start", int64_t(0)}, {"end", lead}});
  define(op.getResult(),
         graph.add("Reshape",
                   {sum, graph.concat({sizes, graph.ints({outputs})}, 0)}));
}
