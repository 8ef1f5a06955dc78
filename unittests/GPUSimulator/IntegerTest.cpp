//===- IntegerTest.cpp - integer arithmetic of all widths -----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

#include <functional>

using namespace awq::gpusim::test;

namespace {

using Reference = std::function<uint64_t(uint64_t, uint64_t, unsigned)>;

int64_t asSigned(uint64_t value, unsigned width) {
  unsigned shift = 64 - width;
  return int64_t(value << shift) >> shift;
}

template <typename T>
void checkWidth(const std::string &name, const std::string &text,
                const std::string &declaration, const Reference &reference,
                bool nonZeroRight, bool shift) {
  constexpr unsigned width = 8 * sizeof(T);
  std::string type = "i" + std::to_string(width);
  std::vector<T> x, y;
  for (uint64_t value : cornerNumbers(500, width, 7))
    x.push_back(static_cast<T>(value));
  for (uint64_t value : cornerNumbers(500, width, 8))
    y.push_back(static_cast<T>(shift          ? value % width
                               : nonZeroRight ? (value ? value : 3)
                                              : value));
  auto put = [&](std::string part) {
    for (size_t at; (at = part.find("TYPE")) != std::string::npos;)
      part.replace(at, 4, type);
    return part;
  };
  std::vector<T> result =
      elementwise<T>(type, type, put(text), x, y, x, put(declaration));
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(result[i], static_cast<T>(reference(x[i], y[i], width)))
        << name << " " << type << " of " << uint64_t(x[i]) << " and "
        << uint64_t(y[i]);
}

void check(const std::string &name, const std::string &text,
           const Reference &reference, bool nonZeroRight = false,
           bool shift = false, const std::string &declaration = "") {
  checkWidth<uint8_t>(name, text, declaration, reference, nonZeroRight, shift);
  checkWidth<uint16_t>(name, text, declaration, reference, nonZeroRight, shift);
  checkWidth<uint32_t>(name, text, declaration, reference, nonZeroRight, shift);
  checkWidth<uint64_t>(name, text, declaration, reference, nonZeroRight, shift);
}

void checkOp(const std::string &name, const Reference &reference,
             bool nonZeroRight = false, bool shift = false) {
  check(name, "  %r = " + name + " TYPE %x, %y", reference, nonZeroRight,
        shift);
}

TEST(Integers, Binary) {
  checkOp("add", [](uint64_t x, uint64_t y, unsigned) { return x + y; });
  checkOp("sub", [](uint64_t x, uint64_t y, unsigned) { return x - y; });
  checkOp("mul", [](uint64_t x, uint64_t y, unsigned) { return x * y; });
  checkOp("and", [](uint64_t x, uint64_t y, unsigned) { return x & y; });
  checkOp("or", [](uint64_t x, uint64_t y, unsigned) { return x | y; });
  checkOp("xor", [](uint64_t x, uint64_t y, unsigned) { return x ^ y; });
  checkOp("udiv", [](uint64_t x, uint64_t y, unsigned) { return x / y; }, true);
  checkOp("urem", [](uint64_t x, uint64_t y, unsigned) { return x % y; }, true);
  checkOp(
      "sdiv",
      [](uint64_t x, uint64_t y, unsigned w) -> uint64_t {
        int64_t a = asSigned(x, w), b = asSigned(y, w);
        return b == -1 ? 0 - uint64_t(a) : uint64_t(a / b);
      },
      true);
  checkOp(
      "srem",
      [](uint64_t x, uint64_t y, unsigned w) -> uint64_t {
        int64_t a = asSigned(x, w), b = asSigned(y, w);
        return b == -1 ? 0 : uint64_t(a % b);
      },
      true);
  checkOp(
      "shl", [](uint64_t x, uint64_t y, unsigned) { return x << y; }, false,
      true);
  checkOp(
      "lshr", [](uint64_t x, uint64_t y, unsigned) { return x >> y; }, false,
      true);
  checkOp(
      "ashr",
      [](uint64_t x, uint64_t y, unsigned w) {
        return uint64_t(asSigned(x, w) >> y);
      },
      false, true);
}

TEST(Integers, Comparisons) {
  std::vector<std::pair<std::string, Reference>> cases = {
      {"eq", [](uint64_t x, uint64_t y, unsigned) { return x == y; }},
      {"ne", [](uint64_t x, uint64_t y, unsigned) { return x != y; }},
      {"ult", [](uint64_t x, uint64_t y, unsigned) { return x < y; }},
      {"ule", [](uint64_t x, uint64_t y, unsigned) { return x <= y; }},
      {"ugt", [](uint64_t x, uint64_t y, unsigned) { return x > y; }},
      {"uge", [](uint64_t x, uint64_t y, unsigned) { return x >= y; }},
      {"slt", [](uint64_t x, uint64_t y,
                 unsigned w) { return asSigned(x, w) < asSigned(y, w); }},
      {"sle", [](uint64_t x, uint64_t y,
                 unsigned w) { return asSigned(x, w) <= asSigned(y, w); }},
      {"sgt", [](uint64_t x, uint64_t y,
                 unsigned w) { return asSigned(x, w) > asSigned(y, w); }},
      {"sge", [](uint64_t x, uint64_t y, unsigned w) {
         return asSigned(x, w) >= asSigned(y, w);
       }}};
  for (auto &[name, reference] : cases)
    check(name,
          "  %c = icmp " + name + " TYPE %x, %y\n  %r = zext i1 %c to TYPE",
          reference);
}

TEST(Integers, Intrinsics) {
  auto call = [](const std::string &name) {
    return std::pair("  %r = call TYPE @llvm." + name +
                         ".TYPE(TYPE %x, TYPE %y)",
                     "declare TYPE @llvm." + name + ".TYPE(TYPE, TYPE)");
  };
  auto run = [&](const std::string &name, const Reference &reference) {
    auto [text, declaration] = call(name);
    check(name, text, reference, false, false, declaration);
  };
  run("umin", [](uint64_t x, uint64_t y, unsigned) { return x < y ? x : y; });
  run("umax", [](uint64_t x, uint64_t y, unsigned) { return x < y ? y : x; });
  run("smin", [](uint64_t x, uint64_t y, unsigned w) {
    return asSigned(x, w) < asSigned(y, w) ? x : y;
  });
  run("smax", [](uint64_t x, uint64_t y, unsigned w) {
    return asSigned(x, w) < asSigned(y, w) ? y : x;
  });
  check(
      "ctpop", "  %r = call TYPE @llvm.ctpop.TYPE(TYPE %x)",
      [](uint64_t x, uint64_t, unsigned) -> uint64_t {
        uint64_t count = 0;
        for (; x; x >>= 1)
          count += x & 1;
        return count;
      },
      false, false, "declare TYPE @llvm.ctpop.TYPE(TYPE)");
  check(
      "ctlz", "  %r = call TYPE @llvm.ctlz.TYPE(TYPE %x, i1 false)",
      [](uint64_t x, uint64_t, unsigned w) -> uint64_t {
        uint64_t count = 0;
        while (count < w && !(x >> (w - 1 - count) & 1))
          ++count;
        return count;
      },
      false, false, "declare TYPE @llvm.ctlz.TYPE(TYPE, i1)");
  check(
      "fshl", "  %r = call TYPE @llvm.fshl.TYPE(TYPE %x, TYPE %y, TYPE %y)",
      [](uint64_t x, uint64_t y, unsigned w) -> uint64_t {
        unsigned s = y % w;
        return s == 0 ? x : x << s | y >> (w - s);
      },
      false, false, "declare TYPE @llvm.fshl.TYPE(TYPE, TYPE, TYPE)");
}

TEST(Integers, Casts) {
  std::vector<uint64_t> x = cornerNumbers(300, 64, 3);
  for (unsigned narrow : {1u, 3u, 8u, 16u, 31u, 32u, 48u}) {
    std::string type = "i" + std::to_string(narrow);
    auto zero =
        elementwise<uint64_t>("i64", "i64",
                              "  %n = trunc i64 %x to " + type +
                                  "\n  %r = zext " + type + " %n to i64",
                              x, x, x);
    auto sign =
        elementwise<uint64_t>("i64", "i64",
                              "  %n = trunc i64 %x to " + type +
                                  "\n  %r = sext " + type + " %n to i64",
                              x, x, x);
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(zero[i], x[i] & ((1ull << narrow) - 1)) << type;
      EXPECT_EQ(int64_t(sign[i]), asSigned(x[i], narrow)) << type;
    }
  }
}

