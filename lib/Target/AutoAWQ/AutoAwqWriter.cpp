//===- AutoAwqWriter.cpp - checkpoints in AutoAWQ's format ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/AutoAWQ/AutoAwqWriter.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "awq/IO/AutoAwqCheckpoint.h"
#include "awq/IO/Companions.h"
#include "awq/IO/HfConfig.h"

#include <cassert>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace awq;
using io::DType;
using io::TensorSpec;
using nlohmann::json;
namespace fs = std::filesystem;

static const Layout &gemmLayout() {
  const Layout *layout = findLayout("autoawq_gemm");
  assert(layout && "the table of layouts holds autoawq_gemm");
  return *layout;
}

static uint64_t bytesOf(const TensorSpec &spec) {
  uint64_t bytes = io::bitWidth(spec.dtype) / 8;
  for (int64_t size : spec.shape)
    bytes *= size;
  return bytes;
}

/// The files' tensors in the order of the plan.
static std::vector<TensorSpec> tensorsOf(const AutoAwqPlan &plan) {
  const Layout &layout = gemmLayout();
  std::vector<TensorSpec> specs;
  for (const AutoAwqPlan::FloatTensor &tensor : plan.floats)
    specs.push_back(
        {tensor.name, tensor.exact ? DType::F32 : DType::F16, tensor.shape});
  for (const AutoAwqPlan::Linear &linear : plan.linears) {
    int64_t groups = plan.scheme.groups(linear.k);
    specs.push_back({linear.module + ".qweight", DType::I32,
                     layout.codesShape(linear.n, linear.k).shape});
    specs.push_back({linear.module + ".qzeros", DType::I32,
                     layout.zerosShape(linear.n, groups).shape});
    specs.push_back({linear.module + ".scales", DType::F16,
                     layout.scalesShape(linear.n, groups).shape});
  }
  return specs;
}

static std::string shardName(size_t index, size_t count) {
  if (count == 1)
    return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors",
                index + 1, count);
  return name;
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

Result<AutoAwqWriter> AutoAwqWriter::create(AutoAwqPlan plan) {
  std::error_code ignored;
  if (fs::equivalent(plan.source, plan.destination, ignored))
    return Error{ErrorKind::Usage, "AWQ1250",
                 "the checkpoint would replace the model that it is made from",
                 plan.destination, "choose another output folder"};
  // The slots are of 4 bits, and no reader takes others. Codes of fewer bits
  // are smaller numbers.
  if (plan.scheme.bits > 4)
    return Error{ErrorKind::Unsupported, "AWQ1252",
                 "AutoAWQ's format holds codes of at most 4 bits, not " +
                     std::to_string(plan.scheme.bits),
                 plan.destination, "quantize to 4 bits or fewer"};
  for (const AutoAwqPlan::Linear &linear : plan.linears)
    if (Status status = validateLayout(gemmLayout(), plan.scheme, linear.n,
                                       linear.k, linear.module);
        !status)
      return status.error();
  // The marker keeps force from replacing a folder that is not a model's.
  io::AtomicDirectory::Options options;
  options.force = plan.force;
  options.markers = {"config.json"};
  Result<io::AtomicDirectory> folder =
      io::AtomicDirectory::create(plan.destination, options);
  if (!folder)
    return folder.error();
  AutoAwqWriter writer(std::move(*folder));
  writer.plan = std::move(plan);
  for (size_t i = 0; i < writer.plan.linears.size(); ++i)
    writer.linearIndices[writer.plan.linears[i].module] = i;
  for (const AutoAwqPlan::FloatTensor &tensor : writer.plan.floats)
    if (tensor.exact)
      writer.exactFloats.insert(tensor.name);
  // What can fail without the weights fails before hours of work.
  Status status = writer.writeConfig();
  if (status)
    status = io::copyCompanions(writer.plan.source, writer.folder.path());
  if (status)
    status = writer.openShards();
  if (!status)
    return status.error();
  return writer;
}

