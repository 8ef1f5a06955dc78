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
#include "Wire.h"

#include <cstring>
#include <limits>

using namespace awq;
using namespace awq::io;

// Elements are little-endian in the format, and are used where they lie.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "big-endian machines would have to swap bytes");

namespace {
/// The fields of TensorProto that hold elements.
enum DataField : uint32_t {
  None = 0,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11
};
} // namespace

/// Where the elements of an inline tensor lie: all in one field, which a writer
/// may have cut into pieces.
struct TensorReader::Payload {
  uint64_t begin = 0, end = 0; ///< the tensor's message
  DataField field = None;
  /// Numbers, strings, or bytes of raw data.
  uint64_t count = 0;
  uint64_t bytes = 0; ///< of strings
  uint64_t pieces = 0;
  /// The contents of the last piece.
  uint64_t pieceBegin = 0;
};

static const char *nameOf(DataField field) {
  switch (field) {
  case FloatData:
    return "float_data";
  case Int32Data:
    return "int32_data";
  case StringData:
    return "string_data";
  case Int64Data:
    return "int64_data";
  case RawData:
    return "raw_data";
  case DoubleData:
    return "double_data";
  case Uint64Data:
    return "uint64_data";
  case None:
    break;
  }
  return nullptr;
}

/// The field that elements of this type are in when they are not raw.
static DataField fieldOf(OnnxType type) {
  switch (type) {
  case OnnxType::F32:
  case OnnxType::C64:
    return FloatData;
  case OnnxType::F64:
  case OnnxType::C128:
    return DoubleData;
  case OnnxType::I64:
    return Int64Data;
  case OnnxType::U32:
  case OnnxType::U64:
    return Uint64Data;
  case OnnxType::String:
    return StringData;
  default:
    return Int32Data;
  }
}

/// Bytes of a number in this field; 0 for varints, strings and raw data.
static uint64_t widthOf(DataField field) {
  return field == FloatData ? 4 : field == DoubleData ? 8 : 0;
}

/// The wire type of one number that is written alone.
static WireType loneType(DataField field) {
  if (field == RawData || field == StringData)
    return WireType::Bytes;
  uint64_t width = widthOf(field);
  return width == 4   ? WireType::Fixed32
         : width == 8 ? WireType::Fixed64
                      : WireType::Varint;
}

static DataField dataField(uint32_t number) {
  auto field = static_cast<DataField>(number);
  return number < 16 && nameOf(field) ? field : None;
}

/// The range that a number in int32_data must be in; none for INT32 itself,
/// since protobuf's own parser keeps the low 32 bits of any number.
static std::pair<int64_t, int64_t> rangeOf(OnnxType type) {
  switch (type) {
  case OnnxType::Bool:
    return {0, 1};
  case OnnxType::U8:
    return {0, 255};
  case OnnxType::I8:
    return {-128, 127};
  case OnnxType::I16:
    return {-32768, 32767};
  case OnnxType::U16:
  case OnnxType::F16:
  case OnnxType::BF16:
    return {0, 65535};
  case OnnxType::I32:
    return {INT32_MIN, INT32_MAX};
  default:
    // A byte, of an 8-bit float or of several packed elements. Some writers
    // extend its sign.
    return {-128, 255};
  }
}

/// Calls `use` with each varint of the payload until it returns false.
template <typename Use>
static bool forEachNumber(const uint8_t *file, uint64_t begin, uint64_t end,
                          uint32_t number, std::string &problem, Use use) {
  WireReader reader(file, begin, end);
  WireField field;
  while (reader.next(field)) {
    if (field.number != number)
      continue;
    if (field.type == WireType::Varint) {
      if (!use(field.value))
        return false;
      continue;
    }
    WireReader packed(file, field.begin, field.end);
    uint64_t value;
    while (packed.nextVarint(value)) {
      if (!use(value))
        return false;
      if (packed.atEnd())
        break;
    }
    problem = packed.problem();
    if (!problem.empty())
      return false;
  }
  return true;
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
    if (field == None)
      continue;
    bool lone = current.type == loneType(field);
    if (!lone && current.type != WireType::Bytes)
      return malformed("AWQ1060", std::string("the field \"") + nameOf(field) +
                                      "\" is written as " + name(current.type));
    if (size == 0 && field != StringData)
      continue;
    if (payload.field != None && payload.field != field)
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
    payload.count += width ? size / width : field == RawData ? size : 1;
  }
  if (payload.field != Int32Data && payload.field != Int64Data &&
      payload.field != Uint64Data)
    return payload;
  payload.count = 0;
  std::string problem;
  if (!forEachNumber(file.data(), payload.begin, payload.end, payload.field,
                     problem, [&](uint64_t) { return ++payload.count; }))
    return malformed("AWQ1060", problem);
  return payload;
}

void TensorReader::useFile(OnnxTensor &tensor, uint64_t begin) {
  tensor.data = file.data() + begin;
  if (tensor.bytes < placeBytes)
    return;
  tensor.file = file.path();
  tensor.offset = begin;
}

/// Numbers of a typed field become elements as raw data have them.
Status TensorReader::decode(const Payload &payload, OnnxTensor &tensor,
                            const std::string &where) {
  // A number of 1 byte there may have 8 here.
  if (Status status = outliner.spend(tensor.bytes, where); !status)
    return status;
  std::vector<uint8_t> bytes(tensor.bytes);
  uint64_t width = tensor.bytes / payload.count;
  uint8_t *to = bytes.data();
  if (widthOf(payload.field)) {
    WireReader reader(file.data(), payload.begin, payload.end);
    WireField field;
    while (reader.next(field))
      if (field.number == payload.field) {
        std::memcpy(to, file.data() + field.begin, field.end - field.begin);
        to += field.end - field.begin;
      }
  } else {
    auto [low, high] = rangeOf(tensor.type);
    bool narrow = payload.field == Int32Data;
    uint64_t top = tensor.type == OnnxType::U32 ? UINT32_MAX : UINT64_MAX;
    uint64_t wrong = 0;
    std::string problem;
    auto store = [&, low = low, high = high](uint64_t value) {
      auto number = static_cast<int32_t>(value);
      if (narrow ? number < low || number > high : value > top) {
        wrong = narrow ? static_cast<uint64_t>(int64_t(number)) : value;
        return false;
      }
      std::memcpy(to, &value, width);
      to += width;
      return true;
    };
    if (!forEachNumber(file.data(), payload.begin, payload.end, payload.field,
                       problem, store))
      return malformedOnnx("AWQ1085",
                           "the number " +
                               (narrow ? std::to_string(int64_t(wrong))
                                       : std::to_string(wrong)) +
                               " is no " + name(tensor.type),
                           where);
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
  bool raw = payload.field == RawData;
  if (payload.field != None && !raw && payload.field != fieldOf(tensor.type))
    return malformed("AWQ1084", "the data of a " + name(tensor.type) +
                                    " tensor are in " + nameOf(payload.field) +
                                    ", not in " + nameOf(fieldOf(tensor.type)));
  if (payload.field == None && tensor.bytes != 0)
    return malformed("AWQ1083", "the tensor has no data, but shape " +
                                    shapeText(tensor.shape) + " of " +
                                    name(tensor.type) + " needs " +
                                    std::to_string(tensor.bytes) + " bytes");
  if (payload.field == None)
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
  if (payload.field != None && payload.field != StringData)
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
    if (field.number == StringData)
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
  if (elsewhere ? payload->field != None : proto.external_data_size() != 0)
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
