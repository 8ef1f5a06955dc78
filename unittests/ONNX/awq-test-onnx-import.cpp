//===- awq-test-onnx-import.cpp - imports many ONNX models ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads paths of models; imports each and tries to raise it. For each prints a
// line of JSON as `awq-test-onnx --each` does: path, exit code, error code or
// "ok" (raised or not), whether it was raised, milliseconds of processor time,
// and the files that hold its parameters.
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/ParameterFileList.h"
#include "awq/Dialect/Decoder/Transforms/Passes.h"
#include "awq/Target/ONNX/Import.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>

using namespace awq;
using nlohmann::json;

static json importOne(const std::string &path) {
  json line = {{"path", path}, {"exit", 0}, {"code", "ok"}};
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  // What is said of a model that is not raised would fill the log.
  mlir::ScopedDiagnosticHandler quiet(
      &context, [](mlir::Diagnostic &) { return mlir::success(); });
  Result<mlir::OwningOpRef<mlir::ModuleOp>> module = importONNX(&context, path);
  if (!module) {
    line["exit"] = module.error().exitCode();
    line["code"] = module.error().code;
    return line;
  }
  line["files"] = parameterFilePaths(**module);
  mlir::PassManager manager(&context);
  manager.addPass(createRaiseDecoderPass());
  if (mlir::failed(manager.run(**module)) ||
      mlir::failed(mlir::verify(**module))) {
    line["exit"] = static_cast<int>(ErrorKind::Internal);
    line["code"] = "awq-raise-decoder failed";
  }
  line["raised"] = bool((*module)->lookupSymbol("forward"));
  return line;
}

int main() {
  for (std::string path; std::getline(std::cin, path);) {
    std::clock_t begin = std::clock();
    json line = importOne(path);
    line["ms"] = (std::clock() - begin) * 1000 / CLOCKS_PER_SEC;
    std::printf("%s\n", line.dump().c_str());
    std::fflush(stdout);
  }
  return 0;
}
