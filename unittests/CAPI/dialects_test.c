/*===- dialects_test.c - dialects and passes through mlir-c -------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A program that uses MLIR's own C interface: it takes our dialects and      *|
|* passes from libAWQCompiler.so, and the rest from MLIR. Exit code 0 when    *|
|* every check holds.                                                         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "awq-c/Dialects.h"
#include "awq-c/Passes.h"

#include "mlir-c/Dialect/Func.h"
#include "mlir-c/IR.h"
#include "mlir-c/Pass.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "dialects_test.c:%d: %s\n", __LINE__, #condition);       \
      ++failures;                                                              \
    }                                                                          \
  } while (0)

static const char model[] =
    "func.func @f(%x: tensor<?x4xf32>, %g: tensor<4xf32>,\n"
    "             %w: tensor<2x4xf32>) -> tensor<?x2xf32> {\n"
    "  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64}\n"
    "      : tensor<?x4xf32>, tensor<4xf32>\n"
    "  %o = awq.observe %n \"site\" : tensor<?x4xf32>\n"
    "  %y = awq.linear %o, %w : (tensor<?x4xf32>, tensor<2x4xf32>)\n"
    "      -> tensor<?x2xf32>\n"
    "  return %y : tensor<?x2xf32>\n"
    "}\n";

static MlirStringRef text(const char *characters) {
  return mlirStringRefCreateFromCString(characters);
}

static void append(MlirStringRef part, void *target) {
  strncat(target, part.data, part.length);
}

static void runPass(MlirContext context, MlirModule module) {
  MlirPassManager manager = mlirPassManagerCreate(context);
  char printed[4096] = "";
  CHECK(mlirLogicalResultIsSuccess(mlirParsePassPipeline(
      mlirPassManagerGetAsOpPassManager(manager),
      text("builtin.module(func.func(awq-remove-observers))"), append,
      printed)));
  CHECK(mlirLogicalResultIsSuccess(
      mlirPassManagerRunOnOp(manager, mlirModuleGetOperation(module))));
  mlirOperationPrint(mlirModuleGetOperation(module), append, printed);
  CHECK(strstr(printed, "awq.linear") != NULL);
  CHECK(strstr(printed, "awq.observe") == NULL);
  mlirPassManagerDestroy(manager);
}

int main(void) {
  MlirDialectHandle awq = mlirGetDialectHandle__awq__();
  MlirDialectHandle decoder = mlirGetDialectHandle__decoder__();
  MlirStringRef name = mlirDialectHandleGetNamespace(awq);
  CHECK(name.length == 3 && strncmp(name.data, "awq", 3) == 0);
  awqRegisterAllPasses();
  awqRegisterAllPasses();

  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  awqRegisterAllDialects(registry);
  mlirDialectHandleInsertDialect(mlirGetDialectHandle__func__(), registry);
  MlirContext context =
      mlirContextCreateWithRegistry(registry, /*threadingEnabled=*/false);
  mlirDialectRegistryDestroy(registry);
  CHECK(!mlirDialectIsNull(mlirDialectHandleLoadDialect(awq, context)));
  CHECK(!mlirDialectIsNull(mlirDialectHandleLoadDialect(decoder, context)));

  MlirModule module = mlirModuleCreateParse(context, text(model));
  CHECK(!mlirModuleIsNull(module));
  if (!mlirModuleIsNull(module)) {
    runPass(context, module);
    mlirModuleDestroy(module);
  }
  mlirContextDestroy(context);
  return failures != 0;
}
