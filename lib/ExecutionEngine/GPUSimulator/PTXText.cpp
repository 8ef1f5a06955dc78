//===- PTXText.cpp - the statements of a piece of inline PTX --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PTXText.h"

#include "Numbers.h"

#include <algorithm>
#include <cstdlib>

using namespace awq::gpusim;

static bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static std::string_view trim(std::string_view text) {
  while (!text.empty() && isSpace(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && isSpace(text.back()))
    text.remove_suffix(1);
  return text;
}

static bool isName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
           c == '$' || c == '%';
  });
}

/// Splits at a separator outside of brackets and braces.
static std::vector<std::string_view> split(std::string_view text,
                                           char separator) {
  std::vector<std::string_view> pieces;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth +=
        (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
    if (text[i] == separator && depth == 0) {
      pieces.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  pieces.push_back(trim(text.substr(start)));
  return pieces;
}

std::optional<uint64_t> awq::gpusim::parsePTXNumber(std::string_view text) {
  std::string digits(text);
  bool negative = !digits.empty() && digits[0] == '-';
  if (negative)
    digits.erase(0, 1);
  if (digits.empty() || !std::isdigit(static_cast<unsigned char>(digits[0])))
    return std::nullopt;
  char *end = nullptr;
  if (digits.size() > 2 && digits[0] == '0' &&
      (digits[1] == 'f' || digits[1] == 'F')) {
    uint64_t bits = std::strtoull(digits.c_str() + 2, &end, 16);
    return *end ? std::nullopt : std::optional<uint64_t>(bits);
  }
  bool hex = digits.size() > 2 && (digits[1] == 'x' || digits[1] == 'X');
  if (!hex && digits.find('.') != std::string::npos) {
    float value = std::strtof(digits.c_str(), &end);
    if (*end)
      return std::nullopt;
    return bitCast<uint32_t>(negative ? -value : value);
  }
  uint64_t value = std::strtoull(digits.c_str(), &end, 0);
  if (*end == 'U')
    ++end;
  if (*end)
    return std::nullopt;
  return negative ? 0 - value : value;
}

static PTXOperand parseOperand(std::string_view text) {
  PTXOperand operand;
  operand.text = text;
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') {
    operand.kind = PTXOperand::Vector;
    for (std::string_view part : split(text.substr(1, text.size() - 2), ','))
      operand.parts.emplace_back(part);
  } else if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    operand.kind = PTXOperand::Address;
    auto pieces = split(text.substr(1, text.size() - 2), ',');
    std::string_view base = pieces[0];
    size_t plus = base.find_first_of("+-", 1);
    if (plus != std::string_view::npos) {
      std::string step(trim(base.substr(plus + 1)));
      int64_t value = static_cast<int64_t>(parsePTXNumber(step).value_or(0));
      operand.offset = base[plus] == '-' ? -value : value;
      base = trim(base.substr(0, plus));
    }
    operand.text = base;
    if (pieces.size() > 1)
      operand.parts = parseOperand(pieces[1]).parts;
  } else if (text.find('|') != std::string_view::npos) {
    operand.kind = PTXOperand::Pair;
    for (std::string_view part : split(text, '|'))
      operand.parts.emplace_back(part);
  }
  return operand;
}

bool PTXStatement::has(std::string_view part) const {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

static std::string_view takeWord(std::string_view &text) {
  size_t end = 0;
  while (end < text.size() && !isSpace(text[end]))
    ++end;
  std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

/// Removes scopes and labels in front of a statement.
static std::string_view dropPrefix(std::string_view text) {
  while (true) {
    text = trim(text);
    if (!text.empty() && (text[0] == '{' || text[0] == '}')) {
      text.remove_prefix(1);
      continue;
    }
    size_t colon = text.find(':');
    if (colon == std::string_view::npos ||
        (colon + 1 < text.size() && text[colon + 1] == ':') ||
        !isName(text.substr(0, colon)))
      return text;
    text.remove_prefix(colon + 1);
  }
}

static PTXStatement parseStatement(std::string_view text) {
  PTXStatement statement;
  statement.text = text;
  if (text[0] == '@') {
    std::string_view guard = takeWord(text).substr(1);
    if (!guard.empty() && guard[0] == '!') {
      statement.negated = true;
      guard.remove_prefix(1);
    }
    statement.guard = guard;
  }
  statement.opcode = takeWord(text);
  if (statement.opcode == ".reg") {
    statement.parts.emplace_back(takeWord(text));
  } else {
    size_t start = 0;
    while (start <= statement.opcode.size()) {
      size_t dot =
          std::min(statement.opcode.find('.', start), statement.opcode.size());
      statement.parts.push_back(statement.opcode.substr(start, dot - start));
      start = dot + 1;
    }
  }
  if (!text.empty())
    for (std::string_view piece : split(text, ','))
      statement.operands.push_back(parseOperand(piece));
  return statement;
}

std::vector<PTXStatement> awq::gpusim::parsePTX(std::string_view text) {
  std::vector<PTXStatement> statements;
  size_t start = 0;
  while (start < text.size()) {
    size_t end = std::min(text.find(';', start), text.size());
    std::string_view piece = dropPrefix(text.substr(start, end - start));
    if (!piece.empty())
      statements.push_back(parseStatement(piece));
    start = end + 1;
  }
  return statements;
}
