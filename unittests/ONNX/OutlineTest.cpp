//===- OutlineTest.cpp - ONNX models without their bulk -------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Outline.h"
#include "Wire.h"

#include "../IO/TestFiles.h"

#include <cstring>
#include <map>

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;

static std::string varint(uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7)
    text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

static std::string number(uint32_t field, uint64_t value) {
  return varint(uint64_t(field) << 3) + varint(value);
}

static std::string bytes(uint32_t field, const std::string &content) {
  return varint(uint64_t(field) << 3 | 2) + varint(content.size()) + content;
}

namespace {
class OutlineTest : public ::testing::Test {
protected:
  Result<std::string> outline(OnnxMessage kind, const std::string &content,
                              OnnxPartCounts *counts = nullptr) {
    Result<MappedFile> mapped = MappedFile::open(folder.write("m", content));
    Outliner outliner(*mapped);
    return outliner.outline(kind, 0, content.size(), "the message", counts);
  }

  /// The fields of a message by their numbers.
  static std::map<uint32_t, std::string> fields(const std::string &message) {
    auto data = reinterpret_cast<const uint8_t *>(message.data());
    WireReader reader(data, 0, message.size());
    WireField field;
    std::map<uint32_t, std::string> result;
    while (reader.next(field))
      result[field.number] =
          field.type == WireType::Varint
              ? std::to_string(field.value)
              : message.substr(field.begin, field.end - field.begin);
    EXPECT_TRUE(reader.atEnd()) << reader.problem();
    return result;
  }

  TemporaryFolder folder;
};
} // namespace

TEST_F(OutlineTest, UnreadFieldsAreLeftOut) {
  std::string node = bytes(4, "Relu") + bytes(6, "a text") + number(99, 7) +
                     bytes(1, "x") + bytes(10, "devices");
  auto outlined = outline(OnnxMessage::Node, node);
  expectOk(outlined);
  EXPECT_EQ(fields(*outlined),
            (std::map<uint32_t, std::string>{{1, "x"}, {4, "Relu"}}));
}

TEST_F(OutlineTest, DataBecomeAPlace) {
  std::string tensor = bytes(8, "w") + number(2, 1) + bytes(9, "raw data") +
                       number(100000, 77) + bytes(4, "floats of some kind");
  std::string attribute = bytes(1, "value") + bytes(5, tensor);
  auto outlined = outline(OnnxMessage::Attribute, attribute);
  expectOk(outlined);
  auto inner = fields(fields(*outlined)[5]);
  uint64_t begin = attribute.size() - tensor.size();
  EXPECT_EQ(inner, (std::map<uint32_t, std::string>{
                       {2, "1"},
                       {8, "w"},
                       {100000, std::to_string(begin)},
                       {100001, std::to_string(attribute.size())}}));
}

TEST_F(OutlineTest, PartsAreCountedInsteadOfCopied) {
  std::string graph = bytes(1, bytes(4, "A")) + bytes(2, "name") +
                      bytes(1, bytes(4, "B")) + bytes(5, "");
  OnnxPartCounts counts = {};
  auto outlined = outline(OnnxMessage::Graph, graph, &counts);
  expectOk(outlined);
  EXPECT_EQ(fields(*outlined), (std::map<uint32_t, std::string>{{2, "name"}}));
  EXPECT_EQ(counts[1], 2u);
  EXPECT_EQ(counts[5], 1u);
  // A graph inside an attribute stays whole.
  auto attribute = outline(OnnxMessage::Attribute, bytes(6, graph), &counts);
  expectOk(attribute);
  EXPECT_EQ(fields(fields(*attribute)[6])[2], "name");
  EXPECT_EQ(fields(fields(*attribute)[6]).count(1), 1u);
}

TEST_F(OutlineTest, DepthIsLimited) {
  std::string graph;
  // A graph, a node and an attribute for each level.
  for (int level = 0; level < 21; ++level)
    graph = bytes(1, bytes(5, bytes(6, graph)));
  expectOk(outline(OnnxMessage::Graph, graph));
  graph = bytes(1, bytes(5, bytes(6, graph)));
  expectError(outline(OnnxMessage::Graph, graph), "AWQ1061", "64 deep");
}

TEST_F(OutlineTest, MemoryIsLimited) {
  std::string many;
  for (int i = 0; i < 40000; ++i)
    many += bytes(1, "");
  std::string graph = bytes(6, many);
  expectError(outline(OnnxMessage::Attribute, graph), "AWQ1062", "memory");

  Result<MappedFile> mapped = MappedFile::open(folder.write("m", "12345678"));
  Outliner outliner(*mapped);
  expectOk(outliner.spend(Outliner::spareMemory, "here"));
  expectOk(outliner.afford(8, "here"));
  expectError(outliner.afford(9, "here"), "AWQ1062", "here");
  expectOk(outliner.spend(8, "here"));
  expectError(outliner.spend(1, "here"), "AWQ1062", "here");
}

TEST_F(OutlineTest, ErrorsNameByteAndMessage) {
  auto broken = outline(OnnxMessage::Node, bytes(4, "Relu") + "\x0a\x09x");
  expectError(broken, "AWQ1060", "byte 8 (the message)");
  expectError(outline(OnnxMessage::Node, bytes(4, "A") + bytes(4, "B")),
              "AWQ1063", "\"op_type\" is given twice");
  expectError(outline(OnnxMessage::Node, number(4, 1)), "AWQ1060",
              "\"op_type\" is written as a varint");
}
