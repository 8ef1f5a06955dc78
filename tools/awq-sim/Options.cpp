//===- Options.cpp - the command line of awq-sim --------------------------===//
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

std::optional<awq::gpusim::SimulationRequest> parseOptions(int argc,
                                                           char **argv) {
  // LLVM's libraries register options of their own, some by the same names.
  cl::ResetCommandLineParser();
  cl::OptionCategory category("awq-sim options");
  static awq::gpusim::SimulationRequest request;
  auto field = [&](const char *name, auto &target, const char *value,
                   const char *help) {
    using T = std::remove_reference_t<decltype(target)>;
    return std::make_unique<Field<T>>(StringRef(name), cl::location(target),
                                      cl::init(target), cl::value_desc(value),
                                      cl::desc(help), cl::cat(category));
  };
  auto flag = [&](const char *name, bool &target, const char *help) {
    return std::make_unique<Field<bool>>(StringRef(name), cl::location(target),
                                         cl::desc(help), cl::cat(category));
  };
  Field<std::string> file(cl::Positional, cl::Required,
                          cl::location(request.file),
                          cl::desc("KERNEL.{ll,bc}"), cl::cat(category));
  cl::list<std::string> arguments(cl::Positional, cl::desc("[ARGUMENT...]"),
                                  cl::cat(category));
  auto kernel = field("kernel", request.kernel, "NAME",
                      "The kernel to run, if the file has several");
  auto list = flag("list", request.list, "Print the file's kernels");
  auto input = field("input", request.input, "in.safetensors",
                     "The tensors that arguments name");
  auto output = field("output", request.output, "out.safetensors",
                      "Where all tensors go after the run");
  auto grid = field("grid", request.grid, "X,Y,Z", "Blocks");
  auto block = field("block", request.block, "X,Y,Z", "Threads of a block");
  auto shared = field("dynamic-shared", request.dynamicSharedBytes, "BYTES",
                      "Shared memory beyond what the kernel declares");
  auto races = flag("races", request.options.races,
                    "Report accesses that nothing orders");
  auto counters = flag("counters", request.counters,
                       "Print instructions, traffic and conflicts");
  auto json = flag("json", request.json, "Print all as JSON");
  auto delivery = field("delivery", request.delivery, "late|at-once",
                        "When bulk copies arrive");
  auto mma = field("mma", request.mma, "fused|aligned",
                   "How tensor cores add products up");
  auto chunk = field("mma-chunk", request.options.mmaChunk, "N",
                     "--mma=aligned: products added at once");
  auto extra = field("mma-extra-bits", request.options.mmaExtraBits, "N",
                     "--mma=aligned: accumulator bits beyond 24");
  auto resident = field("resident", request.options.residentBlocks, "N",
                        "Blocks that run side by side");
  auto seed = field("seed", request.options.seed, "N",
                    "Run warps and blocks in a random order");
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Runs a GPU kernel on the CPU and reports its defects.\n\n"
          "Arguments, one per parameter: NAME (a tensor of --input), "
          "NAME=F32[4,64] (a new one),\n"
          "i32:7, i64:7, f32:0.5.\n",
          &errs()))
    return std::nullopt;
  request.arguments.assign(arguments.begin(), arguments.end());
  return request;
}
