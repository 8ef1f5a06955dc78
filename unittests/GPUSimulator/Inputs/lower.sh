#!/bin/bash
# lower.sh KERNEL.mlir CHIP KERNEL.ll: the LLVM IR that goes to the NVPTX back
# end for a hand-written kernel, with line numbers.
#
# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -e
pipeline="builtin.module(nvvm-attach-target{chip=$2 features=+ptx80 O=3},convert-nvgpu-to-nvvm,\
gpu.module(convert-vector-to-scf),convert-scf-to-cf,\
gpu.module(expand-strided-metadata,lower-affine,\
convert-gpu-to-nvvm{index-bitwidth=64 use-bare-ptr-memref-call-conv=1},convert-nvvm-to-llvm,\
canonicalize,cse,reconcile-unrealized-casts),ensure-debug-info-scope-on-llvm-func,\
gpu-module-to-binary{format=llvm})"
mlir-opt-22 "$1" --pass-pipeline="$pipeline" | python3 -c '
import re, sys
text = sys.stdin.buffer.read()
payload = re.search(rb"offload = \"((?:[^\"\\]|\\.)*)\"", text).group(1)
escapes = re.compile(rb"\\(\\|\"|[0-9A-Fa-f]{2})")
decode = lambda m: m.group(1) if len(m.group(1)) == 1 else bytes([int(m.group(1), 16)])
sys.stdout.buffer.write(escapes.sub(decode, payload))' | llvm-dis-22 -o "$3"
