//===- Providers.h - what a host compiler supplies --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiler that runs this project's passes inside its own has its weights and
// its calibration statistics in its own memory, not in files. It supplies them
// through two dialect interfaces: added to a dialect of its own, in
// initialize(), or to the awq dialect. Passes ask every loaded dialect that has
// the interface, in the order of the dialects' names.
//
// Providers are asked while passes run, perhaps from several threads at once.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_PROVIDERS_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_PROVIDERS_H

#include "awq/Calibration/Statistics.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectInterface.h"
#include "mlir/IR/Location.h"

#include <functional>
#include <optional>

namespace awq {

/// The numbers of a parameter.
struct ParameterData {
  /// Row-major, in the element format of the type; the host's own memory, which
  /// must stay until the passes have run.
  llvm::ArrayRef<char> bytes;
  /// `bytes` is one element, which all others equal.
  bool splat = false;
};

/// Resolves extern globals without a file.
class ParameterProvider
    : public mlir::DialectInterface::Base<ParameterProvider> {
public:
  explicit ParameterProvider(mlir::Dialect *dialect) : Base(dialect) {}
  ~ParameterProvider() override;

  /// The numbers of the extern global `name`; nothing if it is not the host's.
  /// Then other providers and the module's parameter files are asked.
  virtual std::optional<ParameterData>
  find(llvm::StringRef name, mlir::RankedTensorType type) const = 0;

  /// Takes over a new parameter that a pass has made (codes, scales), and that
  /// the module then declares as an extern global of this name. Asked only if
  /// the pass got no side file. False: not taken. The bytes are the pass's; a
  /// host that takes them copies them, and find() then finds them.
  virtual bool keep(llvm::StringRef name, mlir::RankedTensorType type,
                    llvm::ArrayRef<char> bytes) const {
    return false;
  }
};

/// Supplies calibration statistics of the unscaled model by site.
class StatisticsProvider
    : public mlir::DialectInterface::Base<StatisticsProvider> {
public:
  explicit StatisticsProvider(mlir::Dialect *dialect) : Base(dialect) {}
  ~StatisticsProvider() override;

  /// The statistics of the `awq.observe` of `site`, of so many channels;
  /// nothing if they are not the host's. The fit part needs mean_abs and the
  /// Gram matrix.
  virtual std::optional<calibration::SiteStatistics>
  find(llvm::StringRef site, int64_t channels) const = 0;
};

using FindParameter = std::function<std::optional<ParameterData>(
    llvm::StringRef name, mlir::RankedTensorType type)>;
using FindStatistics = std::function<std::optional<calibration::SiteStatistics>(
    llvm::StringRef site, int64_t channels)>;

/// For hosts without a dialect of their own: adds a provider that calls a
/// function to the awq dialect, which is loaded for it. Once per context and
/// kind: false if the awq dialect has a provider of this kind already.
bool addParameterProvider(mlir::MLIRContext *context, FindParameter find);
bool addStatisticsProvider(mlir::MLIRContext *context, FindStatistics find);

/// For passes: what the providers of the context say. Emits AWQ1665 if the
/// bytes do not fit the type.
mlir::FailureOr<std::optional<ParameterData>>
findProvidedParameter(mlir::Location loc, llvm::StringRef name,
                      mlir::RankedTensorType type);

/// For passes: whether a provider keeps this new parameter.
bool keepProvidedParameter(mlir::MLIRContext *context, llvm::StringRef name,
                           mlir::RankedTensorType type,
                           llvm::ArrayRef<char> bytes);

/// For passes: what the providers of the context say. Emits AWQ1666 if vectors
/// have other lengths than the channels ask for.
mlir::FailureOr<std::optional<calibration::SiteStatistics>>
findProvidedStatistics(mlir::Location loc, llvm::StringRef site,
                       int64_t channels);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_PROVIDERS_H
