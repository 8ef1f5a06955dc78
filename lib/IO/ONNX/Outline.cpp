//===- Outline.cpp - an ONNX model without its bulk -----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Outline.h"

#include "OnnxError.h"
#include "Wire.h"

#include <algorithm>
#include <array>
#include <iterator>

using namespace awq;
using namespace awq::io;

namespace {
enum class Role : uint8_t {
  Integer, ///< varints, packed or one by one
  Float,   ///< 4 bytes each, packed or one by one
  Text,    ///< a string or bytes
  Message,
  Data ///< elements of a tensor: left where they are
};
enum : uint8_t {
  Once = 0,
  Many = 1,
  Apart = 2, ///< counted as a part where parts are asked for
  Either = 4 ///< no other field marked so may be beside it
};
using M = OnnxMessage;
} // namespace

/// A field that is read. Fields without a rule are skipped.
struct Outliner::Rule {
  OnnxMessage kind;
  uint32_t number;
  const char *name;
  Role role;
  uint8_t flags = Once;
  OnnxMessage child = OnnxMessage::Marker;
};

const Outliner::Rule *Outliner::find(OnnxMessage kind, uint32_t number) {
  // clang-format off
  static constexpr Rule rules[] = {
      {M::Model, 1, "ir_version", Role::Integer},
      {M::Model, 2, "producer_name", Role::Text},
      {M::Model, 3, "producer_version", Role::Text},
      {M::Model, 7, "graph", Role::Message, Apart, M::Graph},
      {M::Model, 8, "opset_import", Role::Message, Many, M::Opset},
      {M::Model, 14, "metadata_props", Role::Message, Many, M::Entry},
      {M::Model, 20, "training_info", Role::Message, Many, M::Marker},
      {M::Model, 25, "functions", Role::Message, Many | Apart, M::Function},
      {M::Graph, 1, "node", Role::Message, Many | Apart, M::Node},
      {M::Graph, 2, "name", Role::Text},
      {M::Graph, 5, "initializer", Role::Message, Many | Apart, M::Tensor},
      {M::Graph, 11, "input", Role::Message, Many | Apart, M::Value},
      {M::Graph, 12, "output", Role::Message, Many | Apart, M::Value},
      {M::Graph, 13, "value_info", Role::Message, Many | Apart, M::Value},
      {M::Graph, 15, "sparse_initializer", Role::Message, Many, M::Marker},
      {M::Node, 1, "input", Role::Text, Many},
      {M::Node, 2, "output", Role::Text, Many},
      {M::Node, 3, "name", Role::Text},
      {M::Node, 4, "op_type", Role::Text},
      {M::Node, 5, "attribute", Role::Message, Many, M::Attribute},
      {M::Node, 7, "domain", Role::Text},
      {M::Node, 8, "overload", Role::Text},
      {M::Node, 9, "metadata_props", Role::Message, Many, M::Entry},
      {M::Attribute, 1, "name", Role::Text},
      {M::Attribute, 2, "f", Role::Float},
      {M::Attribute, 3, "i", Role::Integer},
      {M::Attribute, 4, "s", Role::Text},
      {M::Attribute, 5, "t", Role::Message, Once, M::Tensor},
      {M::Attribute, 6, "g", Role::Message, Once, M::Graph},
      {M::Attribute, 7, "floats", Role::Float, Many},
      {M::Attribute, 8, "ints", Role::Integer, Many},
      {M::Attribute, 9, "strings", Role::Text, Many},
      {M::Attribute, 10, "tensors", Role::Message, Many, M::Tensor},
      {M::Attribute, 11, "graphs", Role::Message, Many, M::Graph},
      {M::Attribute, 14, "tp", Role::Message, Once, M::Marker},
      {M::Attribute, 15, "type_protos", Role::Message, Many, M::Marker},
      {M::Attribute, 20, "type", Role::Integer},
      {M::Attribute, 21, "ref_attr_name", Role::Text},
      {M::Attribute, 22, "sparse_tensor", Role::Message, Once, M::Marker},
      {M::Attribute, 23, "sparse_tensors", Role::Message, Many, M::Marker},
      {M::Tensor, 1, "dims", Role::Integer, Many},
      {M::Tensor, 2, "data_type", Role::Integer},
      {M::Tensor, 3, "segment", Role::Message, Once, M::Marker},
      {M::Tensor, 4, "float_data", Role::Data, Many},
      {M::Tensor, 5, "int32_data", Role::Data, Many},
      {M::Tensor, 6, "string_data", Role::Data, Many},
      {M::Tensor, 7, "int64_data", Role::Data, Many},
      {M::Tensor, 8, "name", Role::Text},
      {M::Tensor, 9, "raw_data", Role::Data},
      {M::Tensor, 10, "double_data", Role::Data, Many},
      {M::Tensor, 11, "uint64_data", Role::Data, Many},
      {M::Tensor, 13, "external_data", Role::Message, Many, M::Entry},
      {M::Tensor, 14, "data_location", Role::Integer},
      {M::Value, 1, "name", Role::Text},
      {M::Value, 2, "type", Role::Message, Once, M::Type},
      {M::Type, 1, "tensor_type", Role::Message, Either, M::TensorType},
      {M::Type, 4, "sequence_type", Role::Message, Either, M::Marker},
      {M::Type, 5, "map_type", Role::Message, Either, M::Marker},
      {M::Type, 7, "opaque_type", Role::Message, Either, M::Marker},
      {M::Type, 8, "sparse_tensor_type", Role::Message, Either, M::Marker},
      {M::Type, 9, "optional_type", Role::Message, Either, M::Marker},
      {M::TensorType, 1, "elem_type", Role::Integer},
      {M::TensorType, 2, "shape", Role::Message, Once, M::Shape},
      {M::Shape, 1, "dim", Role::Message, Many, M::Dim},
      {M::Dim, 1, "dim_value", Role::Integer, Either},
      {M::Dim, 2, "dim_param", Role::Text, Either},
      {M::Entry, 1, "key", Role::Text},
      {M::Entry, 2, "value", Role::Text},
      {M::Opset, 1, "domain", Role::Text},
      {M::Opset, 2, "version", Role::Integer},
      {M::Function, 1, "name", Role::Text},
      {M::Function, 4, "input", Role::Text, Many},
      {M::Function, 5, "output", Role::Text, Many},
      {M::Function, 6, "attribute", Role::Text, Many},
      {M::Function, 7, "node", Role::Message, Many, M::Node},
      {M::Function, 9, "opset_import", Role::Message, Many, M::Opset},
      {M::Function, 10, "domain", Role::Text},
      {M::Function, 11, "attribute_proto", Role::Message, Many, M::Attribute},
      {M::Function, 13, "overload", Role::Text},
  };
  // clang-format on
  // Files may have millions of fields: no search for each.
  static constexpr auto table = [] {
    std::array<std::array<uint8_t, 32>, size_t(M::Marker) + 1> numbers{};
    for (size_t i = 0; i < std::size(rules); ++i)
      numbers[size_t(rules[i].kind)][rules[i].number] = uint8_t(i + 1);
    return numbers;
  }();
  uint8_t found = number < 32 ? table[size_t(kind)][number] : 0;
  return found ? &rules[found - 1] : nullptr;
}

