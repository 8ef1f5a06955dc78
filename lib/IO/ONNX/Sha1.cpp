//===- Sha1.cpp - SHA-1 of bytes ------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sha1.h"

#include <algorithm>
#include <array>

using namespace awq;
using namespace awq::io;

static uint32_t rotate(uint32_t value, unsigned by) {
  return value << by | value >> (32 - by);
}

static void compress(std::array<uint32_t, 5> &state, const uint8_t *block) {
  uint32_t words[80];
  for (unsigned i = 0; i < 16; ++i)
    words[i] = uint32_t(block[4 * i]) << 24 | uint32_t(block[4 * i + 1]) << 16 |
               uint32_t(block[4 * i + 2]) << 8 | block[4 * i + 3];
  for (unsigned i = 16; i < 80; ++i)
    words[i] =
        rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  auto [a, b, c, d, e] = state;
  for (unsigned i = 0; i < 80; ++i) {
    uint32_t mixed, constant;
    if (i < 20) {
      mixed = (b & c) | (~b & d);
      constant = 0x5a827999;
    } else if (i < 40) {
      mixed = b ^ c ^ d;
      constant = 0x6ed9eba1;
    } else if (i < 60) {
      mixed = (b & c) | (b & d) | (c & d);
      constant = 0x8f1bbcdc;
    } else {
      mixed = b ^ c ^ d;
      constant = 0xca62c1d6;
    }
    uint32_t next = rotate(a, 5) + mixed + e + constant + words[i];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

std::string io::sha1(const uint8_t *data, uint64_t bytes) {
  std::array<uint32_t, 5> state = {0x67452301, 0xefcdab89, 0x98badcfe,
                                   0x10325476, 0xc3d2e1f0};
  uint64_t whole = bytes / 64 * 64;
  for (uint64_t at = 0; at < whole; at += 64)
    compress(state, data + at);
  // The rest, a 1 bit, zeros, and the length in bits at the end of a block.
  std::array<uint8_t, 128> tail{};
  uint64_t rest = bytes - whole;
  std::copy_n(data + whole, rest, tail.begin());
  tail[rest] = 0x80;
  uint64_t size = rest < 56 ? 64 : 128;
  for (unsigned i = 0; i < 8; ++i)
    tail[size - 1 - i] = static_cast<uint8_t>(bytes * 8 >> (8 * i));
  for (uint64_t at = 0; at < size; at += 64)
    compress(state, tail.data() + at);

  std::string text;
  for (uint32_t word : state)
    for (int shift = 28; shift >= 0; shift -= 4)
      text += "0123456789abcdef"[word >> shift & 15];
  return text;
}
