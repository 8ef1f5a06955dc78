// RUN: awq-opt %s --awq-raise-decoder | FileCheck %s

// One layer of a Llama as torch.onnx (opset 17) and --import-onnx write it, with
// equal weights. Nothing of the plain ops is left.

// CHECK-LABEL: func.func private @layers.0(
// CHECK-SAME:    %[[H:[a-z0-9]+]]: tensor<?x8xf32>, %[[COS:[a-z0-9]+]]: tensor<?x2xf32>,
// CHECK-SAME:    %[[SIN:[a-z0-9]+]]: tensor<?x2xf32>, %[[K:[a-z0-9]+]]: tensor<?x1x4xf32>,
// CHECK-SAME:    %[[V:[a-z0-9]+]]: tensor<?x1x4xf32>, %[[P:[a-z0-9]+]]: index)
// CHECK-SAME:    attributes {awq.layer = 0 : i64}
// CHECK:         %[[N:.*]] = decoder.rms_norm %[[H]]
// CHECK:         %[[Q:.*]] = awq.linear %[[N]], %{{.*}} {awq.name = "model.layers.0.self_attn.q_proj"}
// CHECK:         %[[QH:.*]] = tensor.expand_shape %[[Q]]
// CHECK:         %[[QR:.*]] = decoder.rotary %[[QH]], %[[COS]], %[[SIN]]
// CHECK:         %[[KR:.*]] = decoder.rotary %{{.*}}, %[[COS]], %[[SIN]]
// CHECK:         decoder.attention %[[QR]], %[[KR]], %{{.*}}, %[[K]], %[[V]], %[[P]]
// CHECK:         %[[M:.*]] = arith.addf %[[H]]
// CHECK:         decoder.rms_norm %[[M]]
// CHECK:         decoder.glu %{{.*}}, %{{.*}} {kind = #decoder.activation_kind<silu>}
// CHECK:         arith.addf %[[M]]
// CHECK-NOT:     linalg.generic
// CHECK-LABEL: func.func @forward(
// CHECK:         %[[F:.*]] = arith.constant dense<[1.000000e+00, 0.00999999977]>
// CHECK:         decoder.rotary_table %[[F]], %{{.*}}, %{{.*}}
// CHECK:         decoder.embedding
// CHECK:         call @layers.0
// CHECK-LABEL: func.func @head(
// CHECK:         decoder.rms_norm
// CHECK:         awq.linear %{{.*}} {awq.name = "lm_head"}
// CHECK-NOT:   func.func @main

