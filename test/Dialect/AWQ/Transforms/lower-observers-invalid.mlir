// RUN: awq-opt %s -split-input-file -awq-lower-observers -verify-diagnostics

// expected-error @below {{is called, so its observed values cannot become results; observe an entry function, or inline the calls}}
func.func private @callee(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %o = awq.observe %x "site" : tensor<?x4xf32>
  return %o : tensor<?x4xf32>
}
func.func @caller(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = call @callee(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// expected-error @below {{must have one block to return its observed values}}
func.func @blocks(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  cf.br ^next
^next:
  %o = awq.observe %x "site" : tensor<?x4xf32>
  return %o : tensor<?x4xf32>
}

// -----

func.func @inside(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = scf.execute_region -> tensor<?x4xf32> {
    // expected-error @below {{lies in a region of 'scf.execute_region', so its value cannot become a result of the function; observe the operand of that op}}
    %o = awq.observe %x "site" : tensor<?x4xf32>
    scf.yield %o : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
