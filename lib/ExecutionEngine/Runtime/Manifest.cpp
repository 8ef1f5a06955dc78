//===- Manifest.cpp - reading manifest.json --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/Runtime/Manifest.h"

#include "BundleRules.h"
#include "awq/IO/Json.h"

#include <algorithm>
#include <optional>
#include <set>

using namespace awq;
using namespace awq::runtime;
using nlohmann::json;

/// Sizes beyond these are damage, not models; products of a few of them still
/// fit 64 bits.
static constexpr int64_t largestSize = int64_t(1) << 31;
static constexpr int64_t mostLayers = 1 << 16;

static constexpr const char *remedy =
    "the manifest is damaged or was edited: compile the model again, or copy "
    "the bundle again";

std::string_view awq::runtime::name(Role role) {
  switch (role) {
  case Role::Tokens:
    return "tokens";
  case Role::Position:
    return "position";
  case Role::KCache:
    return "k_cache";
  case Role::VCache:
    return "v_cache";
  case Role::Parameter:
    return "parameter";
  case Role::HiddenOut:
    return "hidden_out";
  case Role::Hidden:
    return "hidden";
  case Role::LogitsOut:
    return "logits_out";
  }
  return "";
}

static std::optional<Role> parseRole(std::string_view spelling) {
  for (Role role :
       {Role::Tokens, Role::Position, Role::KCache, Role::VCache,
        Role::Parameter, Role::HiddenOut, Role::Hidden, Role::LogitsOut})
    if (name(role) == spelling)
      return role;
  return std::nullopt;
}

/// The types of the IR that a buffer can have; "index" is a 64-bit integer in
/// compiled code.
static std::optional<io::DType> parseElementType(std::string_view spelling) {
  static constexpr std::pair<std::string_view, io::DType> types[] = {
      {"f16", io::DType::F16},  {"bf16", io::DType::BF16},
      {"f32", io::DType::F32},  {"f64", io::DType::F64},
      {"i8", io::DType::I8},    {"i16", io::DType::I16},
      {"i32", io::DType::I32},  {"i64", io::DType::I64},
      {"index", io::DType::I64}};
  for (const auto &[text, type] : types)
    if (text == spelling)
      return type;
  return std::nullopt;
}

const Argument *Entry::find(Role role) const {
  for (const Argument &argument : arguments)
    if (argument.role == role)
      return &argument;
  return nullptr;
}

namespace {

/// Walks the JSON of one manifest. The first failure is kept and every later
/// read yields an empty value, so that callers check once per record.
class Reader {
public:
  explicit Reader(std::string path) : path(std::move(path)) {}

  bool failed() const { return failure.has_value(); }
  Error takeError() { return std::move(*failure); }

  void fail(const std::string &field, const std::string &message,
            const char *code = "AWQ1401", ErrorKind kind = ErrorKind::Malformed,
            const std::string &help = remedy) {
    if (!failure)
      failure = Error{kind, code, message, path + ": " + field, help};
  }

  /// The member `key` of `object`, or null after recording that it is absent.
  const json *member(const json &object, const std::string &field,
                     const char *key) {
    if (failed())
      return nullptr;
    if (!object.is_object()) {
      fail(field,
           "expected an object, found " + std::string(object.type_name()));
      return nullptr;
    }
    auto found = object.find(key);
    if (found == object.end()) {
      fail(field, std::string("the field '") + key + "' is missing");
      return nullptr;
    }
    return &*found;
  }

  std::string text(const json &object, const std::string &field,
                   const char *key) {
    const json *value = member(object, field, key);
    if (!value)
      return {};
    if (!value->is_string()) {
      wrongType(field, key, "a string", *value);
      return {};
    }
    return value->get<std::string>();
  }

  /// An integer in [low, high].
  int64_t integer(const json &object, const std::string &field, const char *key,
                  int64_t low, int64_t high) {
    const json *value = member(object, field, key);
    if (!value)
      return low;
    return integerValue(*value, join(field, key), low, high);
  }

  int64_t integerValue(const json &value, const std::string &field, int64_t low,
                       int64_t high) {
    if (!value.is_number_integer()) {
      fail(field,
           "expected an integer, found " + std::string(value.type_name()));
      return low;
    }
    // A number beyond int64_t is stored unsigned; get<int64_t> would wrap.
    bool tooLarge = value.is_number_unsigned() &&
                    value.get<uint64_t>() > static_cast<uint64_t>(high);
    int64_t number = tooLarge ? high : value.get<int64_t>();
    if (tooLarge || number < low || number > high) {
      fail(field, value.dump() + " is not between " + std::to_string(low) +
                      " and " + std::to_string(high));
      return low;
    }
    return number;
  }

