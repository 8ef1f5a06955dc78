//===- RaiseRows.cpp - values that are rows of channels --- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

Value DecoderRaiser::rows(Value tensor) {
  tensor = stripTensor(tensor);
  if (Value known = built.lookup(tensor))
    return known;
  if (reason)
    return {};
  // Decoders are deep, and expressions that are not are no decoders.
  if (++depth > 4000)
    return fail(tensor.getLoc(), "is too deep");
  Value result = rows(scalarOf(tensor));
  --depth;
  if (result)
    built[tensor] = result;
  return result;
}

Value DecoderRaiser::rows(const Scalar &scalar) {
  if (scalar.tensor)
    if (Value known = built.lookup(scalar.tensor))
      return known;
  if (reason)
    return {};
  Value result = scalar.isLeaf() ? leafRows(scalar.value) : computeRows(scalar);
  if (result && scalar.tensor)
    built[scalar.tensor] = result;
  return result;
}

/// The type that rows have, whatever is computed in the source.
Value DecoderRaiser::activate(const ActivationMatch &match) {
  Location loc = match.input.value.getLoc();
  Value input = rows(match.input);
  if (!input)
    return {};
  b.setLoc(loc);
  return ActivationOp::create(
      b, input.getType(), input, ValueRange(),
      ActivationKindAttr::get(b.getContext(), match.kind));
}

Value DecoderRaiser::computeRows(const Scalar &scalar) {
  if (auto extract = scalar.as<tensor::ExtractOp>();
      extract && isParameter(extract.getTensor()))
    return gatheredRows(scalar.owner);
  if (std::optional<NormMatch> norm = matchNorm(scalar))
    return normRows(*norm);
  if (std::optional<ActivationMatch> match = matchActivation(scalar))
    return activate(*match);
  SmallVector<Scalar> terms = termsOf(scalar);
  if (terms.size() > 1)
    return sumRows(scalar, terms);
  if (scalar.as<arith::MulFOp>())
    for (unsigned i : {0u, 1u})
      if (std::optional<ActivationMatch> gate =
              matchActivation(scalar.operand(i)))
        return gatedRows(scalar, *gate, scalar.operand(1 - i));
  Product product = productOf(scalar);
  if (product.divisors.empty() && !product.factors.empty() &&
      (product.factors.size() > 1 || !(product.factors[0] == scalar)))
    return productRows(scalar, product);
  return fail(scalar.value.getLoc(),
              "is no norm, activation, sum or product of hidden states");
}

Value DecoderRaiser::normRows(const NormMatch &norm) {
  Value input = rows(norm.input);
  if (!input)
    return {};
  b.setLoc(norm.weight ? norm.weight.getLoc() : norm.input.value.getLoc());
  int64_t channels = cast<RankedTensorType>(input.getType()).getShape().back();
  Value weight;
  if (norm.weight) {
    weight = vectorParameter(norm.weight);
  } else {
    auto type = RankedTensorType::get({channels}, b.getF32Type());
    weight = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getF32FloatAttr(1.0)));
  }
  if (!norm.isLayerNorm)
    return RMSNormOp::create(b, input.getType(), input, weight,
                             b.getF64FloatAttr(norm.epsilon),
                             b.getF64FloatAttr(norm.offset));
  Value bias = norm.bias ? vectorParameter(norm.bias) : Value();
  return LayerNormOp::create(b, input.getType(), input, weight, bias,
                             b.getF64FloatAttr(norm.epsilon));
}

Value DecoderRaiser::sumRows(const Scalar &scalar, ArrayRef<Scalar> terms) {
  // A linear and its bias.
  if (terms.size() == 2)
    for (int i : {0, 1}) {
      const Scalar &bias = terms[i], &other = terms[1 - i];
      if (!bias.isLeaf() || !isParameter(bias.value) || !other.isLeaf())
        continue;
      // What reshapes the product keeps its last dimension.
      Value product = other.value;
      while (Operation *op = product.getDefiningOp()) {
        if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                 tensor::ReshapeOp>(op) ||
            lastSize(op->getOperand(0)) != lastSize(product))
          break;
        product = stripTensor(op->getOperand(0));
      }
      std::optional<LinearMatch> linear = matchLinear(product);
      std::optional<int64_t> outputs = lastSize(product);
      if (linear && outputs && isVectorParameter(bias.value, *outputs))
        return linearRows(*linear, bias.value);
    }
  // Residual streams add up in the order of the graph.
  Value left = rows(scalar.operand(0)), right;
  if (left)
    right = rows(scalar.operand(1));
  if (!left || !right)
    return {};
  if (left.getType() != right.getType())
    return fail(scalar.value.getLoc(), "adds rows of different lengths");
  b.setLoc(scalar.value.getLoc());
  return arith::AddFOp::create(b, left, right);
}

