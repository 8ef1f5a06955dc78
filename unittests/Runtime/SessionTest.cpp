//===- SessionTest.cpp - running bundles ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/Runtime/Session.h"

#include "TestBundle.h"
#include "awq-c/Runtime.h"
#include "awq/ExecutionEngine/Runtime/Machine.h"
#include "awq/IO/Sha256.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <filesystem>

using namespace awq;
using namespace awq::runtime;
using awq::test::TestBundle;

namespace {

class SessionTest : public testing::Test {
protected:
  void SetUp() override {
    auto loaded = Model::load(bundle.path());
    ASSERT_TRUE(loaded) << loaded.error().str();
    model = *loaded;
    code = dlopen(bundle.file("model.so").c_str(), RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(code, nullptr) << dlerror();
  }

  std::unique_ptr<Session> session(int64_t maxSeq, int threads = 1) {
    auto created = Session::create(model, maxSeq, threads);
    EXPECT_TRUE(created) << created.error().str();
    return std::move(*created);
  }

  /// A variable of TestModel.c.
  int64_t &counter(const char *name) {
    return *static_cast<int64_t *>(dlsym(code, name));
  }

  static std::string codeOf(const Status &status) {
    return status ? "" : status.error().code;
  }

  TestBundle bundle;
  std::shared_ptr<const Model> model;
  void *code = nullptr;
  std::vector<float> logits = std::vector<float>(11);
};

TEST_F(SessionTest, LastRowThenSteps) {
  auto s = session(20);
  std::vector<int32_t> tokens = {3, 1, 4, 1, 5};
  ASSERT_TRUE(s->forward(tokens.data(), 5, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits(tokens));
  for (int32_t next : {9, 2, 6}) {
    tokens.push_back(next);
    ASSERT_TRUE(s->forward(&next, 1, logits.data(), false));
    EXPECT_EQ(logits, TestBundle::expectedLogits(tokens));
  }
  EXPECT_EQ(s->position(), 8);
  EXPECT_EQ(counter("testForwardCalls"), 1);
  EXPECT_EQ(counter("testStepCalls"), 3);
  EXPECT_EQ(counter("testHeadCalls"), 0);
  EXPECT_EQ(counter("testHeadStepCalls"), 4);
  EXPECT_EQ(counter("testBadStrides"), 0);
  EXPECT_EQ(counter("testCapacity"), 20);
}

TEST_F(SessionTest, AllRowsInChunks) {
  auto s = session(0);
  EXPECT_EQ(s->capacity(), TestBundle::maxPosition);
  std::vector<int32_t> tokens(300);
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<int32_t>(i * 7 % 11);
  std::vector<float> all(300 * 11 + 1, -77);
  ASSERT_TRUE(s->forward(tokens.data(), 300, all.data(), true));
  EXPECT_EQ(all.back(), -77) << "written past the end";
  for (size_t row = 0; row < 300; ++row)
    ASSERT_EQ(
        std::vector<float>(&all[row * 11], &all[row * 11] + 11),
        TestBundle::expectedLogits({tokens.begin(), tokens.begin() + row + 1}))
        << row;
  EXPECT_EQ(counter("testMostHeadRows"), 128);
  EXPECT_EQ(counter("testHeadCalls"), 3);
}

TEST_F(SessionTest, WithoutLogits) {
  auto s = session(20);
  std::vector<int32_t> tokens = {10, 0, 7};
  ASSERT_TRUE(s->forward(tokens.data(), 2, nullptr, false));
  ASSERT_TRUE(s->forward(&tokens[2], 1, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits(tokens));
}

TEST_F(SessionTest, WithoutStepEntries) {
  bundle.manifest["entries"].erase("step");
  bundle.manifest["entries"].erase("head_step");
  bundle.save();
  auto loaded = Model::load(bundle.path());
  ASSERT_TRUE(loaded) << loaded.error().str();
  auto s = Session::create(*loaded, 8, 1);
  ASSERT_TRUE(s);
  int32_t token = 6;
  ASSERT_TRUE((*s)->forward(&token, 1, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits({6}));
}

TEST_F(SessionTest, TruncateAndReset) {
  auto s = session(8);
  std::vector<int32_t> tokens = {1, 2, 3, 4};
  ASSERT_TRUE(s->forward(tokens.data(), 4, nullptr, false));
  EXPECT_EQ(codeOf(s->truncate(5)), "AWQ1415");
  EXPECT_EQ(codeOf(s->truncate(-1)), "AWQ1415");
  EXPECT_EQ(s->position(), 4);
  ASSERT_TRUE(s->truncate(2));
  int32_t next = 9;
  ASSERT_TRUE(s->forward(&next, 1, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits({1, 2, 9}));
  s->reset();
  EXPECT_EQ(s->position(), 0);
  ASSERT_TRUE(s->forward(&next, 1, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits({9}));
}

TEST_F(SessionTest, SessionsAreIndependent) {
  auto a = session(8), b = session(4);
  std::vector<int32_t> first = {1, 2}, second = {10, 9};
  ASSERT_TRUE(a->forward(first.data(), 2, nullptr, false));
  ASSERT_TRUE(b->forward(second.data(), 2, nullptr, false));
  int32_t next = 5;
  ASSERT_TRUE(a->forward(&next, 1, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits({1, 2, 5}));
  ASSERT_TRUE(b->forward(&next, 1, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits({10, 9, 5}));
}

TEST_F(SessionTest, ThreadsReachTheCode) {
  int32_t token = 1;
  auto three = session(4, 3), automatic = session(4, 0);
  ASSERT_TRUE(three->forward(&token, 1, nullptr, false));
  EXPECT_EQ(counter("testThreads"), 3);
  ASSERT_TRUE(automatic->forward(&token, 1, nullptr, false));
  EXPECT_EQ(counter("testThreads"), processorCount());
}

TEST_F(SessionTest, WrongCallsChangeNothing) {
  auto s = session(4);
  std::vector<int32_t> tokens = {1, 2, 3, 4, 5};
  EXPECT_EQ(codeOf(s->forward(tokens.data(), 5, logits.data(), false)),
            "AWQ1410");
  EXPECT_EQ(codeOf(s->forward(tokens.data(), 0, logits.data(), false)),
            "AWQ1412");
  EXPECT_EQ(codeOf(s->forward(tokens.data(), -3, logits.data(), false)),
            "AWQ1412");
  EXPECT_EQ(codeOf(s->forward(tokens.data(), INT64_MAX, logits.data(), true)),
            "AWQ1410");
  EXPECT_EQ(codeOf(s->forward(nullptr, 2, logits.data(), false)), "AWQ1412");
  for (int32_t bad : {-1, 11, INT32_MIN, INT32_MAX}) {
    std::vector<int32_t> ids = {0, bad};
    Status status = s->forward(ids.data(), 2, logits.data(), false);
    ASSERT_EQ(codeOf(status), "AWQ1411");
    EXPECT_NE(status.error().message.find("token 1 has the id " +
                                          std::to_string(bad)),
              std::string::npos)
        << status.error().message;
  }
  EXPECT_EQ(s->position(), 0);
  ASSERT_TRUE(s->forward(tokens.data(), 4, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits({1, 2, 3, 4}));
  Status full = s->forward(tokens.data(), 1, logits.data(), false);
  ASSERT_EQ(codeOf(full), "AWQ1410");
  EXPECT_NE(full.error().help.find("--max-seq"), std::string::npos);
}

TEST_F(SessionTest, WrongSizes) {
  for (auto [maxSeq, threads] : std::vector<std::pair<int64_t, int>>{
           {-1, 1}, {301, 1}, {INT64_MAX, 1}, {4, -1}, {4, 1025}}) {
    auto s = Session::create(model, maxSeq, threads);
    ASSERT_FALSE(s) << maxSeq << " " << threads;
    EXPECT_EQ(s.error().code, "AWQ1413");
  }
}

// The caches of 2^31 tokens are refused by the system, not by a crash.
TEST_F(SessionTest, NoMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer needs the address space";
#endif
  bundle.manifest["model"]["max_position"] = int64_t(1) << 31;
  bundle.save();
  auto loaded = Model::load(bundle.path());
  ASSERT_TRUE(loaded) << loaded.error().str();
  struct rlimit before, tight;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  tight = before;
  tight.rlim_cur = rlim_t(4) << 30;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  auto s = Session::create(*loaded, 0, 1);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, "AWQ1414");
  EXPECT_EQ(s.error().kind, ErrorKind::Resources);
}

TEST_F(SessionTest, ReportsItsCost) {
  auto report = nlohmann::json::parse(model->reportText(), nullptr, false);
  ASSERT_TRUE(report.is_object()) << model->reportText();
  EXPECT_EQ(report["parameter_bytes"], 2 * 11 * 4 * 4 + 3);
  uint64_t bytes = 0;
  for (const auto &file : bundle.manifest["files"])
    bytes += file["size"].get<uint64_t>();
  EXPECT_EQ(report["hashed_bytes"], bytes) << "each file once";
  EXPECT_GT(report["seconds"], report["hash_seconds"]);
}

TEST_F(SessionTest, ExternalParameters) {
  TestBundle other;
  std::filesystem::remove(bundle.file("weights.safetensors"));
  bundle.manifest["files"].erase(1);
  // By a link, as Hugging Face's cache has them.
  std::filesystem::create_symlink(other.file("weights.safetensors"),
                                  other.file("link.safetensors"));
  bundle.manifest["parameters"][0]["path"] = other.file("link.safetensors");
  bundle.save();
  auto loaded = Model::load(bundle.path() + "//");
  ASSERT_TRUE(loaded) << loaded.error().str();
  other.flipByte("weights.safetensors");
  auto damaged = Model::load(bundle.path());
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, "AWQ1406");
}

// Tensors that the file places at odd addresses are copied.
TEST_F(SessionTest, UnalignedParameters) {
  std::string bytes = bundle.read("weights.safetensors");
  uint64_t header;
  std::memcpy(&header, bytes.data(), 8);
  uint64_t longer = header + 1;
  std::memcpy(bytes.data(), &longer, 8);
  bytes.insert(8 + header, " ");
  bundle.write("weights.safetensors", bytes);
  bundle.seal();
  auto loaded = Model::load(bundle.path());
  ASSERT_TRUE(loaded) << loaded.error().str();
  for (const char *entry : {"forward", "head"}) {
    const BoundEntry *bound = (*loaded)->find(entry);
    ASSERT_NE(bound, nullptr);
    for (size_t i = 0; i < bound->descriptors.size(); ++i) {
      if (bound->signature.arguments[i].dtype != io::DType::F32)
        continue;
      MemRefDescriptor copy = bound->descriptors[i];
      EXPECT_EQ(*static_cast<int64_t *>(copy.address()) % 4, 0);
    }
  }
  auto s = Session::create(*loaded, 8, 1);
  ASSERT_TRUE(s);
  int32_t tokens[] = {8, 3};
  ASSERT_TRUE((*s)->forward(tokens, 2, logits.data(), false));
  EXPECT_EQ(logits, TestBundle::expectedLogits({8, 3}));
}

TEST_F(SessionTest, ModelOutlivesItsHandle) {
  AwqModel *handle = nullptr;
  ASSERT_EQ(awqModelLoad(bundle.path().c_str(), &handle), 0) << awqLastError();
  AwqSession *s = nullptr;
  ASSERT_EQ(awqSessionCreate(handle, 4, 1, &s), 0) << awqLastError();
  awqModelDestroy(handle);
  int32_t token = 2;
  ASSERT_EQ(awqSessionForward(s, &token, 1, logits.data(), 0), 0);
  EXPECT_EQ(logits, TestBundle::expectedLogits({2}));
  awqSessionDestroy(s);
}

// The C program loads the library as Python does: nothing of it is global.
TEST_F(SessionTest, FromC) {
  std::string command = std::string(AWQ_C_TEST) + " " + AWQ_RUNTIME_LIBRARY +
                        " '" + bundle.path() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

} // namespace
