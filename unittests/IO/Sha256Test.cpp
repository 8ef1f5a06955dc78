//===- Sha256Test.cpp - both implementations against FIPS vectors ---------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Sha256.h"

#include "TestFiles.h"

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;

namespace {
class Sha256Test : public ::testing::TestWithParam<Sha256::Implementation> {
protected:
  void SetUp() override {
    if (GetParam() == Sha256::Implementation::Hardware &&
        !Sha256::hasHardware())
      GTEST_SKIP() << "this processor has no SHA instructions";
  }
  std::string hash(std::string_view text) {
    Sha256 hash(GetParam());
    hash.update(text.data(), text.size());
    return toHex(hash.finish());
  }
};
} // namespace

// The examples of FIPS 180-2 appendix B and the NIST example of the empty
// message.
TEST_P(Sha256Test, FipsVectors) {
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb924"
                      "27ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223"
                         "b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hash(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Messages around the block and padding limits, whole and in pieces of every
// size, must agree with the portable implementation in one piece.
TEST_P(Sha256Test, PiecesAndLengths) {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += static_cast<char>(i * 7 + i / 11);
  for (size_t length = 0; length <= text.size(); ++length) {
    Sha256 reference(Sha256::Implementation::Portable);
    reference.update(text.data(), length);
    std::string expected = toHex(reference.finish());
    EXPECT_EQ(hash(text.substr(0, length)), expected) << length;
    for (size_t piece : {1, 3, 63, 64, 65, 130}) {
      Sha256 pieces(GetParam());
      for (size_t at = 0; at < length; at += piece)
        pieces.update(text.data() + at, std::min(piece, length - at));
      EXPECT_EQ(toHex(pieces.finish()), expected) << length << ", " << piece;
    }
  }
}

TEST_P(Sha256Test, FinishStartsANewMessage) {
  Sha256 hash(GetParam());
  hash.update("x", 1);
  Sha256::Digest first = hash.finish();
  hash.update("x", 1);
  EXPECT_EQ(hash.finish(), first);
}

INSTANTIATE_TEST_SUITE_P(Implementations, Sha256Test,
                         ::testing::Values(Sha256::Implementation::Portable,
                                           Sha256::Implementation::Hardware));

TEST(Sha256FileTest, HashesAFileLongerThanTheBuffer) {
  TemporaryFolder folder;
  std::string path = folder.write("a", std::string(3000001, 'q'));
  Result<std::string> hash = sha256File(path);
  ASSERT_TRUE(hash);
  EXPECT_EQ(*hash, sha256(std::string(3000001, 'q').data(), 3000001));
}

TEST(Sha256FileTest, Errors) {
  TemporaryFolder folder;
  expectError(sha256File(folder / "none"), "AWQ1001", "none");
  expectError(sha256File(folder.path()), "AWQ1003", folder.path());
}
