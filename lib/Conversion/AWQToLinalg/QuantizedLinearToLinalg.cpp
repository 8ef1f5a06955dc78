//===- QuantizedLinearToLinalg.cpp - quantized linears to linalg *- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One contraction per layer, in whose body each weight is restored from its
// code: no tensor of float weights ever exists. Plain codes and AutoAWQ's words
// are operands with affine maps, which any compiler can tile and vectorize; the
// CPU's blocks, of which convert-awq-to-cpu makes kernels, are read element by
// element.
//
//===----------------------------------------------------------------------===//

#include "LinearParts.h"
#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using awq::QuantizedLinearOp;

/// Where output 8c + r of a word is in AutoAWQ's order 0 2 4 6 1 3 5 7.
static constexpr int32_t gemmShifts[] = {0, 16, 4, 20, 8, 24, 12, 28};
static constexpr int64_t gemmOutputs = std::size(gemmShifts);

/// An unsigned integer of at most 8 significant bits, or a float, as f32.
static Value toFloat(OpBuilder &b, Location loc, Value value) {
  Type f32 = b.getF32Type();
  if (isa<FloatType>(value.getType()))
    return awq::castFloat(b, loc, value, f32);
  if (value.getType().isInteger(8))
    value = arith::ExtUIOp::create(b, loc, b.getI32Type(), value);
  return arith::SIToFPOp::create(b, loc, f32, value);
}

/// The lowest `bits` bits of `word` >> `shift`.
static Value field(OpBuilder &b, Location loc, Value word, Value shift,
                   int64_t bits) {
  Value shifted = arith::ShRUIOp::create(b, loc, word, shift);
  Value mask =
      arith::ConstantIntOp::create(b, loc, (int64_t(1) << bits) - 1, 32);
  return arith::AndIOp::create(b, loc, shifted, mask);
}

/// (code - zero) * scale in f32. Without `zero`, a symmetric scheme's zero
/// point.
static Value restore(OpBuilder &b, Location loc, QuantizedLinearOp op,
                     Value code, Value scale, Value zero) {
  Value zeroPoint =
      zero ? toFloat(b, loc, zero)
           : awq::constantF32(b, loc,
                              std::ldexp(1.0, op.getScheme().getBits() - 1));
  Value level = arith::SubFOp::create(b, loc, toFloat(b, loc, code), zeroPoint);
  return arith::MulFOp::create(b, loc, level, toFloat(b, loc, scale));
}

//===----------------------------------------------------------------------===//
// Plain codes and AutoAWQ's words
//===----------------------------------------------------------------------===//

namespace {

/// The contraction over groups and the channels within them. Loops: the leading
/// dimensions of the input; n, or the word c and the output r in it; the group;
/// the channel in the group.
class AffineContraction {
public:
  AffineContraction(ImplicitLocOpBuilder &b, QuantizedLinearOp op);

  /// The sums, [.., N].
  Value build();

private:
  void addOperand(Value tensor, ArrayRef<AffineExpr> results);
  void addPlainOperands();
  void addWords();
  Value split(Value tensor, int64_t axis, int64_t inner);
  Value term(OpBuilder &nested, Location loc, ValueRange in);

  ImplicitLocOpBuilder &b;
  QuantizedLinearOp op;
  bool isPacked;
  int64_t groupSize;
  SmallVector<AffineExpr> lead, outputs;
  AffineExpr group, channel;
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
};

} // namespace

AffineContraction::AffineContraction(ImplicitLocOpBuilder &b,
                                     QuantizedLinearOp op)
    : b(b), op(op), isPacked(op.getLayout() != awq::LayoutAttr()),
      groupSize(op.getScheme().getGroupSize(op.getInputChannels())) {
  unsigned next = 0;
  auto loop = [&] { return b.getAffineDimExpr(next++); };
  int64_t rank = cast<RankedTensorType>(op.getType()).getRank();
  for (int64_t i = 0; i + 1 < rank; ++i)
    lead.push_back(loop());
  for (int64_t i = 0; i < (isPacked ? 2 : 1); ++i)
    outputs.push_back(loop());
  group = loop();
  channel = loop();
}

