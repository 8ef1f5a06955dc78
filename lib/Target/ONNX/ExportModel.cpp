//===- ExportModel.cpp - a decoder's functions as an ONNX graph -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using io::OnnxType;

Exporter::Exporter(ModuleOp module, WeightFormat format, int64_t opset,
                   io::OnnxWriter &writer)
    : module(module), format(format), writer(writer), graph(writer, opset),
      store(module) {
  if (auto model = module->getAttrOfType<DictionaryAttr>("awq.model"))
    if (auto limit = model.getAs<IntegerAttr>("max_position"))
      maxPosition = limit.getInt();
}

void Exporter::failOp(Operation *op, const std::string &why) {
  std::string where;
  llvm::raw_string_ostream(where) << op->getLoc();
  fail({ErrorKind::Unsupported, "AWQ1150",
        "'" + op->getName().getStringRef().str() +
            "' cannot be written as ONNX: " + why,
        where, "docs/ONNX.md lists what an ONNX model can hold"});
}

//===----------------------------------------------------------------------===//
// The form of the module
//===----------------------------------------------------------------------===//

Status Exporter::checkForm() {
  auto refuse = [&](const std::string &message) {
    return Error{ErrorKind::Unsupported, "AWQ1151", message, "",
                 "export a Hugging Face folder, or a module that was imported "
                 "from one and not lowered"};
  };
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  auto head = module.lookupSymbol<func::FuncOp>("head");
  for (func::FuncOp function : {forward, head})
    if (!function || function.isExternal() || !function.getBody().hasOneBlock())
      return refuse("the module has no functions @forward and @head of one "
                    "block each");
  auto isFloats = [](Type type, int64_t rank) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == rank &&
           tensor.getElementType().isF32() && tensor.isDynamicDim(0) &&
           tensor.getNumDynamicDims() == 1;
  };
  ArrayRef<Type> inputs = forward.getArgumentTypes();
  ArrayRef<Type> results = forward.getResultTypes();
  auto ids = inputs.empty() ? RankedTensorType()
                            : dyn_cast<RankedTensorType>(inputs[0]);
  bool fits = inputs.size() >= 2 && inputs.size() % 2 == 0 &&
              results.size() + 1 == inputs.size() && ids &&
              ids.getRank() == 1 && ids.getElementType().isInteger(32) &&
              inputs[1].isIndex() && isFloats(results[0], 2);
  for (Type cache : inputs.drop_front(std::min<size_t>(2, inputs.size())))
    fits &= isFloats(cache, 3);
  if (!fits)
    return refuse("@forward is not of the form (tokens, position, caches) -> "
                  "(hidden states, caches) in f32");
  if (head.getNumArguments() != 1 || head.getNumResults() != 1 ||
      head.getArgumentTypes()[0] != results[0] ||
      !isFloats(head.getResultTypes()[0], 2))
    return refuse("@head is not of the form (hidden states) -> logits in f32");
  return {};
}

static io::OnnxValue value(const std::string &name, OnnxType type,
                           ArrayRef<std::variant<int64_t, const char *>> dims) {
  io::OnnxValue result;
  result.name = name;
  result.type = type;
  result.shape.emplace();
  for (const auto &dim : dims) {
    io::OnnxDim added;
    if (const int64_t *size = std::get_if<int64_t>(&dim))
      added.size = *size;
    else
      added.symbol = std::get<const char *>(dim);
    result.shape->push_back(added);
  }
  return result;
}

