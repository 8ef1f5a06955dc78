//===- OpContext.h - one node while it is imported ------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_OPCONTEXT_H
#define AWQ_LIB_TARGET_ONNX_OPCONTEXT_H

#include "Emitter.h"
#include "awq/Support/Error.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

namespace awq::onnx {

/// A node, its inputs, and where its outputs go. Attributes of a wrong kind and
/// missing inputs are noted here and reported once the op is done.
class OpContext {
public:
  OpContext(Emitter &emitter, const io::OnnxNode &node, int64_t version,
            std::vector<Tensor> inputs)
      : e(emitter), node(node), version(version), inputs(std::move(inputs)),
        outputs(node.outputs.size()) {}

  //===--------------------------------------------------------------------===//
  // Inputs
  //===--------------------------------------------------------------------===//

  bool has(size_t index) const {
    return index < inputs.size() && bool(inputs[index]);
  }
  /// The input; an empty f32 tensor if it is missing, which is noted.
  Tensor &input(size_t index);
  /// An axis attribute or element, made non-negative; notes one outside the
  /// rank.
  int64_t axis(int64_t axis, int64_t rank);
  /// The elements of an integer input as sizes; notes that they are not known.
  std::vector<DimExpr> sizes(size_t index);
  /// Whether an input is missing, or an integer tensor of known elements.
  bool isKnown(size_t index);
  /// The elements of an integer input that must be constants.
  std::vector<int64_t> constants(size_t index);
  /// The number in a constant scalar; notes an input that is none.
  double constantNumber(size_t index);
  /// The axes of a reduction or squeeze: an input since opset 13 or 18, else
  /// an attribute.
  std::optional<std::vector<int64_t>> axes(size_t inputIndex, int64_t rank);

  //===--------------------------------------------------------------------===//
  // Attributes
  //===--------------------------------------------------------------------===//

  bool hasAttribute(llvm::StringRef name) const {
    return node.find(name.str()) != nullptr;
  }
  int64_t getInt(llvm::StringRef name, int64_t missing);
  double getFloat(llvm::StringRef name, double missing);
  std::string getString(llvm::StringRef name, llvm::StringRef missing);
  std::vector<int64_t> getInts(llvm::StringRef name);

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  void put(Tensor tensor, size_t output);
  /// put(), and what went wrong until now.
  Status set(Tensor tensor, size_t output = 0);
  /// Whether an output has a name, so that something may read it.
  bool wants(size_t output) const {
    return output < node.outputs.size() && !node.outputs[output].empty();
  }
  /// AWQ1142: the node breaks its op's rules.
  Error invalid(const llvm::Twine &message) const;
  /// AWQ1141: valid, but more than is supported.
  Error unsupported(const llvm::Twine &message) const;
  void note(Error error) {
    if (failure)
      failure = std::move(error);
  }
  Status status() const { return failure; }
  bool ok() const { return static_cast<bool>(failure); }

  Emitter &e;
  const io::OnnxNode &node;
  /// Of the node's domain, as the model imports it.
  int64_t version;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;

private:
  const io::OnnxAttribute *find(llvm::StringRef name,
                                io::OnnxAttributeKind kind);

  Status failure;
};

using Handler = Status (*)(OpContext &);

/// The last opset of the standard domain whose changes were looked at.
constexpr int64_t kNewestOpset = 28;

/// An operator, the versions of its domain's opset in which it is understood,
/// and what it becomes.
struct OpEntry {
  llvm::StringLiteral name;
  Handler handler;
  int64_t since = 1;
  int64_t until = kNewestOpset;
  llvm::StringLiteral domain = "";
  /// What is refused, for docs/ONNX.md.
  llvm::StringLiteral limits = "";
};

/// All operators, by domain and name.
llvm::ArrayRef<const OpEntry *> allOps();
/// The operator, or null.
const OpEntry *findOp(llvm::StringRef domain, llvm::StringRef name);

/// The place that an element of an index tensor names in a dimension of `size`:
/// negative ones count from the end, and ones beyond the ends are moved inside,
/// so that no model reads outside of its tensors.
mlir::Value placeOf(mlir::ImplicitLocOpBuilder &b, mlir::Value element,
                    mlir::Value size);

/// Keeps places of a loop over one shape inside of a tensor of another, which
/// may be smaller only if that is not known; notes one that is.
class PlaceGuard {
public:
  PlaceGuard(OpContext &op, llvm::ArrayRef<DimExpr> looped,
             llvm::ArrayRef<DimExpr> sizes);
  llvm::SmallVector<mlir::Value> apply(mlir::ImplicitLocOpBuilder &b,
                                       mlir::ValueRange places) const;

private:
  /// The last place of each dimension; null where none lies behind it.
  llvm::SmallVector<mlir::Value> last;
};

/// "DOMAIN::OP-VERSION at node NAME".
std::string describe(const io::OnnxNode &node, int64_t version);

// The operators, by family.
llvm::ArrayRef<OpEntry> activationOps();
llvm::ArrayRef<OpEntry> attentionOps();
llvm::ArrayRef<OpEntry> binaryOps();
llvm::ArrayRef<OpEntry> comparisonOps();
llvm::ArrayRef<OpEntry> constantOps();
llvm::ArrayRef<OpEntry> contribOps();
llvm::ArrayRef<OpEntry> indexOps();
llvm::ArrayRef<OpEntry> normOps();
llvm::ArrayRef<OpEntry> padOps();
llvm::ArrayRef<OpEntry> productOps();
llvm::ArrayRef<OpEntry> quantOps();
llvm::ArrayRef<OpEntry> reduceOps();
llvm::ArrayRef<OpEntry> scatterOps();
llvm::ArrayRef<OpEntry> shapeOps();
llvm::ArrayRef<OpEntry> sliceOps();
llvm::ArrayRef<OpEntry> unaryOps();

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_OPCONTEXT_H
