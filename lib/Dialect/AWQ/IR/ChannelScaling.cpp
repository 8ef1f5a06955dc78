//===- ChannelScaling.cpp - how diagonals pass through ops
//----------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/ChannelScaling.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace awq;

#include "awq/Dialect/AWQ/IR/ChannelScalingInterface.cpp.inc"

int64_t awq::getNumChannels(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 2)
    return -1;
  int64_t channels = 1;
  for (int64_t dim : type.getShape().drop_front()) {
    if (ShapedType::isDynamic(dim))
      return -1;
    channels *= dim;
  }
  return channels;
}

//===----------------------------------------------------------------------===//
// Ops of the awq dialect
//===----------------------------------------------------------------------===//

ChannelUse LinearOp::getChannelUse(OpOperand &operand) {
  if (operand.getOperandNumber() == 0 &&
      cast<RankedTensorType>(getInput().getType()).getRank() == 2)
    return ChannelUse::absorbs(getWeightMutable(), /*axis=*/1);
  return ChannelUse::blocks("only the rows of a [T, K] input can be scaled");
}

SmallVector<ChannelEdit> LinearOp::getChannelEdits(OpResult result) {
  SmallVector<ChannelEdit> edits = {{&getWeightMutable(), /*axis=*/0}};
  if (getBias())
    edits.push_back({&*getBiasMutable().begin(), /*axis=*/0});
  return edits;
}

ChannelUse ScaleChannelsOp::getChannelUse(OpOperand &operand) {
  if (operand.getOperandNumber() == 0 && getOffset().isZero())
    return ChannelUse::commutes(getResult());
  return ChannelUse::blocks("the factor of an explicit scaling is fixed");
}

ChannelUse ObserveOp::getChannelUse(OpOperand &operand) {
  return ChannelUse::commutes(getResult());
}

//===----------------------------------------------------------------------===//
// Upstream ops
//===----------------------------------------------------------------------===//

namespace {

/// Reshapes keep the flattened channels if they keep the tokens apart.
template <typename Model, typename OpTy>
struct ReshapeModel
    : public ChannelScalingOpInterface::ExternalModel<Model, OpTy> {
  ChannelUse getChannelUse(Operation *op, OpOperand &operand) const {
    auto reshape = cast<OpTy>(op);
    SmallVector<ReassociationIndices> groups =
        reshape.getReassociationIndices();
    if (operand.getOperandNumber() != 0 || groups.empty() ||
        groups.front().size() != 1)
      return ChannelUse::blocks("the reshape mixes tokens with channels");
    return ChannelUse::commutes(op->getResult(0));
  }
};
struct ExpandShapeModel
    : public ReshapeModel<ExpandShapeModel, tensor::ExpandShapeOp> {};
struct CollapseShapeModel
    : public ReshapeModel<CollapseShapeModel, tensor::CollapseShapeOp> {};

struct CastModel
    : public ChannelScalingOpInterface::ExternalModel<CastModel,
                                                      tensor::CastOp> {
  ChannelUse getChannelUse(Operation *op, OpOperand &operand) const {
    return ChannelUse::commutes(op->getResult(0));
  }
};

/// A slice of whole tokens takes some of the channels.
struct ExtractSliceModel
    : public ChannelScalingOpInterface::ExternalModel<ExtractSliceModel,
                                                      tensor::ExtractSliceOp> {
  ChannelUse getChannelUse(Operation *op, OpOperand &operand) const {
    auto slice = cast<tensor::ExtractSliceOp>(op);
    ArrayRef<int64_t> shape = slice.getSourceType().getShape();
    if (operand.getOperandNumber() != 0 || shape.size() < 2 ||
        slice.getType().getRank() != slice.getSourceType().getRank())
      return ChannelUse::blocks("only slices of channels are followed");
    // Channels are numbered in row-major order of the dimensions behind the
    // tokens; each dimension multiplies those that are taken.
    SmallVector<int64_t> map = {0};
    for (size_t dim = 1; dim < shape.size(); ++dim) {
      int64_t offset = slice.getStaticOffsets()[dim];
      int64_t size = slice.getStaticSizes()[dim];
      int64_t stride = slice.getStaticStrides()[dim];
      if (ShapedType::isDynamic(offset) || ShapedType::isDynamic(size) ||
          ShapedType::isDynamic(stride) || ShapedType::isDynamic(shape[dim]))
        return ChannelUse::blocks("the slice of channels is dynamic");
      SmallVector<int64_t> finer;
      for (int64_t channel : map)
        for (int64_t i = 0; i < size; ++i)
          finer.push_back(channel * shape[dim] + offset + i * stride);
      map = std::move(finer);
    }
    return ChannelUse::commutes(op->getResult(0), map);
  }
};

/// (x s) * y = (x * y) s, unless both factors are the same value.
struct MulFModel
    : public ChannelScalingOpInterface::ExternalModel<MulFModel,
                                                      arith::MulFOp> {
  ChannelUse getChannelUse(Operation *op, OpOperand &operand) const {
    if (op->getOperand(0) == op->getOperand(1))
      return ChannelUse::blocks("the factor would be squared");
    return ChannelUse::commutes(op->getResult(0));
  }
};

template <typename Model, typename OpTy>
struct AdditionModel
    : public ChannelScalingOpInterface::ExternalModel<Model, OpTy> {
  ChannelUse getChannelUse(Operation *op, OpOperand &operand) const {
    return ChannelUse::blocks("the other term of the addition is not scaled");
  }
};
struct AddFModel : public AdditionModel<AddFModel, arith::AddFOp> {};
struct SubFModel : public AdditionModel<SubFModel, arith::SubFOp> {};

} // namespace

void awq::registerChannelScalingExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    arith::AddFOp::attachInterface<AddFModel>(*context);
    arith::MulFOp::attachInterface<MulFModel>(*context);
    arith::SubFOp::attachInterface<SubFModel>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    tensor::CastOp::attachInterface<CastModel>(*context);
    tensor::CollapseShapeOp::attachInterface<CollapseShapeModel>(*context);
    tensor::ExpandShapeOp::attachInterface<ExpandShapeModel>(*context);
    tensor::ExtractSliceOp::attachInterface<ExtractSliceModel>(*context);
  });
}
