//===- FloatApply.h - the meaning of each FloatOp on one lane - -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_FLOATAPPLY_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_FLOATAPPLY_H

#include "Numbers.h"
#include "Ops.h"

#include <cmath>
#include <limits>

/// Calls X(name) for every FloatOp.
#define AWQ_GPUSIM_FLOAT_OPS(X)                                                \
  X(Add)                                                                       \
  X(Sub)                                                                       \
  X(Mul)                                                                       \
  X(Div)                                                                       \
  X(Rem)                                                                       \
  X(Min)                                                                       \
  X(Max)                                                                       \
  X(MinNaN)                                                                    \
  X(MaxNaN)                                                                    \
  X(CopySign)                                                                  \
  X(Neg)                                                                       \
  X(Abs)                                                                       \
  X(Sqrt)                                                                      \
  X(Rsqrt)                                                                     \
  X(Reciprocal)                                                                \
  X(Exp2)                                                                      \
  X(Log2)                                                                      \
  X(Exp)                                                                       \
  X(Log)                                                                       \
  X(Sin)                                                                       \
  X(Cos)                                                                       \
  X(Tanh)                                                                      \
  X(Floor)                                                                     \
  X(Ceil)                                                                      \
  X(Trunc)                                                                     \
  X(RoundEven)                                                                 \
  X(Round)                                                                     \
  X(Fma)                                                                       \
  X(FmaRelu)

namespace awq::gpusim {

/// Functions that the hardware approximates are computed as well as the host's
/// library can.
template <typename T, FloatOp op>
inline T applyFloat(T x, T y, T z) {
  switch (op) {
  case FloatOp::Add:
    return x + y;
  case FloatOp::Sub:
    return x - y;
  case FloatOp::Mul:
    return x * y;
  case FloatOp::Div:
    return x / y;
  case FloatOp::Rem:
    return std::fmod(x, y);
  case FloatOp::Min:
    return std::fmin(x, y);
  case FloatOp::Max:
    return std::fmax(x, y);
  case FloatOp::MinNaN:
    return x != x || y != y ? std::numeric_limits<T>::quiet_NaN()
                            : std::fmin(x, y);
  case FloatOp::MaxNaN:
    return x != x || y != y ? std::numeric_limits<T>::quiet_NaN()
                            : std::fmax(x, y);
  case FloatOp::CopySign:
    return std::copysign(x, y);
  case FloatOp::Neg:
    return -x;
  case FloatOp::Abs:
    return std::fabs(x);
  case FloatOp::Sqrt:
    return std::sqrt(x);
  case FloatOp::Rsqrt:
    return T(1 / std::sqrt(double(x)));
  case FloatOp::Reciprocal:
    return T(1) / x;
  case FloatOp::Exp2:
    return std::exp2(x);
  case FloatOp::Log2:
    return std::log2(x);
  case FloatOp::Exp:
    return std::exp(x);
  case FloatOp::Log:
    return std::log(x);
  case FloatOp::Sin:
    return std::sin(x);
  case FloatOp::Cos:
    return std::cos(x);
  case FloatOp::Tanh:
    return std::tanh(x);
  case FloatOp::Floor:
    return std::floor(x);
  case FloatOp::Ceil:
    return std::ceil(x);
  case FloatOp::Trunc:
    return std::trunc(x);
  case FloatOp::RoundEven:
    return std::nearbyint(x);
  case FloatOp::Round:
    return std::round(x);
  case FloatOp::Fma:
    return std::fma(x, y, z);
  case FloatOp::FmaRelu: {
    T value = std::fma(x, y, z);
    return value < 0 ? T(0) : value;
  }
  }
  return 0;
}

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_FLOATAPPLY_H