/// `tensor` with an axis of o * inner elements as two of o and `inner`. The
/// encoding, which tells what words hold, does not fit parts of them.
Value AffineContraction::split(Value tensor, int64_t axis, int64_t inner) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, b.getLoc(), tensor);
  shape[axis] /= inner;
  shape.insert(shape.begin() + axis + 1, inner);
  sizes[axis] = b.getIndexAttr(shape[axis]);
  sizes.insert(sizes.begin() + axis + 1, b.getIndexAttr(inner));
  SmallVector<ReassociationIndices> parts;
  for (int64_t i = 0; i < type.getRank(); ++i)
    parts.push_back(i == axis ? ReassociationIndices{i, i + 1}
                              : ReassociationIndices{i + (i > axis)});
  return tensor::ExpandShapeOp::create(
      b, RankedTensorType::get(shape, type.getElementType()), tensor, parts,
      sizes);
}

void AffineContraction::addOperand(Value tensor, ArrayRef<AffineExpr> results) {
  operands.push_back(tensor);
  maps.push_back(AffineMap::get(lead.size() + outputs.size() + 2, 0, results,
                                b.getContext()));
}

/// Codes [N, K], scales and zeros [N, K / g].
void AffineContraction::addPlainOperands() {
  AffineExpr n = outputs.front();
  addOperand(split(op.getCodes(), 1, groupSize), {n, group, channel});
  addOperand(op.getScales(), {n, group});
  if (Value zeros = op.getZeros())
    addOperand(zeros, {n, group});
}

/// Words of codes [K, N / 8], scales [K / g, N], words of zeros [K / g, N / 8].
void AffineContraction::addWords() {
  AffineExpr word = outputs[0], output = outputs[1];
  addOperand(split(op.getCodes(), 0, groupSize), {group, channel, word});
  addOperand(split(op.getScales(), 1, gemmOutputs), {group, word, output});
  if (Value zeros = op.getZeros())
    addOperand(zeros, {group, word});
  auto type = RankedTensorType::get(gemmOutputs, b.getI32Type());
  addOperand(arith::ConstantOp::create(
                 b, DenseElementsAttr::get(type, ArrayRef(gemmShifts))),
             output);
}

/// x * w: the operands are x, codes, scales, zeros if there are, shifts if
/// packed.
Value AffineContraction::term(OpBuilder &nested, Location loc, ValueRange in) {
  Value code = in[1], zero = op.getZeros() ? in[3] : Value();
  if (isPacked) {
    Value shift = in[operands.size() - 1];
    code = field(nested, loc, code, shift, 4);
    if (zero)
      zero = field(nested, loc, zero, shift, 4);
  }
  Value weight = restore(nested, loc, op, code, in[2], zero);
  Value x = awq::castFloat(nested, loc, in[0], nested.getF32Type());
  return arith::MulFOp::create(nested, loc, x, weight);
}

Value AffineContraction::build() {
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<AffineExpr> results(lead);
  results.append({group, channel});
  addOperand(split(op.getInput(), lead.size(), groupSize), results);
  isPacked ? addWords() : addPlainOperands();

  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, b.getLoc(), op.getInput());
  int64_t width = type.getShape().back();
  sizes.back() = b.getIndexAttr(isPacked ? width / gemmOutputs : width);
  if (isPacked)
    sizes.push_back(b.getIndexAttr(gemmOutputs));
  Value sums = awq::zeros(b, b.getLoc(), sizes, b.getF32Type());
  results.assign(lead);
  results.append(outputs);
  maps.push_back(
      AffineMap::get(results.size() + 2, 0, results, b.getContext()));
  sums = awq::buildGeneric(
      b, b.getLoc(), operands, sums, maps, 2,
      [&](OpBuilder &nested, Location loc, ValueRange in) -> Value {
        return arith::AddFOp::create(nested, loc, in.back(),
                                     term(nested, loc, in));
      });
  if (!isPacked)
    return sums;
  SmallVector<ReassociationIndices> parts;
  for (int64_t i = 0; i < type.getRank(); ++i)
    parts.push_back({i});
  parts.back().push_back(type.getRank());
  return tensor::CollapseShapeOp::create(b, sums, parts);
}

