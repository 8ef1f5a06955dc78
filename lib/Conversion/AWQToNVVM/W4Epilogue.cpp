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
//===----------------------------------------------------------------------===//

#include "W4Epilogue.h"

using namespace mlir;
using namespace awq;

static constexpr int64_t rowEighths = 4, eighthRows = 8, outputBytes = 2;

void Epilogue::loadRows(const EpiloguePlace &at) {
  Type type = spec.type == ActivationType::F16 ? b.f16 : b.bf16;
  Value scales;
  if (at.rowScales)
    scales = b.load(VectorType::get({rowEighths}, b.f16),
                    b.at(at.rowScales, b.shiftLeft(place.g, 3)), 8);
  for (int64_t eighth = 0; eighth < rowEighths; ++eighth) {
    Value start = b.add(at.firstRow, static_cast<int32_t>(eighthRows * eighth));
    Row row;
    // N is a multiple of 8: eight rows are there or none is.
    row.exists = b.less(start, arguments.n);
    if (scales)
      row.scale = b.toF32(b.extract(scales, eighth));
    if (arguments.bias) {
      Value known = b.smaller(b.add(start, place.g), b.sub(arguments.n, 1));
      row.bias =
          b.toF32(b.load(type, b.at(arguments.bias, b.shiftLeft(known, 1)), 2));
    }
    rows.push_back(row);
  }
}

/// Writes Y[token, rows], of which there is at least one.
void Epilogue::storeToken(const EpiloguePlace &at, ArrayRef<TokenSum> sums) {
  Type type = spec.type == ActivationType::F16 ? b.f16 : b.bf16;
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
    Value element =
        b.add(b.mul(b.widen(token, b.i64), b.widen(arguments.n, b.i64)),
              b.widen(b.add(at.firstRow, place.g), b.i64));
    Value address =
        b.at(arguments.output, b.mul(element, b.constant64(outputBytes)));
    for (const TokenSum &sum : sums) {
      const Row &row = rows[sum.rowEighth];
      b.ifThen(row.exists, [&] {
        Value result = row.scale ? b.fmul(sum.sum, row.scale) : sum.sum;
        result = b.fmul(result, factor);
        if (row.bias)
          result = b.fadd(result, row.bias);
        b.store(b.fromF32(result, type),
                b.at(address, sum.rowEighth * eighthRows * outputBytes),
                outputBytes);
      });
    }
  });
}

void Epilogue::store(const EpiloguePlace &at, ArrayRef<TokenSum> sums) {
  loadRows(at);
  for (; !sums.empty(); sums = sums.drop_front(rowEighths))
    storeToken(at, sums.take_front(rowEighths));
}
