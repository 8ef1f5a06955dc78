//===- Wgmma.cpp - wgmma: matrix products of four warps -------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "MatrixOps.h"
#include "MemoryAccess.h"

#include <algorithm>
#include <cstring>
#include <vector>

using namespace awq::gpusim;

namespace {

constexpr unsigned groupWarps = 4, groupRows = 64;

/// What the immediates and the list of a wgmma say.
struct Shape {
  MmaType type;
  unsigned columns, k, sums;
  bool descriptorA, negateA, negateB;
};

Shape shapeOf(const Op &o) {
  Shape shape;
  shape.columns = o.imm & 0xffff;
  shape.type = static_cast<MmaType>(o.imm >> 16 & 255);
  shape.k = 256 / elementBits(shape.type);
  shape.sums = shape.columns / 2;
  shape.descriptorA = o.imm & WgmmaBits::descriptorA;
  shape.negateA = o.imm & WgmmaBits::negateA;
  shape.negateB = o.imm & WgmmaBits::negateB;
  return shape;
}

WarpGroup &groupOf(Warp &warp) {
  return warp.block->groups[warp.index / groupWarps];
}

/// The warps of the group; fewer when the block is not a multiple of four.
unsigned warpsOf(const Warp &warp) {
  unsigned first = warp.index / groupWarps * groupWarps;
  unsigned rest = static_cast<unsigned>(warp.block->warps.size()) - first;
  return rest < groupWarps ? rest : groupWarps;
}

/// Lets a warp wait until the others of its group are at the same instruction.
/// True for the last one, on behalf of all.
bool arriveInGroup(Warp &warp, const Op &o, const char *what) {
  requireWholeWarp(warp, o.site, what);
  WarpGroup &group = groupOf(warp);
  if (warpsOf(warp) != groupWarps)
    warp.machine->report("wgmma-group", o.site,
                         format("warp %u is in a group of %u warps; %s needs "
                                "four",
                                warp.index, warpsOf(warp), what));
  if (group.arrived && group.op != &o)
    warp.machine->report("wgmma-group", o.site,
                         "the warps of a group execute different warpgroup "
                         "instructions",
                         group.op->site);
  group.op = &o;
  if (++group.arrived < warpsOf(warp)) {
    warp.state = WarpState::AtGroup;
    warp.yield = true;
    return false;
  }
  group.arrived = 0;
  unsigned first = warp.index / groupWarps * groupWarps;
  for (unsigned i = first; i < first + warpsOf(warp); ++i)
    warp.block->warps[i].state = WarpState::Ready;
  return true;
}

/// Where byte `byte` of row `row` of a K-major matrix lies, by its descriptor.
uint32_t matrixOffset(uint64_t descriptor, unsigned row, unsigned byte) {
  uint32_t base = uint32_t(descriptor & 0x3fff) << 4;
  uint32_t leading = uint32_t(descriptor >> 16 & 0x3fff) << 4;
  uint32_t stride = uint32_t(descriptor >> 32 & 0x3fff) << 4;
  unsigned swizzle = descriptor >> 62 & 3;
  uint32_t offset = base + row / 8 * stride;
  if (swizzle == 0)
    return offset + byte / 16 * leading + row % 8 * 16 + byte % 16;
  // Rows of 128, 64 or 32 bytes, whose 16-byte units are exchanged by the
  // address bits above.
  unsigned rowBytes = 256u >> swizzle;
  offset += row % 8 * rowBytes + byte;
  uint32_t units = swizzle == 1 ? 7 : swizzle == 2 ? 3 : 1;
  return offset ^ ((offset >> 7 & units) << 4);
}

/// Remembers the units of 16 bytes that a wgmma reads until it is waited for;
/// neighbours make one range.
void noteReads(Warp &warp, std::vector<uint32_t> &offsets, uint32_t site) {
  std::sort(offsets.begin(), offsets.end());
  std::vector<AsyncRead> &open = groupOf(warp).open;
  bool first = true;
  for (uint32_t offset : offsets) {
    if (first || offset > open.back().end) {
      open.push_back({offset, offset + 16, site});
      ++warp.block->asyncReads;
      first = false;
    }
    open.back().end = std::max(open.back().end, offset + 16);
  }
}

/// Reads a K-major matrix from shared memory into out[k][row].
void readMatrix(Warp &warp, const Op &o, const Shape &shape,
                uint64_t descriptor, unsigned rows, bool negate,
                std::vector<float> &out) {
  ThreadBlock &block = *warp.block;
  unsigned first = warp.index / groupWarps * groupWarps;
  unsigned size = elementBits(shape.type) / 8, perUnit = 16 / size;
  std::vector<uint32_t> offsets;
  out.resize(size_t(rows) * shape.k);
  for (unsigned row = 0; row < rows; ++row)
    for (unsigned unit = 0; unit < 32 / 16; ++unit) {
      uint32_t offset = matrixOffset(descriptor, row, unit * 16);
      Access access{16, 16, 3, AccessKind::AsyncRead, o.site};
      bool readable = true;
      for (unsigned i = 0; i < warpsOf(warp); ++i)
        readable &= checkLane(block.warps[first + i], access, 0,
                              block.sharedBase() + offset);
      if (readable)
        offsets.push_back(offset);
      for (unsigned i = 0; i < perUnit; ++i) {
        uint32_t raw = ~0u;
        if (readable)
          std::memcpy(&raw, block.shared + offset + i * size, size);
        float value = elementToFloat(shape.type, raw);
        out[size_t(unit * perUnit + i) * rows + row] = negate ? -value : value;
      }
    }
  noteReads(warp, offsets, o.site);
}

/// A from registers: each warp holds 16 rows in the layout of mma's A.
void readRegisters(Warp &warp, const int32_t *list, const Shape &shape,
                   std::vector<float> &out) {
  unsigned first = warp.index / groupWarps * groupWarps;
  unsigned bits = elementBits(shape.type), perRegister = 32 / bits;
  out.resize(size_t(groupRows) * shape.k);
  for (unsigned w = 0; w < warpsOf(warp); ++w)
    for (unsigned j = 0; j < 4; ++j) {
      const uint32_t *values =
          reg<uint32_t>(warp.block->warps[first + w], list[j]);
      for (unsigned lane = 0; lane < warpLanes; ++lane)
        for (unsigned i = 0; i < perRegister; ++i) {
          unsigned row = 16 * w + lane / 4 + 8 * (j % 2);
          unsigned k = (j / 2 * 4 + lane % 4) * perRegister + i;
          float value = elementToFloat(shape.type, values[lane] >> bits * i);
          out[size_t(row) * shape.k + k] = shape.negateA ? -value : value;
        }
    }
}

/// The sum of row `row` of the warp and column `column`, in register units.
struct Place {
  unsigned lane, index;
};
Place placeOf(unsigned row, unsigned column) {
  return {row % 8 * 4 + column % 8 / 2,
          column / 8 * 4 + row / 8 * 2 + column % 2};
}

void multiply(Warp &warp, const Op &o, const Shape &shape,
              const std::vector<float> &a, const std::vector<float> &b) {
  const int32_t *list = warp.machine->list(o);
  const int32_t *sources = list + shape.sums;
  int32_t scale = list[o.listSize - 1];
  unsigned first = warp.index / groupWarps * groupWarps;
  std::vector<float> sums(shape.columns);
  for (unsigned row = 0; row < warpsOf(warp) * 16; ++row) {
    Warp &owner = warp.block->warps[first + row / 16];
    bool add = reg<uint32_t>(owner, scale)[0] != 0;
    for (unsigned n = 0; n < shape.columns; ++n) {
      Place place = placeOf(row % 16, n);
      sums[n] = add ? reg<float>(owner, sources[place.index])[place.lane] : 0;
    }
    multiplyAccumulate(warp.machine->options, shape.type, shape.type, shape.k,
                       shape.columns, &a[size_t(row) * shape.k], b.data(),
                       shape.columns, sums.data());
    for (unsigned n = 0; n < shape.columns; ++n) {
      Place place = placeOf(row % 16, n);
      reg<float>(owner, list[place.index])[place.lane] = sums[n];
    }
  }
}

} // namespace

