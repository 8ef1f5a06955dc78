//===- TestBundle.h - a bundle made at test time --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_RUNTIME_TESTBUNDLE_H
#define AWQ_UNITTESTS_RUNTIME_TESTBUNDLE_H

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace awq::test {

/// The bundle of TestModel.c in a fresh folder, removed with the object. Tests
/// damage it and load it.
class TestBundle {
public:
  static constexpr int64_t vocabulary = 11, hidden = 4, maxPosition = 300;

  TestBundle();
  ~TestBundle();
  TestBundle(const TestBundle &) = delete;

  const std::string &path() const { return folder; }
  std::string file(const std::string &name) const {
    return folder + "/" + name;
  }

  /// What seal() and save() write.
  nlohmann::json manifest;

  /// Writes manifest.json as it is.
  void save() const;
  /// Records the present size and hash of every listed file, then saves.
  void seal();
  /// The record of a file in "files" or "parameters".
  nlohmann::json &record(const std::string &name);
  /// The argument of an entry with that name.
  nlohmann::json &argument(const std::string &entry, const std::string &name);

  std::string read(const std::string &name) const;
  void write(const std::string &name, const std::string &bytes) const;
  /// Inverts one bit in the middle of a file.
  void flipByte(const std::string &name) const;

  /// The logits after `tokens`, by the formula of TestModel.c.
  static std::vector<float> expectedLogits(const std::vector<int32_t> &tokens);

  /// Elements of the parameters.
  static float embed(int64_t row, int64_t column);
  static float lmHead(int64_t row, int64_t column);

private:
  void writeWeights() const;
  std::string folder;
};

} // namespace awq::test

#endif // AWQ_UNITTESTS_RUNTIME_TESTBUNDLE_H
