//===- QuantOps.cpp - operators on codes and scales ------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "BlockWeights.h"
#include "Constants.h"
#include "OpContext.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <numeric>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

//===----------------------------------------------------------------------===//
// Scales of a tensor, an axis or blocks
//===----------------------------------------------------------------------===//

namespace {
/// Reads a scale or zero point for an element: of the whole tensor, of an axis,
/// or of a block along an axis.
struct Spread {
  Value table;
  int64_t rank = 0, axis = 0, block = 0;

  Value read(Emitter &e, ImplicitLocOpBuilder &b, ValueRange at) const {
    if (rank == 0)
      return e.readElement(b, table, {});
    if (block == 0)
      return e.readElement(b, table, at[axis]);
    SmallVector<Value> places(at);
    places[axis] = arith::DivUIOp::create(
        b, places[axis], arith::ConstantIndexOp::create(b, block));
    return e.readElement(b, table, places);
  }
};
} // namespace

/// `axis` and `block` are the node's; notes a shape that does not fit.
static Spread spread(OpContext &op, const Tensor &x, Tensor table, int64_t axis,
                     int64_t block) {
  Spread result;
  if (countElements(table.shape) == 1 && block == 0) {
    table = op.e.reshape(table, {});
  } else if (block == 0) {
    if (table.rank() != 1 ||
        op.e.dims.isEqual(table.shape[0], x.shape[axis]) == false)
      op.note(op.invalid("scales that do not fit the axis"));
  } else {
    bool fits = table.rank() == x.rank();
    for (int64_t i = 0; fits && i < x.rank(); ++i) {
      auto whole = x.shape[i].constant(), part = table.shape[i].constant();
      if (whole && part)
        fits =
            i == axis ? *part == (*whole + block - 1) / block : *whole == *part;
    }
    if (!fits)
      op.note(op.invalid("scales that do not fit the blocks"));
  }
  result.rank = table.rank();
  result.axis = axis;
  result.block = block;
  result.table = op.e.value(table);
  return result;
}

/// The range of codes of a type.
static std::pair<double, double> rangeOf(OnnxType type) {
  int64_t bits = io::bitWidth(type);
  if (isUnsigned(type))
    return {0.0, double((int64_t(1) << bits) - 1)};
  return {-double(int64_t(1) << (bits - 1)),
          double((int64_t(1) << (bits - 1)) - 1)};
}

static bool isCode(OnnxType type) {
  return isInteger(type) && type != OnnxType::Bool && io::bitWidth(type) <= 16;
}

//===----------------------------------------------------------------------===//
// DequantizeLinear
//===----------------------------------------------------------------------===//

/// A matrix of constant codes with blocks along one axis, as awq.dequantize.
static std::optional<Tensor> dequantizeWeight(OpContext &op, int64_t axis,
                                              int64_t block) {
  const Tensor &x = op.inputs[0];
  const io::OnnxTensor *codes = x.initializer;
  int64_t bits = io::bitWidth(x.type);
  if (!codes || x.rank() != 2 || block == 0 || bits > 8)
    return std::nullopt;
  const io::OnnxTensor *zeros = op.has(2) ? op.inputs[2].initializer : nullptr;
  if (op.has(2) && !zeros)
    return std::nullopt;
  BlockWeight weight;
  if (llvm::size(codes->shape) != 2)
    return std::nullopt;
  int64_t rows = codes->shape[0], columns = codes->shape[1];
  int shift = isUnsigned(x.type) ? 0 : 1 << (bits - 1);
  weight.codes = readCodes(*codes, shift);
  weight.bits = bits;
  weight.group = block;
  weight.scales = op.inputs[1];
  int64_t blocks = (codes->shape[axis] + block - 1) / block;
  if (zeros)
    weight.zeros = readCodes(*zeros, shift);
  else if (isUnsigned(x.type))
    weight.zeros.assign(blocks * codes->shape[1 - axis], 0);
  weight.rows = rows;
  weight.columns = columns;
  if (axis == 0) {
    // Blocks run along the input channels, which come first in ONNX.
    std::swap(weight.rows, weight.columns);
    weight.codes = transposeBytes(weight.codes, rows, columns);
    weight.zeros = transposeBytes(weight.zeros, blocks, columns);
    weight.scales = op.e.transpose(weight.scales, {1, 0});
  }
  std::optional<Tensor> result = weight.emit(op.e);
  if (result && axis == 0)
    result = op.e.transpose(*result, {1, 0});
  return result;
}