  const json *array(const json &object, const std::string &field,
                    const char *key) {
    const json *value = member(object, field, key);
    if (value && !value->is_array()) {
      wrongType(field, key, "an array", *value);
      return nullptr;
    }
    return value;
  }

  const json *object(const json &parent, const char *key) {
    const json *value = member(parent, "top level", key);
    if (value && !value->is_object()) {
      wrongType("top level", key, "an object", *value);
      return nullptr;
    }
    return value;
  }

private:
  static std::string join(const std::string &field, const char *key) {
    return field + "." + key;
  }
  void wrongType(const std::string &field, const char *key, const char *wanted,
                 const json &found) {
    fail(join(field, key),
         std::string("expected ") + wanted + ", found " + found.type_name());
  }

  std::string path;
  std::optional<Error> failure;
};

} // namespace

static std::string indexed(const std::string &field, size_t index) {
  return field + "[" + std::to_string(index) + "]";
}

/// The two fields that say whether the rest can be understood at all.
static void readFormat(Reader &reader, const json &root,
                       std::string &toolVersion) {
  const json *format = reader.member(root, "top level", "format");
  if (!format)
    return;
  if (!format->is_string() || format->get<std::string>() != "awq-bundle")
    return reader.fail("format",
                       "not the manifest of a bundle: format is " +
                           format->dump() + ", not \"awq-bundle\"",
                       "AWQ1403", ErrorKind::Unsupported,
                       "name a folder that 'awq-mlir compile' wrote");
  int64_t version = reader.integer(root, "top level", "version", 1, INT32_MAX);
  if (reader.failed())
    return;
  if (const json *tool = reader.object(root, "tool"))
    toolVersion = reader.text(*tool, "tool", "version");
  if (version > manifestVersion)
    reader.fail("version",
                "the bundle has format version " + std::to_string(version) +
                    ", and this runtime reads versions up to " +
                    std::to_string(manifestVersion),
                "AWQ1403", ErrorKind::Unsupported,
                "run it with awq-mlir " +
                    (toolVersion.empty() ? "of a newer release" : toolVersion) +
                    " or newer, or compile the model again with this one");
}

static ModelFacts readModel(Reader &reader, const json &root) {
  ModelFacts facts;
  const json *model = reader.object(root, "model");
  if (!model)
    return facts;
  auto size = [&](const char *key, int64_t high = largestSize) {
    return reader.integer(*model, "model", key, 1, high);
  };
  facts.name = reader.text(*model, "model", "name");
  facts.architecture = reader.text(*model, "model", "architecture");
  facts.vocabSize = size("vocab_size");
  facts.hiddenSize = size("hidden_size");
  facts.layers = size("layers", mostLayers);
  facts.kvHeads = size("kv_heads");
  facts.headDim = size("head_dim");
  facts.maxPosition = size("max_position");
  facts.valueHeadDim = model->contains("value_head_dim")
                           ? size("value_head_dim")
                           : facts.headDim;
  return facts;
}

static Target readTarget(Reader &reader, const json &root) {
  Target target;
  const json *object = reader.object(root, "target");
  if (!object)
    return target;
  target.kind = reader.text(*object, "target", "kind");
  if (!reader.failed() && target.kind != "cpu") {
    reader.fail("target.kind",
                "the bundle is compiled for '" + target.kind +
                    "'; this runtime runs bundles compiled for 'cpu'",
                "AWQ1416", ErrorKind::Unsupported,
                "compile the model with --target cpu");
    return target;
  }
  target.triple = reader.text(*object, "target", "triple");
  target.cpu = reader.text(*object, "target", "cpu");
  const json *features = reader.array(*object, "target", "features");
  for (size_t i = 0; features && i < features->size(); ++i) {
    const json &feature = (*features)[i];
    if (!feature.is_string())
      reader.fail(indexed("target.features", i),
                  "expected a string, found " +
                      std::string(feature.type_name()));
    else
      target.features.push_back(feature.get<std::string>());
  }
  return target;
}

