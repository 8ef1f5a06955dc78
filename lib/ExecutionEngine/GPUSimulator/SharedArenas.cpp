//===- SharedArenas.cpp - address space for the blocks' shared memories ---===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedArenas.h"

#include <sys/mman.h>

using namespace awq::gpusim;

SharedArenas::~SharedArenas() {
  if (mapping)
    munmap(mapping, mappedBytes);
}

bool SharedArenas::reserve(unsigned arenas, size_t bytes) {
  mappedBytes = (arenas + 1) * spacing;
  void *space = mmap(nullptr, mappedBytes, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED)
    return false;
  mapping = static_cast<uint8_t *>(space);
  uint64_t start = reinterpret_cast<uint64_t>(space);
  first = mapping + ((start + spacing - 1) / spacing * spacing - start);
  count = arenas;
  constexpr size_t page = 4096;
  size_t usable = (bytes + page - 1) / page * page + page;
  for (unsigned i = 0; i < arenas; ++i)
    if (mprotect(arena(i), usable, PROT_READ | PROT_WRITE) != 0)
      return false;
  return true;
}
