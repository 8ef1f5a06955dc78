//===- AttentionTask.h - attention of one token, a few heads ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_DECODERTOLINALG_ATTENTIONTASK_H
#define AWQ_LIB_CONVERSION_DECODERTOLINALG_ATTENTIONTASK_H

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace awq::attention {

using mlir::ArrayRef;
using mlir::ImplicitLocOpBuilder;
using mlir::RankedTensorType;
using mlir::SmallVector;
using mlir::SmallVectorImpl;
using mlir::Value;
using mlir::ValueRange;
using mlir::VectorType;

/// `vector` at `indices` of `destination`, in its element type.
Value writeVector(ImplicitLocOpBuilder &b, Value vector, Value destination,
                  ValueRange indices);

/// What the loop over the cache carries for one head.
struct HeadState {
  /// The greatest score so far, and the lanes of the sum of the weights.
  Value maximum, sum;
  /// The weighted sum of the values, by chunks of lanes.
  SmallVector<Value> out;

  void appendTo(SmallVectorImpl<Value> &values) const {
    values.append({maximum, sum});
    values.append(out);
  }
};

/// Builds the body of one task: query token `token`, heads `firstHead` ..
/// firstHead + heads - 1.
class TaskBuilder {
public:
  TaskBuilder(ImplicitLocOpBuilder &b, awq::decoder::AttentionOp op, Value keys,
              Value values, Value firstHead, int64_t heads, Value token);

  /// Limits the task to the rows of one of `parts` equal parts.
  void takePart(Value part, int64_t parts);

  /// The task's rows of the output, [heads, Dv], written into `destination`.
  Value build(Value destination);

  /// Partial results, [heads, Dv + 2], written into `destination`: the weighted
  /// sum of the values, the maximum of the scores, the sum of the weights.
  Value buildPartial(Value destination);

private:
  Value load(Value source, Value row, Value head, LaneChunk chunk);
  Value index(int64_t value);
  Value broadcast(Value scalar, VectorType type);
  void readHead(Value head);
  SmallVector<HeadState> unflatten(ValueRange values) const;
  /// The cache rows `start` .. start + rowsPerStep - 1; those past the last
  /// visible one are that one, and finishScores gives them no weight.
  SmallVector<Value> rowsOf(Value start);
  void prefetch(Value cache, ValueRange rows, ArrayRef<LaneChunk> chunks);
  SmallVector<Value> products(Value row);
  SmallVector<Value> dots(ValueRange rows);
  Value distances(Value start);
  Value finishScores(Value scores, Value start, int64_t head);
  Value weigh(HeadState &state, Value scores, Value &correction);
  void step(Value start, SmallVectorImpl<HeadState> &states);
  void addValues(ValueRange rows, size_t firstChunk, ValueRange weights,
                 ValueRange corrections,
                 llvm::MutableArrayRef<HeadState> states);
  SmallVector<HeadState> loop();

  ImplicitLocOpBuilder &b;
  awq::decoder::AttentionOp op;
  Value keys, values, token, cacheHead;
  int64_t heads;
  /// Position of the token; the task's first and last row, and their end.
  Value position, first, last, end;
  SmallVector<LaneChunk> keyChunks, valueChunks;
  /// By head: the query's chunks, and the slope in each lane if there are some.
  SmallVector<SmallVector<Value>> queries;
  SmallVector<Value> slopes;
  VectorType scoreType;
};

} // namespace awq::attention

#endif // AWQ_LIB_CONVERSION_DECODERTOLINALG_ATTENTIONTASK_H
