//===- AtomicDirectory.cpp - output folders that appear complete ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/AtomicDirectory.h"

#include "awq/IO/UnfinishedFolders.h"

#include "awq/IO/FileError.h"

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace awq;
using namespace awq::io;
namespace fs = std::filesystem;

/// Creates "<destination><suffix><pid>"; a number follows when a run in
/// another container, with the same process id, has that name.
static Result<std::string> makeSibling(const std::string &destination,
                                       const std::string &suffix) {
  std::string base = destination + suffix + std::to_string(::getpid());
  std::string name = base;
  for (int attempt = 1; ::mkdir(name.c_str(), 0777) != 0; ++attempt) {
    if (errno != EEXIST || attempt == 1000)
      return writeError("create the folder", name, errno);
    name = base + "-" + std::to_string(attempt);
  }
  return name;
}

/// Makes every file below `path` durable, so that the rename cannot come
/// before the content after a power failure.
static Status syncTree(const std::string &path) {
  std::error_code failure;
  fs::recursive_directory_iterator it(path, failure), end;
  for (; !failure && it != end; it.increment(failure)) {
    std::string name = it->path().string();
    if (it->is_symlink(failure))
      continue;
    if (it->is_directory(failure)) {
      if (Status status = syncDirectory(name); !status)
        return status;
      continue;
    }
    int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
      return writeError("open the file", name, errno);
    int result = ::fsync(descriptor);
    int number = errno;
    ::close(descriptor);
    if (result != 0 && number != EINVAL)
      return writeError("make the file durable", name, number);
  }
  if (failure)
    return writeError("read the folder", path, failure.value());
  return syncDirectory(path);
}

Status AtomicDirectory::checkDestination() const {
  std::error_code failure;
  fs::file_status status = fs::symlink_status(destination, failure);
  if (status.type() == fs::file_type::not_found)
    return {};
  auto refuse = [&](std::string code, std::string message, std::string help) {
    return Error{ErrorKind::Usage, std::move(code), std::move(message),
                 destination, std::move(help)};
  };
  if (status.type() != fs::file_type::directory)
    return refuse("AWQ1046", "the output exists and is not a folder",
                  "choose another output name");
  bool empty = fs::is_empty(destination, failure);
  if (failure)
    return writeError("read the folder", destination, failure.value());
  if (empty)
    return {};
  if (!settings.force)
    return refuse("AWQ1045", "the output folder exists and is not empty",
                  "choose another output name, or add --force to replace it");
  for (const std::string &marker : settings.markers)
    if (fs::exists(destination + "/" + marker, failure))
      return {};
  return refuse("AWQ1046",
                "the output folder does not hold an earlier output, so --force "
                "does not replace it",
                "choose another output name, or remove the folder yourself");
}

Result<AtomicDirectory> AtomicDirectory::create(const std::string &path,
                                                const Options &options) {
  assert((!options.force || !options.markers.empty()) &&
         "force needs files to recognise an earlier output by");
  AtomicDirectory result;
  result.destination = path;
  while (result.destination.size() > 1 && result.destination.back() == '/')
    result.destination.pop_back();
  result.settings = options;
  std::string last = fs::path(result.destination).filename().string();
  if (last.empty() || last == "." || last == "..")
    return Error{ErrorKind::Usage, "AWQ1046",
                 "the output is not the name of a folder to create",
                 "\"" + path + "\"",
                 "give the output folder a name of its own"};
  if (Status status = result.checkDestination(); !status)
    return status.error();
  Result<std::string> temporary = makeSibling(result.destination, ".partial-");
  if (!temporary)
    return temporary.error();
  result.temporary = std::move(*temporary);
  noteUnfinished(result.temporary);
  return result;
}

AtomicDirectory::AtomicDirectory(AtomicDirectory &&other) noexcept {
  *this = std::move(other);
}

AtomicDirectory &AtomicDirectory::operator=(AtomicDirectory &&other) noexcept {
  if (this == &other)
    return *this;
  discard();
  destination = std::move(other.destination);
  temporary = std::exchange(other.temporary, std::string());
  settings = std::move(other.settings);
  return *this;
}

AtomicDirectory::~AtomicDirectory() { discard(); }

void AtomicDirectory::discard() {
  std::error_code ignored;
  if (temporary.empty())
    return;
  fs::remove_all(temporary, ignored);
  forgetUnfinished(temporary);
  temporary.clear();
}

/// Puts the new folder in the place of the old one, which stays until then.
Status AtomicDirectory::replaceDestination() {
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, destination.c_str(),
                  RENAME_EXCHANGE) == 0) {
    discard(); // `temporary` now names the old folder
    return {};
  }
  if (errno != EINVAL && errno != ENOSYS)
    return writeError("give the folder its name", destination, errno);
  // This file system cannot exchange: move the old folder aside first. An
  // empty folder may be renamed onto.
  Result<std::string> aside = makeSibling(destination, ".old-");
  if (!aside)
    return aside.error();
  if (::rename(destination.c_str(), aside->c_str()) != 0)
    return writeError("move the old folder aside", destination, errno);
  if (::rename(temporary.c_str(), destination.c_str()) != 0) {
    int number = errno;
    (void)::rename(aside->c_str(), destination.c_str());
    return writeError("give the folder its name", destination, number);
  }
  forgetUnfinished(temporary);
  temporary = std::move(*aside);
  discard();
  return {};
}

Status AtomicDirectory::commit() {
  assert(!temporary.empty() && "committed before");
  if (Status status = syncTree(temporary); !status)
    return status;
  if (Status status = checkDestination(); !status)
    return status;
  // Renaming onto an absent or empty folder needs no replacement; a folder
  // that was filled since the check makes the call fail.
  if (::rename(temporary.c_str(), destination.c_str()) == 0) {
    forgetUnfinished(temporary);
    temporary.clear();
  } else if (errno != ENOTEMPTY && errno != EEXIST) {
    return writeError("give the folder its name", destination, errno);
  } else if (!settings.force) {
    Status filled = checkDestination();
    return filled
               ? writeError("give the folder its name", destination, ENOTEMPTY)
               : filled;
  } else if (Status status = replaceDestination(); !status) {
    return status;
  }
  return syncDirectory(parentOf(destination));
}
