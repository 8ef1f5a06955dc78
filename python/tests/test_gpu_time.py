"""The model of time, against arithmetic by hand and against published times."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import gpu_chips  # noqa: E402
import gpu_time  # noqa: E402

STATIC = json.loads((ROOT / "benchmarks" / "results" / "gpu_static.json").read_text(encoding="utf8"))
H200 = next(gpu for gpu in gpu_chips.GPUS if gpu.name == "H200")
IDEAL = gpu_time.Rates(start=0, reach=1, mma_share=1, wgmma_share=1, power=8)


def kernel(name: str, chip: str = "sm_90a") -> gpu_time.Step:
    return gpu_time.our_step(next(row for row in STATIC["kernels"] if (row["chip"], row["kernel"]) == (chip, name)))


def test_clocks_of_a_step_by_hand() -> None:
    step = gpu_time.Step(256, 128, 128, 16.0, 12800, 17024, 32768, 1, True)
    clocks = step.clocks(H200, 1.0)
    # 128 times 256 weights, 16 instructions each, by 4 schedulers; 4 Mi multiply-adds by 2048.
    assert clocks == {"issue": 512, "tensor": 2048, "shared": 100, "l2": (17024 + 32768) / 32}


def test_prefill_on_sm_90a_keeps_the_tensor_cores_busy() -> None:
    clocks = kernel("awq_w4_g128_scaled_m128").clocks(H200, 1.0)
    assert clocks["tensor"] / max(clocks.values()) >= 0.9


def test_few_tokens_are_bound_by_the_memory() -> None:
    step = kernel("awq_w4_g128_m8")
    found = gpu_time.predict(H200, IDEAL, step, 2, 28672, 8192, 1)
    bytes_ = 28672 * 8192 / 4096 * step.weight_bytes / 4
    assert found["bound"] == "memory"
    assert found["floor_us"] == pytest.approx(bytes_ / H200.bandwidth, rel=0.01)
    slower = gpu_time.predict(replace(H200, bandwidth=H200.bandwidth / 2), IDEAL, step, 2, 28672, 8192, 1)
    assert slower["floor_us"] == pytest.approx(2 * found["floor_us"], rel=0.01)


@pytest.mark.parametrize("gpu", gpu_chips.GPUS, ids=lambda gpu: gpu.name)
def test_the_model_is_near_published_times(gpu: gpu_chips.Gpu) -> None:
    counts = STATIC["marlin_per_256_weights"]
    found = gpu_time.errors(gpu, gpu_time.fit(gpu, counts), counts)
    sizes = sorted(abs(error) for each in found.values() for error in each.values())
    assert sizes[len(sizes) // 2] < 0.08
    assert sizes[-1] < 0.35


def test_committed_predictions_follow_from_the_committed_counts() -> None:
    committed = json.loads((ROOT / "benchmarks" / "results" / "gpu_predicted.json").read_text(encoding="utf8"))
    assert json.loads(json.dumps(gpu_time.report(STATIC, "g128"))) == committed
