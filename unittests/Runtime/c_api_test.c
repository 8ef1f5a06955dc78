/*===- c_api_test.c - the C interface from C ----------------------*- C -*-===*\
|*                                                                            *|
|* Part of the awq-mlir project, under the Apache License v2.0 with LLVM      *|
|* Exceptions. See LICENSE for license information.                           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* c_api_test LIBRARY BUNDLE: loads the library privately (RTLD_LOCAL), as    *|
|* Python's ctypes does, and runs the bundle of TestModel.c. Exit code 0 when *|
|* every check holds.                                                         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include "awq-c/Runtime.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "c_api_test.c:%d: %s\n", __LINE__, #condition);          \
      ++failures;                                                              \
    }                                                                          \
  } while (0)

/* Every function of the header, under its own name with its own type. */
#define FUNCTIONS(X)                                                           \
  X(awqRuntimeAbiVersion)                                                      \
  X(awqRuntimeVersion)                                                         \
  X(awqLastError)                                                              \
  X(awqModelLoad)                                                              \
  X(awqModelDestroy)                                                           \
  X(awqModelManifest)                                                          \
  X(awqModelLoadReport)                                                        \
  X(awqModelVocabSize)                                                         \
  X(awqSessionCreate)                                                          \
  X(awqSessionDestroy)                                                         \
  X(awqSessionPosition)                                                        \
  X(awqSessionCapacity)                                                        \
  X(awqSessionReset)                                                           \
  X(awqSessionTruncate)                                                        \
  X(awqSessionForward)

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

static void checkErrors(void) {
  AwqModel *model = NULL;
  AwqSession *session = NULL;
  CHECK(strcmp(p_awqLastError(), "") == 0);
  CHECK(p_awqModelLoad("/nonexistent", &model) == AWQ_STATUS_USAGE);
  CHECK(model == NULL);
  CHECK(strncmp(p_awqLastError(), "error[AWQ1400]: ", 16) == 0);
  CHECK(strstr(p_awqLastError(), "/nonexistent") != NULL);
  CHECK(strstr(p_awqLastError(), "help: ") != NULL);
  CHECK(p_awqModelLoad(NULL, &model) == AWQ_STATUS_USAGE);
  CHECK(p_awqModelLoad("/nonexistent", NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqSessionCreate(NULL, 1, 1, &session) == AWQ_STATUS_USAGE);
  CHECK(p_awqSessionForward(NULL, NULL, 1, NULL, 0) == AWQ_STATUS_USAGE);
  CHECK(p_awqSessionReset(NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqSessionTruncate(NULL, 0) == AWQ_STATUS_USAGE);
  p_awqModelDestroy(NULL);
  p_awqSessionDestroy(NULL);
}

static void checkSession(AwqModel *model) {
  const int32_t tokens[3] = {3, 1, 4};
  const int32_t wrong = 11;
  float all[3][11], last[11];
  AwqSession *session = NULL;
  CHECK(p_awqSessionCreate(model, 301, 1, &session) == AWQ_STATUS_USAGE);
  CHECK(p_awqSessionCreate(model, 3, 1, NULL) == AWQ_STATUS_USAGE);
  CHECK(p_awqSessionCreate(model, 3, 2, &session) == AWQ_STATUS_OK);
  if (!session)
    return;
  CHECK(p_awqSessionCapacity(session) == 3);
  CHECK(p_awqSessionForward(session, &wrong, 1, last, 0) == AWQ_STATUS_USAGE);
  CHECK(strstr(p_awqLastError(), "AWQ1411") != NULL);
  CHECK(p_awqSessionForward(session, tokens, 3, all[0], 1) == AWQ_STATUS_OK);
  CHECK(p_awqSessionPosition(session) == 3);
  CHECK(p_awqSessionForward(session, tokens, 1, last, 0) == AWQ_STATUS_USAGE);
  CHECK(strstr(p_awqLastError(), "AWQ1410") != NULL);
  /* The same token after the same tokens gives the same logits. */
  CHECK(p_awqSessionTruncate(session, 2) == AWQ_STATUS_OK);
  CHECK(p_awqSessionForward(session, tokens + 2, 1, last, 0) == AWQ_STATUS_OK);
  CHECK(memcmp(last, all[2], sizeof(last)) == 0);
  CHECK(memcmp(last, all[1], sizeof(last)) != 0);
  CHECK(p_awqSessionReset(session) == AWQ_STATUS_OK);
  CHECK(p_awqSessionPosition(session) == 0);
  p_awqSessionDestroy(session);
}

int main(int argc, char **argv) {
  AwqModel *model = NULL;
  void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library || !findFunctions(library)) {
    fprintf(stderr, "usage: c_api_test LIBRARY BUNDLE\n");
    return 2;
  }
  CHECK(p_awqRuntimeAbiVersion() == AWQ_RUNTIME_ABI_VERSION);
  CHECK(strchr(p_awqRuntimeVersion(), '.') != NULL);
  checkErrors();
  CHECK(p_awqModelLoad(argv[2], &model) == AWQ_STATUS_OK);
  if (!model) {
    fprintf(stderr, "%s\n", p_awqLastError());
    return 1;
  }
  CHECK(strstr(p_awqModelManifest(model), "\"awq-bundle\"") != NULL);
  CHECK(strstr(p_awqModelLoadReport(model), "\"hash_seconds\"") != NULL);
  CHECK(p_awqModelVocabSize(model) == 11);
  checkSession(model);
  p_awqModelDestroy(model);
  return failures != 0;
}
