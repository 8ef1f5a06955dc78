//===- RaiseExperts.cpp - mixtures of experts ------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters write a mixture without loops: each token is repeated for each of
// the k experts that it is sent to, the weights of these are gathered, and
// products of a batch with one row each multiply them:
//
//   y[t] = sum_j w[t, j] down[e] act(gate_up[e] x[r])   r = k t + j, e = e(t,
//   j)
//
// How tokens are repeated and weights gathered is not looked at, but what an
// element is: x[r, c] is an element (t, c) of the hidden states, and a weight's
// is one of the parameter's slice e.
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

/// Whether it adds up one dimension, the last but one, from zero.
static bool addsUpSlots(linalg::ReduceOp op) {
  if (op.getInputs().size() != 1 ||
      !isa<arith::AddFOp>(op.getCombiner().front().front()))
    return false;
  auto type = cast<RankedTensorType>(op.getInputs().front().getType());
  Scalar start = scalarOf(op.getInits().front());
  return type.getRank() >= 2 && constantOf(start) == 0.0 &&
         llvm::equal(op.getDimensions(), ArrayRef<int64_t>{type.getRank() - 2});
}

//===----------------------------------------------------------------------===//
// What elements are
//===----------------------------------------------------------------------===//

ElementRef DecoderRaiser::givenElement(Value tensor,
                                       ArrayRef<ElementRef> indices) {
  if (!routing)
    return {};
  if (tensor == routing->hidden)
    return formulas.lookup(tensor, std::vector<ElementRef>(indices));
  if (tensor != routing->chosen)
    return {};
  auto isVariable = [](const ElementRef &index, Variable variable) {
    return index->kind == Element::Integer &&
           index->linear == Linear::variable(variable);
  };
  if (indices.size() == 2 && isVariable(indices[0], routing->token) &&
      isVariable(indices[1], routing->slot))
    return formulas.integer(Linear::variable(routing->expert));
  return formulas.unknown();
}

/// Row r of what is computed for each token and each of its experts.
ElementRef DecoderRaiser::routedRow() {
  Linear row = Linear::variable(routing->token) * routing->perToken +
               Linear::variable(routing->slot);
  return formulas.integer(row);
}

/// Whether `tensor` has the hidden states of row r's token there.
bool DecoderRaiser::isRepeated(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  std::optional<int64_t> channels = lastSize(tensor);
  if (!type || !channels || channels != lastSize(routing->hidden))
    return false;
  ElementRef channel = formulas.integer(
      Linear::variable(formulas.addVariable(Linear(*channels))));
  SmallVector<ElementRef> places;
  if (type.getRank() == 2)
    places = {routedRow(), channel};
  else if (type.getRank() == 3 && type.getDimSize(1) == routing->perToken)
    places = {formulas.integer(Linear::variable(routing->token)),
              formulas.integer(Linear::variable(routing->slot)), channel};
  else
    return false;
  ElementRef element = reader->read(tensor, places);
  if (element->kind != Element::Lookup || element->table != routing->hidden ||
      element->parts.back()->kind != Element::Integer ||
      !(element->parts.back()->linear == channel->linear))
    return false;
  // One sequence: what is before the token's place is 0.
  ArrayRef<ElementRef> before = ArrayRef(element->parts).drop_back();
  return before.back()->kind == Element::Integer &&
         before.back()->linear == Linear::variable(routing->token) &&
         llvm::all_of(before.drop_back(), [](const ElementRef &place) {
           return place->integer() == 0;
         });
}

