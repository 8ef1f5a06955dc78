//===- MatrixOps.h - shared by the tensor-core instructions --- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MATRIXOPS_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MATRIXOPS_H

#include "Machine.h"
#include "Ops.h"

namespace awq::gpusim {

/// Reports an instruction that needs all 32 lanes and does not have them.
bool requireWholeWarp(Warp &warp, uint32_t site, const char *what);

unsigned elementBits(MmaType type);
bool isInteger(MmaType type);
/// Element `raw` (its bits, low) as an exact float.
float elementToFloat(MmaType type, uint32_t raw);
int32_t elementToInteger(MmaType type, uint32_t raw);
/// The exponent of the type's smallest normal number.
int smallestExponent(MmaType type);

/// sums[n] += sum over k of a[k] * b[k * stride + n], for n columns, in the
/// way that the options choose.
void multiplyAccumulate(const SimulatorOptions &options, MmaType typeA,
                        MmaType typeB, unsigned k, unsigned columns,
                        const float *a, const float *b, unsigned stride,
                        float *sums);

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MATRIXOPS_H
