//===- Quantize.h - the arithmetic of quantized weights ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The one definition of what quantizing and dequantizing mean. Folders, passes,
// searches and tests call these functions; kernels are tested against them.
//
// The arithmetic (fp32, every operation rounded to nearest even, no fused
// multiply-add), for one group of weights w with bounds [lo, hi]:
//   a = clamp(w, lo, hi);  min = min(a, 0);  max = max(a, 0)   over the group
//   asymmetric:  s = round_to_type((max - min) / (2^b - 1))
//                z = clamp(-rint(min / s), 0, 2^b - 1)
//   symmetric:   s = round_to_type(max(max / (2^(b-1) - 1), -min / 2^(b-1)))
//                z = 2^(b-1)
//   q = clamp(rint(a / s) + z, 0, 2^b - 1)
//   dequantized: (q - z) * s
// The scale is rounded to its stored type before anything is derived from it,
// so that codes are the nearest ones under the scale that a reader sees. Zero
// is always inside the range: with an unsigned zero point a range beside zero
// would saturate. A group of zeros has scale 2^-14 (the smallest normal f16)
// and all codes equal to the zero point; a scale that would round to 0 becomes
// the smallest positive number of the stored type.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_UTILS_QUANTIZE_H
#define AWQ_DIALECT_AWQ_UTILS_QUANTIZE_H

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"

#include <string_view>
#include <vector>

namespace awq {

/// Scale and zero point of one group.
struct GroupParameters {
  float scale;
  uint8_t zero;
};

/// A quantized matrix [N, K] in G groups per row; everything row-major.
struct QuantizedMatrix {
  QuantScheme scheme;
  int64_t n = 0;
  int64_t k = 0;
  /// One code per byte, [N, K].
  std::vector<uint8_t> codes;
  /// [N, G], values of the scheme's scale type.
  std::vector<float> scales;
  /// [N, G]; filled with 2^(bits-1) for a symmetric scheme.
  std::vector<uint8_t> zeros;
};

/// Puts row order[i] of the matrix at row i. An empty order changes nothing.
void reorderRows(QuantizedMatrix &matrix, const std::vector<int64_t> &order);
/// The inverse.
void restoreRows(QuantizedMatrix &matrix, const std::vector<int64_t> &order);

/// Optional bounds [N, G] to which weights are clamped before quantization;
/// null pointers mean no bounds.
struct ClipBounds {
  const float *lo = nullptr;
  const float *hi = nullptr;
};

/// Smallest and largest of `count` > 0 finite weights.
void groupRange(const float *weights, int64_t count, float &min, float &max);

/// Scale and zero point for weights within [min, max] (min <= max, finite; zero
/// is included whatever they are). The scale is infinite if its stored type
/// cannot hold it; quantize() turns that into an error.
GroupParameters groupParameters(float min, float max,
                                const QuantScheme &scheme);

/// Codes of one group of `count` weights; weights need not lie in the range.
void quantizeGroup(const float *weights, int64_t count,
                   GroupParameters parameters, const QuantScheme &scheme,
                   uint8_t *codes);

/// Writes what `weights` become under `parameters`: (q - z) * s.
void fakeQuantizeGroup(const float *weights, int64_t count,
                       GroupParameters parameters, const QuantScheme &scheme,
                       float *result);

/// Quantizes `weights`, row-major [n, k]. `tensor` names it in errors. Errors:
/// those of QuantScheme::validate; AWQ1205 (a NaN or infinite weight, with row
/// and group), AWQ1206 (a scale too large for its stored type), AWQ1207 (bounds
/// with lo > hi or not finite).
Result<QuantizedMatrix> quantize(const float *weights, int64_t n, int64_t k,
                                 const QuantScheme &scheme,
                                 ClipBounds clip = {},
                                 std::string_view tensor = "");

/// Writes (q - z) * s to `weights` [n, k]. `zeros` may be null for a symmetric
/// scheme.
void dequantize(const uint8_t *codes, const float *scales, const uint8_t *zeros,
                int64_t n, int64_t k, const QuantScheme &scheme,
                float *weights);

/// The same for a whole matrix.
std::vector<float> dequantize(const QuantizedMatrix &matrix);

/// Quantizes exactly as AutoAWQ 0.2 does on fp16 weights: every operation is
/// computed in fp32 and rounded to fp16, zero is not forced into the range,
/// the range is at least fp16(1e-5), and codes are derived from the quotient
/// rounded to fp16. `weights` [n, k] must hold fp16 values (others are rounded
/// first). Only 4 bits, asymmetric, f16 scales (AWQ1208 otherwise); the other
/// errors as for quantize. Source: AutoAWQ quantizer.py, pseudo_quantize_tensor
/// and WQLinear_GEMM.from_linear.
Result<QuantizedMatrix> quantizeAutoAwq(const float *weights, int64_t n,
                                        int64_t k, const QuantScheme &scheme,
                                        std::string_view tensor = "");

/// Dequantizes a matrix in AutoAWQ's arithmetic: (q - z) * s rounded to fp16.
std::vector<float> dequantizeAutoAwq(const QuantizedMatrix &matrix);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_UTILS_QUANTIZE_H
