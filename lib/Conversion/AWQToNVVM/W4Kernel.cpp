//===- W4Kernel.cpp - a fused dequantize-matmul kernel
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Y^T = dequant(W) X^T by mma.sync.m16n8k16, with the weights as its A operand.
// In what follows, lane l of a warp has g = l / 4 and t = l % 4. It holds the
// weights of rows g and g + 8 of the block's 16 rows, and the sums of those
// rows for the tokens 2t and 2t + 1 of each tile of 8 tokens.
//
//===----------------------------------------------------------------------===//

#include "W4Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace awq;

/// Tokens per MMA, MMAs per weight fragment, warps per block.
static constexpr int64_t tileTokens = 8;
static constexpr int64_t tokenTiles = 2;
static constexpr int64_t warps = 4;
/// Sums per lane: four for each tile of tokens.
static constexpr int64_t laneSums = 4 * tokenTiles;

std::string W4KernelSpec::name() const {
  std::string text = "awq_w" + std::to_string(bits) + "_n" + std::to_string(n) +
                     "_k" + std::to_string(k) + "_g" + std::to_string(group);
  if (symmetric)
    text += "_symmetric";
  if (bias)
    text += "_bias";
  return text;
}

namespace {

/// Scale and zero point of rows g and g + 8 for one group, as f16 pairs that
/// serve a packed register of each row. `zero` is 1024 + z.
struct GroupConstants {
  Value scale[2];
  Value zero[2];
};

/// Builds the body of one kernel.
class KernelBuilder {
public:
  KernelBuilder(gpu::GPUModuleOp module, Location loc, const W4KernelSpec &spec)
      : spec(spec), module(module),
        b(loc, OpBuilder::atBlockEnd(module.getBody())) {}

  gpu::GPUFuncOp build();

private:
  LLVM::GlobalOp declarePartials();
  void locateThread();
  SmallVector<Value> sumOverK();
  GroupConstants loadGroup(Value channel);
  SmallVector<Value> restoreWeights(Value word, const GroupConstants &group);
  SmallVector<Value> loadTokens(int64_t tile, Value channel);
  void reduceAndStore(LLVM::GlobalOp partials, ValueRange sums);
  void storeOutput(Value sum, Value row, Value token);

  // Integer arithmetic on i32 values and constants.
  Value constant(int32_t value) {
    return arith::ConstantIntOp::create(b, value, 32);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value add(Value x, int32_t y) { return add(x, constant(y)); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  Value mul(Value x, int32_t y) { return mul(x, constant(y)); }
  Value div(Value x, int32_t y) {
    return arith::DivUIOp::create(b, x, constant(y));
  }
  Value rem(Value x, int32_t y) {
    return arith::RemUIOp::create(b, x, constant(y));
  }
  Value less(Value x, Value y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, y);
  }
  /// The address of element `index` of an array of `type` at `base`.
  Value address(Value base, Type type, Value index) {
    return LLVM::GEPOp::create(b, base.getType(), type, base,
                               ArrayRef<LLVM::GEPArg>{index});
  }
  Value load(Type type, Value pointer, unsigned alignment) {
    return LLVM::LoadOp::create(b, type, pointer, alignment);
  }
  /// An f16 as both halves of a register.
  Value splat(Value half) {
    return vector::BroadcastOp::create(b, halfPair, half);
  }

  const W4KernelSpec &spec;
  gpu::GPUModuleOp module;
  ImplicitLocOpBuilder b;
  Type i32 = b.getI32Type(), f16 = b.getF16Type(), f32 = b.getF32Type();
  VectorType halfPair = VectorType::get({2}, f16);

  // Arguments; zeros and bias are null where the kernel has none.
  Value x, words, scales, zeros, bias, y, m, n, k;
  // Where the thread is.
  Value rowBlock, warp, lane, g, t, groups;
};

} // namespace

gpu::GPUFuncOp KernelBuilder::build() {
  LLVM::GlobalOp partials = declarePartials();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), /*addressSpace=*/1);
  SmallVector<Type> types(4 + !spec.symmetric + spec.bias, pointer);
  types.append(3, i32);
  auto kernel =
      gpu::GPUFuncOp::create(b, spec.name(), b.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({32 * static_cast<int32_t>(warps), 1, 1}));
  b.setInsertionPointToStart(&kernel.getBody().front());

  auto argument = kernel.getArguments().begin();
  x = *argument++;
  words = *argument++;
  scales = *argument++;
  if (!spec.symmetric)
    zeros = *argument++;
  if (spec.bias)
    bias = *argument++;
  y = *argument++;
  m = *argument++;
  n = *argument++;
  k = *argument++;

  locateThread();
  SmallVector<Value> sums = sumOverK();
  reduceAndStore(partials, sums);
  gpu::ReturnOp::create(b);
  return kernel;
}

