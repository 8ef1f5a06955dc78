//===- Exporter.h - the ops of a decoder as ONNX nodes ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_EXPORTER_H
#define AWQ_LIB_TARGET_ONNX_EXPORTER_H

#include "ExportGraph.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/Support/Error.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

#include <deque>
#include <map>
#include <optional>

namespace awq::onnx {

enum class WeightFormat { Float, MatMulNBits, QDQ };

/// Converts a decoder (@forward and @head). Its values [tokens, ...] become
/// [batch, sequence, ...], caches [rows, heads, channels] become
/// [batch, heads, rows, channels].
///
/// The first error ends it; names made after that mean nothing.
class Exporter {
public:
  Exporter(mlir::ModuleOp module, WeightFormat format, int64_t opset,
           io::OnnxWriter &writer);

  Status run();

  /// @forward takes tokens, the position of the first and two caches per layer,
  /// and yields hidden states and the caches; @head makes logits of the former.
  Status checkForm();
  /// Whether the format holds the linears of layers, quantized by `scheme`.
  Status checkBlocks(const QuantScheme &scheme);

  /// Whether the caches can be buffers of one size for past and present: they
  /// can if GroupQueryAttention does all of the attention.
  bool sharesCaches() const { return !hasPlainAttention; }

private:
  using Names = ExportGraph::Names;

  /// Cosines and sines of one rotary_table.
  struct Angles {
    decoder::RotaryTableOp op;
    int64_t offset = 0;
    /// [batch, sequence, 1, R], for halves that turn and for neighbours.
    std::pair<std::string, std::string> tables[2];
    std::string cosineCache, sineCache; ///< [positions, R/2]
  };
  /// A part of a value that is put together by tensor.insert_slice.
  struct Piece {
    int64_t dim, first, count;
    std::string name;
  };
  /// What is known of an MLIR value.
  struct Known {
    Known() = default;
    explicit Known(std::string name) : name(std::move(name)) {}

    std::string name;
    /// The last two dimensions are still one.
    bool flat = false;
    Angles *angles = nullptr;
    std::optional<std::vector<Piece>> pieces;
    /// For caches.
    int64_t layer = -1;
    std::string present;
  };
  /// How onnxruntime's GroupQueryAttention takes the operands of an attention.
  struct GroupQuery {
    bool rotates = false, interleaved = false;
    mlir::Value query, key, value, cosines;
  };

  // ExportModel.cpp: functions and values
  void fail(Error error) {
    if (status)
      status = std::move(error);
  }
  void failOp(mlir::Operation *op, const std::string &why);
  void declare();
  void markNeeded(mlir::Block &body);
  /// The values of which an op needs the names.
  llvm::SmallVector<mlir::Value> sourcesOf(mlir::Operation *op);
  void convertBody(mlir::Block &body);
  void finishOutputs(mlir::func::FuncOp forward, mlir::Value logits);
  void define(mlir::Value value, const std::string &name) {
    known[value] = Known(name);
  }
  /// The name of a value in the shape of its type.
  std::string tensor(mlir::Value value);
  /// The value's position behind the first new token, if it is one.
  std::optional<int64_t> positionOffset(mlir::Value value);
  static int64_t width(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType())
        .getShape()
        .back();
  }
  static llvm::ArrayRef<int64_t> shape(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
  }
  /// The dimension of a graph's value.
  int64_t axis(int64_t dim) const { return dim == 0 ? 0 : dim + lead - 1; }

  // ExportOps.cpp
  void convert(mlir::Operation &op);
  void convertCall(mlir::func::CallOp op);
  void convertEmbedding(decoder::EmbeddingOp op);
  void convertRMSNorm(decoder::RMSNormOp op);
  void convertLayerNorm(decoder::LayerNormOp op);
  void convertElementwise(mlir::Operation &op, llvm::StringRef name);
  void convertScaleChannels(ScaleChannelsOp op);
  std::string activate(mlir::Operation *op, decoder::ActivationKind kind,
                       const std::string &x, mlir::OperandRange parameters);
  std::string xielu(const std::string &x, mlir::OperandRange parameters);

  // ExportShapes.cpp
  void convertExpandShape(mlir::tensor::ExpandShapeOp op);
  void convertCollapseShape(mlir::tensor::CollapseShapeOp op);
  void convertExtractSlice(mlir::tensor::ExtractSliceOp op);
  void convertInsertSlice(mlir::tensor::InsertSliceOp op);
  void convertBroadcast(mlir::linalg::BroadcastOp op);
  std::string shapeOf(const std::string &value, mlir::Value like);

