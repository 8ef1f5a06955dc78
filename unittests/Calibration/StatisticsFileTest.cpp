//===- StatisticsFileTest.cpp - statistics on disk --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/StatisticsFile.h"
#include "awq/IO/Safetensors.h"
#include "awq/IO/SafetensorsWriter.h"

#include "TestData.h"

#include <cstdio>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace awq;
using namespace awq::calibration;
using namespace awq::test;

namespace {

SiteStatistics makeSite(const std::string &name, int64_t channels) {
  std::vector<float> x = randomActivations(9, channels, 1);
  StatisticsAccumulator accumulator(name, channels, {true, 0});
  EXPECT_TRUE(accumulator.add(0, Part::Fit, x.data(), 5));
  EXPECT_TRUE(accumulator.add(1, Part::Guard, x.data() + 5 * channels, 4));
  return accumulator.finish();
}

StatisticsFile makeFile() {
  return {{"aa", "bb", "cc"},
          {makeSite("layers.0/self_attn", 6), makeSite("layers.1/mlp", 4)}};
}

/// Removes its file at the end.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string &name) : path(temporaryPath(name)) {}
  ~TemporaryFile() { std::remove(path.c_str()); }
};

void expectSame(const SiteStatistics &a, const SiteStatistics &b, bool grams) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.channels, b.channels);
  for (Part part : {Part::Fit, Part::Guard}) {
    EXPECT_EQ(a.part(part).tokens, b.part(part).tokens);
    EXPECT_EQ(a.part(part).meanAbs, b.part(part).meanAbs);
    EXPECT_EQ(a.part(part).maxAbs, b.part(part).maxAbs);
    EXPECT_EQ(a.part(part).meanSquare, b.part(part).meanSquare);
    EXPECT_EQ(a.part(part).gram,
              grams ? b.part(part).gram : std::vector<float>());
  }
}

/// The tensors of a file as they are written, to be damaged.
struct Tensors {
  std::vector<io::TensorSpec> specs;
  std::vector<std::vector<char>> bytes;
  std::map<std::string, std::string> metadata;

  explicit Tensors(const std::string &path) {
    auto file = io::SafetensorsFile::open(path);
    EXPECT_TRUE(file);
    for (const io::TensorView &view : file->tensors()) {
      specs.push_back({view.name, view.dtype, view.shape});
      bytes.emplace_back(view.data, view.data + view.bytes);
    }
    metadata = file->metadata();
  }
  size_t at(const std::string &name) const {
    for (size_t i = 0; i < specs.size(); ++i)
      if (specs[i].name == name)
        return i;
    ADD_FAILURE() << name;
    return 0;
  }
  float *floats(const std::string &name) {
    return reinterpret_cast<float *>(bytes[at(name)].data());
  }
  void erase(const std::string &name) {
    size_t i = at(name);
    specs.erase(specs.begin() + i);
    bytes.erase(bytes.begin() + i);
  }
  void write(const std::string &path) const {
    auto writer = io::SafetensorsWriter::create(path, specs, metadata);
    ASSERT_TRUE(writer);
    for (size_t i = 0; i < specs.size(); ++i)
      ASSERT_TRUE(
          writer->write(specs[i].name, bytes[i].data(), bytes[i].size()));
    ASSERT_TRUE(writer->commit());
  }
};

} // namespace

TEST(StatisticsFile, RoundTrips) {
  StatisticsFile file = makeFile();
  for (bool grams : {false, true}) {
    TemporaryFile temporary("round-trip.safetensors");
    ASSERT_TRUE(writeStatistics(temporary.path, file, grams));
    auto back = readStatistics(temporary.path);
    ASSERT_TRUE(back) << back.error().str();
    EXPECT_EQ(back->fingerprints.model, "aa");
    EXPECT_EQ(back->fingerprints.tokenizer, "bb");
    EXPECT_EQ(back->fingerprints.data, "cc");
    ASSERT_EQ(back->sites.size(), 2u);
    for (int i = 0; i < 2; ++i)
      expectSame(back->sites[i], file.sites[i], grams);
    EXPECT_EQ(back->find("layers.1/mlp"), &back->sites[1]);
    EXPECT_EQ(back->find("layers.2/mlp"), nullptr);
  }
}

TEST(StatisticsFile, KeepsAnEmptyPart) {
  StatisticsFile file = makeFile();
  file.sites[0].guard = PartStatistics();
  TemporaryFile temporary("empty-part.safetensors");
  ASSERT_TRUE(writeStatistics(temporary.path, file, true));
  auto back = readStatistics(temporary.path);
  ASSERT_TRUE(back) << back.error().str();
  expectSame(back->sites[0], file.sites[0], true);
}

