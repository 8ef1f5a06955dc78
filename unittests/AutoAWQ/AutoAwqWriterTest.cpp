//===- AutoAwqWriterTest.cpp - written checkpoints, read back -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/AutoAWQ/AutoAwqWriter.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/IO/AutoAwqCheckpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace awq;
namespace fs = std::filesystem;

namespace {

constexpr int64_t n = 24, k = 64, groups = 2;

class AutoAwqWriterTest : public ::testing::Test {
protected:
  void SetUp() override {
    root = fs::temp_directory_path() /
           ("awq-writer-" + std::to_string(::getpid()) + "-" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(source());
    put("config.json",
        R"({"model_type": "llama", "hidden_size": 64, "dtype": "float32",
            "auto_map": {"AutoModel": "x.Y"}})");
    put("tokenizer.json", "{}");
    put("LICENSE.txt", "terms");
    put("modeling_x.py", "raise SystemExit");
    put("pytorch_model.bin", "pickle");
    std::mt19937 random(5);
    codes.resize(n * k);
    for (uint8_t &code : codes)
      code = random() % 16;
    zeros.resize(n * groups);
    for (uint8_t &zero : zeros)
      zero = random() % 16;
    scales.resize(n * groups);
    for (float &scale : scales)
      scale = roundToHalf(0.001f + 0.01f * (random() % 100));
  }
  void TearDown() override { fs::remove_all(root); }

  fs::path source() const { return root / "float"; }
  fs::path output() const { return root / "quantized"; }
  void put(const std::string &name, const std::string &text) const {
    std::ofstream(source() / name) << text;
  }

  AutoAwqPlan plan() const {
    AutoAwqPlan plan;
    plan.source = source().string();
    plan.destination = output().string();
    plan.scheme.group = 32;
    plan.floats = {{"norm.weight", {6}}, {"router.weight", {3, 2}}};
    plan.linears = {{"l.0.a", n, k}, {"l.0.b", n, k}};
    plan.floatLinears = {"router"};
    return plan;
  }

  Status writeAll(AutoAwqWriter &writer) const {
    const float values[] = {1.0f, -2.5f, 0.1f, 65504.0f, 0.0f, 1e-8f};
    for (const char *name : {"norm.weight", "router.weight"})
      if (Status status = writer.writeFloat(name, values, 6); !status)
        return status;
    for (const char *name : {"l.0.a", "l.0.b"})
      if (Status status = writer.writeLinear(name, codes.data(), scales.data(),
                                             zeros.data());
          !status)
        return status;
    return writer.commit();
  }

  fs::path root;
  std::vector<uint8_t> codes, zeros;
  std::vector<float> scales;
};

/// Nibble i of a word is output 8c + order[i]: AutoAWQ's order, written out
/// here again so that the test does not share the code it tests.
uint8_t nibble(const io::TensorView &words, int64_t row, int64_t output) {
  const int position[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  uint32_t word;
  std::memcpy(&word, words.data + 4 * (row * words.shape[1] + output / 8), 4);
  return word >> (4 * position[output % 8]) & 15;
}

TEST_F(AutoAwqWriterTest, WritesWhatItIsGiven) {
  Result<AutoAwqWriter> writer = AutoAwqWriter::create(plan());
  ASSERT_TRUE(writer) << writer.error().str();
  EXPECT_FALSE(fs::exists(output()));
  ASSERT_EQ(writer->warnings().size(), 1u);
  EXPECT_NE(writer->warnings()[0].find("auto_map"), std::string::npos);
  Status written = writeAll(*writer);
  ASSERT_TRUE(written) << written.error().str();

  Result<io::Checkpoint> checkpoint = io::Checkpoint::open(output().string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().str();
  EXPECT_EQ(checkpoint->names().size(), 8u);
  std::optional<io::TensorView> qweight = checkpoint->find("l.0.b.qweight");
  std::optional<io::TensorView> qzeros = checkpoint->find("l.0.b.qzeros");
  std::optional<io::TensorView> halves = checkpoint->find("l.0.b.scales");
  ASSERT_TRUE(qweight && qzeros && halves);
  EXPECT_EQ(qweight->shape, (std::vector<int64_t>{k, n / 8}));
  EXPECT_EQ(qzeros->shape, (std::vector<int64_t>{groups, n / 8}));
  EXPECT_EQ(halves->shape, (std::vector<int64_t>{groups, n}));
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t column = 0; column < k; ++column)
      ASSERT_EQ(nibble(*qweight, column, row), codes[row * k + column]);
    for (int64_t group = 0; group < groups; ++group) {
      ASSERT_EQ(nibble(*qzeros, group, row), zeros[row * groups + group]);
      uint16_t half;
      std::memcpy(&half, halves->data + 2 * (group * n + row), 2);
      ASSERT_EQ(halfToFloat(half), scales[row * groups + group]);
    }
  }
  std::optional<io::TensorView> norm = checkpoint->find("norm.weight");
  ASSERT_TRUE(norm);
  EXPECT_EQ(norm->dtype, io::DType::F16);
  uint16_t half;
  std::memcpy(&half, norm->data + 2, 2);
  EXPECT_EQ(halfToFloat(half), -2.5f);
}

TEST_F(AutoAwqWriterTest, CompletesTheFolder) {
  Result<AutoAwqWriter> writer = AutoAwqWriter::create(plan());
  ASSERT_TRUE(writer) << writer.error().str();
  ASSERT_TRUE(writeAll(*writer));
  Result<nlohmann::json> config =
      io::parseJsonFile((output() / "config.json").string());
  ASSERT_TRUE(config) << config.error().str();
  EXPECT_EQ(*config, nlohmann::json::parse(R"({
    "model_type": "llama", "hidden_size": 64,
    "dtype": "float16", "torch_dtype": "float16",
    "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 32,
      "zero_point": true, "version": "gemm",
      "modules_to_not_convert": ["router"]}})",
                                           nullptr, false));
  EXPECT_TRUE(fs::exists(output() / "tokenizer.json"));
  EXPECT_TRUE(fs::exists(output() / "LICENSE.txt"));
  EXPECT_FALSE(fs::exists(output() / "modeling_x.py"));
  EXPECT_FALSE(fs::exists(output() / "pytorch_model.bin"));
}

