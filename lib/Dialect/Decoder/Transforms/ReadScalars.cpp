//===- ReadScalars.cpp - scalars in bodies, as formulas -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/ElementReader.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace awq::decoder;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

SmallVector<ElementRef> ElementReader::apply(AffineMap map,
                                             ArrayRef<ElementRef> loops) {
  SmallVector<ElementRef> places;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      places.push_back(loops[dim.getPosition()]);
    else if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      places.push_back(f.integer(constant.getValue()));
    else
      places.push_back(f.unknown());
  }
  return places;
}

ElementRef ElementReader::blockArgument(BlockArgument argument, Place &place) {
  if (!place.generic || argument.getOwner() != place.generic.getBody())
    return f.unknown();
  OpOperand &operand = place.generic->getOpOperand(argument.getArgNumber());
  return read(
      operand.get(),
      apply(place.generic.getMatchingIndexingMap(&operand), place.loops));
}

ElementRef ElementReader::readScalar(Value value, linalg::GenericOp generic,
                                     ArrayRef<ElementRef> loops) {
  Place place;
  place.generic = generic;
  place.loops = loops;
  return scalar(value, place);
}

ElementRef ElementReader::readScalar(Value value) {
  Place place;
  return scalar(value, place);
}

ElementRef ElementReader::scalar(Value value, Place &place) {
  if (auto it = place.known.find(value); it != place.known.end())
    return it->second;
  Deeper level(*this);
  if (isTooLarge())
    return f.unknown();
  ElementRef result;
  if (auto argument = dyn_cast<BlockArgument>(value))
    result = blockArgument(argument, place);
  else
    result = compute(value.getDefiningOp(), value, place);
  place.known[value] = result;
  return result;
}

ElementRef ElementReader::compare(Operation *op, Place &place) {
  ElementRef a = scalar(op->getOperand(0), place),
             b = scalar(op->getOperand(1), place);
  if (auto floats = dyn_cast<arith::CmpFOp>(op)) {
    if (floats.getPredicate() == arith::CmpFPredicate::OEQ)
      return f.equal(a, b);
    if (floats.getPredicate() == arith::CmpFPredicate::UNE)
      return f.logicalNot(f.equal(a, b));
    return f.unknown();
  }
  a = f.toInteger(a);
  b = f.toInteger(b);
  switch (cast<arith::CmpIOp>(op).getPredicate()) {
  case arith::CmpIPredicate::eq:
    return f.equal(a, b);
  case arith::CmpIPredicate::ne:
    return f.logicalNot(f.equal(a, b));
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return f.atLeast(a, b);
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return f.atLeast(b, a);
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return f.logicalNot(f.atLeast(b, a));
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return f.logicalNot(f.atLeast(a, b));
  }
  return f.unknown();
}

/// A loop that adds up equal terms, as a cumulative sum of ones does.
ElementRef ElementReader::sumLoop(Operation *op, Place &place) {
  auto loop = cast<scf::ForOp>(op);
  if (loop.getInitArgs().size() != 1)
    return f.unknown();
  Value yielded = loop.getBody()->getTerminator()->getOperand(0);
  Operation *sum = yielded.getDefiningOp();
  if (!sum || !isa<arith::AddIOp>(sum) ||
      sum->getOperand(0) != loop.getRegionIterArg(0))
    return f.unknown();
  ElementRef low = scalar(loop.getLowerBound(), place),
             high = scalar(loop.getUpperBound(), place),
             step = scalar(loop.getStep(), place);
  if (low->kind != Element::Integer || high->kind != Element::Integer ||
      step->integer() != 1)
    return f.unknown();
  Linear count = high->linear - low->linear;
  Variable variable = f.addVariable(count);
  place.known[loop.getInductionVar()] =
      f.add(low, f.integer(Linear::variable(variable)));
  ElementRef term = scalar(sum->getOperand(1), place);
  auto number = term->integer();
  if (!number)
    return f.unknown();
  return f.add(scalar(loop.getInitArgs().front(), place),
               f.integer(count * *number));
}

