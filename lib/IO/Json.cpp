//===- Json.cpp - strict JSON files ---------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Json.h"

#include "Utf8.h"
#include "awq/IO/FileError.h"
#include "awq/IO/MappedFile.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

using namespace awq;
using namespace awq::io;
using nlohmann::json;

namespace {

/// Builds the document from the parser's events, because nlohmann's own
/// builder lets a repeated key overwrite the first one silently.
class Builder : public nlohmann::json_sax<json> {
public:
  Builder(std::string_view text, std::string_view where, int maxDepth)
      : text(text), where(where), maxDepth(maxDepth) {}

  json take() { return std::move(root); }
  Error takeError() {
    return failure ? std::move(*failure)
                   : error("AWQ1050", "the text is not valid JSON", "");
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(int64_t value) override { return add(value); }
  bool number_unsigned(uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string &) override {
    return add(value);
  }
  bool string(std::string &value) override { return add(std::move(value)); }
  bool binary(json::binary_t &) override { return false; }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string &name) override;
  bool parse_error(size_t position, const std::string &,
                   const nlohmann::detail::exception &exception) override;

private:
  Error error(std::string code, std::string message, std::string place,
              std::string help = "correct the file or fetch it again") const {
    return {ErrorKind::Malformed, std::move(code), std::move(message),
            std::string(where) + std::move(place), std::move(help)};
  }
  json *add(json value);
  bool open(json container);
  bool close() {
    stack.pop_back();
    return true;
  }

  std::string_view text;
  std::string_view where;
  size_t maxDepth;
  json root;
  std::vector<json *> stack; ///< the containers that are being filled
  std::string pendingKey;
  std::optional<Error> failure;
};

} // namespace

json *Builder::add(json value) {
  if (stack.empty()) {
    root = std::move(value);
    return &root;
  }
  json &container = *stack.back();
  if (container.is_array()) {
    container.push_back(std::move(value));
    return &container.back();
  }
  json &slot = container[pendingKey];
  slot = std::move(value);
  return &slot;
}

bool Builder::open(json container) {
  if (stack.size() >= maxDepth) {
    failure = error("AWQ1052",
                    "arrays and objects are nested more than " +
                        std::to_string(maxDepth) + " deep",
                    "");
    return false;
  }
  // The address stays valid: a parent grows only after its child is closed.
  stack.push_back(add(std::move(container)));
  return true;
}

bool Builder::key(std::string &name) {
  if (stack.back()->contains(name)) {
    failure =
        error("AWQ1053",
              "the key " + printable(name) + " appears twice in one object", "",
              "remove one of the two entries");
    return false;
  }
  pendingKey = std::move(name);
  return true;
}

bool Builder::parse_error(size_t position, const std::string &token,
                          const nlohmann::detail::exception &exception) {
  std::string place = ", byte " + std::to_string(position);
  constexpr int numberOverflow = 406; // nlohmann's out_of_range.406
  if (exception.id == numberOverflow) {
    failure = error("AWQ1055",
                    "the number " + printable(token) +
                        " is beyond the range of a double",
                    place);
    return false;
  }
  // Python writes NaN and Infinity, which JSON does not have. The error is at
  // the token's first or second letter; look at the word around it.
  size_t begin = std::min(position, text.size());
  while (begin > 0 &&
         (std::isalpha(static_cast<unsigned char>(text[begin - 1])) ||
          text[begin - 1] == '-'))
    --begin;
  std::string_view word = text.substr(begin, 9);
  if (word.substr(0, 3) == "NaN" || word.substr(0, 3) == "nan" ||
      word.substr(0, 8) == "Infinity" || word == "-Infinity") {
    failure = error("AWQ1055", "NaN and Infinity are not JSON numbers", place,
                    "replace the value by a finite number");
    return false;
  }
  failure = error("AWQ1050", "the text is not valid JSON", place,
                  text.empty() ? "the file is empty; fetch it again"
                               : "correct the file or fetch it again");
  return false;
}

Result<json> io::parseJson(std::string_view text, std::string_view where,
                           const JsonLimits &limits) {
  auto error = [&](std::string code, std::string message, std::string help,
                   std::string place = "") {
    return Error{ErrorKind::Malformed, std::move(code), std::move(message),
                 std::string(where) + place, std::move(help)};
  };
  if (text.size() > limits.maxBytes)
    return error("AWQ1051",
                 "the JSON text has " + std::to_string(text.size()) +
                     " bytes, more than the limit of " +
                     std::to_string(limits.maxBytes),
                 "check that this is the file that was meant");
  if (text.substr(0, 3) == "\xef\xbb\xbf")
    return error("AWQ1054", "the file begins with a byte order mark",
                 "save it as UTF-8 without a byte order mark");
  size_t invalid = std::min(findInvalidUtf8(text), text.find('\0'));
  if (invalid != std::string_view::npos)
    return error("AWQ1056", "the text is not UTF-8",
                 "save the file as UTF-8 or fetch it again",
                 ", byte " + std::to_string(invalid));
  Builder builder(text, where, limits.maxDepth);
  if (!json::sax_parse(text.begin(), text.end(), &builder))
    return builder.takeError();
  return builder.take();
}

Result<json> io::parseJsonFile(const std::string &path,
                               const JsonLimits &limits) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.error();
  return parseJson({reinterpret_cast<const char *>(file->data()), file->size()},
                   path, limits);
}
