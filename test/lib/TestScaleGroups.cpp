//===- TestScaleGroups.cpp - scales every group at random -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPasses.h"

#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Pass/Pass.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace awq;

namespace {

/// Scales all groups of the module at once by random s in [1/16, 16] and folds
/// the scalings: if the groups are legal, the module computes the same.
struct TestScaleGroups
    : public PassWrapper<TestScaleGroups, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestScaleGroups)

  TestScaleGroups() = default;
  TestScaleGroups(const TestScaleGroups &other) : PassWrapper(other) {}

  StringRef getArgument() const final { return "awq-test-scale-groups"; }
  StringRef getDescription() const final {
    return "Scales every scaling group by random factors, and folds them";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<AWQDialect, arith::ArithDialect,
                    ml_program::MLProgramDialect>();
  }

  void runOnOperation() override {
    std::mt19937 random(seed);
    ParameterStore store(getOperation(), sideFile);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      ScalingGroups groups(function, TargetFilter());
      for (const ScalingGroup &group : groups.groups()) {
        std::vector<float> scales;
        for (int64_t c = 0; c < group.channels; ++c)
          scales.push_back(std::exp2(float(random() % 8001) / 1000.0f - 4.0f));
        if (failed(insertScales(group, scales, store)))
          return signalPassFailure();
      }
      applyScales(function);
    }
    if (failed(store.commit()))
      signalPassFailure();
  }

  Option<unsigned> seed{*this, "seed", llvm::cl::desc("of the factors"),
                        llvm::cl::init(0)};
  Option<std::string> sideFile{
      *this, "side-file",
      llvm::cl::desc("safetensors file for the factors, if the weights lie in "
                     "files")};
};

} // namespace

void awq::registerTestPasses() { PassRegistration<TestScaleGroups>(); }