TEST(StatisticsFile, RefusesToWriteNonsense) {
  StatisticsFile file = makeFile();
  file.sites[1].name = file.sites[0].name;
  Status status = writeStatistics(temporaryPath("never"), file);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "AWQ1304");
  file = makeFile();
  file.sites[1].fit.maxAbs.pop_back();
  status = writeStatistics(temporaryPath("never"), file);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("layers.1/mlp/fit/max_abs"),
            std::string::npos);
}

TEST(StatisticsFile, MalformedFilesAreNamed) {
  const std::string fit = "layers.1/mlp/fit/";
  struct Case {
    const char *code, *text;
    std::function<void(Tensors &)> damage;
  };
  std::vector<Case> cases = {
      {"AWQ1306", "format", [](Tensors &t) { t.metadata.clear(); }},
      {"AWQ1306", "version \"2\"",
       [](Tensors &t) { t.metadata["version"] = "2"; }},
      {"AWQ1307", "layers.1/mlp/fit/max_abs",
       [&](Tensors &t) { t.erase(fit + "max_abs"); }},
      {"AWQ1307", "layers.1/mlp/fit/tokens",
       [&](Tensors &t) { t.erase(fit + "tokens"); }},
      {"AWQ1307", "no such statistic",
       [&](Tensors &t) { t.specs[t.at(fit + "gram")].name = fit + "hessian"; }},
      {"AWQ1307", "<site>/<part>",
       [&](Tensors &t) { t.specs[t.at(fit + "gram")].name = "gram"; }},
      {"AWQ1307", "must be F32",
       [&](Tensors &t) {
         t.specs[t.at(fit + "mean_abs")].dtype = io::DType::I32;
       }},
      {"AWQ1307", "4 channels",
       [&](Tensors &t) { t.specs[t.at(fit + "gram")].shape = {2, 8}; }},
      {"AWQ1307", "negative",
       [&](Tensors &t) { t.bytes[t.at(fit + "tokens")].assign(8, -1); }},
      {"AWQ1307", "has no tokens",
       [&](Tensors &t) { t.bytes[t.at(fit + "tokens")].assign(8, 0); }},
      {"AWQ1308", "element 2",
       [&](Tensors &t) {
         t.floats(fit + "mean_square")[2] =
             std::numeric_limits<float>::quiet_NaN();
       }},
      {"AWQ1308", "element 0",
       [&](Tensors &t) { t.floats(fit + "mean_abs")[0] = -1.0f; }},
      {"AWQ1308", "channel 3",
       [&](Tensors &t) { t.floats(fit + "max_abs")[3] = 0.0f; }},
      {"AWQ1308", "[1, 0]",
       [&](Tensors &t) { t.floats(fit + "gram")[1] += 1.0f; }},
      {"AWQ1308", "diagonal element 1",
       [&](Tensors &t) { t.floats(fit + "gram")[5] = -1.0f; }},
  };
  TemporaryFile good("good.safetensors"), bad("bad.safetensors");
  ASSERT_TRUE(writeStatistics(good.path, makeFile(), true));
  for (const Case &c : cases) {
    Tensors tensors(good.path);
    c.damage(tensors);
    tensors.write(bad.path);
    auto result = readStatistics(bad.path);
    ASSERT_FALSE(result) << c.text;
    EXPECT_EQ(result.error().code, c.code) << c.text;
    EXPECT_EQ(result.error().kind, ErrorKind::Malformed);
    EXPECT_NE(result.error().str().find(c.text), std::string::npos)
        << result.error().str();
    EXPECT_NE(result.error().where.find(bad.path), std::string::npos);
  }
  EXPECT_FALSE(readStatistics(temporaryPath("absent.safetensors")));
}

TEST(StatisticsFile, FingerprintsAreCompared) {
  Fingerprints found{"aa", "bb", ""};
  EXPECT_TRUE(checkFingerprints(found, {"aa", "bb", ""}, "f"));
  EXPECT_TRUE(checkFingerprints(found, {"", "", ""}, "f"));
  struct {
    Fingerprints expected;
    const char *text;
  } cases[] = {{{"ab", "bb", ""}, "another model"},
               {{"aa", "b", ""}, "another tokenizer"},
               {{"aa", "bb", "cc"}, "SHA-256 unknown"}};
  for (const auto &c : cases) {
    Status status = checkFingerprints(found, c.expected, "f.safetensors");
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, "AWQ1309");
    EXPECT_EQ(status.error().where, "f.safetensors");
    EXPECT_NE(status.error().message.find(c.text), std::string::npos);
  }
}
