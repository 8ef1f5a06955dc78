//===- DecoderRaiser.h - a decoder out of plain ops ------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From a graph over batches of sequences, [B, S, C], to the form that this
// project calibrates, quantizes and compiles: one sequence of T new tokens
// behind `position` others, [T, C], with caches. The graph is followed from its
// logits back to its tokens; each value is understood as rows of channels or as
// heads, and built anew.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_DIALECT_DECODER_TRANSFORMS_DECODERRAISER_H
#define AWQ_LIB_DIALECT_DECODER_TRANSFORMS_DECODERRAISER_H

#include "Routing.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/Decoder/Transforms/ElementReader.h"
#include "awq/Dialect/Decoder/Transforms/Recognizers.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/DenseMap.h"

namespace awq::decoder {

/// What a dimension counts.
enum class Axis { Batch, Token, Head, Channel };
using Axes = llvm::SmallVector<Axis, 4>;

/// Cosines and sines of angles (position + t) * frequency, times `scaling`.
struct RotaryTable {
  std::vector<float> frequencies;
  double scaling = 1.0;
  bool interleaved = false;
};

class DecoderRaiser {
public:
  DecoderRaiser(mlir::func::FuncOp source, awq::ParameterStore &store);

  /// Builds the function `name` (tokens i32 [T], position, caches) -> (logits,
  /// caches) behind the source; null if something was not understood, and then
  /// why() says what and where.
  mlir::func::FuncOp raise(llvm::StringRef name);

  struct Reason {
    mlir::Location loc;
    std::string text;
  };
  const std::optional<Reason> &why() const { return reason; }

private:
  //===--------------------------------------------------------------------===//
  // Arguments of the source
  //===--------------------------------------------------------------------===//

  enum class Role { Other, Tokens, Mask, Positions, Cache };
  bool findRoles(mlir::Value logits);
  /// Whether the values of an argument become angles or places in a table.
  bool holdsPositions(mlir::BlockArgument argument) const;
  ElementReader::Arguments describeArguments();
  ElementRef argumentElement(mlir::BlockArgument argument,
                             llvm::ArrayRef<ElementRef> indices);
  std::optional<Linear> argumentSize(mlir::BlockArgument argument, int64_t dim);
  std::optional<double> constantElement(mlir::Value tensor,
                                        llvm::ArrayRef<int64_t> place);
  /// A size that does not depend on the tokens, also where its type does not
  /// tell it.
  std::optional<int64_t> fixedSize(mlir::Value tensor, int64_t dim);
  std::optional<int64_t> lastSize(mlir::Value tensor);
  /// Whether two tensors have the same sizes, however those are written.
  bool haveSameSizes(mlir::Value a, mlir::Value b);
  /// The tokens before the new ones: none in a graph without caches.
  Linear past() const;

  //===--------------------------------------------------------------------===//
  // Rows: [T, C] for [B, S, C] or [B * S, C]
  //===--------------------------------------------------------------------===//

  mlir::Value rows(mlir::Value tensor);
  mlir::Value rows(const Scalar &scalar);
  mlir::Value computeRows(const Scalar &scalar);
  mlir::Value leafRows(mlir::Value tensor);
  mlir::Value normRows(const NormMatch &norm);
  mlir::Value productRows(const Scalar &scalar, const Product &product);
  mlir::Value gatedRows(const Scalar &scalar, const ActivationMatch &gate,
                        const Scalar &up);
  mlir::Value sumRows(const Scalar &scalar, llvm::ArrayRef<Scalar> terms);
  mlir::Value linearRows(const LinearMatch &linear, mlir::Value bias);
  mlir::Value reshapedRows(mlir::Value source, mlir::Value result);
  mlir::Value slicedRows(mlir::Operation *slice);
  mlir::Value gatheredRows(mlir::linalg::GenericOp op);
  mlir::Value tokenRows(mlir::Value table);

  //===--------------------------------------------------------------------===//
  // Mixtures of experts
  //===--------------------------------------------------------------------===//

