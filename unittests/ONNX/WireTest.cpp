//===- WireTest.cpp - the wire format of protocol buffers -----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Wire.h"

#include "gtest/gtest.h"

#include <random>
#include <vector>

using namespace awq;
using namespace awq::io;

namespace {

using Bytes = std::vector<uint8_t>;

/// A reader of exactly these bytes: a sanitizer sees when it touches others.
struct Message {
  explicit Message(const Bytes &content)
      : bytes(content), reader(bytes.data(), 0, bytes.size()) {}
  Bytes bytes;
  WireReader reader;
};

void expectProblem(const Bytes &content, const std::string &part, uint64_t at) {
  Message message(content);
  WireField field;
  while (message.reader.next(field)) {
  }
  EXPECT_NE(message.reader.problem().find(part), std::string::npos)
      << message.reader.problem();
  EXPECT_EQ(message.reader.position(), at);
  // Nothing follows a problem.
  EXPECT_FALSE(message.reader.next(field));
  EXPECT_FALSE(message.reader.atEnd());
}

} // namespace

TEST(WireReader, EveryWireType) {
  Message message({0x08, 0x96, 0x01,                         // 1: 150
                   0x12, 0x02, 0xaa, 0xbb,                   // 2: two bytes
                   0x1d, 0x04, 0x03, 0x02, 0x01,             // 3: 4 bytes
                   0x21, 0x08, 0x07, 0x06, 0x05, 4, 3, 2, 1, // 4: 8 bytes
                   0xd2, 0x01, 0x00});                       // 26: no bytes
  WireReader &reader = message.reader;
  WireField field;
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.number, 1u);
  EXPECT_EQ(field.type, WireType::Varint);
  EXPECT_EQ(field.value, 150u);
  EXPECT_EQ(field.begin, 1u);
  EXPECT_EQ(field.end, 3u);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.number, 2u);
  EXPECT_EQ(field.type, WireType::Bytes);
  EXPECT_EQ(field.start, 3u);
  EXPECT_EQ(field.begin, 5u);
  EXPECT_EQ(field.end, 7u);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.type, WireType::Fixed32);
  EXPECT_EQ(field.value, 0x01020304u);
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.type, WireType::Fixed64);
  EXPECT_EQ(field.value, 0x0102030405060708u);
  EXPECT_FALSE(reader.atEnd());
  ASSERT_TRUE(reader.next(field));
  EXPECT_EQ(field.number, 26u);
  EXPECT_EQ(field.begin, field.end);
  EXPECT_FALSE(reader.next(field));
  EXPECT_TRUE(reader.atEnd());
}

TEST(WireReader, PartOfAFile) {
  Bytes file = {0xff, 0x08, 0x01, 0x10, 0xff};
  WireReader reader(file.data(), 1, 3);
  WireField field;
  EXPECT_TRUE(reader.next(field));
  EXPECT_EQ(field.value, 1u);
  EXPECT_FALSE(reader.next(field));
  EXPECT_TRUE(reader.atEnd());
}

TEST(WireReader, Varints) {
  auto read = [](const Bytes &content, uint64_t &value) {
    Message message(content);
    return message.reader.nextVarint(value) && message.reader.atEnd();
  };
  uint64_t value = 0;
  EXPECT_TRUE(read({0x00}, value));
  EXPECT_EQ(value, 0u);
  EXPECT_TRUE(read({0x7f}, value));
  EXPECT_EQ(value, 127u);
  // Longer than needed is allowed.
  EXPECT_TRUE(read({0x81, 0x80, 0x00}, value));
  EXPECT_EQ(value, 1u);
  Bytes longest(9, 0xff);
  longest.push_back(0x01);
  EXPECT_TRUE(read(longest, value));
  EXPECT_EQ(value, UINT64_MAX);
  longest.back() = 0x02;
  EXPECT_FALSE(read(longest, value));
  EXPECT_FALSE(read(Bytes(11, 0x80), value));
  EXPECT_FALSE(read(Bytes(9, 0x80), value));
  EXPECT_FALSE(read({}, value));
}

TEST(WireReader, Problems) {
  expectProblem({0x80}, "end inside a number", 0);
  expectProblem({0x08, 0x01, 0x08, 0x80}, "end inside a number", 3);
  expectProblem(Bytes(20, 0xff), "more than 64 bits", 0);
  expectProblem({0x12, 0x03, 1, 2}, "3 bytes, but only 2 are left", 2);
  // A length that would wrap around.
  expectProblem(
      {0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 7},
      "only 1 are left", 11);
  expectProblem({0x1d, 1, 2, 3}, "4 bytes, but only 3 are left", 1);
  expectProblem({0x21, 1, 2, 3}, "8 bytes, but only 3 are left", 1);
  expectProblem({0x02, 0x00}, "no field 0", 0);
  expectProblem({0x80, 0x80, 0x80, 0x80, 0x10, 0x00}, "no field 536870912", 0);
  for (uint8_t type : {3, 4, 6, 7})
    expectProblem({static_cast<uint8_t>(0x08 | type)},
                  "wire type " + std::to_string(type), 0);
}

TEST(WireReader, AnyBytesEnd) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes content(random() % 24);
    for (uint8_t &byte : content)
      byte = static_cast<uint8_t>(random() % 4 ? random() % 64 : random());
    Message message(content);
    WireField field;
    uint64_t before = 0;
    while (message.reader.next(field)) {
      ASSERT_GT(message.reader.position(), before);
      ASSERT_LE(field.begin, field.end);
      ASSERT_LE(field.end, content.size());
      before = message.reader.position();
    }
    ASSERT_NE(message.reader.atEnd(), !message.reader.problem().empty());
  }
}
