//===- SumOps.cpp - reductions and products of matrices -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// A reduction: what is done to the elements, how they are put together, and
/// what is done to the result.
static Status reduceWith(OpContext &op,
                         llvm::function_ref<Tensor(const Tensor &)> before,
                         llvm::function_ref<Tensor(const Tensor &,
                                                   ArrayRef<int64_t>)> kernel,
                         llvm::function_ref<Tensor(const Tensor &)> after) {
  Tensor x = op.input(0);
  bool keep = op.getInt("keepdims", 1) != 0;
  auto given = op.axes(1, x.rank());
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.unsupported("input 0 is a tensor of " + io::name(x.type));
  std::vector<int64_t> axes = given.value_or(std::vector<int64_t>());
  if (axes.empty() && op.getInt("noop_with_empty_axes", 0) != 0)
    return op.set(after(before(x)));
  if (axes.empty())
    for (int64_t i = 0; i < x.rank(); ++i)
      axes.push_back(i);
  Tensor result = after(kernel(before(x), axes));
  return op.set(keep ? result : op.e.squeeze(result, axes));
}

static Tensor same(const Tensor &tensor) { return tensor; }

template <Reduction kind>
static Status reduction(OpContext &op) {
  return reduceWith(op, same,
                    [&](const Tensor &x, ArrayRef<int64_t> axes) {
                      return op.e.reduce(kind, x, axes);
                    },
                    same);
}

static Status reduceMean(OpContext &op) {
  return reduceWith(op, same,
                    [&](const Tensor &x, ArrayRef<int64_t> axes) {
                      return op.e.mean(x, axes);
                    },
                    same);
}

static Tensor square(OpContext &op, const Tensor &x) {
  return op.e.map({x}, x.type,
                  [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                    if (isa<FloatType>(in[0].getType()))
                      return arith::MulFOp::create(b, in[0], in[0]);
                    return arith::MulIOp::create(b, in[0], in[0]);
                  });
}

static Tensor absolute(OpContext &op, const Tensor &x) {
  return op.e.map({x}, x.type,
                  [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                    if (isa<FloatType>(in[0].getType()))
                      return math::AbsFOp::create(b, in[0]);
                    return math::AbsIOp::create(b, in[0]);
                  });
}

template <typename MathOp>
static Tensor apply(OpContext &op, const Tensor &x) {
  return op.e.map({x}, x.type,
                  [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                    return MathOp::create(b, in[0]);
                  });
}

static Status reduceSumSquare(OpContext &op) {
  return reduceWith(op, [&](const Tensor &x) { return square(op, x); },
                    [&](const Tensor &x, ArrayRef<int64_t> axes) {
                      return op.e.reduce(Reduction::Sum, x, axes);
                    },
                    same);
}

static Status reduceL1(OpContext &op) {
  return reduceWith(op, [&](const Tensor &x) { return absolute(op, x); },
                    [&](const Tensor &x, ArrayRef<int64_t> axes) {
                      return op.e.reduce(Reduction::Sum, x, axes);
                    },
                    same);
}

static Status reduceL2(OpContext &op) {
  OnnxType type = op.input(0).type;
  OnnxType wide = isFloat(type) ? type : OnnxType::F64;
  return reduceWith(
      op, [&](const Tensor &x) { return square(op, op.e.cast(x, wide)); },
      [&](const Tensor &x, ArrayRef<int64_t> axes) {
        return op.e.reduce(Reduction::Sum, x, axes);
      },
      [&](const Tensor &x) {
        return op.e.cast(apply<math::SqrtOp>(op, x), type);
      });
}

