//===- Report.cpp - what a simulated launch did, as text and JSON ---------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/GPUSimulator/Report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

using namespace awq::gpusim;
using Json = nlohmann::ordered_json;

static constexpr std::string_view classNames[instructionClasses] = {
    "integer",     "float",           "half",        "conversion",
    "global_load", "global_store",    "shared_load", "shared_store",
    "async_copy",  "atomic",          "matrix_load", "mma",
    "collective",  "synchronization", "special",     "control",
    "other"};

std::string_view awq::gpusim::name(InstructionClass value) {
  return classNames[static_cast<unsigned>(value)];
}

std::string Finding::str() const {
  std::string text = location + ": " + kind + ": " + message;
  if (!otherLocation.empty())
    text += "; the other access is at " + otherLocation;
  if (count > 1)
    text += " (" + std::to_string(count) + " times)";
  return text;
}

uint64_t Counters::totalWarpInstructions() const {
  uint64_t total = 0;
  for (uint64_t value : warpInstructions)
    total += value;
  return total;
}

bool Report::has(std::string_view prefix) const {
  for (const Finding &finding : findings)
    if (std::string_view(finding.kind).substr(0, prefix.size()) == prefix)
      return true;
  return false;
}

static Json globalJson(const GlobalTraffic &traffic) {
  return {{"requests", traffic.requests},
          {"bytes", traffic.bytes},
          {"sectors", traffic.sectors},
          {"efficiency", traffic.efficiency()}};
}

static Json sharedJson(const SharedTraffic &traffic) {
  return {{"requests", traffic.requests},
          {"bytes", traffic.bytes},
          {"wavefronts", traffic.wavefronts},
          {"ideal_wavefronts", traffic.idealWavefronts},
          {"bank_conflicts", traffic.conflicts()}};
}

static Json countersJson(const Counters &counters) {
  Json warp, thread;
  for (unsigned i = 0; i < instructionClasses; ++i) {
    std::string key(classNames[i]);
    warp[key] = counters.warpInstructions[i];
    thread[key] = counters.threads ? double(counters.threadInstructions[i]) /
                                         double(counters.threads)
                                   : 0.0;
  }
  return {{"blocks", counters.blocks},
          {"threads", counters.threads},
          {"warp_instructions", warp},
          {"instructions_per_thread", thread},
          {"global_loads", globalJson(counters.globalLoads)},
          {"global_stores", globalJson(counters.globalStores)},
          {"async_copies", globalJson(counters.asyncCopies)},
          {"bulk_copy_bytes", counters.bulkBytes},
          {"shared_loads", sharedJson(counters.sharedLoads)},
          {"shared_stores", sharedJson(counters.sharedStores)},
          {"async_shared_writes", sharedJson(counters.asyncWrites)},
          {"mma", counters.mma},
          {"wgmma", counters.wgmma},
          {"macs", counters.macs},
          {"branches", counters.branches},
          {"divergent_branches", counters.divergentBranches}};
}

std::string Report::json() const {
  Json list = Json::array();
  for (const Finding &finding : findings) {
    Json entry = {{"kind", finding.kind},
                  {"message", finding.message},
                  {"location", finding.location},
                  {"count", finding.count}};
    if (!finding.otherLocation.empty())
      entry["other_location"] = finding.otherLocation;
    list.push_back(entry);
  }
  Json document = {{"completed", completed},
                   {"findings", list},
                   {"counters", countersJson(counters)}};
  return document.dump(2);
}

static std::string row(const char *label, const GlobalTraffic &traffic) {
  char line[160];
  std::snprintf(line, sizeof(line),
                "  %-20s %12llu bytes %10llu sectors  efficiency %6.2f %%\n",
                label, static_cast<unsigned long long>(traffic.bytes),
                static_cast<unsigned long long>(traffic.sectors),
                100.0 * traffic.efficiency());
  return line;
}

static std::string row(const char *label, const SharedTraffic &traffic) {
  char line[160];
  std::snprintf(line, sizeof(line),
                "  %-20s %12llu bytes %10llu wavefronts  conflicts %llu\n",
                label, static_cast<unsigned long long>(traffic.bytes),
                static_cast<unsigned long long>(traffic.wavefronts),
                static_cast<unsigned long long>(traffic.conflicts()));
  return line;
}

static std::string row(const char *label, uint64_t value) {
  char line[96];
  std::snprintf(line, sizeof(line), "  %-20s %12llu\n", label,
                static_cast<unsigned long long>(value));
  return line;
}

static std::string countersText(const Counters &counters) {
  std::string text = "instructions             per warp total   per thread\n";
  for (unsigned i = 0; i < instructionClasses; ++i) {
    if (!counters.warpInstructions[i])
      continue;
    char line[120];
    std::snprintf(line, sizeof(line), "  %-20s %16llu %12.1f\n",
                  std::string(classNames[i]).c_str(),
                  static_cast<unsigned long long>(counters.warpInstructions[i]),
                  counters.threads ? double(counters.threadInstructions[i]) /
                                         double(counters.threads)
                                   : 0.0);
    text += line;
  }
  text += "memory\n" + row("global loads", counters.globalLoads) +
          row("global stores", counters.globalStores) +
          row("cp.async sources", counters.asyncCopies) +
          row("bulk copies (bytes)", counters.bulkBytes) +
          row("shared loads", counters.sharedLoads) +
          row("shared stores", counters.sharedStores) +
          row("cp.async writes", counters.asyncWrites);
  text += "other\n" + row("mma", counters.mma) + row("wgmma", counters.wgmma) +
          row("multiply-adds", counters.macs) +
          row("branches", counters.branches) +
          row("divergent branches", counters.divergentBranches) +
          row("threads", counters.threads) + row("blocks", counters.blocks);
  return text;
}

std::string Report::text(bool withCounters) const {
  std::string text;
  for (const Finding &finding : findings)
    text += finding.str() + "\n";
  text += completed ? "completed" : "did not complete";
  text += ", " + std::to_string(findings.size()) + " findings\n";
  if (withCounters)
    text += countersText(counters);
  return text;
}
