//===- SharedArenas.cpp - address space for the blocks' shared memories ---===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedArenas.h"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>

using namespace awq::gpusim;

/// Mappings that wait for the next launch; more are not kept.
static constexpr size_t mostUnused = 2;
static std::mutex unusedMutex;

std::vector<SharedArenas::Mapping> &SharedArenas::unused() {
  // Never destroyed: launches may end after static objects are gone.
  static auto *mappings = new std::vector<Mapping>();
  return *mappings;
}

/// Takes a mapping that is at least as large as `mapping`, if there is one.
bool SharedArenas::takeUnused(Mapping &mapping) {
  std::lock_guard<std::mutex> lock(unusedMutex);
  std::vector<Mapping> &all = unused();
  auto found = std::find_if(all.begin(), all.end(), [&](const Mapping &each) {
    return each.arenas >= mapping.arenas && each.bytes >= mapping.bytes &&
           each.ownBytes >= mapping.ownBytes;
  });
  if (found == all.end())
    return false;
  mapping = *found;
  all.erase(found);
  return true;
}

SharedArenas::~SharedArenas() {
  if (!mapping.start)
    return;
  Mapping old = mapping;
  {
    std::lock_guard<std::mutex> lock(unusedMutex);
    std::vector<Mapping> &all = unused();
    all.push_back(mapping);
    if (all.size() <= mostUnused)
      return;
    old = all.front();
    all.erase(all.begin());
  }
  munmap(old.start, old.mappedBytes());
}

bool SharedArenas::reserve(unsigned arenas, size_t bytes, size_t ownBytes) {
  constexpr size_t page = 4096;
  auto pages = [](size_t size) { return (size + page - 1) / page * page; };
  Mapping wanted{nullptr, arenas, pages(bytes) + page, pages(ownBytes)};
  bool used = takeUnused(wanted);
  if (!used) {
    void *space = mmap(nullptr, wanted.mappedBytes(), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
      return false;
    wanted.start = static_cast<uint8_t *>(space);
  }
  uint64_t start = reinterpret_cast<uint64_t>(wanted.start);
  first = wanted.start + ((start + spacing - 1) / spacing * spacing - start);
  count = arenas;
  constexpr int access = PROT_READ | PROT_WRITE;
  for (unsigned i = 0; i < arenas && !used; ++i)
    if (mprotect(arena(i), wanted.bytes, access) != 0 ||
        mprotect(ownMemory(i), wanted.ownBytes, access) != 0) {
      munmap(wanted.start, wanted.mappedBytes());
      return false;
    }
  mapping = wanted;
  return true;
}
