//===- Compiler.cpp - runs pipelines and reports errors --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Compiler.h"

#include "DiagnosticCollector.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/Pipelines/CPUPipeline.h"
#include "awq/Pipelines/NVVMPipeline.h"
#include "awq/Target/HuggingFace/Import.h"
#if AWQ_ENABLE_ONNX
#include "awq/Target/ONNX/Import.h"
#endif
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>

using namespace mlir;
using namespace awq;

void awq::registerCompilerDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<AWQDialect, decoder::DecoderDialect>();
  registerChannelScalingExternalModels(registry);
  jit::registerTranslations(registry);
  registerNVVMTranslations(registry);
}

Status awq::runPasses(ModuleOp module, llvm::StringRef phase,
                      llvm::function_ref<void(OpPassManager &)> build) {
  DiagnosticCollector errors(module.getContext());
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  manager.enableVerifier(true);
  build(manager);
  if (succeeded(manager.run(module)))
    return {};
  return errors.error(phase.str());
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

static std::string typeName(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static std::string nameByRole(const EntryArgument &argument, unsigned index,
                              unsigned &outputs) {
  if (argument.role == "input")
    return "arg" + std::to_string(index);
  if (argument.role == "output")
    return "result" + std::to_string(outputs++);
  if (argument.isDestination())
    return argument.role == "hidden_out" ? "hidden" : "logits";
  if (argument.layer >= 0)
    return argument.role + "." + std::to_string(argument.layer);
  return argument.role;
}

static void describeType(EntryArgument &argument, Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  argument.type = typeName(shaped ? shaped.getElementType() : type);
  argument.isScalar = !shaped;
  for (int64_t size : shaped ? shaped.getShape() : ArrayRef<int64_t>())
    argument.shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
}

static EntryArgument describeArgument(func::FuncOp function, unsigned index,
                                      unsigned &outputs) {
  EntryArgument argument;
  auto text = [&](llvm::StringRef attribute) {
    auto value = function.getArgAttrOfType<StringAttr>(index, attribute);
    return value ? value.getValue().str() : std::string();
  };
  argument.role = text("awq.role");
  if (argument.role.empty())
    argument.role = "input";
  if (auto layer = function.getArgAttrOfType<IntegerAttr>(index, "awq.layer"))
    argument.layer = layer.getInt();
  argument.name = text("awq.name");
  if (argument.name.empty())
    argument.name = text("awq.parameter");
  if (argument.name.empty())
    argument.name = nameByRole(argument, index, outputs);
  if (auto sizes =
          function.getArgAttrOfType<DenseI64ArrayAttr>(index, "awq.sizes"))
    for (int64_t i = 0; i + 1 < sizes.size(); i += 2)
      argument.sizes.push_back({sizes[i], sizes[i + 1]});
  if (auto writes =
          function.getArgAttrOfType<DenseI64ArrayAttr>(index, "awq.writes")) {
    argument.writes.emplace();
    for (int64_t i = 0; i + 3 < writes.size(); i += 4)
      argument.writes->push_back(
          {writes[i], writes[i + 1], writes[i + 2], writes[i + 3]});
  }
  if (auto shape = function.getArgAttrOfType<AffineMapAttr>(index, "awq.shape"))
    argument.symbolicShape = shape.getValue();
  describeType(argument, function.getArgument(index).getType());
  return argument;
}

static EntryArgument describeResult(func::FuncOp function, unsigned index,
                                    unsigned &outputs) {
  EntryArgument result;
  result.role = "returned";
  auto name = function.getResultAttrOfType<StringAttr>(index, "awq.name");
  result.name =
      name ? name.getValue().str() : "result" + std::to_string(outputs++);
  describeType(result, function.getResultTypes()[index]);
  return result;
}

static std::vector<AffineMap> readMaps(func::FuncOp function,
                                       llvm::StringRef attribute) {
  std::vector<AffineMap> maps;
  if (auto list = function->getAttrOfType<ArrayAttr>(attribute))
    for (AffineMapAttr map : list.getAsRange<AffineMapAttr>())
      maps.push_back(map.getValue());
  return maps;
}

static std::vector<EntrySignature> readSignatures(ModuleOp module) {
  std::vector<EntrySignature> entries;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isDeclaration())
      continue;
    EntrySignature entry;
    entry.name = function.getSymName().str();
    entry.equalSizes = readMaps(function, "awq.equal_sizes");
    entry.broadcastSizes = readMaps(function, "awq.broadcast_sizes");
    unsigned outputs = 0;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      entry.arguments.push_back(describeArgument(function, i, outputs));
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      entry.arguments.push_back(describeResult(function, i, outputs));
    entries.push_back(std::move(entry));
  }
  return entries;
}

