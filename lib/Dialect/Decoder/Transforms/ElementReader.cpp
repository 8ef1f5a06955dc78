//===- ElementReader.cpp - from ops to formulas ---------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/ElementReader.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
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
// Sizes
//===----------------------------------------------------------------------===//

std::optional<Linear> ElementReader::asLinear(OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return Linear(cast<IntegerAttr>(attribute).getInt());
  ElementRef element = readScalar(cast<Value>(value));
  if (element->kind != Element::Integer)
    return std::nullopt;
  return element->linear;
}

std::optional<Linear> ElementReader::sizeOf(Value tensor, int64_t dim) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type)
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return Linear(type.getDimSize(dim));
  Deeper level(*this);
  if (isTooLarge())
    return std::nullopt;
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return arguments.size(argument, dim);
  Operation *op = tensor.getDefiningOp();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return sizeOf(cast.getSource(), dim);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return asLinear(empty.getMixedSizes()[dim]);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (slice.getSourceType().getRank() != type.getRank())
      return std::nullopt;
    return asLinear(slice.getMixedSizes()[dim]);
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return asLinear(expand.getMixedOutputShape()[dim]);
  if (auto reshape = dyn_cast<tensor::ReshapeOp>(op)) {
    ElementRef size = read(reshape.getShape(), f.integer(dim));
    if (size->kind != Element::Integer)
      return std::nullopt;
    return size->linear;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    Linear product(1);
    ReassociationIndices sources = collapse.getReassociationIndices()[dim];
    for (int64_t source : sources) {
      auto size = sizeOf(collapse.getSrc(), source);
      if (!size || (!product.isConstant() && !size->isConstant()))
        return std::nullopt;
      product = size->isConstant() ? product * size->constant
                                   : *size * product.constant;
    }
    return product;
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    if (int64_t(concat.getDim()) != dim)
      return sizeOf(concat.getInputs().front(), dim);
    Linear sum;
    for (Value input : concat.getInputs()) {
      auto size = sizeOf(input, dim);
      if (!size)
        return std::nullopt;
      sum = sum + *size;
    }
    return sum;
  }
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return sizeOf(op->getOperand(0), dim);
  // Ops over rows, where they are raised already.
  if (dim == 0 &&
      isa<ActivationOp, GLUOp, LayerNormOp, awq::LinearOp, RMSNormOp, RotaryOp>(
          op))
    return sizeOf(op->getOperand(0), dim);
  if (auto style = dyn_cast<DestinationStyleOpInterface>(op)) {
    unsigned result = cast<OpResult>(tensor).getResultNumber();
    return sizeOf(style.getDpsInitOperand(result)->get(), dim);
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

ElementRef ElementReader::readConstant(Value tensor,
                                       ArrayRef<ElementRef> indices) {
  SmallVector<int64_t> places;
  for (const ElementRef &index : indices)
    if (auto place = index->integer())
      places.push_back(*place);
  bool isPlace = places.size() == indices.size();
  DenseElementsAttr constant;
  if (matchPattern(tensor, m_Constant(&constant))) {
    if (isa<IntegerType>(constant.getElementType())) {
      bool isFlag = constant.getElementType().isInteger(1);
      if (!isPlace && !constant.isSplat())
        return f.unknown();
      APInt element =
          constant.isSplat()
              ? constant.getSplatValue<APInt>()
              : constant.getValues<APInt>()[ArrayRef<uint64_t>(
                    reinterpret_cast<const uint64_t *>(places.data()),
                    places.size())];
      if (isFlag)
        return f.truth(element.getBoolValue());
      return f.integer(element.getSExtValue());
    }
    if (isa<FloatType>(constant.getElementType()) && constant.isSplat()) {
      APFloat value = constant.getSplatValue<APFloat>();
      bool lossy;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &lossy);
      return f.number(value.convertToDouble());
    }
  }
  if (isPlace)
    if (auto value = arguments.constant(tensor, places))
      return f.number(*value);
  return f.lookup(tensor, std::vector<ElementRef>(indices));
}

