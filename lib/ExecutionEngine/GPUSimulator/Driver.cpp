//===- Driver.cpp - a kernel file with named tensors as arguments ---------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/GPUSimulator/Driver.h"

#include "awq/IO/Safetensors.h"
#include "awq/IO/SafetensorsWriter.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <optional>

using namespace awq;
using namespace awq::gpusim;

static Error badArgument(size_t index, std::string message, std::string text) {
  return Error{ErrorKind::Usage, "AWQ1710", std::move(message),
               "argument " + std::to_string(index) + ", '" + text + "'",
               "write NAME for a tensor of the input file, NAME=F32[4,64] for "
               "a new one, i32:7, i64:7 or f32:0.5 for a number"};
}

static Error badOption(std::string message, std::string help) {
  return Error{ErrorKind::Usage, "AWQ1711", std::move(message), "",
               std::move(help)};
}

template <typename T>
static bool parseNumber(std::string_view text, T &value) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

static Result<Dim3> parseDim(const char *option, std::string_view text) {
  unsigned values[3] = {1, 1, 1}, count = 0;
  while (count < 3) {
    size_t comma = std::min(text.find(','), text.size());
    if (!parseNumber(text.substr(0, comma), values[count++]))
      break;
    if (comma == text.size())
      return Dim3{values[0], values[1], values[2]};
    text.remove_prefix(comma + 1);
  }
  return badOption(std::string("--") + option + " is not X, X,Y or X,Y,Z",
                   "give one to three whole numbers with commas");
}

namespace {
/// The tensors of a run, in memory, and what is known of them.
struct Tensors {
  DeviceMemory memory;
  std::optional<io::SafetensorsFile> file;
  std::vector<io::TensorSpec> specs;
  std::map<std::string, DeviceBuffer *> buffers;

  DeviceBuffer &add(io::TensorSpec spec, const void *data, uint64_t bytes) {
    DeviceBuffer &buffer = data ? memory.allocate(spec.name, data, bytes)
                                : memory.allocate(spec.name, bytes);
    buffers[spec.name] = &buffer;
    specs.push_back(std::move(spec));
    return buffer;
  }
};
} // namespace

