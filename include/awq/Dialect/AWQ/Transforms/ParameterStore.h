//===- ParameterStore.h - numbers of parameter expressions -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_PARAMETERSTORE_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_PARAMETERSTORE_H

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "awq/Dialect/AWQ/Transforms/ParameterFileList.h"
#include "awq/IO/Safetensors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

#include <map>
#include <string>
#include <vector>

namespace mlir::tensor {
class ExtractSliceOp;
} // namespace mlir::tensor

namespace awq {

/// Whether `value` is a parameter expression: a constant, a load of a constant
/// global, or a parameter op (scale_channels, clip_groups, quantize,
/// dequantize, repack, unpack, linalg.transpose, tensor.concat, casts,
/// reshapes, slices of whole blocks) on such values.
bool isParameter(mlir::Value value);

/// The element type of a tensor in a safetensors file; nothing for types that
/// no parameter has.
std::optional<io::DType> toDType(mlir::Type type);

/// Whether `value` is a parameter expression with at least one op in it, so
/// that its numbers lie nowhere yet.
bool isParameterExpression(mlir::Value value);

/// Whether a parameter file is one that a ParameterStore wrote, not a part of
/// the model.
bool isSideFile(const io::Checkpoint &file);

/// Erases the ops of parameter expressions that nothing reads any more.
void eraseUnusedParameters(mlir::func::FuncOp function);

/// The one evaluator of parameters. Reads numbers when they are asked for, one
/// tensor at a time: leaves are read where they lie (attributes, mapped files),
/// results belong to the caller. Also takes in new parameters and keeps each
/// where its source was: in the IR, or in a side file beside the model's.
/// Extern globals are first asked of the host (ParameterProvider).
///
/// One store serves one module and one thread.
class ParameterStore {
public:
  /// What becomes of new parameters whose source lies in a file.
  enum class Mode {
    Refuse,   ///< an error, unless a ParameterProvider keeps them
    SideFile, ///< written to one safetensors file by commit()
    Memory    ///< held by the store until release()
  };

  /// A store that writes to `sideFile`; new parameters of extern sources are
  /// refused if it is empty and no host keeps them.
  explicit ParameterStore(mlir::ModuleOp module, std::string sideFile = "");
  ParameterStore(mlir::ModuleOp module, Mode mode);
  ~ParameterStore();
  ParameterStore(const ParameterStore &) = delete;
  ParameterStore &operator=(const ParameterStore &) = delete;

  /// The numbers of a float parameter as f32, row-major. Each op rounds to its
  /// result type. Errors are emitted at the op that cannot be evaluated, or
  /// name the file and tensor.
  mlir::FailureOr<std::vector<float>> readFloats(mlir::Value value);

  /// The elements of an i8 parameter.
  mlir::FailureOr<std::vector<uint8_t>> readBytes(mlir::Value value);

  /// The elements of an i32 parameter (packed words).
  mlir::FailureOr<std::vector<uint32_t>> readWords(mlir::Value value);

  /// The bytes of a float parameter in its own type: where they lie, if it is a
  /// leaf and no splat, else computed into `storage`. Valid while both the
  /// store and `storage` live.
  mlir::FailureOr<llvm::ArrayRef<char>> view(mlir::Value value,
                                             std::vector<char> &storage);

  /// Whether all numbers below `value` lie in the IR.
  bool isInline(mlir::Value value);

  /// A new parameter `name` of `type`, with row-major bytes in the type's
  /// element format, kept as `like` is kept: a constant, or an extern global
  /// (the name is made unique) and a load of it at the builder's insertion
  /// point.
  mlir::FailureOr<mlir::Value> define(mlir::OpBuilder &builder,
                                      mlir::Location loc, llvm::StringRef name,
                                      mlir::RankedTensorType type,
                                      llvm::ArrayRef<char> bytes,
                                      mlir::Value like);

  /// The same for f32 numbers, rounded to the element type (f32, f16, bf16).
  mlir::FailureOr<mlir::Value>
  defineFloats(mlir::OpBuilder &builder, mlir::Location loc,
               llvm::StringRef name, mlir::RankedTensorType type,
               llvm::ArrayRef<float> values, mlir::Value like);

  /// Writes the side file, if anything was defined, and appends it to the
  /// module's list of parameter files.
  mlir::LogicalResult commit();

  /// Forgets all parameters held in memory. Values that refer to them can no
  /// longer be read.
  void release() { memory.clear(); }

private:
  /// A leaf's bytes; one element only if `splat`.
  struct Leaf {
    llvm::ArrayRef<char> bytes;
    bool splat = false;
  };
  struct Spilled {
    std::string name;
    mlir::RankedTensorType type;
    uint64_t offset, bytes;
  };

  mlir::LogicalResult openFiles(mlir::Location loc);
  mlir::FailureOr<Leaf> readLeaf(mlir::Value value);
  mlir::FailureOr<Leaf> readExtern(mlir::Location loc, llvm::StringRef name,
                                   mlir::RankedTensorType type);
  mlir::FailureOr<std::vector<float>> evaluate(mlir::OpResult value);
  mlir::FailureOr<std::vector<float>>
  evaluateSlice(mlir::tensor::ExtractSliceOp op);
  /// `count` numbers of a leaf.
  mlir::FailureOr<std::vector<float>>
  readLeafFloats(mlir::Value value, int64_t first, int64_t count);
  mlir::FailureOr<std::vector<float>> evaluateClip(ClipGroupsOp op);
  mlir::FailureOr<std::vector<float>> evaluateDequantize(DequantizeOp op);
  mlir::FailureOr<std::vector<uint32_t>> evaluateRepack(RepackOp op);
  mlir::FailureOr<std::vector<uint8_t>> evaluateBytes(mlir::OpResult value);
  mlir::LogicalResult spill(mlir::Location loc, llvm::StringRef name,
                            mlir::RankedTensorType type,
                            llvm::ArrayRef<char> bytes);

  mlir::ModuleOp module;
  Mode mode;
  std::string sideFile;
  bool opened = false;
  std::vector<io::Checkpoint> files;
  std::map<std::string, std::vector<char>, std::less<>> memory;
  /// New parameters, written one after the other to an unnamed file.
  std::vector<Spilled> spilled;
  uint64_t spilledBytes = 0;
  int spillFile = -1;
};

/// Replaces each parameter expression that an op reads by a new parameter with
/// its numbers, defined in `store`.
mlir::LogicalResult materializeParameters(mlir::ModuleOp module,
                                          ParameterStore &store);

/// Whether an op reads a parameter expression.
bool hasParameterExpressions(mlir::ModuleOp module);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_PARAMETERSTORE_H