/// The sums of the block's warps, [warps][laneSums][32] in shared memory.
LLVM::GlobalOp KernelBuilder::declarePartials() {
  auto type = LLVM::LLVMArrayType::get(f32, warps * laneSums * 32);
  return LLVM::GlobalOp::create(
      b, type, /*isConstant=*/false, LLVM::Linkage::Internal,
      spec.name() + "_partials", Attribute(), /*alignment=*/16,
      /*addrSpace=*/3);
}

void KernelBuilder::locateThread() {
  auto toI32 = [&](Value index) -> Value {
    return arith::IndexCastUIOp::create(b, i32, index);
  };
  Value thread = toI32(gpu::ThreadIdOp::create(b, gpu::Dimension::x));
  rowBlock = toI32(gpu::BlockIdOp::create(b, gpu::Dimension::x));
  warp = div(thread, 32);
  lane = rem(thread, 32);
  g = div(lane, 4);
  t = rem(lane, 4);
  groups = spec.group == spec.k ? constant(1)
                                : div(k, static_cast<int32_t>(spec.group));
}

/// Runs through K by blocks of 64 channels, of which each warp takes every
/// fourth. Yields the lane's sums, four per tile of tokens.
SmallVector<Value> KernelBuilder::sumOverK() {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  SmallVector<Value> init(laneSums, zero);
  Value blocks = div(k, 64);
  auto loop = scf::ForOp::create(b, warp, blocks, constant(warps), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());

  Value block = loop.getInductionVar();
  Value record = add(mul(rowBlock, blocks), block);
  Value word = mul(add(mul(record, 32), lane), 4);
  Value four = load(VectorType::get({4}, i32), address(words, i32, word), 16);
  Value channel = mul(block, 64);

  SmallVector<Value> sums(loop.getRegionIterArgs());
  GroupConstants group;
  for (int64_t step = 0; step < 4; ++step) {
    Value stepChannel = add(channel, 16 * step);
    // Groups of 64 or more change between blocks only.
    if (step == 0 || spec.group % 64 != 0)
      group = loadGroup(stepChannel);
    Value packed = vector::ExtractOp::create(b, four, step);
    SmallVector<Value> weights = restoreWeights(packed, group);
    for (int64_t tile = 0; tile < tokenTiles; ++tile) {
      SmallVector<Value> tokens = loadTokens(tile, stepChannel);
      MutableArrayRef<Value> tileSums =
          MutableArrayRef(sums).slice(4 * tile, 4);
      auto result = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                                     SmallVector<Type>(4, f32));
      Value mma = NVVM::MmaOp::create(
          b, result, weights, tokens, tileSums, ArrayRef<int64_t>{16, 8, 16},
          std::nullopt, std::nullopt, std::nullopt,
          std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
      for (int64_t i = 0; i < 4; ++i)
        tileSums[i] = LLVM::ExtractValueOp::create(b, mma, i);
    }
  }
  scf::YieldOp::create(b, sums);
  return SmallVector<Value>(loop.getResults());
}

/// The constants of the group that `channel` is in, for rows g and g + 8.
GroupConstants KernelBuilder::loadGroup(Value channel) {
  Value index = spec.group == spec.k
                    ? constant(0)
                    : div(channel, static_cast<int32_t>(spec.group));
  Value first = add(mul(add(mul(rowBlock, groups), index), 16), g);
  Value bias = arith::ConstantOp::create(b, b.getF16FloatAttr(1024.0f));
  GroupConstants result;
  for (int64_t half = 0; half < 2; ++half) {
    Value row = add(first, 8 * half);
    result.scale[half] = splat(load(f16, address(scales, f16, row), 2));
    Value zero = spec.symmetric
                     ? Value(arith::ConstantOp::create(
                           b, b.getF16FloatAttr(1 << (spec.bits - 1))))
                     : load(f16, address(zeros, f16, row), 2);
    result.zero[half] = splat(arith::AddFOp::create(b, zero, bias));
  }
  return result;
}

