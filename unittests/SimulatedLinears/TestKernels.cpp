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
      for (bool bias : {false, true}) {
        LinearKind &kind = kinds.emplace_back();
        kind.group = group;
        kind.symmetric = symmetric;
        kind.bias = bias;
      }
  return kinds;
}

unsigned test::bucketCount(const std::string &mode) {
  return mode == "planes" || mode == "dequantize" ? 2 : 5;
}

/// The tokens of the first bucket.
static int64_t fewestTokens(const std::string &mode) {
  if (mode == "planes")
    return 2;
  return mode == "dequantize" ? 64 : 8;
}

namespace {

/// The text of an op with its operands, piece by piece.
struct OpText {
  std::string arguments, uses, types;

  void add(const std::string &keyword, const std::string &name,
           const std::string &type) {
    bool isFirst = arguments.empty();
    arguments += (isFirst ? "%" : ", %") + name + ": " + type;
    uses += (isFirst           ? ""
             : keyword.empty() ? ", "
                               : " " + keyword + " ") +
            ("%" + name);
    types += (isFirst ? "" : ", ") + type;
  }
};

} // namespace

/// A function with one linear of this kind. Its shape does not matter: M, N and
/// K are arguments of the kernels.
static std::string functionText(const LinearKind &kind, size_t index) {
  std::string groups = std::to_string(kind.group ? 256 / kind.group : 1);
  std::string columns = kind.gate.empty() ? "64" : "32";
  OpText op;
  op.add("", "x", "tensor<?x256xf32>");
  op.add("", "q", "tensor<64x256xi8>");
  op.add("", "s", "tensor<64x" + groups + "xf16>");
  if (!kind.symmetric)
    op.add("zeros", "z", "tensor<64x" + groups + "xi8>");
  if (kind.bias)
    op.add("bias", "b", "tensor<64xf32>");
  if (kind.norm)
    op.add("norm", "g", "tensor<256xf32>");
  if (kind.turn) {
    op.add("rotary", "c", "tensor<?x8xf32>");
    op.add("", "d", "tensor<?x8xf32>");
  }
  if (kind.residual)
    op.add("residual", "r", "tensor<?x" + columns + "xf32>");
  std::string attributes =
      "scheme = #awq.scheme<bits = 4, group = " + std::to_string(kind.group) +
      ", zero = " + (kind.symmetric ? "symmetric" : "asymmetric") +
      ", scale = f16>";
  if (kind.norm)
    attributes += ", norm_epsilon = 1.0e-05";
  if (kind.turn)
    attributes += ", turn = #awq.rotary<heads = 1, head_size = 16>";
  if (!kind.gate.empty())
    attributes += ", gate = #awq.gate<" + kind.gate + ">";
  std::string result = "tensor<?x" + columns + "xf32>";
  return "func.func @linear" + std::to_string(index) + "(" + op.arguments +
         ") -> " + result + " {\n  %y = awq." +
         (kind.isFused() ? "fused" : "quantized") + "_linear " + op.uses +
         " {" + attributes + "} : (" + op.types + ") -> " + result +
         "\n  return %y : " + result + "\n}\n";
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

/// The kernels of a kind for one bucket.
static LinearProgram compileProgram(KernelOptions options,
                                    const LinearKind &kind, unsigned bucket) {
  options.tokens = fewestTokens(options.mode) << bucket;
  CompiledKernels compiled = compileKinds({kind}, options);
  Result<KernelModule> module = KernelModule::parse(compiled.bitcode);
  if (!module) {
    ADD_FAILURE() << module.error().str();
    std::abort();
  }
  auto program = LinearProgram::load(*module, compiled.linears[0].front());
  if (!program) {
    ADD_FAILURE() << program.error().str();
    std::abort();
  }
  return std::move(*program);
}

const LinearProgram &KernelLibrary::get(const KernelOptions &options,
                                        const LinearKind &kind,
                                        unsigned bucket) {
  Key wanted(options.chip, options.mode, options.activations, kind, bucket);
  std::promise<LinearProgram> promise;
  bool isFirst;
  std::shared_future<LinearProgram> future;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto [place, isNew] = programs.try_emplace(wanted);
    isFirst = isNew;
    if (isNew)
      place->second = promise.get_future().share();
    future = place->second;
  }
  if (isFirst)
    promise.set_value(compileProgram(options, kind, bucket));
  return future.get();
}
