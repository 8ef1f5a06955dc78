/*===- compiler_test.c - the compiler from C ----------------------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* compiler_test LIBRARY: loads the library privately (RTLD_LOCAL), as        *|
|* Python's ctypes does, and works on a small module. Exit code 0 when every  *|
|* check holds.                                                               *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "awq-c/Compiler.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "compiler_test.c:%d: %s\n", __LINE__, #condition);       \
      ++failures;                                                              \
    }                                                                          \
  } while (0)

/* Every function of the header, under its own name with its own type. */
#define FUNCTIONS(X)                                                           \
  X(awqCompilerAbiVersion)                                                     \
  X(awqCompilerVersion)                                                        \
  X(awqCompilerLastError)                                                      \
  X(awqCompilerOptions)                                                        \
  X(awqCompilerPhases)                                                         \
  X(awqCompilerCreate)                                                         \
  X(awqCompilerDestroy)                                                        \
  X(awqCompilerSetDiagnosticCallback)                                          \
  X(awqCompilerSetEventCallback)                                               \
  X(awqCompilerSetOption)                                                      \
  X(awqModuleLoad)                                                             \
  X(awqModuleParse)                                                            \
  X(awqModuleDestroy)                                                          \
  X(awqModuleRunToPhase)                                                       \
  X(awqModuleRunPasses)                                                        \
  X(awqModuleGetText)                                                          \
  X(awqModuleGetBytecode)                                                      \
  X(awqModuleWriteBundle)                                                      \
  X(awqModuleWriteCheckpoint)                                                  \
  X(awqModuleWriteKernels)                                                     \
  X(awqBufferData)                                                             \
  X(awqBufferSize)                                                             \
  X(awqBufferDestroy)

#define DECLARE(name) static __typeof__(name) *p_##name;
FUNCTIONS(DECLARE)

