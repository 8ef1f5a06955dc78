//===- SplitLayers.cpp - one function a layer ------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

namespace {
/// Cuts a raised function where nothing but the residual stream is alive.
class LayerSplitter {
public:
  explicit LayerSplitter(func::FuncOp function)
      : function(function), b(function.getLoc(), function.getContext()) {}

  std::optional<std::string> split();

private:
  /// A point behind op `index` where `value` is all that later ops need.
  struct Cut {
    unsigned index;
    Value value;
  };
  void findCuts();
  std::optional<std::string> chooseCuts();
  void buildLayer(unsigned layer);
  void buildForward();
  void buildHead();
  func::FuncOp start(StringRef name, TypeRange inputs, TypeRange results);
  /// Clones the ops of (begin, end] that compute something of their own.
  void cloneOps(unsigned begin, unsigned end);
  Value mapped(Value value);

  func::FuncOp function;
  ImplicitLocOpBuilder b;
  SmallVector<Operation *> ops;
  SmallVector<unsigned> attentions;
  SmallVector<Cut> cuts;
  /// The input of each layer, and last the output of the last one.
  SmallVector<Cut> borders;
  SmallVector<func::FuncOp> layers;
  /// The tables that each layer turns its heads by.
  SmallVector<SmallVector<Value>> layerTables;
  IRMapping mapping;
  Value count;
};
} // namespace

/// Rows that flow from op to op, rather than parameters, tables and caches.
static bool isActivation(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2 || !type.isDynamicDim(0) ||
      !isa<FloatType>(type.getElementType()))
    return false;
  Operation *op = value.getDefiningOp();
  if (!op || isa<RotaryTableOp, tensor::SplatOp>(op))
    return false;
  return !isa<AttentionOp>(op) || cast<OpResult>(value).getResultNumber() == 0;
}

void LayerSplitter::findCuts() {
  llvm::DenseMap<Operation *, unsigned> indices;
  for (Operation &op : function.getBody().front()) {
    indices[&op] = ops.size();
    if (isa<AttentionOp>(op))
      attentions.push_back(ops.size());
    ops.push_back(&op);
  }
  // How many activations are alive behind each op, and the sum of their
  // numbers, which is the number where there is one.
  std::vector<int64_t> alive(ops.size() + 1, 0), sums(ops.size() + 1, 0);
  SmallVector<Value> values;
  for (auto [index, op] : llvm::enumerate(ops))
    for (Value value : op->getResults()) {
      if (!isActivation(value) || value.use_empty())
        continue;
      unsigned last = index;
      for (Operation *user : value.getUsers())
        last = std::max(last, indices.lookup(user));
      int64_t number = values.size();
      values.push_back(value);
      alive[index] += 1;
      alive[last] -= 1;
      sums[index] += number;
      sums[last] -= number;
    }
  int64_t count = 0, sum = 0;
  for (unsigned i = 0; i + 1 < ops.size(); ++i) {
    count += alive[i];
    sum += sums[i];
    if (count == 1 && (cuts.empty() || cuts.back().value != values[sum]))
      cuts.push_back({i, values[sum]});
    else if (count == 1)
      cuts.back().index = i;
  }
}

std::optional<std::string> LayerSplitter::chooseCuts() {
  if (attentions.empty())
    return "has no attention";
  for (auto [layer, attention] : llvm::enumerate(attentions)) {
    std::optional<Cut> best;
    for (const Cut &cut : cuts)
      if (cut.index < attention)
        best = cut;
    if (!best || (!borders.empty() && best->value == borders.back().value))
      return "has no residual stream before attention " + std::to_string(layer);
    borders.push_back(*best);
  }
  // The last layer ends with an addition to the stream; norm and head follow.
  std::optional<Cut> end;
  for (const Cut &cut : cuts)
    if (cut.index > attentions.back() &&
        isa<arith::AddFOp>(cut.value.getDefiningOp()))
      end = cut;
  if (!end)
    return "has no end of the last layer";
  borders.push_back(*end);
  for (const Cut &border : borders)
    if (border.value.getType() != end->value.getType())
      return "has layers of different widths";
  return std::nullopt;
}

func::FuncOp LayerSplitter::start(StringRef name, TypeRange inputs,
                                  TypeRange results) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(function);
  auto built =
      func::FuncOp::create(b, name, b.getFunctionType(inputs, results));
  built.addEntryBlock();
  mapping.clear();
  return built;
}

