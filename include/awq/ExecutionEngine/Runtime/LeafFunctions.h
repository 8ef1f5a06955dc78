//===- LeafFunctions.h - what generated code calls --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions that compiled models find by name in libAWQRuntime.so. All are
// serial: generated code splits its work into fixed tiles, and one thread calls
// one of these per tile. So a result never depends on the number of threads.
// Their names and signatures are part of the bundle format: a change of one
// raises the version in manifest.json.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_RUNTIME_LEAFFUNCTIONS_H
#define AWQ_EXECUTIONENGINE_RUNTIME_LEAFFUNCTIONS_H

#include "awq/ExecutionEngine/Runtime/MemRef.h"

#include <cstdint>

#define AWQ_RUNTIME_LEAF __attribute__((visibility("default")))

extern "C" {

/// y[M, N] = x[M, K] * w[N, K]^T in f32; all row-major.
///
/// `ldx`, `ldw` and `ldy` are the distances between rows in elements: ldx >= K,
/// ldw >= K, ldy >= N. y is overwritten, never read, and must overlap neither
/// x nor w. M, N and K may be 0 (K == 0 gives zeros). Every size is a tile's:
/// it must fit 31 bits. Pointers need the alignment of a float only.
AWQ_RUNTIME_LEAF void awq_rt_sgemm_nt(int64_t m, int64_t n, int64_t k,
                                      const float *x, int64_t ldx,
                                      const float *w, int64_t ldw, float *y,
                                      int64_t ldy);

/// Copies `source` to `target`: the function that MLIR's memref.copy lowering
/// calls where a copy is not contiguous. Both have the same shape; their
/// strides are their own. They must not overlap.
AWQ_RUNTIME_LEAF void memrefCopy(int64_t elementBytes,
                                 const awq::runtime::UnrankedMemRef *source,
                                 const awq::runtime::UnrankedMemRef *target);

} // extern "C"

#endif // AWQ_EXECUTIONENGINE_RUNTIME_LEAFFUNCTIONS_H
