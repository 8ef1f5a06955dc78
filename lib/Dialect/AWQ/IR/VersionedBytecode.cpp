//===- VersionedBytecode.cpp - versions of dialects in bytecode -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/VersionedBytecode.h"

#include "mlir/IR/Dialect.h"

using namespace mlir;
using namespace awq;

void VersionedBytecode::writeVersion(DialectBytecodeWriter &writer) const {
  writer.writeVarInt(version);
}

std::unique_ptr<DialectVersion>
VersionedBytecode::readVersion(DialectBytecodeReader &reader) const {
  uint64_t number;
  if (failed(reader.readVarInt(number)))
    return nullptr;
  if (number >= 1 && number <= version)
    return std::make_unique<BytecodeVersion>(number);
  reader.emitError() << "the file holds version " << number
                     << " of the dialect '" << getDialect()->getNamespace()
                     << "', and this program reads versions 1 to " << version
                     << "; use the awq-mlir that wrote the file, or a newer "
                        "one, or have it write the module as text";
  return nullptr;
}
