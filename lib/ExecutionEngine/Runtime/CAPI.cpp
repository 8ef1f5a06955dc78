//===- CAPI.cpp - awq-c/Runtime.h -----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq-c/Runtime.h"

#include "awq/ExecutionEngine/Runtime/Session.h"

#include <memory>
#include <string>

using namespace awq;
using namespace awq::runtime;

struct AwqModel {
  std::shared_ptr<const Model> model;
};

struct AwqSession {
  std::unique_ptr<Session> session;
};

static thread_local std::string lastError;

static int report(const Error &error) {
  lastError = error.str();
  return error.exitCode();
}

static int report(const Status &status) {
  return status ? AWQ_STATUS_OK : report(status.error());
}

static int reportNull(const char *function, const char *argument) {
  return report(Error{ErrorKind::Usage, "AWQ1412",
                      std::string("the argument '") + argument + "' is null",
                      function, "pass a valid pointer"});
}

int32_t awqRuntimeAbiVersion(void) { return AWQ_RUNTIME_ABI_VERSION; }

const char *awqRuntimeVersion(void) { return AWQ_RUNTIME_VERSION; }

const char *awqLastError(void) { return lastError.c_str(); }

int awqModelLoad(const char *bundle, AwqModel **model) {
  if (!bundle || !model)
    return reportNull("awqModelLoad", bundle ? "model" : "bundle");
  auto loaded = Model::load(bundle);
  if (!loaded)
    return report(loaded.error());
  *model = new AwqModel{std::move(*loaded)};
  return AWQ_STATUS_OK;
}

void awqModelDestroy(AwqModel *model) { delete model; }

const char *awqModelManifest(const AwqModel *model) {
  return model->model->manifestText().c_str();
}

const char *awqModelLoadReport(const AwqModel *model) {
  return model->model->reportText().c_str();
}

int64_t awqModelVocabSize(const AwqModel *model) {
  return model->model->manifest().model.vocabSize;
}

int awqSessionCreate(AwqModel *model, int64_t maxSeq, int32_t threads,
                     AwqSession **session) {
  if (!model || !session)
    return reportNull("awqSessionCreate", model ? "session" : "model");
  auto created = Session::create(model->model, maxSeq, threads);
  if (!created)
    return report(created.error());
  *session = new AwqSession{std::move(*created)};
  return AWQ_STATUS_OK;
}

void awqSessionDestroy(AwqSession *session) { delete session; }

int64_t awqSessionPosition(const AwqSession *session) {
  return session->session->position();
}

int64_t awqSessionCapacity(const AwqSession *session) {
  return session->session->capacity();
}

int awqSessionReset(AwqSession *session) {
  if (!session)
    return reportNull("awqSessionReset", "session");
  session->session->reset();
  return AWQ_STATUS_OK;
}

int awqSessionTruncate(AwqSession *session, int64_t position) {
  if (!session)
    return reportNull("awqSessionTruncate", "session");
  return report(session->session->truncate(position));
}

int awqSessionForward(AwqSession *session, const int32_t *tokens, int64_t n,
                      float *logits, int32_t allRows) {
  if (!session)
    return reportNull("awqSessionForward", "session");
  return report(session->session->forward(tokens, n, logits, allRows != 0));
}
