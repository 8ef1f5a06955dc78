//===- SharedLibrary.cpp - object file to shared library -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/JIT/CodeGen.h"
#include "awq/ExecutionEngine/Runtime/LeafFunctions.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

#include <dlfcn.h>
#include <omp.h>

using namespace awq;
using namespace awq::jit;

/// The file of the shared library that holds `address`.
static std::string libraryOf(const void *address) {
  Dl_info info;
  if (!dladdr(address, &info) || !info.dli_fname)
    return "";
  llvm::SmallString<128> path;
  if (llvm::sys::fs::real_path(info.dli_fname, path))
    return info.dli_fname;
  return path.str().str();
}

namespace {
/// A program that links, and what it takes to make a shared library.
struct Linker {
  const char *program;
  std::vector<std::string> flags;
};
} // namespace

/// In the order in which they are tried: the driver knows where the system's
/// libraries are; the linkers themselves need only what is named.
static const Linker linkers[] = {
    {"cc",
     {"-shared", "-Wl,-z,noexecstack", "-Wl,--no-as-needed", "-nostartfiles"}},
    {"clang-22",
     {"-shared", "-Wl,-z,noexecstack", "-Wl,--no-as-needed", "-nostartfiles"}},
    {"ld.lld-22", {"-shared", "-z", "noexecstack"}},
    {"ld.lld", {"-shared", "-z", "noexecstack"}},
    {"ld", {"-shared", "-z", "noexecstack"}},
};

/// Runs the program; false with what it wrote to stderr if it fails.
static bool run(llvm::StringRef path, const std::vector<std::string> &arguments,
                std::string &output) {
  llvm::SmallString<128> log;
  int descriptor;
  if (llvm::sys::fs::createTemporaryFile("awq-link", "log", descriptor, log)) {
    output = "no temporary file";
    return false;
  }
  llvm::SmallVector<llvm::StringRef> views(arguments.begin(), arguments.end());
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), log.str(),
                                                log.str()};
  int status = llvm::sys::ExecuteAndWait(path, views, std::nullopt, redirects,
                                         /*SecondsToWait=*/120,
                                         /*MemoryLimit=*/0, &output);
  if (status != 0)
    if (auto buffer = llvm::MemoryBuffer::getFile(log))
      output += (*buffer)->getBuffer().trim().str();
  llvm::sys::Process::SafelyCloseFileDescriptor(descriptor);
  llvm::sys::fs::remove(log);
  return status == 0;
}

Status jit::linkSharedLibrary(const std::string &object,
                              const std::string &library) {
  std::string runtime =
      libraryOf(reinterpret_cast<const void *>(&awq_rt_sgemm_nt));
  std::string openmp =
      libraryOf(reinterpret_cast<const void *>(&omp_get_num_procs));
  std::string failures;
  for (const Linker &linker : linkers) {
    auto path = llvm::sys::findProgramByName(linker.program);
    if (!path)
      continue;
    std::vector<std::string> arguments = {*path};
    arguments.insert(arguments.end(), linker.flags.begin(), linker.flags.end());
    arguments.insert(arguments.end(), {"-o", library, object, runtime, openmp});
    if (llvm::StringRef(linker.program).starts_with("c"))
      arguments.push_back("-lm");
    std::string output;
    if (run(*path, arguments, output))
      return {};
    failures += std::string(failures.empty() ? "" : "\n") + linker.program +
                ": " + output;
  }
  if (failures.empty())
    return Error{ErrorKind::Resources, "AWQ1504",
                 "no linker was found to make a shared library",
                 "looked for cc, clang-22, ld.lld-22, ld.lld and ld in PATH",
                 "install one, e.g. the Debian package lld-22 or binutils"};
  return Error{ErrorKind::Resources, "AWQ1505",
               "the linker failed: " + failures, library,
               "check the disk and that the linker works on its own"};
}