  struct RoutedProduct {
    mlir::Operation *op = nullptr;
    mlir::Value input, weight;
    bool isTransposed = false;
  };
  mlir::Value mixtureRows(mlir::linalg::ReduceOp op);
  std::optional<std::pair<mlir::Value, RouterMatch>>
  matchMixture(mlir::linalg::ReduceOp op);
  std::optional<RoutedProduct> matchRoutedProduct(mlir::Value tensor);
  ElementRef givenElement(mlir::Value tensor,
                          llvm::ArrayRef<ElementRef> indices);
  ElementRef routedRow();
  bool isRepeated(mlir::Value tensor);
  mlir::Value routedRows(mlir::Value tensor);
  mlir::Value expertWeight(const RoutedProduct &product);
  bool buildExpert(ExpertsOp op, mlir::Value tensor);

  //===--------------------------------------------------------------------===//
  // Heads: [T, H, D]
  //===--------------------------------------------------------------------===//

  /// `factor` is multiplied by what scales them. `cache` gets the argument that
  /// stands before them along the tokens.
  struct HeadState {
    double factor = 1.0;
    mlir::BlockArgument cache;
  };
  mlir::Value heads(mlir::Value tensor, Axes axes, HeadState &state);
  mlir::Value elementwiseHeads(mlir::Value tensor, const Axes &axes,
                               HeadState &state);
  mlir::Value reshapedHeads(mlir::Value source, mlir::Value result,
                            const Axes &axes, HeadState &state);
  mlir::Value concatHeads(mlir::Operation *concat, const Axes &axes,
                          HeadState &state);
  mlir::Value slicedHeads(mlir::Operation *slice, const Axes &axes,
                          HeadState &state);
  struct RotaryMatch {
    mlir::Value input;
    RotaryTable table;
  };
  std::optional<RotaryMatch> matchRotary(const Scalar &scalar,
                                         const Axes &axes);
  std::optional<RotaryTable> readTable(const Scalar &cosines,
                                       const Scalar &sines, const Axes &axes,
                                       int64_t channels);
  struct TableEntry {
    bool isSine = false;
    double frequency = 0.0, scaling = 1.0;
  };
  std::optional<TableEntry> readEntry(const ElementRef &element);
  std::optional<TableEntry> readStoredEntry(const ElementRef &cosine,
                                            const ElementRef &sine);
  ElementRef tableElement(const Scalar &table, const Axes &axes,
                          int64_t channel);
  mlir::Value rotate(mlir::Value input, const RotaryTable &table);

  //===--------------------------------------------------------------------===//
  // Attention
  //===--------------------------------------------------------------------===//

  mlir::Value attention(mlir::Value tensor, Axes axes);

  //===--------------------------------------------------------------------===//
  // Building
  //===--------------------------------------------------------------------===//

  /// Notes the first thing that was not understood.
  mlir::Value fail(mlir::Location loc, const llvm::Twine &text);
  mlir::Value parameter(mlir::Value value);
  mlir::Value vectorParameter(mlir::Value value);
  mlir::RankedTensorType activations(llvm::ArrayRef<int64_t> channels);
  mlir::Value multiply(mlir::Value value, double factor);
  mlir::Value split(mlir::Value value, int64_t heads, int64_t channels);
  mlir::Value slice(mlir::Value value, int64_t dim, int64_t first,
                    int64_t count);
  mlir::Value activate(const ActivationMatch &match);

  mlir::func::FuncOp source, target;
  awq::ParameterStore &store;
  mlir::ImplicitLocOpBuilder b;
  Formulas formulas;
  std::unique_ptr<ElementReader> reader;
  llvm::SmallVector<Role> roles;
  bool hasCaches = false;
  mlir::Value tokens, position, count;
  llvm::DenseMap<mlir::Value, mlir::Value> built, parameters;
  std::optional<Routing> routing;
  llvm::DenseMap<mlir::Value, std::vector<float>> tables;
  /// Tables already built, with the values of their cosines and sines.
  std::vector<std::pair<RotaryTable, mlir::Value>> rotaryTables;
  /// Tables already read, by the tensors of cosines and sines.
  std::map<std::pair<void *, void *>, RotaryTable> knownTables;
  llvm::SmallVector<mlir::Value> newCaches;
  /// What each pair of new caches came from, so that present caches that the
  /// source returns are known.
  std::optional<Reason> reason;
  unsigned depth = 0;
};

/// Splits a raised function into @forward, @head and one private function a
/// layer, as imports from Hugging Face have them. Nothing changes, and a reason
/// comes back, where the layers cannot be told apart.
std::optional<std::string> splitLayers(mlir::func::FuncOp function);

} // namespace awq::decoder

#endif // AWQ_LIB_DIALECT_DECODER_TRANSFORMS_DECODERRAISER_H
