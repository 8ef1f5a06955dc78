"""The toy compiler's tests: lit -Dtoy=BUILD FOLDER -Dllvm_bin=FOLDER test

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import os
from pathlib import Path

import lit.formats

config.name = "toy"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = str(Path(__file__).resolve().parent)
toy = str(Path(lit_config.params.get("toy", "build")).resolve())
config.test_exec_root = str(Path(toy) / "test")
llvm_bin = lit_config.params.get("llvm_bin", "/usr/lib/llvm-22/bin")
config.environment["PATH"] = os.pathsep.join([toy, llvm_bin, config.environment["PATH"]])