ElementRef ElementReader::readGeneric(linalg::GenericOp op,
                                      ArrayRef<ElementRef> indices) {
  SmallVector<ElementRef> loops(op.getNumLoops());
  AffineMap output = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (auto [expr, index] : llvm::zip(output.getResults(), indices))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loops[dim.getPosition()] = index;
  // Sums over a single element are no sums.
  for (ElementRef &loop : loops)
    if (!loop)
      loop = f.integer(0);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (auto [iterator, range] : llvm::zip(op.getIteratorTypesArray(), ranges))
    if (iterator != utils::IteratorType::parallel && range != 1)
      return f.unknown();
  Value yielded = op.getBody()->getTerminator()->getOperand(0);
  return readScalar(yielded, op, loops);
}

ElementRef ElementReader::readReduce(linalg::ReduceOp op,
                                     ArrayRef<ElementRef> indices) {
  Operation &combiner = op.getCombiner().front().front();
  bool isSum = isa<arith::AddIOp, arith::AddFOp>(combiner);
  if (!isSum || op.getInputs().size() != 1 || op.getDimensions().size() != 1)
    return f.unknown();
  Value input = op.getInputs().front();
  int64_t dim = op.getDimensions().front();
  auto size = sizeOf(input, dim);
  if (!size)
    return f.unknown();
  SmallVector<ElementRef> places(indices);
  Variable variable = f.addVariable(*size);
  places.insert(places.begin() + dim, f.integer(Linear::variable(variable)));
  ElementRef term = read(input, places);
  ElementRef init = read(op.getInits().front(), indices);
  // A sum of equal numbers.
  if (auto number = term->integer())
    return f.add(init, f.integer(*size * *number));
  if (term->kind == Element::Number && size->isConstant())
    return f.call("add", {init, f.number(term->number * size->constant)});
  return f.unknown();
}

/// Whether a size of a source is made of one of its result and those before it.
static bool joins(const Linear &before, const Linear &after) {
  if (!after.isConstant())
    return false;
  return !before.isConstant() || before.constant > after.constant;
}

ElementRef ElementReader::readReshaped(Value source, Value result,
                                       ArrayRef<ElementRef> indices) {
  // Sizes of 1 come and go freely; what is left must be the same sizes.
  auto sizes = [&](Value tensor) {
    SmallVector<std::optional<Linear>> list;
    int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
    for (int64_t i = 0; i < rank; ++i)
      list.push_back(sizeOf(tensor, i));
    return list;
  };
  auto before = sizes(source), after = sizes(result);
  if (llvm::is_contained(before, std::nullopt) ||
      llvm::is_contained(after, std::nullopt))
    return f.unknown();
  auto isOne = [](const std::optional<Linear> &size) {
    return *size == Linear(1);
  };
  // Split from the last dimension on.
  SmallVector<ElementRef> places(before.size());
  int64_t j = int64_t(after.size()) - 1;
  for (int64_t i = int64_t(before.size()) - 1; i >= 0; --i) {
    if (isOne(before[i])) {
      places[i] = f.integer(0);
      continue;
    }
    while (j >= 0 && isOne(after[j]))
      --j;
    if (j < 0)
      return f.unknown();
    if (*before[i] == *after[j]) {
      places[i] = indices[j--];
      continue;
    }
    if (joins(*before[i], *after[j])) {
      // Several of the result's are one of the source's.
      ElementRef place = indices[j];
      Linear size = *after[j--];
      while (j >= 0 && !(size == *before[i])) {
        if (!size.isConstant())
          return f.unknown();
        place = f.add(place, f.multiply(indices[j], f.integer(size.constant)));
        size = *after[j--] * size.constant;
      }
      if (!(size == *before[i]))
        return f.unknown();
      places[i] = place;
      continue;
    }
    // One of the result's is several of the source's.
    ElementRef rest = indices[j];
    Linear whole = *after[j--];
    int64_t k = i;
    for (; k >= 0; --k) {
      if (whole == *before[k]) {
        places[k--] = rest;
        break;
      }
      std::optional<Linear> outer = before[k]->isConstant()
                                        ? whole.dividedBy(before[k]->constant)
                                        : std::nullopt;
      if (!outer)
        return f.unknown();
      ElementRef extent = f.integer(before[k]->constant);
      places[k] = f.floorRemainder(rest, extent);
      rest = f.floorDivide(rest, extent);
      whole = *outer;
    }
    i = k + 1;
  }
  for (const ElementRef &place : places)
    if (place->isUnknown())
      return f.unknown();
  return read(source, places);
}