#extern = #ml_program.extern : tensor<8x32xf32>
#extern1 = #ml_program.extern : tensor<32x8xf32>
#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map1 = affine_map<(d0) -> (d0)>
#map2 = affine_map<(d0, d1) -> (d0, d1)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d3)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d3)>
#map7 = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3)>
#map8 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#map9 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map10 = affine_map<(d0, d1, d2) -> (d2)>
#map11 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#map12 = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
#map13 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map14 = affine_map<(d0, d1, d2, d3) -> (0, 0, d2, d3)>
#map15 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, 0, d3, d4)>
#map16 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>
#map17 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d4, d3)>
#map18 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
#map19 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
module {
  ml_program.global private @"onnx::MatMul_447"(#extern) : tensor<8x32xf32>
  ml_program.global private @model_.model.embed_tokens.weight(#extern1) : tensor<32x8xf32>
  func.func @main(%arg0: tensor<?x?xi64> {awq.name = "input_ids"}, %arg1: tensor<?x?xi64> {awq.name = "attention_mask"}) -> (tensor<?x?x32xf32> {awq.name = "logits"}) {
    %c0 = arith.constant 0 : index
    %dim = tensor.dim %arg0, %c0 : tensor<?x?xi64>
    %c1 = arith.constant 1 : index
    %dim_0 = tensor.dim %arg0, %c1 : tensor<?x?xi64>
    %model_.model.embed_tokens.weight = ml_program.global_load_const @model_.model.embed_tokens.weight : tensor<32x8xf32>
    %c32 = arith.constant 32 : index
    %0 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %1 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel", "parallel", "parallel"]} outs(%0 : tensor<?x?x8xf32>) {
    ^bb0(%out: f32):
      %175 = linalg.index 0 : index
      %176 = linalg.index 1 : index
      %177 = linalg.index 2 : index
      %extracted = tensor.extract %arg0[%175, %176] : tensor<?x?xi64>
      %178 = arith.index_cast %extracted : i64 to index
      %c0_68 = arith.constant 0 : index
      %c1_69 = arith.constant 1 : index
      %179 = arith.cmpi slt, %178, %c0_68 : index
      %180 = arith.addi %178, %c32 : index
      %181 = arith.select %179, %180, %178 : index
      %182 = arith.subi %c32, %c1_69 : index
      %183 = arith.minsi %181, %182 : index
      %184 = arith.maxsi %183, %c0_68 : index
      %extracted_70 = tensor.extract %model_.model.embed_tokens.weight[%184, %177] : tensor<32x8xf32>
      linalg.yield %extracted_70 : f32
    } -> tensor<?x?x8xf32>
    %c0_1 = arith.constant 0 : index
    %c1_2 = arith.constant 1 : index
    %2 = tensor.empty(%dim_0) : tensor<?xi64>
    %3 = linalg.generic {indexing_maps = [#map1], iterator_types = ["parallel"]} outs(%2 : tensor<?xi64>) {
    ^bb0(%out: i64):
      %175 = linalg.index 0 : index
      %176 = arith.index_cast %175 : index to i64
      linalg.yield %176 : i64
    } -> tensor<?xi64>
    %expanded = tensor.expand_shape %3 [[0, 1]] output_shape [1, %dim_0] : tensor<?xi64> into tensor<1x?xi64>
    %4 = tensor.empty(%dim, %dim_0) : tensor<?x?xi1>
    %5 = linalg.generic {indexing_maps = [#map2, #map2], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<?x?xi64>) outs(%4 : tensor<?x?xi1>) {
    ^bb0(%in: i64, %out: i1):
      %c0_i64 = arith.constant 0 : i64
      %175 = arith.cmpi ne, %in, %c0_i64 : i64
      linalg.yield %175 : i1
    } -> tensor<?x?xi1>
    %6 = tensor.empty(%dim) : tensor<?xi64>
    %7 = linalg.generic {indexing_maps = [#map1], iterator_types = ["parallel"]} outs(%6 : tensor<?xi64>) {
    ^bb0(%out: i64):
      %175 = linalg.index 0 : index
      %176 = arith.index_cast %175 : index to i64
      linalg.yield %176 : i64
    } -> tensor<?xi64>
    %8 = tensor.empty(%dim_0) : tensor<?xi64>
    %9 = linalg.generic {indexing_maps = [#map1], iterator_types = ["parallel"]} outs(%8 : tensor<?xi64>) {
    ^bb0(%out: i64):
      %175 = linalg.index 0 : index
      %176 = arith.index_cast %175 : index to i64
      linalg.yield %176 : i64
    } -> tensor<?xi64>
    %expanded_3 = tensor.expand_shape %7 [[0, 1]] output_shape [%dim, 1] : tensor<?xi64> into tensor<?x1xi64>
    %expanded_4 = tensor.expand_shape %expanded_3 [[0], [1, 2]] output_shape [%dim, 1, 1] : tensor<?x1xi64> into tensor<?x1x1xi64>
    %expanded_5 = tensor.expand_shape %expanded_4 [[0], [1], [2, 3]] output_shape [%dim, 1, 1, 1] : tensor<?x1x1xi64> into tensor<?x1x1x1xi64>
    %expanded_6 = tensor.expand_shape %expanded [[0], [1, 2]] output_shape [1, 1, %dim_0] : tensor<1x?xi64> into tensor<1x1x?xi64>
    %expanded_7 = tensor.expand_shape %expanded_6 [[0], [1], [2, 3]] output_shape [1, 1, %dim_0, 1] : tensor<1x1x?xi64> into tensor<1x1x?x1xi64>
    %expanded_8 = tensor.expand_shape %9 [[0, 1]] output_shape [1, %dim_0] : tensor<?xi64> into tensor<1x?xi64>
    %expanded_9 = tensor.expand_shape %expanded_8 [[0], [1, 2]] output_shape [1, 1, %dim_0] : tensor<1x?xi64> into tensor<1x1x?xi64>
    %expanded_10 = tensor.expand_shape %expanded_9 [[0], [1], [2, 3]] output_shape [1, 1, 1, %dim_0] : tensor<1x1x?xi64> into tensor<1x1x1x?xi64>
    %10 = tensor.empty(%dim_0, %dim_0) : tensor<1x1x?x?xi1>
    %11 = linalg.generic {indexing_maps = [#map3, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_10, %expanded_7 : tensor<1x1x1x?xi64>, tensor<1x1x?x1xi64>) outs(%10 : tensor<1x1x?x?xi1>) {
    ^bb0(%in: i64, %in_68: i64, %out: i1):
      %175 = arith.cmpi sle, %in, %in_68 : i64
      linalg.yield %175 : i1
    } -> tensor<1x1x?x?xi1>
    %12 = tensor.empty(%dim_0, %dim_0) : tensor<1x1x?x?xi1>
    %13 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%11 : tensor<1x1x?x?xi1>) outs(%12 : tensor<1x1x?x?xi1>) {
    ^bb0(%in: i1, %out: i1):
      %true = arith.constant true
      %175 = arith.andi %true, %in : i1
      linalg.yield %175 : i1
    } -> tensor<1x1x?x?xi1>
    %collapsed = tensor.collapse_shape %5 [[0, 1]] : tensor<?x?xi1> into tensor<?xi1>
    %14 = arith.muli %dim, %dim_0 : index
    %expanded_11 = tensor.expand_shape %collapsed [[0, 1]] output_shape [%14, 1] : tensor<?xi1> into tensor<?x1xi1>
    %15 = arith.index_cast %dim_0 : index to i64
    %from_elements = tensor.from_elements %15 : tensor<1xi64>
    %16 = tensor.empty(%dim) : tensor<?x1x1x1xi64>
    %17 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_5, %from_elements : tensor<?x1x1x1xi64>, tensor<1xi64>) outs(%16 : tensor<?x1x1x1xi64>) {
    ^bb0(%in: i64, %in_68: i64, %out: i64):
      %175 = arith.muli %in, %in_68 : i64
      linalg.yield %175 : i64
    } -> tensor<?x1x1x1xi64>
    %18 = tensor.empty(%dim, %dim_0) : tensor<?x1x1x?xi64>
    %19 = linalg.generic {indexing_maps = [#map7, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_10, %17 : tensor<1x1x1x?xi64>, tensor<?x1x1x1xi64>) outs(%18 : tensor<?x1x1x?xi64>) {
    ^bb0(%in: i64, %in_68: i64, %out: i64):
      %175 = arith.addi %in, %in_68 : i64
      linalg.yield %175 : i64
    } -> tensor<?x1x1x?xi64>
    %20 = tensor.empty(%dim, %dim_0) : tensor<?x1x1x?x1xi1>
    %21 = linalg.generic {indexing_maps = [#map8], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} outs(%20 : tensor<?x1x1x?x1xi1>) {
    ^bb0(%out: i1):
      %175 = linalg.index 0 : index
      %176 = linalg.index 1 : index
      %177 = linalg.index 2 : index
      %178 = linalg.index 3 : index
      %179 = linalg.index 4 : index
      %extracted = tensor.extract %19[%175, %176, %177, %178] : tensor<?x1x1x?xi64>
      %180 = arith.index_cast %extracted : i64 to index
      %c0_68 = arith.constant 0 : index
      %c1_69 = arith.constant 1 : index
      %181 = arith.cmpi slt, %180, %c0_68 : index
      %182 = arith.addi %180, %14 : index
      %183 = arith.select %181, %182, %180 : index
      %184 = arith.subi %14, %c1_69 : index
      %185 = arith.minsi %183, %184 : index
      %186 = arith.maxsi %185, %c0_68 : index
      %extracted_70 = tensor.extract %expanded_11[%186, %179] : tensor<?x1xi1>
      linalg.yield %extracted_70 : i1
    } -> tensor<?x1x1x?x1xi1>
    %collapsed_12 = tensor.collapse_shape %21 [[0, 1, 2, 3, 4]] : tensor<?x1x1x?x1xi1> into tensor<?xi1>
    %22 = arith.index_cast %dim : index to i64
    %23 = arith.index_cast %c1_2 : index to i64
    %24 = arith.index_cast %c1_2 : index to i64
    %25 = arith.index_cast %dim_0 : index to i64
    %from_elements_13 = tensor.from_elements %22, %23, %24, %25 : tensor<4xi64>
    %reshape = tensor.reshape %collapsed_12(%from_elements_13) : (tensor<?xi1>, tensor<4xi64>) -> tensor<?x1x1x?xi1>
    %26 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x1x?x?xi1>
    %27 = linalg.generic {indexing_maps = [#map7, #map3, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%13, %reshape : tensor<1x1x?x?xi1>, tensor<?x1x1x?xi1>) outs(%26 : tensor<?x1x?x?xi1>) {
    ^bb0(%in: i1, %in_68: i1, %out: i1):
      %175 = arith.andi %in, %in_68 : i1
      linalg.yield %175 : i1
    } -> tensor<?x1x?x?xi1>
    %expanded_14 = tensor.expand_shape %expanded [[0], [1, 2]] output_shape [1, %dim_0, 1] : tensor<1x?xi64> into tensor<1x?x1xi64>
    %28 = tensor.empty(%dim_0) : tensor<1x?x1xf32>
    %29 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_14 : tensor<1x?x1xi64>) outs(%28 : tensor<1x?x1xf32>) {
    ^bb0(%in: i64, %out: f32):
      %175 = arith.sitofp %in : i64 to f32
      linalg.yield %175 : f32
    } -> tensor<1x?x1xf32>
    %cst = arith.constant dense<[1.000000e+00, 0.00999999977]> : tensor<2xf32>
    %30 = tensor.empty(%dim_0) : tensor<1x?x2xf32>
    %31 = linalg.generic {indexing_maps = [#map9, #map10, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29, %cst : tensor<1x?x1xf32>, tensor<2xf32>) outs(%30 : tensor<1x?x2xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<1x?x2xf32>
    %concat = tensor.concat dim(2) %31, %31 : (tensor<1x?x2xf32>, tensor<1x?x2xf32>) -> tensor<1x?x4xf32>
    %32 = tensor.empty(%dim_0) : tensor<1x?x4xf32>
    %33 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<1x?x4xf32>) outs(%32 : tensor<1x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = math.cos %in : f32
      linalg.yield %175 : f32
    } -> tensor<1x?x4xf32>
    %34 = tensor.empty(%dim_0) : tensor<1x?x4xf32>
    %35 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33 : tensor<1x?x4xf32>) outs(%34 : tensor<1x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 1.000000e+00 : f32
      %175 = arith.mulf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<1x?x4xf32>
    %36 = tensor.empty(%dim_0) : tensor<1x?x4xf32>
    %37 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<1x?x4xf32>) outs(%36 : tensor<1x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = math.sin %in : f32
      linalg.yield %175 : f32
    } -> tensor<1x?x4xf32>
    %38 = tensor.empty(%dim_0) : tensor<1x?x4xf32>
    %39 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%37 : tensor<1x?x4xf32>) outs(%38 : tensor<1x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 1.000000e+00 : f32
      %175 = arith.mulf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<1x?x4xf32>
    %40 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %41 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%1 : tensor<?x?x8xf32>) outs(%40 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = arith.mulf %in, %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %42 = tensor.empty(%dim, %dim_0) : tensor<?x?xf32>
    %cst_15 = arith.constant 0.000000e+00 : f32
    %43 = linalg.fill ins(%cst_15 : f32) outs(%42 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %reduced = linalg.reduce ins(%41 : tensor<?x?x8xf32>) outs(%43 : tensor<?x?xf32>) dimensions = [2] 
      (%in: f32, %init: f32) {
        %175 = arith.addf %in, %init : f32
        linalg.yield %175 : f32
      }
    %expanded_16 = tensor.expand_shape %reduced [[0], [1, 2]] output_shape [%dim, %dim_0, 1] : tensor<?x?xf32> into tensor<?x?x1xf32>
    %44 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %45 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_16 : tensor<?x?x1xf32>) outs(%44 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 8.000000e+00 : f32
      %175 = arith.divf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %46 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %47 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%45 : tensor<?x?x1xf32>) outs(%46 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 9.99999997E-7 : f32
      %175 = arith.addf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %48 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %49 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%47 : tensor<?x?x1xf32>) outs(%48 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = math.sqrt %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %50 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %51 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%49 : tensor<?x?x1xf32>) outs(%50 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 1.000000e+00 : f32
      %175 = arith.divf %cst_68, %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %52 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %53 = linalg.generic {indexing_maps = [#map, #map9, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%1, %51 : tensor<?x?x8xf32>, tensor<?x?x1xf32>) outs(%52 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %cst_17 = arith.constant dense<[0.983334898, 1.04736829, 0.967273712, 0.984042763, 0.984772086, 8.769490e-01, 0.860385775, 0.959205567]> : tensor<8xf32>
    %54 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %55 = linalg.generic {indexing_maps = [#map10, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_17, %53 : tensor<8xf32>, tensor<?x?x8xf32>) outs(%54 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %cst_18 = arith.constant dense<0.125> : tensor<8x8xf32>
    %56 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %cst_19 = arith.constant 0.000000e+00 : f32
    %57 = linalg.fill ins(%cst_19 : f32) outs(%56 : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %58 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%55, %cst_18 : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%57 : tensor<?x?x8xf32>) attrs =  {awq.name = "model_.model.layers.0.self_attn.q_proj"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x8xf32>
    %expanded_20 = tensor.expand_shape %58 [[0], [1], [2, 3]] output_shape [%dim, %dim_0, 2, 4] : tensor<?x?x8xf32> into tensor<?x?x2x4xf32>
    %59 = tensor.empty(%dim, %dim_0) : tensor<?x2x?x4xf32>
    %transposed = linalg.transpose ins(%expanded_20 : tensor<?x?x2x4xf32>) outs(%59 : tensor<?x2x?x4xf32>) permutation = [0, 2, 1, 3] 
    %cst_21 = arith.constant dense<0.125> : tensor<8x4xf32>
    %60 = tensor.empty(%dim, %dim_0) : tensor<?x?x4xf32>
    %cst_22 = arith.constant 0.000000e+00 : f32
    %61 = linalg.fill ins(%cst_22 : f32) outs(%60 : tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    %62 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%55, %cst_21 : tensor<?x?x8xf32>, tensor<8x4xf32>) outs(%61 : tensor<?x?x4xf32>) attrs =  {awq.name = "model_.model.layers.0.self_attn.k_proj"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x4xf32>
    %expanded_23 = tensor.expand_shape %62 [[0], [1], [2, 3]] output_shape [%dim, %dim_0, 1, 4] : tensor<?x?x4xf32> into tensor<?x?x1x4xf32>
    %63 = tensor.empty(%dim, %dim_0) : tensor<?x1x?x4xf32>
    %transposed_24 = linalg.transpose ins(%expanded_23 : tensor<?x?x1x4xf32>) outs(%63 : tensor<?x1x?x4xf32>) permutation = [0, 2, 1, 3] 
    %cst_25 = arith.constant dense<0.125> : tensor<8x4xf32>
    %64 = tensor.empty(%dim, %dim_0) : tensor<?x?x4xf32>
    %cst_26 = arith.constant 0.000000e+00 : f32
    %65 = linalg.fill ins(%cst_26 : f32) outs(%64 : tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    %66 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%55, %cst_25 : tensor<?x?x8xf32>, tensor<8x4xf32>) outs(%65 : tensor<?x?x4xf32>) attrs =  {awq.name = "model_.model.layers.0.self_attn.v_proj"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x4xf32>
    %expanded_27 = tensor.expand_shape %66 [[0], [1], [2, 3]] output_shape [%dim, %dim_0, 1, 4] : tensor<?x?x4xf32> into tensor<?x?x1x4xf32>
    %67 = tensor.empty(%dim, %dim_0) : tensor<?x1x?x4xf32>
    %transposed_28 = linalg.transpose ins(%expanded_27 : tensor<?x?x1x4xf32>) outs(%67 : tensor<?x1x?x4xf32>) permutation = [0, 2, 1, 3] 
    %expanded_29 = tensor.expand_shape %35 [[0], [1, 2], [3]] output_shape [1, 1, %dim_0, 4] : tensor<1x?x4xf32> into tensor<1x1x?x4xf32>
    %expanded_30 = tensor.expand_shape %39 [[0], [1, 2], [3]] output_shape [1, 1, %dim_0, 4] : tensor<1x?x4xf32> into tensor<1x1x?x4xf32>
    %68 = tensor.empty(%dim, %dim_0) : tensor<?x2x?x4xf32>
    %69 = linalg.generic {indexing_maps = [#map5, #map14, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed, %expanded_29 : tensor<?x2x?x4xf32>, tensor<1x1x?x4xf32>) outs(%68 : tensor<?x2x?x4xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x4xf32>
    %extracted_slice = tensor.extract_slice %transposed[0, 0, 0, 0] [%dim, 2, %dim_0, 2] [1, 1, 1, 1] : tensor<?x2x?x4xf32> to tensor<?x2x?x2xf32>
    %extracted_slice_31 = tensor.extract_slice %transposed[0, 0, 0, 2] [%dim, 2, %dim_0, 2] [1, 1, 1, 1] : tensor<?x2x?x4xf32> to tensor<?x2x?x2xf32>
    %70 = tensor.empty(%dim, %dim_0) : tensor<?x2x?x2xf32>
    %71 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31 : tensor<?x2x?x2xf32>) outs(%70 : tensor<?x2x?x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = arith.negf %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x2xf32>
    %concat_32 = tensor.concat dim(3) %71, %extracted_slice : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x4xf32>
    %72 = tensor.empty(%dim, %dim_0) : tensor<?x2x?x4xf32>
    %73 = linalg.generic {indexing_maps = [#map5, #map14, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_32, %expanded_30 : tensor<?x2x?x4xf32>, tensor<1x1x?x4xf32>) outs(%72 : tensor<?x2x?x4xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x4xf32>
    %74 = tensor.empty(%dim, %dim_0) : tensor<?x2x?x4xf32>
    %75 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%69, %73 : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) outs(%74 : tensor<?x2x?x4xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.addf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x4xf32>
    %76 = tensor.empty(%dim, %dim_0) : tensor<?x1x?x4xf32>
    %77 = linalg.generic {indexing_maps = [#map5, #map7, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_24, %expanded_29 : tensor<?x1x?x4xf32>, tensor<1x1x?x4xf32>) outs(%76 : tensor<?x1x?x4xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x1x?x4xf32>
    %extracted_slice_33 = tensor.extract_slice %transposed_24[0, 0, 0, 0] [%dim, 1, %dim_0, 2] [1, 1, 1, 1] : tensor<?x1x?x4xf32> to tensor<?x1x?x2xf32>
    %extracted_slice_34 = tensor.extract_slice %transposed_24[0, 0, 0, 2] [%dim, 1, %dim_0, 2] [1, 1, 1, 1] : tensor<?x1x?x4xf32> to tensor<?x1x?x2xf32>
    %78 = tensor.empty(%dim, %dim_0) : tensor<?x1x?x2xf32>
    %79 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_34 : tensor<?x1x?x2xf32>) outs(%78 : tensor<?x1x?x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = arith.negf %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x1x?x2xf32>
    %concat_35 = tensor.concat dim(3) %79, %extracted_slice_33 : (tensor<?x1x?x2xf32>, tensor<?x1x?x2xf32>) -> tensor<?x1x?x4xf32>
    %80 = tensor.empty(%dim, %dim_0) : tensor<?x1x?x4xf32>
    %81 = linalg.generic {indexing_maps = [#map5, #map7, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_35, %expanded_30 : tensor<?x1x?x4xf32>, tensor<1x1x?x4xf32>) outs(%80 : tensor<?x1x?x4xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x1x?x4xf32>
    %82 = tensor.empty(%dim, %dim_0) : tensor<?x1x?x4xf32>
    %83 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%77, %81 : tensor<?x1x?x4xf32>, tensor<?x1x?x4xf32>) outs(%82 : tensor<?x1x?x4xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.addf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x1x?x4xf32>
    %expanded_36 = tensor.expand_shape %83 [[0], [1], [2, 3], [4]] output_shape [%dim, 1, 1, %dim_0, 4] : tensor<?x1x?x4xf32> into tensor<?x1x1x?x4xf32>
    %84 = tensor.empty(%dim, %dim_0) : tensor<?x1x2x?x4xf32>
    %85 = linalg.generic {indexing_maps = [#map15, #map8], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%expanded_36 : tensor<?x1x1x?x4xf32>) outs(%84 : tensor<?x1x2x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<?x1x2x?x4xf32>
    %collapsed_37 = tensor.collapse_shape %85 [[0], [1, 2], [3], [4]] : tensor<?x1x2x?x4xf32> into tensor<?x2x?x4xf32>
    %expanded_38 = tensor.expand_shape %transposed_28 [[0], [1], [2, 3], [4]] output_shape [%dim, 1, 1, %dim_0, 4] : tensor<?x1x?x4xf32> into tensor<?x1x1x?x4xf32>
    %86 = tensor.empty(%dim, %dim_0) : tensor<?x1x2x?x4xf32>
    %87 = linalg.generic {indexing_maps = [#map15, #map8], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%expanded_38 : tensor<?x1x1x?x4xf32>) outs(%86 : tensor<?x1x2x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<?x1x2x?x4xf32>
    %collapsed_39 = tensor.collapse_shape %87 [[0], [1, 2], [3], [4]] : tensor<?x1x2x?x4xf32> into tensor<?x2x?x4xf32>
    %88 = tensor.empty(%dim, %dim_0) : tensor<?x2x4x?xf32>
    %transposed_40 = linalg.transpose ins(%collapsed_37 : tensor<?x2x?x4xf32>) outs(%88 : tensor<?x2x4x?xf32>) permutation = [0, 1, 3, 2] 
    %89 = tensor.empty(%dim, %dim_0) : tensor<?x2x?x4xf32>
    %90 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%75 : tensor<?x2x?x4xf32>) outs(%89 : tensor<?x2x?x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 0.707106769 : f32
      %175 = arith.mulf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x4xf32>
    %91 = tensor.empty(%dim, %dim_0) : tensor<?x2x4x?xf32>
    %92 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_40 : tensor<?x2x4x?xf32>) outs(%91 : tensor<?x2x4x?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 0.707106769 : f32
      %175 = arith.mulf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x4x?xf32>
    %93 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x2x?x?xf32>
    %cst_41 = arith.constant 0.000000e+00 : f32
    %94 = linalg.fill ins(%cst_41 : f32) outs(%93 : tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
    %95 = linalg.generic {indexing_maps = [#map16, #map17, #map18], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%90, %92 : tensor<?x2x?x4xf32>, tensor<?x2x4x?xf32>) outs(%94 : tensor<?x2x?x?xf32>) attrs =  {awq.name = "model_.model.layers.0.self_attn"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x2x?x?xf32>
    %96 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x1x?x?xf32>
    %97 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%27 : tensor<?x1x?x?xi1>) outs(%96 : tensor<?x1x?x?xf32>) {
    ^bb0(%in: i1, %out: f32):
      %cst_68 = arith.constant 0.000000e+00 : f32
      %cst_69 = arith.constant 0xFF800000 : f32
      %175 = arith.select %in, %cst_68, %cst_69 : f32
      linalg.yield %175 : f32
    } -> tensor<?x1x?x?xf32>
    %98 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x2x?x?xf32>
    %99 = linalg.generic {indexing_maps = [#map5, #map19, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%95, %97 : tensor<?x2x?x?xf32>, tensor<?x1x?x?xf32>) outs(%98 : tensor<?x2x?x?xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.addf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x?xf32>
    %100 = tensor.empty(%dim, %dim_0) : tensor<?x2x?xf32>
    %cst_42 = arith.constant 0xFF800000 : f32
    %101 = linalg.fill ins(%cst_42 : f32) outs(%100 : tensor<?x2x?xf32>) -> tensor<?x2x?xf32>
    %reduced_43 = linalg.reduce ins(%99 : tensor<?x2x?x?xf32>) outs(%101 : tensor<?x2x?xf32>) dimensions = [3] 
      (%in: f32, %init: f32) {
        %175 = arith.maximumf %in, %init : f32
        linalg.yield %175 : f32
      }
    %expanded_44 = tensor.expand_shape %reduced_43 [[0], [1], [2, 3]] output_shape [%dim, 2, %dim_0, 1] : tensor<?x2x?xf32> into tensor<?x2x?x1xf32>
    %102 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x2x?x?xf32>
    %103 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%99, %expanded_44 : tensor<?x2x?x?xf32>, tensor<?x2x?x1xf32>) outs(%102 : tensor<?x2x?x?xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.subf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x?xf32>
    %104 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x2x?x?xf32>
    %105 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%103 : tensor<?x2x?x?xf32>) outs(%104 : tensor<?x2x?x?xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = math.exp %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x?xf32>
    %106 = tensor.empty(%dim, %dim_0) : tensor<?x2x?xf32>
    %cst_45 = arith.constant 0.000000e+00 : f32
    %107 = linalg.fill ins(%cst_45 : f32) outs(%106 : tensor<?x2x?xf32>) -> tensor<?x2x?xf32>
    %reduced_46 = linalg.reduce ins(%105 : tensor<?x2x?x?xf32>) outs(%107 : tensor<?x2x?xf32>) dimensions = [3] 
      (%in: f32, %init: f32) {
        %175 = arith.addf %in, %init : f32
        linalg.yield %175 : f32
      }
    %expanded_47 = tensor.expand_shape %reduced_46 [[0], [1], [2, 3]] output_shape [%dim, 2, %dim_0, 1] : tensor<?x2x?xf32> into tensor<?x2x?x1xf32>
    %108 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x2x?x?xf32>
    %109 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%105, %expanded_47 : tensor<?x2x?x?xf32>, tensor<?x2x?x1xf32>) outs(%108 : tensor<?x2x?x?xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.divf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x?xf32>
    %110 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x2x?x?xi1>
    %111 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%109 : tensor<?x2x?x?xf32>) outs(%110 : tensor<?x2x?x?xi1>) {
    ^bb0(%in: f32, %out: i1):
      %175 = arith.cmpf uno, %in, %in : f32
      linalg.yield %175 : i1
    } -> tensor<?x2x?x?xi1>
    %112 = tensor.empty(%dim, %dim_0, %dim_0) : tensor<?x2x?x?xf32>
    %113 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%111, %109 : tensor<?x2x?x?xi1>, tensor<?x2x?x?xf32>) outs(%112 : tensor<?x2x?x?xf32>) {
    ^bb0(%in: i1, %in_68: f32, %out: f32):
      %cst_69 = arith.constant 0.000000e+00 : f32
      %175 = arith.select %in, %cst_69, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x2x?x?xf32>
    %114 = tensor.empty(%dim, %dim_0) : tensor<?x2x?x4xf32>
    %cst_48 = arith.constant 0.000000e+00 : f32
    %115 = linalg.fill ins(%cst_48 : f32) outs(%114 : tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
    %116 = linalg.generic {indexing_maps = [#map16, #map17, #map18], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%113, %collapsed_39 : tensor<?x2x?x?xf32>, tensor<?x2x?x4xf32>) outs(%115 : tensor<?x2x?x4xf32>) attrs =  {awq.name = "model_.model.layers.0.self_attn"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x2x?x4xf32>
    %117 = tensor.empty(%dim, %dim_0) : tensor<?x?x2x4xf32>
    %transposed_49 = linalg.transpose ins(%116 : tensor<?x2x?x4xf32>) outs(%117 : tensor<?x?x2x4xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_50 = tensor.collapse_shape %transposed_49 [[0], [1], [2, 3]] : tensor<?x?x2x4xf32> into tensor<?x?x8xf32>
    %cst_51 = arith.constant dense<0.125> : tensor<8x8xf32>
    %118 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %cst_52 = arith.constant 0.000000e+00 : f32
    %119 = linalg.fill ins(%cst_52 : f32) outs(%118 : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %120 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%collapsed_50, %cst_51 : tensor<?x?x8xf32>, tensor<8x8xf32>) outs(%119 : tensor<?x?x8xf32>) attrs =  {awq.name = "model_.model.layers.0.self_attn.o_proj"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x8xf32>
    %121 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %122 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%1, %120 : tensor<?x?x8xf32>, tensor<?x?x8xf32>) outs(%121 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.addf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %123 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %124 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%122 : tensor<?x?x8xf32>) outs(%123 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = arith.mulf %in, %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %125 = tensor.empty(%dim, %dim_0) : tensor<?x?xf32>
    %cst_53 = arith.constant 0.000000e+00 : f32
    %126 = linalg.fill ins(%cst_53 : f32) outs(%125 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %reduced_54 = linalg.reduce ins(%124 : tensor<?x?x8xf32>) outs(%126 : tensor<?x?xf32>) dimensions = [2] 
      (%in: f32, %init: f32) {
        %175 = arith.addf %in, %init : f32
        linalg.yield %175 : f32
      }
    %expanded_55 = tensor.expand_shape %reduced_54 [[0], [1, 2]] output_shape [%dim, %dim_0, 1] : tensor<?x?xf32> into tensor<?x?x1xf32>
    %127 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %128 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_55 : tensor<?x?x1xf32>) outs(%127 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 8.000000e+00 : f32
      %175 = arith.divf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %129 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %130 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%128 : tensor<?x?x1xf32>) outs(%129 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 9.99999997E-7 : f32
      %175 = arith.addf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %131 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %132 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%130 : tensor<?x?x1xf32>) outs(%131 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = math.sqrt %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %133 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %134 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%132 : tensor<?x?x1xf32>) outs(%133 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 1.000000e+00 : f32
      %175 = arith.divf %cst_68, %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %135 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %136 = linalg.generic {indexing_maps = [#map, #map9, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%122, %134 : tensor<?x?x8xf32>, tensor<?x?x1xf32>) outs(%135 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %cst_56 = arith.constant dense<[1.02203655, 1.04656363, 1.2026993, 0.853284597, 0.908013641, 0.866853714, 0.828738749, 0.97279644]> : tensor<8xf32>
    %137 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %138 = linalg.generic {indexing_maps = [#map10, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_56, %136 : tensor<8xf32>, tensor<?x?x8xf32>) outs(%137 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %cst_57 = arith.constant dense<0.125> : tensor<8x16xf32>
    %139 = tensor.empty(%dim, %dim_0) : tensor<?x?x16xf32>
    %cst_58 = arith.constant 0.000000e+00 : f32
    %140 = linalg.fill ins(%cst_58 : f32) outs(%139 : tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
    %141 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%138, %cst_57 : tensor<?x?x8xf32>, tensor<8x16xf32>) outs(%140 : tensor<?x?x16xf32>) attrs =  {awq.name = "model_.model.layers.0.mlp.gate_proj"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x16xf32>
    %142 = tensor.empty(%dim, %dim_0) : tensor<?x?x16xf32>
    %143 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%141 : tensor<?x?x16xf32>) outs(%142 : tensor<?x?x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 1.000000e+00 : f32
      %175 = arith.negf %in : f32
      %176 = math.exp %175 : f32
      %177 = arith.addf %cst_68, %176 : f32
      %178 = arith.divf %cst_68, %177 : f32
      linalg.yield %178 : f32
    } -> tensor<?x?x16xf32>
    %144 = tensor.empty(%dim, %dim_0) : tensor<?x?x16xf32>
    %145 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%141, %143 : tensor<?x?x16xf32>, tensor<?x?x16xf32>) outs(%144 : tensor<?x?x16xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x16xf32>
    %cst_59 = arith.constant dense<0.125> : tensor<8x16xf32>
    %146 = tensor.empty(%dim, %dim_0) : tensor<?x?x16xf32>
    %cst_60 = arith.constant 0.000000e+00 : f32
    %147 = linalg.fill ins(%cst_60 : f32) outs(%146 : tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
    %148 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%138, %cst_59 : tensor<?x?x8xf32>, tensor<8x16xf32>) outs(%147 : tensor<?x?x16xf32>) attrs =  {awq.name = "model_.model.layers.0.mlp.up_proj"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x16xf32>
    %149 = tensor.empty(%dim, %dim_0) : tensor<?x?x16xf32>
    %150 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%145, %148 : tensor<?x?x16xf32>, tensor<?x?x16xf32>) outs(%149 : tensor<?x?x16xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x16xf32>
    %cst_61 = arith.constant dense<0.125> : tensor<16x8xf32>
    %151 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %cst_62 = arith.constant 0.000000e+00 : f32
    %152 = linalg.fill ins(%cst_62 : f32) outs(%151 : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    %153 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%150, %cst_61 : tensor<?x?x16xf32>, tensor<16x8xf32>) outs(%152 : tensor<?x?x8xf32>) attrs =  {awq.name = "model_.model.layers.0.mlp.down_proj"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x8xf32>
    %154 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %155 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%122, %153 : tensor<?x?x8xf32>, tensor<?x?x8xf32>) outs(%154 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.addf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %156 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %157 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%155 : tensor<?x?x8xf32>) outs(%156 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = arith.mulf %in, %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %158 = tensor.empty(%dim, %dim_0) : tensor<?x?xf32>
    %cst_63 = arith.constant 0.000000e+00 : f32
    %159 = linalg.fill ins(%cst_63 : f32) outs(%158 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %reduced_64 = linalg.reduce ins(%157 : tensor<?x?x8xf32>) outs(%159 : tensor<?x?xf32>) dimensions = [2] 
      (%in: f32, %init: f32) {
        %175 = arith.addf %in, %init : f32
        linalg.yield %175 : f32
      }
    %expanded_65 = tensor.expand_shape %reduced_64 [[0], [1, 2]] output_shape [%dim, %dim_0, 1] : tensor<?x?xf32> into tensor<?x?x1xf32>
    %160 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %161 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_65 : tensor<?x?x1xf32>) outs(%160 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 8.000000e+00 : f32
      %175 = arith.divf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %162 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %163 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%161 : tensor<?x?x1xf32>) outs(%162 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 9.99999997E-7 : f32
      %175 = arith.addf %in, %cst_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %164 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %165 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%163 : tensor<?x?x1xf32>) outs(%164 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %175 = math.sqrt %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %166 = tensor.empty(%dim, %dim_0) : tensor<?x?x1xf32>
    %167 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%165 : tensor<?x?x1xf32>) outs(%166 : tensor<?x?x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %cst_68 = arith.constant 1.000000e+00 : f32
      %175 = arith.divf %cst_68, %in : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x1xf32>
    %168 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %169 = linalg.generic {indexing_maps = [#map, #map9, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%155, %167 : tensor<?x?x8xf32>, tensor<?x?x1xf32>) outs(%168 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %cst_66 = arith.constant dense<[1.14121783, 1.09275436, 1.03314495, 0.968285679, 1.06291056, 0.794334232, 1.06842458, 0.946687579]> : tensor<8xf32>
    %170 = tensor.empty(%dim, %dim_0) : tensor<?x?x8xf32>
    %171 = linalg.generic {indexing_maps = [#map10, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_66, %169 : tensor<8xf32>, tensor<?x?x8xf32>) outs(%170 : tensor<?x?x8xf32>) {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      linalg.yield %175 : f32
    } -> tensor<?x?x8xf32>
    %onnx3A3AMatMul_447 = ml_program.global_load_const @"onnx::MatMul_447" : tensor<8x32xf32>
    %172 = tensor.empty(%dim, %dim_0) : tensor<?x?x32xf32>
    %cst_67 = arith.constant 0.000000e+00 : f32
    %173 = linalg.fill ins(%cst_67 : f32) outs(%172 : tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
    %174 = linalg.generic {indexing_maps = [#map11, #map12, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%171, %onnx3A3AMatMul_447 : tensor<?x?x8xf32>, tensor<8x32xf32>) outs(%173 : tensor<?x?x32xf32>) attrs =  {awq.name = "model_.lm_head"} {
    ^bb0(%in: f32, %in_68: f32, %out: f32):
      %175 = arith.mulf %in, %in_68 : f32
      %176 = arith.addf %out, %175 : f32
      linalg.yield %176 : f32
    } -> tensor<?x?x32xf32>
    return %174 : tensor<?x?x32xf32>
  }
}
