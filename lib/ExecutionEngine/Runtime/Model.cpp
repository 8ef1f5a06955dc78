//===- Model.cpp - loading a bundle ---------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/Runtime/Model.h"

#include "BundleFiles.h"
#include "awq/ExecutionEngine/Runtime/Machine.h"
#include "awq/IO/MappedFile.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

using namespace awq;
using namespace awq::runtime;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string LoadReport::json() const {
  nlohmann::ordered_json object;
  object["seconds"] = seconds;
  object["hash_seconds"] = hashSeconds;
  object["hashed_bytes"] = hashedBytes;
  object["parameter_bytes"] = parameterBytes;
  return object.dump();
}

Result<std::shared_ptr<const Model>> Model::load(const std::string &bundle) {
  Clock::time_point start = Clock::now();
  LoadReport cost;
  std::shared_ptr<Model> model(new Model());
  model->folder = bundle;
  while (model->folder.size() > 1 && model->folder.back() == '/')
    model->folder.pop_back();
  // The machine first: a bundle for another processor is no damage, and its
  // files need not be read to say so.
  if (Status status = model->readManifest(); !status)
    return status.error();
  if (Status status = model->checkMachine(); !status)
    return status.error();
  if (Status status = model->checkFiles(cost); !status)
    return status.error();
  if (Status status = model->openParameters(); !status)
    return status.error();
  if (Status status = model->loadCode(); !status)
    return status.error();
  if (Status status = model->bindEntries(cost); !status)
    return status.error();
  cost.seconds = secondsSince(start);
  model->report = cost.json();
  return std::shared_ptr<const Model>(std::move(model));
}

Status Model::readManifest() {
  const char *remedy = "name a folder that 'awq-mlir compile' wrote";
  struct stat info;
  if (stat(folder.c_str(), &info) != 0)
    return Error{ErrorKind::Usage, "AWQ1400",
                 "there is no bundle: " + std::string(std::strerror(errno)),
                 folder, remedy};
  if (!S_ISDIR(info.st_mode))
    return Error{ErrorKind::Malformed, "AWQ1400",
                 "not a bundle: a bundle is a folder", folder, remedy};
  std::string path = folder + "/manifest.json";
  auto file = io::MappedFile::open(path);
  if (!file)
    return Error{ErrorKind::Malformed, "AWQ1400",
                 "not a bundle: its manifest cannot be read: " +
                     file.error().message,
                 path, remedy};
  text.assign(reinterpret_cast<const char *>(file->data()), file->size());
  auto parsed = parseManifest(text, path);
  if (!parsed)
    return parsed.error();
  facts = std::move(*parsed);
  return {};
}

Status Model::checkMachine() const {
  const Target &target = facts.target;
  const std::string remedy =
      "compile the model on this machine: awq-mlir compile MODEL -o " + folder;
  std::string architecture = target.triple.substr(0, target.triple.find('-'));
  if (architecture != machineArchitecture())
    return Error{ErrorKind::Resources, "AWQ1402",
                 "the bundle's code is for the architecture '" + architecture +
                     "', and this machine is '" +
                     std::string(machineArchitecture()) + "'",
                 folder, remedy};
  std::string list;
  for (const std::string &feature : missingFeatures(target.features))
    list += (list.empty() ? "" : ", ") + feature;
  if (!list.empty())
    return Error{ErrorKind::Resources, "AWQ1402",
                 "the bundle's code, compiled for '" + target.cpu +
                     "', needs processor features that this machine does not "
                     "have: " +
                     list,
                 folder, remedy};
  return {};
}

Status Model::checkFiles(LoadReport &cost) const {
  Clock::time_point start = Clock::now();
  std::vector<FileRecord> all;
  std::set<std::string> seen;
  for (const auto *list : {&facts.files, &facts.parameters})
    for (const FileRecord &file : *list) {
      if (!seen.insert(file.path + ":" + file.sha256).second)
        continue;
      all.push_back(file);
      cost.hashedBytes += file.size;
    }
  Status status = runtime::checkFiles(folder, all);
  cost.hashSeconds = secondsSince(start);
  return status;
}

Status Model::openParameters() {
  for (const FileRecord &record : facts.parameters) {
    auto file = io::SafetensorsFile::open(resolvePath(folder, record.path));
    if (!file)
      return file.error();
    parameterFiles.push_back(std::move(*file));
  }
  return {};
}

