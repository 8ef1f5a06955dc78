//===- SafetensorsTest.cpp - what the reader accepts and refuses ----------===//
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
class SafetensorsTest : public ::testing::Test {
protected:
  Result<SafetensorsFile> openBytes(std::string_view bytes) {
    return SafetensorsFile::open(folder.write("a.safetensors", bytes));
  }
  Result<SafetensorsFile> openHeader(std::string_view header,
                                     std::string_view data = "") {
    return openBytes(container(header, data));
  }
  void expectRefused(const std::string &header, const std::string &data,
                     const std::string &code, const std::string &part) {
    SCOPED_TRACE(header);
    expectError(openHeader(header, data), code, part);
  }
  TemporaryFolder folder;
};
} // namespace

TEST_F(SafetensorsTest, ReadsTensorsInFileOrder) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}," +
                       entry("b", "U8", "[3]", 8, 11) + "," +
                       entry("a", "F32", "[2]", 0, 8) + "," +
                       entry("scalar", "I8", "[]", 11, 12) + "," +
                       entry("empty", "F64", "[0,5]", 12, 12) + "}  ";
  auto file = openHeader(header, "abcdefghijkl");
  ASSERT_TRUE(file) << file.error().str();
  ASSERT_EQ(file->tensors().size(), 4u);
  EXPECT_EQ(file->tensors()[0].name, "a");
  EXPECT_EQ(file->metadata().at("format"), "pt");
  auto b = file->find("b");
  ASSERT_TRUE(b);
  EXPECT_EQ(std::string(b->data, b->data + b->bytes), "ijk");
  EXPECT_EQ(b->dtype, DType::U8);
  EXPECT_EQ(b->shape, std::vector<int64_t>{3});
  EXPECT_EQ(b->elementCount(), 3);
  EXPECT_EQ(b->file, folder / "a.safetensors");
  EXPECT_EQ(file->find("scalar")->elementCount(), 1);
  EXPECT_EQ(file->find("empty")->elementCount(), 0);
  EXPECT_FALSE(file->find("c"));
  expectError(file->get("c"), "AWQ1030", "\"c\"");
  SafetensorsFile moved = std::move(*file);
  EXPECT_EQ(moved.find("b")->data, b->data);
}

TEST_F(SafetensorsTest, NoTensors) {
  auto file = openHeader("{}");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->tensors().empty());
}

TEST_F(SafetensorsTest, UnknownFieldsAreIgnored) {
  auto file =
      openHeader(R"({"a":{"x":{"dtype":[[1],{}],"y":null},"dtype":"U8",)"
                 R"("shape":[1],"z":-1.5,"data_offsets":[0,1]}})",
                 "q");
  ASSERT_TRUE(file) << file.error().str();
  EXPECT_EQ(file->find("a")->shape, std::vector<int64_t>{1});
}

TEST_F(SafetensorsTest, Alignment) {
  auto file = openHeader("{" + entry("a", "U8", "[1]", 0, 1) + "," +
                             entry("b", "F32", "[1]", 1, 5) + "}",
                         "abcde");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->find("a")->isAligned());
  EXPECT_EQ(file->find("b")->isAligned(),
            reinterpret_cast<uintptr_t>(file->find("b")->data) % 4 == 0);
}

TEST_F(SafetensorsTest, Length) {
  expectError(openBytes(""), "AWQ1006", "empty");
  for (size_t bytes = 1; bytes < 8; ++bytes)
    expectError(openBytes(std::string(bytes, '\1')), "AWQ1010", "bytes");
  expectError(openBytes(std::string(8, '\0')), "AWQ1011", "is 0");
  expectError(openBytes(std::string(8, '\xff')), "AWQ1012",
              "18446744073709551615");
  // 100,000,000 is allowed (and beyond this file), one more is not.
  expectError(openBytes(std::string("\0\xe1\xf5\x05\0\0\0\0{", 9)), "AWQ1013",
              "100000000");
  expectError(openBytes(std::string("\1\xe1\xf5\x05\0\0\0\0{", 9)), "AWQ1012",
              "100000001");
  expectError(openBytes(std::string("\3\0\0\0\0\0\0\0{}", 10)), "AWQ1013",
              "inside its header");
}