Value DecoderRaiser::gatedRows(const Scalar &scalar,
                               const ActivationMatch &gate, const Scalar &up) {
  if (std::optional<double> factor = constantOf(up))
    return multiply(activate(gate), *factor);
  Location loc = scalar.value.getLoc();
  Value input = rows(gate.input), other;
  if (input)
    other = rows(up);
  if (!input || !other)
    return {};
  if (input.getType() != other.getType())
    return fail(loc, "multiplies rows of different lengths");
  b.setLoc(loc);
  return GLUOp::create(b, input.getType(), input, other, ValueRange(),
                       ActivationKindAttr::get(b.getContext(), gate.kind));
}

Value DecoderRaiser::productRows(const Scalar &scalar, const Product &product) {
  Location loc = scalar.value.getLoc();
  if (product.factors.size() == 1) {
    Value value = rows(product.factors[0]);
    b.setLoc(loc);
    return multiply(value, product.number);
  }
  if (product.factors.size() != 2)
    return fail(loc, "multiplies more than two hidden states");
  Value left = rows(product.factors[0]), right;
  if (left)
    right = rows(product.factors[1]);
  if (!left || !right)
    return {};
  if (left.getType() != right.getType())
    return fail(loc, "multiplies rows of different lengths");
  b.setLoc(loc);
  return multiply(arith::MulFOp::create(b, left, right), product.number);
}

//===----------------------------------------------------------------------===//
// Linears
//===----------------------------------------------------------------------===//

/// "model.layers.0.mlp.up_proj": what an importer called the module of an op.
static StringAttr nameOf(Operation *op) {
  if (auto name = op->getAttrOfType<StringAttr>("awq.name"))
    return name;
  if (auto name = dyn_cast<NameLoc>(op->getLoc()))
    return name.getName();
  return {};
}

Value DecoderRaiser::linearRows(const LinearMatch &linear, Value bias) {
  Value input = rows(linear.input);
  if (!input)
    return {};
  b.setLoc(linear.op->getLoc());
  auto weightType = cast<RankedTensorType>(linear.weight.getType());
  int64_t outputs = weightType.getDimSize(linear.isTransposed ? 1 : 0);
  RankedTensorType type = activations({outputs});
  Value shift = bias ? vectorParameter(bias) : Value();
  Value weight = linear.weight;
  bool isTransposed = linear.isTransposed;
  // Two turns are none.
  if (auto turned = weight.getDefiningOp<linalg::TransposeOp>();
      turned && isTransposed) {
    weight = turned.getInput();
    isTransposed = false;
  }
  Operation *op;
  if (auto restored = weight.getDefiningOp<DequantizeOp>();
      restored && !isTransposed) {
    Value zeros = restored.getScheme().isSymmetric()
                      ? Value()
                      : parameter(restored.getZeros());
    op = QuantizedLinearOp::create(
        b, type, input, parameter(restored.getCodes()),
        parameter(restored.getScales()), zeros, shift, restored.getScheme());
  } else {
    Value matrix = parameter(weight);
    if (isTransposed) {
      int64_t columns = weightType.getDimSize(0);
      Value empty = tensor::EmptyOp::create(
          b, ArrayRef<int64_t>{outputs, columns}, weightType.getElementType());
      matrix =
          linalg::TransposeOp::create(b, matrix, empty, ArrayRef<int64_t>{1, 0})
              ->getResult(0);
    }
    op = LinearOp::create(b, type, input, matrix, shift);
  }
  if (StringAttr name = nameOf(linear.op))
    op->setAttr("awq.name", name);
  return op->getResult(0);
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

Value DecoderRaiser::leafRows(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return fail(tensor.getLoc(), "an argument stands where hidden states do");
  if (std::optional<LinearMatch> linear = matchLinear(tensor))
    return linearRows(*linear, Value());
  if (routing)
    if (Value row = routedRows(tensor); row || reason)
      return row;
  if (auto reduce = dyn_cast<linalg::ReduceOp>(op))
    return mixtureRows(reduce);
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp>(
          op))
    return reshapedRows(op->getOperand(0), tensor);
  if (isa<tensor::ExtractSliceOp>(op))
    return slicedRows(op);
  if (auto generic = dyn_cast<linalg::GenericOp>(op);
      generic && generic.getNumDpsInputs() == 0)
    return gatheredRows(generic);
  return fail(tensor.getLoc(), "comes from " + op->getName().getStringRef() +
                                   ", which gives no rows of channels here");
}

Value DecoderRaiser::reshapedRows(Value from, Value result) {
  std::optional<int64_t> before = lastSize(from), after = lastSize(result);
  if (before && before == after)
    return rows(from);
  // Heads side by side.
  if (cast<RankedTensorType>(from.getType()).getRank() == 4 && before) {
    std::optional<int64_t> heads = fixedSize(from, 2);
    if (heads && after == *heads * *before)
      return attention(from,
                       {Axis::Batch, Axis::Token, Axis::Head, Axis::Channel});
  }
  return fail(result.getLoc(), "is reshaped in an unknown way");
}

