//===- ProductOps.cpp - products of matrices ------------------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

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
  if (op.e.dims.isEqual(a.shape[turnA ? 0 : 1], b.shape[turnB ? 1 : 0]) ==
      false)
    return op.invalid("inputs whose inner sizes differ");
  Tensor result = op.e.contract(
      {a, b}, {turnA ? "km" : "mk", turnB ? "nk" : "kn"}, "mn", a.type);
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

/// The elements whose places are equal where letters are; each letter is left
/// once.
static bool takeDiagonal(OpContext &op, Tensor &x, std::string &letters) {
  std::string once;
  Shape shape;
  for (auto [letter, size] : llvm::zip(letters, x.shape)) {
    size_t place = once.find(letter);
    if (place == std::string::npos) {
      once += letter;
      shape.push_back(size);
    } else if (op.e.dims.isEqual(shape[place], size) != true) {
      return false;
    }
  }
  if (once.size() == letters.size())
    return true;
  Value source = op.e.value(x);
  x = op.e.generate(x.type, std::move(shape),
                    [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                      SmallVector<Value> places;
                      for (char letter : letters)
                        places.push_back(at[once.find(letter)]);
                      return op.e.readElement(b, source, places);
                    });
  letters = once;
  return true;
}

static Status einsum(OpContext &op) {
  std::string equation = op.getString("equation", "");
  llvm::erase(equation, ' ');
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> words;
  left.split(words, ',');
  if (words.size() != op.inputs.size())
    return op.invalid("an equation with " + Twine(words.size()) +
                      " terms for " + Twine(op.inputs.size()) + " inputs");
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
    if (!takeDiagonal(op, x, letters.back()))
      return op.invalid("the diagonal of different sizes");
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
      return op.invalid("the result's letter '" + Twine(c) + "' is in no term");
  OnnxType type = op.inputs.front().type;
  if (!isFloat(type) && !isInteger(type))
    return op.unsupported("inputs of " + io::name(type));
  return op.set(op.e.contract(op.inputs, letters, result, type));
}

ArrayRef<OpEntry> onnx::productOps() {
  static const OpEntry entries[] = {
      {"Einsum", einsum, 12, kNewestOpset, "",
       "at most 9 dimensions in an ellipsis"},
      {"Gemm", gemm, 7},
      {"MatMul", matMul},
      {"MatMulInteger", matMulInteger, 10},
  };
  return entries;
}
