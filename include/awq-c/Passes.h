/*===- Passes.h - the passes, for users of mlir-c -----------------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Unstable, as all of MLIR's C interface: it goes with the release of LLVM   *|
|* that this project was built with. For programs that use mlir-c already;    *|
|* others are served by awq-c/Compiler.h. In libAWQCompiler.so.               *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef AWQ_C_PASSES_H
#define AWQ_C_PASSES_H

#include "mlir-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Registers all passes and pipelines of this project for
 *  mlirParsePassPipeline(). May be called again. */
MLIR_CAPI_EXPORTED void awqRegisterAllPasses(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* AWQ_C_PASSES_H */
