//===- SafetensorsWriter.h - writing safetensors files as a stream *- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_SAFETENSORSWRITER_H
#define AWQ_IO_SAFETENSORSWRITER_H

#include "awq/IO/DType.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace awq::io {

/// Name, element type and row-major shape of a tensor to be written.
struct TensorSpec {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
};

/// Writes a safetensors file whose tensors are known by name, type and shape
/// from the start, and whose bytes come later, in any order, whole or in
/// chunks. Nothing but the header is held in memory.
///
/// The bytes go to "<path>.partial"; commit() makes the file durable and gives
/// it its name in one step, so `path` is either absent (or its old content) or
/// complete. Space is reserved up front: a full disk is reported by create(),
/// not after hours. After an error, and when the writer is destroyed without
/// commit(), the partial file is removed.
///
/// Layout: wider element types first, otherwise the order of the
/// specifications; the data begin at a multiple of 64 bytes, so every tensor is
/// aligned to its element.
class SafetensorsWriter {
public:
  /// Errors: AWQ1040 (cannot create), AWQ1041 (no space), AWQ1042 (bad
  /// specification), AWQ1044 (another writer is busy with the same file).
  static Result<SafetensorsWriter>
  create(const std::string &path, const std::vector<TensorSpec> &specs,
         const std::map<std::string, std::string> &metadata = {});

  SafetensorsWriter(SafetensorsWriter &&other) noexcept;
  SafetensorsWriter &operator=(SafetensorsWriter &&other) noexcept;
  SafetensorsWriter(const SafetensorsWriter &) = delete;
  SafetensorsWriter &operator=(const SafetensorsWriter &) = delete;
  ~SafetensorsWriter();

  /// Writes a whole tensor. Errors: AWQ1040, AWQ1041, AWQ1043 (unknown name,
  /// wrong number of bytes, or written before).
  Status write(std::string_view name, const void *data, uint64_t bytes);
  /// Writes the next `bytes` bytes of a tensor.
  Status append(std::string_view name, const void *data, uint64_t bytes);
  /// Makes the file durable under its name. AWQ1043 when a tensor is
  /// incomplete.
  Status commit();

  /// Size of the finished file.
  uint64_t fileBytes() const { return total; }
  const std::string &path() const { return destination; }

private:
  struct Slot {
    std::string name;
    uint64_t begin = 0; ///< first byte in the file
    uint64_t bytes = 0;
    uint64_t written = 0;
  };

  SafetensorsWriter() = default;
  Status layOut(const std::vector<TensorSpec> &specs,
                const std::map<std::string, std::string> &metadata,
                std::string &header);
  Status openPartial();
  Status writeAt(uint64_t offset, const void *data, uint64_t bytes);
  Status fail(Error error);
  Error misuse(std::string_view name, std::string message) const;
  void discard();

  std::string destination;
  std::string partial;
  std::vector<Slot> slots;
  std::unordered_map<std::string, size_t> indices;
  uint64_t total = 0;
  int descriptor = -1;
};

} // namespace awq::io

#endif // AWQ_IO_SAFETENSORSWRITER_H
