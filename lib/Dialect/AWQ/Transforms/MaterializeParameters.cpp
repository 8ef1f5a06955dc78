//===- MaterializeParameters.cpp - parameter expressions as numbers -*- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/SetVector.h"

namespace awq {
#define GEN_PASS_DEF_MATERIALIZEPARAMETERSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

template <typename T>
static ArrayRef<char> asBytes(const std::vector<T> &v) {
  return ArrayRef<char>(reinterpret_cast<const char *>(v.data()),
                        v.size() * sizeof(T));
}

/// A leaf with the numbers of the expression `value`.
static FailureOr<Value> materialize(Value value, ParameterStore &store) {
  auto type = cast<RankedTensorType>(value.getType());
  Operation *op = value.getDefiningOp();
  OpBuilder builder(op);
  builder.setInsertionPointAfter(op);
  std::string name = getParameterName(value) + ".materialized";
  if (type.getElementType().isInteger(8)) {
    FailureOr<std::vector<uint8_t>> bytes = store.readBytes(value);
    if (failed(bytes))
      return failure();
    return store.define(builder, value.getLoc(), name, type, asBytes(*bytes),
                        value);
  }
  if (type.getElementType().isInteger(32)) {
    FailureOr<std::vector<uint32_t>> words = store.readWords(value);
    if (failed(words))
      return failure();
    return store.define(builder, value.getLoc(), name, type, asBytes(*words),
                        value);
  }
  FailureOr<std::vector<float>> values = store.readFloats(value);
  if (failed(values))
    return failure();
  return store.defineFloats(builder, value.getLoc(), name, type, *values,
                            value);
}

LogicalResult awq::materializeParameters(ModuleOp module,
                                         ParameterStore &store) {
  // The roots of expressions: what ops that are no parameters read.
  llvm::SetVector<Value> roots;
  SmallVector<Operation *> parameterOps;
  module.walk([&](Operation *op) {
    if (op->getNumResults() > 0 &&
        llvm::all_of(op->getResults(), isParameter)) {
      parameterOps.push_back(op);
      return;
    }
    for (Value operand : op->getOperands())
      if (isParameterExpression(operand))
        roots.insert(operand);
  });
  for (Value root : roots) {
    FailureOr<Value> leaf = materialize(root, store);
    if (failed(leaf))
      return failure();
    root.replaceAllUsesWith(*leaf);
  }
  for (Operation *op : llvm::reverse(parameterOps))
    if (op->use_empty())
      op->erase();
  return success();
}

bool awq::hasParameterExpressions(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        bool isRead = !llvm::all_of(op->getResults(), isParameter) ||
                      op->getNumResults() == 0;
        return isRead && llvm::any_of(op->getOperands(), isParameterExpression)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

namespace {

struct MaterializeParameters
    : public awq::impl::MaterializeParametersPassBase<MaterializeParameters> {
  using MaterializeParametersPassBase::MaterializeParametersPassBase;

  void runOnOperation() override {
    ParameterStore store(getOperation(), sideFile);
    if (failed(materializeParameters(getOperation(), store)) ||
        failed(store.commit()))
      signalPassFailure();
  }
};

} // namespace
