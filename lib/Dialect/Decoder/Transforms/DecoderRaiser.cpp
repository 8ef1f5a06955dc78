//===- DecoderRaiser.cpp - what the arguments are -------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

DecoderRaiser::DecoderRaiser(func::FuncOp source, ParameterStore &store)
    : source(source), store(store), b(source.getLoc(), source.getContext()) {
  reader = std::make_unique<ElementReader>(formulas, describeArguments());
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

/// The values that an operand has a part in, one step on; nothing behind
/// comparisons, sums and sizes, where a value no longer is what it was.
static void addUsers(OpOperand &use, llvm::SetVector<Value> &values) {
  Operation *user = use.getOwner();
  if (isa<arith::CmpIOp, linalg::ReduceOp, scf::ForOp, tensor::DimOp>(user))
    return;
  if (auto generic = dyn_cast<linalg::GenericOp>(user)) {
    values.insert(generic.getBody()->getArgument(use.getOperandNumber()));
    return;
  }
  if (user->hasTrait<OpTrait::IsTerminator>()) {
    if (Operation *parent = user->getParentOp(); isa<linalg::LinalgOp>(parent))
      values.insert(parent->result_begin(), parent->result_end());
    return;
  }
  values.insert(user->result_begin(), user->result_end());
}

bool DecoderRaiser::holdsPositions(BlockArgument argument) const {
  llvm::SetVector<Value> values;
  values.insert(argument);
  bool isPlace = false;
  for (size_t i = 0; i < values.size() && i < 4096; ++i)
    for (OpOperand &use : values[i].getUses()) {
      Operation *user = use.getOwner();
      isPlace |= isa<math::CosOp, math::SinOp>(user);
      auto extract = dyn_cast<tensor::ExtractOp>(user);
      isPlace |= extract && extract.getTensor() != values[i] &&
                 isParameter(extract.getTensor());
      // A mask is asked whether it is zero, and may count positions besides.
      auto test = dyn_cast<arith::CmpIOp>(user);
      if (test && (test.getPredicate() == arith::CmpIPredicate::ne ||
                   test.getPredicate() == arith::CmpIPredicate::eq))
        return false;
      addUsers(use, values);
    }
  return isPlace;
}

/// The tables that elements of an argument are places in.
static bool readsTable(BlockArgument argument, int64_t rowCount) {
  llvm::SetVector<Value> values;
  values.insert(argument);
  for (size_t i = 0; i < values.size() && i < 4096; ++i)
    for (OpOperand &use : values[i].getUses()) {
      auto extract = dyn_cast<tensor::ExtractOp>(use.getOwner());
      if (extract && extract.getTensor() != values[i] &&
          isParameter(extract.getTensor()) &&
          cast<RankedTensorType>(extract.getTensor().getType()).getDimSize(0) ==
              rowCount)
        return true;
      addUsers(use, values);
    }
  return false;
}

bool DecoderRaiser::findRoles(Value logits) {
  int64_t vocabulary =
      cast<RankedTensorType>(logits.getType()).getShape().back();
  roles.assign(source.getNumArguments(), Role::Other);
  for (BlockArgument argument : source.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    Role &role = roles[argument.getArgNumber()];
    if (!type)
      continue;
    if (isa<FloatType>(type.getElementType()) && type.getRank() == 4 &&
        type.isDynamicDim(2)) {
      role = Role::Cache;
      hasCaches = true;
    } else if (type.getElementType().isInteger() && type.getRank() == 2) {
      if (!tokens && readsTable(argument, vocabulary)) {
        role = Role::Tokens;
        tokens = argument;
      } else {
        role = holdsPositions(argument) ? Role::Positions : Role::Mask;
      }
    }
  }
  return bool(tokens);
}

Linear DecoderRaiser::past() const {
  return hasCaches ? Linear::variable(pastTokens) : Linear(0);
}

ElementRef DecoderRaiser::argumentElement(BlockArgument argument,
                                          ArrayRef<ElementRef> indices) {
  if (argument.getOwner() != &source.getBody().front())
    return formulas.unknown();
  switch (roles[argument.getArgNumber()]) {
  case Role::Mask:
    // One sequence has no padding.
    return formulas.integer(1);
  case Role::Positions:
    return formulas.add(indices[1], formulas.integer(past()));
  default:
    return formulas.unknown();
  }
}

std::optional<Linear> DecoderRaiser::argumentSize(BlockArgument argument,
                                                  int64_t dim) {
  if (argument.getOwner() != &source.getBody().front())
    return std::nullopt;
  Linear news = Linear::variable(newTokens);
  switch (roles[argument.getArgNumber()]) {
  case Role::Other:
    return std::nullopt;
  case Role::Cache:
    return dim == 0 ? Linear(1) : past();
  case Role::Mask:
    return dim == 0 ? Linear(1) : past() + news;
  case Role::Tokens:
  case Role::Positions:
    return dim == 0 ? Linear(1) : news;
  }
  return std::nullopt;
}

std::optional<double> DecoderRaiser::constantElement(Value tensor,
                                                     ArrayRef<int64_t> place) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || !type.hasStaticShape() || !isa<FloatType>(type.getElementType()))
    return std::nullopt;
  auto it = tables.find(tensor);
  if (it == tables.end()) {
    FailureOr<std::vector<float>> values = store.readFloats(tensor);
    if (failed(values))
      return std::nullopt;
    it = tables.insert({tensor, std::move(*values)}).first;
  }
  int64_t offset = 0;
  for (auto [index, size] : llvm::zip(place, type.getShape())) {
    if (index < 0 || index >= size)
      return std::nullopt;
    offset = offset * size + index;
  }
  return it->second[offset];
}

