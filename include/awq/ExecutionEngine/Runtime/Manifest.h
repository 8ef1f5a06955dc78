//===- Manifest.h - what a bundle says about itself ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// A bundle is a folder:
//   manifest.json        the text this file describes
//   model.so             the machine code, exporting awq_entry_NAME functions
//   *.safetensors        parameters, absent where they stay in external files
//   tokenizer files, licence
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_RUNTIME_MANIFEST_H
#define AWQ_EXECUTIONENGINE_RUNTIME_MANIFEST_H

#include "awq/ExecutionEngine/Runtime/Export.h"
#include "awq/IO/DType.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace awq::runtime {

/// The newest manifest version that this runtime reads.
inline constexpr int64_t manifestVersion = 1;

/// The file in a bundle that holds the machine code.
inline constexpr std::string_view codeFileName = "model.so";

/// What an argument of an entry point stands for. T is the number of tokens of
/// a call, S the capacity of the session, H the hidden size, V the vocabulary.
enum class Role : uint8_t {
  Tokens,    ///< i32 [T], read
  Position,  ///< index scalar: tokens already in the caches
  KCache,    ///< [S, kv_heads, head_dim], updated in place
  VCache,    ///< [S, kv_heads, value_head_dim], updated in place
  Parameter, ///< a named tensor of the parameter files, read
  HiddenOut, ///< [T, H], written
  Hidden,    ///< [T, H], read
  LogitsOut  ///< f32 [T, V], written
};

/// The spelling in a manifest, such as "k_cache".
AWQ_RUNTIME_EXPORT std::string_view name(Role role);

/// One argument of an entry point. -1 in `shape` is a dimension known at run
/// time; only the first may be.
struct Argument {
  Role role;
  std::string name;
  int64_t layer = -1; ///< for caches
  /// Signless integers of the IR are the signed types here.
  io::DType dtype = io::DType::F32;
  std::vector<int64_t> shape;
};

/// One function `void symbol(void **arguments)`: arguments[i] is the address of
/// a memref descriptor (MemRef.h), or of an int64_t for Role::Position.
struct Entry {
  std::string symbol;
  std::vector<Argument> arguments;

  /// The first argument with that role, or nullptr.
  const Argument *find(Role role) const;
};

/// A file with its size in bytes and lower-case hexadecimal SHA-256.
struct FileRecord {
  std::string path;
  uint64_t size = 0;
  std::string sha256;
};

struct ModelFacts {
  std::string name;
  std::string architecture;
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t layers = 0;
  int64_t kvHeads = 0;
  int64_t headDim = 0;
  int64_t valueHeadDim = 0; ///< headDim where the manifest has none
  int64_t maxPosition = 0;
};

struct Target {
  std::string kind;   ///< "cpu"
  std::string triple; ///< such as "x86_64-pc-linux-gnu"
  std::string cpu;
  std::vector<std::string> features; ///< LLVM's names, all needed
};

/// A manifest that was checked in full: entry points have the arguments their
/// name asks for, shapes agree with the model's sizes, paths obey the rules.
struct Manifest {
  std::string toolVersion;
  ModelFacts model;
  Target target;
  std::vector<FileRecord> files;      ///< below the bundle
  std::vector<FileRecord> parameters; ///< below the bundle, or absolute
  /// "forward" and "head" always; "step" and "head_step" where compiled.
  std::map<std::string, Entry> entries;
};

/// Checks the text of a manifest; `path` is named in errors. Errors: AWQ1401
/// (not JSON, a field missing or of a wrong type or value), AWQ1403 (not a
/// bundle's manifest, or a newer version), AWQ1404 (a path that leaves the
/// bundle), AWQ1408 (entry points this runtime cannot call), AWQ1416 (compiled
/// for another kind of device).
Result<Manifest> parseManifest(std::string_view text, const std::string &path);

} // namespace awq::runtime

#endif // AWQ_EXECUTIONENGINE_RUNTIME_MANIFEST_H
