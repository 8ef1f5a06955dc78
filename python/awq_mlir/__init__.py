"""awq-mlir: quantizes language models to 4 bits with AWQ and compiles them.

The work is done by C++ programs and a C library; this package is the command line around them:
tokens, text, progress and files.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

try:
    __version__ = version("awq-mlir")
except PackageNotFoundError:  # a source tree that was not installed
    __version__ = Path(__file__).resolve().parents[2].joinpath("VERSION").read_text(encoding="utf8").strip()
