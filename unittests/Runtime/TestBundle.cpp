//===- TestBundle.cpp - a bundle made at test time ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include "awq/ExecutionEngine/Runtime/Machine.h"
#include "awq/IO/SafetensorsWriter.h"
#include "awq/IO/Sha256.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace awq;
using namespace awq::test;
using nlohmann::json;

float TestBundle::embed(int64_t row, int64_t column) {
  return static_cast<float>(row * hidden + column) * 0.5f;
}

float TestBundle::lmHead(int64_t row, int64_t column) {
  return static_cast<float>((row * 3 + column * 5) % 7) - 3.0f;
}

static json argumentOf(const char *role, const std::string &name,
                       const char *dtype, std::vector<int64_t> shape) {
  return {{"role", role}, {"name", name}, {"dtype", dtype}, {"shape", shape}};
}

static json layersEntry(const char *symbol, int64_t rows) {
  json arguments = json::array();
  arguments.push_back(argumentOf("tokens", "tokens", "i32", {rows}));
  arguments.push_back(argumentOf("position", "position", "index", {}));
  for (int layer = 0; layer < 2; ++layer) {
    std::string suffix = std::to_string(layer);
    arguments.push_back(argumentOf("k_cache", "k" + suffix, "f32", {-1, 1, 2}));
    arguments.back()["layer"] = layer;
    arguments.push_back(argumentOf("v_cache", "v" + suffix, "f32", {-1, 1, 3}));
    arguments.back()["layer"] = layer;
  }
  arguments.push_back(argumentOf("parameter", "embed", "f32", {11, 4}));
  arguments.push_back(argumentOf("parameter", "flag", "i8", {3}));
  arguments.push_back(argumentOf("hidden_out", "hidden", "f32", {rows, 4}));
  return {{"symbol", symbol}, {"arguments", arguments}};
}

static json headEntry(const char *symbol, int64_t rows) {
  json arguments = json::array();
  arguments.push_back(argumentOf("hidden", "hidden", "f32", {rows, 4}));
  arguments.push_back(argumentOf("parameter", "lm_head", "f32", {11, 4}));
  arguments.push_back(argumentOf("logits_out", "logits", "f32", {rows, 11}));
  return {{"symbol", symbol}, {"arguments", arguments}};
}

static json fileRecord(const char *path) {
  return {{"path", path}, {"size", 0}, {"sha256", ""}};
}

TestBundle::TestBundle() {
  std::string name =
      (std::filesystem::temp_directory_path() / "awq-bundle-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  folder = name;
  std::filesystem::copy_file(AWQ_TEST_MODEL, file("model.so"));
  std::filesystem::create_directory(file("tokenizer"));
  write("tokenizer/tokenizer.json", "{\"model\": \"none\"}\n");
  writeWeights();

  manifest["format"] = "awq-bundle";
  manifest["version"] = 1;
  manifest["tool"] = {{"name", "awq-mlir"}, {"version", "0.1.0"}};
  manifest["model"] = {{"name", "toy"},
                       {"architecture", "toy"},
                       {"vocab_size", vocabulary},
                       {"hidden_size", hidden},
                       {"layers", 2},
                       {"kv_heads", 1},
                       {"head_dim", 2},
                       {"value_head_dim", 3},
                       {"max_position", maxPosition}};
  std::string triple(runtime::machineArchitecture());
  manifest["target"] = {{"kind", "cpu"},
                        {"triple", triple + "-pc-linux-gnu"},
                        {"cpu", "generic"},
                        {"features", json::array()}};
  manifest["files"] = {fileRecord("model.so"),
                       fileRecord("weights.safetensors"),
                       fileRecord("tokenizer/tokenizer.json")};
  manifest["parameters"] = {fileRecord("weights.safetensors")};
  manifest["entries"] = {{"forward", layersEntry("awq_entry_forward", -1)},
                         {"step", layersEntry("awq_entry_step", 1)},
                         {"head", headEntry("awq_entry_head", -1)},
                         {"head_step", headEntry("awq_entry_head_step", 1)}};
  seal();
}

TestBundle::~TestBundle() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

void TestBundle::writeWeights() const {
  std::vector<float> embedding, headWeight;
  for (int64_t row = 0; row < vocabulary; ++row)
    for (int64_t column = 0; column < hidden; ++column) {
      embedding.push_back(embed(row, column));
      headWeight.push_back(lmHead(row, column));
    }
  const uint8_t flag[3] = {1, 2, 200};
  auto writer = io::SafetensorsWriter::create(
      file("weights.safetensors"), {{"embed", io::DType::F32, {11, 4}},
                                    {"lm_head", io::DType::F32, {11, 4}},
                                    {"flag", io::DType::U8, {3}}});
  ASSERT_TRUE(writer) << writer.error().str();
  size_t bytes = embedding.size() * sizeof(float);
  ASSERT_TRUE(writer->write("embed", embedding.data(), bytes));
  ASSERT_TRUE(writer->write("lm_head", headWeight.data(), bytes));
  ASSERT_TRUE(writer->write("flag", flag, sizeof(flag)));
  ASSERT_TRUE(writer->commit());
}

void TestBundle::save() const { write("manifest.json", manifest.dump(1)); }

void TestBundle::seal() {
  for (const char *list : {"files", "parameters"})
    for (json &entry : manifest[list]) {
      std::string name = entry["path"].get<std::string>();
      std::string path = name.front() == '/' ? name : file(name);
      entry["size"] = std::filesystem::file_size(path);
      auto hash = io::sha256File(path);
      ASSERT_TRUE(hash) << hash.error().str();
      entry["sha256"] = *hash;
    }
  save();
}

json &TestBundle::record(const std::string &name) {
  for (json &entry : manifest["files"])
    if (entry["path"] == name)
      return entry;
  ADD_FAILURE() << "no file " << name;
  return manifest;
}

json &TestBundle::argument(const std::string &entry, const std::string &name) {
  for (json &argument : manifest["entries"][entry]["arguments"])
    if (argument["name"] == name)
      return argument;
  ADD_FAILURE() << "no argument " << name;
  return manifest;
}

std::string TestBundle::read(const std::string &name) const {
  std::ifstream stream(file(name), std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void TestBundle::write(const std::string &name,
                       const std::string &bytes) const {
  // Not in place: an earlier load may still run the old file's code.
  std::remove(file(name).c_str());
  std::ofstream stream(file(name), std::ios::binary);
  stream << bytes;
  EXPECT_TRUE(stream.good()) << name;
}

void TestBundle::flipByte(const std::string &name) const {
  std::string bytes = read(name);
  ASSERT_FALSE(bytes.empty());
  bytes[bytes.size() / 2] ^= 1;
  write(name, bytes);
}

std::vector<float>
TestBundle::expectedLogits(const std::vector<int32_t> &tokens) {
  float sum = 0;
  for (int32_t token : tokens)
    sum += static_cast<float>(token);
  std::vector<float> logits(vocabulary);
  for (int64_t v = 0; v < vocabulary; ++v)
    for (int64_t h = 0; h < hidden; ++h)
      logits[v] += (sum + embed(tokens.back(), h)) * lmHead(v, h);
  return logits;
}