/// The A fragment of one k16 step: register r has row g + 8 * (r % 2), its
/// codes in nibbles r and r + 4 of the word. A code in the low mantissa bits
/// of 1024.0 is the f16 1024 + q, from which 1024 + z is subtracted exactly.
SmallVector<Value> KernelBuilder::restoreWeights(Value word,
                                                 const GroupConstants &group) {
  SmallVector<Value> registers;
  for (int64_t r = 0; r < 4; ++r) {
    Value shifted =
        r == 0 ? word : Value(arith::ShRUIOp::create(b, word, constant(4 * r)));
    Value codes = arith::AndIOp::create(b, shifted, constant(0x000f000f));
    Value biased = arith::OrIOp::create(b, codes, constant(0x64006400));
    Value pair = LLVM::BitcastOp::create(b, halfPair, biased);
    Value centred = arith::SubFOp::create(b, pair, group.zero[r % 2]);
    registers.push_back(arith::MulFOp::create(b, centred, group.scale[r % 2]));
  }
  return registers;
}

/// The B fragment of one tile of tokens: token g of the tile, channels 2t,
/// 2t + 1 and 2t + 8, 2t + 9 after `channel`. Tokens from M on read as zeros.
SmallVector<Value> KernelBuilder::loadTokens(int64_t tile, Value channel) {
  Value token = add(g, tile * tileTokens);
  Value first = add(mul(token, k), add(channel, mul(t, 2)));
  auto read = scf::IfOp::create(
      b, less(token, m),
      [&](OpBuilder &nested, Location loc) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(nested.getInsertionBlock());
        Value low = load(halfPair, address(x, f16, first), 4);
        Value high = load(halfPair, address(x, f16, add(first, 8)), 4);
        scf::YieldOp::create(b, ValueRange{low, high});
      },
      [&](OpBuilder &nested, Location loc) {
        Value none =
            arith::ConstantOp::create(nested, loc, b.getZeroAttr(halfPair));
        scf::YieldOp::create(nested, loc, ValueRange{none, none});
      });
  return SmallVector<Value>(read.getResults());
}

/// Adds up the warps' sums. Warp w then finishes the sums 2w and 2w + 1 of
/// each lane: sum 4 * tile + 2 * h + j is row g + 8h, token 8 * tile + 2t + j.
void KernelBuilder::reduceAndStore(LLVM::GlobalOp partials, ValueRange sums) {
  Value base = LLVM::AddressOfOp::create(b, partials);
  auto slot = [&](Value ofWarp, Value sum) {
    Value index = add(mul(add(mul(ofWarp, laneSums), sum), 32), lane);
    return address(base, f32, index);
  };
  for (auto [i, sum] : llvm::enumerate(sums))
    LLVM::StoreOp::create(b, sum, slot(warp, constant(i)));
  gpu::BarrierOp::create(b);

  Value row = add(add(mul(rowBlock, 16), g), mul(rem(warp, 2), 8));
  Value tileStart = mul(div(warp, 2), tileTokens);
  for (int64_t j = 0; j < 2; ++j) {
    Value sum = add(mul(warp, 2), j);
    Value total = load(f32, slot(constant(0), sum), 4);
    for (int64_t other = 1; other < warps; ++other)
      total = arith::AddFOp::create(b, total,
                                    load(f32, slot(constant(other), sum), 4));
    storeOutput(total, row, add(add(tileStart, mul(t, 2)), j));
  }
}

/// Adds the bias and writes Y[token, row] if both exist.
void KernelBuilder::storeOutput(Value sum, Value row, Value token) {
  Value inside = arith::AndIOp::create(b, less(row, n), less(token, m));
  auto store = scf::IfOp::create(b, inside, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&store.getThenRegion().front());
  if (bias) {
    Value term = load(f16, address(bias, f16, row), 2);
    sum = arith::AddFOp::create(b, sum, arith::ExtFOp::create(b, f32, term));
  }
  Value rounded = arith::TruncFOp::create(b, f16, sum);
  LLVM::StoreOp::create(b, rounded, address(y, f16, add(mul(token, n), row)));
}

gpu::GPUFuncOp awq::buildW4Kernel(gpu::GPUModuleOp module, Location loc,
                                  const W4KernelSpec &spec) {
  return KernelBuilder(module, loc, spec).build();
}
