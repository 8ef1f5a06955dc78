//===- VectorClock.cpp - joining vector clocks ----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Races.h"

#include <algorithm>

using namespace awq::gpusim;

static void joinSlots(Slots &into, const Slots &other) {
  if (into.size() < other.size())
    into.resize(other.size());
  for (size_t i = 0; i < other.size(); ++i)
    into[i] = std::max(into[i], other[i]);
}

void VectorClock::raise(unsigned slot, uint32_t value) {
  if (own.size() <= slot)
    own.resize(slot + 1);
  own[slot] = std::max(own[slot], value);
}

void VectorClock::join(const VectorClock &other) {
  joinSlots(own, other.own);
  joinSlots(proxied, other.proxied);
  for (const auto &[block, slots] : other.foreign)
    joinSlots(foreign[block], slots);
}
