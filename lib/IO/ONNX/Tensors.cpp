//===- Tensors.cpp - tensors of ONNX models -------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tensors.h"

#include "../Utf8.h"
#include "OnnxChecks.h"
#include "OnnxError.h"
#include "Schema.pb.h"
#include "TensorFields.h"
#include "Wire.h"

#include <algorithm>
#include <cstring>

using namespace awq;
using namespace awq::io;

// Elements are little-endian in the format, and are used where they lie.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "big-endian machines would have to swap bytes");

/// Where the elements of an inline tensor lie: all in one field, which a writer
/// may have cut into pieces.
struct TensorReader::Payload {
  uint64_t begin = 0, end = 0; ///< the tensor's message
  DataField field = DataField::None;
  /// Numbers, strings, or bytes of raw data.
  uint64_t count = 0;
  uint64_t bytes = 0; ///< of strings
  uint64_t pieces = 0;
  /// The contents of the last piece.
  uint64_t pieceBegin = 0;
};

/// Calls `use` with each varint of a field of the message at [begin, end) until
/// it returns false.
template <typename Use>
static bool forEachNumber(const MappedFile &file, uint64_t begin, uint64_t end,
                          uint32_t number, std::string &problem, Use use) {
  PageDropper pages(file);
  pages.passed(begin);
  WireReader reader(file.data(), begin, end);
  WireField field;
  while (reader.next(field)) {
    if (field.number != number)
      continue;
    if (field.type == WireType::Varint) {
      if (!use(field.value))
        return false;
      continue;
    }
    WireReader packed(file.data(), field.begin, field.end);
    uint64_t value;
    while (!packed.atEnd()) {
      if (!packed.nextVarint(value)) {
        problem = packed.problem();
        return false;
      }
      if (!use(value))
        return false;
      pages.passed(packed.position());
    }
  }
  return true;
}

/// How many varints end in a packed field; decoding finds whether they are
/// valid.
static uint64_t countVarints(const MappedFile &file, const WireField &packed) {
  PageDropper pages(file);
  constexpr uint64_t step = uint64_t(1) << 20;
  uint64_t count = 0;
  for (uint64_t at = packed.begin; at < packed.end; pages.passed(at)) {
    const uint8_t *from = file.data() + at;
    at += std::min(step, packed.end - at);
    const uint8_t *to = file.data() + at;
    count += std::count_if(from, to, [](uint8_t byte) { return byte < 0x80; });
  }
  return count;
}

/// Copies file[begin, end), and returns where the copy ends.
static uint8_t *copyOut(const MappedFile &file, uint64_t begin, uint64_t end,
                        uint8_t *to) {
  constexpr uint64_t step = uint64_t(1) << 20;
  for (uint64_t count; begin < end; begin += count, to += count) {
    count = std::min(step, end - begin);
    std::memcpy(to, file.data() + begin, count);
    file.release(file.data() + begin, count);
  }
  return to;
}

Result<TensorReader::Payload>
TensorReader::findPayload(const onnx::TensorProto &proto,
                          const std::string &where) {
  Payload payload;
  payload.begin = proto.place_begin();
  payload.end = proto.place_end();
  auto malformed = [&](const char *code, const std::string &text) {
    return malformedOnnx(code, text, where);
  };
  WireReader reader(file.data(), payload.begin, payload.end);
  WireField current;
  while (reader.next(current)) {
    DataField field = dataField(current.number);
    uint64_t size = current.end - current.begin;
    if (field == DataField::None)
      continue;
    bool lone = current.type == loneType(field);
    if (!lone && current.type != WireType::Bytes)
      return malformed("AWQ1060", std::string("the field \"") + nameOf(field) +
                                      "\" is written as " + name(current.type));
    if (size == 0 && field != DataField::StringData)
      continue;
    if (payload.field != DataField::None && payload.field != field)
      return malformed("AWQ1084", std::string("the tensor has its data twice, "
                                              "in ") +
                                      nameOf(payload.field) + " and in " +
                                      nameOf(field));
    payload.field = field;
    payload.pieceBegin = current.begin;
    ++payload.pieces;
    uint64_t width = widthOf(field);
    if (width && size % width != 0)
      return malformed("AWQ1060", std::string("the numbers in ") +
                                      nameOf(field) + " are not " +
                                      std::to_string(width) + " bytes each");
    payload.bytes += size;
    payload.count += width                         ? size / width
                     : field == DataField::RawData ? size
                     : lone ? 1
                            : countVarints(file, current);
  }
  return payload;
}

