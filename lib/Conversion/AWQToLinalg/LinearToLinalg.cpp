//===- LinearToLinalg.cpp - linear layers to linalg -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;

/// The loops of a linear layer with an input of `rank` dimensions: its leading
/// ones, then n, then k.
struct LinearMaps {
  AffineMap input, weight, result;

  LinearMaps(OpBuilder &b, unsigned rank) {
    SmallVector<AffineExpr> lead;
    for (unsigned i = 0; i + 1 < rank; ++i)
      lead.push_back(b.getAffineDimExpr(i));
    AffineExpr n = b.getAffineDimExpr(rank - 1), k = b.getAffineDimExpr(rank);
    auto map = [&](ArrayRef<AffineExpr> results) {
      return AffineMap::get(rank + 1, 0, results, b.getContext());
    };
    weight = map({n, k});
    lead.push_back(k);
    input = map(lead);
    lead.back() = n;
    result = map(lead);
  }
};

/// A zero tensor of f32 for the sums of a layer with this input and result.
static Value zeroSums(OpBuilder &b, Location loc, Value input,
                      RankedTensorType result) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  sizes.back() = b.getIndexAttr(result.getShape().back());
  return awq::zeros(b, loc, sizes, b.getF32Type());
}

/// Adds the bias and rounds to the result's type.
static Value finish(OpBuilder &b, Location loc, Value sums, Value bias,
                    RankedTensorType type) {
  if (!bias && type.getElementType().isF32())
    return sums;
  AffineMap full = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<Value> inputs{sums};
  SmallVector<AffineMap> maps{full};
  if (bias) {
    inputs.push_back(bias);
    maps.push_back(full.getMinorSubMap(1));
  }
  maps.push_back(full);
  return awq::buildGeneric(
      b, loc, inputs, awq::emptyLike(b, loc, sums, type.getElementType()), maps,
      0, [&](OpBuilder &nested, Location l, ValueRange in) {
        Value y = in[0];
        if (bias)
          y = arith::AddFOp::create(
              nested, l, y,
              awq::castFloat(nested, l, in[1], nested.getF32Type()));
        return awq::castFloat(nested, l, y, type.getElementType());
      });
}

//===----------------------------------------------------------------------===//
// Reading packed weights, a scalar at a time
//===----------------------------------------------------------------------===//

namespace {

/// Finds the code, scale and zero point of weight [n, k] in any layout.
class WeightReader {
public:
  WeightReader(OpBuilder &b, Location loc, awq::QuantizedLinearOp op)
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
  Value extract(Value tensor, ValueRange indices) {
    return tensor::ExtractOp::create(b, tensor, indices);
  }
  Value toFloat(Value integer);
  Value slot(Value word, Value position, int64_t bits);
  Value gemmSlot(Value words, Value row, Value n);
  Value blocked(Value tensor, Value n, Value column);

  ImplicitLocOpBuilder b;
  awq::QuantizedLinearOp op;
};

} // namespace

/// An unsigned integer of at most 8 significant bits, or a float, as f32.
Value WeightReader::toFloat(Value value) {
  Type f32 = b.getF32Type();
  if (isa<FloatType>(value.getType()))
    return awq::castFloat(b, b.getLoc(), value, f32);
  if (value.getType().isInteger(8))
    value = arith::ExtUIOp::create(b, b.getI32Type(), value);
  return arith::SIToFPOp::create(b, f32, value);
}

/// `bits` bits of `word`, from bit bits * position on.
Value WeightReader::slot(Value word, Value position, int64_t bits) {
  Value shift = arith::MulIOp::create(b, position, index(bits));
  Value shifted = arith::ShRUIOp::create(
      b, word, arith::IndexCastOp::create(b, b.getI32Type(), shift));
  return arith::AndIOp::create(
      b, shifted,
      arith::ConstantIntOp::create(b, (int64_t(1) << bits) - 1, 32));
}

/// Output n of a row of words in AutoAWQ's order 0 2 4 6 1 3 5 7: nibble
/// r/2 + 4 (r mod 2) with r = n mod 8.
Value WeightReader::gemmSlot(Value words, Value row, Value n) {
  Value word = extract(words, {row, divide(n, 8)});
  Value r = remainder(n, 8);
  Value odd = arith::MulIOp::create(b, remainder(r, 2), index(4));
  Value position = arith::AddIOp::create(b, divide(r, 2), odd);
  return slot(word, position, 4);
}

