//===- ExternalDataTest.cpp - which files an ONNX model may name ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExternalData.h"
#include "Sha1.h"

#include "../IO/TestFiles.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;
namespace fs = std::filesystem;

static Result<ExternalPlace> place(const std::string &location) {
  return readExternalPlace({{"location", location}}, "here");
}

TEST(ExternalPlace, PlainLocations) {
  for (std::string location :
       {"w.bin", "a/b/w.bin", "...", "..w", "a../b", "%", "100%", "w%zz", "a b",
        "\xc3\xa4.bin", "-", "~", "*"}) {
    Result<ExternalPlace> read = place(location);
    ASSERT_TRUE(read) << read.error().str();
    EXPECT_EQ(read->location, location);
  }
  EXPECT_EQ(place("./w.bin")->location, "w.bin");
  EXPECT_EQ(place("././a/w.bin")->location, "a/w.bin");
}

TEST(ExternalPlace, OtherLocations) {
  for (std::string location : {"",
                               ".",
                               "./",
                               "..",
                               "../w",
                               "a/..",
                               "a/../w",
                               "./../w",
                               "/w",
                               "//w",
                               "a//w",
                               "a/",
                               "a/./w",
                               "\\w",
                               "a\\w",
                               "C:\\w",
                               "%2e%2e/w",
                               "a%2Fw",
                               "#w",
                               "*/_ORT_MEM_ADDR_/*",
                               "*/_ORT_MEM_ADDR_/*x",
                               "w\n",
                               "w\x7f",
                               "\xff",
                               "\xc0\xae\xc0\xae/w"})
    expectError(place(location), "AWQ1090", "location");
  expectError(place(std::string("w\0x", 3)), "AWQ1090", "control");
  expectError(place(std::string(256, 'n')), "AWQ1090", "255");
  expectOk(place(std::string(255, 'n')));
}

TEST(ExternalPlace, Numbers) {
  Result<ExternalPlace> read =
      readExternalPlace({{"location", "w"},
                         {"offset", "0004096"},
                         {"length", "9223372036854775807"}},
                        "here");
  ASSERT_TRUE(read) << read.error().str();
  EXPECT_EQ(read->offset, 4096u);
  EXPECT_EQ(read->length, uint64_t(INT64_MAX));
  for (std::string text : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3",
                           "9223372036854775808", "99999999999999999999"})
    for (std::string key : {"offset", "length"})
      expectError(readExternalPlace({{"location", "w"}, {key, text}}, "here"),
                  "AWQ1096", key);
}

namespace {
class OpenBeneathTest : public ::testing::TestWithParam<BeneathCheck> {
protected:
  void SetUp() override {
    fs::create_directories(folder / "model/sub");
    folder.write("secret", "secret");
    folder.write("model/w", "weights");
    folder.write("model/sub/w", "weights");
  }
  Result<int> open(const std::string &location) {
    return openBeneath(folder / "model", location, "here", GetParam());
  }
  void expectRefused(const std::string &location, const std::string &code) {
    Result<int> descriptor = open(location);
    expectError(descriptor, code, "here");
    if (descriptor)
      ::close(*descriptor);
  }
  TemporaryFolder folder;
};
} // namespace

TEST_P(OpenBeneathTest, PlainFiles) {
  for (std::string location : {"w", "sub/w"}) {
    Result<int> descriptor = open(location);
    ASSERT_TRUE(descriptor) << descriptor.error().str();
    EXPECT_EQ(readAll("/proc/self/fd/" + std::to_string(*descriptor)),
              "weights");
    ::close(*descriptor);
  }
}

TEST_P(OpenBeneathTest, Links) {
  fs::create_symlink("../secret", folder / "model/out");
  fs::create_symlink("w", folder / "model/in");
  fs::create_symlink("nothing", folder / "model/dangling");
  fs::create_symlink("/proc/self/fd", folder / "model/magic");
  fs::create_directory_symlink("..", folder / "model/up");
  fs::create_directory_symlink("sub", folder / "model/down");
  for (std::string location : {"out", "in", "dangling", "magic/0", "up/secret",
                               "up/model/w", "down/w"})
    expectRefused(location, "AWQ1091");
  fs::create_hard_link(folder / "secret", folder / "model/hard");
  expectRefused("hard", "AWQ1091");
}

TEST_P(OpenBeneathTest, SpecialFiles) {
  ASSERT_EQ(::mkfifo((folder / "model/pipe").c_str(), 0600), 0);
  expectRefused("pipe", "AWQ1092");
  expectRefused("sub", "AWQ1092");
  if (::geteuid() == 0 && ::mknod((folder / "model/null").c_str(),
                                  S_IFCHR | 0600, makedev(1, 3)) == 0)
    expectRefused("null", "AWQ1092");
}

TEST_P(OpenBeneathTest, MissingFiles) {
  for (std::string location : {"nothing", "nothing/w", "w/x", "sub/nothing"})
    expectRefused(location, "AWQ1093");
}

TEST_P(OpenBeneathTest, NothingStaysOpen) {
  auto openFiles = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"),
                         fs::directory_iterator());
  };
  fs::create_symlink("w", folder / "model/in");
  auto before = openFiles();
  for (std::string location : {"nothing", "sub/nothing", "in", "sub", "w/x"})
    EXPECT_FALSE(open(location));
  Result<int> descriptor = open("sub/w");
  ASSERT_TRUE(descriptor);
  ::close(*descriptor);
  EXPECT_EQ(openFiles(), before);
}

INSTANTIATE_TEST_SUITE_P(Checks, OpenBeneathTest,
                         ::testing::Values(BeneathCheck::Kernel,
                                           BeneathCheck::StepByStep));

TEST(ExternalFiles, OverlapsAreFound) {
  TemporaryFolder folder;
  folder.write("a", std::string(64, 'a'));
  folder.write("b", std::string(64, 'b'));
  auto claim = [](ExternalFiles &files, const std::string &name,
                  uint64_t offset, uint64_t bytes) {
    Result<ExternalFiles::Bytes> found =
        files.find({name, offset, bytes, ""}, bytes, name);
    ASSERT_TRUE(found) << found.error().str();
    EXPECT_EQ(bytes ? found->data[0] : 0, bytes ? name[0] : 0);
  };
  ExternalFiles apart(folder.path());
  claim(apart, "a", 32, 32);
  claim(apart, "a", 0, 32);
  claim(apart, "b", 16, 32); // another file
  claim(apart, "a", 32, 32); // the same tensor again
  claim(apart, "a", 8, 0);   // no bytes at all
  expectOk(apart.checkOverlaps());
  ExternalFiles overlapping(folder.path());
  claim(overlapping, "a", 0, 64);
  claim(overlapping, "a", 8, 4);
  expectError(overlapping.checkOverlaps(), "AWQ1097", "8 to 12");
  // Not beside each other when sorted by where they begin.
  ExternalFiles around(folder.path());
  claim(around, "a", 0, 64);
  claim(around, "a", 0, 64);
  claim(around, "a", 63, 1);
  expectError(around.checkOverlaps(), "AWQ1097", "63 to 64");
}

TEST(Sha1, KnownDigests) {
  auto digest = [](const std::string &text) {
    return sha1(reinterpret_cast<const uint8_t *>(text.data()), text.size());
  };
  EXPECT_EQ(digest(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(digest("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(digest(std::string(1000000, 'a')),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  // Every length around the end of a block.
  EXPECT_EQ(digest(std::string(55, 'a')),
            "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  EXPECT_EQ(digest(std::string(56, 'a')),
            "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  EXPECT_EQ(digest(std::string(64, 'a')),
            "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}
