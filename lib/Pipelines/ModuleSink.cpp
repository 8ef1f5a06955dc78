//===- ModuleSink.cpp - quantized models as modules -----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DiagnosticCollector.h"
#include "ModelParts.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "awq/Pipelines/Quantize.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace awq;

/// What is written since begin().
struct ModuleSink::State {
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<ParameterStore> store;
  llvm::StringMap<LinearOp> linears;
  /// The reads of the layer that is being written, by place.
  SmallVector<OpOperand *> reads;
};

ModuleSink::ModuleSink(ModuleOp source, std::string sideFile)
    : source(source), sideFile(std::move(sideFile)) {}

ModuleSink::~ModuleSink() = default;

static Error notPlanned(const std::string &what) {
  return Error{ErrorKind::Internal, "AWQ1043",
               what + " is not part of the plan", "", "please report this"};
}

Status ModuleSink::begin(const QuantizedModelPlan &plan) {
  state = std::make_unique<State>();
  state->module = OwningOpRef<ModuleOp>(source.clone());
  state->store = std::make_unique<ParameterStore>(*state->module, sideFile);
  llvm::StringSet<> planned;
  for (const QuantizedModelPlan::Weight &weight : plan.weights)
    if (!planned.insert(weight.linear).second)
      return Error{ErrorKind::Unsupported, "AWQ1330",
                   "two linears have the name " + weight.linear, "",
                   "give each an awq.name of its own"};
  state->module->walk([&](LinearOp op) {
    if (std::string name = getOpName(op); planned.contains(name))
      state->linears[name] = op;
  });
  return {};
}

Status ModuleSink::beginLayer(llvm::StringRef function) {
  state->reads.clear();
  auto layer = state->module->lookupSymbol<func::FuncOp>(function);
  if (!layer)
    return notPlanned("the layer " + function.str());
  for (OpOperand *read : getParameterReads(layer)) {
    auto linear = dyn_cast<LinearOp>(read->getOwner());
    bool becomesCodes = linear && read->get() == linear.getWeight() &&
                        state->linears.contains(getOpName(linear));
    if (!becomesCodes)
      state->reads.push_back(read);
  }
  return {};
}

Status ModuleSink::writeParameter(int64_t place, const std::string &name,
                                  const std::vector<int64_t> &shape,
                                  const std::vector<float> &values) {
  if (size_t(place) >= state->reads.size())
    return notPlanned("the parameter '" + name + "'");
  DiagnosticCollector collector(source.getContext());
  OpOperand *read = state->reads[place];
  Operation *reader = read->getOwner();
  OpBuilder builder(reader);
  std::string symbol = (name.empty() ? getOpName(reader) : name) + ".scaled";
  FailureOr<Value> value = state->store->defineFloats(
      builder, reader->getLoc(), symbol,
      RankedTensorType::get(shape, builder.getF32Type()), values, read->get());
  if (failed(value))
    return collector.error("write");
  read->set(*value);
  return {};
}

Status ModuleSink::writeWeight(const std::string &linear,
                               const QuantizedMatrix &matrix) {
  auto found = state->linears.find(linear);
  if (found == state->linears.end())
    return notPlanned("the linear " + linear);
  DiagnosticCollector collector(source.getContext());
  if (failed(replaceLinear(found->second, matrix, *state->store)))
    return collector.error("write");
  state->linears.erase(found);
  return {};
}

void ModuleSink::roundToStored(std::vector<float> &) const {}

Status ModuleSink::finish() {
  ModuleOp module = *state->module;
  for (auto function : module.getOps<func::FuncOp>())
    eraseUnusedParameters(function);
  SymbolTableCollection tables;
  SymbolUserMap users(tables, module);
  for (auto global :
       llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
    if (users.useEmpty(global))
      global.erase();
  DiagnosticCollector collector(source.getContext());
  if (failed(state->store->commit()))
    return collector.error("write");
  return {};
}

OwningOpRef<ModuleOp> ModuleSink::take() {
  // The store refers to the module.
  state->store.reset();
  return std::move(state->module);
}
