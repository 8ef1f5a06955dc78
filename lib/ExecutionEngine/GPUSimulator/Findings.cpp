//===- Findings.cpp - collecting a launch's findings ----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

using namespace awq::gpusim;

std::string awq::gpusim::format(const char *text, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, text);
  std::vsnprintf(buffer, sizeof(buffer), text, arguments);
  va_end(arguments);
  return buffer;
}

/// Equal kinds at the same place are one finding, with the first's words.
void Machine::addFinding(Finding finding, uint32_t site) {
  std::string key = finding.kind + "@" + std::to_string(site);
  auto [known, isNew] = findingIndex.try_emplace(key, findings.size());
  if (!isNew) {
    if (known->second < findings.size())
      ++findings[known->second].count;
    return;
  }
  if (findings.size() >= options.maxFindings) {
    known->second = ~size_t(0);
    return;
  }
  findings.push_back(std::move(finding));
}

void Machine::report(std::string_view kind, uint32_t site,
                     std::string message) {
  addFinding(
      {std::string(kind), std::move(message), kernel.sites[site].str(), "", 1},
      site);
}

void Machine::report(std::string_view kind, uint32_t site, std::string message,
                     uint32_t otherSite) {
  addFinding({std::string(kind), std::move(message), kernel.sites[site].str(),
              kernel.sites[otherSite].str(), 1},
             site);
}

const MemoryRange *Machine::findRange(uint64_t address, uint64_t bytes) {
  if (lastRange < ranges.size()) {
    const MemoryRange &last = ranges[lastRange];
    if (address >= last.begin && address + bytes <= last.end)
      return &last;
  }
  auto next = std::upper_bound(ranges.begin(), ranges.end(), address,
                               [](uint64_t value, const MemoryRange &range) {
                                 return value < range.begin;
                               });
  if (next == ranges.begin())
    return nullptr;
  --next;
  if (address + bytes > next->end)
    return nullptr;
  lastRange = next - ranges.begin();
  return &*next;
}

std::string Machine::describe(uint64_t address) const {
  if (arenas.contains(address))
    return format("shared+%u", static_cast<uint32_t>(address));
  const MemoryRange *best = nullptr;
  for (const MemoryRange &range : ranges)
    if (range.begin <= address && (!best || range.begin > best->begin))
      best = &range;
  if (!best || address - best->begin > (1ull << 40))
    return format("address 0x%llx", static_cast<unsigned long long>(address));
  return format("%s+%llu (it has %llu bytes)", best->name.c_str(),
                static_cast<unsigned long long>(address - best->begin),
                static_cast<unsigned long long>(best->end - best->begin));
}
