//===- MemoryWatch.cpp - peak of anonymous memory -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryWatch.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <malloc.h>

using namespace awq;

int64_t MemoryWatch::current() {
  std::FILE *file = std::fopen("/proc/self/status", "r");
  if (!file)
    return 0;
  char line[256];
  long long kilobytes = 0;
  while (std::fgets(line, sizeof line, file))
    if (std::sscanf(line, "RssAnon: %lld kB", &kilobytes) == 1)
      break;
  std::fclose(file);
  return kilobytes * 1024;
}

MemoryWatch::MemoryWatch() {
  reset();
  sampler = std::thread([this] {
    while (!stop) {
      highest = std::max<int64_t>(highest, current());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
}

MemoryWatch::~MemoryWatch() {
  stop = true;
  sampler.join();
}

void MemoryWatch::giveBack() { malloc_trim(0); }

void MemoryWatch::reset() {
  giveBack();
  highest = current();
}
