//===- AutoAwqCheckpointTest.cpp - malformed AutoAWQ checkpoints *- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/AutoAwqCheckpoint.h"
#include "awq/IO/SafetensorsWriter.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

using namespace awq;
using namespace awq::io;

namespace {

/// A folder of its own, removed at the end.
struct Folder {
  std::string path;
  Folder() {
    const char *root = std::getenv("TMPDIR");
    path = std::string(root ? root : "/tmp") + "/awq-autoawq-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
  }
  ~Folder() {
    for (const char *name : {"/model.safetensors", "/quant_config.json"})
      std::remove((path + name).c_str());
    rmdir(path.c_str());
  }
};

struct Tensor {
  DType dtype;
  std::vector<int64_t> shape;
  std::vector<char> bytes;
};

using Tensors = std::map<std::string, Tensor>;

void put(Tensors &tensors, const std::string &name, DType dtype,
         std::vector<int64_t> shape, uint16_t value = 0x3c00) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  std::vector<char> bytes(count * bitWidth(dtype) / 8);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i % 2 ? value >> 8 : value & 255);
  tensors[name] = {dtype, std::move(shape), std::move(bytes)};
}

/// A linear [n, k] in groups of g.
void putLinear(Tensors &tensors, const std::string &module, int64_t n,
               int64_t k, int64_t g) {
  put(tensors, module + ".qweight", DType::I32, {k, n / 8}, 0x1234);
  put(tensors, module + ".qzeros", DType::I32, {k / g, n / 8}, 0x7777);
  put(tensors, module + ".scales", DType::F16, {k / g, n});
}

const std::string prefix = "model.layers.0.self_attn.";

Tensors makeTensors() {
  Tensors tensors;
  putLinear(tensors, prefix + "q_proj", 64, 128, 32);
  putLinear(tensors, prefix + "k_proj", 16, 128, 32);
  putLinear(tensors, prefix + "v_proj", 16, 128, 32);
  put(tensors, prefix + "q_proj.bias", DType::F16, {64});
  put(tensors, "lm_head.weight", DType::F16, {32, 128});
  put(tensors, "model.norm.weight", DType::F16, {128});
  return tensors;
}

void write(const Folder &folder, const Tensors &tensors) {
  std::vector<TensorSpec> specs;
  for (const auto &[name, tensor] : tensors)
    specs.push_back({name, tensor.dtype, tensor.shape});
  auto writer =
      SafetensorsWriter::create(folder.path + "/model.safetensors", specs);
  ASSERT_TRUE(writer);
  for (const auto &[name, tensor] : tensors)
    ASSERT_TRUE(writer->write(name, tensor.bytes.data(), tensor.bytes.size()));
  ASSERT_TRUE(writer->commit());
}

AwqConfig makeConfig() {
  AwqConfig config;
  config.bits = 4;
  config.groupSize = 32;
  config.modulesToNotConvert = {"lm_head"};
  return config;
}

AwqCheckpointRules makeRules() {
  return {1, {{"q_proj", "k_proj", "v_proj"}, {"gate_proj", "up_proj"}}};
}

/// Overwrites the scale of row 5 in group 2 of q_proj.
void setScale(Tensors &tensors, uint16_t bits) {
  std::vector<char> &bytes = tensors[prefix + "q_proj.scales"].bytes;
  bytes[2 * (2 * 64 + 5)] = static_cast<char>(bits & 255);
  bytes[2 * (2 * 64 + 5) + 1] = static_cast<char>(bits >> 8);
}

} // namespace

TEST(AutoAwqCheckpoint, ReadsAGoodOne) {
  Folder folder;
  write(folder, makeTensors());
  auto checkpoint = Checkpoint::open(folder.path);
  ASSERT_TRUE(checkpoint);
  auto linears = checkAwqCheckpoint(*checkpoint, makeConfig(), makeRules());
  ASSERT_TRUE(linears) << linears.error().str();
  ASSERT_EQ(linears->size(), 3u);
  const AwqLinear &q = (*linears)[1];
  EXPECT_EQ(q.module, prefix + "q_proj");
  EXPECT_EQ(q.n, 64);
  EXPECT_EQ(q.k, 128);
  EXPECT_EQ(q.groups, 4);
  EXPECT_EQ(q.qzeros.shape, (std::vector<int64_t>{4, 8}));
  ASSERT_TRUE(q.bias);
  EXPECT_FALSE((*linears)[0].bias);
}

