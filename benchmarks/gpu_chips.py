"""What GPUs are capable of, and published times to check a model of time against.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """The vendor's figures, but for the bytes that an SM takes from L2 in a clock, which are estimates."""

    name: str
    chip: str
    sms: int
    clock: float  # GHz, the boost clock
    bandwidth: float  # bytes per microsecond of the memory
    macs: int  # multiply-adds of f16 with f32 sums, per clock and SM
    l2_bytes: int  # per clock and SM


GPUS = (
    Gpu("A100", "sm_80", 108, 1.410, 2.039e6, 1024, 40),
    Gpu("4090", "sm_89", 128, 2.520, 1.008e6, 256, 16),
    Gpu("H100", "sm_90a", 132, 1.755, 3.35e6, 2048, 32),
    Gpu("H200", "sm_90a", 132, 1.755, 4.80e6, 2048, 32),
)

# Microseconds for N = K = 8192, f16: torch's cuBLAS and vLLM's Marlin 0.18 with one scale a row, caches flushed before
# each call; from the benchmarks of github.com/mgoin/humming (an A800 for the A100). The columns of cuBLAS but that of
# the H200 follow from the published ratios.
PUBLISHED_N = PUBLISHED_K = 8192
MARLIN: dict[str, dict[int, float]] = {
    "A100": {1: 42.9, 4: 43.5, 8: 43.1, 16: 44.7, 32: 49.9, 64: 60.9, 128: 93.7, 256: 169, 1024: 607, 4096: 2466},
    "4090": {1: 55.0, 4: 55.6, 8: 55.3, 16: 56.4, 32: 57.2, 64: 66.5, 128: 112.8, 256: 206, 1024: 804, 4096: 3207},
    "H100": {1: 27.0, 4: 27.0, 8: 27.1, 16: 27.4, 32: 35.2, 64: 43.1, 128: 56.5, 256: 98.1, 1024: 333, 4096: 1345},
    "H200": {1: 23.1, 4: 23.2, 8: 23.2, 16: 23.7, 32: 33.5, 64: 43.3, 128: 55.8, 256: 94.7, 1024: 332, 4096: 1347},
}
CUBLAS_OVER_MARLIN: dict[str, dict[int, float]] = {
    "A100": {1: 2.54, 4: 2.46, 8: 2.49, 16: 2.40, 32: 2.08, 64: 1.72, 128: 1.27, 256: 0.98, 1024: 0.94, 4096: 0.88},
    "4090": {1: 3.60, 4: 3.58, 8: 3.58, 16: 3.68, 32: 3.52, 64: 3.00, 128: 1.81, 256: 1.23, 1024: 1.06, 4096: 1.04},
    "H100": {1: 2.16, 4: 2.14, 8: 2.15, 16: 2.13, 32: 1.67, 64: 1.36, 128: 1.05, 256: 0.65, 1024: 0.60, 4096: 0.61},
    "H200": {1: 2.17, 4: 2.18, 8: 2.18, 16: 2.15, 32: 1.33, 64: 1.05, 128: 0.82, 256: 0.60, 1024: 0.60, 4096: 0.61},
}


def cublas(gpu: str, tokens: int) -> float:
    return MARLIN[gpu][tokens] * CUBLAS_OVER_MARLIN[gpu][tokens]


# The linears of Llama 3 8B and 70B: name, K, N.
SHAPES = (
    ("8B qkv", 4096, 6144),
    ("8B o", 4096, 4096),
    ("8B gate+up", 4096, 28672),
    ("8B down", 14336, 4096),
    ("8B lm_head", 4096, 128256),
    ("70B qkv", 8192, 10240),
    ("70B o", 8192, 8192),
    ("70B gate+up", 8192, 57344),
    ("70B down", 28672, 8192),
)
