"""The C++ tools on a device that is full.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin"))
MODULE = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n  return %x : tensor<4xf32>\n}\n"


@pytest.mark.parametrize(
    "command",
    [
        ("awq-opt", "{module}"),
        ("awq-translate", "--mlir-to-llvmir", "--help"),
        ("awq-compile", "{module}", "--compile-to=import", "-o", "-", "--progress=none"),
        ("awq-run", "--help"),
        ("awq-sim", "--help"),
    ],
)
def test_a_full_device_is_an_error_of_ours(command: tuple[str, ...], tmp_path: Path) -> None:
    module = tmp_path / "module.mlir"
    module.write_text(MODULE)
    arguments = [BIN / command[0], *(word.format(module=module) for word in command[1:])]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 5
    assert "error[AWQ1515]: the output cannot be written: No space left on device" in done.stderr
    assert "LLVM ERROR" not in done.stderr
