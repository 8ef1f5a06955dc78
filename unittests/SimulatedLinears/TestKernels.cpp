//===- TestKernels.cpp - the kernels to test, compiled once ---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestKernels.h"

#include "awq/Pipelines/Compiler.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

std::vector<LinearKind> test::allKinds() {
  std::vector<LinearKind> kinds;
  for (int64_t group : kernelGroups)
    for (bool symmetric : {false, true})
      for (bool bias : {false, true})
        kinds.push_back({group, symmetric, bias});
  return kinds;
}

unsigned test::bucketCount(const std::string &mode) {
  return mode == "planes" ? 2 : 5;
}

/// A function with one linear of this kind. Its shape does not matter: M, N and
/// K are arguments of the kernels.
static std::string functionText(const LinearKind &kind, size_t index) {
  std::string groups = std::to_string(kind.group ? 256 / kind.group : 1);
  std::string arguments = "%x: tensor<?x256xf32>, %q: tensor<64x256xi8>, "
                          "%s: tensor<64x" +
                          groups + "xf16>";
  std::string uses = "%x, %q, %s", types = "tensor<?x256xf32>, "
                                           "tensor<64x256xi8>, tensor<64x" +
                                           groups + "xf16>";
  if (!kind.symmetric) {
    arguments += ", %z: tensor<64x" + groups + "xi8>";
    uses += " zeros %z";
    types += ", tensor<64x" + groups + "xi8>";
  }
  if (kind.bias) {
    arguments += ", %b: tensor<64xf32>";
    uses += " bias %b";
    types += ", tensor<64xf32>";
  }
  return "func.func @linear" + std::to_string(index) + "(" + arguments +
         ") -> tensor<?x64xf32> {\n  %y = awq.quantized_linear " + uses +
         " {scheme = #awq.scheme<bits = 4, group = " +
         std::to_string(kind.group) +
         ", zero = " + (kind.symmetric ? "symmetric" : "asymmetric") +
         ", scale = f16>} : (" + types +
         ") -> tensor<?x64xf32>\n  return %y : tensor<?x64xf32>\n}\n";
}

CompiledKernels test::compileKinds(const std::vector<LinearKind> &kinds,
                                   const KernelOptions &options) {
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  std::string text;
  for (size_t i = 0; i < kinds.size(); ++i)
    text += functionText(kinds[i], i);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module) {
    ADD_FAILURE() << "cannot parse " << text;
    std::abort();
  }
  Result<CompiledKernels> compiled = compileKernels(*module, options);
  if (!compiled) {
    ADD_FAILURE() << compiled.error().str();
    std::abort();
  }
  return *compiled;
}

/// The kernels of a kind, one for each bucket.
static std::vector<LinearProgram> compilePrograms(const KernelOptions &options,
                                                  const LinearKind &kind) {
  CompiledKernels compiled = compileKinds({kind}, options);
  Result<KernelModule> module = KernelModule::parse(compiled.bitcode);
  if (!module) {
    ADD_FAILURE() << module.error().str();
    std::abort();
  }
  std::vector<LinearProgram> programs;
  for (unsigned bucket = 0; bucket < bucketCount(options.mode); ++bucket) {
    auto program = LinearProgram::load(*module, compiled.linears[0][bucket]);
    if (!program) {
      ADD_FAILURE() << program.error().str();
      std::abort();
    }
    programs.push_back(std::move(*program));
  }
  return programs;
}

const LinearProgram &KernelLibrary::get(const KernelOptions &options,
                                        const LinearKind &kind,
                                        unsigned bucket) {
  Key wanted(options.chip, options.mode, options.activations, kind);
  std::promise<std::vector<LinearProgram>> promise;
  bool isFirst;
  std::shared_future<std::vector<LinearProgram>> future;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto [place, isNew] = programs.try_emplace(wanted);
    isFirst = isNew;
    if (isNew)
      place->second = promise.get_future().share();
    future = place->second;
  }
  if (isFirst)
    promise.set_value(compilePrograms(options, kind));
  return future.get()[bucket];
}
