//===- W4Epilogue.cpp - from sums to results ------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane has rows g, g + 8, g + 16 and g + 24 of the same tokens. So a token
// takes one address and one factor; the rows are 16 bytes apart.
//
// Rows that meet, by a gate or a rotation, are 8 apart in the records, so that
// one lane has both; elsewhere they are N / 2, or half a head, apart. Their
// results go where those rows belong.
//
//===----------------------------------------------------------------------===//

#include "W4Epilogue.h"

using namespace mlir;
using namespace awq;

static constexpr int64_t rowEighths = 4, eighthRows = 8, outputBytes = 2;

/// Finds the row of W that each row of the records is.
void Epilogue::placeRows(const EpiloguePlace &at) {
  for (int64_t i = 0; i < rowEighths; i += 2) {
    Value start = b.add(at.firstRow, static_cast<int32_t>(eighthRows * i));
    Row lower, upper;
    // N is a multiple of 8: eight rows are there or none is.
    lower.exists = b.less(start, arguments.n);
    lower.channel = start;
    upper.channel = b.add(start, static_cast<int32_t>(eighthRows));
    Atom atom;
    if (spec.fusion.gate) {
      lower.channel = b.shiftRight(start, 1);
      upper.channel = b.add(lower.channel, b.shiftRight(arguments.n, 1));
    } else if (spec.fusion.turn) {
      const TurnArguments &turn = arguments.turn;
      Value head = b.mul(b.div(start, turn.headSize), turn.headSize);
      atom.pair = b.shiftRight(b.sub(start, head), 1);
      atom.turns =
          b.both(b.less(start, turn.rows), b.less(atom.pair, turn.half));
      Value first = b.add(head, atom.pair);
      lower.channel = b.select(atom.turns, first, start);
      upper.channel =
          b.select(atom.turns, b.add(first, turn.half), upper.channel);
    }
    upper.exists = b.less(b.add(start, eighthRows), arguments.n);
    rows.append({lower, upper});
    atoms.push_back(atom);
  }
}

void Epilogue::loadRows(const EpiloguePlace &at) {
  Value scales;
  if (at.rowScales)
    scales = b.load(VectorType::get({rowEighths}, b.f16),
                    b.at(at.rowScales, b.shiftLeft(place.g, 3)), 8);
  for (auto [eighth, row] : llvm::enumerate(rows)) {
    if (scales)
      row.scale = b.toF32(b.extract(scales, static_cast<int64_t>(eighth)));
    if (arguments.bias) {
      Value known =
          b.smaller(b.add(row.channel, place.g), b.sub(arguments.n, 1));
      row.bias =
          b.toF32(b.load(type, b.at(arguments.bias, b.shiftLeft(known, 1)), 2));
    }
  }
}

/// A linear's result.
Value Epilogue::result(const TokenSum &sum, Value factor) {
  const Row &row = rows[sum.rowEighth];
  Value result = row.scale ? b.fmul(sum.sum, row.scale) : sum.sum;
  result = b.fmul(result, factor);
  return row.bias ? b.fadd(result, row.bias) : result;
}

/// Turns the pair of a token, if it is to turn.
void Epilogue::turn(const Atom &atom, Value token, Value &lower, Value &upper) {
  Variable cosine = b.variable(b.real(1.0f)), sine = b.variable(b.real(0.0f));
  b.ifThen(atom.turns, [&] {
    Value index =
        b.add(b.mul(token, arguments.turn.half), b.add(atom.pair, place.g));
    Value offset = b.mul(b.widen(index, b.i64), b.constant64(4));
    b.set(cosine, b.load(b.f32, b.at(arguments.turn.cosines, offset), 4));
    b.set(sine, b.load(b.f32, b.at(arguments.turn.sines, offset), 4));
  });
  Value c = b.get(cosine), s = b.get(sine), x = lower, y = upper;
  lower = b.select(atom.turns, b.fsub(b.fmul(x, c), b.fmul(y, s)), x);
  upper = b.select(atom.turns, b.fma(x, s, b.fmul(y, c)), y);
}