Status AutoAwqWriter::openShards() {
  std::vector<std::vector<TensorSpec>> parts(1);
  uint64_t filled = 0;
  for (TensorSpec &spec : tensorsOf(plan)) {
    uint64_t bytes = bytesOf(spec);
    if (filled + bytes > plan.maxShardBytes && !parts.back().empty()) {
      parts.emplace_back();
      filled = 0;
    }
    filled += bytes;
    tensorBytes += bytes;
    owners[spec.name] = parts.size() - 1;
    parts.back().push_back(std::move(spec));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    shardNames.push_back(shardName(i, parts.size()));
    Result<io::SafetensorsWriter> shard = io::SafetensorsWriter::create(
        folder.file(shardNames.back()), parts[i], {{"format", "pt"}});
    if (!shard)
      return shard.error();
    shards.push_back(std::move(*shard));
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Files beside the weights
//===----------------------------------------------------------------------===//

Status AutoAwqWriter::writeText(const std::string &name,
                                const std::string &text) {
  std::string path = folder.file(name);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (out)
    return {};
  return Error{ErrorKind::Resources, "AWQ1041", "cannot write " + name, path,
               "make room on the disk"};
}

Status AutoAwqWriter::writeConfig() {
  std::string path = plan.source + "/config.json";
  Result<json> config = io::readHfConfigFile(path);
  if (!config)
    return config.error();
  std::vector<std::string> quantized;
  for (const AutoAwqPlan::Linear &linear : plan.linears)
    quantized.push_back(linear.module);
  Result<std::vector<std::string>> kept =
      io::modulesToNotConvert(plan.floatLinears, quantized);
  if (!kept)
    return kept.error();
  io::AwqConfig awq;
  awq.bits = 4; // of a slot
  awq.groupSize = plan.scheme.group;
  awq.modulesToNotConvert = *kept;
  (*config)["quantization_config"] = io::makeQuantizationConfig(awq);
  (*config)["torch_dtype"] = "float16";
  if (config->contains("dtype")) // transformers 5's name for the same
    (*config)["dtype"] = "float16";
  if (config->erase("auto_map"))
    notes.push_back("\"auto_map\" was left out of config.json: the code that "
                    "it names is not part of the checkpoint");
  return writeText("config.json", config->dump(2) + "\n");
}

Status AutoAwqWriter::writeIndex() {
  json weightMap = json::object();
  for (const auto &[tensor, shard] : owners)
    weightMap[tensor] = shardNames[shard];
  json index = {{"metadata", {{"total_size", tensorBytes}}},
                {"weight_map", std::move(weightMap)}};
  return writeText("model.safetensors.index.json", index.dump(2) + "\n");
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Status AutoAwqWriter::write(const std::string &name, const void *data,
                            uint64_t bytes) {
  auto owner = owners.find(name);
  if (owner == owners.end())
    return Error{ErrorKind::Internal, "AWQ1043",
                 "tensor \"" + name + "\" is not part of the plan",
                 plan.destination, "please report this"};
  return shards[owner->second].write(name, data, bytes);
}

Status AutoAwqWriter::writeFloat(std::string_view name, const float *values,
                                 int64_t count) {
  if (exactFloats.count(std::string(name)))
    return write(std::string(name), values, count * sizeof(float));
  std::vector<uint16_t> halves(count);
  floatToHalf(values, halves.data(), count);
  for (int64_t i = 0; i < count; ++i)
    if (std::isfinite(values[i]) && (halves[i] & 0x7fff) == 0x7c00)
      return Error{ErrorKind::Unsupported, "AWQ1251",
                   "tensor \"" + std::string(name) + "\" holds " +
                       std::to_string(values[i]) + " at element " +
                       std::to_string(i) + ", beyond the range of float16",
                   plan.source,
                   "AutoAWQ checkpoints are float16; this model needs another "
                   "format"};
  return write(std::string(name), halves.data(), halves.size() * 2);
}

Status AutoAwqWriter::writeLinear(std::string_view module, const uint8_t *codes,
                                  const float *scales, const uint8_t *zeros) {
  auto found = linearIndices.find(std::string(module));
  if (found == linearIndices.end())
    return Error{ErrorKind::Internal, "AWQ1043",
                 "layer \"" + std::string(module) +
                     "\" is not part of the plan",
                 plan.destination, "please report this"};
  const AutoAwqPlan::Linear &linear = plan.linears[found->second];
  const Layout &layout = gemmLayout();
  int64_t groups = plan.scheme.groups(linear.k);
  if (Status status =
          checkScales(layout, scales, linear.n, groups, linear.module);
      !status)
    return status;
  // A vector of words has the alignment that packing asks for.
  std::vector<uint32_t> words(layout.codesShape(linear.n, linear.k).bytes() /
                              4);
  layout.packCodes(codes, linear.n, linear.k, words.data());
  if (Status status =
          write(linear.module + ".qweight", words.data(), words.size() * 4);
      !status)
    return status;
  words.resize(layout.zerosShape(linear.n, groups).bytes() / 4);
  layout.packZeros(zeros, linear.n, groups, words.data());
  if (Status status =
          write(linear.module + ".qzeros", words.data(), words.size() * 4);
      !status)
    return status;
  std::vector<uint16_t> halves(layout.scalesShape(linear.n, groups).elements());
  layout.packScales(scales, linear.n, groups, halves.data());
  return write(linear.module + ".scales", halves.data(), halves.size() * 2);
}

uint64_t AutoAwqWriter::bytes() const {
  uint64_t total = 0;
  for (const io::SafetensorsWriter &shard : shards)
    total += shard.fileBytes();
  return total;
}

Status AutoAwqWriter::commit() {
  for (io::SafetensorsWriter &shard : shards)
    if (Status status = shard.commit(); !status)
      return status;
  if (shards.size() > 1)
    if (Status status = writeIndex(); !status)
      return status;
  return folder.commit();
}
