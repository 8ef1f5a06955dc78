//===- NamedCall.h - calls of entry points by name --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_NAMEDCALL_H
#define AWQ_LIB_PIPELINES_NAMEDCALL_H

#include "ParameterFiles.h"
#include "awq/ExecutionEngine/Runtime/MemRef.h"
#include "awq/Pipelines/Compiler.h"
#include "awq/Pipelines/Runner.h"

#include <deque>

namespace awq {

/// One call of an entry point: binds arguments by name, allocates the rest.
class NamedCall {
public:
  NamedCall(const EntrySignature &entry, const ParameterFiles &parameters,
            const RunOptions &options, int64_t vocabulary)
      : entry(entry), parameters(parameters), options(options),
        vocabulary(vocabulary) {}

  /// Calls `function`, which is the entry point's code, and gives its results
  /// and caches by name. Errors: AWQ1521, AWQ1522.
  Result<runtime::TensorMap> run(jit::EntryFunction function,
                                 const runtime::TensorMap &inputs);

private:
  Status checkNames(const runtime::TensorMap &inputs) const;
  Status bindInputs(const runtime::TensorMap &inputs);
  Status bindInput(size_t index, const runtime::Tensor &tensor);
  Status bindParameter(size_t index);
  Status checkValues() const;
  Result<int64_t> neededRows(const EntryArgument &cache) const;
  Status bindCache(size_t index);
  Status bindDestination(size_t index);
  void bindReturned(size_t index);
  void takeReturned(size_t index, void *descriptor);
  void allocate(size_t index, std::vector<int64_t> shape);

  Error fail(const EntryArgument &argument, const std::string &message,
             const std::string &help) const {
    return Error{ErrorKind::Usage, "AWQ1521",
                 "the argument '" + argument.name + "' " + message,
                 "entry point '" + entry.name + "'", help};
  }

  const EntrySignature &entry;
  const ParameterFiles &parameters;
  const RunOptions &options;
  int64_t vocabulary;
  std::vector<std::optional<runtime::Tensor>>
      tensors; ///< by argument, but parameters
  std::deque<runtime::MemRefDescriptor> descriptors;
  std::deque<std::vector<uint8_t>> aligned;
  std::vector<void *> arguments;
  int64_t tokens = 0, position = 0;
};

} // namespace awq

#endif // AWQ_LIB_PIPELINES_NAMEDCALL_H
