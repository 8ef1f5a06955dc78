//===- ParameterTable.h - the globals of an imported model ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_HUGGINGFACE_PARAMETERTABLE_H
#define AWQ_LIB_TARGET_HUGGINGFACE_PARAMETERTABLE_H

#include "awq/IO/HfConfig.h"
#include "awq/IO/Safetensors.h"
#include "awq/Support/Error.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace awq {

/// Declares one ml_program.global per tensor of the checkpoint that the model
/// reads, after checking that the checkpoint has it with the right shape and
/// type. Without a checkpoint the globals get a splat for a value, in the type
/// that config.json names.
///
/// The first error is kept. Loads after it yield empty tensors, so that a
/// builder can go on and ask for status() at the end.
class ParameterTable {
public:
  ParameterTable(mlir::ModuleOp module, const io::HfConfig &config,
                 const io::Checkpoint *checkpoint)
      : module(module), config(config), checkpoint(checkpoint) {}

  /// A float tensor of the given shape; `splat` is its value in a model
  /// without data.
  mlir::Value loadFloat(mlir::OpBuilder &builder, mlir::Location loc,
                        const std::string &name, llvm::ArrayRef<int64_t> shape,
                        double splat);

  /// The three tensors of a quantized linear layer [n, k] in AutoAWQ's gemm
  /// layout. All null after an error.
  struct QuantizedWeight {
    mlir::Value codes, scales, zeros;
    mlir::Attribute scheme;
  };
  QuantizedWeight loadQuantized(mlir::OpBuilder &builder, mlir::Location loc,
                                const std::string &linear, int64_t n,
                                int64_t k);

  /// Whether the weight of a linear layer is stored quantized; without a
  /// checkpoint, whether config.json says so. The head never is then.
  bool isQuantized(const std::string &linear, bool isHead) const;

  /// Whether a tensor of the checkpoint holds the same bytes as another one.
  bool sameBytes(const std::string &first, const std::string &second) const;
  bool has(const std::string &name) const {
    return checkpoint && checkpoint->find(name).has_value();
  }

  /// Whether there is a checkpoint and it lacks the tensor.
  bool isMissing(const std::string &name) const {
    return checkpoint && !checkpoint->find(name).has_value();
  }

  void fail(Error error) {
    if (failure)
      failure = std::move(error);
  }
  Status status() const { return failure; }
  explicit operator bool() const { return static_cast<bool>(failure); }

  /// Tensors of the checkpoint that no global stands for, sorted.
  std::vector<std::string> unused() const;

private:
  std::string where(const std::string &tensor) const;
  std::optional<io::TensorView> require(const std::string &name,
                                        llvm::ArrayRef<int64_t> shape,
                                        llvm::ArrayRef<io::DType> allowed);
  mlir::Value load(mlir::OpBuilder &builder, mlir::Location loc,
                   const std::string &name, mlir::RankedTensorType type,
                   mlir::Attribute splat);

  mlir::ModuleOp module;
  const io::HfConfig &config;
  const io::Checkpoint *checkpoint;
  mlir::Operation *lastGlobal = nullptr;
  llvm::StringMap<mlir::RankedTensorType> declared;
  Status failure;
};

} // namespace awq

#endif // AWQ_LIB_TARGET_HUGGINGFACE_PARAMETERTABLE_H
