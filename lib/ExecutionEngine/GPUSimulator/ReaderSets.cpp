//===- ReaderSets.cpp - which warps read a cell of global memory ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Races.h"

using namespace awq::gpusim;

size_t ReaderSets::Hash::operator()(const Key &key) const {
  uint64_t hash = key.set;
  for (uint32_t part : {key.access.warp, key.access.clock, key.access.site})
    hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
  return static_cast<size_t>(hash ^ hash >> 32);
}

uint32_t ReaderSets::join(uint32_t rest, const GlobalAccess &access) {
  auto [known, isNew] = joined.try_emplace({rest, access}, 0);
  if (isNew) {
    known->second = static_cast<uint32_t>(nodes.size());
    nodes.push_back({access, rest, nodes[rest].size + 1});
  }
  return known->second;
}

uint32_t ReaderSets::add(uint32_t set, const GlobalAccess &access) {
  Key key{set, access};
  if (key == lastKey)
    return lastResult;
  auto [known, isNew] = added.try_emplace(key, 0);
  if (isNew) {
    // The warp's earlier read goes; those after it stay.
    std::vector<GlobalAccess> later;
    uint32_t at = set;
    while (at && nodes[at].last.warp != access.warp) {
      later.push_back(nodes[at].last);
      at = nodes[at].rest;
    }
    uint32_t result = set;
    if (at) {
      result = nodes[at].rest;
      for (size_t i = later.size(); i--;)
        result = join(result, later[i]);
    } else if (nodes[set].size == most) {
      result = nodes[set].rest;
    }
    known->second = join(result, access);
  }
  lastKey = key;
  lastResult = known->second;
  return lastResult;
}
