//===- Model.h - a loaded bundle ------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_RUNTIME_MODEL_H
#define AWQ_EXECUTIONENGINE_RUNTIME_MODEL_H

#include "awq/ExecutionEngine/Runtime/Export.h"
#include "awq/ExecutionEngine/Runtime/Manifest.h"
#include "awq/ExecutionEngine/Runtime/MemRef.h"
#include "awq/IO/Safetensors.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace awq::runtime {

/// A dense row-major tensor with its own bytes.
struct Tensor {
  io::DType dtype = io::DType::F32;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;
};

/// Tensors by name.
using TensorMap = std::map<std::string, Tensor>;

/// What loading cost.
struct LoadReport {
  double seconds = 0;     ///< all of it
  double hashSeconds = 0; ///< the check of sizes and hashes
  uint64_t hashedBytes = 0;
  uint64_t parameterBytes = 0; ///< of the tensors that entries use

  /// {"seconds": ..., "hash_seconds": ..., ...}
  std::string json() const;
};

/// An entry point with its code and parameters found.
struct BoundEntry {
  /// arguments[i]: a memref descriptor, or an int64_t for Role::Position.
  using Function = void (*)(void **arguments);

  Entry signature;
  Function function = nullptr;
  /// One per argument; those of parameters are complete, the others are
  /// patterns that a call copies and fills in.
  std::vector<MemRefDescriptor> descriptors;
};

/// A bundle whose files, machine and entry points were checked. Immutable, so
/// any number of threads may share it.
class Model {
public:
  /// Loads the bundle in a folder. Hashes run on two threads. Errors, besides
  /// those of parseManifest: AWQ1400 (not a bundle), AWQ1402 (the processor
  /// lacks a feature), AWQ1405 (a file is missing or not a regular file),
  /// AWQ1406 (a file's size or hash differs), AWQ1407 (the code cannot be
  /// loaded), AWQ1419 (it lacks the function of an entry point), AWQ1409 (a
  /// parameter is absent, twice there, or of another type or shape), and the
  /// reader's own for a damaged safetensors file.
  AWQ_RUNTIME_EXPORT static Result<std::shared_ptr<const Model>>
  load(const std::string &bundle);

  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  const Manifest &manifest() const { return facts; }
  /// The text of manifest.json.
  const std::string &manifestText() const { return text; }
  /// LoadReport::json() of this load.
  const std::string &reportText() const { return report; }
  /// Where the bundle was loaded from, for messages.
  const std::string &path() const { return folder; }

  /// The entry of that name ("forward", ...) or nullptr.
  const BoundEntry *find(const std::string &entry) const {
    auto found = entries.find(entry);
    return found == entries.end() ? nullptr : &found->second;
  }

  /// Runs an entry on tensors named as its arguments in the manifest, on
  /// `threads` threads (0: one per processor). "position" may be left out (0),
  /// and so may caches: they are then zeros with room for position + T rows.
  /// Gives the written tensors by name: hidden states or logits, and caches.
  /// Errors: AWQ1417 (no such entry or tensor, another type or shape), AWQ1410
  /// and AWQ1411 as in Session::forward.
  AWQ_RUNTIME_EXPORT Result<TensorMap>
  run(const std::string &entry, const TensorMap &inputs, int threads = 0) const;

private:
  Model() = default;
  Status readManifest();
  Status checkMachine() const;
  Status checkFiles(LoadReport &cost) const;
  Status openParameters();
  Status loadCode();
  Status bindEntries(LoadReport &cost);
  Result<io::TensorView> bindParameter(const Argument &argument);

  std::string folder;
  std::string text;
  std::string report;
  Manifest facts;
  std::vector<io::SafetensorsFile> parameterFiles;
  /// Copies of parameters that lie at an address unfit for their type.
  std::map<std::string, std::unique_ptr<uint8_t[]>> alignedCopies;
  void *code = nullptr;
  std::map<std::string, BoundEntry> entries;
};

} // namespace awq::runtime

#endif // AWQ_EXECUTIONENGINE_RUNTIME_MODEL_H
