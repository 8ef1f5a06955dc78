//===- SearchPass.h - what passes that search have in common ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_DIALECT_AWQ_TRANSFORMS_SEARCHPASS_H
#define AWQ_LIB_DIALECT_AWQ_TRANSFORMS_SEARCHPASS_H

#include "awq/Dialect/AWQ/Transforms/Quantization.h"

namespace awq {

/// What a function is searched with.
struct SearchSetup {
  const QuantScheme &scheme;
  const TargetFilter &filter;
  StatisticsSource &statistics;
  ParameterStore &store;
};

/// A pass that searches each function of a module. `Generated` is its TableGen
/// base, with the options bits, group, symmetric, statistics, skip and
/// sideFile.
template <typename Generated>
class SearchPass : public Generated {
public:
  using Generated::Generated;

  void runOnOperation() override {
    if (mlir::failed(run(this->getOperation())))
      this->signalPassFailure();
  }

protected:
  virtual mlir::LogicalResult search(mlir::func::FuncOp function,
                                     const SearchSetup &setup) = 0;

private:
  mlir::LogicalResult run(mlir::ModuleOp module) {
    mlir::FailureOr<QuantScheme> scheme =
        makeScheme(module.getLoc(), this->bits, this->group, this->symmetric);
    StatisticsSource source;
    if (mlir::failed(scheme) ||
        mlir::failed(source.open(module, this->statistics)))
      return mlir::failure();
    ParameterStore store(module, this->sideFile);
    TargetFilter filter =
        TargetFilter::forModule(module, llvm::to_vector(this->skip));
    for (auto function : module.getOps<mlir::func::FuncOp>()) {
      if (mlir::failed(search(function, {*scheme, filter, source, store})))
        return mlir::failure();
      // One layer's Gram matrices at a time.
      source.clear();
    }
    return store.commit();
  }
};

} // namespace awq

#endif // AWQ_LIB_DIALECT_AWQ_TRANSFORMS_SEARCHPASS_H
