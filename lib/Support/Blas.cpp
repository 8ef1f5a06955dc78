//===- Blas.cpp - the BLAS of this process ----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Support/Blas.h"

#include <cstdlib>

// Absent from other BLAS libraries; the last two also from an OpenBLAS that was
// built for one processor only. They are not in cblas.h, but OpenBLAS exports
// them: its constructor and destructor are these.
extern "C" {
void openblas_set_num_threads(int threads) __attribute__((weak));
char *openblas_get_corename() __attribute__((weak));
void gotoblas_dynamic_init() __attribute__((weak));
void gotoblas_dynamic_quit() __attribute__((weak));
}

static constexpr char coreVariable[] = "OPENBLAS_CORETYPE";

/// The processor whose kernels run here and are the fastest that do, as
/// OPENBLAS_CORETYPE spells it; null where that is OpenBLAS's own choice.
static const char *newestKernels() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return "SKYLAKEX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return "HASWELL";
#endif
  return nullptr;
}

/// Whether kernels use 256 bits and FMA at least: those of a model that
/// OpenBLAS knew.
static bool areWide(const std::string &kernels) {
  for (const char *wide :
       {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"})
    if (kernels == wide)
      return true;
  return false;
}

std::string awq::blasKernels() {
  return openblas_get_corename ? openblas_get_corename() : "";
}

static void chooseKernels() {
  const char *wanted = newestKernels();
  if (!wanted || !openblas_get_corename || !gotoblas_dynamic_init ||
      !gotoblas_dynamic_quit || areWide(awq::blasKernels()))
    return;
  const char *chosen = std::getenv(coreVariable);
  if (chosen && *chosen)
    return;
  setenv(coreVariable, wanted, /*overwrite=*/1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv(coreVariable);
}

void awq::prepareBlas() {
  static const bool once = [] {
    if (openblas_set_num_threads)
      openblas_set_num_threads(1);
    chooseKernels();
    return true;
  }();
  (void)once;
}
