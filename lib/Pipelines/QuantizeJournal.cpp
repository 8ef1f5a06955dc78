//===- QuantizeJournal.cpp - finished layers of an unfinished run ---------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizeJournal.h"

#include "awq/IO/FileError.h"
#include "awq/IO/Json.h"
#include "awq/IO/Safetensors.h"
#include "awq/IO/SafetensorsWriter.h"

#include "llvm/ADT/StringExtras.h"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

using namespace awq;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

static constexpr const char *jobName = "job.json";

//===----------------------------------------------------------------------===//
// The folder
//===----------------------------------------------------------------------===//

/// What a folder holds, by the names of its entries.
struct FolderContents {
  bool layers = false; ///< finished ones
  std::string foreign; ///< an entry that no journal has; empty if there is none
  std::vector<fs::path> own;
};

static FolderContents look(const std::string &path) {
  FolderContents contents;
  std::error_code ignored;
  for (fs::directory_iterator it(path, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    std::string name = it->path().filename().string();
    llvm::StringRef whole = name;
    bool partial = whole.consume_back(".partial");
    bool layer = whole.starts_with("layer-") && whole.ends_with(".safetensors");
    if (layer || whole == jobName)
      contents.own.push_back(it->path());
    else
      contents.foreign = name;
    contents.layers |= layer && !partial;
  }
  return contents;
}

/// The first field in which two jobs differ.
static std::string difference(const Json &before, const Json &now) {
  for (const auto &item : now.items())
    if (!before.contains(item.key()) || before[item.key()] != item.value())
      return item.key();
  return "format";
}

/// The job of the layers that are there; null where it cannot be read.
static Json readJob(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return Json::parse(in, nullptr, /*allow_exceptions=*/false);
}

static Status writeJob(const std::string &path, const Json &job) {
  std::string partial = path + ".partial";
  std::ofstream out(partial, std::ios::binary);
  out << job.dump(2) << "\n";
  out.close();
  if (!out)
    return io::writeError("write the file", partial, errno);
  if (::rename(partial.c_str(), path.c_str()) != 0)
    return io::writeError("give the file its name", path, errno);
  return io::syncDirectory(io::parentOf(path));
}

Result<QuantizeJournal> QuantizeJournal::open(const std::string &path,
                                              const Json &job, Mode mode) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure)
    return io::writeError("create the folder", path, failure.value());
  QuantizeJournal journal;
  journal.path = path;
  journal.lock = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (journal.lock < 0)
    return io::writeError("open the folder", path, errno);
  if (::flock(journal.lock, LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorKind::Resources, "AWQ1328",
                 "another process is quantizing to the same place", path,
                 "wait for it to end, or choose another output"};
  FolderContents contents = look(path);
  if (!contents.foreign.empty())
    return Error{ErrorKind::Usage, "AWQ1327",
                 "the folder for interrupted runs holds something else: \"" +
                     contents.foreign + "\"",
                 path, "name a folder that does not exist"};
  bool begun = contents.layers;
  if (begun && mode == Mode::Begin)
    return Error{ErrorKind::Usage, "AWQ1327",
                 "an earlier run to the same place was interrupted", path,
                 "add --resume to go on behind its last layer, or --restart to "
                 "begin anew"};
  std::string jobFile = path + "/" + jobName;
  if (begun && mode == Mode::Resume) {
    Json before = readJob(jobFile);
    if (before == job)
      return journal;
    return Error{ErrorKind::Usage, "AWQ1327",
                 "the interrupted run was asked for something else: \"" +
                     difference(before, job) + "\" differs",
                 jobFile,
                 "resume with the same model, text and options, or add "
                 "--restart to begin anew"};
  }
  for (const fs::path &own : contents.own)
    if (!failure)
      fs::remove(own, failure);
  if (failure)
    return io::writeError("empty the folder", path, failure.value());
  if (Status status = writeJob(jobFile, job); !status)
    return status.error();
  return journal;
}

QuantizeJournal::QuantizeJournal(QuantizeJournal &&other) noexcept
    : path(std::move(other.path)), lock(std::exchange(other.lock, -1)) {}

QuantizeJournal::~QuantizeJournal() {
  if (lock < 0)
    return;
  // A run that failed before its first layer leaves nothing to go on with.
  if (!look(path).layers)
    remove();
  ::close(lock);
}

std::string QuantizeJournal::fileOf(size_t layer) const {
  return path + "/layer-" + std::to_string(layer) + ".safetensors";
}

