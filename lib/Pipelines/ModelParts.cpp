//===- ModelParts.cpp - a model cut at its layers -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelParts.h"

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "awq/ExecutionEngine/Runtime/MemRef.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/IRMapping.h"

#include <algorithm>

using namespace mlir;
using namespace awq;

static constexpr llvm::StringLiteral kLayer = "awq.layer";

//===----------------------------------------------------------------------===//
// Cutting
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> awq::extractFunction(func::FuncOp function) {
  auto source = function->getParentOfType<ModuleOp>();
  OwningOpRef<ModuleOp> part = ModuleOp::create(function.getLoc());
  if (Attribute files = source->getAttr(kParameterFilesAttr))
    (*part)->setAttr(kParameterFilesAttr, files);
  OpBuilder builder = OpBuilder::atBlockEnd(part->getBody());
  llvm::DenseSet<StringAttr> copied;
  SymbolTable symbols(source);
  function.walk([&](ml_program::GlobalLoadConstOp load) {
    auto name = load.getGlobalAttr().getLeafReference();
    if (Operation *global = symbols.lookup(name);
        global && copied.insert(name).second)
      builder.clone(*global);
  });
  builder.clone(*function);
  return part;
}

func::FuncOp awq::getFunction(ModuleOp part) {
  for (auto function : part.getOps<func::FuncOp>())
    if (!function.isExternal())
      return function;
  return nullptr;
}

SmallVector<OpOperand *> awq::getParameterReads(func::FuncOp function) {
  SmallVector<OpOperand *> reads;
  function.walk([&](Operation *op) {
    if (op->getNumResults() > 0 && llvm::all_of(op->getResults(), isParameter))
      return;
    for (OpOperand &operand : op->getOpOperands())
      if (isParameter(operand.get()))
        reads.push_back(&operand);
  });
  return reads;
}

static Error cannotCut(const std::string &message) {
  return Error{ErrorKind::Unsupported, "AWQ1320", message, "",
               "calibration needs layer functions (attribute awq.layer) that "
               "one function calls in turn"};
}

namespace {

/// Cuts one function at its calls of layers.
class Cutter {
public:
  explicit Cutter(ModuleOp module) : module(module), symbols(module) {}

  Result<ModelParts> cut() {
    for (auto function : module.getOps<func::FuncOp>())
      function.walk([&](func::CallOp call) {
        auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
        if (!callee || !callee->hasAttr(kLayer))
          return;
        caller = function;
        calls.push_back(call);
        parts.layers.push_back(callee);
      });
    if (calls.empty())
      return cannotCut("the module has no decoder layers that are called");
    for (auto [index, call] : llvm::enumerate(calls))
      if (Status status = classify(index, call); !status)
        return status.error();
    for (OpOperand &operand : caller.front().getTerminator()->getOpOperands())
      if (operand.get().getDefiningOp() == calls.back() &&
          operand.get() == calls.back().getResult(0))
        finished = true;
    if (!finished)
      return cannotCut("ops follow the last layer in @" +
                       caller.getSymName().str());
    makePrologue();
    if (auto head = symbols.lookup<func::FuncOp>("head"))
      parts.head = head;
    return std::move(parts);
  }

private:
  Status classify(size_t index, func::CallOp call) {
    std::vector<LayerInput> inputs;
    for (OpOperand &operand : call->getOpOperands()) {
      Value value = operand.get();
      LayerInput input;
      if (auto layer = value.getDefiningOp<func::CallOp>();
          layer && llvm::is_contained(calls, layer)) {
        if (index == 0 || layer != calls[index - 1] ||
            value != layer.getResult(0))
          return cannotCut("layer " + std::to_string(index) +
                           " reads more than the hidden state of the layer "
                           "before it");
        input.kind = LayerInput::Kind::Hidden;
      } else if (!isScratch(value)) {
        input.kind = LayerInput::Kind::Prologue;
        auto place = llvm::find(needed, value);
        input.index = place - needed.begin();
        if (place == needed.end())
          needed.push_back(value);
      }
      inputs.push_back(input);
    }
    parts.inputs.push_back(std::move(inputs));
    return Status();
  }

  /// Positions, and caches: arguments of the caller that only a layer reads.
  bool isScratch(Value value) {
    if (value.getType().isIndex())
      return true;
    return isa<BlockArgument>(value) && value.hasOneUse();
  }

  /// A clone of the caller that returns what the layers need.
  void makePrologue() {
    parts.prologue = extractFunction(caller);
    func::FuncOp clone = getFunction(*parts.prologue);
    SmallVector<Operation *> source, copy;
    caller.walk([&](Operation *op) { source.push_back(op); });
    clone.walk([&](Operation *op) { copy.push_back(op); });
    SmallVector<Value> returned;
    for (Value value : needed) {
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        returned.push_back(clone.getArgument(argument.getArgNumber()));
        continue;
      }
      size_t index = llvm::find(source, value.getDefiningOp()) - source.begin();
      returned.push_back(
          copy[index]->getResult(cast<OpResult>(value).getResultNumber()));
    }
    clone.front().getTerminator()->setOperands(returned);
    for (Operation *op : llvm::reverse(copy))
      if (isa<func::CallOp>(op) && op->use_empty())
        op->erase();
    llvm::BitVector unused(clone.getNumArguments());
    for (BlockArgument argument : clone.getArguments())
      unused[argument.getArgNumber()] = argument.use_empty();
    (void)clone.eraseArguments(unused);
    clone.setType(FunctionType::get(clone.getContext(),
                                    clone.front().getArgumentTypes(),
                                    ValueRange(returned).getTypes()));
    clone.removeResAttrsAttr();
  }

