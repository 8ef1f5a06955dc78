# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What awq-compile says when ptxas does not do its part; a script stands in for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from import_toys import BIN

pytestmark = pytest.mark.tools

MODULE = """
func.func @linear(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>, %z: tensor<32x2xi8>)
    -> tensor<?x32xf32> {
  %y = awq.quantized_linear %x, %q, %s zeros %z
    {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
"""


def compile_kernels(folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "bin").mkdir()
    ptxas = folder / "bin" / "ptxas"
    ptxas.write_text("#!/bin/sh\n" + script)
    ptxas.chmod(0o755)
    program = folder / "linear.mlir"
    program.write_text(MODULE)
    command = [BIN / "awq-compile", program, "--target=nvvm", "-o", folder / "kernels", "--progress=none"]
    environment = {**os.environ, "CUDA_HOME": str(folder), **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)


def test_refused_kernels(tmp_path: Path) -> None:
    done = compile_kernels(tmp_path, "echo 'fatal: unknown chip' >&2\nexit 255\n")
    assert done.returncode == 5, done.stderr
    assert "error[AWQ1532]" in done.stderr and "fatal: unknown chip" in done.stderr
    assert not (tmp_path / "kernels").exists()


def test_no_temporary_file(tmp_path: Path) -> None:
    done = compile_kernels(tmp_path, "exit 0\n", TMPDIR=str(tmp_path / "absent"))
    assert done.returncode == 5, done.stderr
    assert "error[AWQ1533]" in done.stderr and "TMPDIR" in done.stderr
    assert not (tmp_path / "kernels").exists()
