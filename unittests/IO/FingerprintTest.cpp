//===- FingerprintTest.cpp - which model some tensors are -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Fingerprint.h"

#include <gtest/gtest.h>

using namespace awq::io;

namespace {

/// Tensors whose bytes it owns.
struct Tensors {
  std::vector<uint8_t> small = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'};
  std::vector<uint8_t> large;

  Tensors() {
    for (int i = 0; i < 100000; ++i)
      large.push_back(i * 7 % 251);
  }
  TensorView first() const {
    return {"a", DType::F16, {2, 2}, small.data(), small.size(), "x"};
  }
  TensorView second() const {
    return {"b", DType::U8, {100000}, large.data(), large.size(), "y"};
  }
  std::string both() const { return fingerprint({first(), second()}); }
};

} // namespace

// The expected values come from Python's hashlib on the message of the header.
TEST(Fingerprint, IsTheHashOfTheDocumentedMessage) {
  Tensors tensors;
  EXPECT_EQ(fingerprint({tensors.first()}),
            "3a83f77687277d1fd695cdaedf0f33b970bdd131b7c766032c86b08701d6cd55");
  EXPECT_EQ(tensors.both(),
            "e283a76539cf768073b7b385b30901be00a6b90eb12fe059c7c6a5c7f6a33ffd");
}

TEST(Fingerprint, DoesNotDependOnFilesAndOrder) {
  Tensors tensors;
  TensorView moved = tensors.second();
  moved.file = "elsewhere/model-00002-of-00003.safetensors";
  EXPECT_EQ(fingerprint({moved, tensors.first()}), tensors.both());
}

TEST(Fingerprint, DependsOnNamesTypesShapesAndContent) {
  Tensors tensors;
  std::string whole = tensors.both();
  TensorView other = tensors.first();
  other.name = "c";
  EXPECT_NE(fingerprint({other, tensors.second()}), whole);
  other = tensors.first();
  other.dtype = DType::BF16;
  EXPECT_NE(fingerprint({other, tensors.second()}), whole);
  other = tensors.first();
  other.shape = {4, 1};
  EXPECT_NE(fingerprint({other, tensors.second()}), whole);
  tensors.small[7] ^= 1;
  EXPECT_NE(tensors.both(), whole);
  tensors.small[7] ^= 1;
  for (size_t place : {size_t(0), size_t(6400), size_t(99999)}) {
    tensors.large[place] ^= 1;
    EXPECT_NE(tensors.both(), whole) << place;
    tensors.large[place] ^= 1;
  }
  EXPECT_EQ(tensors.both(), whole);
}