  ModuleOp module;
  SymbolTable symbols;
  ModelParts parts;
  func::FuncOp caller;
  SmallVector<func::CallOp> calls;
  /// What the prologue has to return.
  SmallVector<Value> needed;
  bool finished = false;
};

} // namespace

Result<ModelParts> ModelParts::cut(ModuleOp module) {
  return Cutter(module).cut();
}

//===----------------------------------------------------------------------===//
// Compiling and running
//===----------------------------------------------------------------------===//

/// Replaces every read of a parameter by an argument of its own.
static void makeArguments(func::FuncOp function, bool widen) {
  SmallVector<OpOperand *> reads = getParameterReads(function);
  for (OpOperand *read : reads) {
    auto type = cast<RankedTensorType>(read->get().getType());
    if (widen && isa<FloatType>(type.getElementType()))
      type = type.clone(Float32Type::get(type.getContext()));
    unsigned index = function.getNumArguments();
    (void)function.insertArgument(index, type, DictionaryAttr(),
                                  function.getLoc());
    read->set(function.getArgument(index));
  }
  SmallVector<Operation *> unused;
  function.walk([&](Operation *op) {
    if (op->getNumResults() > 0 && llvm::all_of(op->getResults(), isParameter))
      unused.push_back(op);
  });
  for (Operation *op : llvm::reverse(unused))
    if (op->use_empty())
      op->erase();
}

/// Removes what makes equal functions differ: names, sites, layer numbers.
static void anonymize(func::FuncOp function) {
  function.setName("part");
  function.setPublic();
  function->removeAttr(kLayer);
  function.removeArgAttrsAttr();
  function.removeResAttrsAttr();
  function.walk([](Operation *op) {
    for (NamedAttribute attr : llvm::to_vector(op->getDiscardableAttrs()))
      if (attr.getName().strref().starts_with("awq."))
        op->removeDiscardableAttr(attr.getName());
  });
}

Result<CompiledPart> CompiledPart::create(func::FuncOp source, bool widen,
                                          const TargetFilter *observed,
                                          Cache &cache, bool allTokens) {
  OwningOpRef<ModuleOp> module = extractFunction(source);
  func::FuncOp function = getFunction(*module);
  CompiledPart part;
  part.inputCount = function.getNumArguments();
  if (observed)
    insertObservers(function, *observed);
  function.walk([&](ObserveOp op) {
    part.siteNames.push_back(op.getSite().str());
    part.routed.push_back(op->getParentOp() != function);
  });
  // What experts compute is computed once more to be observed, but from the
  // same arguments.
  makeArguments(function, widen);
  if (observed) {
    Status status =
        runPasses(*module, "observers", [&](OpPassManager &manager) {
          LowerObserversPassOptions lowering;
          lowering.allTokens = allTokens;
          manager.addPass(createLowerObserversPass(lowering));
        });
    if (!status)
      return status.error();
  }
  anonymize(function);
  for (auto global : llvm::to_vector(module->getOps<ml_program::GlobalOp>()))
    global.erase();

  std::string key;
  llvm::raw_string_ostream stream(key);
  function->print(stream);
  std::shared_ptr<CompiledModule> &shared = cache[key];
  if (!shared) {
    CPUCompileOptions options;
    options.step = false;
    Result<CompiledModule> compiled = compileForCPU(*module, options);
    if (!compiled)
      return compiled.error();
    shared = std::make_shared<CompiledModule>(std::move(*compiled));
  }
  part.compiled = shared;
  part.signature = shared->find("part");
  Result<jit::EntryFunction> entry = shared->engine->lookup("part");
  if (!entry)
    return entry.error();
  part.function = *entry;
  for (auto [index, argument] : llvm::enumerate(part.signature->arguments))
    if (argument.isDestination())
      part.destinations.push_back(index);
  part.scratch.resize(part.signature->arguments.size());
  return part;
}

int64_t CompiledPart::resultChannels(size_t result) const {
  const EntryArgument &argument = signature->arguments[destinations[result]];
  int64_t channels = 1;
  for (size_t i = 1; i < argument.shape.size(); ++i)
    channels *= argument.shape[i];
  return channels;
}

void CompiledPart::releaseScratch() {
  for (std::vector<char> &buffer : scratch)
    buffer = std::vector<char>();
}

void CompiledPart::run(const Call &call) {
  size_t count = signature->arguments.size();
  std::vector<runtime::MemRefDescriptor> descriptors;
  descriptors.reserve(count);
  std::vector<void *> arguments;
  std::vector<int64_t> scalars(count, 0);
  size_t parameter = 0, result = 0;
  for (size_t i = 0; i < count; ++i) {
    const EntryArgument &argument = signature->arguments[i];
    if (argument.isScalar) {
      arguments.push_back(&scalars[i]);
      continue;
    }
    std::vector<int64_t> shape = argument.shape;
    int64_t elements = 1;
    for (int64_t &size : shape) {
      size = size < 0 ? call.tokens : size;
      elements *= size;
    }
    const void *data = nullptr;
    if (argument.isDestination())
      data = call.results[result++];
    else if (i < inputCount)
      data = call.inputs[i];
    else
      data = call.parameters[parameter++];
    if (!data) {
      scratch[i].resize(elements * sizeof(float));
      data = scratch[i].data();
    }
    descriptors.emplace_back(shape, data);
    arguments.push_back(descriptors.back().address());
  }
  function(arguments.data());
}
