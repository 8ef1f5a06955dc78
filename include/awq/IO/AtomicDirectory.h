//===- AtomicDirectory.h - output folders that appear complete --*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_ATOMICDIRECTORY_H
#define AWQ_IO_ATOMICDIRECTORY_H

#include "awq/Support/Error.h"

#include <string>
#include <vector>

namespace awq::io {

/// An output folder that is filled under the temporary sibling name
/// "<name>.partial-<pid>" and gets its own name by one rename, so that readers
/// see all of it or nothing. Without commit() the temporary folder is removed
/// by the destructor, and in programs that call removeUnfinishedOnSignals()
/// also when they are stopped. A run that was killed by force leaves its
/// temporary folder behind; nobody else's is ever touched.
class AtomicDirectory {
public:
  struct Options {
    /// Replace a folder that is not empty.
    bool force = false;
    /// With force: only a folder that holds at least one of these files (e.g.
    /// "manifest.json") is replaced, so that a mistyped path cannot remove
    /// someone's documents. Must not be empty when force is set.
    std::vector<std::string> markers;
  };

  /// Creates the temporary folder. Errors: AWQ1040 (cannot create), AWQ1041
  /// (no space), AWQ1045 (the destination exists and is not empty), AWQ1046
  /// (the destination is no folder, or force may not replace it).
  static Result<AtomicDirectory> create(const std::string &destination,
                                        const Options &options);
  static Result<AtomicDirectory> create(const std::string &destination) {
    return create(destination, Options());
  }

  AtomicDirectory(AtomicDirectory &&other) noexcept;
  AtomicDirectory &operator=(AtomicDirectory &&other) noexcept;
  AtomicDirectory(const AtomicDirectory &) = delete;
  AtomicDirectory &operator=(const AtomicDirectory &) = delete;
  ~AtomicDirectory();

  /// The folder to write into until commit().
  const std::string &path() const { return temporary; }
  /// Path of an entry inside path().
  std::string file(const std::string &name) const {
    return temporary + "/" + name;
  }
  const std::string &destinationPath() const { return destination; }

  /// Makes all files durable and gives the folder its name. The destination is
  /// checked again: AWQ1045 when it was filled meanwhile.
  Status commit();

private:
  AtomicDirectory() = default;
  Status checkDestination() const;
  Status replaceDestination();
  void discard();

  std::string destination;
  std::string temporary; ///< empty after commit
  Options settings;
};

} // namespace awq::io

#endif // AWQ_IO_ATOMICDIRECTORY_H
