/*===- quantize.c - quantizes a model from C ----------------------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* quantize MODEL OUTPUT: MODEL is a Hugging Face folder or a file of MLIR. A *|
|* folder's model is rounded to 4 bits and written as a checkpoint to the     *|
|* folder OUTPUT; a file's linears are, and OUTPUT is a file of MLIR again.   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include <awq-c/Compiler.h>

#include <stdio.h>
#include <string.h>

/* Prints what the compiler says. */
static void onDiagnostic(int32_t severity, const char *code,
                         const char *message, const char *where,
                         const char *help, void *userData) {
  fprintf((FILE *)userData, "%s %s: %s\n  where: %s\n  help: %s\n",
          severity == AWQ_SEVERITY_ERROR ? "error" : "note", code, message,
          where, help);
}

/* Quantizes the linears of a module and writes it as text. */
static int quantizeModule(AwqModule *module, const char *output) {
  AwqBuffer *text = NULL;
  int status = awqModuleRunPasses(
      module, "awq-quantize-pipeline{bits=4 group=16 search-scales=false "
              "search-clips=false refit=false refine=false}");
  if (status == AWQ_STATUS_OK)
    status = awqModuleGetText(module, &text);
  FILE *file = status == AWQ_STATUS_OK ? fopen(output, "w") : NULL;
  if (file) {
    fwrite(awqBufferData(text), 1, awqBufferSize(text), file);
    fclose(file);
  }
  awqBufferDestroy(text);
  return status;
}

int main(int argc, char **argv) {
  AwqCompiler *compiler = NULL;
  AwqModule *module = NULL;
  if (argc != 3 || awqCompilerAbiVersion() != AWQ_COMPILER_ABI_VERSION)
    return AWQ_STATUS_USAGE;
  int status = awqCompilerCreate(&compiler);
  if (status != AWQ_STATUS_OK)
    return status;
  awqCompilerSetDiagnosticCallback(compiler, onDiagnostic, stderr);
  awqCompilerSetOption(compiler, "method", "rtn");
  awqCompilerSetOption(compiler, "bits", "4");
  awqCompilerSetOption(compiler, "group-size", "16");

  status = awqModuleLoad(compiler, argv[1], &module);
  if (status == AWQ_STATUS_OK)
    status = strstr(argv[2], ".mlir")
                 ? quantizeModule(module, argv[2])
                 : awqModuleWriteCheckpoint(module, argv[2]);
  awqModuleDestroy(module);
  awqCompilerDestroy(compiler);
  return status;
}
