//===- JsonTest.cpp - what strict JSON refuses ----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Json.h"

#include "TestFiles.h"

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;

TEST(JsonTest, BuildsTheDocument) {
  std::string text = R"({"a": [1, -2, 2.5, true, null, "\u00e9\n"],)"
                     R"( "b": {"c": {}, "d": [[], [3]]}, "e": 1e3})";
  auto value = parseJson(text, "x");
  ASSERT_TRUE(value) << value.error().str();
  EXPECT_EQ(*value, nlohmann::json::parse(text, nullptr, false));
}

TEST(JsonTest, ScalarDocument) {
  auto value = parseJson(" 7 ", "x");
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
}

TEST(JsonTest, SyntaxErrorsNameTheByte) {
  expectError(parseJson("{\"a\": 1,}", "x.json"), "AWQ1050", "x.json, byte 9");
  for (const char *text :
       {"", " ", "{", "[1", "{\"a\"}", "[1] 2", "01", "'a'", "// c\n1",
        "\"\\ud800\"", "[\"a\nb\"]", "+1", ".5", "True", "{1:2}", "[1,,2]"})
    expectError(parseJson(text, "x.json"), "AWQ1050", "not valid JSON");
}

TEST(JsonTest, SizeLimit) {
  JsonLimits limits;
  limits.maxBytes = 5;
  EXPECT_TRUE(parseJson("[1,2]", "x", limits));
  expectError(parseJson("[1, 2]", "x", limits), "AWQ1051", "limit of 5");
}

TEST(JsonTest, DepthLimit) {
  EXPECT_TRUE(parseJson(std::string(32, '[') + std::string(32, ']'), "x"));
  expectError(parseJson(std::string(33, '[') + std::string(33, ']'), "x"),
              "AWQ1052", "more than 32 deep");
  expectError(parseJson(std::string(5000000, '['), "x"), "AWQ1052", "deep");
  std::string objects;
  for (int i = 0; i < 40; ++i)
    objects += "{\"a\":";
  expectError(parseJson(objects, "x"), "AWQ1052", "deep");
}

TEST(JsonTest, DuplicateKeys) {
  expectError(parseJson(R"({"a":1,"b":2,"a":3})", "x"), "AWQ1053", "\"a\"");
  expectError(parseJson(R"([{"a":{"k":1,"\u006b":3}}])", "x"), "AWQ1053",
              "\"k\"");
  EXPECT_TRUE(parseJson(R"({"a":{"a":1},"b":{"a":1}})", "x"));
}

TEST(JsonTest, ByteOrderMark) {
  expectError(parseJson("\xef\xbb\xbf{}", "x"), "AWQ1054", "byte order mark");
}

TEST(JsonTest, NumbersThatAreNone) {
  for (const char *text :
       {"NaN", "[NaN]", "[1, -Infinity]", "{\"a\": Infinity}", "[nan]"})
    expectError(parseJson(text, "x"), "AWQ1055", "NaN and Infinity");
  expectError(parseJson("[1e400]", "x"), "AWQ1055", "1e400");
}

TEST(JsonTest, Encoding) {
  expectError(parseJson("[\"\xff\"]", "x"), "AWQ1056", "byte 2");
  expectError(parseJson("[\"\xc0\x80\"]", "x"), "AWQ1056", "UTF-8");
  expectError(parseJson("[\"\xed\xa0\x80\"]", "x"), "AWQ1056", "UTF-8");
  expectError(parseJson(std::string_view("{}\0{", 4), "x"), "AWQ1056",
              "byte 2");
  EXPECT_TRUE(parseJson("[\"\xf0\x9f\x98\x80\xe2\x82\xac\"]", "x"));
}

TEST(JsonFileTest, ReadsAndNamesTheFile) {
  TemporaryFolder folder;
  auto value = parseJsonFile(folder.write("a.json", "{\"a\": [1]}"));
  ASSERT_TRUE(value);
  EXPECT_EQ((*value)["a"][0], 1);
  expectError(parseJsonFile(folder / "b.json"), "AWQ1001", "b.json");
  expectError(parseJsonFile(folder.write("empty.json", "")), "AWQ1050",
              "the file is empty");
}
