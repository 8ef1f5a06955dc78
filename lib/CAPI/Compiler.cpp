//===- Compiler.cpp - awq-c/Compiler.h --------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq-c/Compiler.h"

#include "CompilerOptions.h"
#include "awq-c/Passes.h"
#include "awq/Pipelines/Bundle.h"
#include "awq/Pipelines/CompileStages.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <memory>
#include <mutex>
#include <string>

using namespace mlir;
using namespace awq;

namespace {

/// What a compiler and its modules share.
class Shared {
public:
  Shared() : context(makeRegistry()) {
    // Errors come back as awq::Error and are reported by fail(); these are the
    // rest. MLIR itself would print them.
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        pass(diagnostic);
      return success();
    });
  }

  void report(AwqSeverity severity, const Error &error) {
    if (onDiagnostic)
      onDiagnostic(severity, error.code.c_str(), error.message.c_str(),
                   error.where.c_str(), error.help.c_str(), diagnosticData);
  }

  void event(const nlohmann::ordered_json &event) {
    using nlohmann::json;
    if (!onEvent)
      return;
    std::string text =
        event.dump(-1, ' ', false, json::error_handler_t::replace);
    onEvent(text.c_str(), eventData);
  }

  MLIRContext context;
  capi::Options options;
  AwqDiagnosticCallback onDiagnostic = nullptr;
  void *diagnosticData = nullptr;
  AwqEventCallback onEvent = nullptr;
  void *eventData = nullptr;

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerCompilerDialects(registry);
    return registry;
  }

  /// A remark, warning or note of a pass, then the notes attached to it.
  void pass(Diagnostic &diagnostic) {
    std::string place;
    llvm::raw_string_ostream(place) << diagnostic.getLocation();
    report(severity(diagnostic),
           {ErrorKind::Internal, "", diagnostic.str(), place, ""});
    for (Diagnostic &note : diagnostic.getNotes())
      pass(note);
  }

  static AwqSeverity severity(const Diagnostic &diagnostic) {
    switch (diagnostic.getSeverity()) {
    case DiagnosticSeverity::Note:
      return AWQ_SEVERITY_NOTE;
    case DiagnosticSeverity::Remark:
      return AWQ_SEVERITY_REMARK;
    case DiagnosticSeverity::Warning:
      return AWQ_SEVERITY_WARNING;
    case DiagnosticSeverity::Error:
      return AWQ_SEVERITY_ERROR;
    }
    return AWQ_SEVERITY_ERROR;
  }
};

} // namespace

struct AwqCompiler {
  std::shared_ptr<Shared> shared;
};

struct AwqModule {
  // First, so that it goes last: the module lives in its context.
  std::shared_ptr<Shared> shared;
  OwningOpRef<ModuleOp> module;
  PhaseRunner phases;
  /// The folder that it was loaded from; empty if from memory.
  std::string source;

  OwningOpRef<ModuleOp> copy() const { return module.get().clone(); }
};

struct AwqBuffer {
  std::string bytes;
};

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

static thread_local std::string lastError;

static int fail(Shared *shared, const Error &error) {
  lastError = error.str();
  if (shared)
    shared->report(AWQ_SEVERITY_ERROR, error);
  return error.exitCode();
}

static int finish(Shared &shared, const Status &status) {
  return status ? int(AWQ_STATUS_OK) : fail(&shared, status.error());
}

/// Reports the first argument that is null, of pairs of name and pointer.
static int checkPointers(
    const char *function,
    std::initializer_list<std::pair<const char *, const void *>> arguments) {
  for (auto [name, pointer] : arguments)
    if (!pointer)
      return fail(nullptr, {ErrorKind::Usage, "AWQ1670",
                            std::string("the argument '") + name + "' is null",
                            function, "pass a valid pointer"});
  return AWQ_STATUS_OK;
}

// Returns from the function if one of its arguments is null.
#define CHECK_POINTERS(...)                                                    \
  if (int status = checkPointers(__func__, {__VA_ARGS__}))                     \
  return status

int32_t awqCompilerAbiVersion(void) { return AWQ_COMPILER_ABI_VERSION; }

const char *awqCompilerVersion(void) { return AWQ_VERSION; }

const char *awqCompilerLastError(void) { return lastError.c_str(); }

//===----------------------------------------------------------------------===//
// Compilers
//===----------------------------------------------------------------------===//

const char *awqCompilerOptions(void) { return capi::describeOptions().c_str(); }

const char *awqCompilerPhases(void) {
  static const std::string phases = PhaseRunner::phases();
  return phases.c_str();
}

