/*===- Dialects.h - the dialects, for users of mlir-c -------------*- C -*-===*\
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

#ifndef AWQ_C_DIALECTS_H
#define AWQ_C_DIALECTS_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/** mlirGetDialectHandle__awq__() */
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(AWQ, awq);

/** mlirGetDialectHandle__decoder__() */
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Decoder, decoder);

/** Registers both dialects, and has upstream ops answer their interfaces (how
 *  channels pass through them), which the handles alone do not. */
MLIR_CAPI_EXPORTED void awqRegisterAllDialects(MlirDialectRegistry registry);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* AWQ_C_DIALECTS_H */
