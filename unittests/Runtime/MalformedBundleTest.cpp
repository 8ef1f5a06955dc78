//===- MalformedBundleTest.cpp - damaged bundles --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Each case spoils a good bundle in one way, and names the code, the kind and a
// part of the message of the error that loading it must give.
//
//===----------------------------------------------------------------------===//

#include "TestBundle.h"

#include "awq/ExecutionEngine/Runtime/Machine.h"
#include "awq/ExecutionEngine/Runtime/Model.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

using namespace awq;
using namespace awq::runtime;
using awq::test::TestBundle;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr ErrorKind malformed = ErrorKind::Malformed;

struct Case {
  const char *name;
  const char *code;
  ErrorKind kind;
  const char *message;
  std::function<void(TestBundle &)> spoil;
};

std::ostream &operator<<(std::ostream &stream, const Case &c) {
  return stream << c.name;
}

/// A case that edits the manifest and nothing else.
Case edit(const char *name, const char *code, const char *message,
          std::function<void(json &)> change, ErrorKind kind = malformed) {
  return {name, code, kind, message, [change](TestBundle &bundle) {
            change(bundle.manifest);
            bundle.save();
          }};
}

/// A case that edits the record of the tokenizer file.
Case path(const char *name, const char *wrong, const char *message) {
  return edit(name, "AWQ1404", message, [wrong](json &manifest) {
    manifest["files"][2]["path"] = wrong;
  });
}

/// A case that edits one argument of an entry.
Case argument(const char *name, const char *code, const char *message,
              const char *entry, const char *which, const char *field,
              json value) {
  return {name, code, malformed, message, [=](TestBundle &bundle) {
            bundle.argument(entry, which)[field] = value;
            bundle.save();
          }};
}

/// A case that replaces the manifest's text.
Case text(const char *name, const char *message,
          std::function<std::string(std::string)> change) {
  return {name, "AWQ1401", malformed, message, [change](TestBundle &bundle) {
            bundle.write("manifest.json", change(bundle.read("manifest.json")));
          }};
}

std::string lackingFeature() {
  for (const char *name : {"amx-fp16", "avx512fp16", "tbm", "xop", "amx-tile",
                           "avx512vp2intersect"})
    if (!hasFeature(name))
      return name;
  return "avx4096";
}

json &forwardArguments(json &manifest) {
  return manifest["entries"]["forward"]["arguments"];
}

