//===- MappedFile.h - a file mapped read-only -------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_MAPPEDFILE_H
#define AWQ_IO_MAPPEDFILE_H

#include "awq/Support/Error.h"

#include <cstdint>
#include <string>

namespace awq::io {

/// A regular file mapped read-only into memory. Movable; the mapping keeps its
/// address when moved, and ends with the object.
///
/// A mapping cannot defend itself: when another program makes the file shorter
/// after it was opened, reading the lost pages raises SIGBUS. checkUnchanged()
/// turns the common case (the file was overwritten or truncated some time ago)
/// into an error; callers run it before they read a tensor. Files replaced by
/// rename, as this project's own writers do it, are never affected.
class MappedFile {
public:
  /// Opens and maps `path`. An empty file is allowed and has data() == nullptr.
  /// Errors: AWQ1001 (absent), AWQ1002 (unreadable), AWQ1003 (a folder, a pipe
  /// or a device), AWQ1004 (no address space).
  static Result<MappedFile> open(const std::string &path);

  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  const uint8_t *data() const { return bytes; }
  /// Size in bytes when the file was opened.
  uint64_t size() const { return length; }
  const std::string &path() const { return name; }

  /// AWQ1005 when the file no longer has the size it had when it was opened.
  Status checkUnchanged() const;

  /// Drops the resident pages that lie wholly inside [begin, begin + count);
  /// they are read again from the file when touched. Keeps a pass over a large
  /// checkpoint from filling the memory.
  void release(const uint8_t *begin, uint64_t count) const;

private:
  MappedFile() = default;
  void close();

  std::string name;
  const uint8_t *bytes = nullptr;
  uint64_t length = 0;
  int descriptor = -1;
};

} // namespace awq::io

#endif // AWQ_IO_MAPPEDFILE_H
