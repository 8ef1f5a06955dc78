//===- awq-run.cpp - runs a model or module on named tensors
//---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputErrors.h"
#include "awq/ExecutionEngine/SimulatedLinears/SimulatedRun.h"
#include "awq/Pipelines/Runner.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static int report(const awq::Error &error) {
  errs() << error.str() << "\n";
  return error.exitCode();
}

int main(int argc, char **argv) {
  awq::reportOutputErrors();
  // LLVM's libraries register options of their own, some by the same names.
  cl::ResetCommandLineParser();
  cl::OptionCategory category("awq-run options");
  cl::opt<std::string> file(cl::Positional, cl::Required, cl::desc("FILE"),
                            cl::cat(category));
  cl::opt<std::string> input(
      "input", cl::Required, cl::value_desc("in.safetensors"),
      cl::desc("Tensors named like the arguments"), cl::cat(category));
  cl::opt<std::string> output(
      "output", cl::Required, cl::value_desc("out.safetensors"),
      cl::desc("Where the results go"), cl::cat(category));
  cl::opt<std::string> entry("entry", cl::value_desc("NAME"),
                             cl::desc("The public function to run"),
                             cl::cat(category));
  cl::opt<int> threads("threads", cl::desc("Threads (0: one per processor)"),
                       cl::cat(category));
  cl::opt<long> maxSeq("max-seq", cl::desc("Rows of caches not given"),
                       cl::cat(category));
  cl::opt<std::string> device(
      "device", cl::init("cpu"), cl::value_desc("cpu|sim"),
      cl::desc("sim: quantized linears on their GPU kernels, simulated"),
      cl::cat(category));
  cl::opt<bool> fuse("fuse", cl::init(true),
                     cl::desc("With --device=sim: join linears and have them "
                              "compute what is beside them"),
                     cl::cat(category));
  cl::opt<std::string> chip("chip", cl::init("sm_80"), cl::value_desc("NAME"),
                            cl::desc("--device=sim: whose kernels"),
                            cl::cat(category));
  cl::opt<std::string> mode("mode", cl::init("subnormal"),
                            cl::value_desc("subnormal|exact|planes|dequantize"),
                            cl::desc("--device=sim: how codes become numbers"),
                            cl::cat(category));
  cl::opt<std::string> activations(
      "activations", cl::init("f16"), cl::value_desc("f16|bf16"),
      cl::desc("--device=sim: type of the kernels' inputs and results"),
      cl::cat(category));
  cl::opt<unsigned> blocks(
      "blocks", cl::init(0), cl::value_desc("N"),
      cl::desc("--device=sim: blocks of a grid (0: for four multiprocessors)"),
      cl::cat(category));
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Runs an entry point of a .mlir or .mlirbc file, a Hugging Face "
          "folder or a bundle on named tensors.\n",
          &errs()))
    return static_cast<int>(awq::ErrorKind::Usage);
  auto inputs = awq::readTensors(input);
  if (!inputs)
    return report(inputs.error());
  if (device != "cpu" && device != "sim")
    return report({awq::ErrorKind::Usage, "AWQ1542",
                   "there is no device '" + device + "'", "--device",
                   "choose cpu or sim"});
  awq::gpusim::SimulatedRunOptions simulated;
  simulated.entry = entry;
  simulated.kernels.chip = chip;
  simulated.kernels.mode = mode;
  simulated.kernels.activations = activations;
  simulated.kernels.fuse = fuse;
  simulated.blocks = blocks;
  simulated.simulator.races = true;
  auto outputs = device == "sim"
                     ? awq::gpusim::runOnSimulator(file, *inputs, simulated)
                     : awq::runFile(file, *inputs, {entry, threads, maxSeq});
  if (!outputs)
    return report(outputs.error());
  if (auto status = awq::writeTensors(output, *outputs); !status)
    return report(status.error());
  return 0;
}
