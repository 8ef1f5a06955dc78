//===- BundleFiles.cpp - the files of a bundle ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BundleFiles.h"

#include "awq/ExecutionEngine/Runtime/Machine.h"
#include "awq/IO/Sha256.h"

#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

using namespace awq;
using namespace awq::runtime;

static bool isExternal(const FileRecord &file) {
  return !file.path.empty() && file.path.front() == '/';
}

std::string awq::runtime::resolvePath(const std::string &bundle,
                                      const std::string &path) {
  return !path.empty() && path.front() == '/' ? path : bundle + "/" + path;
}

static const char *remedyFor(const FileRecord &file) {
  return isExternal(file)
             ? "this bundle keeps its parameters in the model's own files: put "
               "the file back, or compile the model again"
             : "copy the bundle again, or compile the model again";
}

static Error missing(const FileRecord &file, const std::string &path,
                     const std::string &message) {
  return Error{ErrorKind::Malformed, "AWQ1405", message, path, remedyFor(file)};
}

/// Checks every component of a path below the bundle, so that no link leads
/// out of it. Says what is wrong, or nothing.
static std::optional<Error> checkComponents(const std::string &bundle,
                                            const FileRecord &file,
                                            const std::string &path) {
  for (size_t end = bundle.size() + 1;;) {
    end = std::min(path.find('/', end), path.size());
    std::string part = path.substr(0, end);
    struct stat info;
    if (lstat(part.c_str(), &info) != 0)
      return missing(file, path,
                     "the bundle's file '" + file.path +
                         "' cannot be opened: " + std::strerror(errno));
    bool last = end == path.size();
    if (last ? !S_ISREG(info.st_mode) : !S_ISDIR(info.st_mode))
      return missing(file, path,
                     "the bundle's file '" + file.path +
                         (last ? "' is not a regular file"
                               : "' is reached through something that is not "
                                 "a folder"));
    if (last)
      return std::nullopt;
    ++end;
  }
}

/// Everything that can be checked without reading the file.
static std::optional<Error> checkEntry(const std::string &bundle,
                                       const FileRecord &file,
                                       const std::string &path) {
  if (!isExternal(file))
    if (auto error = checkComponents(bundle, file, path))
      return error;
  struct stat info;
  if (stat(path.c_str(), &info) != 0)
    return missing(file, path,
                   "the parameter file cannot be opened: " +
                       std::string(std::strerror(errno)));
  if (!S_ISREG(info.st_mode))
    return missing(file, path, "the parameter file is not a regular file");
  if (static_cast<uint64_t>(info.st_size) != file.size)
    return Error{ErrorKind::Malformed, "AWQ1406",
                 "'" + file.path + "' has " + std::to_string(info.st_size) +
                     " bytes, and the manifest says " +
                     std::to_string(file.size),
                 path, remedyFor(file)};
  return std::nullopt;
}

static std::optional<Error> checkHash(const FileRecord &file,
                                      const std::string &path) {
  auto hash = io::sha256File(path);
  if (!hash) {
    Error error = hash.error();
    error.help = remedyFor(file);
    return error;
  }
  if (*hash == file.sha256)
    return std::nullopt;
  return Error{ErrorKind::Malformed, "AWQ1406",
               "'" + file.path +
                   "' is damaged or was changed: its SHA-256 is " + *hash +
                   ", and the manifest says " + file.sha256,
               path, remedyFor(file)};
}

namespace {

/// Files that threads take one after another.
struct HashQueue {
  const std::vector<FileRecord> &files;
  const std::vector<std::string> &paths;
  std::vector<std::optional<Error>> errors;
  std::atomic<size_t> next{0};

  void work() {
    for (size_t i; (i = next.fetch_add(1)) < files.size();)
      errors[i] = checkHash(files[i], paths[i]);
  }
};

} // namespace

static void *workOn(void *queue) {
  static_cast<HashQueue *>(queue)->work();
  return nullptr;
}

Status awq::runtime::checkFiles(const std::string &bundle,
                                const std::vector<FileRecord> &files) {
  std::vector<std::string> paths;
  for (const FileRecord &file : files) {
    paths.push_back(resolvePath(bundle, file.path));
    if (auto error = checkEntry(bundle, file, paths.back()))
      return *error;
  }
  HashQueue queue{files, paths, {}, {}};
  queue.errors.resize(files.size());
  // Not std::thread: where no thread can be had it throws, and this one then
  // does all the work.
  pthread_t helper;
  bool helped = files.size() > 1 && processorCount() > 1 &&
                pthread_create(&helper, nullptr, workOn, &queue) == 0;
  queue.work();
  if (helped)
    pthread_join(helper, nullptr);
  for (std::optional<Error> &error : queue.errors)
    if (error)
      return std::move(*error);
  return {};
}
