//===- Registry.cpp - the operators by name -------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

#include <vector>

using namespace awq;
using namespace awq::onnx;

static auto keyOf(const OpEntry *entry) {
  return std::make_pair(llvm::StringRef(entry->domain),
                        llvm::StringRef(entry->name));
}

llvm::ArrayRef<const OpEntry *> onnx::allOps() {
  static const std::vector<const OpEntry *> entries = [] {
    std::vector<const OpEntry *> sorted;
    for (llvm::ArrayRef<OpEntry> family :
         {activationOps(), attentionOps(), binaryOps(), comparisonOps(),
          constantOps(), contribOps(), indexOps(), normOps(), padOps(),
          productOps(), quantOps(), reduceOps(), scatterOps(), shapeOps(),
          sliceOps(), unaryOps()})
      for (const OpEntry &entry : family)
        sorted.push_back(&entry);
    llvm::sort(sorted, [](const OpEntry *a, const OpEntry *b) {
      return keyOf(a) < keyOf(b);
    });
    return sorted;
  }();
  return entries;
}

const OpEntry *onnx::findOp(llvm::StringRef domain, llvm::StringRef name) {
  auto key = std::make_pair(domain, name);
  llvm::ArrayRef<const OpEntry *> entries = allOps();
  const auto *it = llvm::lower_bound(
      entries, key, [](const OpEntry *entry, const auto &wanted) {
        return keyOf(entry) < wanted;
      });
  return it != entries.end() && keyOf(*it) == key ? *it : nullptr;
}