TEST(AutoAwqCheckpoint, AcceptsWhatAutoAwqWrites) {
  std::vector<std::function<void(Tensors &, AwqConfig &)>> variants = {
      // The scale of a group of zeros is subnormal.
      [](Tensors &t, AwqConfig &) { setScale(t, 11); },
      [](Tensors &t, AwqConfig &) {
        t[prefix + "q_proj.scales"].dtype = DType::BF16;
      },
      // Whole rows.
      [](Tensors &t, AwqConfig &c) {
        c.groupSize = 0;
        for (const char *name : {"q_proj", "k_proj", "v_proj"})
          putLinear(t, prefix + name, 64, 128, 128);
      },
      // A whole fused set in float.
      [](Tensors &t, AwqConfig &) {
        put(t, "model.layers.0.mlp.gate_proj.weight", DType::F16, {8, 128});
        put(t, "model.layers.0.mlp.up_proj.weight", DType::F16, {8, 128});
      }};
  for (size_t i = 0; i < variants.size(); ++i) {
    Folder folder;
    Tensors tensors = makeTensors();
    AwqConfig config = makeConfig();
    variants[i](tensors, config);
    write(folder, tensors);
    auto checkpoint = Checkpoint::open(folder.path);
    ASSERT_TRUE(checkpoint);
    auto linears = checkAwqCheckpoint(*checkpoint, config, makeRules());
    EXPECT_TRUE(linears) << i << ": " << linears.error().str();
  }
}

TEST(AutoAwqCheckpoint, MalformedOnesAreNamed) {
  const std::string q = prefix + "q_proj";
  struct Case {
    const char *code, *text;
    std::function<void(Tensors &, AwqConfig &)> damage;
  };
  std::vector<Case> cases = {
      {"AWQ1221", "no qzeros",
       [&](Tensors &t, AwqConfig &) { t.erase(q + ".qzeros"); }},
      {"AWQ1221", "no scales",
       [&](Tensors &t, AwqConfig &) { t.erase(q + ".scales"); }},
      {"AWQ1221", "no qweight",
       [&](Tensors &t, AwqConfig &) { t.erase(q + ".qweight"); }},
      {"AWQ1222", "I64",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".qweight", DType::I64, {128, 8});
       }},
      {"AWQ1222", "F32",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".scales", DType::F32, {4, 64});
       }},
      {"AWQ1222", "I16",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".qzeros", DType::I16, {4, 8});
       }},
      {"AWQ1222", "[1024]",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".qweight", DType::I32, {1024});
       }},
      {"AWQ1222", "[0, 8]",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".qweight", DType::I32, {0, 8});
       }},
      {"AWQ1223", "[3, 64] instead of [4, 64]",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".scales", DType::F16, {3, 64});
       }},
      {"AWQ1223", "[4, 63] instead of [4, 64]",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".scales", DType::F16, {4, 63});
       }},
      {"AWQ1223", "[5, 8] instead of [4, 8]",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".qzeros", DType::I32, {5, 8});
       }},
      {"AWQ1223", "[4, 7] instead of [4, 8]",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".qzeros", DType::I32, {4, 7});
       }},
      {"AWQ1223", "groups of 48",
       [](Tensors &, AwqConfig &c) { c.groupSize = 48; }},
      {"AWQ1223", "groups of 256",
       [](Tensors &, AwqConfig &c) { c.groupSize = 256; }},
      {"AWQ1223", "groups of 64 demand",
       [](Tensors &, AwqConfig &c) { c.groupSize = 64; }},
      {"AWQ1224", "row 5, group 2 is not a number",
       [](Tensors &t, AwqConfig &) { setScale(t, 0x7e00); }},
      {"AWQ1224", "infinite",
       [](Tensors &t, AwqConfig &) { setScale(t, 0x7c00); }},
      {"AWQ1224", "zero", [](Tensors &t, AwqConfig &) { setScale(t, 0); }},
      {"AWQ1224", "negative",
       [](Tensors &t, AwqConfig &) { setScale(t, 0xbc00); }},
      {"AWQ1225", "GPTQ",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".g_idx", DType::I32, {128});
       }},
      {"AWQ1226", "activations",
       [](Tensors &t, AwqConfig &) {
         put(t, "model.layers.0.mlp.act.scales", DType::F16, {64});
       }},
      {"AWQ1227", "float weight",
       [&](Tensors &t, AwqConfig &) {
         put(t, q + ".weight", DType::F16, {64, 128});
       }},
      {"AWQ1228", "\"q_pro\"",
       [](Tensors &, AwqConfig &c) { c.modulesToNotConvert = {"q_pro"}; }},
      {"AWQ1229", "k_proj",
       [](Tensors &t, AwqConfig &) {
         for (const char *end : {".qweight", ".qzeros", ".scales"})
           t.erase(prefix + "k_proj" + end);
         put(t, prefix + "k_proj.weight", DType::F16, {16, 128});
       }},
      {"AWQ1230", "[63]",
       [&](Tensors &t, AwqConfig &) { put(t, q + ".bias", DType::F16, {63}); }},
      {"AWQ1230", "I16",
       [&](Tensors &t, AwqConfig &) { put(t, q + ".bias", DType::I16, {64}); }},
      {"AWQ1231", "layer 1 ",
       [](Tensors &t, AwqConfig &) {
         putLinear(t, "model.layers.1.mlp.down_proj", 8, 32, 32);
       }},
      {"AWQ1232", "no tensor",
       [](Tensors &t, AwqConfig &) {
         t.clear();
         put(t, "lm_head.weight", DType::F16, {32, 128});
       }},
  };
  for (const Case &c : cases) {
    Folder folder;
    Tensors tensors = makeTensors();
    AwqConfig config = makeConfig();
    c.damage(tensors, config);
    write(folder, tensors);
    auto checkpoint = Checkpoint::open(folder.path);
    ASSERT_TRUE(checkpoint) << c.text;
    auto result = checkAwqCheckpoint(*checkpoint, config, makeRules());
    ASSERT_FALSE(result) << c.text;
    const Error &error = result.error();
    EXPECT_EQ(error.code, c.code) << error.str();
    EXPECT_NE(error.message.find(c.text), std::string::npos) << error.str();
    EXPECT_NE(error.where.find("model.safetensors"), std::string::npos);
    EXPECT_FALSE(error.help.empty());
  }
}

