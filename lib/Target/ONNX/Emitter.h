//===- Emitter.h - tensor algebra in upstream ops ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// What ops are made of: shapes as DimExprs on one side, linalg, tensor and
// arith ops on the other. Each function yields a tensor whose type says of its
// sizes what is known about them.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_EMITTER_H
#define AWQ_LIB_TARGET_ONNX_EMITTER_H

#include "DimExpr.h"
#include "awq/IO/Onnx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace awq::onnx {

using io::OnnxType;
using Shape = llvm::SmallVector<DimExpr, 4>;

/// A value of the graph. What is known about it grows from left to right: a
/// type and shape always, its elements if it is small and made of sizes and
/// constants, a value in the function once it is asked for.
struct Tensor {
  OnnxType type = OnnxType::Undefined;
  Shape shape;
  /// Row-major elements of an integer or boolean tensor.
  std::optional<std::vector<DimExpr>> elements;
  /// All elements of a constant.
  mlir::DenseElementsAttr constant;
  /// The initializer that it is, if it is one.
  const io::OnnxTensor *initializer = nullptr;
  /// Set by Emitter::value().
  mlir::Value value;

  int64_t rank() const { return shape.size(); }
  explicit operator bool() const { return type != OnnxType::Undefined; }
};

bool isFloat(OnnxType type);
bool isUnsigned(OnnxType type);
/// Integers and booleans.
bool isInteger(OnnxType type);

/// The type in which elements of `type` are added up.
OnnxType sumType(OnnxType type);

/// The number of elements, if it is known.
std::optional<int64_t> countElements(llvm::ArrayRef<DimExpr> shape);
DimExpr productOf(llvm::ArrayRef<DimExpr> shape);

enum class Reduction { Sum, Product, Max, Min };