const EntrySignature *CompiledModule::find(llvm::StringRef name) const {
  for (const EntrySignature &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

namespace {
/// Measures from its construction.
class Stopwatch {
public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
};
} // namespace

Result<std::vector<EntrySignature>>
awq::lowerForCPU(ModuleOp module, const CPUCompileOptions &options) {
  CPUPipelineOptions pipeline;
  pipeline.step = options.step;
  std::vector<EntrySignature> entries;
  for (const CPUPhase &phase : getCPUPhases()) {
    if (phase.name == "llvm")
      entries = readSignatures(module);
    Stopwatch watch;
    Status status = runPasses(module, phase.name, [&](OpPassManager &manager) {
      phase.build(manager, pipeline);
    });
    if (!status)
      return status.error();
    if (options.onPhase)
      options.onPhase(phase.name, watch.seconds());
  }
  return entries;
}

Result<CompiledModule> awq::compileForCPU(ModuleOp module,
                                          const CPUCompileOptions &options) {
  Result<std::vector<EntrySignature>> entries = lowerForCPU(module, options);
  if (!entries)
    return entries.error();
  jit::CodeGenTimes times;
  Result<std::unique_ptr<jit::Engine>> engine =
      jit::Engine::create(module, options.target, &times);
  if (!engine)
    return engine.error();
  if (options.onPhase) {
    options.onPhase("translate", times.translate);
    options.onPhase("optimize", times.optimize);
    options.onPhase("codegen", times.codegen);
  }
  return CompiledModule{std::move(*entries), std::move(*engine)};
}

//===----------------------------------------------------------------------===//
// Input
//===----------------------------------------------------------------------===//

static Error invalidModule(const DiagnosticCollector &errors,
                           const std::string &name) {
  return errors.error(Error{ErrorKind::Malformed, "AWQ1511",
                            "'" + name + "' is not a valid module", name,
                            "awq-opt checks modules and shows each error"});
}

Result<OwningOpRef<ModuleOp>> awq::loadModule(MLIRContext *context,
                                              const std::string &path) {
  if (!llvm::sys::fs::exists(path))
    return Error{ErrorKind::Usage, "AWQ1512", "no such input", path,
                 "name a Hugging Face folder, a .mlir, .mlirbc or .onnx file"};
  llvm::StringRef name(path);
  if (llvm::sys::fs::is_directory(path) || name.ends_with(".json"))
    return importHuggingFace(context, path);
#if AWQ_ENABLE_ONNX
  if (name.ends_with(".onnx"))
    return importONNX(context, path);
#endif
  DiagnosticCollector errors(context);
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(path, ParserConfig(context));
  if (module)
    return module;
  return invalidModule(errors, path);
}

Result<OwningOpRef<ModuleOp>> awq::parseModule(MLIRContext *context,
                                               llvm::StringRef bytes,
                                               const std::string &name) {
  DiagnosticCollector errors(context);
  // A copy: the lexer wants a zero at the end, bytecode an aligned start.
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(bytes, name),
                             llvm::SMLoc());
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(sources, ParserConfig(context));
  if (module)
    return module;
  return invalidModule(errors, name);
}
