//===- JsonFields.h - checked access to the fields of an object -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_JSONFIELDS_H
#define AWQ_IO_JSONFIELDS_H

#include "awq/IO/Json.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace awq::io {

/// Reads fields of a JSON object with the type and range they must have. The
/// first failure is kept and every later read yields a harmless value, so that
/// a reader lists its fields and asks for status() once, before it uses any.
///
/// A field that is absent is taken from `defaults`. If that has none either, or
/// if the field is null (which says "none", not "the default"), the plain
/// functions fail and the optional ones yield nothing.
///
/// Errors: AWQ1102 (a field is missing), AWQ1103 (wrong type), AWQ1104 (out of
/// range). Each names the file and the field.
class JsonFields {
public:
  /// `object` must be an object. `prefix` is put before field names in errors
  /// ("rope_scaling."). Both JSON values must outlive this.
  JsonFields(const nlohmann::json &object, std::string file,
             std::string prefix = "", const nlohmann::json *defaults = nullptr);

  int64_t integer(std::string_view field, int64_t low, int64_t high);
  std::optional<int64_t> optionalInteger(std::string_view field, int64_t low,
                                         int64_t high);
  /// A finite number, integer or not, in [low, high].
  double number(std::string_view field, double low, double high);
  std::optional<double> optionalNumber(std::string_view field, double low,
                                       double high);
  bool boolean(std::string_view field);
  std::optional<bool> optionalBoolean(std::string_view field);
  std::string string(std::string_view field);
  std::optional<std::string> optionalString(std::string_view field);
  /// Empty if the field is absent.
  std::vector<std::string> strings(std::string_view field);
  /// One integer or a list of them; empty if the field is absent.
  std::vector<int64_t> integers(std::string_view field, int64_t low,
                                int64_t high);
  /// The object in a field, or null if the field is absent.
  const nlohmann::json *object(std::string_view field);

  /// The value of a field or of its default; null if there is none.
  const nlohmann::json *find(std::string_view field) const;

  /// Records an error about a field, unless there is one already.
  void fail(ErrorKind kind, std::string code, std::string_view field,
            std::string message, std::string help);
  /// Takes over the failure of a nested object's fields.
  void adopt(const JsonFields &nested) {
    if (failure)
      failure = nested.failure;
  }
  /// The first failure.
  Status status() const { return failure; }
  explicit operator bool() const { return static_cast<bool>(failure); }

  const std::string &file() const { return path; }

private:
  void wrongType(std::string_view field, const nlohmann::json &value,
                 std::string_view wanted);
  const nlohmann::json *require(std::string_view field);
  int64_t checkInteger(std::string_view field, const nlohmann::json &value,
                       int64_t low, int64_t high);
  double checkNumber(std::string_view field, const nlohmann::json &value,
                     double low, double high);

  const nlohmann::json &fields;
  std::string path;
  std::string prefix;
  const nlohmann::json *defaults;
  Status failure;
};

} // namespace awq::io

#endif // AWQ_IO_JSONFIELDS_H
