#!/bin/sh
# quantize.sh PREFIX MODULE: quantizes the linears of a module that holds its weights and
# its calibration statistics, in LLVM's own mlir-opt. awq-mlir is installed at PREFIX.
plugin="$1/lib/libAWQPlugin.so"
exec mlir-opt-22 --load-dialect-plugin="$plugin" --load-pass-plugin="$plugin" \
  --pass-pipeline='builtin.module(awq-quantize-pipeline{bits=4 group=16},cse)' "$2"
