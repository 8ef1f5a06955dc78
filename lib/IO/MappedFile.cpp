//===- MappedFile.cpp - a file mapped read-only ---------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/MappedFile.h"

#include "awq/IO/FileError.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace awq;
using namespace awq::io;

static Error notRegular(const std::string &path, mode_t mode) {
  const char *what = "a special file";
  if (S_ISDIR(mode))
    what = "a folder";
  else if (S_ISFIFO(mode))
    what = "a pipe";
  else if (S_ISCHR(mode) || S_ISBLK(mode))
    what = "a device";
  return {ErrorKind::Malformed, "AWQ1003",
          std::string("expected a regular file, found ") + what, path,
          "name the file itself"};
}

Result<MappedFile> MappedFile::open(const std::string &path) {
  MappedFile file;
  file.name = path;
  // O_NONBLOCK: opening a pipe must fail below instead of waiting for a writer.
  file.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor < 0)
    return readError(path, errno);
  struct stat info;
  if (::fstat(file.descriptor, &info) != 0)
    return readError(path, errno);
  if (!S_ISREG(info.st_mode))
    return notRegular(path, info.st_mode);
  file.length = static_cast<uint64_t>(info.st_size);
  if (file.length == 0)
    return file;
  void *address =
      ::mmap(nullptr, file.length, PROT_READ, MAP_SHARED, file.descriptor, 0);
  if (address == MAP_FAILED)
    return Error{ErrorKind::Resources, "AWQ1004",
                 "cannot map " + std::to_string(file.length) +
                     " bytes into memory: " + systemMessage(errno),
                 path,
                 "raise the limit of address space (ulimit -v) or copy the "
                 "file to a local disk"};
  file.bytes = static_cast<const uint8_t *>(address);
  return file;
}

MappedFile::MappedFile(MappedFile &&other) noexcept {
  *this = std::move(other);
}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  if (this == &other)
    return *this;
  close();
  name = std::move(other.name);
  bytes = std::exchange(other.bytes, nullptr);
  length = std::exchange(other.length, 0);
  descriptor = std::exchange(other.descriptor, -1);
  return *this;
}

MappedFile::~MappedFile() { close(); }

void MappedFile::close() {
  if (bytes)
    ::munmap(const_cast<uint8_t *>(bytes), length);
  if (descriptor >= 0)
    ::close(descriptor);
  bytes = nullptr;
  descriptor = -1;
}

Status MappedFile::checkUnchanged() const {
  struct stat info;
  if (::fstat(descriptor, &info) != 0)
    return readError(name, errno);
  if (static_cast<uint64_t>(info.st_size) == length)
    return {};
  return Error{ErrorKind::Resources, "AWQ1005",
               "the file changed while it was in use: it had " +
                   std::to_string(length) + " bytes when opened and has " +
                   std::to_string(info.st_size) + " now",
               name, "let no other program write to the file, then run again"};
}

void MappedFile::release(const uint8_t *begin, uint64_t count) const {
  if (!bytes || begin < bytes || begin > bytes + length)
    return;
  uint64_t page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  uint64_t first = static_cast<uint64_t>(begin - bytes);
  uint64_t last = first + std::min<uint64_t>(count, length - first);
  first = (first + page - 1) / page * page;
  // The page that the file ends in is ours up to the end.
  last = last == length ? last : last / page * page;
  if (first < last)
    ::madvise(const_cast<uint8_t *>(bytes) + first, last - first,
              MADV_DONTNEED);
}
