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
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace awq {

/// A choice: fixed, or the name of a boolean field of config.json.
using Flag = std::variant<bool, std::string>;

/// A whole number: the value of the first alternative whose fields config.json
/// all has. An alternative is a product of fields and numbers, such as
/// {"4", "hidden_size"}. Without alternatives there is no such number.
struct Size {
  std::vector<std::vector<std::string>> alternatives;
};

/// A linear layer: its module and whether it has a bias.
struct LinearModule {
  std::string module;
  Flag bias = false;
};

/// The norms of a model.
struct NormStyle {
  enum class Kind { Rms, Layer };
  Kind kind = Kind::Rms;
  /// Fixed, or a field of config.json.
  std::variant<double, std::string> epsilon;
  double offset = 0.0;
  bool bias = false; ///< only of Kind::Layer
};

/// Attention, by where query, key and value come from.
struct AttentionStyle {
  enum class Kind {
    Separate, ///< three linears
    Fused,    ///< one linear
    Latent    ///< from two vectors of low rank (MLA, arXiv:2405.04434)
  };
  /// Rows of the fused linear.
  enum class FusedOrder {
    Blocks,         ///< all of query, then all of key, then all of value
    PerKeyValueHead ///< for each key-value head its queries, key and value
  };
  enum class Rotary { None, Half, Interleaved };
  /// Which layers attend to a window only.
  enum class Window {
    None,
    EveryLayer, ///< sliding_window, if not null
    IfUsed,     ///< the same, if use_sliding_window
    FromLayer,  ///< layer_types, or layers from max_window_layers on if
                ///< use_sliding_window
    ByPattern   ///< layer_types, or all layers but each windowPattern-th
  };
  /// What the norms of query and key are taken over.
  enum class NormOver { Head, Row };

  Kind kind = Kind::Separate;
  LinearModule query, key, value; ///< of Separate; `query` also of Latent
  LinearModule fused;
  FusedOrder order = FusedOrder::Blocks;
  /// Of Latent: `query` where q_lora_rank is null, else down, norm and up.
  LinearModule queryDown, queryUp, keyValueDown, keyValueUp;
  std::string queryLatentNorm, keyValueLatentNorm;
  double latentEpsilon = 1e-6;
  LinearModule output;
  /// Empty if there is none.
  std::string queryNorm, keyNorm;
  NormOver normOver = NormOver::Head;

  Rotary rotary = Rotary::Half;
  /// The field that says which part of a head turns: a fraction if it is
  /// partial_rotary_factor, else a number of channels. Empty for all of it.
  std::string rotaryPart;
  /// Layers with a window have rotary frequencies of their own.
  bool localRotary = false;
  /// A bias that falls with the distance (ALiBi, arXiv:2108.12409).
  bool alibi = false;
  Window window = Window::None;
  Size windowPattern;
  /// A field s: scores are multiplied by 1/sqrt(s) in place of the head's size.
  std::string scaleFrom;
  std::string softcap; ///< a field; empty if scores are never capped
};

/// A feed-forward block.
struct MlpStyle {
  enum class Kind { Glu, Plain };
  Kind kind = Kind::Glu;
  std::string activation; ///< a field of config.json
  /// The module of the activation's learned parameters; empty if none is known.
  std::string activationModule;
  /// Of Glu: gate and up, or one linear with the rows of gate before up's.
  LinearModule gate, up, gateUp;
  LinearModule down;
};

/// A mixture of experts, which takes the place of the MLP in some layers.
/// "{expert}" in a module stands for the expert's number.
struct ExpertsStyle {
  enum class Scoring { Softmax, Sigmoid };
  enum class GroupScore { Max, SumOfTopTwo };
  LinearModule router;
  std::string routerCorrection; ///< a tensor that steers the choice, or empty
  Scoring scoring = Scoring::Softmax;
  Flag normalize = false;
  std::string scale; ///< a field; empty for 1
  Size count, perToken, inner;
  /// Groups of experts count where all of `groupsWhen` holds.
  Size groups, keptGroups;
  GroupScore groupScore = GroupScore::Max;
  nlohmann::json groupsWhen = nlohmann::json::object();
  LinearModule gate, up, down;
  /// Experts that every token sees, as one MLP; none if `sharedInner` has no
  /// value.
  LinearModule sharedGate, sharedUp, sharedDown;
  Size sharedInner;
  /// Layer i has experts if i >= fromLayer, every divides i + 1 and i is not
  /// among the numbers in the field `exceptLayers`.
  Size fromLayer, every;
  std::string exceptLayers;
};

/// One model architecture, as its JSON file gives it. Module names inside a
/// layer are relative to `layerModule`; "{layer}" stands for the layer's index.
struct Architecture {
  std::string file;
  std::vector<std::string> modelTypes;
  /// Values of fields for which the file stands; others of the same type have
  /// other files.
  nlohmann::json when = nlohmann::json::object();
  /// Values that fields must have. {"field": F} stands for the value of F.
  nlohmann::json require = nlohmann::json::object();
  /// Sizes that config.json has under other names than transformers' usual
  /// ones, by the usual name.
  std::vector<std::pair<std::string, Size>> names;
  /// Values that transformers leaves out of config.json.
  nlohmann::json defaults = nlohmann::json::object();
  /// Tensors that checkpoints may hold and that are not needed.
  std::vector<std::string> ignoredTensors;
  /// Layers behind the last that checkpoints may hold and that are not needed.
  Size ignoredLayers;

  std::string embedding;
  bool scalesEmbedding = false; ///< by sqrt(hidden_size)
  /// Learned positions; empty if there are none. Row p + offset is position p.
  std::string positions;
  int64_t positionsOffset = 0;
  std::string finalNorm;
  LinearModule head;
  std::string logitScale, logitSoftcap; ///< fields, or empty
  NormStyle norm;

  std::string layerModule;
  /// Norms before the two blocks; empty if there is none. In parallel layers
  /// without a norm of its own the MLP reads what attention reads.
  std::string attentionNorm, mlpNorm;
  /// Norms after them, before the residual is added; empty if there is none.
  std::string attentionOutputNorm, mlpOutputNorm;
  /// Whether both blocks read the layer's input.
  Flag parallel = false;
  AttentionStyle attention;
  MlpStyle mlp;
  std::optional<ExpertsStyle> experts;

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

/// The architecture for a config.json: from `userFile` if that is not empty,
/// else the built-in one for its model_type whose conditions hold. Errors:
/// AWQ1106 (unknown model type; names the known ones and the nearest), AWQ1112
/// (no built-in file for this variant of it), those of parseArchitecture and of
/// parseJsonFile.
Result<Architecture> findArchitecture(const nlohmann::json &config,
                                      const std::string &configFile,
                                      const std::string &userFile);

} // namespace awq

#endif // AWQ_TARGET_HUGGINGFACE_ARCHITECTURE_H
