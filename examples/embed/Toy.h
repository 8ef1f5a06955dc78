//===- Toy.h - a compiler that embeds awq-mlir ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TOY_TOY_H
#define TOY_TOY_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "ToyDialect.h.inc"

#define GET_OP_CLASSES
#include "ToyOps.h.inc"

namespace toy {

/// The compiler's memory of weights: nothing of them is in a file.
class Weights {
public:
  /// The weight, made when it is first asked for; null if there is none of
  /// that name.
  const std::vector<char> *find(llvm::StringRef name, int64_t elements);
  /// Remembers a parameter.
  void keep(llvm::StringRef name, llvm::ArrayRef<char> bytes);

private:
  std::mutex mutex;
  std::map<std::string, std::vector<char>> known;
};

#define GEN_PASS_DECL
#include "ToyPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "ToyPasses.h.inc"

/// Registers the passes and "toy-pipeline".
void registerPasses();

/// Has awq's passes ask this compiler for calibration statistics.
void registerStatistics(mlir::DialectRegistry &registry);

} // namespace toy

#endif // TOY_TOY_H
