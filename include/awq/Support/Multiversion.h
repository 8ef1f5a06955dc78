//===- Multiversion.h - loops compiled for several processors ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_SUPPORT_MULTIVERSION_H
#define AWQ_SUPPORT_MULTIVERSION_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AWQ_UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AWQ_UNDER_SANITIZER 1
#endif
#endif

/// Put before the definition of a hot function of plain loops: it is compiled
/// for baseline x86-64, AVX2 and AVX-512, and the dynamic linker picks one.
/// Under sanitizers, whose runtime is not ready that early, there is only the
/// baseline.
#if defined(__x86_64__) && defined(__GNUC__) && defined(__gnu_linux__) &&      \
    !defined(AWQ_UNDER_SANITIZER)
#define AWQ_MULTIVERSION                                                       \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define AWQ_MULTIVERSION
#endif

#endif // AWQ_SUPPORT_MULTIVERSION_H
