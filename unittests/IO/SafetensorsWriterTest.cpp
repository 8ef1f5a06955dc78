//===- SafetensorsWriterTest.cpp - round trips and failures ---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/SafetensorsWriter.h"

#include "TestFiles.h"
#include "awq/IO/Safetensors.h"

#include <cstring>
#include <fcntl.h>
#include <limits>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace awq;
using namespace awq::io;
using namespace awq::io::test;

namespace {
class WriterTest : public ::testing::Test {
protected:
  WriterTest() : path(folder / "out.safetensors") {}
  Result<SafetensorsWriter> create(const std::vector<TensorSpec> &specs) {
    return SafetensorsWriter::create(path, specs);
  }
  bool exists(const std::string &name) const {
    return std::filesystem::exists(name);
  }
  TemporaryFolder folder;
  std::string path;
};

/// Lets this process write files of at most `bytes`, as a full disk would.
class FileSizeLimit {
public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit limit = {bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
  }

private:
  struct rlimit before;
  void (*handler)(int);
};
} // namespace

TEST_F(WriterTest, RoundTrip) {
  std::vector<float> a = {1.5f, -2.0f, 3.25f, 0.0f, 7.0f, -0.0f};
  std::string b = "xyz";
  uint16_t c = 0x3c00;
  auto writer = SafetensorsWriter::create(path,
                                          {{"b \"\\\n\xc3\xa9", DType::U8, {3}},
                                           {"a", DType::F32, {2, 3}},
                                           {"c", DType::F16, {}},
                                           {"none", DType::I64, {4, 0}}},
                                          {{"k", "v\n"}, {"", ""}});
  ASSERT_TRUE(writer) << writer.error().str();
  EXPECT_TRUE(exists(path + ".partial"));
  EXPECT_FALSE(exists(path));
  expectOk(writer->append("b \"\\\n\xc3\xa9", b.data(), 1));
  expectOk(writer->write("a", a.data(), 24));
  expectOk(writer->append("b \"\\\n\xc3\xa9", b.data() + 1, 2));
  expectOk(writer->write("c", &c, 2));
  expectOk(writer->commit());
  EXPECT_FALSE(exists(path + ".partial"));
  EXPECT_EQ(std::filesystem::file_size(path), writer->fileBytes());

  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().str();
  EXPECT_EQ(file->tensors().size(), 4u);
  auto view = file->find("a");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(view->data, a.data(), 24), 0);
  view = file->find("b \"\\\n\xc3\xa9");
  ASSERT_TRUE(view);
  EXPECT_EQ(std::string(view->data, view->data + 3), b);
  EXPECT_EQ(file->find("none")->shape, (std::vector<int64_t>{4, 0}));
  EXPECT_EQ(file->metadata().at("k"), "v\n");
  for (const TensorView &tensor : file->tensors())
    EXPECT_TRUE(tensor.isAligned()) << tensor.name;
}

TEST_F(WriterTest, NoTensors) {
  auto writer = create({});
  ASSERT_TRUE(writer);
  expectOk(writer->commit());
  EXPECT_TRUE(SafetensorsFile::open(path));
}

TEST_F(WriterTest, ReplacesAnOldFileAtCommitOnly) {
  folder.write("out.safetensors", "old");
  {
    auto writer = create({{"a", DType::U8, {1}}});
    ASSERT_TRUE(writer);
    expectOk(writer->write("a", "x", 1));
    EXPECT_EQ(readAll(path), "old");
  }
  EXPECT_EQ(readAll(path), "old");
  EXPECT_FALSE(exists(path + ".partial"));
  auto writer = create({{"a", DType::U8, {1}}});
  ASSERT_TRUE(writer);
  expectOk(writer->write("a", "x", 1));
  expectOk(writer->commit());
  EXPECT_TRUE(SafetensorsFile::open(path));
}

TEST_F(WriterTest, TakesOverWhatAKilledRunLeft) {
  folder.write("out.safetensors.partial", std::string(1 << 20, 'q'));
  auto writer = create({{"a", DType::U8, {1}}});
  ASSERT_TRUE(writer) << writer.error().str();
  expectOk(writer->write("a", "x", 1));
  expectOk(writer->commit());
  EXPECT_TRUE(SafetensorsFile::open(path));
}

TEST_F(WriterTest, SecondWriterIsRefused) {
  auto first = create({{"a", DType::U8, {1}}});
  ASSERT_TRUE(first);
  expectError(create({{"a", DType::U8, {1}}}), "AWQ1044", "another process");
  expectOk(first->write("a", "x", 1));
  expectOk(first->commit());
  EXPECT_TRUE(SafetensorsFile::open(path));
}

