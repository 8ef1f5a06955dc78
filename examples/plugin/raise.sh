#!/bin/sh
# raise.sh PREFIX MODULE: finds the linears and norms of a module in linalg, and what can be
# scaled together, in LLVM's own mlir-opt. awq-mlir is installed at PREFIX.
plugin="$1/lib/libAWQPlugin.so"
exec mlir-opt-22 --load-dialect-plugin="$plugin" --load-pass-plugin="$plugin" \
  --pass-pipeline='builtin.module(awq-raise-linalg,awq-find-scaling-groups)' "$2"
