//===- SafetensorsHeader.cpp - the header of a safetensors file -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SafetensorsHeader.h"

#include "Utf8.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <tuple>
#include <unordered_set>

using namespace awq;
using namespace awq::io;
using nlohmann::json;

static constexpr const char *fetchAgain =
    "the file is damaged or was written by a faulty tool; fetch or save it "
    "again";

static Error malformed(std::string code, std::string message,
                       std::string where) {
  return {ErrorKind::Malformed, std::move(code), std::move(message),
          std::move(where), fetchAgain};
}

namespace {

/// Follows the parser's events through the few shapes that a header may have.
/// Events, not a document: only there is a repeated key visible, and a header
/// of 100 MB needs no second copy.
class HeaderReader : public nlohmann::json_sax<json> {
public:
  explicit HeaderReader(const std::string &path) : path(path) {}

  SafetensorsHeader take() { return std::move(header); }
  Error takeError() {
    return failure ? std::move(*failure)
                   : malformed("AWQ1015", "the header is not valid JSON", path);
  }

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a boolean"); }
  // The parser calls this for every number with a minus sign, "-0" included.
  bool number_integer(int64_t value) override {
    return scalar("the negative number " + std::to_string(value));
  }
  bool number_unsigned(uint64_t value) override;
  bool number_float(double, const std::string &text) override {
    return scalar("the number " + printable(text));
  }
  bool string(std::string &value) override;
  bool binary(json::binary_t &) override { return false; }
  bool start_object(size_t) override;
  bool start_array(size_t) override;
  bool end_object() override;
  bool end_array() override;
  bool key(std::string &name) override;
  bool parse_error(size_t position, const std::string &,
                   const nlohmann::detail::exception &) override;

private:
  /// What the value at hand belongs to.
  enum class State { Start, Top, Tensor, Shape, Offsets, Metadata, Skip };
  static constexpr int maxDepth = 32;

  bool fail(std::string code, std::string message) {
    failure = malformed(std::move(code), std::move(message), place());
    return false;
  }
  /// "path, tensor "name"" as far as it is known.
  std::string place() const;
  bool scalar(const std::string &found);
  bool container(const std::string &found);
  bool finishTensor();

  const std::string &path;
  SafetensorsHeader header;
  std::optional<Error> failure;
  State state = State::Start;
  int skipDepth = 0; ///< containers inside an unknown field
  std::unordered_set<std::string> names;
  HeaderEntry entry; ///< the tensor being read
  std::string field; ///< the key of `entry` (or metadata) being read
  std::unordered_set<std::string> fields; ///< the keys seen in `entry`
  std::vector<uint64_t> offsets;
};

} // namespace

std::string HeaderReader::place() const {
  switch (state) {
  case State::Start:
    return path;
  case State::Metadata:
    return path + ", \"__metadata__\"";
  default:
    return path + ", tensor " + printable(entry.name);
  }
}

/// A scalar that is not a string and not an unsigned number.
bool HeaderReader::scalar(const std::string &found) {
  switch (state) {
  case State::Start:
    return fail("AWQ1014", "the header is not a JSON object");
  case State::Top:
    return fail("AWQ1017", "the entry is not an object but " + found);
  case State::Metadata:
    return fail("AWQ1017", "the value of " + printable(field) +
                               " is not a string but " + found);
  case State::Shape:
    return fail("AWQ1019",
                "a dimension is not a non-negative integer but " + found);
  case State::Offsets:
    return fail("AWQ1017",
                "a data offset is not a non-negative integer but " + found);
  case State::Tensor:
    if (field == "dtype" || field == "shape" || field == "data_offsets")
      return fail("AWQ1017", "the field " + printable(field) + " is " + found);
    return true; // an unknown field: ignored, as the reference does
  case State::Skip:
    return true;
  }
  return false;
}

bool HeaderReader::number_unsigned(uint64_t value) {
  if (state == State::Shape) {
    if (value > uint64_t(std::numeric_limits<int64_t>::max()))
      return fail("AWQ1019", "the dimension " + std::to_string(value) +
                                 " does not fit in 63 bits");
    entry.shape.push_back(static_cast<int64_t>(value));
    return true;
  }
  if (state == State::Offsets) {
    if (offsets.size() == 2)
      return fail("AWQ1017", "\"data_offsets\" has more than two numbers");
    offsets.push_back(value);
    return true;
  }
  return scalar("the number " + std::to_string(value));
}

bool HeaderReader::string(std::string &value) {
  if (state == State::Metadata) {
    header.metadata[field] = std::move(value);
    return true;
  }
  if (state == State::Tensor && field == "dtype") {
    std::optional<DType> dtype = parseDType(value);
    if (!dtype)
      return fail("AWQ1018", "unknown element type " + printable(value));
    entry.dtype = *dtype;
    return true;
  }
  return scalar("the text " + printable(value));
}

/// A container where none is expected, or one inside an unknown field.
bool HeaderReader::container(const std::string &found) {
  bool unknownField = state == State::Tensor && field != "dtype" &&
                      field != "shape" && field != "data_offsets";
  if (!unknownField && state != State::Skip)
    return scalar(found);
  state = State::Skip;
  if (++skipDepth <= maxDepth - 2)
    return true;
  return fail("AWQ1015", "the header is nested more than " +
                             std::to_string(maxDepth) + " deep");
}

bool HeaderReader::start_object(size_t) {
  if (state == State::Start) {
    state = State::Top;
    return true;
  }
  if (state == State::Top) {
    state = entry.name == "__metadata__" ? State::Metadata : State::Tensor;
    fields.clear();
    offsets.clear();
    return true;
  }
  return container("an object");
}

