module {
  module {
    func.func @f(%arg0: tensor<?x64xf32>, %arg1: tensor<1xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
      %0 = decoder.activation %arg0 {kind = #decoder.activation_kind<silu>} : tensor<?x64xf32>
      %1 = decoder.activation %arg0 parameters(%arg1) {kind = #decoder.activation_kind<prelu>} : tensor<?x64xf32>, tensor<1xf32>
      return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x4x16xf32>, %arg1: tensor<?x2x16xf32>, %arg2: tensor<?x2x16xf32>, %arg3: tensor<?x2x16xf32>, %arg4: tensor<?x2x16xf32>, %arg5: index, %arg6: tensor<4xf32>) -> (tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>) {
      %out, %newKeyCache, %newValueCache = decoder.attention %arg0, %arg1, %arg2, %arg3, %arg4, %arg5 {scale = 2.500000e-01 : f64} : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>) -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
      %out_0, %newKeyCache_1, %newValueCache_2 = decoder.attention %arg0, %arg1, %arg2, %newKeyCache, %newValueCache, %arg5 slopes %arg6 {scale = 2.500000e-01 : f64} : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<4xf32>) -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
      return %out, %out_0, %newKeyCache_1, %newValueCache_2 : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?xi32>, %arg1: tensor<256x64xf32>) -> tensor<?x64xf32> {
      %0 = decoder.embedding %arg0, %arg1 : (tensor<?xi32>, tensor<256x64xf32>) -> tensor<?x64xf32>
      return %0 : tensor<?x64xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x8xf32>, %arg1: tensor<?x2xf32>, %arg2: tensor<?x2xi32>, %arg3: tensor<8x8xf32>, %arg4: tensor<16x8xf32>, %arg5: tensor<16x8xf32>, %arg6: tensor<8x16xf32>) -> tensor<?x8xf32> {
      %0 = decoder.experts %arg0, %arg1, %arg2 : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
      ^bb0(%arg7: tensor<?x8xf32>):
        %1 = awq.linear %arg7, %arg3 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
        decoder.yield %1 : tensor<?x8xf32>
      }, {
      ^bb0(%arg7: tensor<?x8xf32>):
        %1 = awq.linear %arg7, %arg4 : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
        %2 = awq.linear %arg7, %arg5 : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
        %3 = decoder.glu %1, %2 {kind = #decoder.activation_kind<silu>} : tensor<?x16xf32>
        %4 = awq.linear %3, %arg6 : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
        decoder.yield %4 : tensor<?x8xf32>
      }
      return %0 : tensor<?x8xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x64xf32>, %arg1: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %0 = decoder.glu %arg0, %arg1 {kind = #decoder.activation_kind<silu>} : tensor<?x64xf32>
      return %0 : tensor<?x64xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x64xf32>, %arg1: tensor<64xf32>, %arg2: tensor<64xf32>) -> tensor<?x64xf32> {
      %0 = decoder.layer_norm %arg0, %arg1 bias %arg2 {epsilon = 1.000000e-05 : f64} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      return %0 : tensor<?x64xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x64xf32>, %arg1: tensor<64xf32>) -> tensor<?x64xf32> {
      %0 = decoder.rms_norm %arg0, %arg1 {epsilon = 1.000000e-05 : f64} : tensor<?x64xf32>, tensor<64xf32>
      return %0 : tensor<?x64xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x4x16xf32>, %arg1: tensor<?x8xf32>, %arg2: tensor<?x8xf32>) -> tensor<?x4x16xf32> {
      %0 = decoder.rotary %arg0, %arg1, %arg2 : tensor<?x4x16xf32>, tensor<?x8xf32>
      return %0 : tensor<?x4x16xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<32xf32>, %arg1: index, %arg2: index) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
      %cosines, %sines = decoder.rotary_table %arg0, %arg1, %arg2 : tensor<32xf32> -> tensor<?x32xf32>
      return %cosines, %sines : tensor<?x32xf32>, tensor<?x32xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x8xf32>, %arg1: tensor<?x16xf32>, %arg2: tensor<16xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xi32>) {
      %weights, %indices = decoder.router %arg0 {normalize, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64} : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
      %weights_0, %indices_1 = decoder.router %arg1 bias %arg2 {group_score = #decoder.group_score<sum_of_top_two>, groups = 4 : i64, kept_groups = 2 : i64, normalize, scale = 2.500000e+00 : f64, scoring = #decoder.router_scoring<sigmoid>, top_k = 4 : i64} : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
      return %weights, %indices, %weights_0, %indices_1 : tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xi32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x8xf32>, %arg1: tensor<?x2xf32>, %arg2: tensor<?x2xi32>) -> tensor<?x8xf32> {
      %0 = decoder.experts %arg0, %arg1, %arg2 : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
      ^bb0(%arg3: tensor<?x8xf32>):
        decoder.yield %arg3 : tensor<?x8xf32>
      }
      return %0 : tensor<?x8xf32>
    }
  }
  module {
    func.func @routers(%arg0: tensor<?x16xf32>, %arg1: tensor<?x8xbf16>, %arg2: tensor<16xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xi32>) {
      %weights, %indices = decoder.router %arg1 {scoring = #decoder.router_scoring<softmax_of_chosen>, top_k = 2 : i64} : tensor<?x8xbf16> -> tensor<?x2xf32>, tensor<?x2xi32>
      %weights_0, %indices_1 = decoder.router %arg0 bias %arg2 {group_score = #decoder.group_score<sum_of_top_two>, groups = 4 : i64, kept_groups = 2 : i64, normalize, scale = 2.500000e+00 : f64, scoring = #decoder.router_scoring<sigmoid>, top_k = 4 : i64} : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
      return %weights, %indices, %weights_0, %indices_1 : tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xi32>
    }
    func.func @experts(%arg0: tensor<?x8xf16>, %arg1: tensor<?x2xf32>, %arg2: tensor<?x2xi32>, %arg3: tensor<8x8xf16>) -> tensor<?x8xf16> {
      %0 = decoder.experts %arg0, %arg1, %arg2 : (tensor<?x8xf16>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf16> {
      ^bb0(%arg4: tensor<?x8xf16>):
        %1 = awq.linear %arg4, %arg3 : (tensor<?x8xf16>, tensor<8x8xf16>) -> tensor<?x8xf16>
        decoder.yield %1 : tensor<?x8xf16>
      }, {
      ^bb0(%arg4: tensor<?x8xf16>):
        decoder.yield %arg4 : tensor<?x8xf16>
      }
      return %0 : tensor<?x8xf16>
    }
  }
  module {
    func.func @embedding(%arg0: tensor<?xi32>, %arg1: tensor<256x64xf32>) -> tensor<?x64xf32> {
      %0 = decoder.embedding %arg0, %arg1 {scale = 8.000000e+00 : f64} : (tensor<?xi32>, tensor<256x64xf32>) -> tensor<?x64xf32>
      return %0 : tensor<?x64xf32>
    }
    func.func @norms(%arg0: tensor<?x64xf32>, %arg1: tensor<?x4x16xf32>, %arg2: tensor<64xf32>, %arg3: tensor<16xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4x16xf32>) {
      %0 = decoder.rms_norm %arg0, %arg2 {epsilon = 1.000000e-05 : f64, offset = 1.000000e+00 : f64} : tensor<?x64xf32>, tensor<64xf32>
      %1 = decoder.layer_norm %arg0, %arg2 bias %arg2 {epsilon = 1.000000e-05 : f64} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
      %2 = decoder.rms_norm %arg1, %arg3 {epsilon = 1.000000e-05 : f64} : tensor<?x4x16xf32>, tensor<16xf32>
      return %0, %1, %2 : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4x16xf32>
    }
    func.func @attention(%arg0: tensor<?x4x16xf32>, %arg1: tensor<?x2x16xf32>, %arg2: tensor<?x2x8xf32>, %arg3: tensor<?x2x16xf32>, %arg4: tensor<?x2x8xf32>, %arg5: tensor<8xf32>, %arg6: index, %arg7: index) -> (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>) {
      %cosines, %sines = decoder.rotary_table %arg5, %arg6, %arg7 : tensor<8xf32> -> tensor<?x8xf32>
      %0 = decoder.rotary %arg0, %cosines, %sines {interleaved} : tensor<?x4x16xf32>, tensor<?x8xf32>
      %out, %newKeyCache, %newValueCache = decoder.attention %0, %arg1, %arg2, %arg3, %arg4, %arg6 {scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64, window = 8 : i64} : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>) -> (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>)
      return %out, %newKeyCache, %newValueCache : tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>
    }
    func.func @feed_forward(%arg0: tensor<?x64xf32>, %arg1: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
      %0 = decoder.activation %arg0 {kind = #decoder.activation_kind<gelu_tanh>} : tensor<?x64xf32>
      %1 = decoder.glu %arg0, %arg1 {kind = #decoder.activation_kind<silu>} : tensor<?x64xf32>
      return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
    }
    func.func @alibi(%arg0: tensor<?x4x16xf32>, %arg1: tensor<?x2x16xf32>, %arg2: tensor<?x2x16xf32>, %arg3: index, %arg4: tensor<4xf32>) -> tensor<?x4x16xf32> {
      %out, %newKeyCache, %newValueCache = decoder.attention %arg0, %arg1, %arg1, %arg2, %arg2, %arg3 slopes %arg4 {scale = 2.500000e-01 : f64} : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<4xf32>) -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
      return %out : tensor<?x4x16xf32>
    }
    func.func @learned(%arg0: tensor<?x64xf32>, %arg1: tensor<1xbf16>, %arg2: tensor<f32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
      %0 = decoder.activation %arg0 parameters(%arg1) {kind = #decoder.activation_kind<prelu>} : tensor<?x64xf32>, tensor<1xbf16>
      %1 = decoder.glu %arg0, %arg0 parameters(%arg1, %arg1, %arg2, %arg2) {kind = #decoder.activation_kind<xielu>} : tensor<?x64xf32>, tensor<1xbf16>, tensor<1xbf16>, tensor<f32>, tensor<f32>
      return %0, %1 : tensor<?x64xf32>, tensor<?x64xf32>
    }
    func.func @scaled_table(%arg0: tensor<8xf32>, %arg1: index, %arg2: index) -> tensor<?x8xf32> {
      %cosines, %sines = decoder.rotary_table %arg0, %arg1, %arg2 {scaling = 1.250000e+00 : f64} : tensor<8xf32> -> tensor<?x8xf32>
      return %cosines : tensor<?x8xf32>
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<gelu>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<gelu_10>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<gelu_quick>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<gelu_tanh>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<hard_swish>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<identity>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<laplace>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<leaky_relu>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<mish>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<prelu>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<relu>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<relu2>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<relu6>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<sigmoid>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<silu>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<sqrt_softplus>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<tanh>} {
    }
  }
  module {
    module attributes {example.value = #decoder.activation_kind<xielu>} {
    }
  }
  module {
    module attributes {example.value = #decoder.group_score<max>} {
    }
  }
  module {
    module attributes {example.value = #decoder.group_score<sum_of_top_two>} {
    }
  }
  module {
    module attributes {example.value = #decoder.router_scoring<sigmoid>} {
    }
  }
  module {
    module attributes {example.value = #decoder.router_scoring<softmax>} {
    }
  }
  module {
    module attributes {example.value = #decoder.router_scoring<softmax_of_chosen>} {
    }
  }
}