class Emitter {
public:
  /// Computes one element of type `result` from elements of the inputs. Floats
  /// of 16 bits come and are yielded as f32.
  using Body = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                              mlir::ValueRange)>;
  /// The same with the element's place.
  using IndexBody = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                                   mlir::ValueRange indices)>;

  explicit Emitter(mlir::ImplicitLocOpBuilder &builder)
      : b(builder), dims(builder) {}

  //===--------------------------------------------------------------------===//
  // Types and values
  //===--------------------------------------------------------------------===//

  /// Null for types that have no counterpart here (strings, floats of 8 bits).
  mlir::Type elementType(OnnxType type);
  mlir::RankedTensorType tensorType(OnnxType type,
                                    llvm::ArrayRef<DimExpr> shape);
  /// The tensor in the function, built when it is first asked for.
  mlir::Value value(Tensor &tensor);
  mlir::Value value(const Tensor &tensor) {
    Tensor copy = tensor;
    return value(copy);
  }
  /// A tensor that a value holds; cast if its type says less than `shape`.
  Tensor wrap(mlir::Value value, OnnxType type, Shape shape);
  Tensor scalar(OnnxType type, double number);
  Tensor fromElements(OnnxType type, Shape shape,
                      std::vector<DimExpr> elements);
  Tensor fromConstant(OnnxType type, mlir::DenseElementsAttr constant);
  /// Elements of an integer tensor: known ones, or read at run time if it has
  /// at most 64 and their number is known.
  std::optional<std::vector<DimExpr>> elements(Tensor &tensor);
  /// The one number of a constant with equal elements.
  static std::optional<double> splat(const Tensor &tensor);
  mlir::Value empty(OnnxType type, llvm::ArrayRef<DimExpr> shape);
  Tensor full(OnnxType type, Shape shape, const Tensor &element);

  //===--------------------------------------------------------------------===//
  // Elementwise
  //===--------------------------------------------------------------------===//

  /// The shape that numpy's rules give; nothing if they cannot meet.
  std::optional<Shape> broadcast(llvm::ArrayRef<Shape> shapes);
  /// Inputs are broadcast; they must be broadcastable.
  Tensor map(llvm::ArrayRef<Tensor> inputs, OnnxType result, Body body);
  Tensor mapTo(llvm::ArrayRef<Tensor> inputs, OnnxType result, Shape shape,
               Body body);
  /// Elements by place, read with readElement().
  Tensor generate(OnnxType result, Shape shape, IndexBody body);
  mlir::Value readElement(mlir::ImplicitLocOpBuilder &nested,
                          mlir::Value tensor, mlir::ValueRange indices);
  Tensor cast(const Tensor &input, OnnxType type);
  Tensor add(const Tensor &a, const Tensor &b);
  Tensor subtract(const Tensor &a, const Tensor &b);
  Tensor multiply(const Tensor &a, const Tensor &b);
  Tensor divide(const Tensor &a, const Tensor &b);
  Tensor multiply(const Tensor &a, double factor);
  Tensor select(const Tensor &condition, const Tensor &yes, const Tensor &no);

  //===--------------------------------------------------------------------===//
  // Shapes
  //===--------------------------------------------------------------------===//

  Tensor reshape(const Tensor &input, Shape shape);
  Tensor transpose(const Tensor &input, llvm::ArrayRef<int64_t> permutation);
  /// To a shape that it can be broadcast to.
  Tensor expand(const Tensor &input, Shape shape);
  /// Elements first, first + step, ... of one axis; step is positive.
  Tensor slice(const Tensor &input, int64_t axis, DimExpr first, DimExpr count,
               int64_t step = 1);
  Tensor concat(llvm::ArrayRef<Tensor> inputs, int64_t axis);
  Tensor unsqueeze(const Tensor &input, llvm::ArrayRef<int64_t> axes);
  Tensor squeeze(const Tensor &input, llvm::ArrayRef<int64_t> axes);

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  /// Over `axes`, which stay with size 1. Floats of 16 bits are added in f32.
  Tensor reduce(Reduction kind, const Tensor &input,
                llvm::ArrayRef<int64_t> axes);
  /// One step of a reduction, and what it starts from.
  mlir::Value combine(mlir::ImplicitLocOpBuilder &nested, Reduction kind,
                      OnnxType type, mlir::Value a, mlir::Value b);
  mlir::Value neutral(Reduction kind, OnnxType type);
  Tensor mean(const Tensor &input, llvm::ArrayRef<int64_t> axes);
  Tensor softmax(const Tensor &input, int64_t axis);
  /// numpy's matmul, for at least two dimensions each.
  Tensor matmul(const Tensor &a, const Tensor &b);
  /// Sums of products: one letter per dimension, as in einsum. Float sums are
  /// of f32 or f64, integer ones of type `sums`.
  Tensor contract(llvm::ArrayRef<Tensor> inputs,
                  llvm::ArrayRef<std::string> letters, llvm::StringRef result,
                  OnnxType sums);

  /// Whether some tensors did not fit together since the last call: a node that
  /// its op's handler has not checked in full. Nothing is emitted for it.
  bool takeMisfit() { return std::exchange(misfit, false); }

  mlir::ImplicitLocOpBuilder &b;
  DimContext dims;
  /// Makes a value of an initializer that does not stand in the IR.
  std::function<mlir::Value(const io::OnnxTensor &)> load;

private:
  bool misfit = false;
  /// mapTo() for constants of equal elements: one scalar is computed, at once
  /// if its ops can be folded.
  Tensor mapConstants(llvm::ArrayRef<Tensor> inputs, OnnxType result,
                      Shape shape, Body body);
  Tensor constantElements(const Tensor &input);
};

/// An element that is the same number everywhere.
mlir::Value constantElement(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                            double number);
/// `value` widened to f32 if it is a float of 16 bits.
mlir::Value widen(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
/// One element from one type to another, as ONNX's Cast does.
mlir::Value castElement(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                        OnnxType from, mlir::Type to, OnnxType target);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_EMITTER_H
