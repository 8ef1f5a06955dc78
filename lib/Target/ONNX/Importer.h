//===- Importer.h - the graph of a model ------------------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_IMPORTER_H
#define AWQ_LIB_TARGET_ONNX_IMPORTER_H

#include "OpContext.h"
#include "awq/IO/Onnx.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace awq::onnx {

/// Builds the function @main of a model: its inputs are the graph's, its
/// results the graph's outputs, both named by `awq.name`.
class Importer {
public:
  Importer(mlir::ModuleOp module, const io::OnnxFile &file);

  Status run();

private:
  Status declareInputs();
  void declareInitializers();
  /// The sizes over the symbols of all inputs, for those who call the function.
  mlir::AffineMapAttr describeShape(const Shape &shape);
  Status bindSizes(const io::OnnxValue &input, mlir::Value argument,
                   bool expressions, Shape &shape);
  Status importNode(const io::OnnxNode &node);
  Status importCall(const io::OnnxNode &node, const io::OnnxFunction &function);
  Status importNodes(llvm::ArrayRef<io::OnnxNode> nodes);
  Result<std::vector<Tensor>> readInputs(const io::OnnxNode &node);
  Status finish();
  /// The opset of a node's domain, as the model or function imports it.
  std::optional<int64_t> versionOf(const io::OnnxNode &node) const;
  /// A parameter that lies in a file, under its name.
  mlir::Value loadParameter(const io::OnnxTensor &tensor);
  mlir::Location locationOf(const io::OnnxNode &node);

  mlir::ModuleOp module;
  const io::OnnxFile &file;
  mlir::ImplicitLocOpBuilder builder;
  mlir::func::FuncOp function;
  Emitter emitter;
  /// How many symbols the sizes of the inputs have; further ones are of values
  /// within the function.
  unsigned inputSymbols = 0;
  /// Values of the graph, or of the function that is being expanded.
  using Scope = std::map<std::string, Tensor, std::less<>>;
  Scope scope;
  const std::map<std::string, int64_t, std::less<>> *opsets;
  /// Initializers that lie in files, as far as something reads them.
  std::map<std::string, mlir::Value, std::less<>> parameters;
  /// File to (name to place), for awq.parameter_files.
  std::map<std::string, llvm::SmallVector<mlir::NamedAttribute>> places;
  unsigned depth = 0;
};

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_IMPORTER_H