/// Element [n / 16, column, n mod 16].
Value WeightReader::blocked(Value tensor, Value n, Value column) {
  return extract(tensor, {divide(n, 16), column, remainder(n, 16)});
}

Value WeightReader::read(Value n, Value k) {
  Value group = divide(k, op.getScheme().getGroupSize(op.getInputChannels()));
  Value zeros = op.getZeros();
  Value code, scale, zero;
  awq::LayoutAttr layout = op.getLayout();
  if (!layout) {
    code = extract(op.getCodes(), {n, k});
    scale = extract(op.getScales(), {n, group});
    if (zeros)
      zero = extract(zeros, {n, group});
  } else if (layout.getKind() == awq::LayoutKind::AutoAWQGemm) {
    code = gemmSlot(op.getCodes(), k, n);
    scale = extract(op.getScales(), {group, n});
    if (zeros)
      zero = gemmSlot(zeros, group, n);
  } else {
    int64_t bits = layout.getKind() == awq::LayoutKind::CpuN16 ? 4 : 8;
    Value word = blocked(op.getCodes(), n, divide(k, 32 / bits));
    code = slot(word, remainder(k, 32 / bits), bits);
    scale = blocked(op.getScales(), n, group);
    if (zeros)
      zero = blocked(zeros, n, group);
  }
  Value zeroPoint =
      zero ? toFloat(zero)
           : awq::constantF32(b, b.getLoc(),
                              std::ldexp(1.0, op.getScheme().getBits() - 1));
  Value level = arith::SubFOp::create(b, toFloat(code), zeroPoint);
  return arith::MulFOp::create(b, level, toFloat(scale));
}

namespace {

/// y[.., n] = sum_k x[.., k] * w[n, k] + b[n]
struct LowerLinear : OpRewritePattern<awq::LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::LinearOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    LinearMaps maps(rewriter, type.getRank());
    Value sums = awq::buildGeneric(
        rewriter, loc, {op.getInput(), op.getWeight()},
        zeroSums(rewriter, loc, op.getInput(), type),
        {maps.input, maps.weight, maps.result}, 1,
        [](OpBuilder &b, Location l, ValueRange in) -> Value {
          auto flags = awq::reassociate(b);
          Value x = awq::castFloat(b, l, in[0], b.getF32Type());
          Value w = awq::castFloat(b, l, in[1], b.getF32Type());
          Value product = arith::MulFOp::create(b, l, x, w, flags);
          return arith::AddFOp::create(b, l, in[2], product, flags);
        });
    rewriter.replaceOp(op, finish(rewriter, loc, sums, op.getBias(), type));
    return success();
  }
};

/// y[.., n] = sum_k x[.., k] * ((q[n, k] - z[n, k / g]) * s[n, k / g]) + b[n],
/// summed in the order of k.
struct LowerQuantizedLinear : OpRewritePattern<awq::QuantizedLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::QuantizedLinearOp op,
                                PatternRewriter &rewriter) const override {
    awq::LayoutAttr layout = op.getLayout();
    if (layout && layout.getKind() == awq::LayoutKind::MmaN32K128)
      return rewriter.notifyMatchFailure(
          op, "mma_n32k128 is for tensor cores; pack plain codes for the CPU");
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    unsigned rank = type.getRank();
    LinearMaps maps(rewriter, rank);
    Value sums = awq::buildGeneric(
        rewriter, loc, op.getInput(),
        zeroSums(rewriter, loc, op.getInput(), type), {maps.input, maps.result},
        1, [&](OpBuilder &b, Location l, ValueRange in) -> Value {
          Value n = linalg::IndexOp::create(b, l, rank - 1);
          Value k = linalg::IndexOp::create(b, l, rank);
          Value weight = WeightReader(b, l, op).read(n, k);
          Value x = awq::castFloat(b, l, in[0], b.getF32Type());
          return arith::AddFOp::create(b, l, in[1],
                                       arith::MulFOp::create(b, l, x, weight));
        });
    rewriter.replaceOp(op, finish(rewriter, loc, sums, op.getBias(), type));
    return success();
  }
};

} // namespace

void awq::populateLinearToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerLinear, LowerQuantizedLinear>(patterns.getContext());
}
