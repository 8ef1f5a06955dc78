//===- Loops.cpp - loops inside of an element's computation - -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loops.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

static SmallVector<Value> nest(ImplicitLocOpBuilder &b,
                               ArrayRef<Interval> intervals, ValueRange inits,
                               SmallVector<Value> &places, LoopBody body) {
  if (places.size() == intervals.size())
    return body(b, places, inits);
  const Interval &interval = intervals[places.size()];
  Value one = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ForOp::create(
      b, interval.begin, interval.end, one, inits,
      [&](OpBuilder &inner, Location loc, Value i, ValueRange carried) {
        ImplicitLocOpBuilder nested(loc, inner);
        places.push_back(i);
        scf::YieldOp::create(nested,
                             nest(nested, intervals, carried, places, body));
        places.pop_back();
      });
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> onnx::loopOver(ImplicitLocOpBuilder &b,
                                  ArrayRef<Interval> intervals,
                                  ValueRange inits, LoopBody body) {
  SmallVector<Value> places;
  return nest(b, intervals, inits, places, body);
}

Value onnx::loopOver(ImplicitLocOpBuilder &b, ArrayRef<Interval> intervals,
                     Value init, SingleLoopBody body) {
  return loopOver(b, intervals, ValueRange(init),
                  [&](ImplicitLocOpBuilder &nested, ValueRange places,
                      ValueRange carried) -> SmallVector<Value> {
                    return {body(nested, places, carried[0])};
                  })
      .front();
}

SmallVector<Interval> onnx::placesOf(Emitter &e, ArrayRef<DimExpr> shape) {
  SmallVector<Interval> intervals;
  for (const DimExpr &size : shape)
    intervals.push_back(
        {arith::ConstantIndexOp::create(e.b, 0), e.dims.materialize(size)});
  return intervals;
}
