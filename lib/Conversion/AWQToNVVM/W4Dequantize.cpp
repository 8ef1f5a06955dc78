//===- W4Dequantize.cpp - all codes of a weight as f16 --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp takes one record after the other. What it unpacks, q - z exactly,
// times the scale, rounded once, is what kernels in mode Scaled multiply by.
// Four words of a lane become four times 16 bytes, which all lanes write side
// by side.
//
//===----------------------------------------------------------------------===//

#include "W4Record.h"

using namespace mlir;
using namespace awq;

/// Warps of a block.
static constexpr int64_t dequantizeWarps = 8;

namespace {

class DequantizeBuilder {
public:
  DequantizeBuilder(gpu::GPUModuleOp module, Location loc,
                    const W4KernelSpec &spec)
      : spec(spec), b(loc, OpBuilder::atBlockEnd(module.getBody())) {
    this->spec.mode = CodeMode::Scaled;
    this->spec.tile = TileChoice();
    // There are no sums.
    this->spec.tile.tokenTiles = 0;
    resultBytes = spec.weightBytes();
  }

  gpu::GPUFuncOp build();

private:
  using Value = mlir::Value;

  void dequantize(Value index);
  Value rowOf(Value index);

  W4KernelSpec spec;
  DeviceBuilder b;
  int64_t resultBytes = 0;
  std::unique_ptr<RecordMath> math;
  LanePlace place;
  Value weights, output, n, k, recordsInK, recordRows;
};

} // namespace

gpu::GPUFuncOp DequantizeBuilder::build() {
  SmallVector<Type> types = {b.globalPointer, b.globalPointer, b.i32, b.i32};
  auto kernel = gpu::GPUFuncOp::create(b, spec.dequantizeName(),
                                       b.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr(
      {32 * static_cast<int32_t>(dequantizeWarps), 1, 1}));
  b.setInsertionPointToStart(&kernel.getBody().front());
  auto argument = kernel.getArguments().begin();
  weights = *argument++;
  output = *argument++;
  n = *argument++;
  k = *argument++;

  Value thread = b.threadX(), warp = b.div(thread, 32);
  place.lane = b.rem(thread, 32);
  place.g = b.div(place.lane, 4);
  place.t = b.rem(place.lane, 4);
  recordsInK = b.divideUp(k, RecordGeometry::channels);
  recordRows = b.divideUp(n, RecordGeometry::rows);
  math = makeRecordMath(b, spec, place);
  constexpr auto warps = static_cast<int32_t>(dequantizeWarps);
  b.forRange(b.add(b.mul(b.blockX(), warps), warp),
             b.mul(recordRows, recordsInK), b.mul(b.gridX(), warps),
             [&](Value index) { dequantize(index); });
  gpu::ReturnOp::create(b);
  return kernel;
}

/// The row of records that record `index` is in; see the order of records.
Value DequantizeBuilder::rowOf(Value index) {
  constexpr auto columns = static_cast<int32_t>(RecordGeometry::recordsPerTile);
  Value inFullTile = b.mul(recordsInK, columns);
  Value firstRow = b.mul(b.div(index, inFullTile), columns);
  Value inTile = b.smaller(b.constant(columns), b.sub(recordRows, firstRow));
  return b.add(firstRow, b.rem(b.rem(index, inFullTile), inTile));
}

void DequantizeBuilder::dequantize(Value index) {
  auto bytesOf = [&](Value count, int64_t each) {
    return b.mul(b.widen(count, b.i64), b.constant64(each));
  };
  Value record = b.at(weights, bytesOf(index, spec.recordBytes()));
  RecordBases bases = math->basesAt(record, record);
  if (spec.hasRowConstants()) {
    Value end = b.at(
        weights, bytesOf(b.mul(recordRows, recordsInK), spec.recordBytes()));
    Value constants = b.at(end, bytesOf(rowOf(index), spec.constantBytes()));
    bases.scales = b.at(constants, b.shiftLeft(place.g, 3));
    math->setRowZeros(b.at(constants, RecordGeometry::rows * 2));
  }
  Value to = b.at(b.at(output, bytesOf(index, resultBytes)),
                  b.shiftLeft(place.lane, 4));
  constexpr int64_t quads = 4, fragmentBytes = 512;
  for (int64_t quad = 0; quad < quads; ++quad)
    for (auto [i, fragment] :
         llvm::enumerate(math->fragmentsOfQuad(bases, quad)))
      b.store(b.makeVector(fragment),
              b.at(to, quad * resultBytes / quads +
                           static_cast<int64_t>(i) * fragmentBytes),
              16);
}

gpu::GPUFuncOp awq::buildDequantizeKernel(gpu::GPUModuleOp module, Location loc,
                                          const W4KernelSpec &spec) {
  return DequantizeBuilder(module, loc, spec).build();
}