TEST_F(SafetensorsTest, ForeignFormats) {
  expectError(openBytes("version https://git-lfs.github.com/spec/v1\noid "
                        "sha256:00\nsize 1\n"),
              "AWQ1007", "git lfs pull");
  expectError(openBytes(std::string("PK\3\4\0\0\x08\x08\0\0", 10)), "AWQ1008",
              "PyTorch");
  expectError(openBytes("\x80\x02}q\x01(X\x01"), "AWQ1008", "pickle");
  expectError(openBytes(std::string("GGUF\3\0\0\0\0", 9)), "AWQ1009", "GGUF");
  expectError(openBytes("<!DOCTYPE html><html>"), "AWQ1009", "web page");
}

TEST_F(SafetensorsTest, HeaderText) {
  expectRefused(" {}", "", "AWQ1014", "does not begin");
  expectRefused("[]", "", "AWQ1014", "does not begin");
  expectRefused("{\"\xff\":1}", "", "AWQ1014", "byte 10");
  expectRefused(std::string("{}\0\0", 4), "", "AWQ1014", "UTF-8");
  expectRefused("{", "", "AWQ1015", "byte 1");
  expectRefused("{}x", "", "AWQ1015", "not valid JSON");
  expectRefused("{\"a\":}", "", "AWQ1015", "not valid JSON");
  expectRefused("{\"a\":{\"x\":" + std::string(100000, '['), "", "AWQ1015",
                "nested");
}

TEST_F(SafetensorsTest, Duplicates) {
  std::string a = entry("a", "U8", "[1]", 0, 1);
  expectRefused("{" + a + "," + a + "}", "x", "AWQ1016", "\"a\"");
  expectRefused("{" + a + "," + entry("\\u0061", "U8", "[0]", 1, 1) + "}", "x",
                "AWQ1016", "twice");
  expectRefused(R"({"a":{"dtype":"U8","dtype":"U8"}})", "", "AWQ1016",
                "\"dtype\"");
  expectRefused(R"({"a":{"x":1,"x":2}})", "", "AWQ1016", "\"x\"");
  expectRefused(R"({"__metadata__":{},"__metadata__":{}})", "", "AWQ1016",
                "__metadata__");
  expectRefused(R"({"__metadata__":{"k":"1","k":"2"}})", "", "AWQ1016",
                "\"k\"");
}

TEST_F(SafetensorsTest, Fields) {
  expectRefused(R"({"a":1})", "", "AWQ1017", "not an object");
  expectRefused(R"({"a":["U8",[0],[0,0]]})", "", "AWQ1017", "not an object");
  expectRefused(R"({"a":{}})", "", "AWQ1017", "\"dtype\" is missing");
  expectRefused(R"({"a":{"dtype":"U8"}})", "", "AWQ1017", "\"shape\"");
  expectRefused(R"({"a":{"dtype":"U8","shape":[]}})", "", "AWQ1017",
                "\"data_offsets\"");
  expectRefused(R"({"a":{"dtype":8}})", "", "AWQ1017", "the number 8");
  expectRefused(R"({"a":{"dtype":["U8"]}})", "", "AWQ1017", "an array");
  expectRefused(R"({"a":{"shape":{}}})", "", "AWQ1017", "an object");
  expectRefused(R"({"a":{"shape":"1"}})", "", "AWQ1017", "the text \"1\"");
  expectRefused(R"({"a":{"data_offsets":null}})", "", "AWQ1017", "null");
  expectRefused(R"({"a":{"data_offsets":[0]}})", "", "AWQ1017", "fewer");
  expectRefused(R"({"a":{"data_offsets":[0,0,0]}})", "", "AWQ1017", "more");
  expectRefused(R"({"a":{"data_offsets":[-1,0]}})", "", "AWQ1017", "-1");
  expectRefused(R"({"a":{"data_offsets":[0,[1]]}})", "", "AWQ1017", "array");
  expectRefused(R"({"__metadata__":null})", "", "AWQ1017", "null");
  expectRefused(R"({"__metadata__":{"k":1}})", "", "AWQ1017", "not a string");
  expectRefused(R"({"__metadata__":{"k":{}}})", "", "AWQ1017", "\"k\"");
}

