//===- Safetensors.h - reading safetensors files and checkpoints *- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format: 8 bytes little-endian header length N, N bytes of JSON
// {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...,
// "__metadata__": {string: string}}, then the tensors' bytes, row-major and
// little-endian, without holes. https://github.com/huggingface/safetensors
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_SAFETENSORS_H
#define AWQ_IO_SAFETENSORS_H

#include "awq/IO/DType.h"
#include "awq/IO/MappedFile.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace awq::io {

/// A tensor inside a mapped file. Valid while the SafetensorsFile (or
/// Checkpoint) it came from lives.
struct TensorView {
  std::string name;
  DType dtype = DType::F32;
  /// Row-major dimensions; empty for a scalar.
  std::vector<int64_t> shape;
  /// First byte. The format does not promise alignment: a file may place a
  /// 4-byte element at an odd address, see isAligned().
  const uint8_t *data = nullptr;
  uint64_t bytes = 0;
  /// Path of the file that holds the tensor.
  std::string file;

  /// Product of the dimensions (1 for a scalar).
  int64_t elementCount() const;
  /// Whether `data` may be read through a pointer to the element type.
  bool isAligned() const;
};

/// Where a tensor lies in a file of another format.
struct IndexedTensor {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  uint64_t offset = 0;
};

/// One safetensors file, mapped, with a header that was checked in full:
/// after open() every view lies inside the file and has bytes == shape x dtype.
class SafetensorsFile {
public:
  /// Errors: those of MappedFile::open and AWQ1006 to AWQ1022.
  static Result<SafetensorsFile> open(const std::string &path);

  /// A file of any format, whose tensors somebody else has found. Errors: those
  /// of MappedFile::open and AWQ1031 (a tensor that does not lie in the file).
  static Result<SafetensorsFile> openIndexed(const std::string &path,
                                             std::vector<IndexedTensor> index);

  /// All tensors, in the order of their bytes in the file. Does not look at
  /// the file again; see checkUnchanged().
  const std::vector<TensorView> &tensors() const { return views; }
  /// The tensor of that name or nothing. Does not look at the file again.
  std::optional<TensorView> find(std::string_view name) const;
  /// The tensor of that name, after checking that the file still has its size.
  /// Errors: AWQ1005 (changed), AWQ1030 (no such tensor).
  Result<TensorView> get(std::string_view name) const;
  /// The "__metadata__" strings; empty when the file has none.
  const std::map<std::string, std::string> &metadata() const { return strings; }

  const std::string &path() const { return file.path(); }
  uint64_t fileBytes() const { return file.size(); }
  Status checkUnchanged() const { return file.checkUnchanged(); }
  /// Drops the resident pages of a tensor of this file that is no longer
  /// needed; it can still be read.
  void release(const TensorView &view) const {
    file.release(view.data, view.bytes);
  }

private:
  explicit SafetensorsFile(MappedFile mapped) : file(std::move(mapped)) {}

  MappedFile file;
  std::vector<TensorView> views;
  /// Keys point into `views`, whose elements never move.
  std::unordered_map<std::string_view, size_t> indices;
  std::map<std::string, std::string> strings;
};

/// A model's weights: one safetensors file or the shards that an index names.
class Checkpoint {
public:
  /// `path` is a .safetensors file, or a folder with "model.safetensors" or
  /// else "model.safetensors.index.json" (the order of Hugging Face's loader).
  /// Shard names must be plain file names; a shard may be a symbolic link to a
  /// regular file, as in Hugging Face's cache. Tensors that a shard holds but
  /// the index does not list belong to the checkpoint.
  /// Errors: those of SafetensorsFile::open, AWQ1023 to AWQ1029, and those of
  /// parseJsonFile for the index.
  static Result<Checkpoint> open(const std::string &path);
  /// As SafetensorsFile::openIndexed.
  static Result<Checkpoint> openIndexed(const std::string &path,
                                        std::vector<IndexedTensor> index);

  std::optional<TensorView> find(std::string_view name) const;
  /// As SafetensorsFile::get.
  Result<TensorView> get(std::string_view name) const;
  /// All tensor names, sorted.
  std::vector<std::string> names() const;
  /// Paths of the safetensors files, sorted.
  std::vector<std::string> files() const;
  /// The opened files, in the order of files().
  const std::vector<SafetensorsFile> &shards() const { return parts; }
  /// Sum of the tensors' bytes.
  uint64_t tensorBytes() const;
  Status checkUnchanged() const;
  /// Drops the resident pages of a tensor that is no longer needed.
  void release(const TensorView &view) const;

private:
  Status addPart(SafetensorsFile part);
  static Result<Checkpoint> openFile(const std::string &path);
  static Result<Checkpoint> openIndex(const std::string &folder,
                                      const std::string &index);

  std::string source;
  std::vector<SafetensorsFile> parts;
  /// Tensor name to the part that holds it. Keys point into the parts' views.
  std::unordered_map<std::string_view, size_t> owners;
};

} // namespace awq::io

#endif // AWQ_IO_SAFETENSORS_H
