//===- CodeGen.cpp - LLVM dialect to machine code --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/JIT/CodeGen.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassInstrumentation.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

#include <chrono>
#include <mutex>

using namespace awq;
using namespace awq::jit;

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
  });
}

/// "+a,-b" from the machine's map of features, in the order of their names.
static std::string hostFeatures() {
  std::vector<std::string> spelled;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    spelled.push_back((feature.getValue() ? "+" : "-") +
                      feature.getKey().str());
  std::sort(spelled.begin(), spelled.end(),
            [](const std::string &a, const std::string &b) {
              return a.compare(1, a.npos, b, 1, b.npos) < 0;
            });
  return llvm::join(spelled, ",");
}

static Result<const llvm::Target *> lookupTarget(const std::string &triple) {
  std::string reason;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), reason);
  if (target)
    return target;
  return Error{ErrorKind::Unsupported, "AWQ1501",
               "no code generator for the target '" + triple + "'", reason,
               "leave --mtriple out to compile for this machine"};
}

Result<ResolvedTarget> jit::resolveTarget(const TargetOptions &options) {
  initializeTargets();
  ResolvedTarget resolved;
  bool host = options.triple.empty() && options.cpu.empty();
  resolved.triple = options.triple.empty() ? llvm::sys::getDefaultTargetTriple()
                                           : options.triple;
  resolved.cpu = host ? llvm::sys::getHostCPUName().str() : options.cpu;
  if (resolved.cpu.empty())
    resolved.cpu = "generic";
  resolved.features = host ? hostFeatures() : "";
  if (!options.features.empty())
    resolved.features +=
        (resolved.features.empty() ? "" : ",") + options.features;

  Result<const llvm::Target *> target = lookupTarget(resolved.triple);
  if (!target)
    return target.error();
  llvm::Triple triple(resolved.triple);
  std::unique_ptr<llvm::MCSubtargetInfo> base(
      (*target)->createMCSubtargetInfo(triple, "", ""));
  if (!base->isCPUStringValid(resolved.cpu))
    return Error{
        ErrorKind::Usage, "AWQ1502", "unknown processor '" + resolved.cpu + "'",
        "target " + resolved.triple,
        "'llc-22 -mtriple=" + resolved.triple + " -mcpu=help' lists the names"};
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      (*target)->createMCSubtargetInfo(triple, resolved.cpu,
                                       resolved.features));
  // Tuning flags and 64-bit mode are features to LLVM too; only those that
  // the processor itself reports can be checked where the code runs.
  llvm::StringMap<bool> known = llvm::sys::getHostCPUFeatures();
  for (const llvm::SubtargetFeatureKV &feature :
       subtarget->getAllProcessorFeatures())
    if (subtarget->getFeatureBits().test(feature.Value) &&
        known.contains(feature.Key))
      resolved.enabled.push_back(feature.Key);
  std::sort(resolved.enabled.begin(), resolved.enabled.end());
  return resolved;
}

void jit::registerTranslations(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerOpenMPDialectTranslation(registry);
}

static Result<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetOptions &options) {
  Result<ResolvedTarget> resolved = resolveTarget(options);
  if (!resolved)
    return resolved.error();
  Result<const llvm::Target *> target = lookupTarget(resolved->triple);
  if (!target)
    return target.error();
  llvm::TargetOptions flags;
  std::unique_ptr<llvm::TargetMachine> machine((*target)->createTargetMachine(
      llvm::Triple(resolved->triple), resolved->cpu, resolved->features, flags,
      llvm::Reloc::PIC_, std::nullopt,
      options.optLevel >= 3   ? llvm::CodeGenOptLevel::Aggressive
      : options.optLevel == 0 ? llvm::CodeGenOptLevel::None
                              : llvm::CodeGenOptLevel::Default));
  if (machine)
    return machine;
  return Error{ErrorKind::Unsupported, "AWQ1501",
               "no code generator for the target '" + resolved->triple + "'",
               "", "leave --mtriple out to compile for this machine"};
}

/// LLVM's own pipeline, as clang -O<level> runs it.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     unsigned level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = level >= 2;
  // Compiled models call no function pointers of their own, and this pass,
  // which looks for them, takes 87 % of the time (measured on SmolLM2: calls of
  // layers have hundreds of arguments).
  llvm::PassInstrumentationCallbacks instrumentation;
  instrumentation.registerShouldRunOptionalPassCallback(
      [](llvm::StringRef pass, llvm::Any) {
        return pass != "CalledValuePropagationPass";
      });
  llvm::PassBuilder builder(&machine, tuning, std::nullopt, &instrumentation);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::OptimizationLevel chosen = levels[std::min(level, 3u)];
  llvm::ModulePassManager passes =
      chosen == llvm::OptimizationLevel::O0
          ? builder.buildO0DefaultPipeline(chosen)
          : builder.buildPerModuleDefaultPipeline(chosen);
  passes.run(module, modules);
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

Result<std::unique_ptr<llvm::MemoryBuffer>>
jit::emitObject(mlir::ModuleOp module, const TargetOptions &options,
                CodeGenTimes *times) {
  CodeGenTimes unused;
  CodeGenTimes &spent = times ? *times : unused;
  Result<std::unique_ptr<llvm::TargetMachine>> machine =
      createTargetMachine(options);
  if (!machine)
    return machine.error();

  auto start = std::chrono::steady_clock::now();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule =
      mlir::translateModuleToLLVMIR(module, context, "awq-model");
  if (!llvmModule)
    return Error{ErrorKind::Internal, "AWQ1503",
                 "the module cannot be translated to LLVM IR", "",
                 "every op must be in the llvm or omp dialect; see the "
                 "diagnostics above"};
  llvmModule->setDataLayout((*machine)->createDataLayout());
  llvmModule->setTargetTriple((*machine)->getTargetTriple());
  spent.translate = secondsSince(start);

  start = std::chrono::steady_clock::now();
  optimize(*llvmModule, **machine, options.optLevel);
  spent.optimize = secondsSince(start);

  start = std::chrono::steady_clock::now();
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager emitter;
  if ((*machine)->addPassesToEmitFile(emitter, stream, nullptr,
                                      llvm::CodeGenFileType::ObjectFile))
    return Error{ErrorKind::Unsupported, "AWQ1501",
                 "the target '" + llvmModule->getTargetTriple().str() +
                     "' cannot emit object files",
                 "", "leave --mtriple out to compile for this machine"};
  emitter.run(*llvmModule);
  spent.codegen = secondsSince(start);
  return std::unique_ptr<llvm::MemoryBuffer>(
      std::make_unique<llvm::SmallVectorMemoryBuffer>(
          std::move(bytes), "awq-model.o", /*RequiresNullTerminator=*/false));
}