  // ExportAttention.cpp
  std::optional<GroupQuery> groupQuery(decoder::AttentionOp op);
  void convertRotary(decoder::RotaryOp op);
  void convertAttention(decoder::AttentionOp op);
  void convertPlainAttention(decoder::AttentionOp op);
  void convertGroupQuery(decoder::AttentionOp op, const GroupQuery &plan);
  std::string scores(decoder::AttentionOp op, const std::string &present);
  std::string headed(mlir::Value value);
  std::string repeatedHeads(const std::string &heads, int64_t times,
                            int64_t count, int64_t channels);
  std::string spreadAngles(const std::string &values, int64_t half,
                           bool interleaved);
  void gatherAngles(Angles &angles, bool interleaved);
  std::string rotaryPartner(const std::string &x, int64_t heads, int64_t half,
                            bool interleaved);
  void writeAngleCaches(Angles &angles);

  // ExportExperts.cpp
  Names largest(const std::string &value, int64_t count);
  std::string keepGroups(decoder::RouterOp op, const std::string &scores);
  void convertRouter(decoder::RouterOp op);
  void convertExperts(decoder::ExpertsOp op);

  // ExportPositions.cpp: what the inputs say of rows and columns
  std::string total();     ///< [1]: columns of the mask
  std::string past();      ///< [1]: rows in the caches
  std::string columns();   ///< [total]: 0, 1, ...
  std::string rows();      ///< [sequence, 1]: columns of the new tokens
  std::string positions(); ///< [batch, sequence]
  /// [batch, 1, sequence, total]: who sees whom, with a window or 0.
  std::string visible(int64_t window);
  std::string lastRows();  ///< [batch]: seqlens_k of GroupQueryAttention
  std::string totalRows(); ///< scalar: its total_sequence_length

  // ExportWeights.cpp
  void findTables();
  /// A parameter as a float32 tensor of the graph.
  std::string parameter(mlir::Value value);
  std::string floats(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<float> values);
  /// A parameter as it is stored, and its type.
  std::string stored(mlir::Value value, io::OnnxType &type);
  std::string parameterName(mlir::Value value);
  void convertLinear(LinearOp op);
  void convertQuantizedLinear(QuantizedLinearOp op);
  /// A [N, K] parameter as a float32 [K, N].
  std::string transposedWeight(mlir::Value weight, llvm::StringRef name);
  void addBias(mlir::Operation *op, std::string product, mlir::Value bias);

  // ExportQuantized.cpp
  /// Plain codes [n, k], scales and zero points [n, k / group].
  struct Quantized {
    int64_t n = 0, k = 0, group = 0;
    int bits = 4; ///< of a code: 4 or 8
    bool symmetric = false;
    std::vector<uint8_t> codes, zeros;
    std::vector<float> scales;
    int64_t groups() const { return k / group; }
  };
  std::optional<Quantized> readQuantized(QuantizedLinearOp op);
  std::string nBitsProduct(QuantizedLinearOp op, Quantized weight,
                           llvm::StringRef name);
  std::string qdqWeight(const Quantized &weight, llvm::StringRef name);
  std::string dequantized(const Quantized &weight, llvm::StringRef name);
  void tensorOf(const std::string &name, io::OnnxType type,
                const std::vector<int64_t> &shape, const void *data,
                uint64_t bytes);

  mlir::ModuleOp module;
  WeightFormat format;
  io::OnnxWriter &writer;
  ExportGraph graph;
  ParameterStore store;
  Status status;
  /// Dimensions that stand for tokens: batch and sequence.
  int64_t lead = 2;
  int64_t maxPosition = 0;
  bool hasPlainAttention = false;
  llvm::DenseMap<mlir::Value, Known> known;
  llvm::DenseSet<mlir::Value> needed;
  llvm::DenseSet<mlir::Value> positionArguments;
  std::deque<Angles> angles;
  /// Symbols of parameters that an embedding reads.
  llvm::StringSet<> tables;
  /// Parameters that are there: by name and what was made of them.
  std::map<std::string, std::string> written;
  /// Names of shared values, by what they are.
  std::map<std::string, std::string> shared;
  std::map<int64_t, std::string> masks;
};

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_EXPORTER_H
