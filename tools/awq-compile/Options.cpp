//===- Options.cpp - the command line of awq-compile -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

/// Binds an option to a field of the request, whose value is its default.
template <typename T>
using Field = cl::opt<T, /*ExternalStorage=*/true>;

std::optional<awq::CompileRequest> parseOptions(int argc, char **argv) {
  // LLVM's libraries register options of their own, some by the same names.
  cl::ResetCommandLineParser();
  cl::OptionCategory category("awq-compile options");
  static awq::CompileRequest request;
  // libLLVM brings options of its own; one of them has our name.
  if (cl::Option *other = cl::getRegisteredOptions().lookup("threads"))
    other->removeArgument();
  auto text = [&](const char *name, std::string &field, const char *value,
                  const char *help) {
    return std::make_unique<Field<std::string>>(
        StringRef(name), cl::location(field), cl::init(field),
        cl::value_desc(value), cl::desc(help), cl::cat(category));
  };
  Field<std::string> input(
      cl::Positional, cl::Required, cl::location(request.input),
      cl::desc("INPUT (a Hugging Face folder, .mlir or .mlirbc)"),
      cl::cat(category));
  auto output = text("o", request.output, "OUT", "Where the result goes");
  auto emit =
      text("emit", request.emit, "KIND",
           "mlir, bundle, checkpoint, onnx, ptx, or plan: only say how much "
           "memory a calibration needs (default: what the other options ask "
           "for)");
  auto compileTo = text("compile-to", request.compileTo, "PHASE",
                        "Print the module after this phase: import, groups, "
                        "pack, functions, linalg, bufferized, parallel, llvm");
  auto target = text("target", request.target, "TARGET",
                     "cpu, nvvm, or iree: a module for iree-compile");
  auto chip = text("chip", request.chip, "CHIP",
                   "GPU to make kernels for: sm_80, sm_86, sm_89 or sm_90a");
  auto kernelMode = text("kernel-mode", request.kernelMode, "MODE",
                         "How GPU kernels make numbers of codes: subnormal, "
                         "exact, planes (integer products for up to 4 "
                         "tokens) or dequantize (f16 first, then a product: "
                         "the baseline)");
  auto activations = text("activations", request.activations, "TYPE",
                          "Type of a GPU's activations and results: f16 or "
                          "bf16");
  Field<bool> batchInvariant(
      "batch-invariant", cl::location(request.batchInvariant), cl::init(false),
      cl::desc(
          "One GPU kernel for any number of tokens, so that a token's bits "
          "do not depend on how many there are"),
      cl::cat(category));
  Field<bool> fuse(
      "fuse", cl::location(request.fuse), cl::init(true),
      cl::desc("Join the linears of a GPU that read the same value, and have "
               "them compute norms, gates, rotary embeddings and additions"),
      cl::cat(category));
  auto onnxFormat = text("onnx-format", request.onnxFormat, "FORMAT",
                         "How an ONNX model holds weights: float, matmulnbits "
                         "(onnxruntime's operator) or qdq (standard "
                         "operators); default: matmulnbits for a quantized "
                         "model, else float");
  Field<int64_t> onnxOpset(
      "onnx-opset", cl::location(request.onnxOpset), cl::init(21),
      cl::desc("Version of an ONNX model's standard operators, 21 to 23"),
      cl::cat(category));
  auto quantize = text("quantize", request.quantize, "METHOD",
                       "Quantize the input: awq, or rtn (rounding only)");
  Field<unsigned> bits("bits", cl::location(request.bits), cl::init(4),
                       cl::desc("Bits per weight"), cl::cat(category));
  Field<int64_t> groupSize(
      "group-size", cl::location(request.groupSize), cl::init(64),
      cl::desc("Input channels that share a scale"), cl::cat(category));
  auto calibration = text("calibration", request.calibration, "FILE",
                          "Tokens to calibrate on, in a safetensors file");
  auto statistics = text("statistics", request.statistics, "FILE",
                         "Also write the calibration statistics");
  Field<bool> statisticsGram(
      "statistics-gram", cl::location(request.statisticsGram), cl::init(false),
      cl::desc("Also write their Gram matrices, which are large and which "
               "awq-search-scales needs"),
      cl::cat(category));
  Field<bool> autoAwq(
      "autoawq", cl::location(request.autoAwq), cl::init(false),
      cl::desc("AutoAWQ's arithmetic and search in place of this project's"),
      cl::cat(category));
  Field<unsigned> scaleRatios(
      "scale-ratios", cl::location(request.scaleRatios), cl::init(20),
      cl::desc("Points of each grid of channel scales"), cl::cat(category));
  Field<bool> plainScales(
      "plain-scales", cl::location(request.plainScales), cl::init(true),
      cl::desc("Also try channel scales that do not depend on the weights"),
      cl::cat(category));
  Field<bool> searchClips(
      "search-clips", cl::location(request.searchClips), cl::init(true),
      cl::desc("Search narrower ranges for groups of weights"),
      cl::cat(category));
  Field<bool> refitScales(
      "refit-scales", cl::location(request.refitScales), cl::init(true),
      cl::desc("Fit the scales of groups to their codes in the end"),
      cl::cat(category));
  Field<bool> refineCodes(
      "refine-codes", cl::location(request.refineCodes), cl::init(true),
      cl::desc("Move codes off the nearest level where the output gains"),
      cl::cat(category));
  Field<unsigned> skipTokens(
      "skip-tokens", cl::location(request.skipTokens), cl::init(0),
      cl::desc("Tokens at the start of each sample that calibration leaves out "
               "of its statistics"),
      cl::cat(category));
  Field<double> shrinkage(
      "shrinkage", cl::location(request.shrinkage), cl::init(0.5),
      cl::desc("How far calibration shrinks correlations between channels, "
               "from 0 to 1"),
      cl::cat(category));
  cl::list<std::string> skip(
      "skip", cl::value_desc("NAME"), cl::cat(category),
      cl::desc("Linears with NAME in their names stay float (repeatable)"));
  auto journal = text("journal", request.journal, "FOLDER",
                      "Keep the results of finished layers there until the "
                      "calibration ends well");
  Field<bool> resume("resume", cl::location(request.resume), cl::init(false),
                     cl::desc("Go on behind the layers in --journal"),
                     cl::cat(category));
  Field<bool> restart("restart", cl::location(request.restart), cl::init(false),
                      cl::desc("Forget the layers in --journal"),
                      cl::cat(category));
  auto cpu = text("mcpu", request.cpu.cpu, "NAME",
                  "The processor to compile for (default: this one)");
  auto features = text("mattr", request.cpu.features, "+a,-b",
                       "Processor features to add or take away");
  auto triple = text("mtriple", request.cpu.triple, "TRIPLE",
                     "The target triple (default: this machine's)");
  auto progress = text("progress", request.progress, "HOW",
                       "jsonl (events on stdout), plain or none");
  Field<int> threads("threads", cl::location(request.threads), cl::init(0),
                     cl::desc("Threads (0: one per processor)"),
                     cl::cat(category));
  Field<bool> force("force", cl::location(request.force), cl::init(false),
                    cl::desc("Replace an existing output folder"),
                    cl::cat(category));
  cl::HideUnrelatedOptions(category);
  if (!cl::ParseCommandLineOptions(
          argc, argv, "Compiles a model, or prints it as MLIR at any phase.\n",
          &errs()))
    return std::nullopt;
  request.skip.assign(skip.begin(), skip.end());
  return request;
}
