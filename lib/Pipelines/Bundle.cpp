//===- Bundle.cpp - writes compiled models ---------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Bundle.h"

#include "BundleFiles.h"
#include "ModulePacking.h"
#include "ParameterFiles.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/IO/AtomicDirectory.h"
#include "awq/IO/Sha256.h"
#include "nlohmann/json.hpp"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <map>
#include <set>

using namespace mlir;
using namespace awq;
using nlohmann::ordered_json;

static constexpr llvm::StringLiteral codeFile = "model.so";

/// What a bundle takes along from the model's folder.
static constexpr llvm::StringLiteral companions[] = {"tokenizer.json",
                                                     "tokenizer_config.json",
                                                     "special_tokens_map.json",
                                                     "added_tokens.json",
                                                     "vocab.json",
                                                     "merges.txt",
                                                     "tokenizer.model",
                                                     "chat_template.jinja",
                                                     "chat_template.json",
                                                     "generation_config.json",
                                                     "config.json",
                                                     "LICENSE",
                                                     "LICENSE.txt",
                                                     "LICENSE.md",
                                                     "NOTICE"};

namespace {

/// Writes one bundle.
class BundleWriter {
public:
  BundleWriter(ModuleOp module, io::AtomicDirectory folder,
               const CPUCompileOptions &options)
      : module(module), folder(std::move(folder)), options(options) {}

  Status write(const std::string &source);

private:
  Status compile();
  Status writeParameters();
  Status copyFloatParameters(const std::vector<io::TensorView> &views);
  Status copyCompanions(const std::string &source);
  Status record(ordered_json &list, const std::string &path,
                const std::string &name);
  Status writeManifest();
  ordered_json describeModel() const;
  ordered_json describeEntries() const;

  ModuleOp module;
  io::AtomicDirectory folder;
  const CPUCompileOptions &options;
  bool quantized = false;
  std::vector<EntrySignature> entries;
  ordered_json files = ordered_json::array();
  ordered_json parameters = ordered_json::array();
};

} // namespace

static Error writeError(const std::string &path, std::error_code error) {
  return Error{ErrorKind::Resources, "AWQ1515",
               "a file of the bundle cannot be written: " + error.message(),
               path, "check the permissions and the room on the disk"};
}

