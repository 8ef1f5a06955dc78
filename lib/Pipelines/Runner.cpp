//===- Runner.cpp - runs modules on named tensors --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Runner.h"

#include "ModulePacking.h"
#include "ParameterFiles.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/ExecutionEngine/Runtime/Session.h"
#include "awq/IO/SafetensorsWriter.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <set>

using namespace awq;
using namespace awq::runtime;

/// The name of the entry from tokens to logits, which modules need not have.
static constexpr llvm::StringLiteral wholeModel = "logits";

//===----------------------------------------------------------------------===//
// Files of tensors
//===----------------------------------------------------------------------===//

Result<TensorMap> awq::readTensors(const std::string &path) {
  Result<io::SafetensorsFile> file = io::SafetensorsFile::open(path);
  if (!file)
    return file.error();
  TensorMap tensors;
  for (const io::TensorView &view : file->tensors())
    tensors[view.name] =
        Tensor{view.dtype, view.shape, {view.data, view.data + view.bytes}};
  return tensors;
}

Status awq::writeTensors(const std::string &path, const TensorMap &tensors) {
  std::vector<io::TensorSpec> specs;
  for (const auto &[name, tensor] : tensors)
    specs.push_back({name, tensor.dtype, tensor.shape});
  Result<io::SafetensorsWriter> writer =
      io::SafetensorsWriter::create(path, specs);
  if (!writer)
    return writer.error();
  for (const auto &[name, tensor] : tensors)
    if (Status status =
            writer->write(name, tensor.bytes.data(), tensor.bytes.size());
        !status)
      return status;
  return writer->commit();
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

namespace {

/// One call of an entry point: binds arguments by name, allocates the rest.
class NamedCall {
public:
  NamedCall(const EntrySignature &entry, const ParameterFiles &parameters,
            const RunOptions &options, int64_t vocabulary)
      : entry(entry), parameters(parameters), options(options),
        vocabulary(vocabulary) {}

  Result<TensorMap> run(jit::EntryFunction function, const TensorMap &inputs);

private:
  Status checkNames(const TensorMap &inputs) const;
  Status bindInputs(const TensorMap &inputs);
  Status bindInput(size_t index, const Tensor &tensor);
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
  std::vector<std::optional<Tensor>> tensors; ///< by argument, but parameters
  std::deque<MemRefDescriptor> descriptors;
  std::deque<std::vector<uint8_t>> aligned;
  std::vector<void *> arguments;
  int64_t tokens = 0, position = 0;
};

} // namespace

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : ", ") +
            (size < 0 ? std::string("any") : std::to_string(size));
  return "[" + text + "]";
}

Status NamedCall::checkNames(const TensorMap &inputs) const {
  std::string known;
  std::set<std::string> names;
  for (const EntryArgument &argument : entry.arguments)
    if (argument.role != "parameter" && !argument.isDestination() &&
        !argument.isReturned())
      if (names.insert(argument.name).second)
        known += (known.empty() ? "" : ", ") + argument.name;
  for (const auto &input : inputs)
    if (!names.count(input.first))
      return Error{ErrorKind::Usage, "AWQ1521",
                   "there is no argument '" + input.first + "'",
                   "entry point '" + entry.name + "'",
                   "the arguments are: " + known};
  return {};
}

Status NamedCall::bindInput(size_t index, const Tensor &tensor) {
  const EntryArgument &argument = entry.arguments[index];
  bool fits = toDType(argument.type) == tensor.dtype;
  // A scalar may come as a vector of one element.
  if (argument.isScalar)
    fits &= tensor.bytes.size() * 8 == uint64_t(io::bitWidth(tensor.dtype));
  else
    fits &= tensor.shape.size() == argument.shape.size();
  for (size_t i = 0; fits && i < argument.shape.size(); ++i)
    fits = argument.shape[i] < 0 || argument.shape[i] == tensor.shape[i];
  if (!fits)
    return fail(argument,
                "is given as " + std::string(io::name(tensor.dtype)) + " " +
                    shapeText(tensor.shape),
                "it must be " + argument.type + " " +
                    shapeText(argument.shape));
  if (argument.isScalar && argument.role == "position")
    std::memcpy(&position, tensor.bytes.data(), sizeof(position));
  if (argument.role == "tokens" || argument.role == "hidden")
    tokens = tensor.shape.front();
  tensors[index] = tensor;
  return {};
}

