//===- Blas.h - the BLAS of this process ------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_SUPPORT_BLAS_H
#define AWQ_SUPPORT_BLAS_H

#include <string>

namespace awq {

/// Makes the BLAS that this process is linked with serial, and sees that its
/// kernels use the vector units that the processor has. To be called before
/// the first call of BLAS; calling it again does nothing.
///
/// Serial: OpenBLAS's own threads would fight those of this project over the
/// processors, and would split sums by their number.
///
/// Kernels: OpenBLAS knows processors by their model number. One that is newer
/// than the library gets kernels for SSE, which are ten times slower than those
/// it could run. Such a choice is replaced by the newest kernels that the
/// processor's features allow, unless the user has made it, by the environment
/// variable OPENBLAS_CORETYPE.
void prepareBlas();

/// The name of the processor whose kernels OpenBLAS uses, such as "SkylakeX";
/// empty for any other BLAS.
std::string blasKernels();

} // namespace awq

#endif // AWQ_SUPPORT_BLAS_H
