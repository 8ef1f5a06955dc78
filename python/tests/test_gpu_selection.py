# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table that says which kernel is launched for how many tokens, against the model of time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import gpu_linear  # noqa: E402
import gpu_static  # noqa: E402
import gpu_time  # noqa: E402

# The linears of SmolLM2-135M, of Llama 3 8B and one of 70B, N and K.
SHAPES = [(576, 576), (1536, 576), (576, 1536), (6144, 4096), (4096, 4096), (28672, 4096), (4096, 14336), (8192, 8192)]
TOKENS = [*range(1, 129), *range(132, 513, 4), 1024, 4096]


@pytest.mark.parametrize("gpu", gpu_time.GPUS, ids=lambda gpu: gpu.name)
def test_no_other_kernel_is_much_faster(tmp_path: Path, gpu: Any) -> None:
    static = json.loads((ROOT / "benchmarks" / "results" / "gpu_static.json").read_text(encoding="utf8"))
    counts = static["marlin_per_256_weights"]
    rates = gpu_time.fit(gpu, counts)
    rows = {
        row["max_tokens"]: row
        for row in static["kernels"]
        if row["chip"] == gpu.chip and row["kernel"].startswith("awq_w4_g64") and row["mode"] in ("subnormal", "scaled")
    }
    manifest, _ = gpu_static.compile_kernels(gpu.chip, 64, False, "subnormal", tmp_path, SHAPES)

    def time(tokens: int, n: int, k: int, m: int) -> float:
        row = rows[tokens]
        step = gpu_time.our_step(row)
        return float(gpu_time.predict(gpu, rates, step, row["blocks_per_sm"], n, k, m)["predicted_us"])

    ratios, before = [], []
    for n, k in SHAPES:
        for m in TOKENS:
            chosen = time(gpu_linear.choose(manifest, n, k, m)["max_tokens"], n, k, m)
            natural = time(min((tokens for tokens in rows if tokens >= m), default=max(rows)), n, k, m)
            ratios.append(chosen / min(time(tokens, n, k, m) for tokens in rows))
            before.append(natural / chosen)
    # Better than the smallest kernel with room for all tokens, and close to the best: the model sees blocks of 16
    # tokens ahead by some percent where the table keeps wide ones (docs/Rationale.md).
    assert sum(before) / len(before) > 1.02
    assert min(before) > 0.95
    assert sum(ratios) / len(ratios) < 1.08
    assert max(ratios) < 1.3
