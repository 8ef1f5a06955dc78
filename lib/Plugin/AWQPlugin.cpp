//===- AWQPlugin.cpp - awq-mlir in a stock mlir-opt -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// mlir-opt --load-dialect-plugin=libAWQPlugin.so --load-pass-plugin=...: one
// library answers both. The host's MLIR is used, and must be the release that
// this library was built with: LLVM's C++ interface changes with each.
//
//===----------------------------------------------------------------------===//

#include "awq/InitAllDialects.h"
#include "awq/InitAllPasses.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

static constexpr const char *kName = "awq-mlir";

/// A host loads the same library once for dialects and once for passes, or
/// twice for either.
static void registerPassesOnce() {
  static bool once = (awq::registerAllPasses(), true);
  (void)once;
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, kName, AWQ_VERSION,
          [](mlir::DialectRegistry *registry) {
            awq::registerAllDialects(*registry);
            // gpu-module-to-binary at the end of awq-nvvm-pipeline.
            awq::registerNVVMTranslations(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, kName, AWQ_VERSION, registerPassesOnce};
}
