//===- CompileDriver.cpp - what awq-compile does ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/CompileDriver.h"
#include "ModulePacking.h"
#include "RaiseModule.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Pipelines/Bundle.h"
#include "awq/Pipelines/CompileStages.h"
#include "awq/Pipelines/Compiler.h"
#include "awq/Pipelines/IREEPipeline.h"
#include "awq/Pipelines/NVVMPipeline.h"
#include "awq/Pipelines/Progress.h"
#include "awq/Pipelines/Quantize.h"
#if AWQ_ENABLE_ONNX
#include "awq/Target/ONNX/Export.h"
#endif
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
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

  Status import();
  Status lower();
  Status emitMLIR();
  Status emitBundle();
  Status checkDestination();
  Status quantizeInto(QuantizedModelSink &sink);
  Status emitCheckpoint();
  Status quantize();
  Status emitKernels();
  Status emitPlan();
  Status emitONNX();
#if AWQ_ENABLE_ONNX
  ONNXExportOptions onnxOptions() const;
#endif
  Status emitOutput();
  Status report(const std::string &path);
  CPUCompileOptions cpuOptions();

  const CompileRequest &request;
  std::string emit;
  MLIRContext context;
  Progress progress;
  OwningOpRef<ModuleOp> module;
  PhaseRunner phases;
  /// The parameters of a quantized module that goes on to another form.
  ScratchFile parameters;
  /// What the last event tells beyond time and memory.
  nlohmann::ordered_json outcome = nlohmann::ordered_json::object();
};

} // namespace

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

Status Driver::import() {
  Result<OwningOpRef<ModuleOp>> loaded = loadModule(&context, request.input);
  if (!loaded)
    return loaded.error();
  module = std::move(*loaded);
  if (Status status = raiseModule(*module, request.input); !status)
    return status;

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

/// Lowers the module to what is printed of it.
Status Driver::lower() {
  if (request.target != "iree")
    return phases.runTo(*module, request.compileTo.empty() ? "import"
                                                           : request.compileTo);
  llvm::SmallString<128> stem(request.output);
  llvm::sys::path::replace_extension(stem, "");
  Result<std::vector<std::string>> files =
      lowerForIREE(*module, stem.str().str());
  if (!files)
    return files.error();
  for (const std::string &file : *files)
    progress.event(
        {{"event", "parameters"}, {"scope", "model"}, {"path", file}});
  return {};
}

Status Driver::emitMLIR() {
  if (Status status = lower(); !status)
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

Status Driver::emitBundle() {
  CPUCompileOptions options = cpuOptions();
  auto onPhase = [&](llvm::StringRef name, double seconds) {
    progress.event(
        {{"event", "phase"}, {"name", name.str()}, {"seconds", seconds}});
  };
  options.onPhase = onPhase;
  if (Status status = writeBundle(*module, sourceFolder(request.input),
                                  request.output, request.force, options);
      !status)
    return status;
  return report(request.output);
}

/// What would fail after the search fails before it.
Status Driver::checkDestination() {
#if AWQ_ENABLE_ONNX
  if (emit == "onnx")
    return checkONNXFolder(*module, sourceFolder(request.input), request.output,
                           request.force, onnxOptions(),
                           makeQuantizeOptions(request).scheme);
#endif
  if (emit != "bundle")
    return {};
  return checkBundle(*module, sourceFolder(request.input), request.output,
                     request.force);
}

/// Quantizes the input into a folder in AutoAWQ's format.
Status Driver::emitCheckpoint() {
  std::unique_ptr<QuantizedModelSink> sink = createAutoAwqSink(
      sourceFolder(request.input), request.output, request.force);
  if (Status status = quantizeInto(*sink); !status)
    return status;
  return report(request.output);
}

/// Quantizes the module, which then goes on as if it had been loaded so. What
/// is printed refers to a file beside it; other forms take in all they need.
Status Driver::quantize() {
  if (Status status = checkDestination(); !status)
    return status;
  std::string file = request.output + ".safetensors";
  if (emit != "mlir") {
    Result<std::string> scratch = parameters.path();
    if (!scratch)
      return scratch.error();
    file = *scratch;
  }
  llvm::SmallString<128> absolute(file);
  (void)llvm::sys::fs::make_absolute(absolute);
  ModuleSink sink(*module, absolute.str().str());
  if (Status status = quantizeInto(sink); !status)
    return status;
  module = sink.take();
  return {};
}

Status Driver::quantizeInto(QuantizedModelSink &sink) {
  QuantizeOptions options = makeQuantizeOptions(request);
  options.onEvent = [&](const nlohmann::ordered_json &event) {
    progress.event(event);
  };
  Result<QuantizeSummary> summary = quantizeModel(*module, options, sink);
  if (!summary)
    return summary.error();
  if (options.method == QuantizeMethod::Awq)
    outcome = {{"peak_bytes", summary->peakBytes},
               {"peak_anonymous_bytes", summary->peakAnonymousBytes},
               {"layer_bytes", summary->layerBytes},
               {"gram_bytes", summary->gramBytes}};
  return {};
}

/// Compiles the input's quantized linears for a GPU.
Status Driver::emitKernels() {
  Result<KernelFolderReport> kernels =
      writeKernelFolder(*module, makeKernelOptions(request), request.output);
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

/// Writes the input as an ONNX model that onnxruntime-genai runs.
Status Driver::emitONNX() {
#if AWQ_ENABLE_ONNX
  if (Status status =
          exportONNXFolder(*module, sourceFolder(request.input), request.output,
                           request.force, onnxOptions());
      !status)
    return status;
  return report(request.output);
#else
  return Error{ErrorKind::Unsupported, "AWQ1157",
               "this program was built without ONNX", "",
               "configure with -DAWQ_ENABLE_ONNX=ON"};
#endif
}

#if AWQ_ENABLE_ONNX
ONNXExportOptions Driver::onnxOptions() const {
  ONNXExportOptions options;
  options.format = request.onnxFormat;
  options.opset = request.onnxOpset;
  return options;
}
#endif

/// Tells what a calibration will need.
Status Driver::emitPlan() {
  Result<MemoryPlan> plan =
      planQuantization(*module, makeQuantizeOptions(request));
  if (!plan)
    return plan.error();
  progress.event({{"event", "plan"},
                  {"layers", plan->layers},
                  {"linears", plan->linears},
                  {"process_bytes", plan->process},
                  {"hidden_bytes", plan->hidden},
                  {"layer_bytes", plan->layer},
                  {"gram_bytes", plan->gram},
                  {"work_bytes", plan->work},
                  {"peak_bytes", plan->peak()}});
  return {};
}

Status Driver::emitOutput() {
  if (emit == "plan")
    return emitPlan();
  if (emit == "checkpoint")
    return emitCheckpoint();
  if (!request.quantize.empty())
    if (Status status = quantize(); !status)
      return status;
  if (emit == "mlir")
    return emitMLIR();
  if (emit == "onnx")
    return emitONNX();
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
  if (Status status = checkRequest(request, emit); !status)
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