/// "F32[4,64]"
static bool parseType(std::string_view text, io::TensorSpec &spec,
                      uint64_t &bytes) {
  size_t open = text.find('[');
  if (open == std::string_view::npos || text.back() != ']')
    return false;
  std::optional<io::DType> dtype = io::parseDType(text.substr(0, open));
  if (!dtype)
    return false;
  spec.dtype = *dtype;
  text = text.substr(open + 1, text.size() - open - 2);
  uint64_t elements = 1;
  while (!text.empty()) {
    size_t comma = std::min(text.find(','), text.size());
    int64_t size;
    if (!parseNumber(text.substr(0, comma), size) || size < 0 ||
        size > int64_t(1) << 40 || elements > (uint64_t(1) << 40))
      return false;
    spec.shape.push_back(size);
    elements *= uint64_t(size);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  bytes = elements * uint64_t(io::bitWidth(spec.dtype)) / 8;
  return bytes <= uint64_t(1) << 36;
}

static std::optional<Argument> parseScalar(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  std::string_view type = text.substr(0, colon);
  std::string value(text.substr(colon + 1));
  int64_t whole;
  if (type == "i32" && parseNumber(value, whole))
    return Argument::of(static_cast<uint32_t>(whole));
  if (type == "i64" && parseNumber(value, whole))
    return Argument::of(whole);
  char *end = nullptr;
  float number = std::strtof(value.c_str(), &end);
  if (type == "f32" && !value.empty() && !*end)
    return Argument::of(number);
  return std::nullopt;
}

static Result<Argument> parseArgument(size_t index, const std::string &text,
                                      Tensors &tensors) {
  if (std::optional<Argument> scalar = parseScalar(text))
    return *scalar;
  if (text.find(':') != std::string::npos)
    return badArgument(index, "this is not a number", text);
  size_t equals = text.find('=');
  std::string name = text.substr(0, equals);
  auto known = tensors.buffers.find(name);
  if (equals != std::string::npos) {
    io::TensorSpec spec;
    spec.name = name;
    uint64_t bytes;
    if (known != tensors.buffers.end())
      return badArgument(index, "the tensor exists already", text);
    if (!parseType(std::string_view(text).substr(equals + 1), spec, bytes))
      return badArgument(index, "this is not a type and a shape", text);
    return Argument::pointer(tensors.add(std::move(spec), nullptr, bytes));
  }
  if (known != tensors.buffers.end())
    return Argument::pointer(*known->second);
  if (!tensors.file)
    return badArgument(index, "there is no input file to take it from", text);
  Result<io::TensorView> view = tensors.file->get(name);
  if (!view)
    return view.error();
  return Argument::pointer(
      tensors.add({name, view->dtype, view->shape}, view->data, view->bytes));
}

static Status writeTensors(const std::string &path, const Tensors &tensors) {
  auto writer = io::SafetensorsWriter::create(path, tensors.specs);
  if (!writer)
    return writer.error();
  for (const auto &[name, buffer] : tensors.buffers)
    if (Status status = writer->write(name, buffer->data, buffer->bytes);
        !status)
      return status;
  return writer->commit();
}

static Result<SimulationResult> listKernels(const KernelFile &file) {
  SimulationResult result;
  result.clean = true;
  for (const std::string &name : file.kernelNames()) {
    Result<Kernel> kernel = file.kernel(name);
    if (!kernel)
      return kernel.error();
    result.text += name + ": bytes of arguments";
    for (unsigned bytes : kernel->argumentBytes())
      result.text += " " + std::to_string(bytes);
    result.text += "; static shared memory " +
                   std::to_string(kernel->staticSharedBytes()) + "\n";
  }
  return result;
}

static Status chooseModels(const SimulationRequest &request,
                           SimulatorOptions &options) {
  if (request.delivery != "late" && request.delivery != "at-once")
    return badOption("--delivery=" + request.delivery + " is unknown",
                     "choose late or at-once");
  if (request.mma != "fused" && request.mma != "aligned")
    return badOption("--mma=" + request.mma + " is unknown",
                     "choose fused or aligned");
  options = request.options;
  options.delivery =
      request.delivery == "late" ? CopyDelivery::Late : CopyDelivery::AtOnce;
  options.mma = request.mma == "fused" ? MmaModel::FusedF32 : MmaModel::Aligned;
  options.counters = request.counters || request.json;
  return Status();
}

Result<SimulationResult>
awq::gpusim::simulate(const SimulationRequest &request) {
  Result<KernelFile> file = KernelFile::open(request.file);
  if (!file)
    return file.error();
  if (request.list)
    return listKernels(*file);
  SimulatorOptions options;
  if (Status status = chooseModels(request, options); !status)
    return status.error();
  Result<Kernel> kernel = file->kernel(request.kernel);
  if (!kernel)
    return kernel.error();
  Result<Dim3> grid = parseDim("grid", request.grid);
  Result<Dim3> block = parseDim("block", request.block);
  if (!grid || !block)
    return (grid ? block : grid).error();
  Tensors tensors;
  if (!request.input.empty()) {
    auto opened = io::SafetensorsFile::open(request.input);
    if (!opened)
      return opened.error();
    tensors.file.emplace(std::move(*opened));
  }
  std::vector<Argument> arguments;
  for (const std::string &text : request.arguments) {
    Result<Argument> argument = parseArgument(arguments.size(), text, tensors);
    if (!argument)
      return argument.error();
    arguments.push_back(*argument);
  }
  LaunchConfig config{*grid, *block, request.dynamicSharedBytes};
  Result<Report> report =
      launch(*kernel, tensors.memory, config, arguments, options);
  if (!report)
    return report.error();
  if (!request.output.empty())
    if (Status status = writeTensors(request.output, tensors); !status)
      return status.error();
  SimulationResult result;
  result.text =
      request.json ? report->json() + "\n" : report->text(request.counters);
  result.clean = report->clean();
  return result;
}
