//===- SimulatedRun.cpp - runs quantized linears of a file ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/SimulatedLinears/SimulatedRun.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/RecordLayout.h"
#include "awq/IO/Safetensors.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <set>

using namespace mlir;
using namespace awq;
using namespace awq::gpusim;
using runtime::Tensor;
using runtime::TensorMap;

/// Multiprocessors that a grid without a given size fills.
static constexpr int64_t simulatedProcessors = 4;

namespace {

/// Evaluates one function.
class LinearRun {
public:
  LinearRun(func::FuncOp function, const CompiledKernels &compiled,
            const KernelModule &module, const SimulatedRunOptions &options)
      : function(function), compiled(compiled), module(module),
        options(options) {}

  Result<TensorMap> run(const TensorMap &inputs);

private:
  std::string nameOf(BlockArgument argument);
  Status bind(const TensorMap &inputs);
  Status bind(BlockArgument argument, const Tensor &tensor);
  Status load(ml_program::GlobalLoadConstOp op);
  Status compute(QuantizedLinearOp op);
  std::vector<uint8_t> recordsOf(QuantizedLinearOp op, const QuantScheme &);
  std::vector<uint16_t> to16(const std::vector<float> &numbers) const;

  Error misfit(BlockArgument argument, const std::string &message,
               const std::string &help) {
    return Error{ErrorKind::Usage, "AWQ1521",
                 "the argument '" + nameOf(argument) + "' " + message,
                 "function '" + function.getName().str() + "'", help};
  }

  func::FuncOp function;
  const CompiledKernels &compiled;
  const KernelModule &module;
  const SimulatedRunOptions &options;
  llvm::DenseMap<Value, Tensor> values;
};

} // namespace

static std::optional<io::DType> dtypeOf(Type type) {
  if (type.isF32())
    return io::DType::F32;
  if (type.isF16())
    return io::DType::F16;
  if (type.isBF16())
    return io::DType::BF16;
  if (type.isInteger(8))
    return io::DType::I8;
  if (type.isInteger(32))
    return io::DType::I32;
  return std::nullopt;
}

static std::string textOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// A tensor of f32, f16 or bf16 as f32.
static std::vector<float> toFloats(const Tensor &tensor) {
  if (tensor.dtype == io::DType::F32) {
    std::vector<float> numbers(tensor.bytes.size() / 4);
    std::memcpy(numbers.data(), tensor.bytes.data(), numbers.size() * 4);
    return numbers;
  }
  std::vector<uint16_t> bits(tensor.bytes.size() / 2);
  std::memcpy(bits.data(), tensor.bytes.data(), bits.size() * 2);
  std::vector<float> numbers(bits.size());
  bool bf16 = tensor.dtype == io::DType::BF16;
  for (size_t i = 0; i < bits.size(); ++i)
    numbers[i] = bf16 ? bfloatToFloat(bits[i]) : halfToFloat(bits[i]);
  return numbers;
}

static Tensor toTensor(const std::vector<float> &numbers, io::DType dtype,
                       std::vector<int64_t> shape) {
  Tensor tensor{dtype, std::move(shape), {}};
  size_t width = dtype == io::DType::F32 ? 4 : 2;
  tensor.bytes.resize(numbers.size() * width);
  if (width == 4) {
    std::memcpy(tensor.bytes.data(), numbers.data(), tensor.bytes.size());
    return tensor;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    uint16_t bits = dtype == io::DType::BF16 ? floatToBfloat(numbers[i])
                                             : floatToHalf(numbers[i]);
    std::memcpy(tensor.bytes.data() + 2 * i, &bits, 2);
  }
  return tensor;
}

std::string LinearRun::nameOf(BlockArgument argument) {
  unsigned index = argument.getArgNumber();
  if (auto name = function.getArgAttrOfType<StringAttr>(index, "awq.name"))
    return name.getValue().str();
  return "arg" + std::to_string(index);
}

static bool fitsType(Type wanted, const Tensor &tensor) {
  auto type = dyn_cast<RankedTensorType>(wanted);
  bool fits = type && dtypeOf(type.getElementType()) == tensor.dtype &&
              type.getRank() == int64_t(tensor.shape.size());
  for (int64_t i = 0; fits && i < type.getRank(); ++i)
    fits = type.isDynamicDim(i) || type.getDimSize(i) == tensor.shape[i];
  return fits;
}

