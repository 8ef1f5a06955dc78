//===- ParameterTable.cpp - the globals of an imported model --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ParameterTable.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cstring>

using namespace mlir;
using namespace awq;
using io::DType;
using io::TensorView;

static FloatType floatType(MLIRContext *context, DType dtype) {
  switch (dtype) {
  case DType::F16:
    return Float16Type::get(context);
  case DType::BF16:
    return BFloat16Type::get(context);
  default:
    return Float32Type::get(context);
  }
}

static std::string shapeText(ArrayRef<int64_t> shape) {
  return "[" +
         llvm::join(
             llvm::map_range(shape,
                             [](int64_t size) { return std::to_string(size); }),
             ", ") +
         "]";
}

std::string ParameterTable::where(const std::string &tensor) const {
  if (std::optional<TensorView> view = checkpoint->find(tensor))
    return view->file + ", tensor \"" + tensor + "\"";
  return llvm::join(checkpoint->files(), ", ");
}

//===----------------------------------------------------------------------===//
// Checks against the checkpoint
//===----------------------------------------------------------------------===//

/// The remedy for a tensor that is not there.
static std::string missingHelp(const io::Checkpoint &checkpoint,
                               const std::string &name) {
  llvm::StringRef linear = name;
  if (linear.consume_back(".weight")) {
    if (checkpoint.find(linear.str() + ".qweight"))
      return "the file has \"" + linear.str() +
             ".qweight\": the checkpoint is quantized, but its config.json has "
             "no quantization_config";
    if (linear == "lm_head")
      return "set tie_word_embeddings to true in config.json if the head "
             "shares the embedding's weights, or fetch the missing file";
  }
  return "fetch the checkpoint again, or correct the config.json that asks for "
         "it";
}

std::optional<TensorView> ParameterTable::require(const std::string &name,
                                                  ArrayRef<int64_t> shape,
                                                  ArrayRef<DType> allowed) {
  std::optional<TensorView> view = checkpoint->find(name);
  if (!view) {
    fail({ErrorKind::Malformed, "AWQ1120",
          "the checkpoint has no tensor \"" + name + "\"", where(name),
          missingHelp(*checkpoint, name)});
    return std::nullopt;
  }
  if (ArrayRef<int64_t>(view->shape) != shape) {
    fail({ErrorKind::Malformed, "AWQ1121",
          "tensor \"" + name + "\" has the shape " + shapeText(view->shape) +
              ", config.json implies " + shapeText(shape),
          where(name),
          "config.json and the weights must belong to the same model"});
    return std::nullopt;
  }
  if (!llvm::is_contained(allowed, view->dtype)) {
    std::string names = llvm::join(
        llvm::map_range(allowed, [](DType d) { return io::name(d); }), ", ");
    fail({ErrorKind::Malformed, "AWQ1122",
          "tensor \"" + name + "\" has the type " +
              std::string(io::name(view->dtype)) + ", expected " + names,
          where(name), "convert the checkpoint to one of these types"});
    return std::nullopt;
  }
  return view;
}

bool ParameterTable::sameBytes(const std::string &first,
                               const std::string &second) const {
  std::optional<TensorView> a = checkpoint->find(first);
  std::optional<TensorView> b = checkpoint->find(second);
  return a && b && a->dtype == b->dtype && a->shape == b->shape &&
         std::memcmp(a->data, b->data, a->bytes) == 0;
}

