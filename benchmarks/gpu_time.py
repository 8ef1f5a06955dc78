#!/usr/bin/env python3
"""Predicted times of the GPU kernels: a model of time fed with counts from machine code. No GPU ran anything.

The model, for one kernel on one GPU:

  time = start + (memory^p + compute^p)^(1/p) + meet
  memory  = max(bytes / (bandwidth * reach), bytes * latency / (SMs * bytes in flight))
  compute = turns * max(issue, tensor, shared, l2), in clocks of an SM:
    issue  = instructions per 256 weights * (weights of a step / 256) / 4 schedulers
    tensor = multiply-adds of a step / (multiply-adds per clock * share)
    shared = bytes of a step that pass through shared memory / 128
    l2     = bytes of a step that come from L2 / bytes per clock
  meet    = partial sums of tiles that several blocks share, through L2, there and back

`turns` are the steps of the busiest SM. start, reach, the shares and p are not known from counts: `fit` takes those
that make the same model, with Marlin's counts and with those of a plain f16 product, nearest to published times of
Marlin and cuBLAS, and the report states what error is left. docs/GPUKernels.md explains it.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gpu_chips import CUBLAS_OVER_MARLIN, GPUS, MARLIN, PUBLISHED_K, PUBLISHED_N, SHAPES, Gpu, cublas
from gpu_linear import CHANNELS, RECORD_ROWS, blocks_in_x

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SCHEDULERS = 4
SHARED_BYTES = 128  # a clock
LATENCY = 1.0  # microseconds from asking for bytes of a busy memory until they are there
TOKENS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


@dataclass(frozen=True)
class Step:
    """What an SM does at a time: `rows` of W by `channels` by `tokens`."""

    rows: int
    channels: int
    tokens: int
    instructions: float  # per 256 weights
    shared: float  # bytes read from and written to shared memory
    weight_bytes: float
    activation_bytes: float
    in_flight: float  # bytes of weights on their way to an SM
    wgmma: bool

    def clocks(self, gpu: Gpu, share: float) -> dict[str, float]:
        weights = self.rows * self.channels
        return {
            "issue": self.instructions * weights / 256 / SCHEDULERS,
            "tensor": weights * self.tokens / (gpu.macs * share),
            "shared": self.shared / SHARED_BYTES,
            "l2": (self.weight_bytes + self.activation_bytes) / gpu.l2_bytes,
        }


@dataclass(frozen=True)
class Rates:
    """What counts do not say."""

    start: float  # microseconds before the first and after the last byte
    reach: float  # of the memory's bandwidth
    mma_share: float  # of the tensor cores' rate by mma.sync
    wgmma_share: float
    power: float


def predict(gpu: Gpu, rates: Rates, step: Step, blocks: int, n: int, k: int, m: int) -> dict[str, Any]:
    """Microseconds for Y [m, n], and what bounds them."""
    token_blocks = math.ceil(m / step.tokens)
    steps = math.ceil(n / step.rows) * math.ceil(k / step.channels)
    x = blocks_in_x(gpu.sms * blocks, token_blocks, steps)
    waves = math.ceil(x * token_blocks / (gpu.sms * blocks))
    # Blocks on one SM share its clocks.
    turns = waves * min(blocks, math.ceil(x * token_blocks / gpu.sms)) * math.ceil(steps / x)
    share = rates.wgmma_share if step.wgmma else rates.mma_share
    clocks = step.clocks(gpu, share)
    bound = max(clocks, key=lambda name: clocks[name])
    compute = turns * clocks[bound] / (gpu.clock * 1e3)
    bytes_ = steps * step.weight_bytes + 2 * m * (n + k)
    memory = max(bytes_ / (gpu.bandwidth * rates.reach), bytes_ * LATENCY / (gpu.sms * step.in_flight))
    shared_tiles = 0 if steps % x == 0 and (steps // x) % math.ceil(k / step.channels) == 0 else x * token_blocks
    meet = 2 * 4 * shared_tiles * step.rows * step.tokens / (gpu.l2_bytes * gpu.sms * gpu.clock * 1e3)
    p = rates.power
    time = rates.start + (memory**p + compute**p) ** (1 / p) + meet
    # Without what was fitted: all overlaps, nothing starts, all reach their peaks.
    peak = step.clocks(gpu, 1.0)
    floor = max(turns * max(peak.values()) / (gpu.clock * 1e3), bytes_ / gpu.bandwidth)
    return {
        "predicted_us": round(time, 2),
        "floor_us": round(floor, 2),
        "bound": "memory" if memory > compute else bound,
        "tensor_share_of_clocks": round(peak["tensor"] / max(peak.values()), 3),
        "blocks": x,
    }


def marlin_step(chip: str, m: int, counts: dict[str, dict[str, float]]) -> Step:
    """Marlin: 64 tokens at most, 128 rows by 128 channels, 24 KB of weights in flight."""
    tokens = next((t for t in (16, 32, 48, 64) if m <= t), 64)
    table = counts.get(chip) or counts["sm_80"]
    weight = 128 * CHANNELS / 2
    tile = tokens * CHANNELS * 2
    # Its warps read all activations for each 16 rows of a tile of n64.
    return Step(128, CHANNELS, tokens, table[str(tokens)], 2 * weight + 3 * tile, weight, tile, 24 << 10, False)


def plain_step(gpu: Gpu, m: int) -> Step:
    """A plain f16 product: tiles of 128 by up to 256."""
    tokens = next((t for t in (16, 32, 64, 128, 256) if m <= t), 256)
    weight = 128 * CHANNELS * 2
    tile = tokens * CHANNELS * 2
    wgmma = gpu.chip == "sm_90a"
    return Step(128, CHANNELS, tokens, 0.5 if wgmma else 4.0, 2 * (weight + tile), weight, tile, 96 << 10, wgmma)


def our_step(row: dict[str, Any]) -> Step:
    """A kernel of gpu_static.json."""
    columns = row["tile_rows"] // RECORD_ROWS
    weight = columns * row["record_bytes"]
    tokens = row["max_tokens"]
    wgmma = row["chip"] == "sm_90a" and row["tile_rows"] > 128
    # By mma.sync each warp reads all activations; by wgmma each warpgroup does for either half of its rows.
    readers = row["tile_rows"] // 64 if wgmma else columns
    shared = 2 * weight + (1 + readers) * row["activation_bytes"]
    return Step(
        row["tile_rows"],
        CHANNELS,
        tokens,
        row["per_256_weights"],
        shared,
        weight,
        row["activation_bytes"],
        row["weights_in_flight"],
        wgmma,
    )


def errors(gpu: Gpu, rates: Rates, counts: dict[str, dict[str, float]]) -> dict[str, dict[int, float]]:
    """Predicted over published, minus 1."""
    shape = (PUBLISHED_N, PUBLISHED_K)
    result: dict[str, dict[int, float]] = {"Marlin": {}, "cuBLAS": {}}
    for m in MARLIN[gpu.name]:
        ours = predict(gpu, rates, marlin_step(gpu.chip, m, counts), 1, *shape, m)["predicted_us"]
        result["Marlin"][m] = round(ours / MARLIN[gpu.name][m] - 1, 3)
        if m in CUBLAS_OVER_MARLIN[gpu.name]:
            theirs = predict(gpu, rates, plain_step(gpu, m), 1, *shape, m)["predicted_us"]
            result["cuBLAS"][m] = round(theirs / cublas(gpu.name, m) - 1, 3)
    return result


def descend(start: Rates, loss: Callable[[Rates], float]) -> Rates:
    """The nearest minimum, one coefficient at a time, in ever smaller steps; the same each time."""
    best, least = start, loss(start)
    bounds = {"start": (0, 30), "reach": (0.3, 1), "mma_share": (0.2, 1), "wgmma_share": (0.2, 1), "power": (1, 8)}
    factor = 1.3
    while factor > 1.002:
        improved = False
        for name, (low, high) in bounds.items():
            for scale in (factor, 1 / factor):
                value = min(high, max(low, getattr(best, name) * scale))
                trial = replace(best, **{name: value})
                if (now := loss(trial)) < least:
                    best, least, improved = trial, now, True
        if not improved:
            factor = math.sqrt(factor)
    return best


def fit(gpu: Gpu, counts: dict[str, dict[str, float]]) -> Rates:
    def loss(rates: Rates) -> float:
        found = errors(gpu, rates, counts)
        return sum(math.log1p(error) ** 2 for each in found.values() for error in each.values())

    return descend(Rates(10, 0.8, 0.6, 0.7, 2), loss)


def smallest_with_room(rows: list[dict[str, Any]], m: int) -> dict[str, Any]:
    """The row of the kernel for fewest tokens that takes m at once, or of the one for most."""
    ordered = sorted(rows, key=lambda row: int(row["max_tokens"]))
    return next((row for row in ordered if m <= row["max_tokens"]), ordered[-1])


def report(static: dict[str, Any], group: str) -> dict[str, Any]:
    counts = static["marlin_per_256_weights"]
    result: dict[str, Any] = {"label": "predicted by a model, not measured; no GPU was used", "gpus": {}}
    for gpu in GPUS:
        rows = [
            row
            for row in static["kernels"]
            if row["chip"] == gpu.chip
            and f"_{group}_" in row["kernel"] + "_"
            and row["mode"] in ("subnormal", "scaled")
        ]
        rates = fit(gpu, counts)
        found = errors(gpu, rates, counts)
        sizes = [abs(error) for each in found.values() for error in each.values()]
        times = {
            name: {
                m: predict(gpu, rates, our_step(row := smallest_with_room(rows, m)), row["blocks_per_sm"], n, k, m)
                for m in TOKENS
            }
            for name, k, n in SHAPES
        }
        compared = {
            m: {
                "predicted_us": ours["predicted_us"],
                "published_marlin_us": MARLIN[gpu.name][m],
                "published_cublas_us": round(cublas(gpu.name, m), 1),
            }
            for m in MARLIN[gpu.name]
            for row in [smallest_with_room(rows, m)]
            for ours in [predict(gpu, rates, our_step(row), row["blocks_per_sm"], PUBLISHED_N, PUBLISHED_K, m)]
        }
        result["gpus"][gpu.name] = {
            "rates": {name: round(value, 3) for name, value in vars(rates).items()},
            "error_of_the_model": {
                "median": round(statistics.median(sizes), 3),
                "largest": round(max(sizes), 3),
                "by_tokens": found,
            },
            "published_shape_8192x8192": compared,
            "predicted": times,
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--static", type=Path, default=RESULTS / "gpu_static.json", help="counts by gpu_static.py")
    parser.add_argument("--group", default="g128")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "gpu_predicted.json")
    options = parser.parse_args()
    result = report(json.loads(options.static.read_text(encoding="utf8")), options.group)
    for name, gpu in result["gpus"].items():
        error = gpu["error_of_the_model"]
        print(
            f"{name}: the model's error, median {error['median']:.0%}, largest {error['largest']:.0%}; {gpu['rates']}"
        )
        print(f"  {'M':>5} {'predicted':>10} {'Marlin':>8} {'cuBLAS':>8}   N = K = 8192, microseconds")
        for m, row in gpu["published_shape_8192x8192"].items():
            marlin, plain = row["published_marlin_us"], row["published_cublas_us"]
            print(f"  {m:5} {row['predicted_us']:10.1f} {marlin:8.1f} {plain:8.1f}")
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
