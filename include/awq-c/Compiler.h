/*===- Compiler.h - compiling models, from C ----------------------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The C interface of libAWQCompiler.so: models are loaded, lowered,          *|
|* quantized and written without a process of their own. No C++ type appears  *|
|* in it, and nothing of MLIR.                                                *|
|*                                                                            *|
|* Stability: within one AWQ_COMPILER_ABI_VERSION functions are only added;   *|
|* no signature and no meaning changes. A program compares the macro it was   *|
|* compiled with to awqCompilerAbiVersion() of the library it has loaded.     *|
|* Options, phases and events may gain new names. The names of passes and the *|
|* text of modules are not part of the promise.                               *|
|*                                                                            *|
|* Errors: a function that returns int gives 0 on success, else the kind of   *|
|* failure (enum AwqStatus). awqCompilerLastError() then explains it, and the *|
|* diagnostic callback got it in its parts. A failed call changes nothing:    *|
|* out parameters and modules are left alone.                                 *|
|*                                                                            *|
|* Trust: Hugging Face folders may come from strangers. MLIR, text or         *|
|* bytecode, is developer input: its parsers report what is wrong but are not *|
|* hardened, and damaged bytecode can ask for more memory than there is.      *|
|*                                                                            *|
|* Ownership: what a create, load, parse or get function gives is the         *|
|* caller's until the matching destroy function gets it. Handles may be       *|
|* destroyed in any order: a module keeps what it needs of its compiler.      *|
|*                                                                            *|
|* Threads: a compiler and its modules belong to one thread at a time;        *|
|* different compilers are independent. The error text is kept per thread.    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef AWQ_C_COMPILER_H
#define AWQ_C_COMPILER_H

#include "awq-c/Status.h"

#include <stdint.h>

#ifndef AWQ_COMPILER_API
#define AWQ_COMPILER_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface; see the note on stability above. */
#define AWQ_COMPILER_ABI_VERSION 1

/** How grave a diagnostic is. */
enum AwqSeverity {
  AWQ_SEVERITY_NOTE = 0,
  AWQ_SEVERITY_REMARK = 1,
  AWQ_SEVERITY_WARNING = 2,
  AWQ_SEVERITY_ERROR = 3
};

/** Options, and what all modules of one origin share. */
typedef struct AwqCompiler AwqCompiler;

/** One model as IR. */
typedef struct AwqModule AwqModule;

/** Bytes that a function has made. */
typedef struct AwqBuffer AwqBuffer;

/** Gets each diagnostic: its severity (enum AwqSeverity), code ("AWQ1512";
 *  empty for remarks, warnings and notes), message, the place (file, tensor,
 *  operation; may be empty) and the remedy (may be empty). The texts live until
 *  the callback returns. It may come from any thread of the compiler, one call
 *  at a time, and must not call the compiler. */
typedef void (*AwqDiagnosticCallback)(int32_t severity, const char *code,
                                      const char *message, const char *where,
                                      const char *help, void *userData);

/** Gets each event of long work as a JSON object with the member "event". */
typedef void (*AwqEventCallback)(const char *json, void *userData);

/** AWQ_COMPILER_ABI_VERSION of the loaded library. */
AWQ_COMPILER_API int32_t awqCompilerAbiVersion(void);

/** The release of the loaded library, such as "0.1.0". Never freed. */
AWQ_COMPILER_API const char *awqCompilerVersion(void);

/** The last error of the calling thread:
 *    error[AWQ1512]: message
 *      where: ...
 *      help: ...
 *  Empty before the first error. Valid until the thread's next failed call. */
AWQ_COMPILER_API const char *awqCompilerLastError(void);

/** The options that awqCompilerSetOption() takes, as a JSON array of
 *  {"name", "type", "default", "help"}. Never freed. */
AWQ_COMPILER_API const char *awqCompilerOptions(void);

/** The phases that awqModuleRunToPhase() takes, in their order:
 *  "import, groups, pack, ...". Never freed. */
