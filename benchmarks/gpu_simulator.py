"""The simulator as a device of the GPU benchmark: the same launches, one after the other, by awq-sim.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from gpu_linear import Array


def kernel_bitcode(awq_opt: Path, source: Path, chip: str, mode: str) -> bytes:
    """LLVM bitcode of the kernels of a module's linears."""
    option = f"--awq-nvvm-pipeline=chip={chip} mode={mode} format=llvm"
    done = subprocess.run([str(awq_opt), str(source), option], capture_output=True, check=True)
    found = re.search(rb'gpu\.binary @\w+.*?offload = "((?:[^"\\]|\\.)*)"', done.stdout, re.DOTALL)
    if not found:
        raise ValueError(f"{awq_opt} made no kernels of {source}")
    plain = {b"\\n": b"\n", b"\\t": b"\t", b'\\"': b'"', b"\\\\": b"\\"}
    return re.sub(
        rb'\\([0-9A-Fa-f]{2}|[nt"\\])',
        lambda part: plain.get(part.group(0)) or bytes([int(part.group(1), 16)]),
        found.group(1),
    )


class SimulatedDevice:
    """Runs kernels of `kernels` (a .bc file), with race detection; `sms` is as small as the problems."""

    def __init__(self, awq_sim: Path, kernels: Path, scratch: Path, sms: int = 2) -> None:
        self.awq_sim, self.kernels, self.scratch, self.sms = awq_sim, kernels, scratch, sms

    def upload(self, array: Array) -> list[Array]:
        return [np.ascontiguousarray(array)]

    def download(self, buffer: list[Array], like: Array) -> Array:
        return buffer[0].reshape(like.shape)

    def launch(self, kernel: str, grid: tuple[int, int], threads: int, shared: int, arguments: list[Any]) -> None:
        buffers = {f"a{i}": each for i, each in enumerate(arguments) if isinstance(each, list)}
        texts = [f"i32:{each}" if isinstance(each, int) else f"a{i}" for i, each in enumerate(arguments)]
        before, after = self.scratch / "before.safetensors", self.scratch / "after.safetensors"
        save_file({name: each[0] for name, each in buffers.items()}, before)
        options = [f"--kernel={kernel}", f"--grid={grid[0]},{grid[1]}", f"--block={threads}", "--races"]
        options += [f"--dynamic-shared={shared}"] if shared else []
        files = [f"--input={before}", f"--output={after}"]
        done = subprocess.run(
            [str(self.awq_sim), str(self.kernels), *options, *files, *texts],
            capture_output=True,
            encoding="utf8",
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{kernel} on the simulator: {(done.stdout + done.stderr).strip()[:2000]}")
        found = load_file(after)
        for name, each in buffers.items():
            each[0] = found[name]
