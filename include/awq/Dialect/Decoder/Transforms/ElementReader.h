//===- ElementReader.h - from ops to formulas ------------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_TRANSFORMS_ELEMENTREADER_H
#define AWQ_DIALECT_DECODER_TRANSFORMS_ELEMENTREADER_H

#include "awq/Dialect/Decoder/Transforms/Elements.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseMap.h"

#include <functional>

namespace awq::decoder {

/// Finds the formula of an element by following the ops that compute it:
/// linalg, tensor, arith and math ops of one function.
class ElementReader {
public:
  /// What the elements and sizes of function arguments are; Unknown and nothing
  /// where they mean nothing.
  struct Arguments {
    std::function<ElementRef(mlir::BlockArgument,
                             llvm::ArrayRef<ElementRef> indices)>
        element;
    std::function<std::optional<Linear>(mlir::BlockArgument, int64_t dim)> size;
    /// An element of a float constant or parameter.
    std::function<std::optional<double>(mlir::Value, llvm::ArrayRef<int64_t>)>
        constant;
    /// What an element of any other tensor is taken to be; null for those that
    /// are to be followed.
    std::function<ElementRef(mlir::Value, llvm::ArrayRef<ElementRef> indices)>
        given;
  };

  ElementReader(Formulas &formulas, Arguments arguments)
      : f(formulas), arguments(std::move(arguments)) {}

  /// The size of a tensor's dimension.
  std::optional<Linear> sizeOf(mlir::Value tensor, int64_t dim);
  /// One element of a tensor.
  ElementRef read(mlir::Value tensor, llvm::ArrayRef<ElementRef> indices);
  /// A scalar in the body of `generic` at a place of its loops.
  ElementRef readScalar(mlir::Value scalar, mlir::linalg::GenericOp generic,
                        llvm::ArrayRef<ElementRef> loops);
  /// An index or other scalar outside of any body.
  ElementRef readScalar(mlir::Value scalar);

  Formulas &f;

private:
  /// Where a scalar is computed: a body of a linalg.generic at given loops, or
  /// the function itself.
  struct Place {
    mlir::linalg::GenericOp generic;
    llvm::ArrayRef<ElementRef> loops;
    llvm::DenseMap<mlir::Value, ElementRef> known;
  };

  ElementRef scalar(mlir::Value value, Place &place);
  ElementRef compute(mlir::Operation *op, mlir::Value value, Place &place);
  ElementRef compare(mlir::Operation *op, Place &place);
  ElementRef sumLoop(mlir::Operation *op, Place &place);
  ElementRef blockArgument(mlir::BlockArgument argument, Place &place);
  llvm::SmallVector<ElementRef> apply(mlir::AffineMap map,
                                      llvm::ArrayRef<ElementRef> loops);
  ElementRef readConstant(mlir::Value tensor,
                          llvm::ArrayRef<ElementRef> indices);
  ElementRef readGeneric(mlir::linalg::GenericOp op,
                         llvm::ArrayRef<ElementRef> indices);
  ElementRef readReduce(mlir::linalg::ReduceOp op,
                        llvm::ArrayRef<ElementRef> indices);
  ElementRef readReshaped(mlir::Value source, mlir::Value result,
                          llvm::ArrayRef<ElementRef> indices);
  ElementRef readConcat(mlir::Operation *op,
                        llvm::ArrayRef<ElementRef> indices);
  std::optional<Linear> asLinear(mlir::OpFoldResult value);

  /// One level deeper while it lives.
  struct Deeper {
    explicit Deeper(ElementReader &reader) : depth(reader.depth) { ++depth; }
    ~Deeper() { --depth; }
    unsigned &depth;
  };
  /// Whether reading goes on: formulas of one model are small, and what is
  /// larger is no mask and no table.
  bool isTooLarge() { return depth > maxDepth || ++steps > maxSteps; }

  static constexpr unsigned maxDepth = 400;
  static constexpr uint64_t maxSteps = 20'000'000;
  Arguments arguments;
  unsigned depth = 0;
  uint64_t steps = 0;
};

} // namespace awq::decoder

#endif // AWQ_DIALECT_DECODER_TRANSFORMS_ELEMENTREADER_H
