//===- ArchitectureRules.h - what a config.json makes of it -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An architecture file names fields of config.json; these functions read them.
// All of them fail with AWQ1102 to AWQ1104 where a field that a rule needs is
// missing, has the wrong type or is out of range.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TARGET_HUGGINGFACE_ARCHITECTURERULES_H
#define AWQ_TARGET_HUGGINGFACE_ARCHITECTURERULES_H

#include "awq/Target/HuggingFace/Architecture.h"

namespace awq {

/// Writes the sizes that config.json has under other names under the usual
/// ones.
Status applyNames(const Architecture &architecture, nlohmann::json &config,
                  const std::string &configFile);

/// Whether config.json has the values that the architecture requires. Errors:
/// AWQ1112, which names the field and the value.
Status checkRequired(const Architecture &architecture,
                     const io::HfConfig &config);

/// Whether all fields named in `conditions` have the values given there; null
/// stands for a field that is null or absent.
bool holds(const nlohmann::json &conditions, const nlohmann::json &config,
           const nlohmann::json &defaults);

Result<bool> evaluate(const Flag &flag, const io::HfConfig &config);
/// Nothing if no alternative has all of its fields.
Result<std::optional<int64_t>> evaluate(const Size &size,
                                        const io::HfConfig &config);
/// A size that must have a value, of 1 to 2^22; `what` names it in the error.
Result<int64_t> require(const Size &size, const io::HfConfig &config,
                        const std::string &what);
/// A field that may be null or not be named at all, and its least value.
Result<std::optional<double>> optionalNumber(const std::string &field,
                                             const io::HfConfig &config,
                                             double low = -1e9);

/// The shape of attention.
struct AttentionSizes {
  int64_t heads = 0, kvHeads = 0;
  /// Channels of one head of query and key, and of value.
  int64_t key = 0, value = 0;
  /// Channels of a head that turn; 0 without rotary embedding.
  int64_t rotary = 0;
  // Of AttentionStyle::Kind::Latent: ranks (queryRank 0 if query has none) and
  // the channels of a head of query and key that do not turn.
  int64_t queryRank = 0, keyValueRank = 0, straight = 0;
};

/// Further errors: AWQ1105 (an odd number of channels turns), AWQ1112 (a part
/// of each head turns, or layers differ in it, and the architecture does not
/// say so).
Result<AttentionSizes> attentionSizes(const Architecture &architecture,
                                      const io::HfConfig &config);

/// What scores are multiplied by.
Result<double> attentionScale(const Architecture &architecture,
                              const io::HfConfig &config,
                              const AttentionSizes &sizes);

/// The window of a layer in tokens; 0 for the whole context.
Result<int64_t> layerWindow(const Architecture &architecture,
                            const io::HfConfig &config, int64_t layer);

/// Whether a layer has experts in place of an MLP.
Result<bool> hasExperts(const Architecture &architecture,
                        const io::HfConfig &config, int64_t layer);

} // namespace awq

#endif // AWQ_TARGET_HUGGINGFACE_ARCHITECTURERULES_H
