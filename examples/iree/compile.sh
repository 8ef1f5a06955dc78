#!/bin/sh
# compile.sh MODEL FOLDER: makes FOLDER/model.vmfb of a model, float or quantized, for
# this machine's CPU. Prints the files that hold the parameters.
set -eu
awq-compile "$1" --target=iree -o "$2/model.mlir"
iree-compile "$2/model.mlir" -o "$2/model.vmfb" --iree-hal-target-device=local \
  --iree-hal-local-target-device-backends=llvm-cpu --iree-llvmcpu-target-cpu=host