const Case cases[] = {
    // The folder.
    {"NoFolder", "AWQ1400", ErrorKind::Usage, "there is no bundle",
     [](TestBundle &b) { fs::remove_all(b.path()); }},
    {"FileInsteadOfFolder", "AWQ1400", malformed, "a bundle is a folder",
     [](TestBundle &b) {
       fs::remove_all(b.path());
       fs::copy_file(AWQ_TEST_MODEL, b.path());
     }},
    {"NoManifest", "AWQ1400", malformed, "manifest cannot be read",
     [](TestBundle &b) { fs::remove(b.file("manifest.json")); }},
    {"ManifestIsFolder", "AWQ1400", malformed, "manifest cannot be read",
     [](TestBundle &b) {
       fs::remove(b.file("manifest.json"));
       fs::create_directory(b.file("manifest.json"));
     }},
    // The manifest's text.
    text("EmptyManifest", "not valid JSON", [](std::string) { return ""; }),
    text("HalfManifest", "not valid JSON",
         [](std::string s) { return s.substr(0, s.size() / 2); }),
    text("TrailingText", "not valid JSON",
         [](std::string s) { return s + "{}"; }),
    text("ByteOrderMark", "not valid JSON",
         [](std::string s) { return "\xef\xbb\xbf" + s; }),
    text("NotUtf8", "not valid JSON",
         [](std::string s) {
           return s.replace(s.find("toy"), 3, "\xff\xfe\xff");
         }),
    text("DuplicateKey", "not valid JSON",
         [](std::string s) { return "{\"version\": 1," + s.substr(1); }),
    text("DeepNesting", "not valid JSON",
         [](std::string) { return std::string(100000, '['); }),
    text("Array", "expected an object", [](std::string) { return "[]"; }),
    text("NaN", "not valid JSON", [](std::string) { return "{\"a\": NaN}"; }),
    // Format and version.
    edit(
        "OtherFormat", "AWQ1403", "not the manifest of a bundle",
        [](json &m) { m["format"] = "tar"; }, ErrorKind::Unsupported),
    edit(
        "NewerVersion", "AWQ1403", "format version 2",
        [](json &m) { m["version"] = 2; }, ErrorKind::Unsupported),
    edit("VersionZero", "AWQ1401", "not between",
         [](json &m) { m["version"] = 0; }),
    edit("VersionText", "AWQ1401", "expected an integer",
         [](json &m) { m["version"] = "1"; }),
    edit(
        "OtherTarget", "AWQ1416", "compiled for 'nvvm'",
        [](json &m) { m["target"]["kind"] = "nvvm"; }, ErrorKind::Unsupported),
    // The machine.
    edit(
        "OtherArchitecture", "AWQ1402", "architecture 'riscv64'",
        [](json &m) { m["target"]["triple"] = "riscv64-unknown-linux-gnu"; },
        ErrorKind::Resources),
    edit(
        "LackingFeature", "AWQ1402", "processor features",
        [](json &m) { m["target"]["features"] = {lackingFeature()}; },
        ErrorKind::Resources),
    edit(
        "UnknownFeature", "AWQ1402", "avx9000",
        [](json &m) { m["target"]["features"] = {"avx9000"}; },
        ErrorKind::Resources),
    edit("FeatureNumber", "AWQ1401", "expected a string",
         [](json &m) { m["target"]["features"] = {2}; }),
    // Sizes of the model.
    edit("NoLayers", "AWQ1401", "not between",
         [](json &m) { m["model"]["layers"] = 0; }),
    edit("NegativeVocabulary", "AWQ1401", "not between",
         [](json &m) { m["model"]["vocab_size"] = -11; }),
    edit("HugeHidden", "AWQ1401", "not between",
         [](json &m) { m["model"]["hidden_size"] = UINT64_MAX; }),
    edit("FractionalHeads", "AWQ1401", "expected an integer",
         [](json &m) { m["model"]["kv_heads"] = 1.5; }),
    edit("ModelIsList", "AWQ1401", "expected an object",
         [](json &m) { m["model"] = json::array(); }),
    // Paths.
    path("AbsolutePath", "/etc/hostname", "is absolute"),
    path("ParentPath", "../secret", "leaves the bundle"),
    path("HiddenParentPath", "tokenizer/../../secret", "leaves the bundle"),
    path("EmptyPath", "", "is empty"),
    path("EmptyComponent", "tokenizer//tokenizer.json", "component"),
    path("DotComponent", "./tokenizer/tokenizer.json", "component"),
    path("TrailingSlash", "tokenizer/", "component"),
    path("Backslash", "tokenizer\\tokenizer.json", "backslash"),
    path("ControlCharacter", "tokenizer\n.json", "control character"),
    edit("ParentParameterPath", "AWQ1404", "leaves the bundle",
         [](json &m) { m["parameters"][0]["path"] = "../w.safetensors"; }),
    edit("ListedTwice", "AWQ1401", "listed twice",
         [](json &m) { m["files"][2] = m["files"][0]; }),
    edit("CodeNotListed", "AWQ1401", "'model.so' is not listed",
         [](json &m) { m["files"].erase(0); }),
    // What lies at the paths.
    {"MissingFile", "AWQ1405", malformed, "cannot be opened",
     [](TestBundle &b) { fs::remove(b.file("weights.safetensors")); }},
    {"MissingCode", "AWQ1405", malformed, "cannot be opened",
     [](TestBundle &b) { fs::remove(b.file("model.so")); }},
    {"SymbolicLink", "AWQ1405", malformed, "not a regular file",
     [](TestBundle &b) {
       fs::rename(b.file("model.so"), b.file("other.so"));
       fs::create_symlink("other.so", b.file("model.so"));
     }},
    {"LinkedFolder", "AWQ1405", malformed, "not a folder",
     [](TestBundle &b) {
       fs::rename(b.file("tokenizer"), b.file("elsewhere"));
       fs::create_symlink("elsewhere", b.file("tokenizer"));
     }},
    {"FolderInsteadOfFile", "AWQ1405", malformed, "not a regular file",
     [](TestBundle &b) {
       fs::remove(b.file("model.so"));
       fs::create_directory(b.file("model.so"));
     }},
    {"Fifo", "AWQ1405", malformed, "not a regular file",
     [](TestBundle &b) {
       fs::remove(b.file("model.so"));
       ASSERT_EQ(mkfifo(b.file("model.so").c_str(), 0600), 0);
     }},
    {"MissingExternal", "AWQ1405", malformed, "parameter file cannot be opened",
     [](TestBundle &b) {
       b.manifest["parameters"][0]["path"] = "/nonexistent/w.safetensors";
       b.save();
     }},
    {"ExternalFolder", "AWQ1405", malformed, "not a regular file",
     [](TestBundle &b) {
       b.manifest["parameters"][0]["path"] = b.path();
       b.save();
     }},
    // Their bytes.
    {"DamagedCode", "AWQ1406", malformed, "is damaged",
     [](TestBundle &b) { b.flipByte("model.so"); }},
    {"DamagedWeights", "AWQ1406", malformed, "is damaged",
     [](TestBundle &b) { b.flipByte("weights.safetensors"); }},
    {"DamagedTokenizer", "AWQ1406", malformed, "is damaged",
     [](TestBundle &b) { b.flipByte("tokenizer/tokenizer.json"); }},
    {"TruncatedCode", "AWQ1406", malformed, "bytes, and the manifest says",
     [](TestBundle &b) { fs::resize_file(b.file("model.so"), 100); }},
    {"LongerWeights", "AWQ1406", malformed, "bytes, and the manifest says",
     [](TestBundle &b) {
       b.write("weights.safetensors", b.read("weights.safetensors") + "x");
     }},
    edit("HashNotHex", "AWQ1401", "64 lower-case hexadecimal",
         [](json &m) { m["files"][0]["sha256"] = std::string(64, 'G'); }),
    edit("HashTooShort", "AWQ1401", "64 lower-case hexadecimal",
         [](json &m) { m["files"][0]["sha256"] = "abc"; }),
    edit("SizeNegative", "AWQ1401", "not between",
         [](json &m) { m["files"][0]["size"] = -1; }),
    // Files with the right hash and the wrong content.
    {"CodeIsText", "AWQ1407", malformed, "cannot be loaded",
     [](TestBundle &b) {
       b.write("model.so", "not a library");
       b.seal();
     }},
    {"CodeIsHalf", "AWQ1407", malformed, "cannot be loaded",
     [](TestBundle &b) {
       b.write("model.so", b.read("model.so").substr(0, 200));
       b.seal();
     }},
    {"WeightsAreText", "AWQ1012", malformed, "",
     [](TestBundle &b) {
       b.write("weights.safetensors", std::string(100, 'x'));
       b.seal();
     }},
    {"WeightsAreEmpty", "AWQ1006", malformed, "",
     [](TestBundle &b) {
       b.write("weights.safetensors", "");
       b.seal();
     }},
    // Entry points.
    edit("UnknownSymbol", "AWQ1419", "no function 'awq_entry_nothing'",
         [](json &m) { m["entries"]["head"]["symbol"] = "awq_entry_nothing"; }),
    edit("EmptySymbol", "AWQ1408", "no symbol",
         [](json &m) { m["entries"]["head"]["symbol"] = ""; }),
    edit("NoForward", "AWQ1408", "'forward' is missing",
         [](json &m) { m["entries"].erase("forward"); }),
    edit("NoHead", "AWQ1408", "'head' is missing",
         [](json &m) { m["entries"].erase("head"); }),
    edit("UnknownEntry", "AWQ1408", "unknown entry",
         [](json &m) { m["entries"]["backward"] = m["entries"]["head"]; }),
    edit("NoTokens", "AWQ1408", "one 'tokens' argument, found 0",
         [](json &m) { forwardArguments(m).erase(0); }),
    edit(
        "TwoPositions", "AWQ1408", "one 'position' argument, found 2",
        [](json &m) { forwardArguments(m).push_back(forwardArguments(m)[1]); }),
    edit("MissingCache", "AWQ1408", "layer 1 has no 'k_cache'",
         [](json &m) { forwardArguments(m).erase(4); }),
    edit("ForeignRole", "AWQ1408", "does not belong",
         [](json &m) {
           forwardArguments(m).push_back(m["entries"]["head"]["arguments"][2]);
         }),
    argument("SecondCache", "AWQ1408", "second one of layer 0", "forward", "k1",
             "layer", 0),
    argument("CacheOfNoLayer", "AWQ1408", "is of layer 2", "forward", "k1",
             "layer", 2),
    argument("LayerNegative", "AWQ1401", "not between", "forward", "k1",
             "layer", -1),
    argument("CacheShape", "AWQ1408", "should have the shape [-1, 1, 2]",
             "forward", "k0", "shape", {-1, 1, 3}),
    argument("CacheType", "AWQ1408", "element type", "forward", "k0", "dtype",
             "i64"),
    argument("StepCacheType", "AWQ1408", "another element type", "step", "k0",
             "dtype", "f16"),
    argument("TokensType", "AWQ1408", "element type", "forward", "tokens",
             "dtype", "i64"),
    argument("StepRows", "AWQ1408", "should have the shape [1]", "step",
             "tokens", "shape", {-1}),
    argument("HiddenShape", "AWQ1408", "should have the shape [-1, 4]",
             "forward", "hidden", "shape", {-1, 5}),
    argument("LogitsShape", "AWQ1408", "should have the shape [-1, 11]", "head",
             "logits", "shape", {-1, 12}),
    argument("UnknownRole", "AWQ1401", "unknown role", "head", "logits", "role",
             "output"),
    argument("UnknownType", "AWQ1401", "unknown element type", "head", "logits",
             "dtype", "f31"),
    argument("InnerDynamic", "AWQ1401", "not between", "head", "logits",
             "shape", {1, -1}),
    argument("ShapeText", "AWQ1401", "expected an array", "head", "logits",
             "shape", "[1]"),
    argument("ShapeOfText", "AWQ1401", "expected an integer", "head", "logits",
             "shape", {"1"}),
    argument("ShapeOverflow", "AWQ1401", "overflows", "head", "lm_head",
             "shape", {1 << 30, 1 << 30, 1 << 30}),
    argument("ManyDimensions", "AWQ1401", "more than 8", "head", "lm_head",
             "shape", {1, 1, 1, 1, 1, 1, 1, 1, 1}),
    // Parameters.
    argument("DynamicParameter", "AWQ1408", "needs a fixed shape", "head",
             "lm_head", "shape", {-1, 4}),
    argument("ParameterShape", "AWQ1409", "the code takes F32 [11, 5]", "head",
             "lm_head", "shape", {11, 5}),
    argument("ParameterType", "AWQ1409", "the code takes F16 [11, 4]", "head",
             "lm_head", "dtype", "f16"),
    argument("ParameterName", "AWQ1409", "no parameter file holds", "head",
             "lm_head", "name", "lm_tail"),
    edit("NoParameterFiles", "AWQ1409", "no parameter file holds",
         [](json &m) { m["parameters"] = json::array(); }),
    {"ParameterTwice", "AWQ1409", malformed, "two parameter files hold",
     [](TestBundle &b) {
       fs::copy_file(b.file("weights.safetensors"), b.file("w2.safetensors"));
       json second = b.manifest["parameters"][0];
       second["path"] = "w2.safetensors";
       b.manifest["parameters"].push_back(second);
       b.save();
     }},
};

