//===- SimulatedLinear.cpp - launches the kernels of a linear -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/SimulatedLinears/SimulatedLinear.h"

#include "awq/Dialect/AWQ/Utils/RecordLayout.h"

#include <algorithm>
#include <cstring>

using namespace awq;
using namespace awq::gpusim;

/// What the documentation of convert-awq-to-nvvm says about memory.
static constexpr int64_t packThreads = 256, ticketRows = 256, ticketBytes = 32;

SimulatedLinear::SimulatedLinear(const LinearProgram &program,
                                 const LinearWeight &weight, int64_t m,
                                 unsigned blocks, const LinearFusion &fusion)
    : program(program), weight(weight), fusion(fusion), m(m), blocks(blocks) {
  RecordGeometry geometry(weight.scheme, weight.n, weight.k);
  int64_t tokens = program.launch.maxTokens;
  // A grid is never empty: kernels must bear to have no token.
  tokenBlocks = std::max<int64_t>(1, (m + tokens - 1) / tokens);
  int64_t tiles = (weight.n + ticketRows - 1) / ticketRows;
  input = &memory.allocate("x", m * weight.k * 2);
  packed = &memory.allocate(
      "packed x",
      tokenBlocks * (geometry.recordsInK() * program.launch.activationBytes +
                     program.launch.tokenScaleBytes));
  records = &memory.allocate("records", weight.records, geometry.totalBytes());
  records->readOnly = true;
  if (program.dequantize)
    dequantized = &memory.allocate("weights", geometry.recordRows() *
                                                  geometry.recordsInK() *
                                                  program.launch.recordBytes);
  auto constant = [&](const char *name, const void *data, int64_t bytes) {
    if (!data)
      return static_cast<DeviceBuffer *>(nullptr);
    DeviceBuffer &buffer = memory.allocate(name, data, bytes);
    buffer.readOnly = true;
    return &buffer;
  };
  int64_t columns = fusion.gate ? weight.n / 2 : weight.n;
  bias = constant("bias", weight.bias, weight.n * 2);
  norm = constant("norm", fusion.norm, weight.k * 4);
  cosines = constant("cosines", fusion.cosines, m * fusion.half * 4);
  sines = constant("sines", fusion.sines, m * fusion.half * 4);
  residual = constant("residual", fusion.residual, m * columns * 2);
  output = &memory.allocate("y", m * columns * 2);
  partials = &memory.allocate("partial sums", tokenBlocks * blocks *
                                                  program.launch.partialBytes);
  tickets = &memory.allocate("tickets", tokenBlocks * tiles * ticketBytes);
  std::memset(tickets->data, 0, tickets->bytes);
}

Result<Report> SimulatedLinear::runPack(const SimulatorOptions &options) {
  input->fromPreviousKernel = program.dependentLaunch;
  packed->fromPreviousKernel = false;
  LaunchConfig config;
  config.grid.x = static_cast<unsigned>(tokenBlocks * program.launch.maxTokens);
  config.block.x = packThreads;
  std::vector<Argument> arguments = {Argument::pointer(*input),
                                     Argument::pointer(*packed)};
  if (norm)
    arguments.push_back(Argument::pointer(*norm));
  for (int64_t size : {m, weight.k})
    arguments.push_back(Argument::of(static_cast<int32_t>(size)));
  if (norm)
    arguments.push_back(Argument::of(fusion.epsilon));
  return launch(program.pack, memory, config, arguments, options);
}

Result<Report> SimulatedLinear::runDequantize(const SimulatorOptions &options) {
  LaunchConfig config;
  config.grid.x = blocks;
  config.block.x = packThreads;
  return launch(*program.dequantize, memory, config,
                {Argument::pointer(*records), Argument::pointer(*dequantized),
                 Argument::of(static_cast<int32_t>(weight.n)),
                 Argument::of(static_cast<int32_t>(weight.k))},
                options);
}

Result<Report> SimulatedLinear::runKernel(const SimulatorOptions &options) {
  packed->fromPreviousKernel = program.dependentLaunch;
  LaunchConfig config;
  config.grid.x = blocks;
  config.grid.y = static_cast<unsigned>(tokenBlocks);
  config.block.x = static_cast<unsigned>(program.launch.threads);
  config.dynamicSharedBytes = static_cast<unsigned>(program.launch.sharedBytes);
  std::vector<Argument> arguments = {
      Argument::pointer(*packed),
      Argument::pointer(dequantized ? *dequantized : *records)};
  for (DeviceBuffer *buffer :
       {bias, residual, cosines, sines, output, partials, tickets})
    if (buffer)
      arguments.push_back(Argument::pointer(*buffer));
  std::vector<int64_t> sizes = {m, weight.n, weight.k};
  if (cosines)
    sizes.insert(sizes.end(),
                 {fusion.turnedRows, fusion.headSize, fusion.half});
  for (int64_t size : sizes)
    arguments.push_back(Argument::of(static_cast<int32_t>(size)));
  return launch(program.kernel, memory, config, arguments, options);
}

Result<Report> SimulatedLinear::run(const uint16_t *x, uint16_t *y,
                                    const SimulatorOptions &options) {
  if (input->bytes)
    std::memcpy(input->data, x, input->bytes);
  std::memset(output->data, 0xff, output->bytes);
  std::memset(packed->data, 0xff, packed->bytes);
  Result<Report> report = runPack(options);
  if (report && report->clean() && dequantized) {
    std::memset(dequantized->data, 0xff, dequantized->bytes);
    dequantized->fromPreviousKernel = false;
    report = runDequantize(options);
    dequantized->fromPreviousKernel = program.dependentLaunch;
  }
  if (!report || !report->clean())
    return report;
  report = runKernel(options);
  if (report && output->bytes)
    std::memcpy(y, output->data, output->bytes);
  return report;
}

bool SimulatedLinear::hasCleanTickets() const {
  return std::all_of(tickets->data, tickets->data + tickets->bytes,
                     [](uint8_t byte) { return byte == 0; });
}
