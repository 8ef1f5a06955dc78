//===- Architecture.h - how a model type is put together --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the importer knows of a model type is data: a JSON file that names the
// model types it covers, the tensors and the variants of each part. The files
// in lib/Target/HuggingFace/architectures are built into the library; the
// README beside them describes their fields.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TARGET_HUGGINGFACE_ARCHITECTURE_H
#define AWQ_TARGET_HUGGINGFACE_ARCHITECTURE_H

#include "awq/IO/HfConfig.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace awq {

/// A linear layer: its module and whether it has a bias.
struct LinearModule {
  std::string module;
  /// Fixed, or the name of a boolean field of config.json.
  std::variant<bool, std::string> bias = false;
};

/// One model architecture, as its JSON file gives it. Module names inside a
/// layer are relative to `layerModule`; "{layer}" stands for the layer's index.
struct Architecture {
  enum class Norm { Rms, Layer };
  enum class Mlp { Glu, Plain };
  /// Which layers attend to a window only.
  enum class Window {
    None,
    EveryLayer, ///< sliding_window, if not null
    FromLayer   ///< layer_types, or layers from max_window_layers on if
                ///< use_sliding_window
  };

  std::string file;
  std::vector<std::string> modelTypes;
  /// Values that transformers leaves out of config.json.
  nlohmann::json defaults;
  /// Tensors that checkpoints may hold and that are not needed.
  std::vector<std::string> ignoredTensors;

  std::string embedding;
  std::string finalNorm;
  LinearModule head;

  Norm norm = Norm::Rms;
  std::string normEpsilon; ///< a field of config.json
  double normOffset = 0.0;
  bool normBias = false; ///< only of Norm::Layer

  std::string layerModule;
  std::string attentionNorm;
  std::string mlpNorm;
  LinearModule query, key, value, output;
  /// Empty if there is none.
  std::string queryNorm, keyNorm;
  bool rotaryInterleaved = false;
  Window window = Window::None;

  Mlp mlp = Mlp::Glu;
  std::string activation; ///< a field of config.json
  /// The module of the activation's learned parameters; empty if none is known.
  std::string activationModule;
  LinearModule gate; ///< only of Mlp::Glu
  LinearModule up, down;

  /// The full name of a module of a layer.
  std::string layerName(int64_t layer, const std::string &module) const;
  /// Whether `tensor` is one of the ignored tensors.
  bool ignores(const std::string &tensor) const;
  /// Linears of a layer that serving engines join (q, k, v; gate, up) and can
  /// only load if all of them are quantized or none, by the last components of
  /// their names.
  std::vector<std::vector<std::string>> fusedSets() const;
};

/// Parses an architecture file. Errors: AWQ1102 to AWQ1104 and AWQ1130 (an
/// unknown field or variant), each naming the file.
Result<Architecture> parseArchitecture(const nlohmann::json &root,
                                       const std::string &file);

/// The architecture for a model type: from `userFile` if that is not empty,
/// else the built-in one. Errors: AWQ1106 (unknown model type; names the known
/// ones and the nearest), those of parseArchitecture and of parseJsonFile.
Result<Architecture> findArchitecture(const std::string &modelType,
                                      const std::string &configFile,
                                      const std::string &userFile);

/// The window of a layer in tokens; 0 for the whole context. Errors: AWQ1102
/// to AWQ1104 for the fields of config.json that the rule reads.
Result<int64_t> layerWindow(const Architecture &architecture,
                            const io::HfConfig &config, int64_t layer);

/// Whether a linear layer has a bias. Errors: AWQ1102, AWQ1103.
Result<bool> hasBias(const LinearModule &linear, const io::HfConfig &config);

} // namespace awq

#endif // AWQ_TARGET_HUGGINGFACE_ARCHITECTURE_H