ElementRef ElementReader::readConcat(Operation *op,
                                     ArrayRef<ElementRef> indices) {
  auto concat = cast<tensor::ConcatOp>(op);
  int64_t dim = concat.getDim();
  // From the last input to the first: select(i >= start, ...).
  SmallVector<Linear> starts;
  Linear start;
  for (Value input : concat.getInputs()) {
    starts.push_back(start);
    auto size = sizeOf(input, dim);
    if (!size)
      return f.unknown();
    start = start + *size;
  }
  ElementRef result;
  for (auto [i, input] : llvm::enumerate(concat.getInputs())) {
    ElementRef begin = f.integer(starts[i]);
    ElementRef isHere = f.atLeast(indices[dim], begin);
    // Inputs that the index cannot reach need not be known.
    if (isHere->kind == Element::Truth && isHere->number == 0.0)
      break;
    SmallVector<ElementRef> places(indices);
    places[dim] = f.subtract(indices[dim], begin);
    bool isLast = i + 1 == starts.size();
    if (!isLast) {
      ElementRef isBehind = f.atLeast(indices[dim], f.integer(starts[i + 1]));
      if (isBehind->kind == Element::Truth && isBehind->number != 0.0)
        continue;
    }
    ElementRef element = read(input, places);
    result = result ? f.select(isHere, element, result) : element;
  }
  return result ? result : f.unknown();
}

ElementRef ElementReader::read(Value tensor, ArrayRef<ElementRef> indices) {
  Deeper level(*this);
  if (isTooLarge())
    return f.unknown();
  for (const ElementRef &index : indices)
    if (index->isUnknown())
      return f.unknown();
  if (ElementRef given = arguments.given(tensor, indices))
    return given;
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return arguments.element(argument, indices);
  Operation *op = tensor.getDefiningOp();
  if (isa<arith::ConstantOp, ml_program::GlobalLoadConstOp>(op))
    return readConstant(tensor, indices);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return read(cast.getSource(), indices);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return generic.getNumResults() == 1 ? readGeneric(generic, indices)
                                        : f.unknown();
  if (auto reduce = dyn_cast<linalg::ReduceOp>(op))
    return readReduce(reduce, indices);
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return readScalar(fill.getInputs().front());
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return readScalar(splat.getInput());
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    SmallVector<ElementRef> places(indices.size());
    for (auto [i, axis] : llvm::enumerate(transpose.getPermutation()))
      places[axis] = indices[i];
    return read(transpose.getInput(), places);
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return readReshaped(expand.getSrc(), tensor, indices);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return readReshaped(collapse.getSrc(), tensor, indices);
  if (auto reshape = dyn_cast<tensor::ReshapeOp>(op))
    return readReshaped(reshape.getSource(), tensor, indices);
  if (isa<tensor::ConcatOp>(op))
    return readConcat(op, indices);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (slice.getSourceType().getRank() != int64_t(indices.size()))
      return f.unknown();
    SmallVector<ElementRef> places;
    for (auto [i, index] : llvm::enumerate(indices)) {
      auto offset = asLinear(slice.getMixedOffsets()[i]);
      auto stride = asLinear(slice.getMixedStrides()[i]);
      if (!offset || !stride || !stride->isConstant())
        return f.unknown();
      places.push_back(f.add(f.integer(*offset),
                             f.multiply(index, f.integer(stride->constant))));
    }
    return read(slice.getSource(), places);
  }
  if (auto elements = dyn_cast<tensor::FromElementsOp>(op)) {
    if (elements.getElements().size() == 1)
      return readScalar(elements.getElements().front());
    if (indices.size() == 1)
      if (auto place = indices[0]->integer();
          place && *place >= 0 &&
          *place < int64_t(elements.getElements().size()))
        return readScalar(elements.getElements()[*place]);
  }
  return f.unknown();
}