Status NamedCall::bindInputs(const TensorMap &inputs) {
  for (size_t i = 0; i < entry.arguments.size(); ++i) {
    const EntryArgument &argument = entry.arguments[i];
    auto given = inputs.find(argument.name);
    if (given != inputs.end() && !argument.isDestination()) {
      if (Status status = bindInput(i, given->second); !status)
        return status;
    } else if (argument.role == "position") {
      tensors[i] = Tensor{io::DType::I64, {}, std::vector<uint8_t>(8)};
    } else if (argument.role != "parameter" && !argument.isDestination() &&
               !argument.isReturned() && !argument.isCache()) {
      return fail(argument, "is missing",
                  "give a tensor of that name, " + argument.type + " " +
                      shapeText(argument.shape));
    }
  }
  return {};
}

/// Compiled code indexes tables and caches by the values of its inputs and
/// checks none of them.
Status NamedCall::checkValues() const {
  constexpr int64_t maxRows = int64_t(1) << 31;
  for (size_t i = 0; i < entry.arguments.size(); ++i) {
    const EntryArgument &argument = entry.arguments[i];
    if (!tensors[i])
      continue;
    if (argument.role == "position" &&
        (position < 0 || position > maxRows - tokens))
      return fail(argument, "is " + std::to_string(position),
                  "a position counts the tokens before the first one given");
    if (argument.isCache()) {
      Result<int64_t> needed = neededRows(argument);
      if (!needed)
        return needed.error();
      if (tensors[i]->shape.front() < *needed)
        return fail(argument,
                    "has " + std::to_string(tensors[i]->shape.front()) +
                        " rows, and " + std::to_string(*needed) + " are used",
                    "give a larger one, or leave it out");
    }
    if (argument.role != "tokens" || tensors[i]->dtype != io::DType::I32)
      continue;
    auto *ids = reinterpret_cast<const int32_t *>(tensors[i]->bytes.data());
    for (int64_t t = 0; t < tokens; ++t)
      if (ids[t] < 0 || ids[t] >= vocabulary)
        return fail(argument,
                    "holds " + std::to_string(ids[t]) + " at index " +
                        std::to_string(t),
                    "token ids run from 0 to " +
                        std::to_string(vocabulary - 1));
  }
  return {};
}

void NamedCall::allocate(size_t index, std::vector<int64_t> shape) {
  io::DType dtype = *toDType(entry.arguments[index].type);
  int64_t bits = io::bitWidth(dtype);
  for (int64_t size : shape)
    bits *= size;
  tensors[index] =
      Tensor{dtype, std::move(shape), std::vector<uint8_t>((bits + 7) / 8)};
}

/// One past the last row of a cache that the call writes.
Result<int64_t> NamedCall::neededRows(const EntryArgument &cache) const {
  Error unknown =
      fail(cache, "is written in places that do not follow from the inputs",
           "let the keys' number of rows and the position of each "
           "decoder.attention come from arguments or constants");
  if (!cache.writes)
    return unknown;
  constexpr int64_t maxRows = int64_t(1) << 31;
  int64_t needed = 0;
  for (const EntryArgument::Write &write : *cache.writes) {
    int64_t rows = write.rows, first = write.position;
    // Keys could be a cache themselves, which may not be there yet.
    if (write.rowsArgument >= 0 && !tensors[write.rowsArgument])
      return unknown;
    if (write.rowsArgument >= 0)
      rows = tensors[write.rowsArgument]->shape[write.rows];
    if (write.positionArgument >= 0)
      std::memcpy(&first, tensors[write.positionArgument]->bytes.data(),
                  sizeof first);
    if (first < 0 || first > maxRows - rows)
      return fail(cache, "would be written from row " + std::to_string(first),
                  "a position counts the tokens before the first one given");
    needed = std::max(needed, first + rows);
  }
  return needed;
}

Status NamedCall::bindCache(size_t index) {
  const EntryArgument &argument = entry.arguments[index];
  Result<int64_t> needed = neededRows(argument);
  if (!needed)
    return needed.error();
  std::vector<int64_t> shape = argument.shape;
  if (shape.front() < 0)
    shape.front() = std::max(options.maxSeq, *needed);
  else if (shape.front() < *needed)
    return fail(argument,
                "has " + std::to_string(shape.front()) + " rows, and " +
                    std::to_string(*needed) + " are used",
                "give fewer tokens, or an earlier position");
  allocate(index, std::move(shape));
  return {};
}

Status NamedCall::bindDestination(size_t index) {
  const EntryArgument &argument = entry.arguments[index];
  std::vector<int64_t> shape = argument.shape;
  size_t dynamic = 0;
  for (int64_t &size : shape) {
    if (size >= 0)
      continue;
    auto [source, dimension] = argument.sizes[dynamic++];
    if (source < 0 || !tensors[source])
      return fail(argument, "has a size that does not follow from the inputs",
                  "give the function a static result type");
    size = tensors[source]->shape[dimension];
  }
  allocate(index, std::move(shape));
  return {};
}

