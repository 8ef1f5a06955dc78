/*===- awq-c/Runtime.h - C API to run compiled models -------------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Loads a compiled model (a bundle: the folder that `awq-mlir compile`       *|
|* writes) and computes logits with it. The library, libAWQRuntime.so, needs  *|
|* neither LLVM nor Python.                                                   *|
|*                                                                            *|
|* Stability: within one AWQ_RUNTIME_ABI_VERSION functions are only added; no *|
|* signature and no meaning changes. A program compares the macro it was      *|
|* compiled with to awqRuntimeAbiVersion() of the library it has loaded.      *|
|*                                                                            *|
|* Errors: a function that returns int gives 0 on success, else the kind of   *|
|* failure (enum AwqStatus, also the exit codes of the command), and          *|
|* awqLastError() then explains it with a code, the place and a remedy. A     *|
|* failed call changes nothing: out parameters are left alone.                *|
|*                                                                            *|
|* Threads: a model may be shared by any number of threads. A session belongs *|
|* to one thread at a time. The error text is kept per thread.                *|
|*                                                                            *|
|* Trust: a bundle holds machine code. Hashes guard against damage, not       *|
|* against malice: load only bundles whose origin you trust.                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef AWQ_C_RUNTIME_H
#define AWQ_C_RUNTIME_H

#include "awq-c/Status.h"

#include <stdint.h>

#ifndef AWQ_RUNTIME_API
#define AWQ_RUNTIME_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this interface; see the note on stability above. */
#define AWQ_RUNTIME_ABI_VERSION 1

/** A loaded bundle: code, parameters and manifest. Immutable. */
typedef struct AwqModel AwqModel;

/** One sequence of tokens on a model: the key/value caches and a position. */
typedef struct AwqSession AwqSession;

/** AWQ_RUNTIME_ABI_VERSION of the loaded library. */
AWQ_RUNTIME_API int32_t awqRuntimeAbiVersion(void);

/** The release of the loaded library, such as "0.1.0". Never freed. */
AWQ_RUNTIME_API const char *awqRuntimeVersion(void);

/** The last error of the calling thread:
 *    error[AWQ1402]: message
 *      where: ...
 *      help: ...
 *  Empty before the first error. Valid until the thread's next failed call. */
AWQ_RUNTIME_API const char *awqLastError(void);

/** Loads the bundle in the folder `bundle`. Every file it lists is checked by
 *  size and SHA-256; the processor is checked against the features that the
 *  code needs; parameters are mapped, not read. */
AWQ_RUNTIME_API int awqModelLoad(const char *bundle, AwqModel **model);

/** Gives the model back. Sessions on it stay usable: what they need lives
 *  until the last of them is destroyed. Null is allowed. */
AWQ_RUNTIME_API void awqModelDestroy(AwqModel *model);

/** The text of manifest.json (UTF-8). Lives as long as `model`. */
AWQ_RUNTIME_API const char *awqModelManifest(const AwqModel *model);

/** How loading went, as JSON: {"seconds", "hash_seconds", "hashed_bytes",
 *  "parameter_bytes"}. Lives as long as `model`. */
AWQ_RUNTIME_API const char *awqModelLoadReport(const AwqModel *model);

/** The number of logits per row, V. */
AWQ_RUNTIME_API int64_t awqModelVocabSize(const AwqModel *model);

/** Starts a sequence. `maxSeq` is the most tokens it may ever hold, from 1 to
 *  the model's max_position (0: exactly that); memory for the caches is
 *  taken from the system as positions are filled. `threads` is the number of
 *  threads that compute (0: one per processor this process may use). Results
 *  do not depend on it. */
AWQ_RUNTIME_API int awqSessionCreate(AwqModel *model, int64_t maxSeq,
                                     int32_t threads, AwqSession **session);

/** Null is allowed. */
AWQ_RUNTIME_API void awqSessionDestroy(AwqSession *session);

/** The number of tokens the session holds. */
AWQ_RUNTIME_API int64_t awqSessionPosition(const AwqSession *session);

/** The most tokens the session can hold. */
AWQ_RUNTIME_API int64_t awqSessionCapacity(const AwqSession *session);

/** Forgets all tokens. */
AWQ_RUNTIME_API int awqSessionReset(AwqSession *session);

/** Forgets the tokens from `position` (0 <= position <= current) onwards. */
AWQ_RUNTIME_API int awqSessionTruncate(AwqSession *session, int64_t position);

/** Appends `n` >= 1 tokens and computes logits.
 *    allRows == 0: logits[V], those after the last token;
 *    allRows != 0: logits[n][V], row-major, those after each token.
 *  `logits` may be null: the caches are filled and no logits are computed.
 *  An id outside [0, V) or more tokens than fit are errors, found before
 *  anything is computed: the session is then as it was. */
AWQ_RUNTIME_API int awqSessionForward(AwqSession *session,
                                      const int32_t *tokens, int64_t n,
                                      float *logits, int32_t allRows);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* AWQ_C_RUNTIME_H */
