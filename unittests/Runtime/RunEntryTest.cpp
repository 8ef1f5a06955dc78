//===- RunEntryTest.cpp - entries on named tensors --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include "awq/ExecutionEngine/Runtime/Model.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace awq;
using namespace awq::runtime;
using awq::test::TestBundle;

namespace {

template <typename T>
Tensor tensor(io::DType dtype, std::vector<int64_t> shape,
              const std::vector<T> &values) {
  Tensor result{dtype, std::move(shape), {}};
  result.bytes.resize(values.size() * sizeof(T));
  if (!values.empty())
    std::memcpy(result.bytes.data(), values.data(), result.bytes.size());
  return result;
}

std::vector<float> floats(const Tensor &tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

class RunEntry : public testing::Test {
protected:
  void SetUp() override {
    auto loaded = Model::load(bundle.path());
    ASSERT_TRUE(loaded) << loaded.error().str();
    model = *loaded;
  }

  Tensor tokens(std::vector<int32_t> ids) {
    return tensor(io::DType::I32, {int64_t(ids.size())}, ids);
  }

  void expectError(const std::string &entry, const TensorMap &inputs,
                   const char *code, const char *message) {
    auto outputs = model->run(entry, inputs, 1);
    ASSERT_FALSE(outputs) << message;
    EXPECT_EQ(outputs.error().code, code);
    EXPECT_NE(outputs.error().str().find(message), std::string::npos)
        << outputs.error().str();
  }

  TestBundle bundle;
  std::shared_ptr<const Model> model;
};

TEST_F(RunEntry, LayersThenHead) {
  auto layers = model->run("forward", {{"tokens", tokens({3, 1, 4})}}, 2);
  ASSERT_TRUE(layers) << layers.error().str();
  ASSERT_EQ(layers->size(), 5u);
  EXPECT_EQ(layers->at("k1").shape, (std::vector<int64_t>{3, 1, 2}));
  EXPECT_EQ(floats(layers->at("k1")), (std::vector<float>{3, 1, 1, 1, 4, 1}));
  EXPECT_EQ(floats(layers->at("v0")),
            (std::vector<float>{3, 3, 0, 1, 1, 0, 4, 4, 0}));
  EXPECT_EQ(layers->at("hidden").shape, (std::vector<int64_t>{3, 4}));
  auto head = model->run("head", {{"hidden", layers->at("hidden")}});
  ASSERT_TRUE(head) << head.error().str();
  std::vector<float> logits = floats(head->at("logits"));
  ASSERT_EQ(logits.size(), 33u);
  EXPECT_EQ(std::vector<float>(logits.begin() + 22, logits.end()),
            TestBundle::expectedLogits({3, 1, 4}));
}

TEST_F(RunEntry, ContinuesFromCaches) {
  auto first = model->run("forward", {{"tokens", tokens({3, 1})}});
  ASSERT_TRUE(first);
  TensorMap inputs = {{"tokens", tokens({5})},
                      {"position", tensor<int64_t>(io::DType::I64, {}, {2})}};
  for (const char *name : {"k0", "v0", "k1", "v1"}) {
    Tensor cache = first->at(name);
    // Room for one row more.
    cache.shape[0] = 3;
    cache.bytes.resize(cache.bytes.size() / 2 * 3);
    inputs[name] = cache;
  }
  const TensorMap before = inputs;
  auto second = model->run("step", inputs);
  ASSERT_TRUE(second) << second.error().str();
  EXPECT_EQ(floats(second->at("k1")), (std::vector<float>{3, 1, 1, 1, 5, 1}));
  EXPECT_EQ(inputs.at("k1").bytes, before.at("k1").bytes)
      << "the caller's tensor was changed";
  auto head = model->run("head_step", {{"hidden", second->at("hidden")}});
  ASSERT_TRUE(head) << head.error().str();
  EXPECT_EQ(floats(head->at("logits")), TestBundle::expectedLogits({3, 1, 5}));
}

TEST_F(RunEntry, WrongInputs) {
  expectError("middle", {}, "AWQ1417", "forward, head, head_step, step");
  expectError("forward", {}, "AWQ1417", "'tokens' is missing");
  expectError("head", {}, "AWQ1417", "'hidden' is missing");
  expectError("forward", {{"token", tokens({1})}}, "AWQ1417",
              "tokens, position, k0, v0, k1, v1");
  expectError("forward", {{"embed", tokens({1})}}, "AWQ1417",
              "there is no input 'embed'");
  expectError("forward", {{"tokens", tokens({})}}, "AWQ1417", "no rows");
  expectError("step", {{"tokens", tokens({1, 2})}}, "AWQ1417", "I32 [1]");
  expectError("forward", {{"tokens", tokens({1, 11})}}, "AWQ1411",
              "token 1 has the id 11");
  expectError("forward",
              {{"tokens", tensor<int64_t>(io::DType::I64, {2}, {1, 2})}},
              "AWQ1417", "I32 [any]");
  Tensor lying = tokens({1, 2});
  lying.shape = {100};
  expectError("forward", {{"tokens", lying}}, "AWQ1417", "does not fit");
  lying.shape = {INT64_MAX};
  expectError("forward", {{"tokens", lying}}, "AWQ1417", "does not fit");
  lying.shape = {-1};
  expectError("forward", {{"tokens", lying}}, "AWQ1417", "does not fit");
  expectError("head",
              {{"hidden", tensor<float>(io::DType::F32, {1, 3}, {1, 2, 3})}},
              "AWQ1417", "F32 [any, 4]");
  for (int64_t position : {int64_t(-1), int64_t(300), INT64_MAX, INT64_MIN})
    expectError("forward",
                {{"tokens", tokens({1})},
                 {"position", tensor<int64_t>(io::DType::I64, {}, {position})}},
                "AWQ1410", "do not fit");
  expectError("forward",
              {{"tokens", tokens({1, 2})},
               {"k0", tensor<float>(io::DType::F32, {1, 1, 2}, {0, 0})}},
              "AWQ1417", "position + rows is 2");
}

} // namespace