void awq::gpusim::wgmma(Warp &warp, const Op &o) {
  if (!arriveInGroup(warp, o, "wgmma.mma_async"))
    return;
  Shape shape = shapeOf(o);
  if (!groupOf(warp).fenced)
    warp.machine->report("wgmma-not-fenced", o.site,
                         "no wgmma.fence comes between the last change of its "
                         "registers and this wgmma");
  const int32_t *list = warp.machine->list(o) + 2 * shape.sums;
  std::vector<float> a, b;
  if (shape.descriptorA) {
    std::vector<float> columns;
    readMatrix(warp, o, shape, reg<uint64_t>(warp, list[0])[0], groupRows,
               shape.negateA, columns);
    a.resize(columns.size());
    for (unsigned row = 0; row < groupRows; ++row)
      for (unsigned k = 0; k < shape.k; ++k)
        a[size_t(row) * shape.k + k] = columns[size_t(k) * groupRows + row];
  } else {
    readRegisters(warp, list, shape, a);
  }
  int32_t descriptorB = list[shape.descriptorA ? 1 : 4];
  readMatrix(warp, o, shape, reg<uint64_t>(warp, descriptorB)[0], shape.columns,
             shape.negateB, b);
  multiply(warp, o, shape, a, b);
  Counters &counters = warp.machine->counters;
  ++counters.wgmma;
  counters.macs += uint64_t(groupRows) * shape.columns * shape.k;
}

void awq::gpusim::wgmmaFence(Warp &warp, const Op &o) {
  if (arriveInGroup(warp, o, "wgmma.fence"))
    groupOf(warp).fenced = true;
}

void awq::gpusim::wgmmaCommit(Warp &warp, const Op &o) {
  if (!arriveInGroup(warp, o, "wgmma.commit_group"))
    return;
  WarpGroup &group = groupOf(warp);
  group.groups.push_back(std::move(group.open));
  group.open.clear();
}

void awq::gpusim::wgmmaWait(Warp &warp, const Op &o) {
  if (!arriveInGroup(warp, o, "wgmma.wait_group"))
    return;
  WarpGroup &group = groupOf(warp);
  ThreadBlock &block = *warp.block;
  unsigned first = warp.index / groupWarps * groupWarps;
  while (group.groups.size() > size_t(o.imm)) {
    for (const AsyncRead &read : group.groups.front()) {
      --block.asyncReads;
      if (block.shadow.enabled())
        for (unsigned i = 0; i < warpsOf(warp); ++i)
          block.shadow.readBy(block.warps[first + i], read.begin,
                              read.end - read.begin, read.site);
    }
    group.groups.pop_front();
  }
  // Registers may change again now.
  group.fenced = false;
}