static Status dequantizeLinear(OpContext &op) {
  Tensor x = op.input(0), scale = op.input(1);
  int64_t block = op.getInt("block_size", 0);
  int64_t axis = x.rank() == 0
                     ? 0
                     : op.axis(op.getInt("axis", 1) >= x.rank() && x.rank() == 1
                                   ? 0
                                   : op.getInt("axis", 1),
                               x.rank());
  if (!op.ok())
    return op.status();
  bool isWide = x.type == OnnxType::I32;
  if ((!isCode(x.type) && !isWide) || !isFloat(scale.type))
    return op.unsupported("codes of " + io::name(x.type) + " with scales of " +
                          io::name(scale.type));
  if (op.has(2) && op.inputs[2].type != x.type)
    return op.invalid("zero points of another type than the codes");
  if (block < 0)
    return op.invalid("a block_size of " + Twine(block));
  OnnxType type = scale.type;
  if (int64_t wanted = op.getInt("output_dtype", 0))
    type = static_cast<OnnxType>(wanted);
  if (!isFloat(type))
    return op.unsupported("a result of " + io::name(type));
  Spread scales = spread(op, x, scale, axis, block);
  Spread zeros;
  if (op.has(2))
    zeros = spread(op, x, op.inputs[2], axis, block);
  if (!op.ok())
    return op.status();
  if (auto weight = dequantizeWeight(op, axis, block))
    return op.set(op.e.cast(*weight, type));
  Value codes = op.e.value(x);
  OnnxType from = x.type;
  Type result = op.e.elementType(type);
  return op.set(op.e.generate(
      type, x.shape, [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        auto widenCode = [&](Value code) {
          return castElement(b, code, from, b.getI32Type(), OnnxType::I32);
        };
        Value code = widenCode(op.e.readElement(b, codes, at));
        if (zeros.table)
          code = arith::SubIOp::create(b, code,
                                       widenCode(zeros.read(op.e, b, at)));
        Value number = arith::SIToFPOp::create(b, b.getF32Type(), code);
        Value factor = castElement(b, scales.read(op.e, b, at), scale.type,
                                   b.getF32Type(), OnnxType::F32);
        return castElement(b, arith::MulFOp::create(b, number, factor),
                           OnnxType::F32, result, type);
      }));
}

//===----------------------------------------------------------------------===//
// QuantizeLinear
//===----------------------------------------------------------------------===//