TEST_F(AutoAwqWriterTest, SplitsIntoShards) {
  AutoAwqPlan small = plan();
  small.maxShardBytes = 1000;
  Result<AutoAwqWriter> writer = AutoAwqWriter::create(small);
  ASSERT_TRUE(writer) << writer.error().str();
  ASSERT_TRUE(writeAll(*writer));
  EXPECT_FALSE(fs::exists(output() / "model.safetensors"));
  Result<nlohmann::json> index =
      io::parseJsonFile((output() / "model.safetensors.index.json").string());
  ASSERT_TRUE(index) << index.error().str();
  EXPECT_EQ((*index)["weight_map"].size(), 8u);
  EXPECT_EQ((*index)["weight_map"]["l.0.a.qweight"],
            "model-00001-of-00002.safetensors");
  EXPECT_EQ((*index)["weight_map"]["l.0.b.scales"],
            "model-00002-of-00002.safetensors");
  Result<io::Checkpoint> checkpoint = io::Checkpoint::open(output().string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().str();
  EXPECT_EQ(checkpoint->files().size(), 2u);
  EXPECT_EQ((*index)["metadata"]["total_size"], checkpoint->tensorBytes());
  Result<std::vector<io::AwqLinear>> linears =
      io::checkAwqCheckpoint(*checkpoint, io::AwqConfig{4, 32, {"router"}}, {});
  ASSERT_TRUE(linears) << linears.error().str();
  EXPECT_EQ(linears->size(), 2u);
}

TEST_F(AutoAwqWriterTest, LeavesNothingWithoutCommit) {
  {
    Result<AutoAwqWriter> writer = AutoAwqWriter::create(plan());
    ASSERT_TRUE(writer) << writer.error().str();
    Status incomplete = writer->commit();
    ASSERT_FALSE(incomplete);
    EXPECT_EQ(incomplete.error().code, "AWQ1043");
  }
  EXPECT_FALSE(fs::exists(output()));
  EXPECT_EQ(
      std::distance(fs::directory_iterator(root), fs::directory_iterator()), 1);
}

TEST_F(AutoAwqWriterTest, RefusesWhatHalfCannotHold) {
  Result<AutoAwqWriter> writer = AutoAwqWriter::create(plan());
  ASSERT_TRUE(writer) << writer.error().str();
  const float large[] = {0, 0, 70000.0f, 0, 0, 0};
  Status status = writer->writeFloat("norm.weight", large, 6);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "AWQ1251");
  EXPECT_NE(status.error().message.find("norm.weight"), std::string::npos);
  scales[3] = 0.1f; // not a half
  status =
      writer->writeLinear("l.0.a", codes.data(), scales.data(), zeros.data());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "AWQ1213");
}

TEST_F(AutoAwqWriterTest, RefusesBadPlans) {
  AutoAwqPlan same = plan();
  same.destination = same.source;
  Result<AutoAwqWriter> writer = AutoAwqWriter::create(same);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, "AWQ1250");

  AutoAwqPlan group = plan();
  group.scheme.group = 48;
  writer = AutoAwqWriter::create(group);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, "AWQ1204");

  AutoAwqPlan rows = plan();
  rows.linears[1].n = 20;
  writer = AutoAwqWriter::create(rows);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, "AWQ1211");

  AutoAwqPlan ambiguous = plan();
  ambiguous.floatLinears = {"l.0"};
  writer = AutoAwqWriter::create(ambiguous);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, "AWQ1233");

  fs::create_directories(output());
  std::ofstream(output() / "letter.txt") << "mine";
  writer = AutoAwqWriter::create(plan());
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, "AWQ1045");
}

} // namespace
