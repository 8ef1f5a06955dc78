//===- ToyDialect.cpp - the dialect, and its weights for awq ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Toy.h"

#include "awq/Dialect/AWQ/Transforms/Providers.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace toy;

#include "ToyDialect.cpp.inc"

#define GET_OP_CLASSES
#include "ToyOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Numbers between -1 and 1 that depend on the name and nothing else: what a
/// compiler with a model would have read from it.
static std::vector<char> makeWeight(StringRef name, int64_t elements) {
  uint32_t state = 1;
  for (char c : name)
    state = state * 31 + static_cast<unsigned char>(c);
  std::vector<float> values(elements);
  for (float &value : values) {
    state = state * 1664525 + 1013904223;
    value = static_cast<float>(state >> 8) / (1 << 23) - 1.0f;
  }
  auto *bytes = reinterpret_cast<const char *>(values.data());
  return {bytes, bytes + elements * sizeof(float)};
}

const std::vector<char> *Weights::find(StringRef name, int64_t elements) {
  std::lock_guard<std::mutex> guard(mutex);
  auto found = known.find(name.str());
  if (found == known.end() && name.ends_with(".weight") &&
      !name.starts_with("unknown"))
    found = known.emplace(name.str(), makeWeight(name, elements)).first;
  return found == known.end() ? nullptr : &found->second;
}

void Weights::keep(StringRef name, ArrayRef<char> bytes) {
  std::lock_guard<std::mutex> guard(mutex);
  known[name.str()].assign(bytes.begin(), bytes.end());
}

namespace {

/// Through this interface of the dialect, awq's passes read the weights and
/// leave codes and scales.
class ToyParameters : public awq::ParameterProvider {
public:
  using ParameterProvider::ParameterProvider;

  std::optional<awq::ParameterData> find(StringRef name,
                                         RankedTensorType type) const override {
    // A layer called "short" shows what becomes of a mistake.
    int64_t elements = type.getNumElements() - name.starts_with("short");
    if (const std::vector<char> *bytes = weights.find(name, elements))
      return awq::ParameterData{*bytes};
    return std::nullopt;
  }

  bool keep(StringRef name, RankedTensorType type,
            ArrayRef<char> bytes) const override {
    weights.keep(name, bytes);
    return true;
  }

private:
  mutable Weights weights;
};

} // namespace

void ToyDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "ToyOps.cpp.inc"
      >();
  addInterfaces<ToyParameters>();
}
