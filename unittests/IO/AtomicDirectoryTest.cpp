//===- AtomicDirectoryTest.cpp - folders appear complete or not at all ----===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/AtomicDirectory.h"

#include "TestFiles.h"

#include <unistd.h>

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;
namespace fs = std::filesystem;

namespace {
class AtomicDirectoryTest : public ::testing::Test {
protected:
  AtomicDirectoryTest() : out(folder / "out") {}
  static void fill(const AtomicDirectory &directory) {
    fs::create_directory(directory.file("sub"));
    std::ofstream(directory.file("manifest.json")) << "new";
    std::ofstream(directory.file("sub/x")) << "x";
  }
  void expectComplete() {
    EXPECT_EQ(readAll(out + "/manifest.json"), "new");
    EXPECT_EQ(readAll(out + "/sub/x"), "x");
    EXPECT_EQ(folder.entryCount(), 1u) << "a temporary folder was left";
  }
  TemporaryFolder folder;
  std::string out;
};
} // namespace

TEST_F(AtomicDirectoryTest, AppearsAtCommit) {
  auto directory = AtomicDirectory::create(out + "/");
  ASSERT_TRUE(directory) << directory.error().str();
  EXPECT_EQ(directory->path(), out + ".partial-" + std::to_string(::getpid()));
  fill(*directory);
  EXPECT_FALSE(fs::exists(out));
  AtomicDirectory moved = std::move(*directory);
  expectOk(moved.commit());
  expectComplete();
}

TEST_F(AtomicDirectoryTest, RemovedWithoutCommit) {
  {
    auto directory = AtomicDirectory::create(out);
    ASSERT_TRUE(directory);
    fill(*directory);
  }
  EXPECT_EQ(folder.entryCount(), 0u);
}

TEST_F(AtomicDirectoryTest, EmptyDestinationIsFilled) {
  fs::create_directory(out);
  auto directory = AtomicDirectory::create(out);
  ASSERT_TRUE(directory) << directory.error().str();
  fill(*directory);
  expectOk(directory->commit());
  expectComplete();
}

TEST_F(AtomicDirectoryTest, FullDestinationIsRefused) {
  fs::create_directory(out);
  folder.write("out/precious", "p");
  expectError(AtomicDirectory::create(out), "AWQ1045", "--force");
  EXPECT_EQ(readAll(out + "/precious"), "p");
  EXPECT_EQ(folder.entryCount(), 1u);
}

TEST_F(AtomicDirectoryTest, FilledMeanwhileIsRefused) {
  {
    auto directory = AtomicDirectory::create(out);
    ASSERT_TRUE(directory);
    fill(*directory);
    fs::create_directory(out);
    folder.write("out/precious", "p");
    expectError(directory->commit(), "AWQ1045", "not empty");
  }
  EXPECT_EQ(readAll(out + "/precious"), "p");
  EXPECT_EQ(folder.entryCount(), 1u);
}

TEST_F(AtomicDirectoryTest, ForceReplacesAnEarlierOutputOnly) {
  AtomicDirectory::Options force;
  force.force = true;
  force.markers = {"config.json", "manifest.json"};
  fs::create_directory(out);
  folder.write("out/precious", "p");
  expectError(AtomicDirectory::create(out, force), "AWQ1046", "earlier output");
  folder.write("out/manifest.json", "old");
  auto directory = AtomicDirectory::create(out, force);
  ASSERT_TRUE(directory) << directory.error().str();
  fill(*directory);
  EXPECT_EQ(readAll(out + "/manifest.json"), "old");
  expectOk(directory->commit());
  expectComplete();
  EXPECT_FALSE(fs::exists(out + "/precious"));
}

TEST_F(AtomicDirectoryTest, TwoRunsWithOneProcessId) {
  auto first = AtomicDirectory::create(out);
  auto second = AtomicDirectory::create(out);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_NE(first->path(), second->path());
  fill(*first);
  expectOk(first->commit());
  fill(*second);
  expectError(second->commit(), "AWQ1045", "not empty");
}

TEST_F(AtomicDirectoryTest, DestinationsThatAreNoFolder) {
  expectError(AtomicDirectory::create(folder.write("file", "x")), "AWQ1046",
              "not a folder");
  fs::create_directory(folder / "real");
  fs::create_directory_symlink(folder / "real", folder / "link");
  expectError(AtomicDirectory::create(folder / "link"), "AWQ1046",
              "not a folder");
  for (const char *path : {"/", ".", "..", "", "a/.."})
    expectError(AtomicDirectory::create(path), "AWQ1046",
                "not the name of a folder");
  expectError(AtomicDirectory::create(folder / "no/parent"), "AWQ1040",
              "create the parent folder");
}