void TensorReader::useFile(OnnxTensor &tensor, uint64_t begin) {
  tensor.data = file.data() + begin;
  if (tensor.bytes < placeBytes)
    return;
  tensor.file = file.path();
  tensor.offset = begin;
}

/// Varints become elements of their width.
Status TensorReader::decodeVarints(const Payload &payload,
                                   const OnnxTensor &tensor, uint8_t *to,
                                   const std::string &where) {
  uint64_t width = tensor.bytes / payload.count, left = payload.count;
  auto [low, high] = rangeOf(tensor.type);
  bool narrow = payload.field == DataField::Int32Data;
  uint64_t top = tensor.type == OnnxType::U32 ? UINT32_MAX : UINT64_MAX;
  std::string problem, wrong;
  auto store = [&, low = low, high = high](uint64_t value) {
    auto number = static_cast<int32_t>(value);
    if (narrow ? number < low || number > high : value > top) {
      wrong = narrow ? std::to_string(number) : std::to_string(value);
      return false;
    }
    if (left-- == 0)
      return false; // cannot be: as many as were counted
    std::memcpy(to, &value, width);
    to += width;
    return true;
  };
  if (forEachNumber(file, payload.begin, payload.end, uint32_t(payload.field),
                    problem, store))
    return {};
  if (wrong.empty())
    return malformedOnnx(
        "AWQ1060", std::string(nameOf(payload.field)) + ": " + problem, where);
  return malformedOnnx(
      "AWQ1085", "the number " + wrong + " is no " + name(tensor.type), where);
}

/// Numbers of a typed field become elements as raw data have them.
Status TensorReader::decode(const Payload &payload, OnnxTensor &tensor,
                            const std::string &where) {
  // A number of 1 byte there may have 8 here.
  if (Status status = outliner.spend(tensor.bytes, where); !status)
    return status;
  std::vector<uint8_t> bytes(tensor.bytes);
  if (widthOf(payload.field) == 0) {
    if (Status status = decodeVarints(payload, tensor, bytes.data(), where);
        !status)
      return status;
  } else {
    uint8_t *to = bytes.data();
    WireReader reader(file.data(), payload.begin, payload.end);
    WireField field;
    while (reader.next(field))
      if (field.number == uint32_t(payload.field))
        to = copyOut(file, field.begin, field.end, to);
  }
  owned.push_back(std::move(bytes));
  tensor.data = owned.back().data();
  return {};
}

Status TensorReader::readInline(const Payload &payload, OnnxTensor &tensor,
                                const std::string &where) {
  auto malformed = [&](const char *code, const std::string &text) {
    return malformedOnnx(code, text, where);
  };
  bool raw = payload.field == DataField::RawData;
  if (payload.field != DataField::None && !raw &&
      payload.field != fieldOf(tensor.type))
    return malformed("AWQ1084", "the data of a " + name(tensor.type) +
                                    " tensor are in " + nameOf(payload.field) +
                                    ", not in " + nameOf(fieldOf(tensor.type)));
  if (payload.field == DataField::None && tensor.bytes != 0)
    return malformed("AWQ1083", "the tensor has no data, but shape " +
                                    shapeText(tensor.shape) + " of " +
                                    name(tensor.type) + " needs " +
                                    std::to_string(tensor.bytes) + " bytes");
  if (payload.field == DataField::None)
    return {};
  uint64_t width = widthOf(payload.field);
  uint64_t unit = raw                         ? 1
                  : width                     ? width
                  : bitWidth(tensor.type) < 8 ? 1
                                              : bitWidth(tensor.type) / 8;
  if (payload.count != tensor.bytes / unit)
    return malformed("AWQ1083", "shape " + shapeText(tensor.shape) + " of " +
                                    name(tensor.type) + " needs " +
                                    std::to_string(tensor.bytes / unit) +
                                    (raw ? " bytes" : " numbers") + ", but " +
                                    nameOf(payload.field) + " has " +
                                    std::to_string(payload.count));
  if (tensor.bytes == 0)
    return {};
  bool single = payload.pieces == 1 && (raw || width);
  if (!single)
    return decode(payload, tensor, where);
  useFile(tensor, payload.pieceBegin);
  return {};
}

