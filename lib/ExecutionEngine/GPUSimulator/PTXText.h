//===- PTXText.h - the statements of a piece of inline PTX ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_PTXTEXT_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_PTXTEXT_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace awq::gpusim {

/// One operand: a register, number or name; {a, b}; [a + 16, {x, y}]; a|b.
struct PTXOperand {
  enum Kind { Atom, Vector, Address, Pair } kind = Atom;
  /// The atom, the address's base, or the parts.
  std::string text;
  std::vector<std::string> parts;
  int64_t offset = 0;
};

struct PTXStatement {
  /// Name of the predicate in front, or empty.
  std::string guard;
  bool negated = false;
  /// "ld.global.v4.b32", and its parts between the dots.
  std::string opcode;
  std::vector<std::string> parts;
  std::vector<PTXOperand> operands;
  std::string text;

  bool has(std::string_view part) const;
};

/// Splits text into statements, without labels and scopes; `.reg` lines are
/// statements with the opcode ".reg" and one operand per name.
std::vector<PTXStatement> parsePTX(std::string_view text);

/// A PTX number: decimal, hexadecimal, 0f3F800000 or 1.0 (as an fp32's bits).
std::optional<uint64_t> parsePTXNumber(std::string_view text);

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_PTXTEXT_H
