//===- Layouts.h - bit layouts of packed quantized weights ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Every packed layout of this project is a row of one table, keyed by the name
// that #awq.layout<"..."> carries. All functions take the unpacked form: codes
// [N, K] one per byte, scales f32 [N, G], zeros u8 [N, G], row-major.
//
// "autoawq_gemm"  (AutoAWQ's version "gemm"; 2 to 4 bits in slots of 4; N % 8
// == 0)
//   codes  i32 [K, N/8]   nibble i of word (k, c) is row n = 8c + P[i],
//                         P = 0 2 4 6 1 3 5 7; nibble i is bits 4i..4i+3
//   zeros  i32 [G, N/8]   in the same order
//   scales f16 [G, N]
// "cpu_n16"       (2 to 4 bits in slots of 4; N padded to 16, K to 8)
//   codes  i32 [N/16, K/8, 16]  word (b, j, r) holds row 16b + r, its nibble i
//                               channel 8j + i
//   zeros  f32 [N/16, G, 16]    as numbers, not multiplied by the scale
//   scales f32 [N/16, G, 16]
// "cpu_n16b8"     (5 to 8 bits in slots of 8; N padded to 16, K to 4)
//   codes  i32 [N/16, K/4, 16]  word (b, j, r) holds row 16b + r, its byte i
//                               channel 4j + i
//   zeros, scales as above
// "mma_n32k128"   (2 to 4 bits in slots of 4; N padded to 32, K to 128)
//   records i32 [words]  codes, scales (f16) and zeros of 32 rows and 128
//                        channels side by side: see RecordLayout.h
// Padding holds zeros everywhere, so that a padded row contributes nothing.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_UTILS_LAYOUTS_H
#define AWQ_DIALECT_AWQ_UTILS_LAYOUTS_H

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"

#include <string_view>
#include <vector>

namespace awq {

/// The element type of a packed array.
enum class PackedType { I32, F16, F32 };

/// Bytes of one element.
inline int64_t byteWidth(PackedType type) {
  return type == PackedType::F16 ? 2 : 4;
}

/// Shape and type of one packed array.
struct PackedArray {
  PackedType type;
  std::vector<int64_t> shape;

  int64_t elements() const;
  int64_t bytes() const { return elements() * byteWidth(type); }
};

/// One packed layout. `groups` is the number of groups per row. Packing
/// functions write every byte of the destination; destinations have the sizes
/// of the shape functions and the alignment of the element type.
/// A layout of records has one array for all three and leaves the functions of
/// separate arrays null; the others leave those of records null.
struct Layout {
  std::string_view name;
  /// The widths of codes that the layout can hold.
  int minBits, maxBits;
  /// N and K of a weight must be multiples of these.
  int64_t rowMultiple, channelMultiple;
  /// A group must be a multiple of this many channels.
  int64_t groupMultiple;

  PackedArray (*codesShape)(int64_t n, int64_t k);
  PackedArray (*zerosShape)(int64_t n, int64_t groups);
  PackedArray (*scalesShape)(int64_t n, int64_t groups);

  void (*packCodes)(const uint8_t *codes, int64_t n, int64_t k, void *packed);
  void (*unpackCodes)(const void *packed, int64_t n, int64_t k, uint8_t *codes);
  void (*packZeros)(const uint8_t *zeros, int64_t n, int64_t groups,
                    void *packed);
  void (*unpackZeros)(const void *packed, int64_t n, int64_t groups,
                      uint8_t *zeros);
  /// Scales that the packed type cannot hold are rounded; call checkScales
  /// where that must not happen.
  void (*packScales)(const float *scales, int64_t n, int64_t groups,
                     void *packed);
  void (*unpackScales)(const void *packed, int64_t n, int64_t groups,
                       float *scales);

  PackedArray (*recordsShape)(const QuantScheme &scheme, int64_t n,
                              int64_t k) = nullptr;
  void (*packAll)(const QuantScheme &scheme, int64_t n, int64_t k,
                  const uint8_t *codes, const float *scales,
                  const uint8_t *zeros, void *packed) = nullptr;
  void (*unpackAll)(const QuantScheme &scheme, int64_t n, int64_t k,
                    const void *packed, uint8_t *codes, float *scales,
                    uint8_t *zeros) = nullptr;

  bool isRecords() const { return recordsShape; }
};

/// The layout called `name`, or null.
const Layout *findLayout(std::string_view name);

/// All layouts, in alphabetical order.
const std::vector<Layout> &layouts();

/// The CPU layout for codes of the given width: "cpu_n16" or "cpu_n16b8".
const Layout &cpuLayout(int bits);

/// Checks that `layout` can hold a weight [n, k] of `scheme`. Errors: those of
/// QuantScheme::validate, AWQ1210 (width of codes), AWQ1211 (N or K is not the
/// needed multiple), AWQ1212 (group not a multiple of what a word holds, or not
/// one that records can have).
Status validateLayout(const Layout &layout, const QuantScheme &scheme,
                      int64_t n, int64_t k, std::string_view tensor = "");

/// Checks that packing loses nothing of `scales` [n, groups] (AWQ1213).
Status checkScales(const Layout &layout, const float *scales, int64_t n,
                   int64_t groups, std::string_view tensor = "");

} // namespace awq

#endif // AWQ_DIALECT_AWQ_UTILS_LAYOUTS_H