void QuantizeJournal::remove() {
  std::error_code ignored;
  for (const fs::path &own : look(path).own)
    fs::remove(own, ignored);
  fs::remove(path, ignored); // unless somebody put something else there
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

// Tensors are "<linear>/codes" U8 [n, k], "<weight>/scales" F32 [n, G],
// "<linear>/zeros" U8 [n, G] and "<place>:<parameter>/values" F32.

static std::string keyOf(int64_t place,
                         const LayerResult::Parameter &parameter) {
  return std::to_string(place) + ":" + parameter.name + "/values";
}

Status QuantizeJournal::write(size_t layer, const LayerResult &result) const {
  std::vector<io::TensorSpec> specs;
  for (const auto &[name, matrix] : result.weights) {
    int64_t groups = matrix.scheme.groups(matrix.k);
    specs.push_back({name + "/codes", io::DType::U8, {matrix.n, matrix.k}});
    specs.push_back({name + "/scales", io::DType::F32, {matrix.n, groups}});
    specs.push_back({name + "/zeros", io::DType::U8, {matrix.n, groups}});
  }
  for (const auto &[place, parameter] : result.parameters)
    specs.push_back({keyOf(place, parameter), io::DType::F32, parameter.shape});
  auto writer = io::SafetensorsWriter::create(fileOf(layer), specs,
                                              {{"event", result.event.dump()}});
  if (!writer)
    return writer.error();
  Status status;
  auto put = [&](const std::string &name, const auto &values) {
    if (status)
      status = writer->write(name, values.data(),
                             values.size() * sizeof(values.front()));
  };
  for (const auto &[name, matrix] : result.weights) {
    put(name + "/codes", matrix.codes);
    put(name + "/scales", matrix.scales);
    put(name + "/zeros", matrix.zeros);
  }
  for (const auto &[place, parameter] : result.parameters)
    put(keyOf(place, parameter), parameter.values);
  return status ? writer->commit() : status;
}

/// Copies a tensor of the type of `values`.
template <typename T>
static void copy(const io::TensorView &view, std::vector<T> &values) {
  values.resize(view.bytes / sizeof(T));
  std::memcpy(values.data(), view.data, values.size() * sizeof(T));
}

/// Takes a tensor of a layer's file over into its result; false if it does not
/// belong there.
static bool take(const io::TensorView &view, const QuantScheme &scheme,
                 LayerResult &result) {
  size_t slash = view.name.rfind('/');
  if (slash == std::string::npos)
    return false;
  std::string owner = view.name.substr(0, slash);
  std::string kind = view.name.substr(slash + 1);
  if (kind == "values" && view.dtype == io::DType::F32) {
    size_t colon = owner.find(':');
    int64_t place;
    if (!llvm::to_integer(owner.substr(0, colon), place))
      return false;
    LayerResult::Parameter &parameter = result.parameters[place];
    parameter.name = owner.substr(colon + 1);
    parameter.shape = view.shape;
    copy(view, parameter.values);
    return true;
  }
  if (view.shape.size() != 2 ||
      view.dtype != (kind == "scales" ? io::DType::F32 : io::DType::U8))
    return false;
  QuantizedMatrix &matrix = result.weights[owner];
  matrix.scheme = scheme;
  matrix.n = view.shape[0];
  if (kind == "codes") {
    matrix.k = view.shape[1];
    copy(view, matrix.codes);
  } else if (kind == "scales") {
    copy(view, matrix.scales);
  } else if (kind == "zeros") {
    copy(view, matrix.zeros);
  } else {
    return false;
  }
  return true;
}

Result<std::optional<LayerResult>>
QuantizeJournal::read(size_t layer, const QuantScheme &scheme) const {
  std::string file = fileOf(layer);
  std::error_code ignored;
  if (!fs::exists(file, ignored))
    return std::optional<LayerResult>();
  auto opened = io::SafetensorsFile::open(file);
  if (!opened)
    return opened.error();
  LayerResult result;
  bool whole = true;
  for (const io::TensorView &view : opened->tensors())
    whole &= take(view, scheme, result);
  for (const auto &[name, matrix] : result.weights) {
    size_t groups = matrix.k > 0 ? matrix.n * scheme.groups(matrix.k) : 0;
    whole &= matrix.codes.size() == size_t(matrix.n) * matrix.k &&
             matrix.k > 0 && matrix.scales.size() == groups &&
             matrix.zeros.size() == groups;
  }
  auto event = opened->metadata().find("event");
  if (event != opened->metadata().end())
    result.event = Json::parse(event->second, nullptr, false);
  if (whole && result.event.is_object())
    return std::optional<LayerResult>(std::move(result));
  return Error{ErrorKind::Malformed, "AWQ1329",
               "the file does not hold a finished layer", file,
               "remove it; the layer is then done again"};
}