static int findFunctions(void *library) {
#define FIND(name)                                                             \
  *(void **)&p_##name = dlsym(library, #name);                                 \
  if (!p_##name) {                                                             \
    fprintf(stderr, "no function %s\n", #name);                                \
    return 0;                                                                  \
  }
  FUNCTIONS(FIND)
  return 1;
}

static const char layer[] =
    "func.func @f(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {\n"
    "  %w = arith.constant dense<0.5> : tensor<2x16xf32>\n"
    "  %y = awq.linear %x, %w : (tensor<?x16xf32>, tensor<2x16xf32>)\n"
    "      -> tensor<?x2xf32>\n"
    "  return %y : tensor<?x2xf32>\n"
    "}\n";

static const char rounding[] =
    "awq-quantize-pipeline{group=16 search-scales=false search-clips=false "
    "refit=false refine=false}";

/* What the diagnostic callback was called with last. */
static struct {
  int calls;
  int32_t severity;
  char code[16], message[512], where[256], help[256];
} seen;

static void copyText(char *target, size_t size, const char *text) {
  strncpy(target, text, size - 1);
  target[size - 1] = 0;
}

static void onDiagnostic(int32_t severity, const char *code,
                         const char *message, const char *where,
                         const char *help, void *userData) {
  CHECK(userData == &seen);
  ++seen.calls;
  seen.severity = severity;
  copyText(seen.code, sizeof(seen.code), code);
  copyText(seen.message, sizeof(seen.message), message);
  copyText(seen.where, sizeof(seen.where), where);
  copyText(seen.help, sizeof(seen.help), help);
}

static void checkNulls(AwqCompiler *compiler) {
  AwqModule *module = NULL;
  CHECK(p_awqCompilerCreate(NULL) == AWQ_STATUS_USAGE);
  CHECK(strstr(p_awqCompilerLastError(), "error[AWQ1670]: ") != NULL);
  CHECK(strstr(p_awqCompilerLastError(), "'compiler' is null") != NULL);
  CHECK(p_awqCompilerSetOption(NULL, "bits", "4") == AWQ_STATUS_USAGE);
  CHECK(p_awqCompilerSetOption(compiler, NULL, "4") == AWQ_STATUS_USAGE);
  CHECK(p_awqCompilerSetOption(compiler, "bits", NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqCompilerSetDiagnosticCallback(NULL, NULL, NULL) ==
        AWQ_STATUS_USAGE);
  CHECK(p_awqCompilerSetEventCallback(NULL, NULL, NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleLoad(compiler, NULL, &module) == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleLoad(compiler, "x", NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleParse(NULL, layer, 1, NULL, &module) == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleParse(compiler, NULL, 1, NULL, &module) == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleRunToPhase(NULL, "pack") == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleRunPasses(NULL, "cse") == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleGetText(NULL, NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleGetBytecode(NULL, NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleWriteBundle(NULL, "x") == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleWriteCheckpoint(NULL, "x") == AWQ_STATUS_USAGE);
  CHECK(p_awqModuleWriteKernels(NULL, "x") == AWQ_STATUS_USAGE);
  CHECK(p_awqBufferSize(NULL) == 0 && strcmp(p_awqBufferData(NULL), "") == 0);
  p_awqCompilerDestroy(NULL);
  p_awqModuleDestroy(NULL);
  p_awqBufferDestroy(NULL);
  CHECK(module == NULL);
}

static void checkErrors(AwqCompiler *compiler) {
  AwqModule *module = NULL;
  CHECK(p_awqModuleLoad(compiler, "/nonexistent", &module) == AWQ_STATUS_USAGE);
  CHECK(module == NULL);
  CHECK(seen.calls == 1 && seen.severity == AWQ_SEVERITY_ERROR);
  CHECK(strcmp(seen.code, "AWQ1512") == 0);
  CHECK(strcmp(seen.where, "/nonexistent") == 0);
  CHECK(strstr(seen.help, "name a Hugging Face folder") == seen.help);
  CHECK(strstr(p_awqCompilerLastError(), "error[AWQ1512]: ") ==
        p_awqCompilerLastError());

  CHECK(p_awqCompilerSetOption(compiler, "bit", "4") == AWQ_STATUS_USAGE);
  CHECK(strcmp(seen.code, "AWQ1668") == 0 && strstr(seen.help, "bits"));
  CHECK(p_awqCompilerSetOption(compiler, "bits", "four") == AWQ_STATUS_USAGE);
  CHECK(strcmp(seen.code, "AWQ1669") == 0);
  CHECK(p_awqCompilerSetOption(compiler, "force", "yes") == AWQ_STATUS_USAGE);
  CHECK(p_awqCompilerSetOption(compiler, "shrinkage", "x") == AWQ_STATUS_USAGE);
  CHECK(p_awqCompilerSetOption(compiler, "threads", "2") == AWQ_STATUS_OK);
  CHECK(p_awqCompilerSetOption(compiler, "skip", "a,b") == AWQ_STATUS_OK);
  CHECK(p_awqCompilerSetOption(compiler, "skip", "") == AWQ_STATUS_OK);

  CHECK(p_awqModuleParse(compiler, "func.func", 9, "buffer.mlir", &module) ==
        AWQ_STATUS_MALFORMED);
  CHECK(module == NULL && strcmp(seen.code, "AWQ1511") == 0);
  CHECK(strstr(seen.where, "buffer.mlir") != NULL);
  /* The header of bytecode, and nothing after it. */
  CHECK(p_awqModuleParse(compiler, "ML\xefR\x0d", 5, NULL, &module) ==
        AWQ_STATUS_MALFORMED);
  CHECK(module == NULL);
}

/* The module's text in a buffer that the caller destroys. */
static AwqBuffer *textOf(AwqModule *module) {
  AwqBuffer *text = NULL;
  CHECK(p_awqModuleGetText(module, &text) == AWQ_STATUS_OK);
  CHECK(text && strlen(p_awqBufferData(text)) == p_awqBufferSize(text));
  return text;
}

static int contains(AwqModule *module, const char *part) {
  AwqBuffer *text = textOf(module);
  int found = strstr(p_awqBufferData(text), part) != NULL;
  p_awqBufferDestroy(text);
  return found;
}

static void checkPasses(AwqCompiler *compiler) {
  AwqModule *module = NULL, *again = NULL;
  AwqBuffer *bytecode = NULL, *before, *after;
  CHECK(p_awqModuleParse(compiler, layer, sizeof(layer) - 1, NULL, &module) ==
        AWQ_STATUS_OK);
  if (!module)
    return;
  CHECK(p_awqModuleRunPasses(module, "no-such-pass") == AWQ_STATUS_USAGE);
  CHECK(strcmp(seen.code, "AWQ1671") == 0);
  CHECK(strstr(seen.message, "no-such-pass") != NULL);

  /* A pass that fails changes nothing: there are no statistics. */
  before = textOf(module);
  CHECK(p_awqModuleRunPasses(module, "awq-quantize-pipeline{group=16}") ==
        AWQ_STATUS_UNSUPPORTED);
  CHECK(strcmp(seen.code, "AWQ1510") == 0);
  CHECK(strstr(seen.message, "there are no statistics of site") != NULL);
  after = textOf(module);
  CHECK(strcmp(p_awqBufferData(before), p_awqBufferData(after)) == 0);
  p_awqBufferDestroy(before);
  p_awqBufferDestroy(after);

  CHECK(p_awqModuleRunPasses(module, rounding) == AWQ_STATUS_OK);
  CHECK(contains(module, "awq.quantized_linear"));
  CHECK(p_awqModuleGetBytecode(module, &bytecode) == AWQ_STATUS_OK);
  CHECK(p_awqModuleParse(compiler, p_awqBufferData(bytecode),
                         p_awqBufferSize(bytecode), NULL,
                         &again) == AWQ_STATUS_OK);
  p_awqBufferDestroy(bytecode);
  CHECK(again && contains(again, "awq.quantized_linear"));
  p_awqModuleDestroy(again);

  /* Remarks of passes come through the callback. */
  CHECK(p_awqModuleRunPasses(module, "awq-find-scaling-groups{remarks}") ==
        AWQ_STATUS_OK);
  p_awqModuleDestroy(module);
}

static void checkPhases(AwqCompiler *compiler) {
  AwqModule *module = NULL;
  CHECK(strstr(p_awqCompilerPhases(), "import, groups, pack, ") ==
        p_awqCompilerPhases());
  CHECK(p_awqModuleParse(compiler, layer, sizeof(layer) - 1, NULL, &module) ==
        AWQ_STATUS_OK);
  if (!module)
    return;
  CHECK(p_awqModuleRunToPhase(module, "nowhere") == AWQ_STATUS_USAGE);
  CHECK(strcmp(seen.code, "AWQ1516") == 0);
  CHECK(p_awqModuleRunToPhase(module, "functions") == AWQ_STATUS_OK);
  CHECK(contains(module, "awq.role = \"output\""));
  CHECK(p_awqModuleRunToPhase(module, "pack") == AWQ_STATUS_USAGE);
  CHECK(strcmp(seen.code, "AWQ1667") == 0);
  CHECK(p_awqModuleRunToPhase(module, "linalg") == AWQ_STATUS_OK);
  CHECK(!contains(module, "awq.linear"));
  p_awqModuleDestroy(module);
}

static void checkOutputs(AwqCompiler *compiler) {
  AwqModule *module = NULL;
  CHECK(p_awqModuleParse(compiler, layer, sizeof(layer) - 1, NULL, &module) ==
        AWQ_STATUS_OK);
  if (!module)
    return;
  CHECK(p_awqModuleWriteCheckpoint(module, "/nonexistent/x") ==
        AWQ_STATUS_USAGE);
  CHECK(strcmp(seen.code, "AWQ1673") == 0);
  CHECK(p_awqModuleWriteBundle(module, "/nonexistent/x") ==
        AWQ_STATUS_UNSUPPORTED);
  CHECK(strcmp(seen.code, "AWQ1514") == 0);
  CHECK(p_awqModuleWriteKernels(module, "/nonexistent/x") ==
        AWQ_STATUS_UNSUPPORTED);
  CHECK(strcmp(seen.code, "AWQ1531") == 0);
  CHECK(p_awqCompilerSetOption(compiler, "method", "best") == AWQ_STATUS_OK);
  CHECK(p_awqModuleWriteCheckpoint(module, "/nonexistent/x") ==
        AWQ_STATUS_USAGE);
  CHECK(strcmp(seen.code, "AWQ1601") == 0);
  p_awqModuleDestroy(module);
}

/* A module outlives its compiler's handle. */
static void checkLifetimes(void) {
  AwqCompiler *compiler = NULL;
  AwqModule *module = NULL;
  CHECK(p_awqCompilerCreate(&compiler) == AWQ_STATUS_OK);
  CHECK(p_awqModuleParse(compiler, layer, sizeof(layer) - 1, NULL, &module) ==
        AWQ_STATUS_OK);
  p_awqCompilerDestroy(compiler);
  if (!module)
    return;
  CHECK(p_awqModuleRunPasses(module, rounding) == AWQ_STATUS_OK);
  CHECK(contains(module, "awq.quantized_linear"));
  p_awqModuleDestroy(module);
}

int main(int argc, char **argv) {
  AwqCompiler *compiler = NULL;
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library || !findFunctions(library)) {
    fprintf(stderr, "usage: compiler_test LIBRARY\n%s\n",
            argc == 2 && !library ? dlerror() : "");
    return 2;
  }
  CHECK(p_awqCompilerAbiVersion() == AWQ_COMPILER_ABI_VERSION);
  CHECK(strchr(p_awqCompilerVersion(), '.') != NULL);
  CHECK(strstr(p_awqCompilerOptions(), "\"name\":\"group-size\"") != NULL);
  CHECK(strcmp(p_awqCompilerLastError(), "") == 0);
  CHECK(p_awqCompilerCreate(&compiler) == AWQ_STATUS_OK);
  if (!compiler)
    return 1;
  checkNulls(compiler);
  CHECK(p_awqCompilerSetDiagnosticCallback(compiler, onDiagnostic, &seen) ==
        AWQ_STATUS_OK);
  checkErrors(compiler);
  checkPasses(compiler);
  checkPhases(compiler);
  checkOutputs(compiler);
  p_awqCompilerDestroy(compiler);
  checkLifetimes();
  return failures != 0;
}