TEST(Integers, BitCastsBetweenShapes) {
  std::vector<uint64_t> x = cornerNumbers(200, 64, 5);
  auto result = elementwise<uint64_t>(
      "i64", "i64",
      "  %v = bitcast i64 %x to <8 x i8>\n"
      "  %w = shufflevector <8 x i8> %v, <8 x i8> poison, <8 x i32> "
      "<i32 7, i32 6, i32 5, i32 4, i32 3, i32 2, i32 1, i32 0>\n"
      "  %p = bitcast <8 x i8> %w to <4 x i16>\n"
      "  %q = shufflevector <4 x i16> %p, <4 x i16> poison, <4 x i32> "
      "<i32 3, i32 2, i32 1, i32 0>\n"
      "  %h = bitcast <4 x i16> %q to <4 x half>\n"
      "  %s = bitcast <4 x half> %h to <2 x i32>\n"
      "  %r = bitcast <2 x i32> %s to i64",
      x, x, x);
  for (size_t i = 0; i < x.size(); ++i) {
    // Bytes reversed, then 16-bit units reversed: each unit's bytes swapped.
    uint64_t expected =
        (x[i] >> 8 & 0x00ff00ff00ff00ff) | (x[i] & 0x00ff00ff00ff00ff) << 8;
    EXPECT_EQ(result[i], expected);
  }
}

