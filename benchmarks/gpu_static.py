#!/usr/bin/env python3
"""What the GPU kernels cost, read from their machine code on a machine without a GPU, as JSON in benchmarks/results.

For each chip and bucket of tokens: warp instructions per 256 weights of the main loop, registers, spills, shared
memory, blocks that fit an SM, and bytes of weights that they keep in flight. Beside them what Marlin needs. These are
counts, not times. Run by `make bench-gpu-static` in build/test-venv, which has ptxas and nvdisasm.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import sass  # noqa: E402
from marlin import count  # noqa: E402
from marlin import source as marlin_source  # noqa: E402

# Shared memory that blocks can have together, in bytes (CUDA Programming Guide, "Technical Specifications per
# Compute Capability"); each block takes 1 KB more. All four chips have 65536 registers.
SHARED_PER_SM = {"sm_80": 164 << 10, "sm_86": 100 << 10, "sm_89": 100 << 10, "sm_90a": 228 << 10}
WARPS_PER_SM = {"sm_80": 64, "sm_86": 48, "sm_89": 48, "sm_90a": 64}
RESERVED_SHARED = 1024
REGISTERS_PER_SM = 65536
REGISTER_UNIT = 256  # registers are given to a warp in such units

# What the kernels are compiled for where their counts do not depend on it.
EXAMPLE_SHAPES = ((64, 512),)

MODES = ("subnormal", "exact", "planes")
# What kernels for many tokens may be in instead.
MANY_TOKENS = "scaled"

# IST-DASLab/marlin at 2f6d7c1, groups of 128, nvcc 13.0: instructions per 256 weights by tokens, counted by marlin.py.
# Its own copies left out, as it is usually counted, and with them, as ours are.
MARLIN: dict[str, dict[int, float]] = {
    "sm_80": {16: 18.1, 32: 20.6, 48: 23.4, 64: 26.0},
    "sm_90a": {16: 18.3, 32: 20.8, 48: 23.6, 64: 26.2},
}
MARLIN_WITH_COPIES: dict[str, dict[int, float]] = {
    "sm_80": {16: 20.0, 32: 22.5, 48: 26.0, 64: 28.9},
    "sm_90a": {16: 20.3, 32: 22.7, 48: 26.1, 64: 28.9},
}


def marlin(chip: str, tokens: int) -> float | None:
    """Marlin's count for so many tokens, with its copies, where there is one."""
    counts = MARLIN_WITH_COPIES.get(chip, {})
    return next((counts[bucket] for bucket in sorted(counts) if bucket >= tokens), None)


def find_tool(name: str) -> str:
    """A program on PATH or in a package beside this Python."""
    if found := shutil.which(name):
        return found
    for folder in (Path(sysconfig.get_path("purelib")) / "nvidia").glob("*/bin"):
        if (folder / name).exists():
            return str(folder / name)
    sys.exit(f"gpu_static: {name} is not here; scripts/install-dependencies.sh test installs it into build/test-venv")


def compiler() -> Path:
    return Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin")) / "awq-compile"


def example(groups: int, symmetric: bool, shapes: Sequence[tuple[int, int]] = EXAMPLE_SHAPES) -> str:
    """A module with a quantized linear of each shape, N and K."""
    text = ""
    for index, (n, k) in enumerate(shapes):
        columns = k // groups if groups else 1
        zeros = "" if symmetric else f", %z: tensor<{n}x{columns}xi8>"
        kind = "symmetric" if symmetric else "asymmetric"
        types = f"tensor<?x{k}xf32>, tensor<{n}x{k}xi8>, tensor<{n}x{columns}xf16>"
        text += f"""
func.func @linear{index}(%x: tensor<?x{k}xf32>, %q: tensor<{n}x{k}xi8>, %s: tensor<{n}x{columns}xf16>{zeros})
    -> tensor<?x{n}xf32> {{
  %y = awq.quantized_linear %x, %q, %s{"" if symmetric else " zeros %z"}
    {{scheme = #awq.scheme<bits = 4, group = {groups}, zero = {kind}, scale = f16>}}
    : ({types}{"" if symmetric else f", tensor<{n}x{columns}xi8>"}) -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}
"""
    return text


