#!/usr/bin/env python3
"""The GPU kernels against cuBLAS and against reading their weights, on a GPU; or the same launches on the simulator.

On a GPU, for each shape and number of tokens: at least four copies of the weights, together more than twice the L2
cache, take turns in a CUDA graph of 20 launches or more; the arms (ours with packing, ours alone, cuBLAS, reading)
alternate, and each result is compared with float64 on the host first. `--device sim` computes tiny shapes on the
simulator and measures nothing: it shows that all of this still fits the kernels.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import numpy as np  # noqa: E402

from gpu_chips import SHAPES  # noqa: E402
from gpu_driver import Cublas, CudaDevice, DriverError  # noqa: E402
from gpu_linear import Array, Device, Linear, Weights, choose, error  # noqa: E402
from gpu_simulator import SimulatedDevice, kernel_bitcode  # noqa: E402
from gpu_static import compile_kernels, compiler  # noqa: E402

TOKENS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
LAUNCHES, COPIES, ROUNDS = 20, 4, 3
LARGEST_ERROR = 1e-6
# N, K and tokens of the simulator: two tiles and a little, and each bucket of tokens.
TINY_SHAPE, TINY_TOKENS = (320, 256), (1, 9, 17, 33, 65)


def tokens_by(rng: np.random.Generator, m: int, k: int) -> Array:
    return rng.standard_normal((m, k)).astype(np.float16)


def checked(
    device: Device, kernel: dict[str, Any], weights: Weights, dequantized: Array, x: Array
) -> tuple[Linear, Any, float]:
    """A linear whose first result is right, its activations on the device, and the error of that result."""
    linear = Linear(device, kernel, weights, len(x))
    on_device = device.upload(x)
    linear.pack(on_device)
    linear.multiply()
    if not (found := error(linear.result(), x, dequantized)) <= LARGEST_ERROR:
        sys.exit(f"gpu: {kernel['name']} is wrong for {linear.n} x {linear.k}, {len(x)} tokens: error {found:.2e}")
    return linear, on_device, found


def simulate(chips: list[str], mode: str, group: int) -> list[dict[str, Any]]:
    rows = []
    rng = np.random.default_rng(1)
    n, k = TINY_SHAPE
    weights = Weights.random(n, k, group, rng)
    dequantized = weights.dequantized()
    binaries = compiler().parent
    for chip in chips:
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            manifest, _ = compile_kernels(chip, group, False, mode, scratch, [TINY_SHAPE])
            bitcode = scratch / "kernels.bc"
            bitcode.write_bytes(kernel_bitcode(binaries / "awq-opt", scratch / "linear.mlir", chip, mode))
            device = SimulatedDevice(binaries / "awq-sim", bitcode, scratch)
            for m in TINY_TOKENS:
                x = tokens_by(rng, m, k)
                kernel = choose(manifest, n, k, m)
                linear, _, found = checked(device, kernel, weights, dequantized, x)
                rows.append({"chip": chip, "kernel": kernel["name"], "m": m, "blocks": linear.blocks, "error": found})
                print(f"{chip:7} {kernel['name']:28} M {m:3}  error {found:.2e}", flush=True)
    return rows


def measure_shape(
    device: CudaDevice,
    cublas: Cublas | None,
    manifest: dict[str, Any],
    baseline: dict[str, Any],
    shape: tuple[str, int, int],
    group: int,
) -> list[dict[str, Any]]:
    """All numbers of tokens for one shape."""
    name, k, n = shape
    rng = np.random.default_rng(1)
    weights = Weights.random(n, k, group, rng)
    records = weights.records()
    copies = max(COPIES, 2 * device.l2_bytes // records.nbytes + 1)
    held = [device.upload(records) for _ in range(copies)]
    dequantized = weights.dequantized()
    plain = dequantized.astype(np.float16)
    plain_copies = max(COPIES, 2 * device.l2_bytes // plain.nbytes + 1) if cublas else 0
    floats = [device.upload(plain) for _ in range(plain_copies)]
    sink = device.upload(np.zeros(4, np.uint32))
    rows = []
    for m in TOKENS:
        x = tokens_by(rng, m, k)
        linear, on_device, _ = checked(device, choose(manifest, n, k, m), weights, dequantized, x)
        floats_first, _, _ = checked(device, choose(baseline, n, k, m), weights, dequantized, x)
        count = max(LAUNCHES, copies)

        def both(copy: Any, linear: Linear = linear, on_device: Any = on_device) -> None:
            linear.pack(on_device)
            linear.multiply(copy)

        arms: dict[str, list[Any]] = {
            "ours_with_packing": [lambda c=held[i % copies], f=both: f(c) for i in range(count)],
            "ours": [lambda c=held[i % copies], f=linear.multiply: f(c) for i in range(count)],
            "dequantize": [lambda c=held[i % copies], f=floats_first.multiply: f(c) for i in range(count)],
            "read": [lambda c=held[i % copies]: device.read(c, sink, records.nbytes) for i in range(count)],
        }
        if cublas:
            arms["cublas"] = [
                lambda w=floats[i % plain_copies], x=on_device, y=linear.output, m=m: cublas.multiply(x, w, y, m, n, k)
                for i in range(max(LAUNCHES, plain_copies))
            ]
        times: dict[str, list[float]] = {arm: [] for arm in arms}
        for _ in range(ROUNDS):
            for arm, launches in arms.items():
                times[arm] += device.timed(launches)
        row = {"shape": name, "n": n, "k": k, "m": m, "kernel": linear.kernel["name"]}
        row |= {
            arm: {"median_us": statistics.median(each), "least_us": min(each), "most_us": max(each)}
            for arm, each in times.items()
        }
        rows.append(row)
        print(f"{name:12} M {m:5} " + "  ".join(f"{a} {statistics.median(t):8.1f} us" for a, t in times.items()))
    return rows


def measure(mode: str, group: int) -> dict[str, Any]:
    device = CudaDevice()
    try:
        cublas: Cublas | None = Cublas(device)
    except DriverError as reason:
        print(f"gpu: {reason}; going on without it", file=sys.stderr)
        cublas = None
    shapes = [(n, k) for _, k, n in SHAPES]

    def load(each: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            manifest, out = compile_kernels(device.chip, group, False, each, Path(folder), shapes)
            device.load((out / "kernels.cubin").read_bytes())
            return manifest

    manifest, baseline = load(mode), load("dequantize")
    rows = [row for shape in SHAPES for row in measure_shape(device, cublas, manifest, baseline, shape, group)]
    return {"gpu": device.name, "mode": mode, "group": group, "measured": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "sim"), default="cuda")
    parser.add_argument("--chips", nargs="+", default=["sm_80", "sm_90a"], help="with --device sim")
    parser.add_argument("--mode", default="subnormal")
    parser.add_argument("--group", type=int, default=128, choices=(32, 64, 128))
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "benchmarks" / "results" / "gpu.json")
    options = parser.parse_args()
    if options.device == "sim":
        simulate(options.chips, options.mode, options.group)
        return
    try:
        result = measure(options.mode, options.group)
    except DriverError as reason:
        sys.exit(f"gpu: {reason}")
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
