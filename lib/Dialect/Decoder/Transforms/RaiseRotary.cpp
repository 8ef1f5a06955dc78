//===- RaiseRotary.cpp - rotary embedding and its tables -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"
#include "awq/Dialect/Decoder/Transforms/Scores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

//===----------------------------------------------------------------------===//
// The partner of each channel
//===----------------------------------------------------------------------===//

/// Part `first` .. of the last dimension of a tensor, perhaps negated.
static std::optional<std::pair<Value, int64_t>> partOf(Value tensor,
                                                       bool isNegated) {
  if (isNegated) {
    Product product = productOf(scalarOf(tensor));
    if (product.number != -1.0 || product.factors.size() != 1 ||
        !product.divisors.empty() || !product.factors[0].isLeaf())
      return std::nullopt;
    tensor = product.factors[0].value;
  }
  auto slice = stripTensor(tensor).getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return std::nullopt;
  int64_t last = slice.getSourceType().getRank() - 1;
  auto offset = getConstantIntValue(slice.getMixedOffsets()[last]);
  if (!offset)
    return std::nullopt;
  return std::pair{stripTensor(slice.getSource()), *offset};
}

/// x of [-x2, x1], the halves of x; or of (-x1, x0, -x3, x2, ...).
std::optional<RotaryPartner> awq::decoder::partnerOf(Value tensor) {
  tensor = stripTensor(tensor);
  bool interleaved = false;
  if (Operation *op = tensor.getDefiningOp();
      isa_and_nonnull<tensor::CollapseShapeOp, tensor::ReshapeOp>(op)) {
    interleaved = true;
    tensor = stripTensor(op->getOperand(0));
  }
  auto concat = tensor.getDefiningOp<tensor::ConcatOp>();
  if (!concat || concat.getInputs().size() != 2 ||
      int64_t(concat.getDim()) + 1 != concat.getType().getRank())
    return std::nullopt;
  auto high = partOf(concat.getInputs()[0], true),
       low = partOf(concat.getInputs()[1], false);
  if (!high || !low || high->first != low->first || low->second != 0)
    return std::nullopt;
  int64_t half = concat.getType().getShape().back() / 2;
  if (high->second != half)
    return std::nullopt;
  Value input = high->first;
  if (interleaved) {
    Operation *pairs = input.getDefiningOp();
    if (!isa_and_nonnull<tensor::ExpandShapeOp, tensor::ReshapeOp>(pairs))
      return std::nullopt;
    input = stripTensor(pairs->getOperand(0));
  }
  return RotaryPartner{input, interleaved};
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// Element (t, channel) of a factor of heads.
ElementRef DecoderRaiser::tableElement(const Scalar &table, const Axes &axes,
                                       int64_t channel) {
  SmallVector<ElementRef> places;
  Variable t = formulas.addVariable(Linear::variable(newTokens));
  for (Axis axis : axes)
    places.push_back(axis == Axis::Token ? formulas.integer(Linear::variable(t))
                     : axis == Axis::Channel ? formulas.integer(channel)
                                             : formulas.integer(0));
  return readUse(*reader, table, places);
}

namespace {
/// number * parts[0] * ... of a formula.
struct FormulaProduct {
  double number = 1.0;
  SmallVector<ElementRef> parts;
};
} // namespace

static void collect(const ElementRef &element, FormulaProduct &product) {
  if (element->kind == Element::Number) {
    product.number *= element->number;
  } else if (element->kind == Element::Call && element->name == "mul") {
    collect(element->parts[0], product);
    collect(element->parts[1], product);
  } else {
    product.parts.push_back(element);
  }
}

/// Whether an integer is past + t for the last variable made.
static bool isPosition(const Linear &linear, const Linear &past) {
  Linear rest = linear - past;
  return rest.constant == 0 && rest.factors.size() == 1 &&
         rest.factors.begin()->second == 1 && rest.factors.begin()->first > 1;
}

std::optional<DecoderRaiser::TableEntry>
DecoderRaiser::readEntry(const ElementRef &element) {
  FormulaProduct product;
  collect(element, product);
  if (product.parts.size() != 1)
    return std::nullopt;
  const ElementRef &part = product.parts[0];
  bool isSine = part->name == "sin";
  if (part->kind != Element::Call || (!isSine && part->name != "cos"))
    return std::nullopt;
  FormulaProduct angle;
  collect(part->parts[0], angle);
  if (angle.parts.size() != 1 || angle.parts[0]->kind != Element::ToFloat)
    return std::nullopt;
  const ElementRef &place = angle.parts[0]->parts[0];
  if (place->kind != Element::Integer || !isPosition(place->linear, past()))
    return std::nullopt;
  return TableEntry{isSine, angle.number, product.number};
}

/// The angle's difference to another, in -pi .. pi.
static double wrapAngle(double angle) {
  return std::remainder(angle, 2.0 * M_PI);
}

/// A cosine and a sine that are elements of tables of numbers: the frequency is
/// the one that all rows agree on. Rows far apart tell it to the last bits of
/// f32, once nearer ones tell which turn they are in.
std::optional<DecoderRaiser::TableEntry>
DecoderRaiser::readStoredEntry(const ElementRef &cosine,
                               const ElementRef &sine) {
  FormulaProduct products[2];
  collect(cosine, products[0]);
  collect(sine, products[1]);
  SmallVector<int64_t> columns;
  for (const FormulaProduct &product : products) {
    if (product.parts.size() != 1 || product.parts[0]->kind != Element::Lookup)
      return std::nullopt;
    const ElementRef &place = product.parts[0];
    auto type = cast<RankedTensorType>(place->table.getType());
    if (place->parts.size() != 2 || type.isDynamicDim(0) ||
        place->parts[0]->kind != Element::Integer ||
        !isPosition(place->parts[0]->linear, past()) ||
        !place->parts[1]->integer() || type.getDimSize(0) < 2)
      return std::nullopt;
    columns.push_back(*place->parts[1]->integer());
  }
  int64_t rows =
      std::min(cast<RankedTensorType>(products[0].parts[0]->table.getType())
                   .getDimSize(0),
               cast<RankedTensorType>(products[1].parts[0]->table.getType())
                   .getDimSize(0));
  auto at = [&](int i, int64_t row) {
    return products[i].number *
           constantElement(products[i].parts[0]->table, {row, columns[i]})
               .value_or(NAN);
  };
  TableEntry entry;
  entry.scaling = at(0, 0);
  auto angleOf = [&](int64_t row) {
    return std::atan2(at(1, row), at(0, row));
  };
  entry.frequency = angleOf(1);
  for (int64_t row = 2; row < rows; row *= 2)
    entry.frequency += wrapAngle(angleOf(row) - entry.frequency * row) / row;
  Type element = getElementTypeOrSelf(products[0].parts[0]->table.getType());
  double rounding = element.isF16() ? 1e-3 : element.isBF16() ? 8e-3 : 1e-4;
  for (int64_t row = 0; row < rows; row = row * 2 + 1) {
    double angle = entry.frequency * row;
    double error = std::hypot(at(0, row) - entry.scaling * std::cos(angle),
                              at(1, row) - entry.scaling * std::sin(angle));
    // Angles of f32 are off by their own last bit.
    if (!(error <= rounding + 2e-7 * std::abs(angle)))
      return std::nullopt;
  }
  return entry;
}

std::optional<RotaryTable> DecoderRaiser::readTable(const Scalar &cosines,
                                                    const Scalar &sines,
                                                    const Axes &axes,
                                                    int64_t channels) {
  auto key = std::pair{cosines.value.getAsOpaquePointer(),
                       sines.value.getAsOpaquePointer()};
  if (auto known = knownTables.find(key); known != knownTables.end())
    return known->second;
  RotaryTable table;
  std::vector<double> all;
  for (int64_t channel = 0; channel < channels; ++channel) {
    ElementRef left = tableElement(cosines, axes, channel),
               right = tableElement(sines, axes, channel);
    auto entry = readStoredEntry(left, right);
    if (!entry) {
      entry = readEntry(left);
      auto sine = readEntry(right);
      if (!entry || !sine || entry->isSine || !sine->isSine ||
          entry->frequency != sine->frequency ||
          entry->scaling != sine->scaling)
        return std::nullopt;
    }
    if (channel > 0 && std::abs(entry->scaling - table.scaling) > 1e-6)
      return std::nullopt;
    table.scaling = entry->scaling;
    all.push_back(entry->frequency);
  }
  // Each frequency is there twice: half the channels apart, or side by side.
  int64_t half = channels / 2;
  auto isPair = [&](int64_t i, int64_t j) {
    return std::abs(all[i] - all[j]) <= 1e-5 * all[i] + 1e-8;
  };
  bool isHalves = true, isPairs = true;
  for (int64_t i = 0; i < half; ++i) {
    isHalves &= isPair(i, i + half);
    isPairs &= isPair(2 * i, 2 * i + 1);
  }
  if (!isHalves && !isPairs)
    return std::nullopt;
  for (int64_t i = 0; i < half; ++i)
    table.frequencies.push_back(static_cast<float>(all[isHalves ? i : 2 * i]));
  table.interleaved = !isHalves;
  return knownTables[key] = table;
}

//===----------------------------------------------------------------------===//
// x * cos + partner(x) * sin
//===----------------------------------------------------------------------===//

std::optional<DecoderRaiser::RotaryMatch>
DecoderRaiser::matchRotary(const Scalar &scalar, const Axes &axes) {
  if (!scalar.tensor)
    return std::nullopt;
  SmallVector<Scalar> terms = termsOf(scalar);
  if (terms.size() != 2 || axes.back() != Axis::Channel)
    return std::nullopt;
  int64_t channels =
      cast<RankedTensorType>(scalar.tensor.getType()).getShape().back();
  if (ShapedType::isDynamic(channels) || channels % 2 != 0)
    return std::nullopt;
  for (int i : {0, 1}) {
    Product crossed = productOf(terms[1 - i]);
    if (crossed.factors.size() != 2 || !crossed.divisors.empty() ||
        crossed.number != 1.0)
      continue;
    for (int k : {0, 1}) {
      const Scalar &other = crossed.factors[k];
      std::optional<RotaryPartner> partner =
          other.isLeaf() ? partnerOf(other.value) : std::nullopt;
      if (!partner)
        continue;
      // The input may be a product itself, of a norm.
      Scalar input = scalarOf(partner->input);
      Product straight = productOf(terms[i], input);
      auto x = llvm::find(straight.factors, input);
      if (x == straight.factors.end() || straight.factors.size() != 2 ||
          !straight.divisors.empty() || straight.number != 1.0)
        continue;
      const Scalar &cosines =
          straight.factors[x == straight.factors.begin() ? 1 : 0];
      std::optional<RotaryTable> table =
          readTable(cosines, crossed.factors[1 - k], axes, channels);
      if (!table) {
        fail(scalar.value.getLoc(),
             "is a rotary embedding whose angles are not position times "
             "frequency: its table holds " +
                 describe(tableElement(cosines, axes, 0)));
        return std::nullopt;
      }
      // One channel pair alone is both.
      if (channels > 2 && table->interleaved != partner->interleaved)
        return std::nullopt;
      table->interleaved = partner->interleaved;
      return RotaryMatch{partner->input, *table};
    }
  }
  return std::nullopt;
}

Value DecoderRaiser::rotate(Value input, const RotaryTable &table) {
  Operation *angles = nullptr;
  for (auto &[known, value] : rotaryTables)
    if (known.frequencies == table.frequencies &&
        known.scaling == table.scaling)
      angles = value.getDefiningOp();
  if (!angles) {
    // Before everything that may use them.
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfterValue(count);
    auto type = RankedTensorType::get({int64_t(table.frequencies.size())},
                                      b.getF32Type());
    Value frequencies = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<float>(table.frequencies)));
    angles =
        RotaryTableOp::create(b, frequencies, position, count, table.scaling);
    rotaryTables.push_back({table, angles->getResult(0)});
  }
  return RotaryOp::create(b, input.getType(), input, angles->getResult(0),
                          angles->getResult(1), table.interleaved);
}