/// The name of a function of floats in Formulas::call; null for other ops.
static const char *functionName(Operation *op) {
  return llvm::TypeSwitch<Operation *, const char *>(op)
      .Case<arith::AddFOp>([](auto) { return "add"; })
      .Case<arith::SubFOp>([](auto) { return "sub"; })
      .Case<arith::MulFOp>([](auto) { return "mul"; })
      .Case<arith::DivFOp>([](auto) { return "div"; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([](auto) { return "max"; })
      .Case<arith::MinimumFOp, arith::MinNumFOp>([](auto) { return "min"; })
      .Case<arith::NegFOp>([](auto) { return "neg"; })
      .Case<math::PowFOp>([](auto) { return "pow"; })
      .Case<math::ExpOp>([](auto) { return "exp"; })
      .Case<math::LogOp>([](auto) { return "log"; })
      .Case<math::SqrtOp>([](auto) { return "sqrt"; })
      .Case<math::RsqrtOp>([](auto) { return "rsqrt"; })
      .Case<math::TanhOp>([](auto) { return "tanh"; })
      .Case<math::CosOp>([](auto) { return "cos"; })
      .Case<math::SinOp>([](auto) { return "sin"; })
      .Case<math::AbsFOp>([](auto) { return "abs"; })
      .Default([](auto) { return nullptr; });
}

ElementRef ElementReader::compute(Operation *op, Value value, Place &place) {
  auto operand = [&](unsigned i) { return scalar(op->getOperand(i), place); };
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue())) {
      if (integer.getType().isInteger(1))
        return f.truth(integer.getValue().getBoolValue());
      return f.integer(integer.getValue().getSExtValue());
    }
    if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
      return f.number(number.getValueAsDouble());
    return f.unknown();
  }
  if (const char *name = functionName(op)) {
    std::vector<ElementRef> parts;
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      parts.push_back(operand(i));
    return f.call(name, std::move(parts));
  }
  bool isFlag = value.getType().isInteger(1);
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return place.loops[index.getDim()];
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    SmallVector<ElementRef> indices;
    for (Value index : extract.getIndices())
      indices.push_back(scalar(index, place));
    return read(extract.getTensor(), indices);
  }
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    auto index = dim.getConstantIndex();
    auto size = index ? sizeOf(dim.getSource(), *index) : std::nullopt;
    return size ? f.integer(*size) : f.unknown();
  }
  if (isa<arith::CmpIOp, arith::CmpFOp>(op))
    return compare(op, place);
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    // size == 1 ? 0 : i is i for each i below the size.
    auto test = select.getCondition().getDefiningOp<arith::CmpIOp>();
    if (test && test.getPredicate() == arith::CmpIPredicate::eq &&
        matchPattern(test.getRhs(), m_One()) &&
        matchPattern(select.getTrueValue(), m_Zero())) {
      ElementRef size = scalar(test.getLhs(), place), index = operand(2);
      if (size->kind == Element::Integer && index->kind == Element::Integer &&
          f.runsOver(index->linear, size->linear))
        return index;
    }
    return f.select(operand(0), operand(1), operand(2));
  }
  if (auto branches = dyn_cast<scf::IfOp>(op)) {
    // The branch that is not taken may read outside of its tensor.
    ElementRef condition = operand(0);
    if (condition->kind != Element::Truth || !branches.elseBlock())
      return f.unknown();
    scf::YieldOp taken =
        condition->number != 0.0 ? branches.thenYield() : branches.elseYield();
    return scalar(taken.getOperand(cast<OpResult>(value).getResultNumber()),
                  place);
  }
  if (isa<scf::ForOp>(op))
    return sumLoop(op, place);
  if (isa<arith::AddIOp>(op))
    return f.add(f.toInteger(operand(0)), f.toInteger(operand(1)));
  if (isa<arith::SubIOp>(op))
    return f.subtract(f.toInteger(operand(0)), f.toInteger(operand(1)));
  if (isa<arith::MulIOp>(op))
    return f.multiply(f.toInteger(operand(0)), f.toInteger(operand(1)));
  if (isa<arith::FloorDivSIOp, arith::DivUIOp, arith::DivSIOp>(op))
    return f.floorDivide(operand(0), operand(1));
  if (isa<arith::RemUIOp, arith::RemSIOp>(op))
    return f.floorRemainder(operand(0), operand(1));
  if (isa<arith::MinSIOp, arith::MinUIOp>(op)) {
    ElementRef a = operand(0), b = operand(1), least = f.minimum(a, b);
    // A place in a table, kept inside: positions end where the table does.
    if (least->isUnknown() && a->kind == Element::Integer && b->integer())
      return a;
    // min(i, size - 1) reads what is broadcast: the only element, or the one in
    // place.
    if (auto last = op->getOperand(1).getDefiningOp<arith::SubIOp>();
        last && least->isUnknown() && matchPattern(last.getRhs(), m_One()))
      return f.select(f.equal(scalar(last.getLhs(), place), f.integer(1)),
                      f.integer(0), a);
    return least;
  }
  if (isa<arith::MaxSIOp, arith::MaxUIOp>(op))
    return f.maximum(operand(0), operand(1));
  if (isa<arith::AndIOp>(op))
    return isFlag ? f.logicalAnd(operand(0), operand(1)) : f.unknown();
  if (isa<arith::OrIOp>(op))
    return isFlag ? f.logicalOr(operand(0), operand(1)) : f.unknown();
  if (isa<arith::XOrIOp>(op) && isFlag) {
    ElementRef a = operand(0), b = operand(1);
    return f.logicalOr(f.logicalAnd(a, f.logicalNot(b)),
                       f.logicalAnd(f.logicalNot(a), b));
  }
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::ExtUIOp, arith::TruncIOp>(op))
    return isFlag ? operand(0) : f.toInteger(operand(0));
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op))
    return f.toFloat(operand(0));
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return operand(0);
  return f.unknown();
}
