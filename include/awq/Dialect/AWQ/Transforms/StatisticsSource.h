//===- StatisticsSource.h - where passes find statistics -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_STATISTICSSOURCE_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_STATISTICSSOURCE_H

#include "awq/Calibration/StatisticsFile.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"

#include <map>
#include <optional>

namespace awq {

/// Statistics by site: those that were set, else those of a file, else the
/// host's (StatisticsProvider), else those in the attribute of the
/// `awq.observe`, as dense elements or as resources. They describe the
/// activations of the unscaled model.
class StatisticsSource {
public:
  StatisticsSource() = default;

  /// Opens a statistics file for `module`; an empty path stands for none. Emits
  /// an error if it was made from another model.
  mlir::LogicalResult open(mlir::ModuleOp module, const std::string &path);

  /// Sets the statistics of one site.
  void set(calibration::SiteStatistics statistics);

  /// Forgets what was set or read; what lies in the file or in attributes is
  /// read again when it is asked for.
  void clear() { sites.clear(); }

  /// The statistics of the site of `observe`, with a fit part that has a Gram
  /// matrix. Emits an error that says what is missing.
  mlir::FailureOr<const calibration::SiteStatistics *> get(ObserveOp observe);

private:
  std::optional<calibration::StatisticsReader> file;
  std::map<std::string, calibration::SiteStatistics> sites;
};

/// The fingerprint of the model that `module` reads: of all tensors in its
/// parameter files, without the side files that passes wrote. Empty for a
/// module whose parameters are inline. Errors: those of Checkpoint.
Result<std::string> fingerprintModel(mlir::ModuleOp module);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_STATISTICSSOURCE_H