def blocks_per_sm(chip: str, registers: int, threads: int, shared: int) -> int:
    """Blocks that fit an SM by registers, shared memory and warps."""
    warps = threads // 32
    per_warp = -(-registers * 32 // REGISTER_UNIT) * REGISTER_UNIT
    by_registers = REGISTERS_PER_SM // per_warp // warps
    by_shared = SHARED_PER_SM[chip] // (shared + RESERVED_SHARED)
    return min(by_registers, by_shared, WARPS_PER_SM[chip] // warps)


def run(*command: str | Path) -> str:
    # awq-compile looks for ptxas on PATH.
    path = os.pathsep.join([str(Path(find_tool("ptxas")).parent), os.environ["PATH"]])
    done = subprocess.run(
        [*map(str, command)], capture_output=True, encoding="utf8", check=False, env={**os.environ, "PATH": path}
    )
    if done.returncode:
        sys.exit(f"gpu_static: {command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def count_marlin(folder: Path) -> dict[str, dict[str, dict[int, float]]]:
    """Both tables of Marlin's counts, from a checkout of its source."""
    bars: dict[str, dict[str, dict[int, float]]] = {
        "marlin_per_256_weights": {},
        "marlin_with_copies_per_256_weights": {},
    }
    with tempfile.TemporaryDirectory() as scratch:
        for chip in MARLIN:
            cubin = Path(scratch) / f"{chip}.cubin"
            options = ["-cubin", f"-arch={chip.removesuffix('a')}", "--expt-relaxed-constexpr", "-O3"]
            run(find_tool("nvcc"), *options, marlin_source(folder), "-o", cubin)
            listing = run(find_tool("nvdisasm"), "-c", cubin)
            for (name, bar), copies in zip(bars.items(), (False, True), strict=True):
                bar[chip] = count(listing, copies)
                if not bar[chip]:
                    sys.exit(f"gpu_static: no kernel of Marlin is in the machine code for {chip} ({name})")
    return bars


def compile_kernels(
    chip: str,
    groups: int,
    symmetric: bool,
    mode: str,
    scratch: Path,
    shapes: Sequence[tuple[int, int]] = EXAMPLE_SHAPES,
) -> tuple[dict[str, Any], Path]:
    """The manifest of the kernels for linears of one scheme, and the folder with their cubin."""
    source, out = scratch / "linear.mlir", scratch / "kernels"
    source.write_text(example(groups, symmetric, shapes), encoding="utf8")
    run(compiler(), source, "-o", out, "--force", "--emit=ptx", f"--chip={chip}", f"--kernel-mode={mode}")
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text(encoding="utf8"))
    return manifest, out


def linear_kernels(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of them that multiply."""
    return [kernel for kernel in manifest["kernels"] if kernel["kind"] == "linear"]


def measure(chip: str, groups: int, symmetric: bool, mode: str) -> list[dict[str, Any]]:
    """The kernels of one scheme on one chip that are of this mode, and with the first mode those for many tokens."""
    with tempfile.TemporaryDirectory() as scratch:
        manifest, out = compile_kernels(chip, groups, symmetric, mode, Path(scratch))
        kernels = linear_kernels(manifest)
        listing = run(find_tool("nvdisasm"), "-c", out / "kernels.cubin")
    functions = {function.name: function for function in sass.functions(listing)}
    return [
        describe(chip, kernel, functions[kernel["name"]])
        for kernel in kernels
        if kernel["mode"] == mode or (mode == MODES[0] and kernel["mode"] == MANY_TOKENS)
    ]


def record_bytes(group: int, symmetric: bool) -> int:
    """Bytes of a record of 32 rows and 128 channels; see docs/GPUKernels.md."""
    groups = 0 if group == 0 else max(1, 128 // group)
    return 2048 + groups * (64 + (0 if symmetric else 16))


def describe(chip: str, kernel: dict[str, Any], function: sass.Function) -> dict[str, Any]:
    planes = kernel["mode"] == "planes"
    tiles = kernel["max_tokens"] // (2 if planes else 8)
    # A warp copies its codes, 128 bytes for 256 weights, and its part of the activations that they meet: a quarter,
    # or an eighth. Those of planes are too few for all lanes.
    loop = sass.main_loop(function, tiles, consumed=128 + (0 if planes else 32 * tiles * 128 // kernel["tile_rows"]))
    if loop is None:
        sys.exit(f"gpu_static: no main loop was found in {function.name} for {chip}")
    blocks = blocks_per_sm(chip, kernel["registers"], kernel["threads"], kernel["shared_bytes"])
    return {
        "chip": chip,
        "kernel": kernel["name"],
        "mode": kernel["mode"],
        "max_tokens": kernel["max_tokens"],
        "per_256_weights": round(loop.per_256_weights, 2),
        "without_copies_per_256_weights": round(loop.without_copies_per_256_weights, 2),
        "loop": loop.instructions,
        "weights": loop.weights,
        "registers": kernel["registers"],
        "spill_bytes": kernel["spill_bytes"],
        "shared_bytes": kernel["shared_bytes"],
        "blocks_per_sm": blocks,
        "tile_rows": kernel["tile_rows"],
        "activation_bytes": kernel["activation_bytes"],
        "record_bytes": record_bytes(kernel["group"], kernel["symmetric"]),
        "weights_in_flight": blocks * kernel["copied_ahead_bytes"],
        "mix": dict(loop.mix.most_common()),
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    print("instructions per 256 weights of the main loop, and what a kernel takes")
    names = f"{'M':>3} {'ours':>6} {'Marlin':>6} {'regs':>5} {'spill':>5} {'KB':>4} {'blocks':>6} in flight"
    print(f"{'chip':7} {'kernel':28} {names}")
    for row in rows:
        # Marlin was counted for groups of 128.
        bar = marlin(row["chip"], row["max_tokens"]) if "_g128" in row["kernel"] else None
        print(
            f"{row['chip']:7} {row['kernel']:28} {row['max_tokens']:3} {row['per_256_weights']:6.2f} "
            f"{bar if bar else '-':>6} {row['registers']:5} {row['spill_bytes']:5} "
            f"{row['shared_bytes'] >> 10:4} {row['blocks_per_sm']:6} {row['weights_in_flight'] / 1024:5.1f} KB"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chips", nargs="*", default=list(SHARED_PER_SM))
    parser.add_argument("--groups", nargs="*", type=int, default=[128, 64, 32, 0], help="0: whole rows")
    parser.add_argument("--marlin", type=Path, help="a checkout of Marlin, to count it anew with nvcc")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "benchmarks" / "results" / "gpu_static.json")
    options = parser.parse_args()
    find_tool("ptxas")
    bars: dict[str, Any] = {
        "marlin_per_256_weights": MARLIN,
        "marlin_with_copies_per_256_weights": MARLIN_WITH_COPIES,
    }
    if options.marlin:
        try:
            bars = count_marlin(options.marlin)
        except FileNotFoundError as error:
            sys.exit(f"gpu_static: {error}")
        print(json.dumps(bars, indent=1))
    rows = [
        row
        for chip in options.chips
        for mode in MODES
        for groups in options.groups
        for row in measure(chip, groups, False, mode)
    ]
    print_table(rows)
    tools = {name: run(find_tool(name), "--version").strip().splitlines()[-1] for name in ("ptxas", "nvdisasm")}
    report = {"tools": tools, **bars, "kernels": rows}
    options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf8")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
