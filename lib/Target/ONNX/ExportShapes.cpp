//===- ExportShapes.cpp - reshapes, slices and joins as ONNX --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using io::OnnxType;

/// `value` in the shape of `like`, whose first dimension is tokens.
std::string Exporter::shapeOf(const std::string &value, Value like) {
  SmallVector<int64_t> sizes(lead, 0); // 0 takes the value's own
  llvm::append_range(sizes, shape(like).drop_front());
  return graph.reshape(value, sizes);
}

/// Whether a value is [tokens, static sizes...].
static bool isPerToken(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() >= 1 && type.isDynamicDim(0) &&
         type.getNumDynamicDims() == 1;
}

/// Whether a reshape leaves the dimension of tokens alone.
static bool keepsTokens(ArrayRef<ReassociationIndices> dims) {
  return !dims.empty() && dims.front().size() == 1;
}

void Exporter::convertExpandShape(tensor::ExpandShapeOp op) {
  if (!isPerToken(op.getSrc()) || !isPerToken(op.getResult()) ||
      !keepsTokens(op.getReassociationIndices()))
    return failOp(op, "it does not keep the dimension of tokens");
  define(op.getResult(), shapeOf(tensor(op.getSrc()), op.getResult()));
}

void Exporter::convertCollapseShape(tensor::CollapseShapeOp op) {
  if (!isPerToken(op.getSrc()) || !isPerToken(op.getResult()) ||
      !keepsTokens(op.getReassociationIndices()))
    return failOp(op, "it does not keep the dimension of tokens");
  Known &source = known[op.getSrc()];
  if (source.flat && op.getResultType().getRank() == 2)
    return define(op.getResult(), std::string(source.name));
  define(op.getResult(), shapeOf(tensor(op.getSrc()), op.getResult()));
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// The dimension behind that of tokens which a slice cuts, or nothing if it
/// cuts more or other ones. -1: none.
static std::optional<int64_t> slicedDim(OffsetSizeAndStrideOpInterface op,
                                        ArrayRef<int64_t> whole) {
  ArrayRef<int64_t> offsets = op.getStaticOffsets();
  ArrayRef<int64_t> sizes = op.getStaticSizes();
  if (!llvm::all_of(op.getStaticStrides(), [](int64_t s) { return s == 1; }) ||
      llvm::any_of(offsets, ShapedType::isDynamic) || offsets[0] != 0 ||
      !ShapedType::isDynamic(sizes[0]))
    return std::nullopt;
  int64_t found = -1;
  for (int64_t dim = 1; dim < int64_t(whole.size()); ++dim) {
    if (ShapedType::isDynamic(sizes[dim]))
      return std::nullopt;
    if (offsets[dim] == 0 && sizes[dim] == whole[dim])
      continue;
    if (found >= 0)
      return std::nullopt;
    found = dim;
  }
  return found;
}

void Exporter::convertExtractSlice(tensor::ExtractSliceOp op) {
  // Rows of a parameter at the positions of the tokens.
  if (isParameter(op.getSource())) {
    std::optional<int64_t> offset =
        op.getMixedOffsets().empty() || !isa<Value>(op.getMixedOffsets()[0])
            ? std::nullopt
            : positionOffset(cast<Value>(op.getMixedOffsets()[0]));
    bool whole = op.getSourceType().getRank() == 2 &&
                 op.getStaticOffsets()[1] == 0 &&
                 op.getStaticSizes()[1] == op.getSourceType().getDimSize(1);
    if (!offset || !whole || op.getType().getRank() != 2)
      return failOp(op, "it cuts a parameter at no token's position");
    std::string rows = positions();
    if (*offset != 0)
      rows = graph.add("Add", {rows, graph.integer(*offset)});
    OnnxType type;
    std::string table = stored(op.getSource(), type);
    std::string result = graph.add("Gather", {table, rows});
    if (type != OnnxType::F32)
      result = graph.cast(result, OnnxType::F32);
    return define(op.getResult(), result);
  }
  std::optional<int64_t> dim =
      isPerToken(op.getSource()) &&
              op.getSourceType().getRank() == op.getType().getRank()
          ? slicedDim(op, op.getSourceType().getShape())
          : std::nullopt;
  if (!dim)
    return failOp(op, "it cuts more than one dimension, or tokens");
  std::string source = tensor(op.getSource());
  if (*dim < 0)
    return define(op.getResult(), source);
  define(op.getResult(),
         graph.slice(source, axis(*dim), op.getStaticOffsets()[*dim],
                     op.getStaticSizes()[*dim]));
}

/// Slices that fill a tensor.empty one behind the other are a concatenation.
void Exporter::convertInsertSlice(tensor::InsertSliceOp op) {
  std::optional<int64_t> dim =
      isPerToken(op.getDest()) &&
              op.getSourceType().getRank() == op.getType().getRank()
          ? slicedDim(op, op.getType().getShape())
          : std::nullopt;
  std::vector<Piece> pieces;
  int64_t filled = 0;
  if (known.contains(op.getDest()) && known[op.getDest()].pieces)
    pieces = *known[op.getDest()].pieces;
  else if (!op.getDest().getDefiningOp<tensor::EmptyOp>())
    return failOp(op, "it writes into a value");
  for (const Piece &piece : pieces)
    filled += piece.count;
  if (!dim || *dim < 0 || op.getStaticOffsets()[*dim] != filled ||
      llvm::any_of(pieces, [&](const Piece &p) { return p.dim != *dim; }))
    return failOp(op, "its slices do not follow one another");
  int64_t count = op.getStaticSizes()[*dim];
  pieces.push_back({*dim, filled, count, tensor(op.getSource())});
  Known entry;
  entry.pieces = std::move(pieces);
  known[op.getResult()] = std::move(entry);
}

void Exporter::convertBroadcast(linalg::BroadcastOp op) {
  ArrayRef<int64_t> dims = op.getDimensions();
  if (!isPerToken(op.getInput()) || dims.size() != 1 || dims[0] == 0)
    return failOp(op, "it repeats tokens");
  Value result = op->getResult(0);
  std::string value = graph.unsqueeze(tensor(op.getInput()), {axis(dims[0])});
  SmallVector<int64_t> sizes(lead, 1); // 1 takes the value's own
  llvm::append_range(sizes, shape(result).drop_front());
  define(result, graph.add("Expand", {value, graph.ints(sizes)}));
}