void NamedCall::bindReturned(size_t index) {
  size_t rank = entry.arguments[index].shape.size();
  descriptors.emplace_back(std::vector<int64_t>(rank));
  arguments[index] = descriptors.back().address();
}

/// Copies a buffer of any strides from dimension `dimension` on, row by row.
static uint8_t *copyDense(const MemRefHead &head, size_t rank, size_t dimension,
                          const uint8_t *source, size_t width,
                          uint8_t *target) {
  if (dimension == rank) {
    std::memcpy(target, source, width);
    return target + width;
  }
  const int64_t *sizes = head.sizes(), *strides = sizes + rank;
  if (dimension + 1 == rank && strides[dimension] == 1) {
    std::memcpy(target, source, sizes[dimension] * width);
    return target + sizes[dimension] * width;
  }
  for (int64_t i = 0; i < sizes[dimension]; ++i)
    target = copyDense(head, rank, dimension + 1,
                       source + i * strides[dimension] * width, width, target);
  return target;
}

/// Copies a tensor that the entry point made, and frees it.
void NamedCall::takeReturned(size_t index, void *descriptor) {
  auto *head = static_cast<MemRefHead *>(descriptor);
  size_t rank = entry.arguments[index].shape.size();
  allocate(index, std::vector<int64_t>(head->sizes(), head->sizes() + rank));
  std::vector<uint8_t> &bytes = tensors[index]->bytes;
  size_t width = io::bitWidth(tensors[index]->dtype) / 8;
  // A slice of a buffer may be declared dense, but is not: LLVM 22 casts
  // memref<2x?xf32, strided<[?, 1]>> to memref<2x?xf32> and copies nothing.
  const auto *data =
      static_cast<const uint8_t *>(head->aligned) + head->offset * width;
  if (!bytes.empty())
    copyDense(*head, rank, 0, data, width, bytes.data());
  std::free(head->allocated);
}

Status NamedCall::bindParameter(size_t index) {
  Result<io::TensorView> view = parameters.find(entry.arguments[index]);
  if (!view)
    return view.error();
  const uint8_t *data = view->data;
  if (!view->isAligned()) {
    aligned.emplace_back(data, data + view->bytes);
    data = aligned.back().data();
  }
  descriptors.emplace_back(view->shape, data);
  arguments[index] = descriptors.back().address();
  return {};
}

Result<TensorMap> NamedCall::run(jit::EntryFunction function,
                                 const TensorMap &inputs) {
  size_t count = entry.arguments.size();
  tensors.resize(count);
  arguments.resize(count);
  if (Status status = checkNames(inputs); !status)
    return status.error();
  if (Status status = bindInputs(inputs); !status)
    return status.error();
  if (Status status = checkValues(); !status)
    return status.error();
  for (size_t i = 0; i < count; ++i) {
    const EntryArgument &argument = entry.arguments[i];
    Status status;
    if (argument.role == "parameter")
      status = bindParameter(i);
    else if (argument.isDestination())
      status = bindDestination(i);
    else if (argument.isReturned())
      bindReturned(i);
    else if (!tensors[i])
      status = bindCache(i);
    if (!status)
      return status.error();
    if (!tensors[i])
      continue;
    // Indices are moved into the sizes, and 0 is read even where there is
    // nothing.
    if (tensors[i]->bytes.empty())
      tensors[i]->bytes.reserve(64);
    arguments[i] = tensors[i]->bytes.data();
    if (!argument.isScalar) {
      descriptors.emplace_back(tensors[i]->shape, tensors[i]->bytes.data());
      arguments[i] = descriptors.back().address();
    }
  }
  jit::setThreads(options.threads);
  function(arguments.data());
  TensorMap outputs;
  for (size_t i = 0; i < count; ++i)
    if (entry.arguments[i].isReturned())
      takeReturned(i, arguments[i]);
  for (size_t i = 0; i < count; ++i) {
    const EntryArgument &argument = entry.arguments[i];
    if (argument.isDestination() || argument.isCache() || argument.isReturned())
      outputs[argument.name] = std::move(*tensors[i]);
  }
  return outputs;
}

/// Runs an entry point of a compiled module.
static Result<TensorMap>
runEntry(const CompiledModule &compiled, const std::string &name,
         const ParameterFiles &parameters, const TensorMap &inputs,
         const RunOptions &options, int64_t vocabulary) {
  const EntrySignature *entry = compiled.find(name);
  if (!entry) {
    std::string known;
    for (const EntrySignature &other : compiled.entries)
      known += (known.empty() ? "" : ", ") + other.name;
    return Error{ErrorKind::Usage, "AWQ1520",
                 name.empty() ? "there are several entry points"
                              : "there is no entry point '" + name + "'",
                 "", "choose one with --entry: " + known};
  }
  Result<jit::EntryFunction> function = compiled.engine->lookup(name);
  if (!function)
    return function.error();
  return NamedCall(*entry, parameters, options, vocabulary)
      .run(*function, inputs);
}