Status LinearRun::bind(BlockArgument argument, const Tensor &tensor) {
  if (!fitsType(argument.getType(), tensor))
    return misfit(argument, "does not fit",
                  "it must be " + textOf(argument.getType()));
  values[argument] = tensor;
  return {};
}

Status LinearRun::bind(const TensorMap &inputs) {
  std::set<std::string> known;
  for (BlockArgument argument : function.getArguments()) {
    auto given = inputs.find(nameOf(argument));
    if (given == inputs.end())
      return misfit(argument, "is missing",
                    "give a tensor of that name, " +
                        textOf(argument.getType()));
    if (Status status = bind(argument, given->second); !status)
      return status;
    known.insert(given->first);
  }
  for (const auto &input : inputs)
    if (!known.count(input.first))
      return Error{ErrorKind::Usage, "AWQ1521",
                   "there is no argument '" + input.first + "'",
                   "function '" + function.getName().str() + "'",
                   "leave the tensor out of the input file"};
  return {};
}

/// Reads a parameter from the first of the module's files that has it.
Status LinearRun::load(ml_program::GlobalLoadConstOp op) {
  std::string name = op.getGlobal().getLeafReference().str();
  Error error{ErrorKind::Malformed, "AWQ1522",
              "the parameter '" + name + "' is in no file", "",
              "name its file in the module's awq.parameter_files"};
  auto files = op->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>(
      "awq.parameter_files");
  if (!files)
    return error;
  for (auto file : files.getAsRange<StringAttr>()) {
    auto opened = io::SafetensorsFile::open(file.getValue().str());
    if (!opened)
      return opened.error();
    auto view = opened->get(name);
    if (!view)
      continue;
    Tensor tensor{
        view->dtype, view->shape, {view->data, view->data + view->bytes}};
    if (!fitsType(op.getType(), tensor))
      return Error{ErrorKind::Malformed, "AWQ1522",
                   "the parameter '" + name + "' does not fit",
                   file.getValue().str(), "it must be " + textOf(op.getType())};
    values[op.getResult()] = std::move(tensor);
    return {};
  }
  return error;
}

std::vector<uint16_t> LinearRun::to16(const std::vector<float> &numbers) const {
  std::vector<uint16_t> bits(numbers.size());
  bool bf16 = options.kernels.activations == "bf16";
  for (size_t i = 0; i < numbers.size(); ++i)
    bits[i] = bf16 ? floatToBfloat(numbers[i]) : floatToHalf(numbers[i]);
  return bits;
}

/// The op's weight as records: packed here if the codes are plain.
std::vector<uint8_t> LinearRun::recordsOf(QuantizedLinearOp op,
                                          const QuantScheme &scheme) {
  const Tensor &codes = values.at(op.getCodes());
  if (op.getLayout())
    return codes.bytes;
  int64_t n = op.getOutputChannels(), k = op.getInputChannels();
  std::vector<float> scales = toFloats(values.at(op.getScales()));
  std::vector<uint8_t> zeros(scales.size()),
      records(RecordGeometry(scheme, n, k).totalBytes());
  if (op.getZeros())
    zeros = values.at(op.getZeros()).bytes;
  packRecords(scheme, n, k, codes.bytes.data(), scales.data(), zeros.data(),
              records.data());
  return records;
}

static Error cannotFeed(Operation *op, const std::string &message,
                        const std::string &help) {
  return Error{ErrorKind::Unsupported, "AWQ1540",
               "the simulator cannot run '" +
                   op->getName().getStringRef().str() + "': " + message,
               "", help};
}

