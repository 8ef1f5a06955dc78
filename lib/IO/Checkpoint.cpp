//===- Checkpoint.cpp - a model's weights in one file or in shards --------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utf8.h"
#include "awq/IO/Json.h"
#include "awq/IO/Safetensors.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

using namespace awq;
using namespace awq::io;
using nlohmann::json;
namespace fs = std::filesystem;

static Error malformed(std::string code, std::string message, std::string where,
                       std::string help) {
  return {ErrorKind::Malformed, std::move(code), std::move(message),
          std::move(where), std::move(help)};
}

/// The error for a folder without a checkpoint that can be read; says what was
/// found instead.
static Error explainMissing(const std::string &folder) {
  std::vector<std::string> pickles, others;
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; it != end;
       it.increment(ignored)) {
    std::string name = it->path().filename().string();
    std::string extension = it->path().extension().string();
    if (extension == ".bin" || extension == ".pt" || extension == ".pth")
      pickles.push_back(name);
    else if (extension == ".safetensors")
      others.push_back(name);
  }
  std::sort(pickles.begin(), pickles.end());
  std::sort(others.begin(), others.end());
  std::string message = "the folder has neither model.safetensors nor "
                        "model.safetensors.index.json";
  std::string help = "fetch the model's safetensors weights into it";
  if (!others.empty())
    help = "name the weights themselves, e.g. " + others.front() +
           ", or rename them to model.safetensors";
  else if (!pickles.empty()) {
    message += ", only PyTorch pickles such as " + pickles.front() +
               ", which can run code and are never read";
    help = "convert it to safetensors with save_pretrained(..., "
           "safe_serialization=True)";
  }
  return malformed("AWQ1023", std::move(message), folder, std::move(help));
}

/// A shard must lie in the model's folder: its name must be a plain file name.
static bool isPlainFileName(const std::string &name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of("/\\") == std::string::npos &&
         name.find('\0') == std::string::npos && name.size() <= 255;
}

/// The parts of an index that matter here.
namespace {
struct ShardIndex {
  std::map<std::string, std::string> shardOf;     ///< tensor to shard
  std::map<std::string, std::string> firstTensor; ///< shard to one tensor
  std::optional<uint64_t> totalSize;
};
} // namespace

/// Reads metadata.total_size, which some writers store as a float.
static Result<std::optional<uint64_t>> readTotalSize(const json &root,
                                                     const std::string &path) {
  using Size = std::optional<uint64_t>;
  auto metadata = root.find("metadata");
  if (metadata == root.end() || !metadata->is_object())
    return Size();
  auto size = metadata->find("total_size");
  if (size == metadata->end() || size->is_null())
    return Size();
  if (size->is_number_unsigned())
    return Size(size->get<uint64_t>());
  if (size->is_number_float()) {
    double value = size->get<double>();
    if (value >= 0 && value < 0x1p63 && value == std::floor(value))
      return Size(static_cast<uint64_t>(value));
  }
  return malformed("AWQ1024", "\"total_size\" is not a number of bytes", path,
                   "remove it from the index or fetch the index again");
}

static Result<ShardIndex> readIndex(const std::string &path) {
  Result<json> root = parseJsonFile(path);
  if (!root)
    return root.error();
  constexpr const char *help = "fetch the index again";
  if (!root->is_object())
    return malformed("AWQ1024", "the index is not a JSON object", path, help);
  auto map = root->find("weight_map");
  if (map == root->end() || !map->is_object())
    return malformed("AWQ1024", "the index has no \"weight_map\" object", path,
                     help);
  if (map->empty())
    return malformed("AWQ1024", "the \"weight_map\" names no tensor", path,
                     help);
  ShardIndex index;
  for (auto it = map->begin(); it != map->end(); ++it) {
    std::string where = path + ", tensor " + printable(it.key());
    if (!it->is_string())
      return malformed("AWQ1024", "the shard's name is not a string", where,
                       help);
    const auto &shard = it->get_ref<const std::string &>();
    if (!isPlainFileName(shard))
      return malformed("AWQ1025",
                       "the shard's name " + printable(shard) +
                           " is not a plain file name",
                       where,
                       "shards must lie beside the index; a path is refused "
                       "because it could name any file of this machine");
    index.shardOf.emplace(it.key(), shard);
    index.firstTensor.emplace(shard, it.key());
  }
  Result<std::optional<uint64_t>> size = readTotalSize(*root, path);
  if (!size)
    return size.error();
  index.totalSize = *size;
  return index;
}