/// Of an axis, or of all axes from it on before opset 13.
static Status softmaxLike(OpContext &op, bool isLog) {
  Tensor x = op.input(0);
  bool flattens = op.version < 13;
  int64_t axis = op.axis(op.getInt("axis", flattens ? 1 : -1), x.rank());
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  Shape shape = x.shape;
  if (flattens) {
    ArrayRef<DimExpr> sizes(shape);
    x = op.e.reshape(x, {productOf(sizes.take_front(axis)),
                         productOf(sizes.drop_front(axis))});
    axis = 1;
  }
  Tensor result;
  if (isLog) {
    Tensor shifted =
        op.e.subtract(x, op.e.reduce(Reduction::Max, x, {axis}));
    Tensor sum =
        op.e.reduce(Reduction::Sum, apply<math::ExpOp>(op, shifted), {axis});
    result = op.e.subtract(shifted, apply<math::LogOp>(op, sum));
  } else {
    result = op.e.softmax(x, axis);
  }
  return op.set(op.e.reshape(result, std::move(shape)));
}

static Status softmax(OpContext &op) { return softmaxLike(op, false); }
static Status logSoftmax(OpContext &op) { return softmaxLike(op, true); }

static Status argExtremum(OpContext &op, bool isMax) {
  Tensor x = op.input(0);
  int64_t axis = op.axis(op.getInt("axis", 0), x.rank());
  bool keep = op.getInt("keepdims", 1) != 0;
  bool lastWins = op.getInt("select_last_index", 0) != 0;
  if (!op.ok())
    return op.status();
  // The best value, then the first (or last) place where it stands.
  Tensor best =
      op.e.reduce(isMax ? Reduction::Max : Reduction::Min, x, {axis});
  Shape line(x.rank(), DimExpr(1));
  line[axis] = x.shape[axis];
  Tensor places = op.e.generate(
      OnnxType::I64, line, [&](ImplicitLocOpBuilder &b, ValueRange at) {
        return arith::IndexCastOp::create(b, b.getI64Type(), at[axis]);
      });
  Tensor none = op.e.scalar(OnnxType::I64, lastWins ? -1 : 4e18);
  Tensor candidates = op.e.map(
      {x, best, places, none}, OnnxType::I64,
      [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Value isBest =
            isa<FloatType>(in[0].getType())
                ? arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, in[0],
                                        in[1])
                      .getResult()
                : arith::CmpIOp::create(b, arith::CmpIPredicate::eq, in[0],
                                        in[1])
                      .getResult();
        return arith::SelectOp::create(b, isBest, in[2], in[3]);
      });
  Tensor result = op.e.reduce(lastWins ? Reduction::Max : Reduction::Min,
                              candidates, {axis});
  return op.set(keep ? result : op.e.squeeze(result, {axis}));
}

static Status argMax(OpContext &op) { return argExtremum(op, true); }
static Status argMin(OpContext &op) { return argExtremum(op, false); }

static Status cumSum(OpContext &op) {
  Tensor x = op.input(0);
  std::vector<int64_t> given = op.constants(1);
  bool exclusive = op.getInt("exclusive", 0) != 0;
  bool reverse = op.getInt("reverse", 0) != 0;
  if (op.ok() && given.size() != 1)
    return op.invalid("axis has several elements");
  if (!op.ok())
    return op.status();
  int64_t axis = op.axis(given.front(), x.rank());
  if (!op.ok())
    return op.status();
  Value source = op.e.value(x), size = op.e.dims.materialize(x.shape[axis]);
  Type element = op.e.elementType(x.type);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value place = at[axis];
    Value begin = arith::ConstantIndexOp::create(b, 0), end = size;
    if (reverse)
      begin = exclusive ? arith::AddIOp::create(b, place, one) : place;
    else
      end = exclusive ? place
                      : arith::AddIOp::create(b, place, one).getResult();
    Type wide = isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32
                    ? b.getF32Type()
                    : element;
    Value zero = isa<FloatType>(wide)
                     ? arith::ConstantOp::create(b, b.getFloatAttr(wide, 0.0))
                           .getResult()
                     : arith::ConstantOp::create(b, b.getIntegerAttr(wide, 0))
                           .getResult();
    auto loop = scf::ForOp::create(
        b, begin, end, one, ValueRange(zero),
        [&](OpBuilder &inner, Location loc, Value i, ValueRange sums) {
          ImplicitLocOpBuilder nested(loc, inner);
          SmallVector<Value> places(at);
          places[axis] = i;
          Value term =
              widen(nested, op.e.readElement(nested, source, places));
          Value sum =
              isa<FloatType>(wide)
                  ? arith::AddFOp::create(nested, sums[0], term).getResult()
                  : arith::AddIOp::create(nested, sums[0], term).getResult();
          scf::YieldOp::create(nested, sum);
        });
    Value sum = loop.getResult(0);
    if (wide != element)
      sum = arith::TruncFOp::create(b, element, sum);
    return sum;
  };
  return op.set(op.e.generate(x.type, x.shape, body));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The type of an integer product's sums, or the inputs' own.
