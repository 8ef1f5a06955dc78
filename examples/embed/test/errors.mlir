// What becomes of the host's mistakes: an error at the layer, not a crash.
// RUN: toy-opt %s --split-input-file --toy-pipeline='group=16' -verify-diagnostics

func.func @too_few_bytes(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @below {{AWQ1665: the host supplies 1020 bytes for the parameter 'short.weight', its type needs 1024 (the ParameterProvider of the dialect 'toy'); supply row-major elements of the type asked for}}
  %y = toy.dense %x "short" : tensor<?x16xf32> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

func.func @nobody_has_it(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @below {{AWQ1522: parameter 'unknown.weight' is in none of the 0 files of awq.parameter_files}}
  %y = toy.dense %x "unknown" : tensor<?x16xf32> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// expected-error @below {{AWQ1666: the host's statistics of site 'odd.input' are not of its 16 channels (the StatisticsProvider of the dialect 'awq')}}
func.func @wrong_channels(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %y = toy.dense %x "odd" : tensor<?x16xf32> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// expected-error @below {{there are no statistics of site 'unseen.input'}}
func.func @no_statistics(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %y = toy.dense %x "unseen" : tensor<?x16xf32> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
