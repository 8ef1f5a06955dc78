"""python -m awq_mlir: the command awq-mlir.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from awq_mlir.cli import main

if __name__ == "__main__":
    main()