/// Memory that a message of this kind takes once it is read, its texts and
/// numbers apart: the struct of Onnx.h and what the container around it adds.
static uint64_t memoryOf(OnnxMessage kind) {
  switch (kind) {
  case OnnxMessage::Node:
  case OnnxMessage::Attribute:
    return 304;
  case OnnxMessage::Graph:
  case OnnxMessage::Function:
  case OnnxMessage::Tensor:
    return 320;
  case OnnxMessage::Entry:
  case OnnxMessage::Opset:
  case OnnxMessage::Value:
    return 128;
  default:
    return 64;
  }
}

bool Outliner::fail(ErrorKind kind, std::string code, std::string text,
                    uint64_t at) {
  std::string where = file.path() + ", byte " + std::to_string(at);
  if (!what.empty())
    where += " (" + what + ")";
  bool malformed = kind == ErrorKind::Malformed;
  failure = Error{kind, std::move(code), std::move(text), std::move(where),
                  malformed ? damagedModel : tooLargeModel};
  return false;
}

bool Outliner::charge(uint64_t bytes) {
  spent += bytes;
  return spent <= partMemory && spent <= budget;
}

Status Outliner::afford(uint64_t bytes, const std::string &where) const {
  if (bytes > budget)
    return Error{ErrorKind::Unsupported, "AWQ1062",
                 "the model would take far more memory than its file is large",
                 where, tooLargeModel};
  return {};
}

Status Outliner::spend(uint64_t bytes, const std::string &where) {
  Status status = afford(bytes, where);
  if (status)
    budget -= bytes;
  return status;
}