TEST(AutoAwqCheckpoint, LegacyConfigurationIsTakenOver) {
  Folder folder;
  nlohmann::json config = {{"model_type", "llama"}};
  ASSERT_TRUE(addLegacyQuantization(config, folder.path));
  EXPECT_FALSE(config.contains("quantization_config")) << "no old file";
  std::string path = folder.path + "/quant_config.json";
  std::ofstream(path) << R"({"zero_point": true, "q_group_size": 64,)"
                      << R"( "w_bit": 4, "version": "GEMM"})";
  ASSERT_TRUE(addLegacyQuantization(config, folder.path));
  EXPECT_EQ(config["quantization_config"]["quant_method"], "awq");
  EXPECT_EQ(config["quantization_config"]["q_group_size"], 64);
  // What config.json says itself counts.
  config["quantization_config"] = {{"bits", 4}};
  ASSERT_TRUE(addLegacyQuantization(config, folder.path));
  EXPECT_FALSE(config["quantization_config"].contains("w_bit"));
  config.erase("quantization_config");
  std::ofstream(path) << "[4]";
  Status status = addLegacyQuantization(config, folder.path);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "AWQ1220");
  EXPECT_EQ(status.error().where, path);
}

TEST(AutoAwqCheckpoint, QuantizedInputIsRefused) {
  Folder folder;
  write(folder, makeTensors());
  auto quantized = Checkpoint::open(folder.path);
  ASSERT_TRUE(quantized);
  nlohmann::json plain = {{"model_type", "llama"},
                          {"quantization_config", nullptr}};
  Status byTensors = refuseQuantized(plain, "config.json", *quantized);
  ASSERT_FALSE(byTensors);
  EXPECT_EQ(byTensors.error().code, "AWQ1234");
  EXPECT_NE(byTensors.error().where.find(".qweight"), std::string::npos);

  Folder floatFolder;
  Tensors tensors;
  put(tensors, "lm_head.weight", DType::F16, {8, 8});
  write(floatFolder, tensors);
  auto checkpoint = Checkpoint::open(floatFolder.path);
  ASSERT_TRUE(checkpoint);
  EXPECT_TRUE(refuseQuantized(plain, "config.json", *checkpoint));
  plain["quantization_config"] = {{"quant_method", "gptq"}};
  Status byConfig = refuseQuantized(plain, "config.json", *checkpoint);
  ASSERT_FALSE(byConfig);
  EXPECT_EQ(byConfig.error().code, "AWQ1234");
  EXPECT_EQ(byConfig.error().where, "config.json");
}

TEST(AutoAwqCheckpoint, ExcludedModulesAreFullNames) {
  std::vector<std::string> quantized = {"model.layers.0.mlp.gate_proj"};
  auto none = modulesToNotConvert({"lm_head"}, quantized);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  auto router =
      modulesToNotConvert({"model.layers.1.mlp.gate", "lm_head"}, quantized);
  ASSERT_TRUE(router);
  EXPECT_EQ(*router, std::vector<std::string>{"model.layers.1.mlp.gate"});
  auto clash = modulesToNotConvert({"model.layers.0.mlp.gate"}, quantized);
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code, "AWQ1233");
  EXPECT_NE(clash.error().message.find("gate_proj"), std::string::npos);
}

TEST(AutoAwqCheckpoint, ConfigurationHasAutoAwqsKeys) {
  AwqConfig config;
  config.groupSize = 64;
  EXPECT_EQ(makeQuantizationConfig(config).dump(),
            R"({"bits":4,"group_size":64,"modules_to_not_convert":null,)"
            R"("quant_method":"awq","version":"gemm","zero_point":true})");
  config.groupSize = 0;
  config.modulesToNotConvert = {"a.b"};
  EXPECT_EQ(makeQuantizationConfig(config)["group_size"], -1);
  EXPECT_EQ(makeQuantizationConfig(config)["modules_to_not_convert"],
            nlohmann::json({"a.b"}));
}
