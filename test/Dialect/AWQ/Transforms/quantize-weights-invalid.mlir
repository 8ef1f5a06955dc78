// RUN: awq-opt %s -split-input-file -awq-quantize-weights='bits=4 group=16' -verify-diagnostics
// RUN: not awq-opt %s -split-input-file -awq-quantize-weights='bits=9' 2>&1 | FileCheck %s --check-prefix=BITS

// BITS: AWQ1201

func.func @not_constant(%x: tensor<?x16xf32>,
    // expected-error @below {{needs a parameter here, not a value that is computed at run time}}
    %w: tensor<2x16xf32>) -> tensor<?x2xf32> {
  %y = awq.linear %x, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @group(%x: tensor<?x24xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0.5> : tensor<2x24xf32>
  // expected-error @below {{AWQ1204}}
  %y = awq.linear %x, %w {awq.name = "proj"} : (tensor<?x24xf32>, tensor<2x24xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @nan(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0x7FC00000> : tensor<2x16xf32>
  // expected-error @below {{AWQ1205}}
  %y = awq.linear %x, %w {awq.name = "proj"} : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

ml_program.global private @w(#ml_program.extern<tensor<2x16xf32>>) : tensor<2x16xf32>
func.func @nowhere(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  // expected-error @below {{parameter 'w' is in none of the 0 files of awq.parameter_files; add the file that holds it to that attribute}}
  %w = ml_program.global_load_const @w : tensor<2x16xf32>
  %y = awq.linear %x, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

module attributes {awq.parameter_files = [3]} {
  ml_program.global private @w(#ml_program.extern<tensor<2x16xf32>>) : tensor<2x16xf32>
  func.func @files(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
    // expected-error @below {{AWQ1032: an entry of awq.parameter_files must be a path, or a file with its tensors' places}}
    %w = ml_program.global_load_const @w : tensor<2x16xf32>
    %y = awq.linear %x, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}