Value DecoderRaiser::slicedRows(Operation *op) {
  auto slice = cast<tensor::ExtractSliceOp>(op);
  auto type = slice.getSourceType();
  int64_t last = type.getRank() - 1;
  for (int64_t i = 0; i <= last; ++i) {
    auto offset = getConstantIntValue(slice.getMixedOffsets()[i]);
    auto stride = getConstantIntValue(slice.getMixedStrides()[i]);
    if (stride != 1 || !offset || (i < last && *offset != 0))
      return fail(op->getLoc(), "is a slice of tokens");
    if (i == last)
      continue;
    auto whole = reader->sizeOf(slice.getSource(), i),
         part = reader->sizeOf(slice.getResult(), i);
    if (!whole || !part || !(*whole == *part))
      return fail(op->getLoc(), "is a slice of tokens");
  }
  auto size = getConstantIntValue(slice.getMixedSizes()[last]);
  Value from = size ? rows(slice.getSource()) : Value();
  if (!from)
    return fail(op->getLoc(), "is a slice of unknown size");
  b.setLoc(op->getLoc());
  return this->slice(
      from, 1, *getConstantIntValue(slice.getMixedOffsets()[last]), *size);
}

/// Whether a place in a table depends on the tokens.
static bool dependsOn(Value place, Value tokens) {
  SmallVector<Value> worklist = {place};
  llvm::DenseSet<Value> seen;
  while (!worklist.empty() && seen.size() < 4096) {
    Value value = worklist.pop_back_val();
    if (value == tokens)
      return true;
    Operation *op = value.getDefiningOp();
    if (!seen.insert(value).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value))
      if (auto generic =
              dyn_cast<linalg::GenericOp>(argument.getOwner()->getParentOp()))
        worklist.push_back(generic->getOperand(argument.getArgNumber()));
    // Sizes of the tokens are no tokens.
    if (!op || isa<tensor::DimOp>(op))
      continue;
    llvm::append_range(worklist, value.getDefiningOp()->getOperands());
  }
  return false;
}

/// Rows of a table: of the tokens, or of their positions.
Value DecoderRaiser::gatheredRows(linalg::GenericOp op) {
  Location loc = op.getLoc();
  auto extract = op.getBody()
                     ->getTerminator()
                     ->getOperand(0)
                     .getDefiningOp<tensor::ExtractOp>();
  if (!extract || !isParameter(extract.getTensor()) ||
      extract.getIndices().size() != 2 || op.getNumLoops() < 2)
    return fail(loc, "is generated in an unknown way");
  auto channel = extract.getIndices()[1].getDefiningOp<linalg::IndexOp>();
  if (!channel || channel.getDim() + 1 != op.getNumLoops())
    return fail(loc, "is gathered in an unknown way");
  Value table = extract.getTensor(), place = extract.getIndices()[0];
  auto type = cast<RankedTensorType>(table.getType());
  BlockArgument ids;
  for (BlockArgument argument : source.getArguments())
    if (roles[argument.getArgNumber()] == Role::Tokens)
      ids = argument;
  b.setLoc(loc);
  if (dependsOn(place, ids) && type.getDimSize(1) != ShapedType::kDynamic)
    return EmbeddingOp::create(b, activations({type.getDimSize(1)}), tokens,
                               parameter(table), b.getF64FloatAttr(1.0));
  // The place of token t: past + t + a number.
  SmallVector<ElementRef> loops(op.getNumLoops(), formulas.integer(0));
  Variable t = formulas.addVariable(Linear::variable(newTokens));
  loops[op.getNumLoops() - 2] = formulas.integer(Linear::variable(t));
  ElementRef row = reader->readScalar(place, op, loops);
  Linear shift = row->kind == Element::Integer
                     ? row->linear - Linear::variable(t) - past()
                     : Linear::variable(pastTokens);
  if (!shift.isConstant() || shift.constant < 0)
    return fail(loc, "gathers rows by neither tokens nor positions");
  Value first = arith::AddIOp::create(
      b, position, arith::ConstantIndexOp::create(b, shift.constant));
  Value embedded = tensor::ExtractSliceOp::create(
      b, parameter(table), SmallVector<OpFoldResult>{first, b.getIndexAttr(0)},
      SmallVector<OpFoldResult>{count, b.getIndexAttr(type.getDimSize(1))},
      SmallVector<OpFoldResult>(2, b.getIndexAttr(1)));
  RankedTensorType wide = activations({type.getDimSize(1)});
  if (embedded.getType() != wide)
    embedded = arith::ExtFOp::create(b, wide, embedded);
  return embedded;
}
