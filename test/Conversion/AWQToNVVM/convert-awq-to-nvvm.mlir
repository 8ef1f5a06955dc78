// RUN: awq-opt %s --convert-awq-to-nvvm --split-input-file | FileCheck %s --check-prefixes=CHECK,CPASYNC
// RUN: awq-opt %s --convert-awq-to-nvvm=chip=sm_90a --split-input-file | FileCheck %s --check-prefixes=CHECK,BULK,WGMMA
// RUN: awq-opt %s --convert-awq-to-nvvm="mode=exact activations=bf16" --split-input-file | FileCheck %s --check-prefix=EXACT
// RUN: awq-opt %s --convert-awq-to-nvvm="mode=planes" --split-input-file | FileCheck %s --check-prefix=PLANES
// RUN: awq-opt %s --convert-awq-to-nvvm="mode=dequantize" --split-input-file | FileCheck %s --check-prefix=FLOATS
// RUN: awq-opt %s --convert-awq-to-nvvm="batch-invariant=true" --split-input-file | FileCheck %s --check-prefix=INVARIANT
// RUN: not awq-opt %s --convert-awq-to-nvvm="mode=fast" --split-input-file 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not awq-opt %s --convert-awq-to-nvvm="activations=f64" --split-input-file 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not awq-opt %s --convert-awq-to-nvvm="chip=sm_75" --split-input-file 2>&1 | FileCheck %s --check-prefix=CHIP

// CHIP: no kernels are made for the chip sm_75
// MODE: there is no mode 'fast'; choose subnormal, exact, planes or dequantize
// TYPE: there are no kernels for activations of 'f64'; choose f16 or bf16

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

// Linears of one scheme share their kernels, whatever their shapes.
// CHECK-LABEL: func.func @twins
func.func @twins(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>,
                 %z: tensor<32x2xi8>, %p: tensor<8x128xi8>, %t: tensor<8x2xf16>,
                 %y: tensor<8x2xi8>) -> (tensor<?x32xf32>, tensor<?x8xf32>) {
  // CHECK-COUNT-2: awq.quantized_linear {{.*}} {awq.kernels = [{activation_bytes = 2304 : i64, blocks_per_sm = 2 : i64, copied_ahead_bytes = {{.*}} : i64, kernel = @awq_kernels::@awq_w4_g64_m8, max_tokens = 8 : i64, mode = "subnormal", pack = @awq_kernels::@awq_pack_g64_m8,
  %u = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  %v = awq.quantized_linear %x, %p, %t zeros %y {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<8x128xi8>, tensor<8x2xf16>, tensor<8x2xi8>)
    -> tensor<?x8xf32>
  return %u, %v : tensor<?x32xf32>, tensor<?x8xf32>
}

// A small weight has few tiles: many tokens are many blocks of few.
// CPASYNC: awq.launches = [array<i64: 8, 0>, array<i64: 16, 1>, array<i64: 32, 2>, array<i64: 0, 1>]
// WGMMA: awq.launches = [array<i64: 8, 0>, array<i64: 16, 1>, array<i64: 32, 2>, array<i64: 64, 3>, array<i64: 0, 2>]

// CHECK: gpu.module @awq_kernels
// CHECK: gpu.func @awq_pack_g64_m8(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: i32) kernel attributes {known_block_size = array<i32: 256, 1, 1>}
// CHECK: llvm.mlir.global external @awq_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// Activations, records, Y, partial sums, tickets; M, N, K.
// CPASYNC: gpu.func @awq_w4_g64_m8(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32) kernel attributes {known_block_size = array<i32: 128, 1, 1>, nvvm.minctasm = 2 : i32}
// CPASYNC: nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
// CPASYNC: nvvm.cp.async.commit.group
// A warp more, which fills the ring with weights before it waits for the kernel
// that makes the activations.
// BULK: gpu.func @awq_w4_g64_m8({{.*}}) kernel attributes {known_block_size = array<i32: 160, 1, 1>, nvvm.minctasm = 2 : i32}
// BULK: nvvm.mbarrier.init
// BULK: nvvm.fence.mbarrier.init
// BULK: nvvm.mbarrier.arrive.expect_tx
// BULK: nvvm.cp.async.bulk.shared.cluster.global
// Zero points are a product for each 16 rows; codes become f16 by masks, with
// nothing subtracted.
// CPASYNC-COUNT-2: nvvm.mma.sync {{.*}}k = 8>
// CPASYNC: llvm.mlir.constant(983055 : i32)
// CPASYNC: llvm.mlir.constant(15728880 : i32)
// CPASYNC-NOT: llvm.fsub
// A record takes 16 products for codes and two for the zero points of each of
// its two groups. The ring has three stages of two records; last steps have two
// more, 160 with those above.
// CPASYNC-COUNT-158: nvvm.mma.sync
// CPASYNC-NOT: nvvm.mma.sync
// CHECK: gpu.func @awq_pack_g64_m16
// CHECK: gpu.func @awq_w4_g64_m16
// CHECK: gpu.func @awq_pack_g64_{{(wgmma_)?}}m32
// CHECK: gpu.func @awq_w4_g64_m32
// Several groups in a record leave no registers for the sums of one beside
// those of all, for 64 tokens: scales go into the weights.
// CHECK: gpu.func @awq_pack_{{(wgmma_)?}}m64(
// CHECK: gpu.func @awq_w4_g64_scaled_m64(
// WGMMA: nvvm.setmaxregister increase
// WGMMA: llvm.inline_asm has_side_effects {{.*}}wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16
// WGMMA: nvvm.wgmma.commit.group.sync.aligned
// WGMMA: llvm.inline_asm has_side_effects {{.*}}wgmma.wait_group.sync.aligned 0;
// CHECK: gpu.func @awq_pack_{{(wgmma_)?}}m128(
// CHECK: gpu.func @awq_w4_g64_scaled_m128(
// CHECK-NOT: gpu.func