static Status product(OpContext &op, Tensor a, Tensor b, OnnxType sums) {
  if (a.rank() == 0 || b.rank() == 0)
    return op.invalid("an input of rank 0");
  bool isRow = a.rank() == 1, isColumn = b.rank() == 1;
  if (isRow)
    a = op.e.unsqueeze(a, {0});
  if (isColumn)
    b = op.e.unsqueeze(b, {1});
  if (op.e.dims.isEqual(a.shape.back(), b.shape[b.rank() - 2]) == false)
    return op.invalid("inputs whose inner sizes differ");
  Shape batchA(a.shape.begin(), a.shape.end() - 2),
      batchB(b.shape.begin(), b.shape.end() - 2);
  if (!op.e.broadcast({batchA, batchB}))
    return op.invalid("inputs whose batches cannot be broadcast");
  Tensor result;
  if (sums == a.type && a.type == b.type) {
    result = op.e.matmul(a, b);
  } else {
    result = op.e.matmul(op.e.cast(a, sums), op.e.cast(b, sums));
  }
  SmallVector<int64_t> ones;
  if (isRow)
    ones.push_back(result.rank() - 2);
  if (isColumn)
    ones.push_back(result.rank() - 1);
  return op.set(op.e.squeeze(result, ones));
}

static Status matMul(OpContext &op) {
  Tensor a = op.input(0), b = op.input(1);
  if (!op.ok())
    return op.status();
  if (a.type != b.type)
    return op.invalid("inputs of " + io::name(a.type) + " and " +
                      io::name(b.type));
  if (!isFloat(a.type) && !isInteger(a.type))
    return op.unsupported("inputs of " + io::name(a.type));
  return product(op, a, b, a.type);
}

static Status matMulInteger(OpContext &op) {
  Tensor a = op.e.cast(op.input(0), OnnxType::I32),
         b = op.e.cast(op.input(1), OnnxType::I32);
  if (!op.ok())
    return op.status();
  // A zero point per row of A has to become a column.
  if (op.has(2)) {
    Tensor zero = op.e.cast(op.inputs[2], OnnxType::I32);
    if (zero.rank() == 1 && a.rank() >= 2 && !zero.shape[0].is(1))
      zero = op.e.unsqueeze(zero, {1});
    a = op.e.subtract(a, zero);
  }
  if (op.has(3))
    b = op.e.subtract(b, op.e.cast(op.inputs[3], OnnxType::I32));
  return product(op, a, b, OnnxType::I32);
}

static Status gemm(OpContext &op) {
  Tensor a = op.input(0), b = op.input(1);
  double alpha = op.getFloat("alpha", 1.0), beta = op.getFloat("beta", 1.0);
  if (!op.ok())
    return op.status();
  if (a.rank() != 2 || b.rank() != 2 || a.type != b.type)
    return op.invalid("inputs that are no matrices of one type");
  if (!isFloat(a.type) && !isInteger(a.type))
    return op.unsupported("inputs of " + io::name(a.type));
  bool turnA = op.getInt("transA", 0) != 0, turnB = op.getInt("transB", 0) != 0;
  if (op.e.dims.isEqual(a.shape[turnA ? 0 : 1], b.shape[turnB ? 1 : 0]) == false)
    return op.invalid("inputs whose inner sizes differ");
  Tensor result = op.e.contract({a, b},
                                {turnA ? "km" : "mk", turnB ? "nk" : "kn"},
                                "mn", a.type);
  if (alpha != 1.0)
    result = op.e.multiply(result, alpha);
  if (op.has(2)) {
    Tensor c = op.inputs[2];
    auto shape = op.e.broadcast({result.shape, c.shape});
    if (!shape || shape->size() != 2 || c.type != a.type)
      return op.invalid("input 2 cannot be broadcast to the result");
    if (beta != 1.0)
      c = op.e.multiply(c, beta);
    result = op.e.add(result, c);
  }
  return op.set(result);
}

