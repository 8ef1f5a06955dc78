//===- LayerStreams.cpp - hidden states on their way through the layers -*- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerStreams.h"

#include "llvm/Support/Parallel.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace awq;

/// Rows of logits that exist at a time: vocabularies are large.
static constexpr int64_t kHeadRows = 32;

Result<std::vector<const void *>>
LayerStreams::viewParameters(func::FuncOp function,
                             std::vector<std::vector<char>> &storage) {
  DiagnosticCollector collector(module.getContext());
  std::vector<const void *> pointers;
  SmallVector<OpOperand *> reads = getParameterReads(function);
  storage.resize(reads.size());
  for (auto [index, read] : llvm::enumerate(reads)) {
    FailureOr<ArrayRef<char>> bytes = store.view(read->get(), storage[index]);
    if (failed(bytes))
      return collector.error("calibration");
    pointers.push_back(bytes->data());
  }
  return pointers;
}

Status LayerStreams::compileAll() {
  for (func::FuncOp function : {getFunction(*parts.prologue), parts.head}) {
    Result<CompiledPart> part =
        CompiledPart::create(function, /*widen=*/false,
                             /*observed=*/nullptr, cache);
    if (!part)
      return part.error();
  }
  for (size_t layer = 0; layer < parts.layers.size(); ++layer)
    if (Result<CompiledPart> part = compileLayer(layer); !part)
      return part.error();
  return Status();
}

Result<Stream> LayerStreams::embed() {
  func::FuncOp function = getFunction(*parts.prologue);
  Result<CompiledPart> part = CompiledPart::create(function, /*widen=*/false,
                                                   /*observed=*/nullptr, cache);
  if (!part)
    return part.error();
  std::vector<std::vector<char>> storage;
  auto parameters = viewParameters(function, storage);
  if (!parameters)
    return parameters.error();

  Stream stream;
  unsigned first = parts.inputs.front().front().index;
  for (int64_t sample = 0; sample < data.samples; ++sample) {
    CompiledPart::Call call;
    call.tokens = data.length;
    call.parameters = *parameters;
    for (BlockArgument argument : function.getArguments())
      call.inputs.push_back(isa<RankedTensorType>(argument.getType())
                                ? data.sample(sample)
                                : nullptr);
    std::vector<std::shared_ptr<std::vector<float>>> results;
    for (size_t i = 0; i < part->resultCount(); ++i) {
      results.push_back(std::make_shared<std::vector<float>>(
          data.length * part->resultChannels(i)));
      call.results.push_back(results.back()->data());
    }
    part->run(call);
    stream.samples.push_back(sample);
    stream.hidden.push_back(std::move(*results[first]));
    results[first].reset();
    // Rotary tables do not depend on the tokens.
    for (size_t i = 0; i < results.size() && sample > 0; ++i)
      if (results[i] && *results[i] == *prologue.front()[i])
        results[i] = prologue.front()[i];
    prologue.push_back(std::move(results));
  }
  return stream;
}

Result<CompiledPart> LayerStreams::compileLayer(size_t layer, bool allTokens) {
  return CompiledPart::create(parts.layers[layer], /*widen=*/true, &filter,
                              cache, allTokens);
}

Status LayerStreams::advance(size_t layer, CompiledPart &part,
                             const std::vector<std::vector<float>> &weights,
                             Stream &stream, Observe observe, bool keep) {
  std::vector<float> next(stream.hidden.front().size());
  std::vector<std::vector<float>> observed(part.resultCount() - 1);
  for (size_t i = 0; i < observed.size(); ++i)
    observed[i].resize(data.length * part.resultChannels(i + 1));
  for (size_t i = 0; i < stream.samples.size(); ++i) {
    CompiledPart::Call call;
    call.tokens = data.length;
    for (const LayerInput &input : parts.inputs[layer]) {
      bool isHidden = input.kind == LayerInput::Kind::Hidden;
      const void *pointer = isHidden ? stream.hidden[i].data() : nullptr;
      if (input.kind == LayerInput::Kind::Prologue) {
        // The first layer's hidden state comes from the prologue.
        const auto &kept = prologue[stream.samples[i]][input.index];
        pointer = kept ? kept->data() : stream.hidden[i].data();
      }
      call.inputs.push_back(pointer);
    }
    for (const std::vector<float> &weight : weights)
      call.parameters.push_back(weight.data());
    call.results.push_back(next.data());
    for (std::vector<float> &buffer : observed)
      call.results.push_back(buffer.data());
    part.run(call);
    if (keep)
      stream.hidden[i].swap(next);
    for (size_t site = 0; observe && site < observed.size(); ++site)
      if (Status status =
              observe(site, stream.samples[i], observed[site].data());
          !status)
        return status;
  }
  return Status();
}