/// f(gate) * up. All but the first function are a product with a sigmoid.
Value Epilogue::applyGate(Value gate, Value up) {
  auto times = [&](float factor) { return b.fmul(gate, b.real(factor)); };
  Value result;
  switch (*spec.fusion.gate) {
  case GateFunction::Relu:
    result = b.select(b.fless(gate, b.real(0.0f)), b.real(0.0f), gate);
    break;
  case GateFunction::Sigmoid:
    result = b.sigmoid(gate);
    break;
  case GateFunction::Silu:
    result = b.fmul(gate, b.sigmoid(gate));
    break;
  case GateFunction::GeluQuick:
    result = b.fmul(gate, b.sigmoid(times(1.702f)));
    break;
  case GateFunction::GeluTanh: {
    // (1 + tanh(u)) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
    constexpr float first = 2 * 0.797884561f, third = first * 0.044715f;
    Value inner = b.fma(b.fmul(gate, gate), b.real(third), b.real(first));
    result = b.fmul(gate, b.sigmoid(b.fmul(gate, inner)));
    break;
  }
  }
  return b.fmul(result, up);
}

/// Stores a result `offset` bytes after `address`; `residual` is that address
/// in the residual, or null.
void Epilogue::write(Value result, Value address, int64_t offset,
                     Value residual) {
  if (residual)
    result = b.fadd(result,
                    b.toF32(b.load(type, b.at(residual, offset), outputBytes)));
  b.store(b.fromF32(result, type), b.at(address, offset), outputBytes);
}

/// Stores results 8 columns apart, from column `first` + g of `columns` on:
/// `makeResult(i)` where `exist[i]`.
void Epilogue::storeColumns(ArrayRef<Value> exist, Value token, Value columns,
                            Value first,
                            llvm::function_ref<Value(size_t)> makeResult) {
  Value element = b.add(b.mul(b.widen(token, b.i64), b.widen(columns, b.i64)),
                        b.widen(b.add(first, place.g), b.i64));
  Value offset = b.mul(element, b.constant64(outputBytes));
  Value address = b.at(arguments.output, offset);
  Value residual;
  if (arguments.residual)
    residual = b.at(arguments.residual, offset);
  for (size_t i = 0; i < exist.size(); ++i)
    b.ifThen(exist[i], [&] {
      write(makeResult(i), address,
            static_cast<int64_t>(i) * eighthRows * outputBytes, residual);
    });
}

/// Stores rows of which some turn.
void Epilogue::storePairs(ArrayRef<Value> results, Value token) {
  Value line = b.mul(b.widen(token, b.i64), b.widen(arguments.n, b.i64));
  auto writeRow = [&](const Row &row, Value result) {
    Value column = b.widen(b.add(row.channel, place.g), b.i64);
    Value offset = b.mul(b.add(line, column), b.constant64(outputBytes));
    Value residual;
    if (arguments.residual)
      residual = b.at(arguments.residual, offset);
    write(result, b.at(arguments.output, offset), 0, residual);
  };
  for (auto [i, atom] : llvm::enumerate(atoms)) {
    const Row &lower = rows[2 * i], &upper = rows[2 * i + 1];
    Value x = results[2 * i], y = results[2 * i + 1];
    b.ifThen(lower.exists, [&, atom = atom] {
      turn(atom, token, x, y);
      writeRow(lower, x);
      b.ifThen(upper.exists, [&] { writeRow(upper, y); });
    });
  }
}

/// Writes Y[token, rows], of which there is at least one.
void Epilogue::storeToken(const EpiloguePlace &at, ArrayRef<TokenSum> sums) {
  Value inKernel = sums.front().laneToken;
  int64_t further = sums.front().furtherTokens;
  Value token =
      b.add(b.add(at.firstToken, inKernel), static_cast<int32_t>(further));
  Value isStored = b.less(token, arguments.m);
  if (sums.front().isStored)
    isStored = b.both(isStored, sums.front().isStored);
  b.ifThen(isStored, [&] {
    Value factors = b.at(at.tokenScales, b.shiftLeft(inKernel, 2));
    Value factor = b.load(b.f32, b.at(factors, further * 4), 4);
    if (spec.fusion.turn)
      return storePairs(
          llvm::map_to_vector(
              sums, [&](const TokenSum &sum) { return result(sum, factor); }),
          token);
    if (spec.fusion.gate)
      return storeColumns({rows[0].exists, rows[2].exists}, token,
                          b.shiftRight(arguments.n, 1),
                          b.shiftRight(at.firstRow, 1), [&](size_t i) {
                            return applyGate(result(sums[2 * i], factor),
                                             result(sums[2 * i + 1], factor));
                          });
    storeColumns(
        llvm::map_to_vector(rows, [](const Row &row) { return row.exists; }),
        token, arguments.n, at.firstRow,
        [&](size_t i) { return result(sums[i], factor); });
  });
}

void Epilogue::store(const EpiloguePlace &at, ArrayRef<TokenSum> sums) {
  placeRows(at);
  loadRows(at);
  for (; !sums.empty(); sums = sums.drop_front(rowEighths))
    storeToken(at, sums.take_front(rowEighths));
}