AWQ_COMPILER_API const char *awqCompilerPhases(void);

/** A compiler with all options at their defaults. */
AWQ_COMPILER_API int awqCompilerCreate(AwqCompiler **compiler);

/** Null is allowed. */
AWQ_COMPILER_API void awqCompilerDestroy(AwqCompiler *compiler);

/** Has diagnostics sent to `callback` (null: to nobody, the default). */
AWQ_COMPILER_API int awqCompilerSetDiagnosticCallback(
    AwqCompiler *compiler, AwqDiagnosticCallback callback, void *userData);

/** Has events sent to `callback` (null: to nobody, the default). */
AWQ_COMPILER_API int awqCompilerSetEventCallback(AwqCompiler *compiler,
                                                 AwqEventCallback callback,
                                                 void *userData);

/** Sets an option by its name. Booleans are "true" and "false", lists are
 *  separated by commas. */
AWQ_COMPILER_API int awqCompilerSetOption(AwqCompiler *compiler,
                                          const char *name, const char *value);

/** Loads a Hugging Face folder (or its config.json), a file of MLIR as text or
 *  bytecode, or an .onnx file if the library was built with that. */
AWQ_COMPILER_API int awqModuleLoad(AwqCompiler *compiler, const char *path,
                                   AwqModule **module);

/** Reads `size` bytes of MLIR, text or bytecode. `name` stands for them in
 *  diagnostics (null: "memory"). */
AWQ_COMPILER_API int awqModuleParse(AwqCompiler *compiler, const void *data,
                                    uint64_t size, const char *name,
                                    AwqModule **module);

/** Null is allowed. */
AWQ_COMPILER_API void awqModuleDestroy(AwqModule *module);

/** Lowers the module for the CPU up to the phase of that name, from the phase
 *  it has reached. */
AWQ_COMPILER_API int awqModuleRunToPhase(AwqModule *module, const char *phase);

/** Runs passes and pipelines, written as for awq-opt's --pass-pipeline, with or
 *  without the module around them: "awq-quantize-pipeline{group=32},cse". */
AWQ_COMPILER_API int awqModuleRunPasses(AwqModule *module, const char *passes);

/** The module as text. */
AWQ_COMPILER_API int awqModuleGetText(const AwqModule *module,
                                      AwqBuffer **text);

/** The module as bytecode, which later releases read, too. */
AWQ_COMPILER_API int awqModuleGetBytecode(const AwqModule *module,
                                          AwqBuffer **bytecode);

/** Compiles the model, as it was loaded or with its linears quantized by
 *  passes, and writes a bundle for awq-c/Runtime.h to the folder `output`. The
 *  module stays as it is. */
AWQ_COMPILER_API int awqModuleWriteBundle(const AwqModule *module,
                                          const char *output);

/** Quantizes the model with the option "method" ("rtn": rounding only; "awq":
 *  with the calibration tokens of the option "calibration") and writes a
 *  Hugging Face folder in AutoAWQ's format to `output`. The module stays as it
 *  is. */
AWQ_COMPILER_API int awqModuleWriteCheckpoint(const AwqModule *module,
                                              const char *output);

/** Compiles the quantized linears for the GPU of the option "chip" and writes
 *  PTX (and a cubin, where there is a ptxas) to the folder `output`. The module
 *  stays as it is. */
AWQ_COMPILER_API int awqModuleWriteKernels(const AwqModule *module,
                                           const char *output);

/** The bytes. They live as long as the buffer; a zero, not counted, follows. */
AWQ_COMPILER_API const char *awqBufferData(const AwqBuffer *buffer);

/** The number of bytes. */
AWQ_COMPILER_API uint64_t awqBufferSize(const AwqBuffer *buffer);

/** Null is allowed. */
AWQ_COMPILER_API void awqBufferDestroy(AwqBuffer *buffer);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* AWQ_C_COMPILER_H */