/// Makes the leaf functions (and the OpenMP runtime) visible to the code that
/// is loaded next, whoever loaded this library and however.
static Status exposeLeafFunctions() {
  Dl_info self;
  auto address = reinterpret_cast<void *>(&exposeLeafFunctions);
  if (dladdr(address, &self) && self.dli_fname &&
      dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL))
    return {};
  const char *problem = dlerror();
  return Error{ErrorKind::Internal, "AWQ1418",
               std::string("the runtime library cannot find itself: ") +
                   (problem ? problem : "no file name"),
               "libAWQRuntime.so", "report this as a defect of awq-mlir"};
}

Status Model::loadCode() {
  if (Status status = exposeLeafFunctions(); !status)
    return status;
  std::string path = folder + "/" + std::string(codeFileName);
  // A name without a slash would be searched in the library path.
  if (path.find('/') == std::string::npos)
    path = "./" + path;
  // Never unloaded: the pool of the OpenMP runtime keeps pointers to the last
  // parallel region, which would then be gone.
  code = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (code)
    return {};
  const char *problem = dlerror();
  return Error{ErrorKind::Malformed, "AWQ1407",
               std::string("the bundle's code cannot be loaded: ") +
                   (problem ? problem : "unknown reason"),
               path, "compile the model again with this release of awq-mlir"};
}

/// The IR's integers have no sign, the file's do.
static bool sameType(io::DType inEntry, io::DType inFile) {
  using io::DType;
  switch (inFile) {
  case DType::BOOL:
  case DType::U8:
    return inEntry == DType::I8;
  case DType::U16:
    return inEntry == DType::I16;
  case DType::U32:
    return inEntry == DType::I32;
  case DType::U64:
    return inEntry == DType::I64;
  default:
    return inEntry == inFile;
  }
}

static std::string typeText(io::DType dtype,
                            const std::vector<int64_t> &shape) {
  std::string text(io::name(dtype));
  text += " [";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Result<io::TensorView> Model::bindParameter(const Argument &argument) {
  const char *remedy = "compile the model again, or copy the bundle again";
  std::optional<io::TensorView> view;
  for (const io::SafetensorsFile &file : parameterFiles) {
    auto found = file.find(argument.name);
    if (found && view)
      return Error{ErrorKind::Malformed, "AWQ1409",
                   "two parameter files hold the tensor '" + argument.name +
                       "'",
                   view->file + ", " + found->file, remedy};
    if (found)
      view = std::move(found);
  }
  if (!view)
    return Error{ErrorKind::Malformed, "AWQ1409",
                 "no parameter file holds the tensor '" + argument.name + "'",
                 folder + "/manifest.json", remedy};
  if (!sameType(argument.dtype, view->dtype) || argument.shape != view->shape)
    return Error{ErrorKind::Malformed, "AWQ1409",
                 "the tensor '" + argument.name + "' is " +
                     typeText(view->dtype, view->shape) +
                     ", and the code takes " +
                     typeText(argument.dtype, argument.shape),
                 view->file, remedy};
  if (!view->isAligned()) {
    std::unique_ptr<uint8_t[]> &copy = alignedCopies[argument.name];
    if (!copy) {
      copy.reset(new uint8_t[view->bytes]);
      std::memcpy(copy.get(), view->data, view->bytes);
    }
    view->data = copy.get();
  }
  return *view;
}

Status Model::bindEntries(LoadReport &cost) {
  std::set<std::string> counted;
  for (const auto &[key, entry] : facts.entries) {
    BoundEntry result;
    result.signature = entry;
    void *symbol = dlsym(code, entry.symbol.c_str());
    if (!symbol)
      return Error{ErrorKind::Malformed, "AWQ1419",
                   "the bundle's code has no function '" + entry.symbol + "'",
                   folder + "/" + std::string(codeFileName),
                   "compile the model again with this release of awq-mlir"};
    result.function = reinterpret_cast<BoundEntry::Function>(symbol);
    for (const Argument &argument : entry.arguments) {
      const void *data = nullptr;
      if (argument.role == Role::Parameter) {
        // Checked for every entry: their types might differ.
        auto found = bindParameter(argument);
        if (!found)
          return found.error();
        data = found->data;
        if (counted.insert(argument.name).second)
          cost.parameterBytes += found->bytes;
      }
      result.descriptors.emplace_back(argument.shape, data);
    }
    entries.emplace(key, std::move(result));
  }
  return {};
}
