//===- MappedFileTest.cpp - mapping files of every kind -------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/MappedFile.h"

#include "TestFiles.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;

TEST(MappedFileTest, MapsAndMoves) {
  TemporaryFolder folder;
  auto file = MappedFile::open(folder.write("a", "hello"));
  ASSERT_TRUE(file);
  const uint8_t *data = file->data();
  MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.data(), data);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(data), moved.size()),
            "hello");
  EXPECT_EQ(file->data(), nullptr);
  expectOk(moved.checkUnchanged());
}

TEST(MappedFileTest, EmptyFile) {
  TemporaryFolder folder;
  auto file = MappedFile::open(folder.write("a", ""));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 0u);
  EXPECT_EQ(file->data(), nullptr);
}

TEST(MappedFileTest, RefusesWhatIsNoFile) {
  TemporaryFolder folder;
  expectError(MappedFile::open(folder / "none"), "AWQ1001", "does not exist");
  expectError(MappedFile::open(folder.write("f", "") + "/x"), "AWQ1001", "f/x");
  expectError(MappedFile::open(folder.path()), "AWQ1003", "a folder");
  expectError(MappedFile::open("/dev/zero"), "AWQ1003", "a device");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expectError(MappedFile::open(folder / "pipe"), "AWQ1003", "a pipe");
  ASSERT_EQ(::symlink("loop", (folder / "loop").c_str()), 0);
  expectError(MappedFile::open(folder / "loop"), "AWQ1002", "loop");
}

TEST(MappedFileTest, PermissionDenied) {
  TemporaryFolder folder;
  std::string path = folder.write("a", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  // The superuser may read every file: be somebody else for a moment.
  uid_t user = ::geteuid();
  constexpr uid_t nobody = 65534;
  if (user == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);
  }
  auto file = MappedFile::open(path);
  ASSERT_EQ(::seteuid(user), 0);
  expectError(file, "AWQ1002", "permission");
}

TEST(MappedFileTest, NoticesAChangedSize) {
  TemporaryFolder folder;
  std::string path = folder.write("a", std::string(10000, 'x'));
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file);
  ASSERT_EQ(::truncate(path.c_str(), 100), 0);
  expectError(file->checkUnchanged(), "AWQ1005", "had 10000 bytes");
  ASSERT_EQ(::truncate(path.c_str(), 20000), 0);
  expectError(file->checkUnchanged(), "AWQ1005", "has 20000 now");
}

TEST(MappedFileTest, ReplacedByRenameIsUnaffected) {
  TemporaryFolder folder;
  std::string path = folder.write("a", "old");
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file);
  std::filesystem::rename(folder.write("b", "newer"), path);
  expectOk(file->checkUnchanged());
  EXPECT_EQ(file->data()[0], 'o');
}

TEST(MappedFileTest, ReleasedPagesCanBeReadAgain) {
  TemporaryFolder folder;
  std::string content(100000, '\0');
  for (size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<char>(i * 31 >> 3);
  auto file = MappedFile::open(folder.write("a", content));
  ASSERT_TRUE(file);
  auto text = [&] {
    return std::string(reinterpret_cast<const char *>(file->data()),
                       file->size());
  };
  EXPECT_EQ(text(), content);
  for (uint64_t begin : {0u, 1u, 4096u, 99999u, 100000u})
    for (uint64_t count : {0u, 1u, 5000u, 200000u})
      file->release(file->data() + begin, count);
  EXPECT_EQ(text(), content);
}
