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

namespace awq {

/// Statistics by site: those that were set, else those of a file, else those in
/// the attribute of the `awq.observe`. They describe the activations of the
/// unscaled model.
class StatisticsSource {
public:
  StatisticsSource() = default;

  /// Opens a statistics file; an empty path stands for none.
  mlir::LogicalResult open(mlir::Location loc, const std::string &path);

  /// Sets the statistics of one site.
  void set(calibration::SiteStatistics statistics);

  /// Forgets what was set or read from attributes.
  void clear() { sites.clear(); }

  /// The statistics of the site of `observe`, with a fit part that has a Gram
  /// matrix. Emits an error that says what is missing.
  mlir::FailureOr<const calibration::SiteStatistics *> get(ObserveOp observe);

private:
  calibration::StatisticsFile file;
  std::map<std::string, calibration::SiteStatistics> sites;
};

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_STATISTICSSOURCE_H