/// Whether MLIR's traits are this library's: not so if the host had loaded
/// libMLIR privately before. Passes would then run and leave out what they
/// ought to do.
static bool sharesTypes(MLIRContext &context) {
  context.loadDialect<func::FuncDialect>();
  auto name = OperationName(func::ReturnOp::getOperationName(), &context);
  return name.hasTrait<OpTrait::IsTerminator>();
}

int awqCompilerCreate(AwqCompiler **compiler) {
  CHECK_POINTERS({"compiler", compiler});
  auto shared = std::make_shared<Shared>();
  if (!sharesTypes(shared->context))
    return fail(nullptr,
                {ErrorKind::Unsupported, "AWQ1675",
                 "libMLIR was loaded before this library, out of its sight",
                 "awqCompilerCreate",
                 "load this library first, or libMLIR with RTLD_GLOBAL"});
  *compiler = new AwqCompiler{std::move(shared)};
  return AWQ_STATUS_OK;
}

void awqCompilerDestroy(AwqCompiler *compiler) { delete compiler; }

int awqCompilerSetDiagnosticCallback(AwqCompiler *compiler,
                                     AwqDiagnosticCallback callback,
                                     void *userData) {
  CHECK_POINTERS({"compiler", compiler});
  compiler->shared->onDiagnostic = callback;
  compiler->shared->diagnosticData = userData;
  return AWQ_STATUS_OK;
}

int awqCompilerSetEventCallback(AwqCompiler *compiler,
                                AwqEventCallback callback, void *userData) {
  CHECK_POINTERS({"compiler", compiler});
  compiler->shared->onEvent = callback;
  compiler->shared->eventData = userData;
  return AWQ_STATUS_OK;
}

int awqCompilerSetOption(AwqCompiler *compiler, const char *name,
                         const char *value) {
  CHECK_POINTERS({"compiler", compiler}, {"name", name}, {"value", value});
  Shared &shared = *compiler->shared;
  return finish(shared, capi::setOption(shared.options, name, value));
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static int makeModule(std::shared_ptr<Shared> shared, std::string source,
                      Result<OwningOpRef<ModuleOp>> loaded,
                      AwqModule **module) {
  if (!loaded)
    return fail(shared.get(), loaded.error());
  *module = new AwqModule{std::move(shared), std::move(*loaded), PhaseRunner(),
                          std::move(source)};
  return AWQ_STATUS_OK;
}

int awqModuleLoad(AwqCompiler *compiler, const char *path, AwqModule **module) {
  CHECK_POINTERS({"compiler", compiler}, {"path", path}, {"module", module});
  return makeModule(compiler->shared, sourceFolder(path),
                    loadModule(&compiler->shared->context, path), module);
}

int awqModuleParse(AwqCompiler *compiler, const void *data, uint64_t size,
                   const char *name, AwqModule **module) {
  CHECK_POINTERS({"compiler", compiler}, {"data", data}, {"module", module});
  llvm::StringRef bytes(static_cast<const char *>(data), size);
  return makeModule(
      compiler->shared, "",
      parseModule(&compiler->shared->context, bytes, name ? name : "memory"),
      module);
}

void awqModuleDestroy(AwqModule *module) { delete module; }

/// Has `work` change a copy of the module, which takes its place on success.
static int change(AwqModule *module,
                  llvm::function_ref<Status(ModuleOp)> work) {
  OwningOpRef<ModuleOp> copy = module->copy();
  Status status = work(*copy);
  if (status)
    module->module = std::move(copy);
  return finish(*module->shared, status);
}

int awqModuleRunToPhase(AwqModule *module, const char *phase) {
  CHECK_POINTERS({"module", module}, {"phase", phase});
  return change(
      module, [&](ModuleOp copy) { return module->phases.runTo(copy, phase); });
}

/// Upstream's passes and ours, for pipelines as text.
static void registerPassesOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    mlir::registerAllPasses();
    awqRegisterAllPasses();
  });
}

/// Reads passes with the module around them, as --pass-pipeline has it, or
/// without.
static FailureOr<OpPassManager> parsePasses(llvm::StringRef passes,
                                            llvm::raw_ostream &errors) {
  if (passes.ltrim().starts_with("builtin.module("))
    return parsePassPipeline(passes.trim(), errors);
  OpPassManager manager(ModuleOp::getOperationName());
  if (failed(parsePassPipeline(passes, manager, errors)))
    return failure();
  return manager;
}

int awqModuleRunPasses(AwqModule *module, const char *passes) {
  CHECK_POINTERS({"module", module}, {"passes", passes});
  registerPassesOnce();
  std::string errors;
  llvm::raw_string_ostream stream(errors);
  FailureOr<OpPassManager> parsed = parsePasses(passes, stream);
  if (failed(parsed))
    return fail(
        module->shared.get(),
        {ErrorKind::Usage, "AWQ1671",
         "the passes cannot be read: " + llvm::StringRef(errors).trim().str(),
         passes, "awq-opt --help lists the passes and their options"});
  return change(module, [&](ModuleOp copy) {
    return runPasses(copy, "passes", [&](OpPassManager &manager) {
      manager = std::move(*parsed);
    });
  });
}

