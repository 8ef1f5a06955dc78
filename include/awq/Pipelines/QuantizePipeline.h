//===- QuantizePipeline.h - quantization as a pipeline ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_QUANTIZEPIPELINE_H
#define AWQ_PIPELINES_QUANTIZEPIPELINE_H

#include "mlir/Pass/PassOptions.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace awq {

/// Options of awq-quantize-pipeline. Quantizing a whole model from calibration
/// text, layer by layer, is quantizeModel()'s work; this pipeline is for
/// statistics that exist.
struct QuantizePipelineOptions
    : public mlir::PassPipelineOptions<QuantizePipelineOptions> {
  Option<int64_t> bits{*this, "bits", llvm::cl::desc("width of a code, 2 to 8"),
                       llvm::cl::init(4)};
  Option<int64_t> group{*this, "group",
                        llvm::cl::desc("input channels that share a scale; 0 "
                                       "is the whole row"),
                        llvm::cl::init(64)};
  Option<bool> symmetric{*this, "symmetric",
                         llvm::cl::desc("zero points are 2^(bits-1)"),
                         llvm::cl::init(false)};
  Option<std::string> statistics{
      *this, "statistics",
      llvm::cl::desc("statistics file; else the host's StatisticsProvider and "
                     "the attributes of awq.observe are asked"),
      llvm::cl::init("")};
  Option<bool> searchScales{*this, "search-scales",
                            llvm::cl::desc("search channel scales"),
                            llvm::cl::init(true)};
  Option<bool> searchClips{
      *this, "search-clips",
      llvm::cl::desc("search narrower ranges for groups of weights"),
      llvm::cl::init(true)};
  Option<bool> refit{*this, "refit",
                     llvm::cl::desc("fit the scales to the codes"),
                     llvm::cl::init(true)};
  Option<bool> refine{*this, "refine",
                      llvm::cl::desc("move codes where the output gains"),
                      llvm::cl::init(true)};
  ListOption<std::string> skip{
      *this, "skip",
      llvm::cl::desc("linears whose name contains one of these stay float")};
  Option<std::string> sideFiles{
      *this, "side-files",
      llvm::cl::desc("where new parameters go if the weights lie in files: "
                     "this with .scales, .clips and .codes.safetensors after "
                     "it"),
      llvm::cl::init("")};
};

/// Appends the passes that quantize the linears of a module with statistics.
/// With all four searches off, weights are only rounded and no statistics are
/// needed.
void buildQuantizePipeline(mlir::OpPassManager &manager,
                           const QuantizePipelineOptions &options);

/// Registers "awq-quantize-pipeline".
void registerQuantizePipeline();

} // namespace awq

#endif // AWQ_PIPELINES_QUANTIZEPIPELINE_H
