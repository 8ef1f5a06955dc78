# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Errors that passes meet keep their code, exit status and place: damaged files 3, a full disk 5."""

from __future__ import annotations

import resource
import signal
import subprocess
from pathlib import Path

import pytest
from import_toys import BIN, SIZES, TOYS, import_model, quantize_folder
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.tools

GROUP = 16
LIMIT = 64 * 1024  # bytes that a file may have; the packed weights are larger


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A 4-bit toy, imported; packing reads its weights again."""
    folder = tmp_path / "toy"
    next(toy for toy in TOYS if toy.name == "llama").make(folder)
    quantize_folder(folder, GROUP)
    module = tmp_path / "toy.mlir"
    module.write_text(import_model(folder))
    return module


def small_files() -> None:
    """A limit on the size of files stands for a full disk: both fail in write()."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


def pack(program: Path, full: bool = False) -> subprocess.CompletedProcess[str]:
    command = [BIN / "awq-compile", program, "--compile-to=pack", "-o", "-", "--progress=none"]
    limit = small_files if full else None
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, preexec_fn=limit)


def test_packing_works(program: Path) -> None:
    done = pack(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("#awq.layout<cpu_n16>") >= 7 * SIZES["num_hidden_layers"]


def test_full_disk(program: Path) -> None:
    done = pack(program, full=True)
    assert done.returncode == 5, done.stderr
    assert "error[AWQ1041]" in done.stderr and "File too large" in done.stderr
    assert "where: " in done.stderr and ".safetensors" in done.stderr


def test_damaged_file(program: Path) -> None:
    weights = program.parent / "toy" / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-100])
    done = pack(program)
    assert done.returncode == 3, done.stderr
    assert "error[AWQ1022]" in done.stderr and str(weights) in done.stderr


def test_file_of_another_model(program: Path) -> None:
    weights = program.parent / "toy" / "model.safetensors"
    tensors = load_file(weights)
    del tensors["model.layers.1.mlp.up_proj.qzeros"]
    save_file(tensors, weights)
    done = pack(program)
    assert done.returncode == 3, done.stderr
    assert "error[AWQ1522]" in done.stderr and "model.layers.1.mlp.up_proj.qzeros" in done.stderr


def test_codes_that_do_not_fit_the_scheme(tmp_path: Path) -> None:
    """What a pass finds in the IR itself stays AWQ1510, with exit status 4 and the place in the module."""
    program = tmp_path / "wide.mlir"
    program.write_text("""
#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>
func.func @wide(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  %q = arith.constant dense<16> : tensor<1x16xi8>
  %s = arith.constant dense<1.0> : tensor<1x1xf16>
  %y = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<?x16xf32>, tensor<1x16xi8>, tensor<1x1xf16>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
""")
    done = pack(program)
    assert done.returncode == 4, done.stderr
    assert "error[AWQ1510]" in done.stderr and "has the code 16" in done.stderr
    assert f"{program}" in done.stderr