/// clamp(rne(x / scale) + zero) as an integer of `type`.
static Value quantize(ImplicitLocOpBuilder &b, Value x, Value scale, Value zero,
                      OnnxType type, Type element) {
  auto [low, high] = rangeOf(type);
  auto number = [&](double value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  Value code = math::RoundEvenOp::create(b, arith::DivFOp::create(b, x, scale));
  if (zero)
    code = arith::AddFOp::create(b, code, zero);
  code = arith::MaximumFOp::create(b, code, number(low));
  code = arith::MinimumFOp::create(b, code, number(high));
  Value integer = arith::FPToSIOp::create(b, b.getI32Type(), code);
  return arith::TruncIOp::create(b, element, integer);
}

static Status quantizeLinear(OpContext &op) {
  Tensor x = op.input(0), scale = op.input(1);
  int64_t block = op.getInt("block_size", 0);
  int64_t given = op.getInt("axis", 1);
  int64_t axis = x.rank() <= 1 ? 0 : op.axis(given, x.rank());
  OnnxType type = op.has(2) ? op.inputs[2].type : OnnxType::U8;
  if (int64_t wanted = op.getInt("output_dtype", 0))
    type = static_cast<OnnxType>(wanted);
  if (!op.ok())
    return op.status();
  if (!isCode(type))
    return op.unsupported("codes of " + io::name(type));
  if (op.getInt("precision", 0) != 0)
    return op.unsupported("a precision of its own");
  if ((!isFloat(x.type) && x.type != OnnxType::I32) || !isFloat(scale.type) ||
      block < 0)
    return op.invalid("an input of " + io::name(x.type));
  Spread scales = spread(op, x, scale, axis, block);
  Spread zeros;
  if (op.has(2))
    zeros = spread(op, x, op.inputs[2], axis, block);
  if (!op.ok())
    return op.status();
  Value source = op.e.value(x);
  Type element = op.e.elementType(type);
  OnnxType from = x.type;
  return op.set(op.e.generate(
      type, x.shape, [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Type wide = b.getF32Type();
        auto asFloat = [&](Value value, OnnxType held) {
          return castElement(b, value, held, wide, OnnxType::F32);
        };
        Value zero;
        if (zeros.table)
          zero = asFloat(zeros.read(op.e, b, at), type);
        return quantize(b, asFloat(op.e.readElement(b, source, at), from),
                        asFloat(scales.read(op.e, b, at), scale.type), zero,
                        type, element);
      }));
}

static Status dynamicQuantizeLinear(OpContext &op) {
  Tensor x = op.input(0);
  if (!op.ok() || x.type != OnnxType::F32)
    return op.ok() ? op.invalid("an input of " + io::name(x.type))
                   : op.status();
  std::vector<int64_t> axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  Tensor zero = op.e.scalar(OnnxType::F32, 0.0);
  auto bound = [&](Reduction kind) {
    Tensor most = op.e.reshape(op.e.reduce(kind, x, axes), {});
    return op.e.map({most, zero}, OnnxType::F32,
                    [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                      if (kind == Reduction::Max)
                        return arith::MaximumFOp::create(b, in[0], in[1]);
                      return arith::MinimumFOp::create(b, in[0], in[1]);
                    });
  };
  Tensor high = bound(Reduction::Max), low = bound(Reduction::Min);
  Tensor scale =
      op.e.divide(op.e.subtract(high, low), op.e.scalar(OnnxType::F32, 255.0));
  Type byte = op.e.elementType(OnnxType::U8);
  // The zero point is the code of 0 - low.
  Tensor point =
      op.e.map({low, scale}, OnnxType::U8,
               [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                 Value down = arith::NegFOp::create(b, in[0]);
                 return quantize(b, down, in[1], Value(), OnnxType::U8, byte);
               });
  Tensor codes =
      op.e.map({x, scale, point}, OnnxType::U8,
               [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                 Value shift =
                     arith::UIToFPOp::create(b, b.getF32Type(), in[2]);
                 return quantize(b, in[0], in[1], shift, OnnxType::U8, byte);
               });
  op.put(codes, 0);
  op.put(scale, 1);
  op.put(point, 2);
  return op.status();
}

//===----------------------------------------------------------------------===//
// com.microsoft
//===----------------------------------------------------------------------===//

static Status matMulNBits(OpContext &op) {
  Tensor x = op.input(0), scales = op.input(2);
  int64_t rows = op.getInt("N", 0), columns = op.getInt("K", 0);
  int64_t block = op.getInt("block_size", 0), bits = op.getInt("bits", 4);
  if (op.has(4))
    return op.unsupported("a group index");
  if (!op.ok())
    return op.status();
  if (x.rank() == 0 || !isFloat(x.type) ||
      op.e.dims.isEqual(x.shape.back(), columns) == false)
    return op.invalid("an input that does not fit K = " + Twine(columns));
  BlockWeight weight = readBlocks(op, rows, columns, block, bits, op.input(1),
                                  scales, op.has(3) ? op.inputs[3] : Tensor());
  if (!op.ok())
    return op.status();
  std::optional<Tensor> floats = weight.emit(op.e);
  if (!floats)
    return op.unsupported("blocks of " + Twine(block));
  std::string lead;
  for (int64_t i = 0; i + 1 < x.rank(); ++i)
    lead += static_cast<char>('A' + i);
  Tensor result = op.e.contract({x, *floats}, {lead + "k", "nk"}, lead + "n",
                                OnnxType::F32);
  if (op.has(5))
    result = op.e.add(result, op.e.cast(op.inputs[5], OnnxType::F32));
  return op.set(op.e.cast(result, x.type));
}

static Status gatherBlockQuantized(OpContext &op) {
  Tensor data = op.input(0), indices = op.input(1), scales = op.input(2);
  int64_t block = op.getInt("block_size", 128), bits = op.getInt("bits", 4);
  int64_t axis = op.axis(op.getInt("gather_axis", 0), data.rank());
  int64_t along = op.axis(op.getInt("quantize_axis", 1), data.rank());
  if (!op.ok())
    return op.status();
  const io::OnnxTensor *codes = data.initializer;
  if (!codes || data.rank() != 2 || axis != 0 || along != 1)
    return op.unsupported("anything but rows of a constant table");
  std::optional<Tensor> table;
  auto rows = data.shape[0].constant(), bytes = data.shape[1].constant();
  if (data.type == OnnxType::U8 && rows && bytes) {
    int64_t columns = *bytes * 8 / bits;
    BlockWeight weight =
        readBlocks(op, *rows, columns, block, bits, data, scales,
                   op.has(3) ? op.inputs[3] : Tensor());
    if (!op.ok())
      return op.status();
    table = weight.emit(op.e);
  } else {
    // INT4 or UINT4, as in DequantizeLinear.
    std::vector<Tensor> inputs = {data, scales};
    if (op.has(3))
      inputs.push_back(op.inputs[3]);
    std::swap(op.inputs, inputs);
    table = dequantizeWeight(op, 1, block);
    std::swap(op.inputs, inputs);
  }
  if (!table)
    return op.unsupported("blocks of " + Twine(block));
  if (!isInteger(indices.type))
    return op.invalid("indices of " + io::name(indices.type));
  return op.set(op.e.cast(rowsAt(op.e, *table, indices), scales.type));
}

ArrayRef<OpEntry> onnx::quantOps() {
  static const OpEntry entries[] = {
      {"DequantizeLinear", dequantizeLinear, 10, kNewestOpset, "",
       "integer codes; f32 arithmetic"},
      {"DynamicQuantizeLinear", dynamicQuantizeLinear, 11},
      {"GatherBlockQuantized", gatherBlockQuantized, 1, 1, "com.microsoft",
       "rows of a constant table, blocks along its columns"},
      {"MatMulNBits", matMulNBits, 1, 1, "com.microsoft",
       "constant codes of 2, 4 or 8 bits, blocks that divide K; no group "
       "index, no float zero points"},
      {"QuantizeLinear", quantizeLinear, 10, kNewestOpset, "",
       "integer codes; f32 arithmetic, no `precision`"},
  };
  return entries;
}
