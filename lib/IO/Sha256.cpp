//===- Sha256.cpp - SHA-256 of bytes and files ----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Sha256.h"

#include "awq/IO/FileError.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace awq;
using namespace awq::io;

/// FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube
/// roots of the first 64 primes.
alignas(16) static constexpr uint32_t roundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotateRight(uint32_t x, int n) {
  return (x >> n) | (x << (32 - n));
}

/// FIPS 180-4, 6.2.2, word by word.
static void compressPortable(uint32_t *state, const uint8_t *blocks,
                             size_t count) {
  for (; count != 0; --count, blocks += 64) {
    uint32_t w[64];
    for (int t = 0; t < 16; ++t)
      w[t] = uint32_t(blocks[4 * t]) << 24 | uint32_t(blocks[4 * t + 1]) << 16 |
             uint32_t(blocks[4 * t + 2]) << 8 | uint32_t(blocks[4 * t + 3]);
    for (int t = 16; t < 64; ++t) {
      uint32_t s0 = rotateRight(w[t - 15], 7) ^ rotateRight(w[t - 15], 18) ^
                    (w[t - 15] >> 3);
      uint32_t s1 = rotateRight(w[t - 2], 17) ^ rotateRight(w[t - 2], 19) ^
                    (w[t - 2] >> 10);
      w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; ++t) {
      uint32_t s1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
      uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + roundConstants[t] + w[t];
      uint32_t s0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
      uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1;
      d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

#if defined(__x86_64__)
/// The same with Intel's SHA extensions. The instructions keep the state as
/// (A, B, E, F) and (C, D, G, H), highest lane first, and do two rounds each.
__attribute__((target("sha,sse4.1"))) static void
compressHardware(uint32_t *state, const uint8_t *blocks, size_t count) {
  const __m128i swapBytes =
      _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  auto *out = reinterpret_cast<__m128i *>(state);
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128(out), 0x1b);
  __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(out + 1), 0x1b);
  __m128i abef = _mm_unpackhi_epi64(efgh, abcd);
  __m128i cdgh = _mm_unpacklo_epi64(efgh, abcd);
  for (; count != 0; --count, blocks += 64) {
    const __m128i abefBefore = abef, cdghBefore = cdgh;
    __m128i w[4]; // the 16 latest words of the schedule, as a ring
    for (int i = 0; i < 4; ++i)
      w[i] = _mm_shuffle_epi8(
          _mm_loadu_si128(reinterpret_cast<const __m128i *>(blocks) + i),
          swapBytes);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      __m128i &word = w[i % 4];
      if (i >= 4) {
        const __m128i before = w[(i + 3) % 4];
        __m128i sum = _mm_sha256msg1_epu32(word, w[(i + 1) % 4]);
        sum = _mm_add_epi32(sum, _mm_alignr_epi8(before, w[(i + 2) % 4], 4));
        word = _mm_sha256msg2_epu32(sum, before);
      }
      __m128i input = _mm_add_epi32(
          word, _mm_load_si128(
                    reinterpret_cast<const __m128i *>(roundConstants) + i));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
    }
    abef = _mm_add_epi32(abef, abefBefore);
    cdgh = _mm_add_epi32(cdgh, cdghBefore);
  }
  abcd = _mm_unpackhi_epi64(cdgh, abef);
  efgh = _mm_unpacklo_epi64(cdgh, abef);
  _mm_storeu_si128(out, _mm_shuffle_epi32(abcd, 0x1b));
  _mm_storeu_si128(out + 1, _mm_shuffle_epi32(efgh, 0x1b));
}
#endif

bool Sha256::hasHardware() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1");
#else
  return false;
#endif
}

Sha256::Sha256()
    : Sha256(hasHardware() ? Implementation::Hardware
                           : Implementation::Portable) {}

Sha256::Sha256(Implementation implementation) : compress(compressPortable) {
  assert((implementation == Implementation::Portable || hasHardware()) &&
         "this processor has no SHA instructions");
#if defined(__x86_64__)
  if (implementation == Implementation::Hardware)
    compress = compressHardware;
#endif
  reset();
}

void Sha256::reset() {
  // FIPS 180-4, 5.3.3: square roots of the first eight primes.
  state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  length = 0;
}

void Sha256::update(const void *data, size_t bytes) {
  if (bytes == 0)
    return;
  auto *next = static_cast<const uint8_t *>(data);
  size_t held = length % 64;
  length += bytes;
  if (held != 0) {
    size_t taken = std::min(bytes, 64 - held);
    std::memcpy(pending.data() + held, next, taken);
    next += taken;
    bytes -= taken;
    if (held + taken < 64)
      return;
    compress(state.data(), pending.data(), 1);
  }
  compress(state.data(), next, bytes / 64);
  std::memcpy(pending.data(), next + bytes / 64 * 64, bytes % 64);
}

Sha256::Digest Sha256::finish() {
  // FIPS 180-4, 5.1.1: a one bit, zeros, and the length in bits in 8 bytes.
  uint64_t bits = length * 8;
  uint8_t padding[72] = {0x80};
  size_t zerosEnd = (length % 64 < 56 ? 56 : 120) - length % 64;
  for (int i = 0; i < 8; ++i)
    padding[zerosEnd + i] = static_cast<uint8_t>(bits >> (56 - 8 * i));
  update(padding, zerosEnd + 8);
  Digest digest;
  for (int i = 0; i < 32; ++i)
    digest[i] = static_cast<uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  reset();
  return digest;
}

std::string io::toHex(const Sha256::Digest &digest) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (uint8_t byte : digest)
    text += {digits[byte >> 4], digits[byte & 15]};
  return text;
}

std::string io::sha256(const void *data, size_t bytes) {
  Sha256 hash;
  hash.update(data, bytes);
  return toHex(hash.finish());
}

Result<std::string> io::sha256File(const std::string &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return readError(path, errno);
  struct stat info;
  if (::fstat(descriptor, &info) == 0 && !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    return Error{ErrorKind::Malformed, "AWQ1003",
                 "expected a regular file to hash", path,
                 "name the file itself"};
  }
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  Sha256 hash;
  std::vector<uint8_t> buffer(size_t(1) << 20);
  ssize_t got;
  while ((got = ::read(descriptor, buffer.data(), buffer.size())) != 0) {
    if (got > 0) {
      hash.update(buffer.data(), static_cast<size_t>(got));
    } else if (errno != EINTR) {
      Error error = readError(path, errno);
      ::close(descriptor);
      return error;
    }
  }
  ::close(descriptor);
  return toHex(hash.finish());
}