TEST_F(SafetensorsTest, DTypesAndShapes) {
  expectRefused("{" + entry("a", "F31", "[1]", 0, 1) + "}", "x", "AWQ1018",
                "\"F31\"");
  expectRefused("{" + entry("a", "u8", "[1]", 0, 1) + "}", "x", "AWQ1018",
                "\"u8\"");
  for (const char *size :
       {"-1", "-0", "1.0", "1e0", "\"1\"", "null", "true",
        "9223372036854775808", "18446744073709551616", "[1]", "{}"})
    expectRefused("{" + entry("a", "U8", "[" + std::string(size) + "]", 0, 1) +
                      "}",
                  "x", "AWQ1019", "dimension");
  expectRefused("{" + entry("a", "U8", "[4294967296,4294967296]", 0, 0) + "}",
                "", "AWQ1019", "overflows");
  expectRefused("{" + entry("a", "F32", "[4611686018427387904]", 0, 0) + "}",
                "", "AWQ1019", "overflows");
  expectRefused("{" + entry("a", "F4", "[3]", 0, 1) + "}", "x", "AWQ1019",
                "whole bytes");
  expectOk(openHeader("{" + entry("a", "F4", "[4]", 0, 2) + "}", "xy"));
  expectOk(openHeader("{" + entry("a", "F6_E2M3", "[4]", 0, 3) + "}", "xyz"));
}

TEST_F(SafetensorsTest, Layout) {
  auto two = [](uint64_t b0, uint64_t e0, uint64_t b1, uint64_t e1) {
    return "{" + entry("a", "U8", "[2]", b0, e0) + "," +
           entry("b", "U8", "[2]", b1, e1) + "}";
  };
  expectOk(openHeader(two(2, 4, 0, 2), "abcd"));
  expectRefused(two(0, 2, 1, 3), "abc", "AWQ1021", "overlap");
  expectRefused(two(0, 2, 0, 2), "ab", "AWQ1021", "overlap");
  expectRefused(two(0, 2, 3, 5), "abcde", "AWQ1021", "hole");
  expectRefused(two(1, 3, 3, 5), "abcde", "AWQ1021", "hole");
  expectRefused("{" + entry("a", "U8", "[2]", 2, 0) + "}", "ab", "AWQ1021",
                "backwards");
  expectRefused("{" + entry("a", "U8", "[2]", 0, 3) + "}", "abc", "AWQ1020",
                "needs 2");
  expectRefused(two(0, 2, 2, 4), "abc", "AWQ1022", "ends inside this tensor");
  expectRefused(two(0, 2, 2, 4), "abcde", "AWQ1022", "1 bytes follow");
  expectRefused("{}", "x", "AWQ1022", "follow");
  expectRefused(
      "{" + entry("a", "U8", "[1152921504606846976]", 0, 1152921504606846976) +
          "}",
      "x", "AWQ1022", "ends inside");
}

TEST_F(SafetensorsTest, ShrunkenFileIsAnError) {
  auto file = openHeader("{" + entry("a", "U8", "[9000]", 0, 9000) + "}",
                         std::string(9000, 'x'));
  ASSERT_TRUE(file);
  expectOk(file->get("a"));
  ASSERT_EQ(::truncate((folder / "a.safetensors").c_str(), 4096), 0);
  expectError(file->get("a"), "AWQ1005", "changed");
}

TEST_F(SafetensorsTest, EveryTruncationIsRefused) {
  std::string whole = container("{" + entry("a", "U8", "[2]", 0, 2) + "," +
                                    entry("b", "F16", "[2]", 2, 6) + "}",
                                "abcdef");
  expectOk(openBytes(whole));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(openBytes(whole.substr(0, size))) << size;
}

TEST(DTypeTest, NamesRoundTrip) {
  for (int i = 0; i <= static_cast<int>(DType::F64); ++i) {
    DType dtype = static_cast<DType>(i);
    EXPECT_EQ(parseDType(name(dtype)), dtype);
    EXPECT_GT(bitWidth(dtype), 0);
  }
  EXPECT_EQ(bitWidth(DType::BF16), 16);
  EXPECT_EQ(bitWidth(DType::C64), 64);
  EXPECT_FALSE(parseDType(""));
  EXPECT_FALSE(parseDType("F16 "));
}