/// KL(p || q) for the distributions of two rows of logits.
static double divergence(const float *p, const float *q, int64_t count) {
  float maxP = *std::max_element(p, p + count);
  float maxQ = *std::max_element(q, q + count);
  double sumP = 0.0, sumQ = 0.0, weighted = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    double e = std::exp(p[i] - maxP);
    sumP += e;
    sumQ += std::exp(q[i] - maxQ);
    weighted += e * (double(p[i]) - maxP - (double(q[i]) - maxQ));
  }
  return weighted / sumP - std::log(sumP) + std::log(sumQ);
}

Result<std::vector<double>>
LayerStreams::compare(const Stream &reference,
                      const std::vector<const Stream *> &others, int64_t rows) {
  Result<CompiledPart> part = CompiledPart::create(parts.head, /*widen=*/false,
                                                   /*observed=*/nullptr, cache);
  if (!part)
    return part.error();
  std::vector<std::vector<char>> storage;
  auto parameters = viewParameters(parts.head, storage);
  if (!parameters)
    return parameters.error();

  int64_t vocabulary = part->resultChannels(0);
  const Stream &guard = *others.front();
  int64_t channels = guard.hidden.front().size() / data.length;
  // The guard's tokens that count, by sample of the guard stream.
  std::vector<std::pair<size_t, int64_t>> counted;
  for (size_t sample = 0; sample < guard.samples.size(); ++sample)
    for (int64_t token = 0; token < data.length; ++token)
      if (data.counts(guard.samples[sample], token))
        counted.push_back({sample, token});
  int64_t total = counted.size();
  int64_t step = std::max<int64_t>(1, total / std::max<int64_t>(1, rows));
  std::vector<double> sums(others.size(), 0.0);
  int64_t judged = 0;
  std::vector<float> input, logits, expected;
  auto head = [&](const Stream &stream, ArrayRef<std::pair<size_t, int64_t>> at,
                  std::vector<float> &out) {
    input.clear();
    for (auto [sample, token] : at) {
      const float *row = stream.hidden[sample].data() + token * channels;
      input.insert(input.end(), row, row + channels);
    }
    out.resize(at.size() * vocabulary);
    CompiledPart::Call call;
    call.tokens = at.size();
    call.inputs = {input.data()};
    call.parameters = *parameters;
    call.results = {out.data()};
    part->run(call);
  };
  for (int64_t begin = 0; begin < total; begin += step * kHeadRows) {
    SmallVector<std::pair<size_t, int64_t>> at, atReference;
    for (int64_t row = begin; row < total && int64_t(at.size()) < kHeadRows;
         row += step) {
      auto [sample, token] = counted[row];
      at.push_back({sample, token});
      size_t same = llvm::find(reference.samples, guard.samples[sample]) -
                    reference.samples.begin();
      atReference.push_back({same, token});
    }
    head(reference, atReference, expected);
    for (size_t i = 0; i < others.size(); ++i) {
      head(*others[i], at, logits);
      std::vector<double> kl(at.size());
      llvm::parallelFor(0, at.size(), [&](size_t row) {
        kl[row] = divergence(expected.data() + row * vocabulary,
                             logits.data() + row * vocabulary, vocabulary);
      });
      for (double value : kl)
        sums[i] += value;
    }
    judged += at.size();
  }
  for (double &sum : sums)
    sum /= judged;
  return sums;
}

int64_t LayerStreams::bytes(const Stream &stream) const {
  int64_t count = 0;
  for (const std::vector<float> &hidden : stream.hidden)
    count += hidden.size();
  llvm::DenseSet<const void *> counted;
  for (int64_t sample : stream.samples)
    for (const auto &kept : prologue[sample])
      if (kept && counted.insert(kept.get()).second)
        count += kept->size();
  return count * int64_t(sizeof(float));
}
