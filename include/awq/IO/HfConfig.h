//===- HfConfig.h - config.json of a Hugging Face model ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fields that describe a decoder, in the spellings of transformers 4 and 5
// (rope_scaling + rope_theta or rope_parameters; torch_dtype or dtype).
// Nothing named by the file is ever opened or run: auto_map, _name_or_path and
// the like are not followed.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_HFCONFIG_H
#define AWQ_IO_HFCONFIG_H

#include "awq/IO/DType.h"
#include "awq/IO/Json.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace awq::io {

/// How rotary frequencies are stretched beyond the trained context.
enum class RopeType { Default, Linear, Llama3, Yarn };

/// Rotary embedding parameters; which fields count depends on the type.
struct RopeConfig {
  RopeType type = RopeType::Default;
  double theta = 10000.0;
  /// The part of each head that turns.
  double partialFactor = 1.0;
  double factor = 1.0;
  int64_t originalMaxPosition = 0;
  // Llama3
  double lowFreqFactor = 1.0;
  double highFreqFactor = 4.0;
  // Yarn
  std::optional<double> attentionFactor;
  std::optional<double> mscale;
  std::optional<double> mscaleAllDim;
  double betaFast = 32.0;
  double betaSlow = 1.0;
  bool truncate = true;
};

/// The quantization_config of an AWQ checkpoint.
struct AwqConfig {
  int64_t bits = 4;
  /// 0 for the whole row (-1 in the file).
  int64_t groupSize = 128;
  /// Names of modules; a layer whose name contains one of them stays float.
  std::vector<std::string> modulesToNotConvert;
};

/// A checked config.json.
struct HfConfig {
  std::string file;
  std::string modelType;
  std::vector<std::string> architectures;

  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kvHeads = 0;
  int64_t headDim = 0;
  int64_t maxPosition = 0;
  bool tieWordEmbeddings = false;
  /// F16, BF16 or F32.
  DType dtype = DType::F32;
  std::vector<int64_t> bosTokens;
  std::vector<int64_t> eosTokens;

  RopeConfig rope;
  /// Of layers with a window, where they have parameters of their own.
  std::optional<RopeConfig> localRope;
  /// Absent if attention sees the whole context.
  std::optional<int64_t> slidingWindow;
  /// "full_attention" or "sliding_attention" per layer; empty if not given.
  std::vector<std::string> layerTypes;

  std::optional<AwqConfig> quantization;

  /// What was ignored, one sentence each.
  std::vector<std::string> warnings;

  /// All fields, for those that an architecture file names, and their
  /// defaults.
  nlohmann::json fields;
  nlohmann::json defaults;
};

/// Reads config.json and checks that it is an object with a "model_type".
/// Errors: those of parseJsonFile, AWQ1101 (not an object), AWQ1102, AWQ1103.
Result<nlohmann::json> readHfConfigFile(const std::string &path);

/// Checks the fields of a configuration. `defaults` holds the values of fields
/// that transformers leaves out for this model type. Errors: AWQ1102 to AWQ1105
/// (missing, wrong type, out of range, contradicting), AWQ1107 (rotary scaling
/// not supported), AWQ1109 (unknown dtype), AWQ1111 (quantization not
/// supported), AWQ1112 (another feature not supported).
Result<HfConfig> parseHfConfig(nlohmann::json fields, nlohmann::json defaults,
                               const std::string &path);

} // namespace awq::io

#endif // AWQ_IO_HFCONFIG_H
