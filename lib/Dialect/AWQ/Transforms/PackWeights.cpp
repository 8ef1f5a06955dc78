//===- PackWeights.cpp - codes in the layout of a kernel -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

namespace awq {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// The bytes that a float parameter has in a packed array of `type`.
static FailureOr<std::vector<char>> readPacked(Value value, PackedType type,
                                               ParameterStore &store) {
  std::vector<char> bytes;
  auto assign = [&](const void *data, size_t size) {
    bytes.assign(static_cast<const char *>(data),
                 static_cast<const char *>(data) + size);
  };
  if (type == PackedType::I32) {
    FailureOr<std::vector<uint32_t>> words = store.readWords(value);
    if (failed(words))
      return failure();
    assign(words->data(), words->size() * sizeof(uint32_t));
    return bytes;
  }
  FailureOr<std::vector<float>> floats = store.readFloats(value);
  if (failed(floats))
    return failure();
  if (type == PackedType::F32) {
    assign(floats->data(), floats->size() * sizeof(float));
    return bytes;
  }
  std::vector<uint16_t> halves(floats->size());
  floatToHalf(floats->data(), halves.data(), halves.size());
  assign(halves.data(), halves.size() * sizeof(uint16_t));
  return bytes;
}

static LogicalResult readPlain(QuantizedLinearOp op, ParameterStore &store,
                               QuantizedMatrix &result) {
  FailureOr<std::vector<uint8_t>> codes = store.readBytes(op.getCodes());
  FailureOr<std::vector<float>> scales = store.readFloats(op.getScales());
  if (failed(codes) || failed(scales))
    return failure();
  result.codes = std::move(*codes);
  result.scales = std::move(*scales);
  if (!op.getZeros())
    return success();
  FailureOr<std::vector<uint8_t>> zeros = store.readBytes(op.getZeros());
  if (succeeded(zeros))
    result.zeros = std::move(*zeros);
  return success(succeeded(zeros));
}

static LogicalResult readPackedWeight(QuantizedLinearOp op,
                                      ParameterStore &store,
                                      QuantizedMatrix &result) {
  LayoutAttr attr = op.getLayout();
  const Layout *layout = findLayout(stringifyLayoutKind(attr.getKind()));
  if (!layout)
    return op.emitError("codes in layout ") << attr << " cannot be unpacked";
  int64_t groups = result.scheme.groups(result.k);
  auto codes = readPacked(op.getCodes(), PackedType::I32, store);
  auto scales = readPacked(op.getScales(),
                           layout->scalesShape(result.n, groups).type, store);
  if (failed(codes) || failed(scales))
    return failure();
  result.codes.resize(result.n * result.k);
  layout->unpackCodes(codes->data(), result.n, result.k, result.codes.data());
  result.scales.resize(result.n * groups);
  layout->unpackScales(scales->data(), result.n, groups, result.scales.data());
  if (!op.getZeros())
    return success();
  auto zeros = readPacked(op.getZeros(),
                          layout->zerosShape(result.n, groups).type, store);
  if (failed(zeros))
    return failure();
  result.zeros.resize(result.n * groups);
  layout->unpackZeros(zeros->data(), result.n, groups, result.zeros.data());
  return success();
}

FailureOr<QuantizedMatrix> awq::readQuantizedWeight(QuantizedLinearOp op,
                                                    ParameterStore &store) {
  QuantizedMatrix result;
  result.scheme = toQuantScheme(op.getScheme());
  result.n = op.getOutputChannels();
  result.k = op.getInputChannels();
  if (failed(op.getLayout() ? readPackedWeight(op, store, result)
                            : readPlain(op, store, result)))
    return failure();
  if (result.zeros.empty())
    result.zeros.assign(result.scales.size(), result.scheme.symmetricZero());
  // A number wider than its slot would spill into its neighbour.
  auto isTooWide = [&](uint8_t value) {
    return value > result.scheme.maxCode();
  };
  auto code = llvm::find_if(result.codes, isTooWide);
  if (code != result.codes.end()) {
    int64_t place = code - result.codes.begin();
    return op.emitOpError("has the code ")
           << int(*code) << " in row " << place / result.k << ", channel "
           << place % result.k << ", beyond " << result.scheme.bits << " bits";
  }
  if (llvm::any_of(result.zeros, isTooWide))
    return op.emitOpError("has a zero point beyond ")
           << result.scheme.bits << " bits";
  return result;
}

/// Defines one packed array as a parameter.
template <typename Pack>
static FailureOr<Value>
definePacked(QuantizedLinearOp op, StringRef suffix, const PackedArray &array,
             Attribute encoding, Pack pack, ParameterStore &store) {
  OpBuilder builder(op);
  Type element = array.type == PackedType::I32   ? Type(builder.getI32Type())
                 : array.type == PackedType::F16 ? Type(builder.getF16Type())
                                                 : Type(builder.getF32Type());
  std::vector<char> bytes(array.bytes());
  pack(bytes.data());
  return store.define(builder, op.getLoc(), getOpName(op) + suffix.str(),
                      RankedTensorType::get(array.shape, element, encoding),
                      bytes, op.getCodes());
}

static LogicalResult repack(QuantizedLinearOp op, const Layout &layout,
                            ParameterStore &store) {
  StringRef layoutName(layout.name.data(), layout.name.size());
  std::optional<LayoutKind> kind = symbolizeLayoutKind(layoutName);
  std::string name = getOpName(op);
  int64_t n = op.getOutputChannels(), k = op.getInputChannels();
  int64_t groups = op.getScheme().getNumGroups(k);
  if (Status status =
          validateLayout(layout, toQuantScheme(op.getScheme()), n, k, name);
      !status)
    return awq::emitError(op.getLoc(), status.error());
  FailureOr<QuantizedMatrix> plain = readQuantizedWeight(op, store);
  if (failed(plain))
    return failure();
  if (Status status =
          checkScales(layout, plain->scales.data(), n, groups, name);
      !status)
    return awq::emitError(op.getLoc(), status.error());

  std::string suffix = ("." + layoutName).str();
  FailureOr<Value> codes = definePacked(
      op, ".codes" + suffix, layout.codesShape(n, k),
      LayoutAttr::get(op.getContext(), *kind),
      [&](void *to) { layout.packCodes(plain->codes.data(), n, k, to); },
      store);
  FailureOr<Value> scales = definePacked(
      op, ".scales" + suffix, layout.scalesShape(n, groups), Attribute(),
      [&](void *to) { layout.packScales(plain->scales.data(), n, groups, to); },
      store);
  if (failed(codes) || failed(scales))
    return failure();
  if (op.getZeros()) {
    FailureOr<Value> zeros = definePacked(
        op, ".zeros" + suffix, layout.zerosShape(n, groups), Attribute(),
        [&](void *to) { layout.packZeros(plain->zeros.data(), n, groups, to); },
        store);
    if (failed(zeros))
      return failure();
    op.getZerosMutable().assign(*zeros);
  }
  op.getCodesMutable().assign(*codes);
  op.getScalesMutable().assign(*scales);
  return success();
}

namespace {

struct PackWeights : public awq::impl::PackWeightsPassBase<PackWeights> {
  using PackWeightsPassBase::PackWeightsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (layout != "cpu" && !findLayout(layout)) {
      InFlightDiagnostic diagnostic = module.emitError("there is no layout '")
                                      << layout << "'; choose cpu";
      for (const Layout &known : layouts())
        diagnostic << ", " << StringRef(known.name.data(), known.name.size());
      return signalPassFailure();
    }
    ParameterStore store(module, sideFile);
    WalkResult walk = module.walk([&](QuantizedLinearOp op) {
      const Layout &wanted = layout == "cpu"
                                 ? cpuLayout(op.getScheme().getBits())
                                 : *findLayout(layout);
      LayoutAttr present = op.getLayout();
      if (present && stringifyLayoutKind(present.getKind()) ==
                         StringRef(wanted.name.data(), wanted.name.size()))
        return WalkResult::advance();
      return WalkResult(repack(op, wanted, store));
    });
    if (walk.wasInterrupted() || failed(store.commit()))
      return signalPassFailure();
    SmallVector<Operation *> unused;
    module.walk([&](Operation *op) {
      if (isa<arith::ConstantOp, ml_program::GlobalLoadConstOp>(op) &&
          op->use_empty())
        unused.push_back(op);
    });
    for (Operation *op : unused)
      op->erase();
  }
};

} // namespace
