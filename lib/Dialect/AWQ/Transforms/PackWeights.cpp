//===- PackWeights.cpp - codes in the layout of a kernel -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedWeights.h"

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

namespace awq {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

static LogicalResult readPlain(QuantizedWeightOpInterface op,
                               ParameterStore &store, QuantizedMatrix &result) {
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

static std::vector<int64_t> rowOrder(QuantizedWeightOpInterface op) {
  SmallVector<int64_t> order = op.getRowOrder();
  return {order.begin(), order.end()};
}

/// Records hold codes, scales and zero points in one array.
static LogicalResult readRecords(QuantizedWeightOpInterface op,
                                 const Layout &layout, ParameterStore &store,
                                 QuantizedMatrix &result) {
  FailureOr<std::vector<uint32_t>> words = store.readWords(op.getCodes());
  if (failed(words))
    return failure();
  int64_t groups = result.scheme.groups(result.k);
  result.codes.resize(result.n * result.k);
  result.scales.resize(result.n * groups);
  if (!result.scheme.symmetric)
    result.zeros.resize(result.n * groups);
  layout.unpackAll(result.scheme, result.n, result.k, words->data(),
                   result.codes.data(), result.scales.data(),
                   result.zeros.data());
  restoreRows(result, rowOrder(op));
  return success();
}

static LogicalResult readPacked(QuantizedWeightOpInterface op,
                                ParameterStore &store,
                                QuantizedMatrix &result) {
  const Layout *layout =
      findLayout(stringifyLayoutKind(op.getLayout().getKind()));
  if (layout && layout->isRecords())
    return readRecords(op, *layout, store, result);
  PackedWeight weight = getPackedWeight(op);
  FailureOr<std::vector<uint8_t>> codes = weight.readCodes(store);
  FailureOr<std::vector<float>> scales = weight.readScales(store);
  FailureOr<std::vector<uint8_t>> zeros = weight.readZeros(store);
  if (failed(codes) || failed(scales) || failed(zeros))
    return failure();
  result.codes = std::move(*codes);
  result.scales = std::move(*scales);
  result.zeros = std::move(*zeros);
  return success();
}

FailureOr<QuantizedMatrix>
awq::readQuantizedWeight(QuantizedWeightOpInterface op, ParameterStore &store) {
  QuantizedMatrix result;
  result.scheme = toQuantScheme(op.getScheme());
  result.n = op.getOutputChannels();
  result.k = op.getInputChannels();
  if (failed(op.getLayout() ? readPacked(op, store, result)
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
    return op->emitOpError("has the code ")
           << int(*code) << " in row " << place / result.k << ", channel "
           << place % result.k << ", beyond " << result.scheme.bits << " bits";
  }
  if (llvm::any_of(result.zeros, isTooWide))
    return op->emitOpError("has a zero point beyond ")
           << result.scheme.bits << " bits";
  return result;
}

/// Defines one packed array as a parameter.
template <typename Pack>
static FailureOr<Value> definePacked(QuantizedWeightOpInterface op,
                                     StringRef suffix, const PackedArray &array,
                                     Attribute encoding, Pack pack,
                                     ParameterStore &store) {
  OpBuilder builder(op.getOperation());
  Type element = array.type == PackedType::I32   ? Type(builder.getI32Type())
                 : array.type == PackedType::F16 ? Type(builder.getF16Type())
                                                 : Type(builder.getF32Type());
  std::vector<char> bytes(array.bytes());
  pack(bytes.data());
  return store.define(builder, op.getLoc(), getOpName(op) + suffix.str(),
                      RankedTensorType::get(array.shape, element, encoding),
                      bytes, op.getCodes());
}

/// Gives `op` one array of records.
static LogicalResult defineRecords(QuantizedWeightOpInterface op,
                                   const Layout &layout, LayoutKind kind,
                                   QuantizedMatrix &plain,
                                   ParameterStore &store) {
  reorderRows(plain, rowOrder(op));
  std::string suffix = ".records." + std::string(layout.name);
  FailureOr<Value> records = definePacked(
      op, suffix, layout.recordsShape(plain.scheme, plain.n, plain.k),
      LayoutAttr::get(op.getContext(), kind),
      [&](void *to) {
        layout.packAll(plain.scheme, plain.n, plain.k, plain.codes.data(),
                       plain.scales.data(), plain.zeros.data(), to);
      },
      store);
  if (failed(records))
    return failure();
  op.getCodesMutable().set(*records);
  op.getScalesMutable().clear();
  op.getZerosMutable().clear();
  return success();
}

/// Gives `op` arrays of codes, of scales and, if it is asymmetric, of zeros.
static LogicalResult defineArrays(QuantizedWeightOpInterface op,
                                  const Layout &layout, LayoutKind kind,
                                  QuantizedMatrix &plain,
                                  ParameterStore &store) {
  int64_t n = plain.n, k = plain.k, groups = plain.scheme.groups(k);
  std::string suffix = "." + std::string(layout.name);
  FailureOr<Value> codes = definePacked(
      op, ".codes" + suffix, layout.codesShape(n, k),
      LayoutAttr::get(op.getContext(), kind),
      [&](void *to) { layout.packCodes(plain.codes.data(), n, k, to); }, store);
  FailureOr<Value> scales = definePacked(
      op, ".scales" + suffix, layout.scalesShape(n, groups), Attribute(),
      [&](void *to) { layout.packScales(plain.scales.data(), n, groups, to); },
      store);
  if (failed(codes) || failed(scales))
    return failure();
  if (!plain.scheme.symmetric) {
    FailureOr<Value> zeros = definePacked(
        op, ".zeros" + suffix, layout.zerosShape(n, groups), Attribute(),
        [&](void *to) { layout.packZeros(plain.zeros.data(), n, groups, to); },
        store);
    if (failed(zeros))
      return failure();
    op.getZerosMutable().assign(*zeros);
  }
  op.getCodesMutable().set(*codes);
  op.getScalesMutable().assign(*scales);
  return success();
}

static LogicalResult repack(QuantizedWeightOpInterface op, const Layout &layout,
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

  return layout.isRecords() ? defineRecords(op, layout, *kind, *plain, store)
                            : defineArrays(op, layout, *kind, *plain, store);
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
    WalkResult walk = module.walk([&](QuantizedWeightOpInterface op) {
      const Layout &wanted = layout == "cpu"
                                 ? cpuLayout(op.getScheme().getBits())
                                 : *findLayout(layout);
      LayoutAttr present = op.getLayout();
      if (present && stringifyLayoutKind(present.getKind()) ==
                         StringRef(wanted.name.data(), wanted.name.size()))
        return WalkResult::advance();
      return WalkResult(repack(op, wanted, store));
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    for (auto function : module.getOps<func::FuncOp>())
      eraseUnusedParameters(function);
    if (failed(materializeParameters(module, store)) || failed(store.commit()))
      return signalPassFailure();
  }
};

} // namespace
