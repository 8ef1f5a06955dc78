//===- CompileDriver.cpp - what awq-compile does ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/CompileDriver.h"

#include "ModulePacking.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/IO/Safetensors.h"
#include "awq/Pipelines/Bundle.h"
#include "awq/Pipelines/CPUPipeline.h"
#include "awq/Pipelines/Compiler.h"
#include "awq/Pipelines/NVVMPipeline.h"
#include "awq/Pipelines/Progress.h"
#include "awq/Pipelines/Quantize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

#include <chrono>
#include <sys/resource.h>

using namespace mlir;
using namespace awq;

namespace {

/// One run of awq-compile.
class Driver {
public:
  explicit Driver(const CompileRequest &request)
      : request(request), context(makeRegistry()), progress(progressMode()) {}

  Status run();

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerCompilerDialects(registry);
    return registry;
  }
  Progress::Mode progressMode() const {
    return request.progress == "jsonl"   ? Progress::Mode::JsonLines
           : request.progress == "plain" ? Progress::Mode::Plain
                                         : Progress::Mode::None;
  }

  Status checkRequest();
  Status import();
  Status runTo(llvm::StringRef last);
  Status emitMLIR();
  Status emitBundle();
  Status emitCheckpoint();
  Status emitKernels();
  Status emitOutput();
  Status report(const std::string &path);
  CPUCompileOptions cpuOptions();
  std::string sourceFolder() const;

  const CompileRequest &request;
  std::string emit;
  MLIRContext context;
  Progress progress;
  OwningOpRef<ModuleOp> module;
  ScratchFile packed;
  /// What the last event tells beyond time and memory.
  nlohmann::ordered_json outcome = nlohmann::ordered_json::object();
};

} // namespace

static Error usage(std::string message, std::string help) {
  return Error{ErrorKind::Usage, "AWQ1601", std::move(message), "",
               std::move(help)};
}

/// Whether `value` is one of `choices`.
static bool isOneOf(llvm::StringRef value,
                    llvm::ArrayRef<llvm::StringLiteral> choices) {
  return llvm::is_contained(choices, value);
}