/// Tokens to logits: forward, then head.
static Result<TensorMap> runModel(const CompiledModule &compiled,
                                  const ParameterFiles &parameters,
                                  const TensorMap &inputs,
                                  const RunOptions &options,
                                  int64_t vocabulary) {
  Result<TensorMap> states =
      runEntry(compiled, "forward", parameters, inputs, options, vocabulary);
  if (!states)
    return states.error();
  TensorMap hidden;
  hidden["hidden"] = std::move((*states)["hidden"]);
  return runEntry(compiled, "head", parameters, hidden, options, vocabulary);
}

/// The rows of the smallest table that tokens index.
static int64_t getVocabulary(mlir::ModuleOp module) {
  int64_t rows = std::numeric_limits<int32_t>::max();
  module.walk([&](decoder::EmbeddingOp op) {
    auto table = mlir::cast<mlir::RankedTensorType>(op.getTable().getType());
    if (!table.isDynamicDim(0))
      rows = std::min(rows, table.getDimSize(0));
  });
  return rows;
}

static Result<TensorMap> runModule(const std::string &path,
                                   const TensorMap &inputs,
                                   const RunOptions &options) {
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  Result<mlir::OwningOpRef<mlir::ModuleOp>> module = loadModule(&context, path);
  if (!module)
    return module.error();
  // Lowering leaves no embedding to read it from.
  int64_t vocabulary = getVocabulary(**module);
  ScratchFile packed;
  if (Status status = packForCPU(**module, packed); !status)
    return status.error();
  Result<ParameterFiles> parameters = ParameterFiles::open(**module);
  if (!parameters)
    return parameters.error();
  CPUCompileOptions compile;
  compile.step = llvm::StringRef(options.entry).contains("step");
  Result<CompiledModule> compiled = compileForCPU(**module, compile);
  if (!compiled)
    return compiled.error();
  bool whole = options.entry.empty() || options.entry == wholeModel;
  if (whole && !compiled->find(wholeModel.str()) && compiled->find("forward") &&
      compiled->find("head"))
    return runModel(*compiled, *parameters, inputs, options, vocabulary);
  std::string entry = options.entry;
  if (entry.empty())
    entry = compiled->entries.size() == 1 ? compiled->entries.front().name
            : compiled->find("main")      ? "main"
                                          : "";
  return runEntry(*compiled, entry, *parameters, inputs, options, vocabulary);
}

//===----------------------------------------------------------------------===//
// Bundles
//===----------------------------------------------------------------------===//

static Result<TensorMap> runBundle(const std::string &path,
                                   const TensorMap &inputs,
                                   const RunOptions &options) {
  Result<std::shared_ptr<const Model>> model = Model::load(path);
  if (!model)
    return model.error();
  if (!options.entry.empty() && options.entry != wholeModel)
    return (*model)->run(options.entry, inputs, options.threads);
  auto tokens = inputs.find("tokens");
  if (inputs.size() != 1 || tokens == inputs.end() ||
      tokens->second.dtype != io::DType::I32 ||
      tokens->second.shape.size() != 1)
    return Error{ErrorKind::Usage, "AWQ1521",
                 "a bundle takes one tensor, 'tokens', I32 [T]", path,
                 "name another entry point with --entry"};
  int64_t count = tokens->second.shape.front();
  Result<std::unique_ptr<Session>> session =
      Session::create(*model, std::max(options.maxSeq, count), options.threads);
  if (!session)
    return session.error();
  int64_t vocabulary = (*model)->manifest().model.vocabSize;
  Tensor logits{io::DType::F32,
                {count, vocabulary},
                std::vector<uint8_t>(count * vocabulary * sizeof(float))};
  Status status = (*session)->forward(
      reinterpret_cast<const int32_t *>(tokens->second.bytes.data()), count,
      reinterpret_cast<float *>(logits.bytes.data()), /*allRows=*/true);
  if (!status)
    return status.error();
  TensorMap outputs;
  outputs["logits"] = std::move(logits);
  return outputs;
}

Result<TensorMap> awq::runFile(const std::string &path, const TensorMap &inputs,
                               const RunOptions &options) {
  if (llvm::sys::fs::exists(path + "/manifest.json"))
    return runBundle(path, inputs, options);
  return runModule(path, inputs, options);
}
