//===- TestFiles.h - files for the tests of the IO library ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_IO_TESTFILES_H
#define AWQ_UNITTESTS_IO_TESTFILES_H

#include "awq/Support/Error.h"

#include "gtest/gtest.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdlib.h>
#include <string>
#include <string_view>

namespace awq::io::test {

/// A folder of its own for each test, removed at its end.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "awq-io-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  std::string operator/(const std::string &name) const {
    return root + "/" + name;
  }
  const std::string &path() const { return root; }

  /// Writes a file and returns its path.
  std::string write(const std::string &name, std::string_view content) const {
    std::string path = *this / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  size_t entryCount() const {
    return std::distance(std::filesystem::directory_iterator(root),
                         std::filesystem::directory_iterator());
  }

private:
  std::string root;
};

inline std::string readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The bytes of a safetensors file with this header and data.
inline std::string container(std::string_view header, std::string_view data) {
  std::string file;
  for (int i = 0; i < 8; ++i)
    file += static_cast<char>(uint64_t(header.size()) >> (8 * i));
  return file.append(header).append(data);
}

/// A header entry of one tensor.
inline std::string entry(const std::string &name, const std::string &dtype,
                         const std::string &shape, uint64_t begin,
                         uint64_t end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":[" + std::to_string(begin) + "," +
         std::to_string(end) + "]}";
}

/// Expects a failed Result or Status with this code, whose text has `part`,
/// and which names a place and a remedy.
template <typename Outcome>
void expectError(const Outcome &outcome, const std::string &code,
                 const std::string &part) {
  ASSERT_FALSE(outcome) << "expected " << code;
  const Error &error = outcome.error();
  EXPECT_EQ(error.code, code) << error.str();
  EXPECT_NE(error.str().find(part), std::string::npos) << error.str();
  EXPECT_FALSE(error.where.empty()) << error.str();
  EXPECT_FALSE(error.help.empty()) << error.str();
}

template <typename Outcome>
void expectOk(const Outcome &outcome) {
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().str());
}

} // namespace awq::io::test

#endif // AWQ_UNITTESTS_IO_TESTFILES_H
