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
#include "awq/Target/HuggingFace/ArchitectureRules.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace awq {

/// Builds the functions of a model into `module`: one private function per
/// layer ("layers.N"), "forward" (embedding and layers) and "head" (final norm
/// and vocabulary). Activations are f32 [tokens, channels].
class ModelBuilder {
public:
  ModelBuilder(mlir::ModuleOp module, const Architecture &architecture,
               const io::HfConfig &config, const AttentionSizes &sizes,
               ParameterTable &parameters);

  void build();

private:
  /// Cosines and sines of the positions; null without rotary embedding.
  struct RotaryTables {
    mlir::Value cosines, sines;
  };
  /// The values that one layer works on.
  struct LayerArguments {
    mlir::Value hidden;
    RotaryTables rotary;
    mlir::Value keyCache, valueCache, position;
  };
  /// Query, key and value of the new tokens, [tokens, heads, channels].
  struct Heads {
    mlir::Value query, key, value;
  };
  using Builder = mlir::ImplicitLocOpBuilder;

  /// The value of a rule; its failure becomes the model's.
  template <typename T>
  T get(Result<T> value) {
    if (value)
      return *value;
    parameters.fail(value.error());
    return T();
  }

  // ModelBuilder.cpp: functions
  mlir::func::FuncOp startFunction(llvm::StringRef name, bool isPrivate,
                                   mlir::TypeRange inputs,
                                   mlir::TypeRange results);
  mlir::func::FuncOp buildLayer(int64_t layer);
  void buildForward(llvm::ArrayRef<mlir::func::FuncOp> layers);
  void buildHead();
  mlir::Value embed(mlir::Value ids, mlir::Value position);
  RotaryTables rotaryTables(const io::RopeConfig &rope, mlir::Value position);
  mlir::Type cacheType(int64_t channels) {
    return activations({sizes.kvHeads, channels});
  }

  // BuildParts.cpp: what all blocks are made of
  /// Sets the location of the ops that follow to a module's name.
  void enter(const std::string &moduleName);
  mlir::RankedTensorType activations(llvm::ArrayRef<int64_t> channels);
  void countTokens(mlir::Value argument);
  mlir::Value norm(const std::string &moduleName, mlir::Value input);
  mlir::Value rmsNorm(const std::string &moduleName, mlir::Value input,
                      double epsilon, double offset);
  mlir::Value linear(const LinearModule &linear, const std::string &moduleName,
                     mlir::Value input, int64_t outputs, bool isHead = false,
                     const std::string &weightName = "");
  /// A linear whose module is relative to the layer's.
  mlir::Value project(int64_t layer, const LinearModule &linear,
                      mlir::Value input, int64_t outputs) {
    return this->linear(linear, architecture.layerName(layer, linear.module),
                        input, outputs);
  }
  /// `count` entries of dimension `dim` from `first` on.
  mlir::Value slice(mlir::Value value, int64_t dim, int64_t first,
                    int64_t count);
  /// [tokens, a * b] as [tokens, a, b].
  mlir::Value split(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// Joins dimensions `dim` and `dim` + 1.
  mlir::Value join(mlir::Value value, int64_t dim);
  mlir::Value add(mlir::Value a, mlir::Value b);
  /// All elements times a number.
  mlir::Value multiply(mlir::Value value, double factor);

  // BuildAttention.cpp
  /// Attention of a layer: its output and the new caches.
  llvm::SmallVector<mlir::Value> attention(int64_t layer, mlir::Value input,
                                           const LayerArguments &arguments);
  Heads separateHeads(int64_t layer, mlir::Value input);
  Heads fusedHeads(int64_t layer, mlir::Value input);
  Heads latentHeads(int64_t layer, mlir::Value input,
                    const RotaryTables &tables);
  mlir::Value rotate(mlir::Value heads, const RotaryTables &tables);
  mlir::Value alibiSlopes(double scale);

  // BuildMlp.cpp
  void readActivation(io::JsonFields &fields);
  /// The block after attention: an MLP or a mixture of experts.
  mlir::Value feedForward(int64_t layer, mlir::Value input);
  mlir::Value mlp(int64_t layer, mlir::Value input);
  mlir::Value experts(int64_t layer, mlir::Value input);
  /// The choice among `count` experts.
  void route(int64_t layer, mlir::Value input, int64_t count,
             mlir::Value &weights, mlir::Value &indices);
  /// act(gate) * up, then down.
  mlir::Value gated(int64_t layer, const LinearModule &gate,
                    const LinearModule &up, const LinearModule &down,
                    mlir::Value input, int64_t inner);
  mlir::Value glu(const std::string &down, mlir::Value gate, mlir::Value up,
                  int64_t layer);
  /// The learned parameters of a layer's activation function.
  llvm::SmallVector<mlir::Value> activationParameters(int64_t layer);

  mlir::ModuleOp module;
  const Architecture &architecture;
  const io::HfConfig &config;
  ParameterTable &parameters;
  AttentionSizes sizes;
  Builder builder;
  double epsilon = 0.0;
  decoder::ActivationKind activation = decoder::ActivationKind::Identity;
  /// The number of tokens in the function that is being built, or in the expert
  /// that is.
  mlir::Value tokens;
};

} // namespace awq

#endif // AWQ_LIB_TARGET_HUGGINGFACE_MODELBUILDER_H
