//===- AWQDialect.cpp - the awq dialect and its attributes
//----------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"

#include "awq/Dialect/AWQ/IR/VersionedBytecode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace awq;

#include "awq/Dialect/AWQ/IR/AWQDialect.cpp.inc"
#include "awq/Dialect/AWQ/IR/AWQEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "awq/Dialect/AWQ/IR/AWQAttributes.cpp.inc"

/// See VersionedBytecode for what changes it.
/// 2: the layout mma_n32k128 in the place of mma_n16k64.
static constexpr uint64_t bytecodeVersion = 2;

void AWQDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "awq/Dialect/AWQ/IR/AWQAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "awq/Dialect/AWQ/IR/AWQOps.cpp.inc"
      >();
  addInterface<VersionedBytecode>(bytecodeVersion);
}

Operation *AWQDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

//===----------------------------------------------------------------------===//
// SchemeAttr
//===----------------------------------------------------------------------===//

LogicalResult SchemeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 unsigned bits, int64_t group,
                                 ZeroPointKind zero, Type scale) {
  if (bits < 2 || bits > 8) // C1
    return emitError() << "bits must be 2 to 8, not " << bits;
  if (group != 0 && (group < 16 || group > 1024)) // C2
    return emitError() << "group must be 0 (the whole row) or 16 to 1024, not "
                       << group;
  if (!scale || !(scale.isF16() || scale.isBF16() || scale.isF32())) // C3
    return emitError() << "scale must be f16, bf16 or f32, not " << scale;
  return success();
}

QuantScheme awq::toQuantScheme(SchemeAttr scheme) {
  QuantScheme result;
  result.bits = scheme.getBits();
  result.group = scheme.getGroup();
  result.symmetric = scheme.isSymmetric();
  result.scale = scheme.getScale().isF16()    ? ScaleType::F16
                 : scheme.getScale().isBF16() ? ScaleType::BF16
                                              : ScaleType::F32;
  return result;
}

//===----------------------------------------------------------------------===//
// LayoutAttr
//===----------------------------------------------------------------------===//

LayoutAttr awq::getLayout(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? dyn_cast_if_present<LayoutAttr>(tensor.getEncoding())
                : LayoutAttr();
}

SmallVector<int64_t> awq::getPackedShape(LayoutAttr layout, int64_t n,
                                         int64_t k) {
  int64_t rowBlocks = (n + 15) / 16;
  switch (layout.getKind()) {
  case LayoutKind::AutoAWQGemm:
    return {k, n / 8};
  case LayoutKind::CpuN16:
    return {rowBlocks, (k + 7) / 8, 16};
  case LayoutKind::CpuN16B8:
    return {rowBlocks, (k + 3) / 4, 16};
  case LayoutKind::MmaN32K128:
    break;
  }
  llvm_unreachable("a layout that holds more than codes");
}