class MalformedBundle : public testing::TestWithParam<Case> {};

TEST_P(MalformedBundle, IsRefused) {
  TestBundle bundle;
  GetParam().spoil(bundle);
  auto model = Model::load(bundle.path());
  ASSERT_FALSE(model) << "the bundle was loaded";
  const Error &error = model.error();
  EXPECT_EQ(error.code, GetParam().code) << error.message;
  EXPECT_EQ(error.kind, GetParam().kind) << error.message;
  EXPECT_NE(error.message.find(GetParam().message), std::string::npos)
      << error.message;
  EXPECT_FALSE(error.where.empty());
  EXPECT_FALSE(error.help.empty());
}

INSTANTIATE_TEST_SUITE_P(Bundles, MalformedBundle, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           return info.param.name;
                         });

TEST(MalformedManifest, EveryFieldIsNeeded) {
  TestBundle bundle;
  const json good = bundle.manifest;
  // value_head_dim falls back on head_dim, and then disagrees with the caches.
  auto flat = good.flatten();
  int tried = 0;
  for (auto item = flat.begin(); item != flat.end(); ++item) {
    json::json_pointer pointer(item.key());
    const std::string last = pointer.back();
    bool isElement = last.find_first_not_of("0123456789") == std::string::npos;
    if (isElement || item.key() == "/tool/name")
      continue;
    bundle.manifest = good;
    bundle.manifest[pointer.parent_pointer()].erase(last);
    bundle.save();
    auto model = Model::load(bundle.path());
    ASSERT_FALSE(model) << item.key();
    EXPECT_TRUE(model.error().code == "AWQ1401" || last == "value_head_dim")
        << item.key() << ": " << model.error().str();
    ++tried;
  }
  EXPECT_GT(tried, 100);
}

TEST(MalformedManifest, EveryPrefixIsRefused) {
  TestBundle bundle;
  const std::string good = bundle.read("manifest.json");
  for (size_t length = 0; length < good.size(); length += 7) {
    bundle.write("manifest.json", good.substr(0, length));
    auto model = Model::load(bundle.path());
    ASSERT_FALSE(model) << length;
    EXPECT_EQ(model.error().code, "AWQ1401") << length;
  }
}

// A changed byte inside a name may go unnoticed; it must never do harm.
TEST(MalformedManifest, AnyByteMayBeWrong) {
  TestBundle bundle;
  const std::string good = bundle.read("manifest.json");
  static const char masks[] = {1, 2, 4, 16, 32, '\x80'};
  size_t refused = 0, tried = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    if (good[i] == ' ' || good[i] == '\n')
      continue;
    std::string bad = good;
    bad[i] ^= masks[i % sizeof(masks)];
    bundle.write("manifest.json", bad);
    auto model = Model::load(bundle.path());
    ++tried;
    if (model)
      continue;
    ++refused;
    EXPECT_EQ(model.error().code.substr(0, 5), "AWQ14") << model.error().str();
  }
  EXPECT_GT(refused * 10, tried * 9) << refused << " of " << tried;
}

} // namespace
