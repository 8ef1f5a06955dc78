//===- FuseLinears.cpp - joins linears that read the same value -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"

namespace awq {
#define GEN_PASS_DEF_FUSELINEARSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// What linears that can be joined have in common: block, input, scheme, and
/// the element types of bias (null if there is none), result and scales.
using FusionKey = std::tuple<Block *, Value, Attribute, Type, Type, Type>;

/// The key of a linear whose weight can be joined: one that is plain, or in the
/// layout of a checkpoint, and known before run time.
static std::optional<FusionKey> getKey(QuantizedLinearOp op) {
  LayoutAttr layout = op.getLayout();
  if (layout && layout.getKind() != LayoutKind::AutoAWQGemm)
    return std::nullopt;
  for (Value value : op->getOperands().drop_front())
    if (!isParameter(value))
      return std::nullopt;
  auto type = cast<RankedTensorType>(op.getType());
  // A slice of no columns has no place to begin.
  if (type.getRank() != 2 || op.getOutputChannels() == 0)
    return std::nullopt;
  Type bias = op.getBias() ? getElementTypeOrSelf(op.getBias()) : Type();
  return FusionKey{op->getBlock(),        op.getInput(),
                   op.getScheme(),        bias,
                   type.getElementType(), getElementTypeOrSelf(op.getScales())};
}

/// "a.b.x" and "a.b.y" as "a.b.{x,y}"; names with nothing in common as "{x,y}".
static std::string joinNames(MutableArrayRef<QuantizedLinearOp> linears) {
  std::vector<std::string> names;
  for (QuantizedLinearOp op : linears)
    names.push_back(getOpName(op));
  size_t dot = names.front().rfind('.');
  std::string prefix =
      dot == std::string::npos ? "" : names.front().substr(0, dot + 1);
  for (StringRef name : names)
    if (!name.starts_with(prefix))
      prefix.clear();
  std::string joined = prefix + "{";
  for (auto [index, name] : llvm::enumerate(names))
    joined += (index ? "," : "") + name.substr(prefix.size());
  return joined + "}";
}

namespace {

/// The operands of one linear, plain.
struct PlainWeight {
  Value codes, scales, zeros, bias;
};

/// Joins one set of linears.
class Fusion {
public:
  Fusion(RewriterBase &rewriter, MutableArrayRef<QuantizedLinearOp> linears)
      : rewriter(rewriter), linears(linears), loc(linears.front().getLoc()) {}

  /// Leaves everything as it is if the weights cannot be moved up to the first
  /// linear.
  void run();

private:
  PlainWeight unpack(QuantizedLinearOp op);
  Value join(Value PlainWeight::*part);
  void replace(QuantizedLinearOp fused);

  RewriterBase &rewriter;
  MutableArrayRef<QuantizedLinearOp> linears;
  Location loc;
  SmallVector<PlainWeight> weights;
};

} // namespace

PlainWeight Fusion::unpack(QuantizedLinearOp op) {
  if (!op.getLayout())
    return {op.getCodes(), op.getScales(), op.getZeros(), op.getBias()};
  int64_t n = op.getOutputChannels(), k = op.getInputChannels();
  int64_t groups = op.getScheme().getNumGroups(k);
  Type i8 = rewriter.getI8Type();
  Type scale = getElementTypeOrSelf(op.getScales().getType());
  auto plain =
      UnpackOp::create(rewriter, loc, RankedTensorType::get({n, k}, i8),
                       RankedTensorType::get({n, groups}, scale),
                       RankedTensorType::get({n, groups}, i8), op.getCodes(),
                       op.getScales(), op.getZeros(), op.getScheme());
  return {plain.getCodes(), plain.getScales(),
          op.getZeros() ? plain.getZeros() : Value(), op.getBias()};
}

/// One operand of all linears, rows after rows; null if they have none.
Value Fusion::join(Value PlainWeight::*part) {
  SmallVector<Value> parts;
  for (const PlainWeight &weight : weights)
    parts.push_back(weight.*part);
  if (!parts.front())
    return {};
  return tensor::ConcatOp::create(rewriter, loc, /*dim=*/0, parts);
}

/// Puts slices of the rows of `fused` in the place of the linears.
void Fusion::replace(QuantizedLinearOp fused) {
  OpFoldResult zero = rewriter.getIndexAttr(0), one = rewriter.getIndexAttr(1);
  OpFoldResult tokens =
      tensor::getMixedSize(rewriter, loc, fused.getResult(), 0);
  int64_t first = 0;
  for (QuantizedLinearOp op : linears) {
    int64_t n = op.getOutputChannels();
    Value slice = tensor::ExtractSliceOp::create(
        rewriter, op.getLoc(), cast<RankedTensorType>(op.getType()),
        fused.getResult(),
        ArrayRef<OpFoldResult>{zero, rewriter.getIndexAttr(first)},
        ArrayRef<OpFoldResult>{tokens, rewriter.getIndexAttr(n)},
        ArrayRef<OpFoldResult>{one, one});
    rewriter.replaceOp(op, slice);
    first += n;
  }
}

void Fusion::run() {
  QuantizedLinearOp head = linears.front();
  SmallVector<Value> parameters;
  for (QuantizedLinearOp op : linears.drop_front())
    llvm::append_range(parameters, op->getOperands().drop_front());
  if (failed(moveValueDefinitions(rewriter, parameters, head))) {
    head.emitRemark("is not joined with other readers of its input: their "
                    "weights cannot be moved here");
    return;
  }
  rewriter.setInsertionPoint(head);
  int64_t rows = 0;
  for (QuantizedLinearOp op : linears) {
    weights.push_back(unpack(op));
    rows += op.getOutputChannels();
  }
  auto type = cast<RankedTensorType>(head.getType());
  std::string name = joinNames(linears);
  // One after the other: the order of arguments' evaluation is open.
  Value codes = join(&PlainWeight::codes);
  Value scales = join(&PlainWeight::scales);
  Value zeros = join(&PlainWeight::zeros);
  Value bias = join(&PlainWeight::bias);
  auto fused = QuantizedLinearOp::create(
      rewriter, NameLoc::get(rewriter.getStringAttr(name)),
      RankedTensorType::get({type.getDimSize(0), rows}, type.getElementType()),
      head.getInput(), codes, scales, zeros, bias, head.getScheme());
  fused->setAttr("awq.name", rewriter.getStringAttr(name));
  replace(fused);
}

namespace {

struct FuseLinears : public awq::impl::FuseLinearsPassBase<FuseLinears> {
  using FuseLinearsPassBase::FuseLinearsPassBase;

  void runOnOperation() override {
    llvm::MapVector<FusionKey, SmallVector<QuantizedLinearOp>> sets;
    getOperation().walk([&](QuantizedLinearOp op) {
      if (std::optional<FusionKey> key = getKey(op))
        sets[*key].push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (auto &[key, linears] : sets)
      if (linears.size() > 1)
        Fusion(rewriter, linears).run();
  }
};

} // namespace
