"""The benchmark for a GPU, on the simulator: its launches and its packing of weights fit the kernels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import gpu  # noqa: E402
import gpu_driver  # noqa: E402
import gpu_linear  # noqa: E402


@pytest.mark.parametrize(("chip", "mode", "group"), [("sm_90a", "subnormal", 128), ("sm_80", "planes", 64)])
def test_launches_are_right_on_the_simulator(monkeypatch: pytest.MonkeyPatch, chip: str, mode: str, group: int) -> None:
    monkeypatch.setattr(gpu, "TINY_TOKENS", (2, 20, 70))
    rows = gpu.simulate([chip], mode, group)
    assert [row["m"] for row in rows] == [2, 20, 70]
    assert len({row["kernel"] for row in rows}) >= 2
    assert all(0 < row["error"] < 1e-6 for row in rows)


def test_a_wrong_result_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "TINY_TOKENS", (1,))
    records = gpu_linear.Weights.records

    def disturbed(self: gpu_linear.Weights) -> gpu_linear.Array:
        found = records(self)
        found[0] ^= 0xFF
        return found

    monkeypatch.setattr(gpu_linear.Weights, "records", disturbed)
    with pytest.raises(SystemExit, match="is wrong for 320 x 256"):
        gpu.simulate(["sm_80"], "subnormal", 128)


def test_the_baseline_is_right_on_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "TINY_TOKENS", (70,))
    for row in gpu.simulate(["sm_80", "sm_90a"], "dequantize", 64):
        assert row["kernel"].startswith("awq_f16_m")
        assert 0 < row["error"] < 1e-6


def test_kernels_are_those_of_the_manifest() -> None:
    launches = [{"max_tokens": 8, "kernel": "few"}, {"max_tokens": None, "kernel": "many"}]
    manifest = {
        "kernels": [{"name": "many"}, {"name": "few"}],
        "launches": [{"rows": 1, "channels": 2, "launches": []}, {"rows": 3, "channels": 4, "launches": launches}],
    }
    assert [gpu_linear.choose(manifest, 3, 4, m)["name"] for m in (1, 8, 9, 64)] == ["few", "few", "many", "many"]


@pytest.mark.parametrize(("slots", "token_blocks"), [(132, 1), (132, 24), (132, 100), (216, 47), (2, 5)])
def test_a_grid_leaves_few_blocks_idle(slots: int, token_blocks: int) -> None:
    steps = 4096
    x = gpu_linear.blocks_in_x(slots, token_blocks, steps)
    waves = -(-x * token_blocks // slots)
    assert x * token_blocks / (waves * slots) > 0.9


def test_weights_are_what_records_say() -> None:
    rng = np.random.default_rng(0)
    weights = gpu_linear.Weights.random(64, 256, 128, rng)
    assert weights.records().nbytes == 2 * 2 * 2128
    with pytest.raises(ValueError, match="N a multiple of 32"):
        gpu_linear.Weights.random(40, 256, 128, rng).records()


def test_without_a_driver_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(gpu_driver.ctypes, "CDLL", absent)
    with pytest.raises(gpu_driver.DriverError, match="no NVIDIA driver"):
        gpu_driver.CudaDevice()
