//===- Engine.cpp - compiled functions in this process ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/JIT/Engine.h"

#include "awq/ExecutionEngine/Runtime/LeafFunctions.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/MemoryBuffer.h"

#include <dlfcn.h>
#include <omp.h>

using namespace awq;
using namespace awq::jit;

struct Engine::Implementation {
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

Engine::Engine(std::unique_ptr<Implementation> implementation)
    : impl(std::move(implementation)) {}
Engine::~Engine() = default;

static Error loadError(llvm::Error error) {
  return Error{ErrorKind::Internal, "AWQ1506",
               "compiled code cannot be loaded: " +
                   llvm::toString(std::move(error)),
               "", "please report this with the input"};
}

/// Defines what generated code calls besides the C and mathematics libraries:
/// an address taken here also keeps the linker from dropping the library.
static llvm::Error defineLeafFunctions(llvm::orc::LLJIT &jit) {
  llvm::orc::SymbolMap symbols;
  auto define = [&](llvm::StringRef name, auto *function) {
    symbols[jit.mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(function),
        llvm::JITSymbolFlags::Exported};
  };
  define("awq_rt_sgemm_nt", &awq_rt_sgemm_nt);
  define("memrefCopy", &memrefCopy);
  return jit.getMainJITDylib().define(
      llvm::orc::absoluteSymbols(std::move(symbols)));
}

/// Finds symbols in the library that holds this code, and in what it was linked
/// with. A host may have loaded it privately; then the process as a whole shows
/// neither OpenMP nor mathematics. Null where this code is in the program.
static std::unique_ptr<llvm::orc::DefinitionGenerator> searchOwnLibrary() {
  Dl_info own = {};
  if (!dladdr(reinterpret_cast<void *>(&searchOwnLibrary), &own))
    return nullptr;
  // Not loaded anew, and never unloaded: compiled code may outlive the host's
  // handle.
  void *handle = dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  if (!handle)
    return nullptr;
  return std::make_unique<llvm::orc::DynamicLibrarySearchGenerator>(
      llvm::sys::DynamicLibrary(handle), /*GlobalPrefix=*/'\0');
}

Result<std::unique_ptr<Engine>> Engine::create(mlir::ModuleOp module,
                                               const TargetOptions &options,
                                               CodeGenTimes *times) {
  Result<std::unique_ptr<llvm::MemoryBuffer>> object =
      emitObject(module, options, times);
  if (!object)
    return object.error();

  auto created = llvm::orc::LLJITBuilder().create();
  if (!created)
    return loadError(created.takeError());
  std::unique_ptr<llvm::orc::LLJIT> jit = std::move(*created);
  if (llvm::Error error = defineLeafFunctions(*jit))
    return loadError(std::move(error));
  // The C and mathematics libraries and OpenMP are loaded in this process.
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      jit->getDataLayout().getGlobalPrefix());
  if (!process)
    return loadError(process.takeError());
  jit->getMainJITDylib().addGenerator(std::move(*process));
  if (auto own = searchOwnLibrary())
    jit->getMainJITDylib().addGenerator(std::move(own));
  if (llvm::Error error = jit->addObjectFile(std::move(*object)))
    return loadError(std::move(error));

  auto impl = std::make_unique<Implementation>();
  impl->jit = std::move(jit);
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Result<EntryFunction> Engine::lookup(std::string_view name) const {
  std::string symbol = "awq_entry_" + std::string(name);
  llvm::Expected<llvm::orc::ExecutorAddr> address = impl->jit->lookup(symbol);
  if (address)
    return address->toPtr<EntryFunction>();
  return Error{ErrorKind::Internal, "AWQ1507",
               "no entry point '" + std::string(name) +
                   "': " + llvm::toString(address.takeError()),
               "symbol " + symbol, "only public functions are entry points"};
}

void jit::setThreads(int count) {
  omp_set_num_threads(count > 0 ? count : omp_get_num_procs());
}