Status Checkpoint::addPart(SafetensorsFile part) {
  for (const TensorView &view : part.tensors()) {
    auto [found, isNew] = owners.emplace(view.name, parts.size());
    if (!isNew)
      return malformed("AWQ1027",
                       "the tensor is in two files: " +
                           parts[found->second].path() + " and " + part.path(),
                       source + ", tensor " + printable(view.name),
                       "fetch the model again; two versions of it may be mixed "
                       "in the folder");
  }
  parts.push_back(std::move(part));
  return {};
}

Result<Checkpoint> Checkpoint::openIndex(const std::string &folder,
                                         const std::string &path) {
  Result<ShardIndex> index = readIndex(path);
  if (!index)
    return index.error();
  Checkpoint result;
  result.source = folder;
  for (const auto &[shard, tensor] : index->firstTensor) {
    Result<SafetensorsFile> part = SafetensorsFile::open(folder + "/" + shard);
    if (!part && part.error().code == "AWQ1001")
      return malformed("AWQ1026",
                       "the shard " + printable(shard) + " is missing",
                       path + ", tensor " + printable(tensor),
                       "fetch the missing file of the model");
    if (!part)
      return part.error();
    if (Status status = result.addPart(std::move(*part)); !status)
      return status.error();
  }
  for (const auto &[tensor, shard] : index->shardOf) {
    auto owner = result.owners.find(tensor);
    if (owner == result.owners.end() ||
        result.parts[owner->second].path() != folder + "/" + shard)
      return malformed("AWQ1028",
                       "the tensor is not in its shard " + printable(shard),
                       path + ", tensor " + printable(tensor),
                       "fetch the index and the shards of one version of the "
                       "model");
  }
  uint64_t total = result.tensorBytes();
  if (index->totalSize && *index->totalSize != total)
    return malformed("AWQ1029",
                     "the index states a \"total_size\" of " +
                         std::to_string(*index->totalSize) +
                         " bytes, but the shards hold " + std::to_string(total),
                     path,
                     "fetch the model again; if its files are known to be "
                     "right, remove \"total_size\" from the index");
  return result;
}

Result<Checkpoint> Checkpoint::openIndexed(const std::string &path,
                                           std::vector<IndexedTensor> index) {
  Result<SafetensorsFile> part =
      SafetensorsFile::openIndexed(path, std::move(index));
  if (!part)
    return part.error();
  Checkpoint result;
  result.source = path;
  if (Status status = result.addPart(std::move(*part)); !status)
    return status.error();
  return result;
}

Result<Checkpoint> Checkpoint::openFile(const std::string &path) {
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return file.error();
  Checkpoint result;
  result.source = path;
  if (Status status = result.addPart(std::move(*file)); !status)
    return status.error();
  return result;
}

Result<Checkpoint> Checkpoint::open(const std::string &path) {
  std::error_code failure;
  if (!fs::is_directory(path, failure))
    return openFile(path);
  std::string folder = path;
  while (folder.size() > 1 && folder.back() == '/')
    folder.pop_back();
  // A dangling link counts as present: what it should name is missing.
  std::string single = folder + "/model.safetensors";
  if (fs::symlink_status(single, failure).type() != fs::file_type::not_found)
    return openFile(single);
  std::string index = folder + "/model.safetensors.index.json";
  if (fs::symlink_status(index, failure).type() != fs::file_type::not_found)
    return openIndex(folder, index);
  return explainMissing(folder);
}

std::optional<TensorView> Checkpoint::find(std::string_view name) const {
  auto owner = owners.find(name);
  if (owner == owners.end())
    return std::nullopt;
  return parts[owner->second].find(name);
}

Result<TensorView> Checkpoint::get(std::string_view name) const {
  auto owner = owners.find(name);
  if (owner == owners.end())
    return malformed("AWQ1030", "there is no tensor " + printable(name), source,
                     "check that these are the weights of this model");
  return parts[owner->second].get(name);
}

std::vector<std::string> Checkpoint::names() const {
  std::vector<std::string> result;
  result.reserve(owners.size());
  for (const auto &entry : owners)
    result.emplace_back(entry.first);
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<std::string> Checkpoint::files() const {
  std::vector<std::string> result;
  for (const SafetensorsFile &part : parts)
    result.push_back(part.path());
  return result;
}

uint64_t Checkpoint::tensorBytes() const {
  uint64_t total = 0;
  for (const SafetensorsFile &part : parts)
    for (const TensorView &view : part.tensors())
      total += view.bytes;
  return total;
}

Status Checkpoint::checkUnchanged() const {
  for (const SafetensorsFile &part : parts)
    if (Status status = part.checkUnchanged(); !status)
      return status;
  return {};
}

void Checkpoint::release(const TensorView &view) const {
  auto owner = owners.find(view.name);
  if (owner != owners.end())
    parts[owner->second].release(view);
}