/// Inputs and outputs, as onnxruntime-genai names them.
void Exporter::declare() {
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  auto head = module.lookupSymbol<func::FuncOp>("head");
  writer.addInput(
      value("input_ids", OnnxType::I64, {"batch_size", "sequence_length"}));
  writer.addInput(value("attention_mask", OnnxType::I64,
                        {"batch_size", "total_sequence_length"}));
  writer.addOutput(
      value("logits", OnnxType::F32,
            {"batch_size", "sequence_length",
             width(*head.getBody().front().getTerminator()->operand_begin())}));
  for (const char *name : {"input_ids", "attention_mask", "logits"})
    graph.unique(name);
  positionArguments.insert(forward.getArgument(1));
  define(forward.getArgument(0), "input_ids");
  for (BlockArgument cache : forward.getArguments().drop_front(2)) {
    int64_t index = cache.getArgNumber() - 2;
    std::string what =
        "." + std::to_string(index / 2) + (index % 2 == 0 ? ".key" : ".value");
    Known entry(graph.unique("past_key_values" + what));
    entry.layer = index / 2;
    entry.present = graph.unique("present" + what);
    int64_t heads = shape(cache)[1], channels = shape(cache)[2];
    writer.addInput(
        value(entry.name, OnnxType::F32,
              {"batch_size", heads, "past_sequence_length", channels}));
    writer.addOutput(
        value(entry.present, OnnxType::F32,
              {"batch_size", heads, "total_sequence_length", channels}));
    known[cache] = entry;
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

SmallVector<Value> Exporter::sourcesOf(Operation *op) {
  if (auto attention = dyn_cast<decoder::AttentionOp>(op))
    if (auto plan = groupQuery(attention)) {
      SmallVector<Value> sources = {plan->query, plan->key, plan->value};
      if (plan->rotates)
        sources.push_back(plan->cosines);
      return sources;
    }
  return llvm::to_vector(op->getOperands());
}

/// Ops whose results nobody asks for any more (since GroupQueryAttention does
/// their work) get no nodes.
void Exporter::markNeeded(Block &body) {
  for (Operation &op : llvm::reverse(body)) {
    for (Region &region : op.getRegions())
      for (Block &block : region)
        markNeeded(block);
    bool used = op.hasTrait<OpTrait::IsTerminator>() || isa<func::CallOp>(op) ||
                llvm::any_of(op.getResults(),
                             [&](Value v) { return needed.contains(v); });
    if (used)
      for (Value source : sourcesOf(&op))
        needed.insert(source);
  }
}

std::string Exporter::tensor(Value value) {
  auto found = known.find(value);
  if (found == known.end() || found->second.layer >= 0) {
    if (isParameter(value))
      return parameter(value);
    if (Operation *op = value.getDefiningOp())
      failOp(op, "its result is used in a way that has no counterpart");
    else
      fail({ErrorKind::Unsupported, "AWQ1151",
            "an argument is used otherwise than by the attention of its layer",
            "", "export a module as it was imported"});
    return "";
  }
  Known &entry = found->second;
  if (entry.pieces) {
    Names names;
    int64_t dim = 0;
    for (const Piece &piece : *entry.pieces) {
      names.push_back(piece.name);
      dim = piece.dim;
    }
    entry.name = graph.concat(names, axis(dim));
    entry.pieces.reset();
  }
  if (entry.flat) {
    entry.name = shapeOf(entry.name, value);
    entry.flat = false;
  }
  return entry.name;
}

std::optional<int64_t> Exporter::positionOffset(Value value) {
  if (positionArguments.contains(value))
    return 0;
  auto sum = value.getDefiningOp<arith::AddIOp>();
  if (!sum)
    return std::nullopt;
  for (auto [base, term] : {std::pair(sum.getLhs(), sum.getRhs()),
                            std::pair(sum.getRhs(), sum.getLhs())}) {
    std::optional<int64_t> offset = positionOffset(base);
    APInt number;
    if (offset && matchPattern(term, m_ConstantInt(&number)))
      return *offset + number.getSExtValue();
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

void Exporter::convertBody(Block &body) {
  for (Operation &op : body.without_terminator()) {
    bool used = isa<func::CallOp>(op) ||
                llvm::any_of(op.getResults(),
                             [&](Value v) { return needed.contains(v); });
    // Numbers of parameters are read where they are used.
    if (!used || op.getNumResults() == 0 ||
        llvm::all_of(op.getResults(), isParameter))
      continue;
    std::string place;
    if (auto name = op.getAttrOfType<StringAttr>("awq.name"))
      place = name.getValue().str();
    else if (auto loc = dyn_cast<NameLoc>(op.getLoc()))
      place = loc.getName().getValue().str();
    graph.enter(place);
    convert(op);
    if (!status)
      return;
  }
}

void Exporter::convertCall(func::CallOp op) {
  auto callee = module.lookupSymbol<func::FuncOp>(op.getCallee());
  if (!callee || callee.isExternal() || !callee.getBody().hasOneBlock())
    return failOp(op, "the function that it calls has no body of one block");
  Block &body = callee.getBody().front();
  for (auto [argument, operand] :
       llvm::zip(body.getArguments(), op.getOperands())) {
    if (positionArguments.contains(operand))
      positionArguments.insert(argument);
    auto found = known.find(operand);
    if (found != known.end()) {
      Known entry = found->second;
      known[argument] = entry;
    }
  }
  convertBody(body);
  if (!status)
    return;
  for (auto [result, inner] :
       llvm::zip(op.getResults(), body.getTerminator()->getOperands())) {
    auto found = known.find(inner);
    if (found == known.end())
      continue;
    Known entry = found->second;
    known[result] = entry;
  }
}

void Exporter::finishOutputs(func::FuncOp forward, Value logits) {
  Operation *end = forward.getBody().front().getTerminator();
  for (auto [index, result] : llvm::enumerate(end->getOperands())) {
    if (index == 0)
      continue;
    auto found = known.find(result);
    std::string wanted =
        known.find(forward.getArgument(index + 1))->second.present;
    if (found == known.end() || found->second.name != wanted)
      return fail({ErrorKind::Unsupported, "AWQ1151",
                   "@forward does not yield the cache '" + wanted +
                       "' as an attention has updated it",
                   "", "export a module as it was imported"});
  }
  graph.rename(tensor(logits), "logits");
}

Status Exporter::run() {
  if (Status form = checkForm(); !form)
    return form;
  declare();
  findTables();
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    if (!function.isExternal() && function.getBody().hasOneBlock())
      markNeeded(function.getBody().front());
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  auto head = module.lookupSymbol<func::FuncOp>("head");
  convertBody(forward.getBody().front());
  if (!status)
    return status;
  Value hidden = forward.getBody().front().getTerminator()->getOperand(0);
  define(head.getArgument(0), tensor(hidden));
  convertBody(head.getBody().front());
  if (status)
    finishOutputs(forward,
                  head.getBody().front().getTerminator()->getOperand(0));
  return status;
}