// INVARIANT: awq.kernels = [{activation_bytes = {{[^{]*}}max_tokens = 16 : i64, {{[^{]*}}}], awq.launches = [array<i64: 0, 0>]
// INVARIANT: gpu.func @awq_pack_g64_m16
// INVARIANT: gpu.func @awq_w4_g64_m16
// INVARIANT-NOT: gpu.func @awq_{{.*}}_m{{8|32}}(

// Few tokens by products of bytes, more as without the option.
// PLANES: max_tokens = 2 : i64, mode = "planes", {{.*}}max_tokens = 4 : i64, mode = "planes", {{.*}}max_tokens = 8 : i64, mode = "subnormal", {{.*}}max_tokens = 16 : i64, mode = "subnormal", {{.*}}max_tokens = 32 : i64, mode = "subnormal"
// PLANES: gpu.func @awq_pack_g64_planes_m2
// PLANES: gpu.func @awq_w4_g64_planes_m2
// Sums of integers begin as the float 1.5 * 2^23.
// PLANES: llvm.mlir.constant(1262485504 : i32)
// PLANES: llvm.inline_asm {{.*}}mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32
// PLANES: llvm.bitcast %{{.*}} : i32 to f32
// PLANES: gpu.func @awq_w4_g64_planes_m4

// All codes as f16 first, then a product of f16 whose kernel knows no scheme.
// FLOATS: awq.kernels = [{{{.*}}dequantize = @awq_kernels::@awq_dequantize_w4_g64, kernel = @awq_kernels::@awq_f16_m64, max_tokens = 64 : i64, mode = "dequantized", pack = @awq_kernels::@awq_pack_m64, {{.*}}record_bytes = 8192 : i64{{.*}}}], awq.launches = [array<i64: 0, 0>]
// FLOATS: gpu.func @awq_dequantize_w4_g64(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: i32) kernel
// FLOATS: llvm.fmul {{.*}} : vector<2xf16>
// FLOATS: gpu.func @awq_pack_m64
// FLOATS: gpu.func @awq_f16_m64
// FLOATS-NOT: gpu.func @awq_f16_m128

// EXACT: gpu.func @awq_pack_bf16_m8
// EXACT: gpu.func @awq_w4_g64_bf16_exact_m8
// 1024 + q by an or, then minus 1024 + z. No product for the zero points.
// EXACT: llvm.mlir.constant(1677747200 : i32)
// EXACT: llvm.fsub {{.*}} : vector<2xf16>
// EXACT-COUNT-128: nvvm.mma.sync
// EXACT-NOT: nvvm.mma.sync
// EXACT: gpu.func @awq_pack_bf16_m16
// EXACT: fptrunc {{.*}} : f32 to bf16

// -----

#scheme = #awq.scheme<bits = 3, group = 0, zero = symmetric, scale = f16>

// Groups that are whole rows; symmetric schemes read no zero points.
// CHECK-LABEL: func.func @symmetric
func.func @symmetric(%x: tensor<?x40xf32>, %q: tensor<24x40xi8>, %s: tensor<24x1xf16>,
                     %b: tensor<24xf32>) -> tensor<?x24xf32> {
  %y = awq.quantized_linear %x, %q, %s bias %b {scheme = #scheme}
    : (tensor<?x40xf32>, tensor<24x40xi8>, tensor<24x1xf16>, tensor<24xf32>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}

// CHECK: gpu.func @awq_pack_g128_m8
// The bias is one pointer more.
// CHECK: gpu.func @awq_w3_row_symmetric_bias_m8(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32) kernel

// -----

// No quantized linear, no kernels.
// CHECK-LABEL: func.func @float
// CHECK-NOT: gpu.module
func.func @float(%x: tensor<?x64xf32>, %w: tensor<24x64xf32>) -> tensor<?x24xf32> {
  %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<24x64xf32>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