/// A product of row r with the matrix of its expert, [E, N, K] or [E, K, N].
std::optional<DecoderRaiser::RoutedProduct>
DecoderRaiser::matchRoutedProduct(Value tensor) {
  std::optional<ContractionMatch> match = matchContraction(tensor);
  if (!match)
    return std::nullopt;
  SmallVector<int64_t> ranges = match->op.getStaticLoopRanges();
  ArrayRef<AffineExpr> result = match->resultMap.getResults();
  // Loops of size 1 are not there; the first of the others counts rows.
  SmallVector<ElementRef> loops;
  std::optional<unsigned> row, out, in;
  for (auto [i, range] : llvm::enumerate(ranges)) {
    loops.push_back(formulas.integer(0));
    if (range == 1)
      continue;
    bool isResult = llvm::is_contained(
        result, getAffineDimExpr(i, match->op->getContext()));
    std::optional<unsigned> &loop = !isResult ? in : (row ? out : row);
    if (loop)
      return std::nullopt;
    loop = i;
    loops.back() = i == row ? routedRow()
                            : formulas.integer(Linear::variable(
                                  formulas.addVariable(Linear(range))));
  }
  if (!row || !out || !in || ShapedType::isDynamic(ranges[*out]) ||
      ShapedType::isDynamic(ranges[*in]))
    return std::nullopt;
  for (bool isLeft : {true, false}) {
    Value weight = isLeft ? match->left : match->right,
          input = isLeft ? match->right : match->left;
    AffineMap map = isLeft ? match->leftMap : match->rightMap,
              inputMap = isLeft ? match->rightMap : match->leftMap;
    SmallVector<ElementRef> places;
    for (AffineExpr expr : map.getResults())
      places.push_back(isa<AffineDimExpr>(expr)
                           ? loops[cast<AffineDimExpr>(expr).getPosition()]
                           : formulas.integer(0));
    ElementRef element = reader->read(weight, places);
    if (element->kind != Element::Lookup || element->parts.size() != 3 ||
        element->table == routing->hidden)
      continue;
    auto is = [&](unsigned part, const Linear &linear) {
      return element->parts[part]->kind == Element::Integer &&
             element->parts[part]->linear == linear;
    };
    const Linear &n = loops[*out]->linear, &k = loops[*in]->linear;
    bool isTransposed = is(1, k) && is(2, n);
    if (!is(0, Linear::variable(routing->expert)) ||
        (!isTransposed && !(is(1, n) && is(2, k))))
      continue;
    // The other side has row r and channel k.
    SmallVector<unsigned> read;
    for (AffineExpr expr : inputMap.getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(expr);
          dim && ranges[dim.getPosition()] != 1)
        read.push_back(dim.getPosition());
    if (!llvm::equal(read, ArrayRef<unsigned>{*row, *in}))
      continue;
    return RoutedProduct{match->op, input, element->table, isTransposed};
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// The matrix of the expert being built, [N, K].
Value DecoderRaiser::expertWeight(const RoutedProduct &product) {
  Value all = parameter(product.weight);
  auto type = cast<RankedTensorType>(all.getType());
  auto matrix = RankedTensorType::get(type.getShape().drop_front(),
                                      type.getElementType());
  SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0)),
      strides(3, b.getIndexAttr(1)), sizes;
  offsets[0] = b.getIndexAttr(routing->current);
  for (int64_t size : type.getShape())
    sizes.push_back(b.getIndexAttr(sizes.empty() ? 1 : size));
  Value own =
      tensor::ExtractSliceOp::create(b, matrix, all, offsets, sizes, strides);
  if (!product.isTransposed)
    return own;
  Value empty = tensor::EmptyOp::create(
      b, ArrayRef<int64_t>{matrix.getDimSize(1), matrix.getDimSize(0)},
      matrix.getElementType());
  return linalg::TransposeOp::create(b, own, empty, ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

/// Rows of an expert that are neither computed element by element nor slices;
/// null if they are.
Value DecoderRaiser::routedRows(Value tensor) {
  if (isRepeated(tensor))
    return routing->argument;
  Value core = stripReshapes(tensor);
  std::optional<RoutedProduct> product = matchRoutedProduct(core);
  if (!product)
    return {};
  // The rows that a batch of vectors, [r, K, 1] or [r, 1, K], was made of.
  Value vectors = stripTensor(product->input);
  auto isRow = [](Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getRank() == 2;
  };
  while (!isRow(vectors) && stripReshapes(vectors) != vectors)
    vectors = stripTensor(vectors.getDefiningOp()->getOperand(0));
  Value input = rows(vectors);
  if (!input)
    return {};
  b.setLoc(product->op->getLoc());
  Value weight = expertWeight(*product);
  auto type = cast<RankedTensorType>(weight.getType());
  auto linear = LinearOp::create(b, activations({type.getDimSize(0)}), input,
                                 weight, /*bias=*/Value());
  if (auto name = product->op->getAttrOfType<StringAttr>("awq.name"))
    linear->setAttr("awq.name", name);
  return linear.getResult();
}

/// Calls the linears of an expert as checkpoints do: E.gate_up_proj and so on.
static void nameLinears(Block &block, int64_t expert, MLIRContext *context) {
  SmallVector<LinearOp> linears(block.getOps<LinearOp>());
  static constexpr StringLiteral two[] = {"gate_up_proj", "down_proj"},
                                 three[] = {"gate_proj", "up_proj",
                                            "down_proj"};
  ArrayRef<StringLiteral> parts;
  if (linears.size() == 2)
    parts = two;
  else if (linears.size() == 3)
    parts = three;
  for (auto [i, linear] : llvm::enumerate(linears)) {
    auto module = linear->getAttrOfType<StringAttr>("awq.name");
    std::string part =
        parts.empty() ? "linear." + std::to_string(i) : parts[i].str();
    linear->setAttr("awq.name",
                    StringAttr::get(context, (module ? module.getValue() + "."
                                                     : Twine("experts.")) +
                                                 Twine(expert) + "." + part));
  }
}

/// The region of expert `routing->current`, which computes `tensor`.
bool DecoderRaiser::buildExpert(ExpertsOp op, Value tensor) {
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&op.getExperts()[routing->current], {},
                               {op.getHidden().getType()}, {op.getLoc()});
  routing->argument = block->getArgument(0);
  // What was built outside is of tokens, not of rows of this expert.
  auto outer = std::tuple(std::move(built), std::move(parameters), count);
  built.clear();
  parameters.clear();
  count = tensor::DimOp::create(b, routing->argument, int64_t(0));
  Value result = rows(tensor);
  if (result)
    YieldOp::create(b, result);
  std::tie(built, parameters, count) = std::move(outer);
  nameLinears(*block, routing->current, b.getContext());
  return bool(result);
}

/// The expert's output and the router's weights, of their product.
std::optional<std::pair<Value, RouterMatch>>
DecoderRaiser::matchMixture(linalg::ReduceOp op) {
  if (!addsUpSlots(op))
    return std::nullopt;
  Product product = productOf(scalarOf(stripReshapes(op.getInputs().front())));
  for (auto [i, factor] : llvm::enumerate(product.factors)) {
    if (!factor.isLeaf() || product.factors.size() < 2)
      continue;
    Product rest = product;
    rest.factors.erase(rest.factors.begin() + i);
    if (std::optional<RouterMatch> router = matchRouter(rest))
      return std::pair{factor.value, *router};
  }
  return std::nullopt;
}

Value DecoderRaiser::mixtureRows(linalg::ReduceOp op) {
  Location loc = op.getLoc();
  auto mixture = matchMixture(op);
  if (!mixture)
    return fail(loc, "is no weighted sum of experts");
  const RouterMatch &router = mixture->second;
  // The experts read what the router reads.
  std::optional<LinearMatch> linear;
  for (const Scalar &term : termsOf(scalarOf(router.logits)))
    if (term.isLeaf() && !linear)
      linear = matchLinear(stripReshapes(term.value));
  Value scores = linear ? rows(router.logits) : Value(),
        hidden = scores ? rows(linear->input) : Value();
  if (!hidden)
    return fail(loc, "has a router that is no linear of hidden states");
  auto type = cast<RankedTensorType>(scores.getType());
  int64_t experts = type.getDimSize(1), perToken = router.perToken;
  b.setLoc(loc);
  Value bias = router.bias ? vectorParameter(router.bias) : Value();
  auto route = RouterOp::create(
      b,
      TypeRange{
          RankedTensorType::get({type.getDimSize(0), perToken}, b.getF32Type()),
          RankedTensorType::get({type.getDimSize(0), perToken},
                                b.getI32Type())},
      scores, bias, perToken, router.scoring, router.isNormalized,
      APFloat(router.scale));
  auto result =
      ExpertsOp::create(b, hidden.getType(), hidden, route.getWeights(),
                        route.getIndices(), static_cast<unsigned>(experts));
  std::optional<Routing> outer = std::move(routing);
  routing.emplace();
  routing->hidden = stripReshapes(linear->input);
  routing->chosen = router.chosen;
  routing->perToken = perToken;
  routing->token = formulas.addVariable(Linear::variable(newTokens));
  routing->slot = formulas.addVariable(Linear(perToken));
  routing->expert = formulas.addVariable(Linear(experts));
  bool isBuilt = true;
  for (int64_t i = 0; i < experts && isBuilt; ++i) {
    routing->current = i;
    isBuilt = buildExpert(result, mixture->first);
  }
  routing = std::move(outer);
  if (!isBuilt)
    return fail(loc, "has experts that are not understood");
  return result.getResult();
}