Status TensorReader::readStrings(const Payload &payload, OnnxTensor &tensor,
                                 const std::string &where) {
  auto elements = static_cast<uint64_t>(tensor.elementCount());
  if (payload.field != DataField::None &&
      payload.field != DataField::StringData)
    return malformedOnnx("AWQ1084",
                         std::string("the data of a STRING tensor are in ") +
                             nameOf(payload.field) + ", not in string_data",
                         where);
  if (payload.count != elements)
    return malformedOnnx("AWQ1083",
                         "shape " + shapeText(tensor.shape) + " needs " +
                             std::to_string(elements) + " strings, but there " +
                             "are " + std::to_string(payload.count),
                         where);
  if (Status status =
          outliner.spend(elements * sizeof(std::string) + payload.bytes, where);
      !status)
    return status;
  tensor.strings.reserve(elements);
  WireReader reader(file.data(), payload.begin, payload.end);
  WireField field;
  while (reader.next(field))
    if (field.number == uint32_t(DataField::StringData))
      tensor.strings.emplace_back(reinterpret_cast<const char *>(file.data()) +
                                      field.begin,
                                  field.end - field.begin);
  return {};
}

Status TensorReader::readExternal(const onnx::TensorProto &proto,
                                  OnnxTensor &tensor,
                                  const std::string &where) {
  if (tensor.type == OnnxType::String)
    return malformedOnnx("AWQ1084", "strings cannot be external data", where);
  std::vector<std::pair<std::string, std::string>> keys;
  for (const onnx::EntryProto &entry : proto.external_data())
    keys.emplace_back(entry.key(), entry.value());
  Result<ExternalPlace> place = readExternalPlace(keys, where);
  if (!place)
    return place.error();
  Result<ExternalFiles::Bytes> bytes =
      external.find(*place, tensor.bytes, where);
  if (!bytes)
    return bytes.error();
  tensor.data = bytes->data;
  if (!tensor.bytes)
    return {};
  tensor.file = bytes->file;
  tensor.offset = place->offset;
  return {};
}

/// Type, shape and size.
static Status readHead(const onnx::TensorProto &proto, OnnxTensor &tensor,
                       const std::string &where) {
  tensor.name = proto.name();
  if (Status status = checkName(tensor.name, "a tensor's name", where); !status)
    return status;
  if (proto.has_segment())
    return Error{ErrorKind::Unsupported, "AWQ1079",
                 "the tensor is one segment of a larger one", where,
                 "export the model with whole tensors"};
  tensor.type = static_cast<OnnxType>(proto.data_type());
  if (Status status = checkElementType(proto.data_type(), where); !status)
    return status;
  tensor.shape.assign(proto.dims().begin(), proto.dims().end());
  if (Status status = checkRank(tensor.shape.size(), where); !status)
    return status;
  uint64_t bits = tensor.type == OnnxType::String
                      ? 8 * sizeof(std::string)
                      : uint64_t(bitWidth(tensor.type));
  bool empty = false, overflow = false;
  for (int64_t size : tensor.shape) {
    if (size < 0)
      return malformedOnnx("AWQ1081",
                           "the shape " + shapeText(tensor.shape) +
                               " has a negative dimension",
                           where);
    empty |= size == 0;
    overflow |= !empty && __builtin_mul_overflow(bits, uint64_t(size), &bits);
  }
  if (!empty && (overflow || bits > uint64_t(INT64_MAX)))
    return malformedOnnx("AWQ1081",
                         "the shape " + shapeText(tensor.shape) + " of " +
                             name(tensor.type) + " overflows",
                         where);
  tensor.bytes = empty || tensor.type == OnnxType::String ? 0 : (bits + 7) / 8;
  return {};
}

Result<OnnxTensor> TensorReader::read(const onnx::TensorProto &proto,
                                      const std::string &where) {
  OnnxTensor tensor;
  if (Status status = readHead(proto, tensor, where); !status)
    return status.error();
  Result<Payload> payload = findPayload(proto, where);
  if (!payload)
    return payload.error();
  constexpr int inlineData = 0, externalData = 1;
  int location = proto.data_location();
  if (location != inlineData && location != externalData)
    return malformedOnnx(
        "AWQ1084", "there is no data location " + std::to_string(location),
        where);
  bool elsewhere = location == externalData;
  if (elsewhere ? payload->field != DataField::None
                : proto.external_data_size() != 0)
    return malformedOnnx("AWQ1084",
                         elsewhere ? "the tensor has its data twice, external "
                                     "and in " +
                                         std::string(nameOf(payload->field))
                                   : "the tensor has external data, but its "
                                     "data location says that it has none",
                         where);
  Status status = elsewhere ? readExternal(proto, tensor, where)
                  : tensor.type == OnnxType::String
                      ? readStrings(*payload, tensor, where)
                      : readInline(*payload, tensor, where);
  if (!status)
    return status.error();
  return tensor;
}
