// RUN: awq-opt %s --awq-raise-decoder=require --verify-diagnostics

// expected-error @below {{AWQ1144: the model is not understood as a decoder: has no argument of token ids}}
func.func @main(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}
