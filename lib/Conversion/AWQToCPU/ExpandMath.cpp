//===- ExpandMath.cpp - exp and tanh as polynomials -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/AWQToCPU/Passes.h"
#include "awq/Conversion/Common/TensorBuilders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

#include <limits>

namespace awq {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "awq/Conversion/AWQToCPU/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// Above this exp is infinite in f32. Below -flushLimit, where it is less than
/// 2.5e-38, its result is 0: half of it must not be subnormal.
static constexpr double overflowLimit = 88.72283935546875;
static constexpr double flushLimit = 86.60000610351562;

namespace {

/// Arithmetic on f32 or vectors of f32, with constants of the same type.
class Arithmetic {
public:
  Arithmetic(ImplicitLocOpBuilder &b, Type type) : b(b), type(type) {}

  Value constant(double value) {
    return awq::constantF32(b, b.getLoc(), value, type);
  }
  Value multiply(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value multiplyAdd(Value x, Value y, Value z) {
    return awq::multiplyAdd(b, b.getLoc(), x, y, z);
  }
  Value select(arith::CmpFPredicate predicate, Value x, double limit, Value yes,
               Value no) {
    Value test = arith::CmpFOp::create(b, predicate, x, constant(limit));
    return arith::SelectOp::create(b, test, yes, no);
  }
  /// Coefficients from the highest power down.
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value y = constant(coefficients.front());
    for (double c : coefficients.drop_front())
      y = multiplyAdd(y, x, constant(c));
    return y;
  }
  /// The integer type of the same shape.
  Type integers() {
    Type i32 = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      return vector.clone(i32);
    return i32;
  }
  Value integer(int64_t value) {
    TypedAttr attr = b.getI32IntegerAttr(value);
    if (auto shaped = dyn_cast<VectorType>(integers()))
      attr = DenseElementsAttr::get(shaped, attr);
    return arith::ConstantOp::create(b, attr);
  }
  Value exp(Value x);
  Value tanh(Value x);

private:
  ImplicitLocOpBuilder &b;
  Type type;
};

} // namespace

/// exp(x) = 2^n exp(r) with n = rne(x / ln 2) and r = x - n ln 2, |r| <= ln2/2.
/// ln 2 is split in two, so that n times its head is exact (Cody and Waite);
/// exp(r) is Cephes' polynomial. n is rounded by adding 1.5 * 2^23, which
/// leaves it in the low bits of the sum; 2^n is made of its bits, halved and
/// doubled again so that n = 128 does not overflow before the product does.
Value Arithmetic::exp(Value x) {
  Value low = select(arith::CmpFPredicate::OLT, x, -flushLimit,
                     constant(-flushLimit), x);
  Value clamped = select(arith::CmpFPredicate::OGT, low, overflowLimit,
                         constant(overflowLimit), low);
  Value shifted =
      multiplyAdd(clamped, constant(1.44269504088896341), constant(12582912.0));
  Value n = arith::SubFOp::create(b, shifted, constant(12582912.0));
  Value r = multiplyAdd(n, constant(-0.693359375), clamped);
  r = multiplyAdd(n, constant(2.12194440e-4), r);
  Value p = polynomial(r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
                           4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  Value y = add(multiplyAdd(p, multiply(r, r), r), constant(1.0));
  Value bits = arith::BitcastOp::create(b, integers(), shifted);
  // The exponent of 2^(n-1) in place: ((n + 126) << 23); what the magic number
  // left in the high bits is shifted out.
  Value exponent = arith::ShLIOp::create(
      b, arith::AddIOp::create(b, bits, integer(126)), integer(23));
  Value power = arith::BitcastOp::create(b, type, exponent);
  Value result = multiply(multiply(y, power), constant(2.0));
  result =
      select(arith::CmpFPredicate::OLT, x, -flushLimit, constant(0.0), result);
  return select(arith::CmpFPredicate::OGT, x, overflowLimit,
                constant(std::numeric_limits<double>::infinity()), result);
}

/// For |x| < 0.625 Cephes' odd polynomial, else sign(x) (1 - 2 / (exp(2|x|) +
/// 1)).
Value Arithmetic::tanh(Value x) {
  Value magnitude = math::AbsFOp::create(b, x);
  Value square = multiply(x, x);
  Value p = polynomial(square,
                       {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2,
                        1.33314422036e-1, -3.33332819422e-1});
  Value near = multiplyAdd(multiply(p, square), x, x);
  Value e = exp(add(magnitude, magnitude));
  Value quotient =
      arith::DivFOp::create(b, constant(2.0), add(e, constant(1.0)));
  Value far = math::CopySignOp::create(
      b, arith::SubFOp::create(b, constant(1.0), quotient), x);
  return select(arith::CmpFPredicate::OLT, magnitude, 0.625, near, far);
}

namespace {

template <typename Op, Value (Arithmetic::*function)(Value)>
struct Expand : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isF32())
      return rewriter.notifyMatchFailure(op, "needs f32");
    if (isa<ShapedType>(type) && !isa<VectorType>(type))
      return rewriter.notifyMatchFailure(op, "needs a scalar or a vector");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Arithmetic arithmetic(b, type);
    rewriter.replaceOp(op, (arithmetic.*function)(op.getOperand()));
    return success();
  }
};

struct ExpandMathPass : awq::impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    awq::populateExpandMathPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace

void awq::populateExpandMathPatterns(RewritePatternSet &patterns) {
  patterns.add<Expand<math::ExpOp, &Arithmetic::exp>,
               Expand<math::TanhOp, &Arithmetic::tanh>>(patterns.getContext());
}