TEST_F(WriterTest, DoesNotFollowALinkAtThePartialName) {
  std::string victim = folder.write("victim", "precious");
  ASSERT_EQ(::symlink(victim.c_str(), (path + ".partial").c_str()), 0);
  expectError(create({{"a", DType::U8, {1}}}), "AWQ1040", "cannot create");
  EXPECT_EQ(readAll(victim), "precious");
}

TEST_F(WriterTest, PlacesThatCannotBeWritten) {
  expectError(SafetensorsWriter::create(folder / "no/out", {}), "AWQ1040",
              "create the parent folder");
  expectError(SafetensorsWriter::create(folder / std::string(300, 'n'), {}),
              "AWQ1040", "shorter");
  auto writer = create({});
  ASSERT_TRUE(writer);
  ASSERT_TRUE(std::filesystem::create_directory(path));
  expectError(writer->commit(), "AWQ1040", "give the file its name");
  EXPECT_FALSE(exists(path + ".partial"));
}

TEST_F(WriterTest, OnlyFilesAreReplaced) {
  ASSERT_TRUE(std::filesystem::create_directory(path));
  expectError(create({}), "AWQ1047", "name a file");
  ASSERT_TRUE(std::filesystem::remove(path));
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  expectError(create({}), "AWQ1047", "device stands where a file");
  ASSERT_TRUE(std::filesystem::remove(path));
  ASSERT_EQ(::symlink("/dev/null", path.c_str()), 0);
  expectError(create({}), "AWQ1047", "device stands where a file");
  EXPECT_FALSE(exists(path + ".partial"));
  EXPECT_TRUE(std::filesystem::is_symlink(path));
}

TEST_F(WriterTest, NoSpaceIsReportedAtCreation) {
  FileSizeLimit limit(1 << 16);
  expectError(create({{"a", DType::U8, {1 << 20}}}), "AWQ1041", "ulimit -f");
  EXPECT_EQ(folder.entryCount(), 0u);
}

TEST_F(WriterTest, ShortWriteIsReported) {
  std::string bytes(1 << 20, 'x');
  auto writer = create({{"a", DType::U8, {1 << 20}}});
  ASSERT_TRUE(writer);
  // The limit comes after the space was reserved: the write of 1 MiB is cut
  // short at 64 KiB by the system, and its continuation fails.
  FileSizeLimit limit(1 << 16);
  expectError(writer->write("a", bytes.data(), bytes.size()), "AWQ1041",
              "at byte 65536 of");
  EXPECT_EQ(folder.entryCount(), 0u);
  expectError(writer->write("a", bytes.data(), bytes.size()), "AWQ1043",
              "failed");
  expectError(writer->commit(), "AWQ1043", "failed");
}

TEST_F(WriterTest, Misuse) {
  auto fresh = [&] {
    auto writer = create({{"a", DType::U8, {4}}});
    EXPECT_TRUE(writer);
    return std::move(*writer);
  };
  expectError(fresh().write("b", "x", 1), "AWQ1043", "not announced");
  expectError(fresh().write("a", "x", 1), "AWQ1043", "1 bytes were given");
  expectError(fresh().append("a", "xxxxx", 5), "AWQ1043", "5 bytes");
  {
    SafetensorsWriter writer = fresh();
    expectOk(writer.append("a", "xx", 2));
    expectError(writer.append("a", "xxx", 3), "AWQ1043", "5 bytes");
  }
  {
    SafetensorsWriter writer = fresh();
    expectOk(writer.write("a", "wxyz", 4));
    expectError(writer.write("a", "wxyz", 4), "AWQ1043", "before");
  }
  {
    SafetensorsWriter writer = fresh();
    expectOk(writer.append("a", "xyz", 3));
    expectError(writer.commit(), "AWQ1043", "only 3 of 4");
  }
  EXPECT_EQ(folder.entryCount(), 0u);
}

TEST_F(WriterTest, BadSpecifications) {
  int64_t huge = std::numeric_limits<int64_t>::max();
  expectError(create({{"a", DType::U8, {1}}, {"a", DType::U8, {1}}}), "AWQ1042",
              "twice");
  expectError(create({{"a", DType::U8, {-1}}}), "AWQ1042", "negative");
  expectError(create({{"a", DType::F32, {huge}}}), "AWQ1042", "overflows");
  std::vector<TensorSpec> large;
  for (const char *name : {"a", "b", "c", "d", "e"})
    large.push_back({name, DType::U8, {int64_t(1) << 60}});
  expectError(create(large), "AWQ1042", "2^62");
  expectError(create({{"a", DType::F4, {1}}}), "AWQ1042", "whole bytes");
  expectError(create({{"\xff", DType::U8, {1}}}), "AWQ1042", "\\xff");
  expectError(create({{"__metadata__", DType::U8, {1}}}), "AWQ1042",
              "reserved");
  expectError(SafetensorsWriter::create(path, {}, {{"k", "\xff"}}), "AWQ1042",
              "\"k\"");
  EXPECT_EQ(folder.entryCount(), 0u);
}