//===----------------------------------------------------------------------===//
// The CPU's blocks, a scalar at a time
//===----------------------------------------------------------------------===//

namespace {

/// Finds the code, scale and zero point of weight [n, k].
class BlockReader {
public:
  BlockReader(OpBuilder &b, Location loc, QuantizedLinearOp op)
      : b(loc, b), op(op) {}

  /// (q - z) * s in f32.
  Value read(Value n, Value k);

private:
  Value index(int64_t value) {
    return awq::constantIndex(b, b.getLoc(), value);
  }
  Value divide(Value x, int64_t y) {
    return arith::DivUIOp::create(b, x, index(y));
  }
  Value remainder(Value x, int64_t y) {
    return arith::RemUIOp::create(b, x, index(y));
  }
  Value element(Value tensor, Value n, Value column);

  ImplicitLocOpBuilder b;
  QuantizedLinearOp op;
};

} // namespace

/// Element [n / 16, column, n mod 16].
Value BlockReader::element(Value tensor, Value n, Value column) {
  return tensor::ExtractOp::create(
      b, tensor, ValueRange{divide(n, 16), column, remainder(n, 16)});
}

Value BlockReader::read(Value n, Value k) {
  Value group = divide(k, op.getScheme().getGroupSize(op.getInputChannels()));
  int64_t bits = op.getLayout().getKind() == awq::LayoutKind::CpuN16 ? 4 : 8;
  Value word = element(op.getCodes(), n, divide(k, 32 / bits));
  Value shift = arith::MulIOp::create(b, remainder(k, 32 / bits), index(bits));
  shift = arith::IndexCastOp::create(b, b.getI32Type(), shift);
  Value code = field(b, b.getLoc(), word, shift, bits);
  Value scale = element(op.getScales(), n, group);
  Value zero = op.getZeros() ? element(op.getZeros(), n, group) : Value();
  return restore(b, b.getLoc(), op, code, scale, zero);
}

/// The sums, [.., N].
static Value contractBlocks(OpBuilder &builder, QuantizedLinearOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getType());
  unsigned rank = type.getRank();
  awq::LinearMaps maps(builder, rank);
  return awq::buildGeneric(
      builder, loc, op.getInput(),
      awq::zeroSums(builder, loc, op.getInput(), type),
      {maps.input, maps.result}, 1,
      [&](OpBuilder &b, Location l, ValueRange in) -> Value {
        Value n = linalg::IndexOp::create(b, l, rank - 1);
        Value k = linalg::IndexOp::create(b, l, rank);
        Value weight = BlockReader(b, l, op).read(n, k);
        Value x = awq::castFloat(b, l, in[0], b.getF32Type());
        return arith::AddFOp::create(b, l, in[1],
                                     arith::MulFOp::create(b, l, x, weight));
      });
}

namespace {

/// y[.., n] = sum_k x[.., k] * ((q[n, k] - z[n, k / g]) * s[n, k / g]) + b[n],
/// summed in the order of k.
struct LowerQuantizedLinear : OpRewritePattern<QuantizedLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizedLinearOp op,
                                PatternRewriter &rewriter) const override {
    awq::LayoutAttr layout = op.getLayout();
    if (layout && layout.getKind() == awq::LayoutKind::MmaN32K128)
      return rewriter.notifyMatchFailure(
          op, "mma_n32k128 is for tensor cores; pack plain codes for the CPU");
    bool isAffine = !layout || layout.getKind() == awq::LayoutKind::AutoAWQGemm;
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value sums = isAffine ? AffineContraction(b, op).build()
                          : contractBlocks(rewriter, op);
    rewriter.replaceOp(
        op, awq::finishLinear(rewriter, op.getLoc(), sums, op.getBias(),
                              cast<RankedTensorType>(op.getType())));
    return success();
  }
};

} // namespace

void awq::populateQuantizedLinearToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerQuantizedLinear>(patterns.getContext());
}