static void appendVarint(std::string &out, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

static void appendTag(std::string &out, uint32_t number, WireType type) {
  appendVarint(out, uint64_t(number) << 3 | uint64_t(type));
}

/// Lengths are written before they are known, always as 5 bytes.
static constexpr unsigned lengthRoom = 5;

static void patchLength(std::string &out, size_t at) {
  uint64_t length = out.size() - at - lengthRoom;
  for (unsigned i = 0; i < lengthRoom; ++i, length >>= 7)
    out[at + i] =
        static_cast<char>((length & 0x7f) | (i + 1 < lengthRoom ? 0x80 : 0));
}

bool Outliner::copy(const WireField &field) {
  result.append(reinterpret_cast<const char *>(file.data()) + field.start,
                field.end - field.start);
  return true;
}

/// A number or several; those that may be there once come one by one.
bool Outliner::numbers(const Rule &rule, const WireField &field) {
  bool packed = field.type == WireType::Bytes;
  uint64_t count = 1;
  if (packed && rule.role == Role::Float) {
    count = (field.end - field.begin) / 4;
    if ((field.end - field.begin) % 4 != 0)
      return fail(ErrorKind::Malformed, "AWQ1060",
                  std::string("the numbers in \"") + rule.name +
                      "\" are not 4 bytes each",
                  field.begin);
  } else if (packed) {
    WireReader reader(file.data(), field.begin, field.end);
    uint64_t value;
    for (count = 0; !reader.atEnd(); ++count)
      if (!reader.nextVarint(value))
        return fail(ErrorKind::Malformed, "AWQ1060", reader.problem(),
                    reader.position());
  }
  return charge(8 * count) && copy(field);
}

static bool fits(Role role, bool many, WireType type) {
  switch (role) {
  case Role::Integer:
    return type == WireType::Varint || (many && type == WireType::Bytes);
  case Role::Float:
    return type == WireType::Fixed32 || (many && type == WireType::Bytes);
  case Role::Text:
  case Role::Message:
    return type == WireType::Bytes;
  case Role::Data:
    return true; // the reader of tensors looks closer
  }
  return false;
}

bool Outliner::field(const Rule &rule, const WireField &field, unsigned depth) {
  switch (rule.role) {
  case Role::Data:
    return true;
  case Role::Integer:
  case Role::Float:
    return numbers(rule, field);
  case Role::Text:
    return charge(sizeof(std::string) + field.end - field.begin) && copy(field);
  case Role::Message:
    break;
  }
  if (counts && depth == 1 && (rule.flags & Apart)) {
    ++(*counts)[rule.number];
    return true;
  }
  appendTag(result, rule.number, WireType::Bytes);
  size_t length = result.size();
  result.append(lengthRoom, '\0');
  if (!message(rule.child, field.begin, field.end, depth + 1))
    return false;
  patchLength(result, length);
  return true;
}

bool Outliner::message(OnnxMessage kind, uint64_t begin, uint64_t end,
                       unsigned depth) {
  if (!charge(memoryOf(kind)))
    return false;
  if (kind == OnnxMessage::Marker)
    return true;
  if (depth > maxDepth)
    return fail(ErrorKind::Malformed, "AWQ1061",
                "the model is nested more than " + std::to_string(maxDepth) +
                    " deep",
                begin);
  if (kind == OnnxMessage::Tensor) {
    appendTag(result, 100000, WireType::Varint);
    appendVarint(result, begin);
    appendTag(result, 100001, WireType::Varint);
    appendVarint(result, end);
  }
  WireReader reader(file.data(), begin, end);
  WireField current;
  uint32_t seen = 0;
  const char *either = nullptr;
  while (reader.next(current)) {
    if (counts && depth == 1)
      pages.passed(current.start);
    const Rule *rule = find(kind, current.number);
    if (!rule)
      continue;
    auto malformed = [&](const char *code, const std::string &text) {
      return fail(ErrorKind::Malformed, code,
                  std::string("the field \"") + rule->name + "\" " + text,
                  current.start);
    };
    bool many = rule->flags & Many;
    if (!fits(rule->role, many, current.type))
      return malformed("AWQ1060",
                       std::string("is written as ") + name(current.type));
    if (!many && (seen & 1u << rule->number))
      return malformed("AWQ1063", "is given twice");
    seen |= 1u << rule->number;
    if (rule->flags & Either) {
      if (either)
        return malformed("AWQ1063",
                         std::string("is given beside \"") + either + "\"");
      either = rule->name;
    }
    if (!field(*rule, current, depth)) {
      if (failure)
        return false;
      return fail(ErrorKind::Unsupported, "AWQ1062",
                  "the model would take far more memory than its file is "
                  "large",
                  current.start);
    }
  }
  if (!reader.problem().empty())
    return fail(ErrorKind::Malformed, "AWQ1060", reader.problem(),
                reader.position());
  return true;
}

Result<std::string> Outliner::outline(OnnxMessage kind, uint64_t begin,
                                      uint64_t end, std::string name,
                                      OnnxPartCounts *parts) {
  result.clear();
  what = std::move(name);
  counts = parts;
  spent = 0;
  if (!message(kind, begin, end, 1))
    return failure ? *failure
                   : spend(budget + 1, file.path() + ", " + what).error();
  if (Status status = spend(spent, file.path() + ", " + what); !status)
    return status.error();
  return std::move(result);
}