static bool isSha256(const std::string &text) {
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// A list of {"path", "size", "sha256"}.
static std::vector<FileRecord> readFiles(Reader &reader, const json &root,
                                         const char *key, bool mayBeAbsolute) {
  std::vector<FileRecord> records;
  std::set<std::string> seen;
  const json *list = reader.array(root, "top level", key);
  for (size_t i = 0; list && i < list->size() && !reader.failed(); ++i) {
    const json &item = (*list)[i];
    std::string field = indexed(key, i);
    FileRecord record;
    record.path = reader.text(item, field, "path");
    record.size = static_cast<uint64_t>(
        reader.integer(item, field, "size", 0, INT64_MAX));
    record.sha256 = reader.text(item, field, "sha256");
    if (reader.failed())
      break;
    bool absolute = !record.path.empty() && record.path.front() == '/';
    if (!(absolute && mayBeAbsolute))
      if (std::string problem = pathProblem(record.path); !problem.empty())
        reader.fail(field + ".path",
                    "the path '" + record.path + "' " + problem, "AWQ1404");
    if (!isSha256(record.sha256))
      reader.fail(field + ".sha256",
                  "expected 64 lower-case hexadecimal digits");
    if (!seen.insert(record.path).second)
      reader.fail(field + ".path", "'" + record.path + "' is listed twice");
    records.push_back(std::move(record));
  }
  return records;
}

static Argument readArgument(Reader &reader, const json &item,
                             const std::string &field) {
  Argument argument;
  std::string role = reader.text(item, field, "role");
  argument.name = reader.text(item, field, "name");
  std::string dtype = reader.text(item, field, "dtype");
  const json *shape = reader.array(item, field, "shape");
  if (reader.failed())
    return argument;

  if (auto known = parseRole(role))
    argument.role = *known;
  else
    reader.fail(field + ".role", "unknown role '" + role + "'");
  if (auto known = parseElementType(dtype))
    argument.dtype = *known;
  else
    reader.fail(field + ".dtype", "unknown element type '" + dtype + "'");

  if (shape->size() > 8)
    reader.fail(field + ".shape", "more than 8 dimensions");
  int64_t elements = 1;
  for (size_t i = 0; i < shape->size() && !reader.failed(); ++i) {
    int64_t low = i == 0 ? -1 : 0;
    int64_t size = reader.integerValue(
        (*shape)[i], indexed(field + ".shape", i), low, largestSize);
    argument.shape.push_back(size);
    // 2^59 elements of 8 bytes still fit a signed 64-bit byte count.
    if (size > 0 && (__builtin_mul_overflow(elements, size, &elements) ||
                     elements > (int64_t(1) << 59)))
      reader.fail(field + ".shape", "the number of elements overflows");
  }
  if (argument.role == Role::KCache || argument.role == Role::VCache)
    argument.layer = reader.integer(item, field, "layer", 0, mostLayers);
  return argument;
}

static std::map<std::string, Entry> readEntries(Reader &reader,
                                                const json &root) {
  std::map<std::string, Entry> entries;
  const json *object = reader.object(root, "entries");
  if (!object)
    return entries;
  for (auto item = object->begin(); item != object->end(); ++item) {
    std::string field = "entries." + item.key();
    Entry entry;
    entry.symbol = reader.text(item.value(), field, "symbol");
    const json *arguments = reader.array(item.value(), field, "arguments");
    for (size_t i = 0; arguments && i < arguments->size(); ++i) {
      if (reader.failed())
        return entries;
      entry.arguments.push_back(readArgument(reader, (*arguments)[i],
                                             indexed(field + ".arguments", i)));
    }
    entries.emplace(item.key(), std::move(entry));
  }
  return entries;
}

Result<Manifest> awq::runtime::parseManifest(std::string_view text,
                                             const std::string &path) {
  auto root = io::parseJson(text, path);
  if (!root) {
    const Error &inner = root.error();
    return Error{ErrorKind::Malformed, "AWQ1401",
                 "the manifest is not valid JSON: " + inner.message + " (" +
                     inner.code + ")",
                 inner.where, remedy};
  }
  Reader reader(path);
  Manifest manifest;
  readFormat(reader, *root, manifest.toolVersion);
  if (!reader.failed())
    manifest.target = readTarget(reader, *root);
  if (!reader.failed())
    manifest.model = readModel(reader, *root);
  if (!reader.failed())
    manifest.files = readFiles(reader, *root, "files", false);
  if (!reader.failed())
    manifest.parameters = readFiles(reader, *root, "parameters", true);
  if (!reader.failed())
    manifest.entries = readEntries(reader, *root);
  if (reader.failed())
    return reader.takeError();
  if (Status status = checkManifest(manifest, path); !status)
    return status.error();
  return manifest;
}