TEST(Integers, PackedShortsAndDynamicElements) {
  std::vector<uint32_t> x, y;
  for (uint64_t value : cornerNumbers(300, 32, 1))
    x.push_back(uint32_t(value));
  for (uint64_t value : cornerNumbers(300, 32, 2))
    y.push_back(uint32_t(value));
  auto sums = elementwise<uint32_t>(
      "i32", "i32",
      "  %a = bitcast i32 %x to <2 x i16>\n  %b = bitcast i32 %y to <2 x i16>\n"
      "  %m = mul <2 x i16> %a, %b\n  %s = sub <2 x i16> %m, %b\n"
      "  %r = bitcast <2 x i16> %s to i32",
      x, y, x);
  auto picked = elementwise<uint32_t>(
      "i32", "i32",
      "  %a = insertelement <4 x i32> poison, i32 %x, i32 0\n"
      "  %b = insertelement <4 x i32> %a, i32 %y, i32 1\n"
      "  %c = insertelement <4 x i32> %b, i32 11, i32 2\n"
      "  %d = insertelement <4 x i32> %c, i32 12, i32 3\n"
      "  %k = and i32 %y, 3\n"
      "  %e = insertelement <4 x i32> %d, i32 99, i32 %k\n"
      "  %l = and i32 %x, 3\n"
      "  %r = extractelement <4 x i32> %e, i32 %l",
      x, y, x);
  for (size_t i = 0; i < x.size(); ++i) {
    auto half = [](uint32_t a, uint32_t b) {
      return uint32_t(uint16_t(uint16_t(a * b) - b));
    };
    EXPECT_EQ(sums[i], half(x[i] & 0xffff, y[i] & 0xffff) |
                           half(x[i] >> 16, y[i] >> 16) << 16);
    uint32_t elements[4] = {x[i], y[i], 11, 12};
    elements[y[i] & 3] = 99;
    EXPECT_EQ(picked[i], elements[x[i] & 3]);
  }
}

} // namespace
