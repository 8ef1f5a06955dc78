//===- AtomicDirectoryTest.cpp - folders appear complete or not at all ----===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/AtomicDirectory.h"

#include "awq/IO/UnfinishedFolders.h"

#include "TestFiles.h"

#include <csignal>
#include <sys/wait.h>
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

/// What becomes of a process that has begun a folder and gets `signal`: the
/// signal that ended it, or 0.
static int stopProcess(const std::string &out, int signal,
                       void (*disposition)(int)) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  if (child == 0) {
    for (int each : {SIGINT, SIGTERM, SIGHUP})
      std::signal(each, disposition);
    removeUnfinishedOnSignals();
    auto directory = AtomicDirectory::create(out);
    std::ofstream(directory->file("part")) << "part";
    (void)!::write(ready[1], "x", 1);
    // A handled signal ends a sleep early.
    for (int seconds = disposition == SIG_IGN ? 1 : 60; seconds > 0;)
      seconds = static_cast<int>(::sleep(static_cast<unsigned>(seconds)));
    ::_exit(0);
  }
  char byte;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(::kill(child, signal), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  ::close(ready[0]);
  ::close(ready[1]);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST_F(AtomicDirectoryTest, RemovedWhenTheProgramIsStopped) {
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EQ(stopProcess(out, signal, SIG_DFL), signal);
    EXPECT_EQ(folder.entryCount(), 0u);
  }
}

TEST_F(AtomicDirectoryTest, IgnoredSignalsStayIgnored) {
  EXPECT_EQ(stopProcess(out, SIGHUP, SIG_IGN), 0);
  // It ended by _exit(), which runs no destructor.
  EXPECT_EQ(folder.entryCount(), 1u);
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
