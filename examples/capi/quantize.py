"""quantize.py MODEL OUTPUT: rounds the model in a Hugging Face folder to 4 bits, in this process.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import sys

from awq_mlir.compiler import Compiler
from awq_mlir.errors import AwqError

try:
    with Compiler(method="rtn", group_size=16) as compiler, compiler.load(sys.argv[1]) as model:
        model.write_checkpoint(sys.argv[2])
except AwqError as error:
    sys.exit(f"{error}")
