//===- Ptxas.cpp - the assembler of PTX
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ptxas.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <cstdlib>

using namespace awq;
using llvm::StringRef;

std::optional<std::string> awq::findPtxas() {
  if (const char *home = std::getenv("CUDA_HOME")) {
    llvm::SmallString<128> path(home);
    llvm::sys::path::append(path, "bin", "ptxas");
    if (llvm::sys::fs::can_execute(path))
      return path.str().str();
  }
  if (llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  return std::nullopt;
}

/// The number before `unit` in "... 40 registers, ...", or 0.
static int64_t numberBefore(StringRef line, StringRef unit) {
  size_t end = line.find(unit);
  if (end == StringRef::npos)
    return 0;
  StringRef digits = line.take_front(end).rtrim();
  size_t start = digits.find_last_not_of("0123456789");
  int64_t value = 0;
  digits.drop_front(start == StringRef::npos ? 0 : start + 1)
      .getAsInteger(10, value);
  return value;
}

std::vector<KernelReport> awq::parsePtxasLog(StringRef log) {
  // For each kernel: "Compiling entry function 'NAME' for 'sm_80'", then
  // "... bytes stack frame, A bytes spill stores, B bytes spill loads", then
  // "Used R registers, ..., S bytes smem, ...".
  std::vector<KernelReport> kernels;
  for (StringRef line : llvm::split(log, '\n')) {
    auto [before, rest] = line.split("Compiling entry function '");
    if (!rest.empty()) {
      kernels.push_back(
          {rest.take_until([](char c) { return c == '\''; }).str()});
      continue;
    }
    if (kernels.empty())
      continue;
    KernelReport &kernel = kernels.back();
    if (line.contains("spill stores"))
      kernel.spillBytes = numberBefore(line, " bytes spill stores") +
                          numberBefore(line, " bytes spill loads");
    if (line.contains("Used ")) {
      kernel.registers = numberBefore(line, " registers");
      kernel.sharedBytes = numberBefore(line, " bytes smem");
    }
  }
  return kernels;
}

Result<std::vector<KernelReport>> awq::assemble(const std::string &ptxas,
                                                StringRef chip,
                                                const std::string &ptx,
                                                const std::string &cubin) {
  llvm::SmallString<128> log;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("awq-ptxas", "log", log))
    return Error{ErrorKind::Resources, "AWQ1533",
                 "no temporary file for ptxas: " + error.message(), "",
                 "check the room in TMPDIR"};
  llvm::FileRemover remover(log);
  std::string architecture = "-arch=" + chip.str();
  StringRef arguments[] = {ptxas, architecture, "-v", ptx, "-o", cubin};
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log),
                                          StringRef(log)};
  std::string failure;
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt,
                                         redirects, 0, 0, &failure);
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> text =
      llvm::MemoryBuffer::getFile(log);
  StringRef said = text ? (*text)->getBuffer() : StringRef();
  if (status != 0)
    return Error{ErrorKind::Resources, "AWQ1532",
                 "ptxas does not take the kernels for " + chip.str() + ": " +
                     (failure.empty() ? said.trim().str() : failure),
                 ptxas,
                 "use a ptxas of CUDA 12.0 or newer, or take it off PATH to "
                 "get PTX alone"};
  return parsePtxasLog(said);
}