Status Driver::checkRequest() {
  if (!isOneOf(request.progress, {"jsonl", "plain", "none"}))
    return usage("--progress=" + request.progress + " is unknown",
                 "use jsonl, plain or none");
  if (!isOneOf(request.target, {"cpu", "nvvm"}))
    return usage("--target=" + request.target + " is unknown",
                 "use cpu or nvvm");
  if (!isOneOf(request.quantize, {"", "awq", "rtn"}))
    return usage("--quantize=" + request.quantize + " is unknown",
                 "use awq or rtn");
  if (!isOneOf(request.kernelMode,
               {"subnormal", "exact", "planes", "dequantize"}))
    return usage("--kernel-mode=" + request.kernelMode + " is unknown",
                 "use subnormal, exact, planes or dequantize");
  if (!isOneOf(request.activations, {"f16", "bf16"}))
    return usage("--activations=" + request.activations + " is unknown",
                 "use f16 or bf16");
  emit = request.emit;
  if (emit.empty())
    emit = !request.compileTo.empty()  ? "mlir"
           : !request.quantize.empty() ? "checkpoint"
           : request.target == "nvvm"  ? "ptx"
                                       : "bundle";
  if (!isOneOf(emit, {"mlir", "bundle", "checkpoint", "ptx"}))
    return usage("--emit=" + emit + " is unknown",
                 "use mlir, bundle, checkpoint or ptx");
  if (emit != "mlir" && request.output == "-")
    return usage("--emit=" + emit + " needs a folder to go to",
                 "give one with -o");
  if (emit != "mlir" && !request.compileTo.empty())
    return usage("--compile-to prints a module, and --emit=" + emit +
                     " asks for something else",
                 "leave one of the two out");
  if ((emit == "checkpoint") != !request.quantize.empty())
    return usage("--quantize and --emit=checkpoint go together",
                 "give --quantize=awq or --quantize=rtn, and no other --emit");
  if (request.quantize == "awq" && request.calibration.empty())
    return usage("--quantize=awq needs a calibration file",
                 "give one with --calibration, or use --quantize=rtn");
  if (!request.statistics.empty() && request.quantize != "awq")
    return usage("--statistics needs a calibration",
                 "give --quantize=awq, or leave --statistics out");
  if (request.statisticsGram && request.statistics.empty())
    return usage("--statistics-gram adds to a statistics file, but none is "
                 "written",
                 "name one with --statistics");
  if (request.scaleRatios < 1 || request.scaleRatios > 1000)
    return usage("--scale-ratios must be 1 to 1000", "20 is usual");
  if (!request.journal.empty() && request.quantize != "awq")
    return usage("--journal keeps the results of a calibration",
                 "give --quantize=awq, or leave --journal out");
  if ((request.resume || request.restart) && request.journal.empty())
    return usage("--resume and --restart need the folder of the interrupted "
                 "run",
                 "name it with --journal");
  if (request.resume && request.restart)
    return usage("--resume goes on and --restart begins anew",
                 "leave one of the two out");
  if (!request.skip.empty() && request.quantize.empty())
    return usage("--skip says which linears are not quantized, but nothing is",
                 "give --quantize, or leave --skip out");
  return {};
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

Status Driver::import() {
  Result<OwningOpRef<ModuleOp>> loaded = loadModule(&context, request.input);
  if (!loaded)
    return loaded.error();
  module = std::move(*loaded);

  int64_t layers = 0, linears = 0, parameters = 0, bytes = 0;
  module->walk([&](Operation *op) {
    layers += op->hasAttr("awq.layer");
    linears += isa<LinearOp, QuantizedWeightOpInterface>(op);
    auto global = dyn_cast<ml_program::GlobalOp>(op);
    auto type = global ? dyn_cast<RankedTensorType>(global.getType())
                       : RankedTensorType();
    if (!type)
      return;
    ++parameters;
    bytes += (type.getNumElements() * type.getElementTypeBitWidth() + 7) / 8;
  });
  std::string name = request.input;
  if (auto model = (*module)->getAttrOfType<DictionaryAttr>("awq.model"))
    if (auto given = model.getAs<StringAttr>("name"))
      name = given.getValue().str();
  progress.event({{"event", "import"},
                  {"model", name},
                  {"layers", layers},
                  {"linears", linears},
                  {"parameters", parameters},
                  {"bytes", bytes}});
  return {};
}

CPUCompileOptions Driver::cpuOptions() {
  CPUCompileOptions options;
  options.target = request.cpu;
  return options;
}

/// Runs the phases after import up to `last`.
Status Driver::runTo(llvm::StringRef last) {
  if (last == "import")
    return {};
  if (last == "groups")
    return runPasses(*module, "groups", [](OpPassManager &manager) {
      manager.addPass(createFindScalingGroupsPass());
    });
  if (Status status = packForCPU(*module, packed); !status)
    return status;
  if (last == "pack")
    return {};
  CPUPipelineOptions options;
  for (const CPUPhase &phase : getCPUPhases()) {
    Status status = runPasses(*module, phase.name, [&](OpPassManager &manager) {
      phase.build(manager, options);
    });
    if (!status || phase.name == last)
      return status;
  }
  std::string known = "import, groups, pack";
  for (const CPUPhase &phase : getCPUPhases())
    known += ", " + phase.name.str();
  return Error{ErrorKind::Usage, "AWQ1516",
               "--compile-to=" + last.str() + " is no phase", "",
               "the phases are " + known};
}

Status Driver::emitMLIR() {
  if (Status status =
          runTo(request.compileTo.empty() ? "import" : request.compileTo);
      !status)
    return status;
  std::error_code error;
  llvm::ToolOutputFile file(request.output, error, llvm::sys::fs::OF_None);
  if (error)
    return Error{ErrorKind::Resources, "AWQ1515",
                 "the output cannot be written: " + error.message(),
                 request.output, "name a file in a folder you may write to"};
  module->print(file.os());
  file.os() << "\n";
  file.os().flush();
  if (std::error_code failure = file.os().error()) {
    file.os().clear_error();
    return Error{ErrorKind::Resources, "AWQ1515",
                 "the output cannot be written: " + failure.message(),
                 request.output, "check the room on the disk"};
  }
  file.keep();
  return request.output == "-" ? Status() : report(request.output);
}

/// The folder that the input's tokenizer lies in.
std::string Driver::sourceFolder() const {
  if (llvm::sys::fs::is_directory(request.input))
    return request.input;
  return llvm::sys::path::parent_path(request.input).str();
}

Status Driver::emitBundle() {
  CPUCompileOptions options = cpuOptions();
  auto onPhase = [&](llvm::StringRef name, double seconds) {
    progress.event(
        {{"event", "phase"}, {"name", name.str()}, {"seconds", seconds}});
  };
  options.onPhase = onPhase;
  if (Status status = writeBundle(*module, sourceFolder(), request.output,
                                  request.force, options);
      !status)
    return status;
  return report(request.output);
}

/// Quantizes the input into a folder in AutoAWQ's format.
Status Driver::emitCheckpoint() {
  QuantizeOptions options;
  options.method =
      request.quantize == "awq" ? QuantizeMethod::Awq : QuantizeMethod::Rtn;
  options.scheme.bits = request.bits;
  options.scheme.group = request.groupSize;
  options.calibration = request.calibration;
  options.statistics = request.statistics;
  options.statisticsGram = request.statisticsGram;
  options.autoAwq = request.autoAwq;
  options.scaleRatios = static_cast<int>(request.scaleRatios);
  options.plainScales = request.plainScales;
  options.searchClips = request.searchClips;
  options.refitScales = request.refitScales;
  options.refineCodes = request.refineCodes;
  options.skipTokens = request.skipTokens;
  options.shrinkage = request.shrinkage;
  options.skip = request.skip;
  options.journal = request.journal;
  options.resume = request.resume;
  options.restart = request.restart;
  options.threads = request.threads;
  options.onEvent = [&](const nlohmann::ordered_json &event) {
    progress.event(event);
  };
  std::unique_ptr<QuantizedModelSink> sink =
      createAutoAwqSink(sourceFolder(), request.output, request.force);
  Result<QuantizeSummary> summary = quantizeModel(*module, options, *sink);
  if (!summary)
    return summary.error();
  if (options.method == QuantizeMethod::Awq)
    outcome = {{"peak_anonymous_bytes", summary->peakAnonymousBytes},
               {"layer_bytes", summary->layerBytes},
               {"gram_bytes", summary->gramBytes}};
  return report(request.output);
}

/// Compiles the input's quantized linears for a GPU.
Status Driver::emitKernels() {
  KernelFolderOptions options;
  options.chip = request.chip;
  options.mode = request.kernelMode;
  options.batchInvariant = request.batchInvariant;
  options.fuse = request.fuse;
  options.activations = request.activations;
  options.force = request.force;
  Result<KernelFolderReport> kernels =
      writeKernelFolder(*module, options, request.output);
  if (!kernels)
    return kernels.error();
  for (const KernelReport &kernel : kernels->kernels) {
    nlohmann::ordered_json event = {{"event", "kernel"},
                                    {"name", kernel.name},
                                    {"chip", request.chip},
                                    {"assembled", kernels->assembled}};
    if (kernels->assembled) {
      event["registers"] = kernel.registers;
      event["spill_bytes"] = kernel.spillBytes;
      event["shared_bytes"] = kernel.sharedBytes;
    }
    progress.event(event);
  }
  return report(request.output);
}

Status Driver::emitOutput() {
  if (emit == "mlir")
    return emitMLIR();
  if (emit == "checkpoint")
    return emitCheckpoint();
  return emit == "ptx" ? emitKernels() : emitBundle();
}

/// The size of what was written, a file or a folder of files.
Status Driver::report(const std::string &path) {
  uint64_t bytes = 0;
  std::error_code error;
  if (llvm::sys::fs::is_directory(path)) {
    for (llvm::sys::fs::directory_iterator entry(path, error), end;
         entry != end && !error; entry.increment(error))
      if (auto status = entry->status())
        bytes += status->getSize();
  } else {
    error = llvm::sys::fs::file_size(path, bytes);
  }
  progress.event({{"event", "written"}, {"path", path}, {"bytes", bytes}});
  return {};
}

Status Driver::run() {
  auto start = std::chrono::steady_clock::now();
  if (Status status = checkRequest(); !status)
    return status;
  if (Status status = import(); !status)
    return status;
  Status status = emitOutput();
  if (!status)
    return status;
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - start;
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  nlohmann::ordered_json done = {
      {"event", "done"},
      {"seconds", spent.count()},
      {"peak_rss_bytes", int64_t(used.ru_maxrss) * 1024}};
  done.update(outcome);
  progress.event(done);
  return {};
}

Status awq::compile(const CompileRequest &request) {
  Driver driver(request);
  Status status = driver.run();
  if (!status && request.progress == "jsonl")
    Progress(Progress::Mode::JsonLines)
        .event({{"event", "error"}, {"text", status.error().str()}});
  return status;
}
