//===- AutoAwqWriter.h - checkpoints in AutoAWQ's format --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TARGET_AUTOAWQ_AUTOAWQWRITER_H
#define AWQ_TARGET_AUTOAWQ_AUTOAWQWRITER_H

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"
#include "awq/IO/AtomicDirectory.h"
#include "awq/IO/SafetensorsWriter.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace awq {

/// What a checkpoint will hold. Tensors go to the file in this order, the
/// quantized layers after the float tensors of the same list.
struct AutoAwqPlan {
  /// A tensor that stays float: embeddings, norms, biases, unquantized layers.
  struct FloatTensor {
    std::string name;
    std::vector<int64_t> shape;
    /// Kept in f32; other floats are rounded to f16.
    bool exact = false;
  };
  /// A quantized layer with the weight [n, k]; `module` is its tensors' name
  /// without ".qweight".
  struct Linear {
    std::string module;
    int64_t n = 0, k = 0;
  };

  /// The folder of the float model: its config.json is extended, its tokenizer
  /// and licence files are copied.
  std::string source;
  /// The folder to make. It appears when commit() succeeds.
  std::string destination;
  /// Replace `destination` if it holds a model.
  bool force = false;
  /// 4 bits. A symmetric scheme is written with the zero points it is given.
  QuantScheme scheme;
  std::vector<FloatTensor> floats;
  std::vector<Linear> linears;
  /// Modules of linear layers among `floats`, for modules_to_not_convert.
  std::vector<std::string> floatLinears;
  /// Files are split before they exceed this.
  uint64_t maxShardBytes = 5'000'000'000;
};

/// Writes a complete Hugging Face folder in AutoAWQ's "gemm" format: for each
/// quantized layer qweight I32 [k, n/8], qzeros I32 [k/g, n/8] and scales F16
/// [k/g, n], all other tensors as F16, config.json with quantization_config,
/// tokenizer and licence. Nothing is visible under the destination's name
/// until all of it is there, and no weights are held in memory.
class AutoAwqWriter {
public:
  /// Checks the plan and reserves the space. Errors: AWQ1250 (destination is
  /// the source), those of validateLayout, modulesToNotConvert,
  /// parseJsonFile, AtomicDirectory and SafetensorsWriter.
  static Result<AutoAwqWriter> create(AutoAwqPlan plan);

  /// Writes a float tensor, row-major, rounded to F16. Errors: AWQ1251 (a
  /// value is beyond F16), AWQ1043 (unknown name or wrong count), AWQ1041.
  Status writeFloat(std::string_view name, const float *values, int64_t count);

  /// Writes a quantized layer: codes u8 [n, k], scales f32 [n, k/g], zeros u8
  /// [n, k/g]. Errors: AWQ1213 (a scale that F16 cannot hold), AWQ1043,
  /// AWQ1041.
  Status writeLinear(std::string_view module, const uint8_t *codes,
                     const float *scales, const uint8_t *zeros);

  /// Completes the folder. Errors: AWQ1043 (a tensor was not written), those
  /// of AtomicDirectory::commit.
  Status commit();

  /// Sum of the safetensors files.
  uint64_t bytes() const;
  /// What was left out or changed, one sentence each.
  const std::vector<std::string> &warnings() const { return notes; }

private:
  explicit AutoAwqWriter(io::AtomicDirectory folder)
      : folder(std::move(folder)) {}
  Status openShards();
  Status writeConfig();
  Status writeIndex();
  Status writeText(const std::string &name, const std::string &text);
  Status write(const std::string &name, const void *data, uint64_t bytes);

  AutoAwqPlan plan;
  io::AtomicDirectory folder;
  std::vector<std::string> shardNames;
  std::vector<io::SafetensorsWriter> shards;
  /// Tensor name to the shard that holds it.
  std::unordered_map<std::string, size_t> owners;
  std::unordered_map<std::string, size_t> linearIndices;
  std::unordered_set<std::string> exactFloats;
  uint64_t tensorBytes = 0;
  std::vector<std::string> notes;
};

} // namespace awq

#endif // AWQ_TARGET_AUTOAWQ_AUTOAWQWRITER_H
