//===- VersionedBytecode.h - versions of dialects in bytecode ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_VERSIONEDBYTECODE_H
#define AWQ_DIALECT_AWQ_IR_VERSIONEDBYTECODE_H

#include "mlir/Bytecode/BytecodeImplementation.h"

namespace awq {

/// The version of a dialect in a bytecode file.
struct BytecodeVersion : mlir::DialectVersion {
  explicit BytecodeVersion(uint64_t number) : number(number) {}
  uint64_t number;
};

/// Writes the version of a dialect into bytecode and refuses files that are
/// newer than the reader. Ops and attributes keep MLIR's own encoding.
///
/// A dialect's version goes up with every change after which an older reader
/// would misread a file: a new op, a new inherent attribute or operand of an
/// op, a new case of an enum. A change after which the new reader would misread
/// an older file comes with an override of upgradeFromVersion, or of the op's
/// readProperties, that asks the reader for the version. Files from before
/// versions were written have none and are read as version 1.
class VersionedBytecode : public mlir::BytecodeDialectInterface {
public:
  VersionedBytecode(mlir::Dialect *dialect, uint64_t version)
      : BytecodeDialectInterface(dialect), version(version) {}

  void writeVersion(mlir::DialectBytecodeWriter &writer) const override;
  std::unique_ptr<mlir::DialectVersion>
  readVersion(mlir::DialectBytecodeReader &reader) const override;

private:
  uint64_t version;
};

} // namespace awq

#endif // AWQ_DIALECT_AWQ_IR_VERSIONEDBYTECODE_H