std::vector<std::string> ParameterTable::unused() const {
  std::vector<std::string> result;
  if (!checkpoint)
    return result;
  for (std::string &name : checkpoint->names())
    if (!declared.contains(name))
      result.push_back(std::move(name));
  return result;
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

Value ParameterTable::load(OpBuilder &builder, Location loc,
                           const std::string &name, RankedTensorType type,
                           Attribute splat) {
  MLIRContext *context = module.getContext();
  if (declared.try_emplace(name, type).second) {
    OpBuilder globals(context);
    if (lastGlobal)
      globals.setInsertionPointAfter(lastGlobal);
    else
      globals.setInsertionPointToStart(module.getBody());
    Attribute value = checkpoint
                          ? ml_program::ExternAttr::get(context, type)
                          : Attribute(DenseElementsAttr::get(type, splat));
    lastGlobal = ml_program::GlobalOp::create(
        globals, NameLoc::get(globals.getStringAttr(name)),
        globals.getStringAttr(name), TypeAttr::get(type),
        /*is_mutable=*/UnitAttr(), value, globals.getStringAttr("private"));
  }
  return ml_program::GlobalLoadConstOp::create(
      builder, loc, type, FlatSymbolRefAttr::get(context, name));
}

Value ParameterTable::loadFloat(OpBuilder &builder, Location loc,
                                const std::string &name,
                                ArrayRef<int64_t> shape, double splat) {
  DType dtype = config.dtype;
  if (checkpoint) {
    std::optional<TensorView> view =
        require(name, shape, {DType::F32, DType::F16, DType::BF16});
    if (!view)
      return tensor::EmptyOp::create(builder, loc, shape, builder.getF32Type());
    dtype = view->dtype;
  }
  FloatType element = floatType(module.getContext(), dtype);
  return load(builder, loc, name, RankedTensorType::get(shape, element),
              FloatAttr::get(element, splat));
}

bool ParameterTable::isQuantized(const std::string &linear, bool isHead) const {
  if (!config.quantization)
    return false;
  if (checkpoint)
    return has(linear + ".qweight");
  return !isHead &&
         llvm::none_of(config.quantization->modulesToNotConvert,
                       [&](llvm::StringRef part) {
                         return llvm::StringRef(linear).contains(part);
                       });
}

ParameterTable::QuantizedWeight
ParameterTable::loadQuantized(OpBuilder &builder, Location loc,
                              const std::string &linear, int64_t n, int64_t k) {
  MLIRContext *context = module.getContext();
  int64_t group = config.quantization->groupSize;
  int64_t size = group == 0 ? k : group;
  if (k % size != 0 || n % 8 != 0) {
    fail(
        {ErrorKind::Malformed, "AWQ1223",
         "\"" + linear + "\" is " + std::to_string(n) + " x " +
             std::to_string(k) + ": its " +
             (n % 8 != 0 ? "output channels are no multiple of 8"
                         : "input channels are no multiple of the group size " +
                               std::to_string(size)),
         config.file + ", field \"quantization_config\"",
         "correct group_size, or name the module in modules_to_not_convert"});
    return {};
  }
  int64_t groups = k / size;
  DType scaleType = DType::F16;
  if (checkpoint) {
    std::optional<TensorView> codes =
        require(linear + ".qweight", {k, n / 8}, {DType::I32});
    std::optional<TensorView> zeros =
        require(linear + ".qzeros", {groups, n / 8}, {DType::I32});
    std::optional<TensorView> scales =
        require(linear + ".scales", {groups, n}, {DType::F16, DType::BF16});
    if (!codes || !zeros || !scales)
      return {};
    scaleType = scales->dtype;
  }
  Type word = builder.getI32Type();
  FloatType scale = floatType(context, scaleType);
  auto layout = LayoutAttr::get(context, LayoutKind::AutoAWQGemm);
  // A splat has the code 8 everywhere and the zero point 7, so that no weight
  // is zero.
  QuantizedWeight result;
  result.codes = load(builder, loc, linear + ".qweight",
                      RankedTensorType::get({k, n / 8}, word, layout),
                      builder.getI32IntegerAttr(int32_t(0x88888888)));
  result.scales = load(builder, loc, linear + ".scales",
                       RankedTensorType::get({groups, n}, scale),
                       FloatAttr::get(scale, 1.0 / 64));
  result.zeros = load(builder, loc, linear + ".qzeros",
                      RankedTensorType::get({groups, n / 8}, word),
                      builder.getI32IntegerAttr(0x77777777));
  result.scheme = SchemeAttr::get(context, config.quantization->bits, group,
                                  ZeroPointKind::Asymmetric, scale);
  return result;
}