/// What a value is in the function being built; parameters, constants and sizes
/// are made anew where they are needed.
Value LayerSplitter::mapped(Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (isa<tensor::DimOp>(op)) {
    mapping.map(value, count);
    return count;
  }
  for (Value operand : op->getOperands())
    (void)mapped(operand);
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

/// Whether an op is made anew by each of its readers.
static bool isShared(Operation *op) {
  return isa<tensor::DimOp>(op) ||
         (op->getNumResults() == 1 && !isa<RotaryTableOp>(op) &&
          (isParameter(op->getResult(0)) ||
           op->hasTrait<OpTrait::ConstantLike>()));
}

void LayerSplitter::cloneOps(unsigned begin, unsigned end) {
  for (unsigned i = begin; i < end; ++i) {
    Operation *op = ops[i];
    if (isShared(op) || isa<RotaryTableOp, func::ReturnOp>(op))
      continue;
    for (Value operand : op->getOperands())
      (void)mapped(operand);
    b.clone(*op, mapping);
  }
}

void LayerSplitter::buildLayer(unsigned layer) {
  Cut begin = borders[layer], end = borders[layer + 1];
  auto attention = cast<AttentionOp>(ops[attentions[layer]]);
  llvm::SetVector<Value> tables;
  for (unsigned i = begin.index + 1; i <= end.index; ++i)
    for (Value operand : ops[i]->getOperands())
      if (operand.getDefiningOp<RotaryTableOp>())
        tables.insert(operand);
  SmallVector<Value> inputs = {begin.value};
  // Cosines before sines, as the op has them.
  for (Value table : tables)
    for (Value result : table.getDefiningOp()->getResults())
      if (!llvm::is_contained(inputs, result))
        inputs.push_back(result);
  layerTables.push_back(SmallVector<Value>(ArrayRef(inputs).drop_front()));
  inputs.append({attention.getKeyCache(), attention.getValueCache(),
                 attention.getPosition()});
  Type results[] = {end.value.getType(), attention.getNewKeyCache().getType(),
                    attention.getNewValueCache().getType()};
  func::FuncOp built = start("layers." + std::to_string(layer),
                             ValueRange(inputs).getTypes(), results);
  built.setPrivate();
  built->setAttr("awq.layer", b.getI64IntegerAttr(layer));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&built.getBody().front());
  for (auto [input, argument] : llvm::zip(inputs, built.getArguments()))
    mapping.map(input, argument);
  count = tensor::DimOp::create(b, built.getArgument(0), int64_t(0));
  cloneOps(begin.index + 1, end.index + 1);
  func::ReturnOp::create(b, ValueRange{mapped(end.value),
                                       mapped(attention.getNewKeyCache()),
                                       mapped(attention.getNewValueCache())});
  layers.push_back(built);
}

void LayerSplitter::buildForward() {
  SmallVector<Type> results = {borders.back().value.getType()};
  for (unsigned i = 2; i < function.getNumArguments(); ++i)
    results.push_back(function.getArgument(i).getType());
  func::FuncOp built = start("forward", function.getArgumentTypes(), results);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&built.getBody().front());
  for (auto [before, after] :
       llvm::zip(function.getArguments(), built.getArguments()))
    mapping.map(before, after);
  count = tensor::DimOp::create(b, built.getArgument(0), int64_t(0));
  for (Operation *op : ops)
    if (isa<RotaryTableOp>(op)) {
      for (Value operand : op->getOperands())
        (void)mapped(operand);
      b.clone(*op, mapping);
    }
  cloneOps(0, borders.front().index + 1);
  Value hidden = mapped(borders.front().value);
  SmallVector<Value> returned = {Value()};
  for (auto [index, layer] : llvm::enumerate(layers)) {
    auto attention = cast<AttentionOp>(ops[attentions[index]]);
    SmallVector<Value> operands = {hidden};
    for (Value table : layerTables[index])
      operands.push_back(mapped(table));
    operands.append({mapped(attention.getKeyCache()),
                     mapped(attention.getValueCache()),
                     mapped(attention.getPosition())});
    auto call = func::CallOp::create(b, layer, operands);
    hidden = call.getResult(0);
    returned.append({call.getResult(1), call.getResult(2)});
  }
  returned.front() = hidden;
  func::ReturnOp::create(b, returned);
}

void LayerSplitter::buildHead() {
  Value logits = ops.back()->getOperand(0);
  Value hidden = borders.back().value;
  func::FuncOp built = start("head", hidden.getType(), logits.getType());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&built.getBody().front());
  mapping.map(hidden, built.getArgument(0));
  count = tensor::DimOp::create(b, built.getArgument(0), int64_t(0));
  cloneOps(borders.back().index + 1, ops.size());
  func::ReturnOp::create(b, mapped(logits));
}

std::optional<std::string> LayerSplitter::split() {
  findCuts();
  if (std::optional<std::string> reason = chooseCuts())
    return reason;
  for (unsigned layer = 0; layer < attentions.size(); ++layer)
    buildLayer(layer);
  buildForward();
  buildHead();
  function.erase();
  return std::nullopt;
}

std::optional<std::string> awq::decoder::splitLayers(func::FuncOp function) {
  return LayerSplitter(function).split();
}