Status LinearRun::compute(QuantizedLinearOp op) {
  QuantScheme scheme = toQuantScheme(op.getScheme());
  if (op.getLayout() && op.getLayout().getKind() != LayoutKind::MmaN32K128)
    return cannotFeed(op, "its weight has a layout that is not the kernels'",
                      "give plain codes, or codes in mma_n32k128");
  if (scheme.scale != ScaleType::F16)
    return cannotFeed(op, "kernels take scales of f16",
                      "quantize with scale = f16");
  const Tensor &x = values.at(op.getInput());
  int64_t n = op.getOutputChannels(), k = op.getInputChannels(), m = 1;
  std::vector<int64_t> shape = x.shape;
  for (size_t i = 0; i + 1 < shape.size(); ++i)
    m *= shape[i];
  shape.back() = n;

  // The launch for so many tokens; the last one takes more by more blocks.
  size_t index = 0, own = 0;
  op->getParentOfType<ModuleOp>().walk([&](QuantizedLinearOp other) {
    own = other == op ? index : own;
    ++index;
  });
  const std::vector<LinearKernels> &buckets = compiled.linears[own];
  const LinearKernels *launch = &buckets.back();
  for (const LinearKernels &bucket : llvm::reverse(buckets))
    if (m <= bucket.maxTokens)
      launch = &bucket;
  Result<LinearProgram> program = LinearProgram::load(module, *launch);
  if (!program)
    return program.error();

  std::vector<uint8_t> records = recordsOf(op, scheme);
  std::vector<uint16_t> bias;
  if (op.getBias())
    bias = to16(toFloats(values.at(op.getBias())));
  LinearWeight weight{scheme, n, k, records.data(),
                      bias.empty() ? nullptr : bias.data()};
  unsigned blocks =
      options.blocks
          ? options.blocks
          : static_cast<unsigned>(simulatedProcessors * launch->blocksPerSM);
  std::vector<uint16_t> input = to16(toFloats(x)), y(m * n);
  SimulatedLinear linear(*program, weight, m, blocks);
  Result<Report> report = linear.run(input.data(), y.data(), options.simulator);
  if (!report)
    return report.error();
  if (!report->clean())
    return Error{ErrorKind::Internal, "AWQ1541",
                 "the simulator finds a defect in a kernel: " +
                     report->text(false),
                 "kernel " + launch->kernel, "report it with the input"};

  Tensor bits{options.kernels.activations == "bf16" ? io::DType::BF16
                                                    : io::DType::F16,
              shape, std::vector<uint8_t>(y.size() * 2)};
  std::memcpy(bits.bytes.data(), y.data(), bits.bytes.size());
  auto type = cast<RankedTensorType>(op.getResult().getType());
  values[op.getResult()] =
      toTensor(toFloats(bits), *dtypeOf(type.getElementType()), shape);
  return {};
}

Result<TensorMap> LinearRun::run(const TensorMap &inputs) {
  if (Status status = bind(inputs); !status)
    return status.error();
  TensorMap results;
  for (Operation &op : function.getBody().front()) {
    if (auto linear = dyn_cast<QuantizedLinearOp>(op)) {
      if (Status status = compute(linear); !status)
        return status.error();
      continue;
    }
    if (auto parameter = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
      if (Status status = load(parameter); !status)
        return status.error();
      continue;
    }
    auto end = dyn_cast<func::ReturnOp>(op);
    if (!end)
      return cannotFeed(&op, "it is no quantized linear",
                        "run a function that has nothing else, or leave "
                        "--device=sim out");
    for (auto [index, value] : llvm::enumerate(end.getOperands()))
      results["result" + std::to_string(index)] = values.at(value);
  }
  return results;
}

/// The function called `name`, or the only public one.
static Result<func::FuncOp> choose(ModuleOp module, const std::string &name) {
  std::vector<func::FuncOp> found;
  std::string known;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isExternal())
      continue;
    known += (known.empty() ? "" : ", ") + function.getName().str();
    if (name.empty() || function.getName() == name)
      found.push_back(function);
  }
  if (found.size() == 1)
    return found[0];
  return Error{ErrorKind::Usage, "AWQ1520",
               name.empty() ? "there is no single entry point"
                            : "there is no entry point '" + name + "'",
               "", "choose one with --entry: " + known};
}

Result<TensorMap>
awq::gpusim::runOnSimulator(const std::string &path, const TensorMap &inputs,
                            const SimulatedRunOptions &options) {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  Result<OwningOpRef<ModuleOp>> module = loadModule(&context, path);
  if (!module)
    return module.error();
  Result<func::FuncOp> function = choose(**module, options.entry);
  if (!function)
    return function.error();
  Result<CompiledKernels> compiled = compileKernels(**module, options.kernels);
  if (!compiled)
    return compiled.error();
  Result<KernelModule> kernels = KernelModule::parse(compiled->bitcode);
  if (!kernels)
    return kernels.error();
  return LinearRun(*function, *compiled, *kernels, options).run(inputs);
}
