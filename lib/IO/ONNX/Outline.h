//===- Outline.h - an ONNX model without its bulk ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands between the bytes of a file and protobuf's parser. The outline of
// a message is that message without tensor data and without the fields that
// nothing reads. On the way every length, type and count is checked, so that
//   - an error names the byte, which protobuf's parser does not tell,
//   - no small file makes protobuf allocate a large amount of memory,
//   - messages over 2 GiB can be read, and tensor data are never copied.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_OUTLINE_H
#define AWQ_LIB_IO_ONNX_OUTLINE_H

#include "awq/IO/MappedFile.h"
#include "awq/Support/Error.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace awq::io {

struct WireField;

enum class OnnxMessage : uint8_t {
  Model,
  Graph,
  Node,
  Attribute,
  Tensor,
  Value,
  Type,
  TensorType,
  Shape,
  Dim,
  Entry,
  Opset,
  Function,
  Marker ///< one of which nothing is read
};

/// By field number, how many messages of a message are to be outlined apart.
using OnnxPartCounts = std::array<uint64_t, 32>;

/// Gives pages of a file back as a walk over it goes on. What is needed again
/// is read again, and a file larger than the memory can be walked.
class PageDropper {
public:
  explicit PageDropper(const MappedFile &file) : file(file) {}

  /// The walk has come to `position`; one that begins anew may come back.
  void passed(uint64_t position) {
    constexpr uint64_t step = uint64_t(1) << 20;
    if (position < from)
      from = position;
    if (position - from < step)
      return;
    file.release(file.data() + from, position - from);
    from = position;
  }

private:
  const MappedFile &file;
  uint64_t from = 0;
};

class Outliner {
public:
  /// Bytes of memory that the parts of a model may take beyond the file's size.
  static constexpr uint64_t spareMemory = uint64_t(48) << 20;
  /// The same for one part, which is in memory three times while it is read.
  static constexpr uint64_t partMemory = uint64_t(8) << 20;
  /// Messages inside one another, the model itself counted.
  static constexpr unsigned maxDepth = 64;

  explicit Outliner(const MappedFile &file)
      : file(file), budget(file.size() + spareMemory), pages(file) {}

  /// The outline of the message at [begin, end). With `counts`, the messages
  /// that are read one by one are not in it but counted there: a graph's nodes
  /// and tensors. `what` names the message in errors, e.g. "node 12". Errors:
  /// AWQ1060 to AWQ1063.
  Result<std::string> outline(OnnxMessage kind, uint64_t begin, uint64_t end,
                              std::string what,
                              OnnxPartCounts *counts = nullptr);

  /// AWQ1062 if less memory is left.
  Status afford(uint64_t bytes, const std::string &where) const;
  /// Takes memory from what is left.
  Status spend(uint64_t bytes, const std::string &where);

private:
  struct Rule;
  static const Rule *find(OnnxMessage kind, uint32_t number);

  bool message(OnnxMessage kind, uint64_t begin, uint64_t end, unsigned depth);
  bool field(const Rule &rule, const WireField &field, unsigned depth);
  bool numbers(const Rule &rule, const WireField &field);
  bool copy(const WireField &field);
  bool charge(uint64_t bytes);
  bool fail(ErrorKind kind, std::string code, std::string text, uint64_t at);

  const MappedFile &file;
  uint64_t budget;
  PageDropper pages;

  // Of the outline that is being made.
  std::string result;
  std::string what;
  OnnxPartCounts *counts = nullptr;
  uint64_t spent = 0;
  std::optional<Error> failure;
};

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_OUTLINE_H
