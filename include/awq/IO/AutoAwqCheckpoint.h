//===- AutoAwqCheckpoint.h - rules of AutoAWQ checkpoints -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What a checkpoint in AutoAWQ's "gemm" format must look like, as far as names,
// shapes and config.json go; the bits are the business of Dialect/AWQ/Utils.
// Each quantized linear <module> [N, K] with groups of g has, instead of
// <module>.weight:
//   <module>.qweight  I32 [K, N/8]
//   <module>.qzeros   I32 [K/g, N/8]
//   <module>.scales   F16 or BF16 [K/g, N], positive
//   <module>.bias     F16, BF16 or F32 [N], if the model has one
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_AUTOAWQCHECKPOINT_H
#define AWQ_IO_AUTOAWQCHECKPOINT_H

#include "awq/IO/HfConfig.h"
#include "awq/IO/Safetensors.h"

#include <optional>
#include <string>
#include <vector>

namespace awq::io {

/// One quantized linear of a checkpoint; the views point into the checkpoint.
struct AwqLinear {
  std::string module;
  /// Output and input channels, and groups per row.
  int64_t n = 0, k = 0, groups = 0;
  TensorView qweight, qzeros, scales;
  std::optional<TensorView> bias;
};

/// What the model says about its checkpoint.
struct AwqCheckpointRules {
  /// num_hidden_layers; 0 if not known.
  int64_t layers = 0;
  /// Linears that readers load as one, by the last component of their names,
  /// such as {"q_proj", "k_proj", "v_proj"}: quantized together or not at all.
  std::vector<std::vector<std::string>> fusedSets;
};

/// If `config` (the contents of config.json) has no quantization_config but
/// `folder` has AutoAWQ's old quant_config.json, adds that to it under the
/// present name. Errors: those of parseJsonFile, AWQ1220 (not an object).
Status addLegacyQuantization(nlohmann::json &config, const std::string &folder);

/// Checks every quantized linear and returns them, sorted by name. Scales are
/// read. A subnormal scale is accepted: AutoAWQ writes them for groups of
/// zeros. Errors: AWQ1221 (a tensor of a linear is missing), AWQ1222 (wrong
/// element type or rank), AWQ1223 (shapes that contradict each other or the
/// group size), AWQ1224 (a scale that is not a positive number), AWQ1225
/// (g_idx: a GPTQ checkpoint), AWQ1226 (scaled activations), AWQ1227 (a float
/// weight beside the codes), AWQ1228 (modules_to_not_convert names a quantized
/// linear), AWQ1229 (part of a fused set), AWQ1230 (a wrong bias), AWQ1231 (a
/// layer that the model does not have), AWQ1232 (nothing is quantized).
Result<std::vector<AwqLinear>>
checkAwqCheckpoint(const Checkpoint &checkpoint, const AwqConfig &config,
                   const AwqCheckpointRules &rules);

/// Refuses input that is quantized already, by its config.json or its tensors
/// (AWQ1234). `file` is config.json's path.
Status refuseQuantized(const nlohmann::json &config, const std::string &file,
                       const Checkpoint &checkpoint);

/// modules_to_not_convert for a checkpoint with these float and quantized
/// linears: full names, since readers match substrings. "lm_head" is left out,
/// as all readers keep it in float. Error: AWQ1233 (a float linear's name is
/// part of a quantized one's).
Result<std::vector<std::string>>
modulesToNotConvert(const std::vector<std::string> &floatModules,
                    const std::vector<std::string> &quantizedModules);

/// The quantization_config object to write into config.json.
nlohmann::json makeQuantizationConfig(const AwqConfig &config);

} // namespace awq::io

#endif // AWQ_IO_AUTOAWQCHECKPOINT_H
