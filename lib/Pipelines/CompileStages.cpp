//===- CompileStages.cpp - the steps of a compilation -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/CompileStages.h"

#include "ModulePacking.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Pipelines/CPUPipeline.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace awq;

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

/// The phases before those of the CPU pipeline.
static constexpr llvm::StringLiteral firstPhases[] = {"import", "groups",
                                                      "pack"};

static llvm::StringRef phaseName(size_t index) {
  if (index < std::size(firstPhases))
    return firstPhases[index];
  return getCPUPhases()[index - std::size(firstPhases)].name;
}

static size_t phaseCount() {
  return std::size(firstPhases) + getCPUPhases().size();
}

PhaseRunner::PhaseRunner() : packed(std::make_unique<ScratchFile>()) {}
PhaseRunner::PhaseRunner(PhaseRunner &&) = default;
PhaseRunner::~PhaseRunner() = default;

llvm::StringRef PhaseRunner::reached() const { return phaseName(done); }

std::string PhaseRunner::phases() {
  std::string names;
  for (size_t index = 0; index < phaseCount(); ++index)
    names += (index ? ", " : "") + phaseName(index).str();
  return names;
}

/// Runs one phase. "groups" marks what is found and is left out on the way to
/// later phases.
static Status runPhase(ModuleOp module, size_t index, bool isLast,
                       ScratchFile &packed) {
  llvm::StringRef name = phaseName(index);
  if (name == "import" || (name == "groups" && !isLast))
    return {};
  if (name == "pack")
    return packForCPU(module, packed);
  return runPasses(module, name, [&](OpPassManager &manager) {
    if (name == "groups")
      return manager.addPass(createFindScalingGroupsPass());
    CPUPipelineOptions options;
    getCPUPhases()[index - std::size(firstPhases)].build(manager, options);
  });
}

Status PhaseRunner::runTo(ModuleOp module, llvm::StringRef last) {
  size_t target = 0;
  while (target < phaseCount() && phaseName(target) != last)
    ++target;
  if (target == phaseCount())
    return Error{ErrorKind::Usage, "AWQ1516",
                 "there is no phase '" + last.str() + "'", "",
                 "the phases are " + phases()};
  if (target < done)
    return Error{ErrorKind::Usage, "AWQ1667",
                 "the module is past the phase '" + last.str() +
                     "': it has been lowered to '" + reached().str() + "'",
                 "", "load it again, or ask for a later phase"};
  size_t before = done;
  while (done < target) {
    Status status = runPhase(module, done + 1, done + 1 == target, *packed);
    if (!status) {
      done = before;
      return status;
    }
    ++done;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static Error usage(std::string message, std::string help) {
  return Error{ErrorKind::Usage, "AWQ1601", std::move(message), "",
               std::move(help)};
}

/// Whether `value` is one of `choices`.
static bool isOneOf(llvm::StringRef value,
                    llvm::ArrayRef<llvm::StringLiteral> choices) {
  return llvm::is_contained(choices, value);
}

Status awq::checkRequest(const CompileRequest &request, std::string &emit) {
  if (!isOneOf(request.progress, {"jsonl", "plain", "none"}))
    return usage("--progress=" + request.progress + " is unknown",
                 "use jsonl, plain or none");
  if (!isOneOf(request.target, {"cpu", "nvvm", "iree"}))
    return usage("--target=" + request.target + " is unknown",
                 "use cpu, nvvm or iree");
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
  bool isOnnx = llvm::StringRef(request.input).ends_with(".onnx");
  emit = request.emit;
  if (emit.empty())
    emit = !request.compileTo.empty()  ? "mlir"
           : !request.quantize.empty() ? (isOnnx ? "onnx" : "checkpoint")
           : request.target == "nvvm"  ? "ptx"
           : request.target == "iree"  ? "mlir"
                                       : "bundle";
  if (!isOneOf(emit, {"mlir", "bundle", "checkpoint", "onnx", "plan", "ptx"}))
    return usage("--emit=" + emit + " is unknown",
                 "use mlir, bundle, checkpoint, onnx, plan or ptx");
  if (emit == "plan" && request.quantize != "awq")
    return usage("--emit=plan tells what a calibration needs",
                 "give --quantize=awq and what it will be run with");
  if (emit != "mlir" && emit != "plan" && request.output == "-")
    return usage("--emit=" + emit + " needs a folder to go to",
                 "give one with -o");
  if (request.target == "iree" && (emit != "mlir" || request.output == "-"))
    return usage("--target=iree writes a module, and a file beside it for "
                 "weights that are computed",
                 "name a .mlir file with -o, and leave --emit and --quantize "
                 "out");
  if (request.target == "iree" && !request.compileTo.empty())
    return usage("--compile-to stops on the way to the CPU, and "
                 "--target=iree goes another way",
                 "leave one of the two out");
  if (emit != "mlir" && !request.compileTo.empty())
    return usage("--compile-to prints a module, and --emit=" + emit +
                     " asks for something else",
                 "leave one of the two out");
  if (emit == "checkpoint" && request.quantize.empty())
    return usage("--emit=checkpoint writes a quantized model",
                 "give --quantize=awq or --quantize=rtn");
  if (emit == "checkpoint" && isOnnx)
    return usage("a checkpoint is made from a Hugging Face folder, whose "
                 "tensors and configuration it takes over",
                 "use --emit=onnx, bundle or mlir for an ONNX model");
  if (emit == "mlir" && !request.quantize.empty() && request.output == "-")
    return usage("a quantized module needs a file for its weights beside it",
                 "name the module's file with -o");
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

QuantizeOptions awq::makeQuantizeOptions(const CompileRequest &request) {
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
  return options;
}

KernelFolderOptions awq::makeKernelOptions(const CompileRequest &request) {
  KernelFolderOptions options;
  options.chip = request.chip;
  options.mode = request.kernelMode;
  options.batchInvariant = request.batchInvariant;
  options.fuse = request.fuse;
  options.activations = request.activations;
  options.force = request.force;
  return options;
}

std::string awq::sourceFolder(const std::string &input) {
  if (llvm::sys::fs::is_directory(input))
    return input;
  return llvm::sys::path::parent_path(input).str();
}