static Status einsum(OpContext &op) {
  std::string equation = op.getString("equation", "");
  llvm::erase(equation, ' ');
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> words;
  left.split(words, ',');
  if (words.size() != op.inputs.size())
    return op.invalid("an equation with " + Twine(words.size()) + " terms for " +
                      Twine(op.inputs.size()) + " inputs");
  std::vector<std::string> letters;
  int64_t ellipsis = 0;
  // "..." stands for as many dimensions as the letters leave; they get names of
  // their own, counted from the right.
  auto spell = [&](StringRef word, int64_t count) {
    auto [front, back] = word.split("...");
    std::string name = front.str();
    for (int64_t i = count - 1; i >= 0; --i)
      name += static_cast<char>('0' + i);
    return name + back.str();
  };
  for (size_t i = 0; i < words.size(); ++i) {
    Tensor &x = op.input(i);
    if (!op.ok())
      return op.status();
    bool hasEllipsis = words[i].contains("...");
    int64_t count = x.rank() - int64_t(words[i].size()) + (hasEllipsis ? 3 : 0);
    if (count < 0 || (count > 0 && !hasEllipsis) || count > 9)
      return op.invalid("term '" + words[i] + "' for a tensor of rank " +
                        Twine(x.rank()));
    ellipsis = std::max(ellipsis, count);
    letters.push_back(hasEllipsis ? spell(words[i], count) : words[i].str());
    for (size_t j = 0; j < letters.back().size(); ++j)
      if (letters.back().find(letters.back()[j], j + 1) != std::string::npos)
        return op.unsupported("the diagonal of an input");
  }
  std::string result;
  if (StringRef(equation).contains("->")) {
    result = right.contains("...") ? spell(right, ellipsis) : right.str();
  } else {
    // Letters that appear once, in order.
    for (int64_t i = ellipsis - 1; i >= 0; --i)
      result += static_cast<char>('0' + i);
    std::string once;
    std::string all = llvm::join(letters, "");
    for (char c : all)
      if (!llvm::isDigit(c) && llvm::count(all, c) == 1)
        once += c;
    llvm::sort(once);
    result += once;
  }
  for (char c : result)
    if (!StringRef(llvm::join(letters, "")).contains(c))
      return op.invalid("the result's letter '" + Twine(c) +
                        "' is in no term");
  OnnxType type = op.inputs.front().type;
  if (!isFloat(type) && !isInteger(type))
    return op.unsupported("inputs of " + io::name(type));
  return op.set(op.e.contract(op.inputs, letters, result, type));
}

ArrayRef<OpEntry> onnx::sumOps() {
  static const OpEntry entries[] = {
      {"ArgMax", argMax},
      {"ArgMin", argMin},
      {"CumSum", cumSum, 11},
      {"Einsum", einsum, 12},
      {"Gemm", gemm, 7},
      {"LogSoftmax", logSoftmax},
      {"MatMul", matMul},
      {"MatMulInteger", matMulInteger, 10},
      {"ReduceL1", reduceL1},
      {"ReduceL2", reduceL2},
      {"ReduceMax", reduction<Reduction::Max>},
      {"ReduceMean", reduceMean},
      {"ReduceMin", reduction<Reduction::Min>},
      {"ReduceProd", reduction<Reduction::Product>},
      {"ReduceSum", reduction<Reduction::Sum>},
      {"ReduceSumSquare", reduceSumSquare},
      {"Softmax", softmax},
  };
  return entries;
}
