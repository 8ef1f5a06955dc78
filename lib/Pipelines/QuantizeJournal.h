//===- QuantizeJournal.h - finished layers of an unfinished run -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A folder that holds what a run has found for each finished layer, so that a
// run that was killed at any moment can go on behind the last one:
//
//   job.json               what the run was asked for; locked while it runs
//   layer-N.safetensors    the layer's results, and its event as metadata
//
// A layer's file appears whole or not at all, after it was made durable. The
// folder is removed when the run ends well.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_QUANTIZEJOURNAL_H
#define AWQ_LIB_PIPELINES_QUANTIZEJOURNAL_H

#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/Support/Error.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>

namespace awq {

/// What a run has found for one layer.
struct LayerResult {
  struct Parameter {
    std::string name; ///< may be empty
    std::vector<int64_t> shape;
    std::vector<float> values;
  };
  /// By the name of the weight.
  std::map<std::string, QuantizedMatrix> weights;
  /// Float parameters that changed, by their place among the layer's reads of
  /// parameters other than quantized weights.
  std::map<int64_t, Parameter> parameters;
  nlohmann::ordered_json event;
};

class QuantizeJournal {
public:
  enum class Mode {
    Begin,   ///< refuse a folder that holds finished layers
    Restart, ///< remove them
    Resume   ///< go on behind them, or begin if there are none
  };

  /// Opens or creates the folder. `job` says what the run is asked for: only a
  /// run that is asked for the same can go on. Errors: AWQ1040, AWQ1041,
  /// AWQ1327 (finished layers of another run, or Begin where there are some),
  /// AWQ1328 (another process has the folder).
  static Result<QuantizeJournal>
  open(const std::string &path, const nlohmann::ordered_json &job, Mode mode);

  QuantizeJournal(QuantizeJournal &&other) noexcept;
  QuantizeJournal &operator=(QuantizeJournal &&) = delete;
  ~QuantizeJournal();

  /// The result of a finished layer; nothing if it was not finished. Errors:
  /// those of SafetensorsFile, AWQ1329 (it is not what this run would write).
  Result<std::optional<LayerResult>> read(size_t layer,
                                          const QuantScheme &scheme) const;
  Status write(size_t layer, const LayerResult &result) const;
  /// Removes the folder.
  void remove();

private:
  QuantizeJournal() = default;
  std::string fileOf(size_t layer) const;

  std::string path;
  int lock = -1;
};

} // namespace awq

#endif // AWQ_LIB_PIPELINES_QUANTIZEJOURNAL_H
