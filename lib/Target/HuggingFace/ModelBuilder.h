//===- ModelBuilder.h - the functions of an imported model ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_HUGGINGFACE_MODELBUILDER_H
#define AWQ_LIB_TARGET_HUGGINGFACE_MODELBUILDER_H

#include "ParameterTable.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/IO/JsonFields.h"
#include "awq/Target/HuggingFace/Architecture.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace awq {

/// Builds the functions of a model into `module`: one private function per
/// layer ("layers.N"), "forward" (embedding and layers) and "head" (final norm
/// and vocabulary). Activations are f32 [tokens, channels].
class ModelBuilder {
public:
  ModelBuilder(mlir::ModuleOp module, const Architecture &architecture,
               const io::HfConfig &config, ParameterTable &parameters);

  void build();

private:
  /// The values that one layer works on.
  struct LayerArguments {
    mlir::Value hidden, cosines, sines, keyCache, valueCache, position;
  };
  using Builder = mlir::ImplicitLocOpBuilder;

  mlir::func::FuncOp startFunction(llvm::StringRef name, bool isPrivate,
                                   mlir::TypeRange inputs,
                                   mlir::TypeRange results);
  mlir::func::FuncOp buildLayer(int64_t layer);
  void buildForward(llvm::ArrayRef<mlir::func::FuncOp> layers);
  void buildHead();

  /// Sets the location of the ops that follow to a module's name.
  void enter(const std::string &moduleName);
  mlir::Value norm(const std::string &moduleName, mlir::Value input);
  mlir::Value linear(const LinearModule &linear, const std::string &moduleName,
                     mlir::Value input, int64_t outputs, bool isHead = false,
                     const std::string &weightName = "");
  mlir::Value splitHeads(mlir::Value value, int64_t heads);
  mlir::Value headsOf(int64_t layer, const LinearModule &linear,
                      mlir::Value input, int64_t heads);
  /// Attention of a layer: its output and the new caches.
  llvm::SmallVector<mlir::Value> attention(int64_t layer, mlir::Value input,
                                           const LayerArguments &arguments);
  mlir::Value mlp(int64_t layer, mlir::Value input);
  /// The learned parameters of a layer's activation function.
  llvm::SmallVector<mlir::Value> activationParameters(int64_t layer);
  mlir::RankedTensorType activations(llvm::ArrayRef<int64_t> channels);
  void countTokens(mlir::Value argument);
  void readActivation(io::JsonFields &fields);

  mlir::ModuleOp module;
  const Architecture &architecture;
  const io::HfConfig &config;
  ParameterTable &parameters;
  Builder builder;
  double epsilon = 0.0;
  decoder::ActivationKind activation = decoder::ActivationKind::Identity;
  /// The number of tokens in the function that is being built.
  mlir::Value tokens;
};

} // namespace awq

#endif // AWQ_LIB_TARGET_HUGGINGFACE_MODELBUILDER_H
