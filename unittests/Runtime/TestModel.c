//===- TestModel.c - the code of a bundle, by hand ---------------*- C -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Stands for generated code: the entry points of a model of two layers whose
// results a test can compute in its head.
//   layer l writes k[p] = {token, l} and v[p] = {token, token, l}
//   hidden[t][h] = embed[token][h] + sum of k[j][0] of layer 1 for j <= p
//   logits[t]    = hidden[t] * lm_head^T
//
//===----------------------------------------------------------------------===//

#include <stdint.h>

enum { Vocabulary = 11, Hidden = 4, Layers = 2, KeyDim = 2, ValueDim = 3 };

typedef struct {
  void *allocated, *aligned;
  int64_t offset, size[1], stride[1];
} MemRef1;
typedef struct {
  void *allocated, *aligned;
  int64_t offset, size[2], stride[2];
} MemRef2;
typedef struct {
  void *allocated, *aligned;
  int64_t offset, size[3], stride[3];
} MemRef3;

// Found in libAWQRuntime.so and in the OpenMP runtime that it brings along.
extern void awq_rt_sgemm_nt(int64_t, int64_t, int64_t, const float *, int64_t,
                            const float *, int64_t, float *, int64_t);
extern int omp_get_max_threads(void);

/// What the tests ask about the calls. `badStrides` counts descriptors that
/// are not dense and row-major.
int64_t testForwardCalls, testStepCalls, testHeadCalls, testHeadStepCalls;
int64_t testMostHeadRows, testBadStrides, testThreads, testCapacity;

static void checkDense2(const MemRef2 *m) {
  if (m->offset != 0 || m->stride[1] != 1 || m->stride[0] != m->size[1])
    ++testBadStrides;
}

static void checkDense3(const MemRef3 *m) {
  if (m->offset != 0 || m->stride[2] != 1 || m->stride[1] != m->size[2] ||
      m->stride[0] != m->size[1] * m->size[2])
    ++testBadStrides;
}

/// Arguments: tokens, position, k0, v0, k1, v1, embed, flag, hidden_out.
static void layers(void **arguments) {
  const MemRef1 *tokens = arguments[0];
  int64_t position = *(const int64_t *)arguments[1];
  const MemRef2 *embed = arguments[6];
  const MemRef1 *flag = arguments[7];
  const MemRef2 *hidden = arguments[8];
  checkDense2(embed);
  checkDense2(hidden);
  testThreads = omp_get_max_threads();
  for (int64_t t = 0; t < tokens->size[0]; ++t) {
    int32_t token = ((const int32_t *)tokens->aligned)[t];
    int64_t p = position + t;
    for (int layer = 0; layer < Layers; ++layer) {
      const MemRef3 *k = arguments[2 + 2 * layer],
                    *v = arguments[3 + 2 * layer];
      checkDense3(k);
      checkDense3(v);
      testCapacity = k->size[0];
      float *key = (float *)k->aligned + p * k->stride[0];
      float *value = (float *)v->aligned + p * v->stride[0];
      key[0] = value[0] = value[1] = (float)token;
      key[1] = value[2] = (float)layer;
    }
    const MemRef3 *k1 = arguments[4];
    float sum = 0;
    for (int64_t j = 0; j <= p; ++j)
      sum += ((const float *)k1->aligned)[j * k1->stride[0]];
    for (int h = 0; h < Hidden; ++h)
      ((float *)hidden->aligned)[t * Hidden + h] =
          sum + ((const float *)embed->aligned)[token * Hidden + h] +
          (((const uint8_t *)flag->aligned)[2] == 200 ? 0 : 1000);
  }
}

void awq_entry_forward(void **arguments) {
  ++testForwardCalls;
  layers(arguments);
}

void awq_entry_step(void **arguments) {
  ++testStepCalls;
  layers(arguments);
}

/// Arguments: hidden, lm_head, logits_out.
static void head(void **arguments) {
  const MemRef2 *hidden = arguments[0], *weight = arguments[1],
                *logits = arguments[2];
  checkDense2(hidden);
  checkDense2(weight);
  checkDense2(logits);
  if (hidden->size[0] > testMostHeadRows)
    testMostHeadRows = hidden->size[0];
  awq_rt_sgemm_nt(hidden->size[0], weight->size[0], Hidden, hidden->aligned,
                  hidden->stride[0], weight->aligned, weight->stride[0],
                  logits->aligned, logits->stride[0]);
}

void awq_entry_head(void **arguments) {
  ++testHeadCalls;
  head(arguments);
}

void awq_entry_head_step(void **arguments) {
  ++testHeadStepCalls;
  head(arguments);
}