Status awq::writeFile(const std::string &path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (!error) {
    stream << bytes;
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  return error ? Status(writeError(path, error)) : Status();
}

/// Appends path, size and hash of a file to `list`.
Status BundleWriter::record(ordered_json &list, const std::string &path,
                            const std::string &name) {
  uint64_t size = 0;
  if (std::error_code error = llvm::sys::fs::file_size(path, size))
    return writeError(path, error);
  Result<std::string> hash = io::sha256File(path);
  if (!hash)
    return hash.error();
  list.push_back({{"path", name}, {"size", size}, {"sha256", *hash}});
  return {};
}

Status BundleWriter::compile() {
  if (quantized || hasParameterExpressions(module))
    if (Status status = packForCPU(module, folder.file("weights.safetensors"));
        !status)
      return status;
  // Lowering replaces the functions; attributes of the module remain.
  Result<std::vector<EntrySignature>> lowered = lowerForCPU(module, options);
  if (!lowered)
    return lowered.error();
  entries = std::move(*lowered);
  jit::CodeGenTimes times;
  Result<std::unique_ptr<llvm::MemoryBuffer>> object =
      jit::emitObject(module, options.target, &times);
  if (!object)
    return object.error();
  if (options.onPhase) {
    options.onPhase("translate", times.translate);
    options.onPhase("optimize", times.optimize);
    options.onPhase("codegen", times.codegen);
  }
  std::string objectPath = folder.file("model.o");
  if (Status status = writeFile(objectPath, (*object)->getBuffer()); !status)
    return status;
  std::string library = folder.file(codeFile.str());
  if (Status status = jit::linkSharedLibrary(objectPath, library); !status)
    return status;
  llvm::sys::fs::remove(objectPath);
  return record(files, library, codeFile.str());
}

Status
BundleWriter::copyFloatParameters(const std::vector<io::TensorView> &views) {
  const std::string name = "weights-float.safetensors";
  if (Status status = copyTensors(views, folder.file(name)); !status)
    return status;
  return record(parameters, folder.file(name), name);
}

Status BundleWriter::writeParameters() {
  Result<ParameterFiles> opened = ParameterFiles::open(module);
  if (!opened)
    return opened.error();
  std::string inside = folder.path() + "/";
  std::map<std::string, io::TensorView> outsiders;
  std::set<std::string> used;
  for (const EntrySignature &entry : entries)
    for (const EntryArgument &argument : entry.arguments) {
      if (argument.role != "parameter")
        continue;
      Result<io::TensorView> view = opened->find(argument);
      if (!view)
        return view.error();
      llvm::StringRef file(view->file);
      // The runtime reads safetensors only, and of a quantized model the rest
      // of the float weights is not worth keeping.
      if ((quantized || !file.ends_with(".safetensors")) &&
          !file.starts_with(inside))
        outsiders.emplace(view->name, *view);
      else
        used.insert(view->file);
    }
  for (const std::string &file : used) {
    llvm::StringRef name(file);
    name.consume_front(inside);
    if (Status status = record(parameters, file, name.str()); !status)
      return status;
  }
  if (outsiders.empty())
    return {};
  std::vector<io::TensorView> views;
  for (const auto &outsider : outsiders)
    views.push_back(outsider.second);
  return copyFloatParameters(views);
}

Status BundleWriter::copyCompanions(const std::string &source) {
  for (llvm::StringRef name : companions) {
    llvm::SmallString<128> from(source);
    llvm::sys::path::append(from, name);
    if (!llvm::sys::fs::is_regular_file(from))
      continue;
    std::string to = folder.file(name.str());
    if (std::error_code error = llvm::sys::fs::copy_file(from, to))
      return writeError(to, error);
    if (Status status = record(files, to, name.str()); !status)
      return status;
  }
  return {};
}

ordered_json BundleWriter::describeModel() const {
  ordered_json model = ordered_json::object();
  auto attributes = module->getAttrOfType<DictionaryAttr>("awq.model");
  for (NamedAttribute attribute : attributes) {
    std::string name = attribute.getName().str();
    if (auto text = dyn_cast<StringAttr>(attribute.getValue()))
      model[name] = text.getValue().str();
    else if (auto flag = dyn_cast<BoolAttr>(attribute.getValue()))
      model[name] = flag.getValue();
    else if (auto number = dyn_cast<IntegerAttr>(attribute.getValue()))
      model[name] = number.getInt();
    else if (auto list = dyn_cast<DenseI64ArrayAttr>(attribute.getValue()))
      model[name] = list.asArrayRef().vec();
  }
  model["quantized"] = quantized;
  return model;
}

ordered_json BundleWriter::describeEntries() const {
  ordered_json described = ordered_json::object();
  for (const EntrySignature &entry : entries) {
    ordered_json arguments = ordered_json::array();
    for (const EntryArgument &argument : entry.arguments) {
      ordered_json item = {{"role", argument.role},
                           {"name", argument.name},
                           {"dtype", argument.type},
                           {"shape", argument.shape}};
      if (argument.layer >= 0)
        item["layer"] = argument.layer;
      arguments.push_back(std::move(item));
    }
    described[entry.name] = {{"symbol", "awq_entry_" + entry.name},
                             {"arguments", std::move(arguments)}};
  }
  return described;
}

Status BundleWriter::writeManifest() {
  Result<jit::ResolvedTarget> target = jit::resolveTarget(options.target);
  if (!target)
    return target.error();
  ordered_json manifest = {
      {"format", "awq-bundle"},
      {"version", 1},
      {"tool", {{"name", "awq-mlir"}, {"version", AWQ_VERSION}}},
      {"model", describeModel()},
      {"target",
       {{"kind", "cpu"},
        {"triple", target->triple},
        {"cpu", target->cpu},
        {"features", target->enabled}}},
      {"files", files},
      {"parameters", parameters},
      {"entries", describeEntries()}};
  return writeFile(folder.file("manifest.json"), manifest.dump(1) + "\n");
}

Status BundleWriter::write(const std::string &source) {
  quantized = isQuantized(module);
  if (Status status = compile(); !status)
    return status;
  if (Status status = writeParameters(); !status)
    return status;
  if (Status status = copyCompanions(source); !status)
    return status;
  if (Status status = writeManifest(); !status)
    return status;
  return folder.commit();
}

static Result<io::AtomicDirectory> openBundle(ModuleOp module,
                                              const std::string &source,
                                              const std::string &output,
                                              bool force) {
  SymbolTable symbols(module);
  if (!module->getAttrOfType<DictionaryAttr>("awq.model") ||
      !symbols.lookup("forward") || !symbols.lookup("head"))
    return Error{ErrorKind::Unsupported, "AWQ1514",
                 "a bundle needs an imported model: a module with the "
                 "attribute awq.model and the functions @forward and @head",
                 source,
                 "import one with 'awq-translate --import-hf', or use "
                 "--emit=mlir"};
  io::AtomicDirectory::Options settings;
  settings.force = force;
  settings.markers = {"manifest.json"};
  return io::AtomicDirectory::create(output, settings);
}

Status awq::checkBundle(ModuleOp module, const std::string &source,
                        const std::string &output, bool force) {
  Result<io::AtomicDirectory> folder =
      openBundle(module, source, output, force);
  return folder ? Status() : Status(folder.error());
}

Status awq::writeBundle(ModuleOp module, const std::string &source,
                        const std::string &output, bool force,
                        const CPUCompileOptions &options) {
  Result<io::AtomicDirectory> folder =
      openBundle(module, source, output, force);
  if (!folder)
    return folder.error();
  return BundleWriter(module, std::move(*folder), options).write(source);
}
