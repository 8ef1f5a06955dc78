//===- Simulator.cpp - reading, decoding and launching kernels ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/GPUSimulator/Simulator.h"

#include "Decoder.h"
#include "Machine.h"

#include "llvm/IR/CallingConv.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace awq;
using namespace awq::gpusim;

const std::string &Kernel::name() const { return decoded->name; }

std::vector<unsigned> Kernel::argumentBytes() const {
  std::vector<unsigned> bytes;
  for (const KernelParameter &parameter : decoded->parameters)
    bytes.push_back(parameter.bytes);
  return bytes;
}

unsigned Kernel::staticSharedBytes() const { return decoded->sharedBytes; }

Argument Argument::bytes(const void *data, size_t size) {
  Argument argument;
  argument.contents.resize(size);
  std::memcpy(argument.contents.data(), data, size);
  return argument;
}

Result<Kernel> awq::gpusim::decodeKernel(const llvm::Module &module,
                                         const std::string &kernel) {
  const llvm::Function *function = module.getFunction(kernel);
  if (!function || function->isDeclaration())
    return Error{ErrorKind::Usage, "AWQ1701",
                 "the module does not define the kernel '" + kernel + "'",
                 module.getModuleIdentifier(),
                 "check the kernel's name; awq-sim --list prints those of a "
                 "file"};
  Decoder decoder(*function);
  std::shared_ptr<DecodedKernel> decoded = decoder.run();
  if (!decoded)
    return Error{ErrorKind::Unsupported, "AWQ1702",
                 "the simulator does not model " + decoder.message(),
                 "kernel " + kernel,
                 "docs/GPU.md lists what is modelled; a new intrinsic or PTX "
                 "instruction needs a model in lib/ExecutionEngine/"
                 "GPUSimulator"};
  return Kernel(std::move(decoded));
}

KernelFile::KernelFile() : context(std::make_unique<llvm::LLVMContext>()) {}
KernelFile::KernelFile(KernelFile &&) noexcept = default;
KernelFile &KernelFile::operator=(KernelFile &&other) noexcept {
  // The module must go before the context that it lives in.
  parsed = std::move(other.parsed);
  context = std::move(other.context);
  path = std::move(other.path);
  return *this;
}
KernelFile::~KernelFile() = default;

Result<KernelFile> KernelFile::open(const std::string &path) {
  KernelFile file;
  file.path = path;
  llvm::SMDiagnostic diagnostic;
  file.parsed = llvm::parseIRFile(path, diagnostic, *file.context);
  if (!file.parsed) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    diagnostic.print("", stream, /*ShowColors=*/false);
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    return Error{ErrorKind::Malformed, "AWQ1703",
                 "cannot read LLVM IR: " + text, path,
                 "give a .ll or .bc file, as gpu-module-to-binary makes with "
                 "format=llvm"};
  }
  return file;
}

std::vector<std::string> KernelFile::kernelNames() const {
  std::vector<std::string> names;
  for (const llvm::Function &function : *parsed)
    if (!function.isDeclaration() &&
        (function.getCallingConv() == llvm::CallingConv::PTX_Kernel ||
         function.hasFnAttribute("nvvm.kernel")))
      names.push_back(function.getName().str());
  return names;
}

Result<Kernel> KernelFile::kernel(const std::string &name) const {
  if (!name.empty())
    return decodeKernel(*parsed, name);
  std::vector<std::string> names = kernelNames();
  if (names.size() == 1)
    return decodeKernel(*parsed, names[0]);
  std::string list;
  for (const std::string &each : names)
    list += (list.empty() ? "" : ", ") + each;
  return Error{ErrorKind::Usage, "AWQ1701",
               names.empty() ? "the file defines no kernel"
                             : "the file defines several kernels: " + list,
               path, "choose one with --kernel=NAME"};
}

static Error badLaunch(std::string message, const Kernel &kernel,
                       std::string help) {
  return Error{ErrorKind::Usage, "AWQ1704", std::move(message),
               "kernel " + kernel.name(), std::move(help)};
}

static Status checkLaunch(const Kernel &kernel, const LaunchConfig &config,
                          const std::vector<Argument> &arguments) {
  std::vector<unsigned> bytes = kernel.argumentBytes();
  if (bytes.size() != arguments.size())
    return badLaunch("the kernel takes " + std::to_string(bytes.size()) +
                         " arguments, not " + std::to_string(arguments.size()),
                     kernel, "pass one argument per parameter, in order");
  for (size_t i = 0; i < bytes.size(); ++i)
    if (arguments[i].data().size() != bytes[i])
      return badLaunch("argument " + std::to_string(i) + " takes " +
                           std::to_string(bytes[i]) + " bytes, not " +
                           std::to_string(arguments[i].data().size()),
                       kernel, "check the argument's type");
  uint64_t threads = config.block.total();
  if (threads == 0 || threads > 1024)
    return badLaunch("a block of " + std::to_string(threads) + " threads",
                     kernel, "a block has 1 to 1024 threads");
  constexpr uint64_t mostShared = 232448;
  uint64_t shared =
      uint64_t(kernel.staticSharedBytes()) + config.dynamicSharedBytes;
  if (shared > mostShared)
    return badLaunch(std::to_string(shared) + " bytes of shared memory", kernel,
                     "a block of sm_90 has 232448 bytes at most");
  return Status();
}

Result<Report> awq::gpusim::launch(const Kernel &kernel, DeviceMemory &memory,
                                   const LaunchConfig &config,
                                   const std::vector<Argument> &arguments,
                                   const SimulatorOptions &options) {
  if (Status status = checkLaunch(kernel, config, arguments); !status)
    return status.error();
#if defined(__x86_64__) && defined(AWQ_GPUSIM_X86_64_V3)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("f16c"))
    return Error{ErrorKind::Resources, "AWQ1705",
                 "this simulator was built for processors with AVX2, FMA and "
                 "F16C",
                 "", "build with -DAWQ_SIMULATOR_BASELINE=ON"};
#endif
  Machine machine(kernel.program(), config, options);
  if (!machine.prepare(memory, arguments))
    return Error{ErrorKind::Resources, "AWQ1705",
                 "no address space for shared memory", "",
                 "raise the limit of address space (ulimit -v) or run fewer "
                 "blocks side by side"};
  return machine.run();
}
