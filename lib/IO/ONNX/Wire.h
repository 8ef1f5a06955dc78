//===- Wire.h - the wire format of protocol buffers -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// https://protobuf.dev/programming-guides/encoding/
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_WIRE_H
#define AWQ_LIB_IO_ONNX_WIRE_H

#include <cstdint>
#include <string>

namespace awq::io {

enum class WireType : uint8_t {
  Varint = 0,
  Fixed64 = 1,
  Bytes = 2,
  Fixed32 = 5
};

const char *name(WireType type);

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::Varint;
  /// Of a varint or a fixed number.
  uint64_t value = 0;
  /// The contents, from the start of the file; for numbers their own bytes.
  uint64_t begin = 0, end = 0;
  /// Where the field's tag begins.
  uint64_t start = 0;
};

/// Steps through the fields of one message that lies at [begin, end) of `file`.
/// Never reads outside, whatever the bytes are.
class WireReader {
public:
  WireReader(const uint8_t *file, uint64_t begin, uint64_t end)
      : file(file), at(begin), end(end) {}

  /// The next field; false at the end of the message or at a problem.
  bool next(WireField &field);
  /// A varint alone, as packed fields have them.
  bool nextVarint(uint64_t &value) {
    if (at == end || file[at] >= 0x80)
      return nextLongVarint(value);
    value = file[at++];
    return true;
  }

  bool atEnd() const { return at == end && issue.empty(); }
  /// What is wrong with the bytes; empty if nothing is.
  const std::string &problem() const { return issue; }
  /// Where the reader stands: after a problem, where that is.
  uint64_t position() const { return at; }

private:
  bool fail(std::string text);
  bool nextLongVarint(uint64_t &value);
  bool take(uint64_t count, WireField &field);

  const uint8_t *file;
  uint64_t at, end;
  std::string issue;
};

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_WIRE_H
