//===- Half.cpp - arrays of 16-bit floats -----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Half.h"

#include "awq/Support/Multiversion.h"

AWQ_MULTIVERSION
void awq::halfToFloat(const uint16_t *source, float *destination,
                      int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    destination[i] = halfToFloat(source[i]);
}

AWQ_MULTIVERSION
void awq::floatToHalf(const float *source, uint16_t *destination,
                      int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    destination[i] = floatToHalf(source[i]);
}

AWQ_MULTIVERSION
void awq::bfloatToFloat(const uint16_t *source, float *destination,
                        int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    destination[i] = bfloatToFloat(source[i]);
}

AWQ_MULTIVERSION
void awq::floatToBfloat(const float *source, uint16_t *destination,
                        int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    destination[i] = floatToBfloat(source[i]);
}