//===----------------------------------------------------------------------===//
// Artifacts
//===----------------------------------------------------------------------===//

int awqModuleGetText(const AwqModule *module, AwqBuffer **text) {
  CHECK_POINTERS({"module", module}, {"text", text});
  auto buffer = std::make_unique<AwqBuffer>();
  llvm::raw_string_ostream stream(buffer->bytes);
  module->module.get()->print(stream);
  stream << "\n";
  *text = buffer.release();
  return AWQ_STATUS_OK;
}

int awqModuleGetBytecode(const AwqModule *module, AwqBuffer **bytecode) {
  CHECK_POINTERS({"module", module}, {"bytecode", bytecode});
  auto buffer = std::make_unique<AwqBuffer>();
  llvm::raw_string_ostream stream(buffer->bytes);
  if (failed(writeBytecodeToFile(module->module.get(), stream)))
    return fail(module->shared.get(),
                {ErrorKind::Internal, "AWQ1672",
                 "the module cannot be written as bytecode", "",
                 "report it with the module's text"});
  *bytecode = buffer.release();
  return AWQ_STATUS_OK;
}

/// The options for one kind of output, without those that are for others.
static Result<CompileRequest>
makeRequest(const AwqModule *module, const char *emit, const char *output) {
  CompileRequest request = module->shared->options.request;
  if (llvm::StringRef(emit) != "checkpoint") {
    request.quantize = request.statistics = request.journal = "";
    request.statisticsGram = request.resume = request.restart = false;
    request.skip.clear();
  }
  request.emit = emit;
  request.output = output;
  std::string checked;
  if (Status status = checkRequest(request, checked); !status)
    return status.error();
  return request;
}

/// Where configuration and tokenizer come from; perhaps nowhere.
static std::string sourceOf(const AwqModule *module) {
  const std::string &chosen = module->shared->options.source;
  return chosen.empty() ? module->source : chosen;
}

int awqModuleWriteBundle(const AwqModule *module, const char *output) {
  CHECK_POINTERS({"module", module}, {"output", output});
  Shared &shared = *module->shared;
  Result<CompileRequest> request = makeRequest(module, "bundle", output);
  if (!request)
    return fail(&shared, request.error());
  CPUCompileOptions options;
  options.target = request->cpu;
  auto onPhase = [&](llvm::StringRef name, double seconds) {
    shared.event(
        {{"event", "phase"}, {"name", name.str()}, {"seconds", seconds}});
  };
  options.onPhase = onPhase;
  return finish(shared, writeBundle(*module->copy(), sourceOf(module), output,
                                    request->force, options));
}

int awqModuleWriteCheckpoint(const AwqModule *module, const char *output) {
  CHECK_POINTERS({"module", module}, {"output", output});
  Shared &shared = *module->shared;
  Result<CompileRequest> request = makeRequest(module, "checkpoint", output);
  if (!request)
    return fail(&shared, request.error());
  std::string source = sourceOf(module);
  if (source.empty())
    return fail(&shared,
                {ErrorKind::Usage, "AWQ1673",
                 "a checkpoint needs the folder of the float model, and this "
                 "module comes from memory",
                 "awqModuleWriteCheckpoint",
                 "name the folder with the option 'source'"});
  QuantizeOptions options = makeQuantizeOptions(*request);
  options.onEvent = [&](const nlohmann::ordered_json &event) {
    shared.event(event);
  };
  std::unique_ptr<QuantizedModelSink> sink =
      createAutoAwqSink(source, output, request->force);
  Result<QuantizeSummary> summary =
      quantizeModel(*module->copy(), options, *sink);
  return finish(shared, summary ? Status() : Status(summary.error()));
}

int awqModuleWriteKernels(const AwqModule *module, const char *output) {
  CHECK_POINTERS({"module", module}, {"output", output});
  Shared &shared = *module->shared;
  Result<CompileRequest> request = makeRequest(module, "ptx", output);
  if (!request)
    return fail(&shared, request.error());
  Result<KernelFolderReport> kernels =
      writeKernelFolder(*module->copy(), makeKernelOptions(*request), output);
  return finish(shared, kernels ? Status() : Status(kernels.error()));
}

const char *awqBufferData(const AwqBuffer *buffer) {
  return buffer ? buffer->bytes.c_str() : "";
}

uint64_t awqBufferSize(const AwqBuffer *buffer) {
  return buffer ? buffer->bytes.size() : 0;
}

void awqBufferDestroy(AwqBuffer *buffer) { delete buffer; }