std::optional<int64_t> DecoderRaiser::fixedSize(Value tensor, int64_t dim) {
  auto size = reader->sizeOf(tensor, dim);
  if (!size || !size->isConstant())
    return std::nullopt;
  return size->constant;
}

std::optional<int64_t> DecoderRaiser::lastSize(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || type.getRank() == 0)
    return std::nullopt;
  return fixedSize(tensor, type.getRank() - 1);
}

bool DecoderRaiser::haveSameSizes(Value a, Value b) {
  int64_t rank = cast<RankedTensorType>(a.getType()).getRank();
  if (cast<RankedTensorType>(b.getType()).getRank() != rank)
    return false;
  for (int64_t i = 0; i < rank; ++i) {
    auto left = reader->sizeOf(a, i), right = reader->sizeOf(b, i);
    if (!left || !right || !(*left == *right))
      return false;
  }
  return true;
}

ElementReader::Arguments DecoderRaiser::describeArguments() {
  return {[this](BlockArgument argument, ArrayRef<ElementRef> indices) {
            return argumentElement(argument, indices);
          },
          [this](BlockArgument argument, int64_t dim) {
            return argumentSize(argument, dim);
          },
          [this](Value tensor, ArrayRef<int64_t> place) {
            return constantElement(tensor, place);
          },
          [this](Value tensor, ArrayRef<ElementRef> indices) {
            return givenElement(tensor, indices);
          }};
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

Value DecoderRaiser::fail(Location loc, const Twine &text) {
  if (!reason)
    reason = Reason{loc, text.str()};
  return {};
}

/// The result that is [B, S, vocabulary].
static Value findLogits(func::FuncOp source) {
  if (!source.getBody().hasOneBlock())
    return {};
  for (Value result : source.getBody().front().getTerminator()->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (type && type.getRank() == 3 && isa<FloatType>(type.getElementType()) &&
        !type.isDynamicDim(2))
      return result;
  }
  return {};
}

func::FuncOp DecoderRaiser::raise(StringRef name) {
  Value logits = findLogits(source);
  if (!logits) {
    fail(source.getLoc(), "has no result of logits, [batch, tokens, words]");
    return {};
  }
  if (!findRoles(logits)) {
    fail(source.getLoc(), "has no argument of token ids");
    return {};
  }
  b.setInsertionPointAfter(source);
  auto ids = RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type());
  target = func::FuncOp::create(b, name,
                                b.getFunctionType({ids, b.getIndexType()}, {}));
  b.setInsertionPointToStart(target.addEntryBlock());
  tokens = target.getArgument(0);
  position = target.getArgument(1);
  count = tensor::DimOp::create(b, tokens, int64_t(0));
  Value result = rows(logits);
  if (!result) {
    if (!reason)
      fail(logits.getLoc(), "is not understood");
    target.erase();
    return {};
  }
  SmallVector<Value> results = {result};
  llvm::append_range(results, newCaches);
  func::ReturnOp::create(b, results);
  target.setType(b.getFunctionType(target.getBody().getArgumentTypes(),
                                   ValueRange(results).getTypes()));
  return target;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Value DecoderRaiser::parameter(Value value) {
  Value &copy = parameters[value];
  if (copy)
    return copy;
  // Operands first: a parameter may be computed from others.
  Operation *op = value.getDefiningOp();
  IRMapping mapping;
  for (Value operand : op->getOperands())
    if (operand.getDefiningOp())
      mapping.map(operand, parameter(operand));
  Operation *cloned = b.clone(*op, mapping);
  for (auto [before, after] : llvm::zip(op->getResults(), cloned->getResults()))
    parameters[before] = after;
  return parameters[value];
}

/// A vector without sizes of 1 in front.
Value DecoderRaiser::vectorParameter(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Value copy = parameter(value);
  if (type.getRank() == 1)
    return copy;
  ReassociationIndices all =
      llvm::to_vector<2>(llvm::seq<int64_t>(0, type.getRank()));
  return tensor::CollapseShapeOp::create(b, copy,
                                         ArrayRef<ReassociationIndices>{all});
}

RankedTensorType DecoderRaiser::activations(ArrayRef<int64_t> channels) {
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  shape.append(channels.begin(), channels.end());
  return RankedTensorType::get(shape, b.getF32Type());
}

Value DecoderRaiser::multiply(Value value, double factor) {
  if (!value || factor == 1.0)
    return value;
  Value number = arith::ConstantOp::create(b, b.getF32FloatAttr(factor));
  Value factors = tensor::SplatOp::create(b, value.getType(), number, count);
  return arith::MulFOp::create(b, value, factors);
}

Value DecoderRaiser::split(Value value, int64_t heads, int64_t channels) {
  SmallVector<OpFoldResult> sizes = {count, b.getIndexAttr(heads),
                                     b.getIndexAttr(channels)};
  return tensor::ExpandShapeOp::create(
      b, activations({heads, channels}), value,
      ArrayRef<ReassociationIndices>{{0}, {1, 2}}, sizes);
}

Value DecoderRaiser::slice(Value value, int64_t dim, int64_t first,
                           int64_t number) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = {count};
  for (int64_t size : type.getShape().drop_front())
    sizes.push_back(b.getIndexAttr(size));
  offsets[dim] = b.getIndexAttr(first);
  sizes[dim] = b.getIndexAttr(number);
  return tensor::ExtractSliceOp::create(b, value, offsets, sizes, strides);
}
