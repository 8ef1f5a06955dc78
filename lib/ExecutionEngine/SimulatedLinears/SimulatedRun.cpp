//===- SimulatedRun.cpp - runs quantized linears of a file ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/SimulatedLinears/SimulatedRun.h"

#include "Tensors.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/RecordLayout.h"
#include "awq/IO/Safetensors.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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
        options(options), store(function->getParentOfType<ModuleOp>()) {}

  Result<TensorMap> run(const TensorMap &inputs);

private:
  std::string nameOf(BlockArgument argument);
  Status bind(const TensorMap &inputs);
  Status bind(BlockArgument argument, const Tensor &tensor);
  Status load(ml_program::GlobalLoadConstOp op);
  Status compute(QuantizedWeightOpInterface op);
  Result<std::vector<uint8_t>> recordsOf(QuantizedWeightOpInterface op);
  Result<std::vector<float>> floatsOf(Value value);
  std::vector<uint16_t> to16(const std::vector<float> &numbers) const;
  Result<std::vector<uint16_t>> bits16Of(Value value);
  Status take(tensor::ExtractSliceOp op);

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
  /// Evaluates what is made of parameters.
  ParameterStore store;
};

} // namespace

static std::string textOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::string LinearRun::nameOf(BlockArgument argument) {
  unsigned index = argument.getArgNumber();
  if (auto name = function.getArgAttrOfType<StringAttr>(index, "awq.name"))
    return name.getValue().str();
  return "arg" + std::to_string(index);
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

static Error cannotFeed(Operation *op, const std::string &message,
                        const std::string &help) {
  return Error{ErrorKind::Unsupported, "AWQ1540",
               "the simulator cannot run '" +
                   op->getName().getStringRef().str() + "': " + message,
               "", help};
}

static Error unreadable(Value value) {
  return Error{ErrorKind::Malformed, "AWQ1522", "a parameter cannot be read",
               textOf(value.getType()),
               "the message before this one tells why"};
}

/// The numbers of a value that is there already, or made of parameters.
Result<std::vector<float>> LinearRun::floatsOf(Value value) {
  auto known = values.find(value);
  if (known != values.end())
    return toFloats(known->second);
  FailureOr<std::vector<float>> numbers = store.readFloats(value);
  if (failed(numbers))
    return unreadable(value);
  return std::move(*numbers);
}

Result<std::vector<uint16_t>> LinearRun::bits16Of(Value value) {
  Result<std::vector<float>> numbers = floatsOf(value);
  if (!numbers)
    return numbers.error();
  return to16(*numbers);
}

/// The op's weight as records: packed here if the codes are plain.
Result<std::vector<uint8_t>>
LinearRun::recordsOf(QuantizedWeightOpInterface op) {
  auto known = values.find(op.getCodes());
  if (op.getLayout() && known != values.end())
    return known->second.bytes;
  QuantizedMatrix matrix;
  matrix.scheme = toQuantScheme(op.getScheme());
  matrix.n = op.getOutputChannels();
  matrix.k = op.getInputChannels();
  if (known == values.end()) {
    FailureOr<QuantizedMatrix> read = readQuantizedWeight(op, store);
    if (failed(read))
      return unreadable(op.getCodes());
    matrix = std::move(*read);
  } else {
    Result<std::vector<float>> scales = floatsOf(op.getScales());
    if (!scales)
      return scales.error();
    matrix.codes = known->second.bytes;
    matrix.scales = std::move(*scales);
    matrix.zeros.resize(matrix.scales.size());
    if (op.getZeros())
      matrix.zeros = values.at(op.getZeros()).bytes;
  }
  SmallVector<int64_t> order = op.getRowOrder();
  reorderRows(matrix, {order.begin(), order.end()});
  std::vector<uint8_t> records(
      RecordGeometry(matrix.scheme, matrix.n, matrix.k).totalBytes());
  packRecords(matrix.scheme, matrix.n, matrix.k, matrix.codes.data(),
              matrix.scales.data(), matrix.zeros.data(), records.data());
  return records;
}

namespace {

/// The data of a LinearFusion, of an op that is no fused linear too.
struct FusionData {
  std::vector<float> norm, cosines, sines;
  std::vector<uint16_t> residual;
  LinearFusion fusion;
};

} // namespace

/// Reads what `op` computes besides the linear; `read` and `read16` give the
/// numbers of a value.
template <typename Read, typename Read16>
static Status readFusion(QuantizedWeightOpInterface op, Read read,
                         Read16 read16, FusionData &data) {
  auto fused = dyn_cast<FusedLinearOp>(op.getOperation());
  if (!fused)
    return {};
  auto take = [](auto &to, auto from) -> Status {
    if (!from)
      return from.error();
    to = std::move(*from);
    return {};
  };
  LinearFusion &fusion = data.fusion;
  fusion.gate = fused.getGate().has_value();
  if (fused.getNorm()) {
    if (Status status = take(data.norm, read(fused.getNorm())); !status)
      return status;
    auto offset = static_cast<float>(fused.getNormOffset().convertToDouble());
    for (float &weight : data.norm)
      weight += offset;
    fusion.norm = data.norm.data();
    fusion.epsilon =
        static_cast<float>(fused.getNormEpsilon()->convertToDouble());
  }
  if (std::optional<RotaryAttr> turn = fused.getTurn()) {
    if (Status status = take(data.cosines, read(fused.getCosines())); !status)
      return status;
    if (Status status = take(data.sines, read(fused.getSines())); !status)
      return status;
    fusion.cosines = data.cosines.data();
    fusion.sines = data.sines.data();
    fusion.turnedRows = turn->getRows();
    fusion.headSize = turn->getHeadSize();
    fusion.half =
        cast<RankedTensorType>(fused.getCosines().getType()).getDimSize(1);
  }
  if (fused.getResidual()) {
    if (Status status = take(data.residual, read16(fused.getResidual()));
        !status)
      return status;
    fusion.residual = data.residual.data();
  }
  return {};
}

Status LinearRun::compute(QuantizedWeightOpInterface op) {
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
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  shape.back() = type.getShape().back();

  size_t index = 0, own = 0;
  op->getParentOfType<ModuleOp>().walk([&](QuantizedWeightOpInterface other) {
    own = other == op ? index : own;
    ++index;
  });
  const LinearKernels *launch = &compiled.select(own, m);
  Result<LinearProgram> program = LinearProgram::load(module, *launch);
  if (!program)
    return program.error();

  Result<std::vector<uint8_t>> records = recordsOf(op);
  if (!records)
    return records.error();
  Result<std::vector<uint16_t>> bias = std::vector<uint16_t>();
  if (op.getBias())
    bias = bits16Of(op.getBias());
  if (!bias)
    return bias.error();
  LinearWeight weight{scheme, n, k, records->data(),
                      op.getBias() ? bias->data() : nullptr};
  FusionData data;
  Status status = readFusion(
      op, [&](Value value) { return floatsOf(value); },
      [&](Value value) { return bits16Of(value); }, data);
  if (!status)
    return status;
  unsigned blocks =
      options.blocks
          ? options.blocks
          : static_cast<unsigned>(simulatedProcessors * launch->blocksPerSM);
  std::vector<uint16_t> input = to16(toFloats(x)), y(m * shape.back());
  SimulatedLinear linear(*program, weight, m, blocks, data.fusion);
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
  values[op->getResult(0)] =
      toTensor(toFloats(bits), *toDType(type.getElementType()), shape);
  return {};
}

Status LinearRun::take(tensor::ExtractSliceOp op) {
  const Tensor &source = values.at(op.getSource());
  if (source.shape.size() != 2 || op.getType().getRank() != 2 ||
      op.isDynamicOffset(1) || op.isDynamicSize(1) || op.isDynamicStride(1) ||
      op.getStaticStride(1) != 1)
    return cannotFeed(op, "it is no slice of columns",
                      "run a function without it");
  values[op.getResult()] =
      takeColumns(source, op.getStaticOffset(1), op.getStaticSize(1));
  return {};
}

Result<TensorMap> LinearRun::run(const TensorMap &inputs) {
  if (Status status = bind(inputs); !status)
    return status.error();
  TensorMap results;
  for (Operation &op : function.getBody().front()) {
    if (auto linear = dyn_cast<QuantizedWeightOpInterface>(op)) {
      if (Status status = compute(linear); !status)
        return status.error();
      continue;
    }
    if (auto parameter = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
      if (Status status = load(parameter); !status)
        return status.error();
      continue;
    }
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      if (Status status = take(slice); !status)
        return status.error();
      continue;
    }
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) &&
        values.count(op.getOperand(0))) {
      values[op.getResult(0)] =
          reshape(values.at(op.getOperand(0)),
                  cast<RankedTensorType>(op.getResult(0).getType()));
      continue;
    }
    // Sizes and what is made of parameters: for those who read it.
    if (isa<tensor::DimOp, arith::ConstantOp>(op) ||
        (op.getNumResults() > 0 && llvm::all_of(op.getResults(), isParameter)))
      continue;
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
