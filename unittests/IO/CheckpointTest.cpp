//===- CheckpointTest.cpp - single files, shards and their index ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Safetensors.h"

#include "TestFiles.h"

#include <unistd.h>

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;

namespace {
class CheckpointTest : public ::testing::Test {
protected:
  /// A file with byte tensors of one element each.
  void shard(const std::string &name, const std::vector<std::string> &tensors) {
    std::string header = "{", data;
    for (const std::string &tensor : tensors) {
      header += (data.empty() ? "" : ",") +
                entry(tensor, "U8", "[1]", data.size(), data.size() + 1);
      data += tensor[0];
    }
    folder.write(name, container(header + "}", data));
  }
  void index(const std::string &text) {
    folder.write("model.safetensors.index.json", text);
  }
  void twoShards() {
    shard("1.safetensors", {"a", "b"});
    shard("2.safetensors", {"c"});
  }
  Result<Checkpoint> open() { return Checkpoint::open(folder.path()); }
  TemporaryFolder folder;
};
} // namespace

static const char *goodMap =
    R"("weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"})";

TEST_F(CheckpointTest, SingleFile) {
  shard("model.safetensors", {"a", "b"});
  for (std::string path :
       {folder.path(), folder.path() + "/", folder / "model.safetensors"}) {
    auto checkpoint = Checkpoint::open(path);
    ASSERT_TRUE(checkpoint) << checkpoint.error().str();
    EXPECT_EQ(checkpoint->names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(checkpoint->files(),
              std::vector<std::string>{folder / "model.safetensors"});
    EXPECT_EQ(*checkpoint->find("b")->data, 'b');
  }
}

TEST_F(CheckpointTest, Shards) {
  twoShards();
  index(std::string(R"({"metadata":{"total_size":3},)") + goodMap + "}");
  auto checkpoint = open();
  ASSERT_TRUE(checkpoint) << checkpoint.error().str();
  Checkpoint moved = std::move(*checkpoint);
  EXPECT_EQ(moved.names(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(moved.files().size(), 2u);
  EXPECT_EQ(*moved.find("c")->data, 'c');
  EXPECT_EQ(moved.find("c")->file, folder / "2.safetensors");
  EXPECT_FALSE(moved.find("d"));
  expectError(moved.get("d"), "AWQ1030", "\"d\"");
  EXPECT_EQ(moved.tensorBytes(), 3u);
  moved.release(*moved.find("a"));
  EXPECT_EQ(*moved.find("a")->data, 'a');
  expectOk(moved.checkUnchanged());
  ASSERT_EQ(::truncate((folder / "2.safetensors").c_str(), 9), 0);
  expectError(moved.get("c"), "AWQ1005", "2.safetensors");
  expectError(moved.checkUnchanged(), "AWQ1005", "2.safetensors");
  expectOk(moved.get("a"));
}

TEST_F(CheckpointTest, LenientParts) {
  twoShards();
  // No metadata, a float size, and a tensor that the index does not list.
  index(std::string("{") + goodMap + "}");
  expectOk(open());
  index(std::string(R"({"metadata":{"total_size":3.0},)") + goodMap + "}");
  expectOk(open());
  index(R"({"weight_map":{"a":"1.safetensors"}})");
  auto checkpoint = open();
  ASSERT_TRUE(checkpoint) << checkpoint.error().str();
  EXPECT_TRUE(checkpoint->find("b"));
  EXPECT_FALSE(checkpoint->find("c"));
}

TEST_F(CheckpointTest, LinkedShards) {
  TemporaryFolder cache;
  std::string blob = cache.write(
      "blob", container("{" + entry("a", "U8", "[1]", 0, 1) + "}", "a"));
  ASSERT_EQ(::symlink(blob.c_str(), (folder / "1.safetensors").c_str()), 0);
  index(R"({"weight_map":{"a":"1.safetensors"}})");
  expectOk(open());
  ASSERT_EQ(::unlink((folder / "1.safetensors").c_str()), 0);
  ASSERT_EQ(::symlink("/dev/zero", (folder / "1.safetensors").c_str()), 0);
  expectError(open(), "AWQ1003", "1.safetensors");
  ASSERT_EQ(::unlink((folder / "1.safetensors").c_str()), 0);
  ASSERT_EQ(::symlink("gone", (folder / "1.safetensors").c_str()), 0);
  expectError(open(), "AWQ1026", "missing");
}

TEST_F(CheckpointTest, NothingToRead) {
  expectError(open(), "AWQ1023", "neither");
  folder.write("pytorch_model.bin", "x");
  expectError(open(), "AWQ1023", "pytorch_model.bin");
  shard("consolidated.safetensors", {"a"});
  expectError(open(), "AWQ1023", "consolidated.safetensors");
  expectError(Checkpoint::open(folder / "none"), "AWQ1001", "none");
}

TEST_F(CheckpointTest, BadIndex) {
  twoShards();
  for (const char *text :
       {"[]", "{}", R"({"weight_map":[]})", R"({"weight_map":{}})",
        R"({"weight_map":{"a":1}})"}) {
    index(text);
    expectError(open(), "AWQ1024", "index.json");
  }
  for (const char *size : {"-3", "\"3\"", "3.5", "1e300"}) {
    index(std::string(R"({"metadata":{"total_size":)") + size + "}," + goodMap +
          "}");
    expectError(open(), "AWQ1024", "total_size");
  }
  index("{");
  expectError(open(), "AWQ1050", "index.json");
  index(R"({"weight_map":{"a":"1.safetensors","a":"2.safetensors"}})");
  expectError(open(), "AWQ1053", "\"a\"");
}

TEST_F(CheckpointTest, ShardNames) {
  twoShards();
  for (const char *name :
       {"/etc/passwd", "../x.safetensors", "sub/x.safetensors", "..", ".", "",
        "a\\\\b", "./1.safetensors", "1.safetensors\\u0000"}) {
    index(std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    expectError(open(), "AWQ1025", "plain file name");
  }
}

TEST_F(CheckpointTest, ShardContents) {
  twoShards();
  index(R"({"weight_map":{"a":"1.safetensors","z":"3.safetensors"}})");
  expectError(open(), "AWQ1026", "3.safetensors");
  index(R"({"weight_map":{"a":"1.safetensors","z":"1.safetensors"}})");
  expectError(open(), "AWQ1028", "\"z\"");
  index(R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  expectError(open(), "AWQ1028", "\"b\"");
  index(std::string(R"({"metadata":{"total_size":4},)") + goodMap + "}");
  expectError(open(), "AWQ1029", "4 bytes");
  shard("2.safetensors", {"c", "a"});
  index(std::string("{") + goodMap + "}");
  expectError(open(), "AWQ1027", "\"a\"");
  folder.write("2.safetensors", "");
  expectError(open(), "AWQ1006", "2.safetensors");
}

TEST_F(CheckpointTest, OneFileUnderTwoNames) {
  shard("1.safetensors", {"a"});
  std::filesystem::create_hard_link(folder / "1.safetensors",
                                    folder / "2.safetensors");
  index(R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  expectError(open(), "AWQ1027", "two files");
}

TEST_F(CheckpointTest, TensorsOfAnotherFormat) {
  std::string path = folder.write("model.bin", "head" + std::string(8, 'x'));
  auto good = Checkpoint::openIndexed(
      path, {{"w", DType::U8, {2, 3}, 4}, {"none", DType::F32, {0}, 12}});
  ASSERT_TRUE(good);
  auto view = good->get("w");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->bytes, 6u);
  EXPECT_EQ(std::string(view->data, view->data + view->bytes), "xxxxxx");
  // Behind the end, and sizes whose product overflows.
  for (IndexedTensor bad :
       {IndexedTensor{"w", DType::F32, {3}, 4},
        IndexedTensor{"w", DType::U8, {1}, uint64_t(1) << 60},
        IndexedTensor{"w", DType::F32, {int64_t(1) << 40, int64_t(1) << 40}, 0},
        IndexedTensor{"w", DType::F32, {-1}, 0}}) {
    auto opened = Checkpoint::openIndexed(path, {bad});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "AWQ1031");
  }
}
