//===- Session.cpp - one sequence of tokens -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/Runtime/Session.h"

#include "EntryCall.h"
#include "Pages.h"
#include "awq/ExecutionEngine/Runtime/Machine.h"

#include <algorithm>
#include <optional>

using namespace awq;
using namespace awq::runtime;

/// Rows of logits that one call of 'head' computes: its temporaries stay small
/// however long the prompt is.
static constexpr int64_t rowsPerHeadCall = 128;

/// More threads than this are a mistake in a number.
static constexpr int mostThreads = 1024;

struct Session::State {
  explicit State(std::shared_ptr<const Model> loaded)
      : model(std::move(loaded)), forward(*model->find("forward")),
        head(*model->find("head")) {
    if (const BoundEntry *entry = model->find("step"))
      step.emplace(*entry);
    if (const BoundEntry *entry = model->find("head_step"))
      headStep.emplace(*entry);
  }

  Status allocateCaches();
  Status reserveHidden(int64_t rows);
  void attach(EntryCall &call);
  void runLayers(const int32_t *tokens, int64_t count);
  void runHead(int64_t firstRow, int64_t rows, float *logits);

  std::shared_ptr<const Model> model;
  EntryCall forward;
  EntryCall head;
  std::optional<EntryCall> step;
  std::optional<EntryCall> headStep;
  /// By layer: keys, then values.
  std::vector<Pages> keys, values;
  /// [rows, H] of the last forward call.
  Pages hidden;
  int64_t capacity = 0;
  int64_t position = 0;
  int threads = 1;
};

static Error outOfMemory(const std::string &what, int64_t tokens,
                         const std::string &where, const char *help) {
  return Error{ErrorKind::Resources, "AWQ1414",
               "there is no memory for " + what + " of " +
                   std::to_string(tokens) + " tokens",
               where, help};
}

Status Session::State::allocateCaches() {
  keys.resize(model->manifest().model.layers);
  values.resize(keys.size());
  for (const Argument &argument : forward.signature().arguments) {
    if (argument.layer < 0)
      continue;
    int64_t bytes;
    Pages pages;
    if (!__builtin_mul_overflow(rowBytes(argument), capacity, &bytes))
      pages = Pages(static_cast<size_t>(bytes));
    if (!pages.data())
      return outOfMemory("the caches", capacity, model->path(),
                         "ask for fewer tokens with --max-seq");
    (argument.role == Role::KCache ? keys : values)[argument.layer] =
        std::move(pages);
  }
  attach(forward);
  if (step)
    attach(*step);
  return {};
}

void Session::State::attach(EntryCall &call) {
  const std::vector<Argument> &arguments = call.signature().arguments;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].layer >= 0)
      call.setArgument(i,
                       (arguments[i].role == Role::KCache
                            ? keys
                            : values)[arguments[i].layer]
                           .data(),
                       capacity);
}

Status Session::State::reserveHidden(int64_t rows) {
  const Argument *argument = forward.signature().find(Role::HiddenOut);
  int64_t bytes;
  bool overflow = __builtin_mul_overflow(rowBytes(*argument), rows, &bytes);
  if (!overflow && static_cast<size_t>(bytes) <= hidden.size())
    return {};
  if (!overflow)
    hidden = Pages(static_cast<size_t>(bytes));
  if (overflow || !hidden.data() || hidden.size() < static_cast<size_t>(bytes))
    return outOfMemory("the hidden states", rows, model->path(),
                       "feed fewer tokens per call");
  return {};
}

void Session::State::runLayers(const int32_t *tokens, int64_t count) {
  EntryCall &call = count == 1 && step ? *step : forward;
  call.setRows(Role::Tokens, tokens, count);
  call.setRows(Role::HiddenOut, hidden.data(), count);
  call.setPosition(position);
  call.invoke(threads);
}

void Session::State::runHead(int64_t firstRow, int64_t rows, float *logits) {
  const ModelFacts &facts = model->manifest().model;
  const float *first =
      static_cast<const float *>(hidden.data()) + firstRow * facts.hiddenSize;
  for (int64_t begin = 0; begin < rows; begin += rowsPerHeadCall) {
    int64_t count = std::min(rowsPerHeadCall, rows - begin);
    EntryCall &call = count == 1 && headStep ? *headStep : head;
    call.setRows(Role::Hidden, first + begin * facts.hiddenSize, count);
    call.setRows(Role::LogitsOut, logits + begin * facts.vocabSize, count);
    call.invoke(threads);
  }
}

Session::Session(std::unique_ptr<State> state) : state(std::move(state)) {}
Session::~Session() = default;
const Model &Session::model() const { return *state->model; }
int64_t Session::position() const { return state->position; }
int64_t Session::capacity() const { return state->capacity; }

Result<std::unique_ptr<Session>>
Session::create(std::shared_ptr<const Model> model, int64_t maxSeq,
                int threads) {
  const ModelFacts &facts = model->manifest().model;
  if (maxSeq < 0 || maxSeq > facts.maxPosition)
    return Error{ErrorKind::Usage, "AWQ1413",
                 "a session cannot hold " + std::to_string(maxSeq) +
                     " tokens: the model was made for 1 to " +
                     std::to_string(facts.maxPosition),
                 model->path(), "choose --max-seq in this range"};
  if (threads < 0 || threads > mostThreads)
    return Error{ErrorKind::Usage, "AWQ1413",
                 std::to_string(threads) + " is not a number of threads",
                 model->path(),
                 "choose --threads from 1 to " + std::to_string(mostThreads) +
                     ", or 0 for one per processor"};
  std::unique_ptr<State> state(new State(std::move(model)));
  state->capacity = maxSeq ? maxSeq : facts.maxPosition;
  state->threads = threads ? threads : processorCount();
  if (Status status = state->allocateCaches(); !status)
    return status.error();
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

Status Session::forward(const int32_t *tokens, int64_t count, float *logits,
                        bool allRows) {
  State &s = *state;
  if (!tokens || count < 1)
    return Error{ErrorKind::Usage, "AWQ1412",
                 "there are no tokens to process: the count is " +
                     std::to_string(count),
                 s.model->path(), "give at least one token"};
  if (count > s.capacity - s.position)
    return Error{ErrorKind::Usage, "AWQ1410",
                 std::to_string(count) +
                     " more tokens do not fit: the session "
                     "holds " +
                     std::to_string(s.position) + " of at most " +
                     std::to_string(s.capacity),
                 s.model->path(),
                 "raise --max-seq (this model allows " +
                     std::to_string(s.model->manifest().model.maxPosition) +
                     "), or shorten the prompt"};
  if (Status status = checkTokens(
          tokens, count, s.model->manifest().model.vocabSize, s.model->path());
      !status)
    return status;
  if (Status status = s.reserveHidden(count); !status)
    return status;
  s.runLayers(tokens, count);
  s.position += count;
  if (logits && allRows)
    s.runHead(0, count, logits);
  else if (logits)
    s.runHead(count - 1, 1, logits);
  return {};
}

void Session::reset() {
  state->position = 0;
  for (auto *caches : {&state->keys, &state->values})
    for (Pages &pages : *caches)
      pages.clear();
}

Status Session::truncate(int64_t position) {
  if (position < 0 || position > state->position)
    return Error{ErrorKind::Usage, "AWQ1415",
                 "cannot go back to position " + std::to_string(position) +
                     ": the session is at " + std::to_string(state->position),
                 state->model->path(),
                 "name a position from 0 to the current one"};
  state->position = position;
  return {};
}
