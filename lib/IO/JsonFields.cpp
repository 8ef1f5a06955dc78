//===- JsonFields.cpp - checked access to the fields of an object ---------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/JsonFields.h"

#include <limits>
#include <sstream>

using namespace awq;
using namespace awq::io;
using nlohmann::json;

/// A value as it stands in the file, cut where it would fill the screen.
static std::string excerpt(const json &value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

static std::string spell(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

JsonFields::JsonFields(const json &object, std::string file, std::string prefix,
                       const json *defaults)
    : fields(object), path(std::move(file)), prefix(std::move(prefix)),
      defaults(defaults) {
  assert(object.is_object() && "fields belong to an object");
}

const json *JsonFields::find(std::string_view field) const {
  auto found = fields.find(std::string(field));
  if (found != fields.end())
    return found->is_null() ? nullptr : &*found;
  if (!defaults)
    return nullptr;
  auto fallback = defaults->find(std::string(field));
  if (fallback == defaults->end() || fallback->is_null())
    return nullptr;
  return &*fallback;
}

void JsonFields::fail(ErrorKind kind, std::string code, std::string_view field,
                      std::string message, std::string help) {
  if (failure)
    failure = Error{kind, std::move(code), std::move(message),
                    path + ", field \"" + prefix + std::string(field) + "\"",
                    std::move(help)};
}

void JsonFields::wrongType(std::string_view field, const json &value,
                           std::string_view wanted) {
  std::string help =
      "write " + std::string(wanted) + " there, as transformers does";
  if (value.is_string() && wanted.find("number") != wanted.npos)
    help = "remove the quotes around the number";
  fail(ErrorKind::Malformed, "AWQ1103", field,
       "\"" + prefix + std::string(field) + "\" must be " +
           std::string(wanted) + ", found " + excerpt(value),
       help);
}

const json *JsonFields::require(std::string_view field) {
  const json *value = find(field);
  if (!value)
    fail(ErrorKind::Malformed, "AWQ1102", field,
         "\"" + prefix + std::string(field) + "\" is missing",
         "add the field; the configuration that the model was published with "
         "has it");
  return value;
}

int64_t JsonFields::checkInteger(std::string_view field, const json &value,
                                 int64_t low, int64_t high) {
  if (!value.is_number_integer()) {
    wrongType(field, value, "a whole number");
    return low;
  }
  bool tooLarge =
      value.is_number_unsigned() &&
      *value.get_ptr<const json::number_unsigned_t *>() >
          static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  int64_t number =
      tooLarge ? 0 : *value.get_ptr<const json::number_integer_t *>();
  if (!tooLarge && number >= low && number <= high)
    return number;
  fail(ErrorKind::Malformed, "AWQ1104", field,
       "\"" + prefix + std::string(field) + "\" is " + excerpt(value) +
           ", outside " + std::to_string(low) + " to " + std::to_string(high),
       "correct the number; the file may be damaged or of another model");
  return low;
}

int64_t JsonFields::integer(std::string_view field, int64_t low, int64_t high) {
  const json *value = require(field);
  return value ? checkInteger(field, *value, low, high) : low;
}

std::optional<int64_t> JsonFields::optionalInteger(std::string_view field,
                                                   int64_t low, int64_t high) {
  const json *value = find(field);
  if (!value)
    return std::nullopt;
  return checkInteger(field, *value, low, high);
}

double JsonFields::checkNumber(std::string_view field, const json &value,
                               double low, double high) {
  if (!value.is_number()) {
    wrongType(field, value, "a number");
    return low;
  }
  double number = value.get<double>();
  if (number >= low && number <= high)
    return number;
  fail(ErrorKind::Malformed, "AWQ1104", field,
       "\"" + prefix + std::string(field) + "\" is " + excerpt(value) +
           ", outside " + spell(low) + " to " + spell(high),
       "correct the number; the file may be damaged or of another model");
  return low;
}

double JsonFields::number(std::string_view field, double low, double high) {
  const json *value = require(field);
  return value ? checkNumber(field, *value, low, high) : low;
}

std::optional<double> JsonFields::optionalNumber(std::string_view field,
                                                 double low, double high) {
  const json *value = find(field);
  if (!value)
    return std::nullopt;
  return checkNumber(field, *value, low, high);
}

bool JsonFields::boolean(std::string_view field) {
  return require(field) && optionalBoolean(field).value_or(false);
}

std::optional<bool> JsonFields::optionalBoolean(std::string_view field) {
  const json *value = find(field);
  if (!value)
    return std::nullopt;
  if (value->is_boolean())
    return value->get<bool>();
  wrongType(field, *value, "true or false");
  return std::nullopt;
}

std::string JsonFields::string(std::string_view field) {
  if (!require(field))
    return "";
  return optionalString(field).value_or("");
}

std::optional<std::string> JsonFields::optionalString(std::string_view field) {
  const json *value = find(field);
  if (!value)
    return std::nullopt;
  if (value->is_string())
    return value->get<std::string>();
  wrongType(field, *value, "a string");
  return std::nullopt;
}

std::vector<std::string> JsonFields::strings(std::string_view field) {
  std::vector<std::string> result;
  const json *value = find(field);
  if (!value)
    return result;
  if (!value->is_array()) {
    wrongType(field, *value, "a list of strings");
    return result;
  }
  for (const json &element : *value) {
    if (!element.is_string()) {
      wrongType(field, *value, "a list of strings");
      return {};
    }
    result.push_back(element.get<std::string>());
  }
  return result;
}

std::vector<int64_t> JsonFields::integers(std::string_view field, int64_t low,
                                          int64_t high) {
  std::vector<int64_t> result;
  const json *value = find(field);
  if (!value)
    return result;
  if (!value->is_array()) {
    if (value->is_number_integer())
      result.push_back(checkInteger(field, *value, low, high));
    else
      wrongType(field, *value, "a whole number or a list of them");
    return result;
  }
  for (const json &element : *value)
    result.push_back(checkInteger(field, element, low, high));
  return result;
}

const json *JsonFields::object(std::string_view field) {
  const json *value = find(field);
  if (value && !value->is_object()) {
    wrongType(field, *value, "an object");
    return nullptr;
  }
  return value;
}
