//===- Wire.cpp - the wire format of protocol buffers ---------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Wire.h"

using namespace awq;
using namespace awq::io;

const char *io::name(WireType type) {
  switch (type) {
  case WireType::Varint:
    return "a varint";
  case WireType::Fixed64:
    return "8 bytes";
  case WireType::Bytes:
    return "bytes with a length";
  case WireType::Fixed32:
    return "4 bytes";
  }
  return "unknown";
}

bool WireReader::fail(std::string text) {
  issue = std::move(text);
  return false;
}

bool WireReader::nextLongVarint(uint64_t &value) {
  value = 0;
  uint64_t from = at;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (from == end)
      return fail("the data end inside a number");
    uint8_t byte = file[from++];
    // The tenth byte has room for one bit.
    if (shift == 63 && byte > 1)
      break;
    value |= uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80) {
      at = from;
      return true;
    }
  }
  return fail("a number has more than 64 bits");
}

/// The contents are the next `count` bytes.
bool WireReader::take(uint64_t count, WireField &field) {
  if (count > end - at)
    return fail("field " + std::to_string(field.number) + " has " +
                std::to_string(count) + " bytes, but only " +
                std::to_string(end - at) + " are left");
  field.begin = at;
  field.end = at += count;
  return true;
}

static uint64_t littleEndian(const uint8_t *bytes, unsigned count) {
  uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i)
    value |= uint64_t(bytes[i]) << (8 * i);
  return value;
}

bool WireReader::next(WireField &field) {
  if (at == end || !issue.empty())
    return false;
  field.start = at;
  uint64_t tag = 0;
  if (!nextVarint(tag))
    return false;
  field.number = static_cast<uint32_t>(tag >> 3);
  // Field numbers have 29 bits.
  if (tag >> 32 != 0 || field.number == 0) {
    at = field.start;
    return fail("there is no field " + std::to_string(tag >> 3));
  }
  field.type = static_cast<WireType>(tag & 7);
  switch (field.type) {
  case WireType::Varint:
    field.begin = at;
    if (!nextVarint(field.value))
      return false;
    field.end = at;
    return true;
  case WireType::Bytes: {
    uint64_t count = 0;
    return nextVarint(count) && take(count, field);
  }
  case WireType::Fixed64:
  case WireType::Fixed32: {
    unsigned count = field.type == WireType::Fixed64 ? 8 : 4;
    if (!take(count, field))
      return false;
    field.value = littleEndian(file + field.begin, count);
    return true;
  }
  }
  // 3 and 4 begin and end a group, which ONNX never had; 6 and 7 are nothing.
  at = field.start;
  return fail("field " + std::to_string(field.number) + " has the wire type " +
              std::to_string(tag & 7) + ", which ONNX does not use");
}