bool HeaderReader::start_array(size_t) {
  if (state == State::Tensor && field == "shape") {
    state = State::Shape;
    return true;
  }
  if (state == State::Tensor && field == "data_offsets") {
    state = State::Offsets;
    return true;
  }
  return container("an array");
}

bool HeaderReader::end_object() {
  switch (state) {
  case State::Skip:
    if (--skipDepth == 0)
      state = State::Tensor;
    return true;
  case State::Tensor:
    return finishTensor();
  case State::Metadata:
    state = State::Top;
    return true;
  default:
    return true; // the end of the header
  }
}

bool HeaderReader::end_array() {
  if (state == State::Skip) {
    if (--skipDepth == 0)
      state = State::Tensor;
    return true;
  }
  if (state == State::Offsets && offsets.size() != 2)
    return fail("AWQ1017", "\"data_offsets\" has fewer than two numbers");
  state = State::Tensor;
  return true;
}

bool HeaderReader::key(std::string &name) {
  switch (state) {
  case State::Top:
    entry = HeaderEntry();
    entry.name = name;
    if (!names.insert(name).second)
      return fail("AWQ1016", "the header names this entry twice");
    return true;
  case State::Tensor:
  case State::Metadata:
    field = name;
    if (!fields.insert(name).second)
      return fail("AWQ1016",
                  "the field " + printable(name) + " is given twice");
    return true;
  default:
    return true; // inside an unknown field
  }
}

bool HeaderReader::finishTensor() {
  for (const char *needed : {"dtype", "shape", "data_offsets"})
    if (fields.count(needed) == 0)
      return fail("AWQ1017", "the field " + printable(needed) + " is missing");
  entry.begin = offsets[0];
  entry.end = offsets[1];
  header.entries.push_back(std::move(entry));
  state = State::Top;
  return true;
}

bool HeaderReader::parse_error(size_t position, const std::string &,
                               const nlohmann::detail::exception &) {
  failure =
      malformed("AWQ1015", "the header is not valid JSON",
                path + ", byte " + std::to_string(lengthBytes + position));
  return false;
}

Result<SafetensorsHeader> io::parseHeader(std::string_view text,
                                          const std::string &path) {
  if (text.substr(0, 1) != "{")
    return malformed("AWQ1014", "the header does not begin with \"{\"",
                     path + ", byte 8");
  // The parser would take a NUL for the end of the text.
  size_t invalid = std::min(findInvalidUtf8(text), text.find('\0'));
  if (invalid != std::string_view::npos)
    return malformed("AWQ1014", "the header is not UTF-8 text",
                     path + ", byte " + std::to_string(lengthBytes + invalid));
  HeaderReader reader(path);
  if (!json::sax_parse(text.begin(), text.end(), &reader))
    return reader.takeError();
  return reader.take();
}

std::optional<uint64_t> io::tensorBytes(DType dtype,
                                        const std::vector<int64_t> &shape) {
  uint64_t bits = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bits, uint64_t(size), &bits))
      return std::nullopt;
  if (__builtin_mul_overflow(bits, uint64_t(bitWidth(dtype)), &bits) ||
      bits % 8 != 0)
    return std::nullopt;
  return bits / 8;
}

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

/// Checks one entry whose bytes must begin at `expected`.
static Status checkEntry(const HeaderEntry &entry, uint64_t expected,
                         uint64_t dataBytes, const std::string &path) {
  std::string where = path + ", tensor " + printable(entry.name);
  std::string range =
      std::to_string(entry.begin) + " to " + std::to_string(entry.end);
  if (entry.end < entry.begin)
    return malformed("AWQ1021", "the data offsets run backwards: " + range,
                     where);
  if (entry.begin != expected)
    return malformed("AWQ1021",
                     "the data offsets " + range +
                         (entry.begin < expected ? " overlap the tensor before"
                                                 : " leave a hole before it") +
                         " (expected to begin at " + std::to_string(expected) +
                         ")",
                     where);
  std::optional<uint64_t> bytes = tensorBytes(entry.dtype, entry.shape);
  if (!bytes)
    return malformed("AWQ1019",
                     "the shape " + shapeText(entry.shape) + " of " +
                         std::string(name(entry.dtype)) +
                         " overflows or does not fill whole bytes",
                     where);
  if (*bytes != entry.end - entry.begin)
    return malformed("AWQ1020",
                     "the data offsets " + range + " hold " +
                         std::to_string(entry.end - entry.begin) +
                         " bytes, but shape " + shapeText(entry.shape) +
                         " of " + std::string(name(entry.dtype)) + " needs " +
                         std::to_string(*bytes),
                     where);
  if (entry.end > dataBytes)
    return malformed("AWQ1022",
                     "the file ends inside this tensor: its data end at " +
                         std::to_string(entry.end) + ", the file's at " +
                         std::to_string(dataBytes),
                     where);
  return {};
}

Status io::checkLayout(SafetensorsHeader &header, uint64_t dataBytes,
                       const std::string &path) {
  std::sort(header.entries.begin(), header.entries.end(),
            [](const HeaderEntry &a, const HeaderEntry &b) {
              return std::tie(a.begin, a.end, a.name) <
                     std::tie(b.begin, b.end, b.name);
            });
  uint64_t expected = 0;
  for (const HeaderEntry &entry : header.entries) {
    if (Status status = checkEntry(entry, expected, dataBytes, path); !status)
      return status;
    expected = entry.end;
  }
  if (expected != dataBytes)
    return malformed("AWQ1022",
                     std::to_string(dataBytes - expected) +
                         " bytes follow the last tensor",
                     path + ", data byte " + std::to_string(expected));
  return {};
}
