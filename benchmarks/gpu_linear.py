"""One quantized linear for a GPU: its weights as records, and the launches of its kernels on any device.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Buffer = Any
RECORD_ROWS, CHANNELS, RECORDS_PER_TILE = 32, 128, 4
PACK_THREADS, TICKET_ROWS, TICKET_BYTES = 256, 256, 32
DEQUANTIZE_BLOCKS = 8  # for each SM
TOKENS_CHECKED = 32


class Device(Protocol):
    """What runs kernels: a GPU, or the simulator."""

    sms: int

    def upload(self, array: Array) -> Buffer: ...
    def download(self, buffer: Buffer, like: Array) -> Array: ...
    def launch(
        self, kernel: str, grid: tuple[int, int], threads: int, shared: int, arguments: list[Buffer | int]
    ) -> None: ...


@dataclass(frozen=True)
class Weights:
    """Codes [n, k], scales and zeros [n, k / group], all that a linear needs."""

    codes: Array
    scales: Array
    zeros: Array
    group: int

    @staticmethod
    def random(n: int, k: int, group: int, rng: np.random.Generator) -> Weights:
        columns = k // group
        return Weights(
            rng.integers(0, 16, (n, k), dtype=np.uint8),
            rng.uniform(0.002, 0.02, (n, columns)).astype(np.float16),
            rng.integers(4, 12, (n, columns), dtype=np.uint8),
            group,
        )

    def dequantized(self) -> Array:
        """[n, k] as f64."""
        wide = np.repeat(self.zeros.astype(np.float64), self.group, axis=1)
        return (self.codes - wide) * np.repeat(self.scales.astype(np.float64), self.group, axis=1)

    def records(self) -> Array:
        """The bytes of layout mma_n32k128; docs/GPUKernels.md has a picture of it."""
        n, k = self.codes.shape
        rows, columns = n // RECORD_ROWS, k // CHANNELS
        if n % RECORD_ROWS or k % CHANNELS or self.group not in (32, 64, 128):
            raise ValueError(
                f"records here are for N a multiple of 32, K of 128 and groups of 32, 64 or 128, not {n} x {k}"
            )
        # Rows are atom, half, g; channels are quad, step, further, t, h.
        shape = (rows, 2, 2, 8, columns, 4, 2, 2, 4, 2)
        nibbles = self.codes.astype(np.uint32).reshape(shape)
        half = np.arange(2).reshape(1, 1, 2, 1, 1, 1, 1, 1, 1, 1)
        further = np.arange(2).reshape(1, 1, 1, 1, 1, 1, 1, 2, 1, 1)
        h = np.arange(2).reshape(1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
        words = (nibbles << (4 * (half + 2 * further + 4 * h)).astype(np.uint32)).sum(axis=(2, 7, 9), dtype=np.uint32)
        # Left: row, atom, g, column, quad, step, t.
        codes = words.transpose(0, 3, 4, 2, 6, 5, 1).reshape(rows, columns, -1).astype("<u4").view(np.uint8)
        groups = CHANNELS // self.group

        def by_lane(values: Array) -> Array:
            """[row, column, group, g, atom, half]"""
            return values.reshape(rows, 2, 2, 8, columns, groups).transpose(0, 4, 5, 3, 1, 2)

        scales = np.ascontiguousarray(by_lane(self.scales)).reshape(rows, columns, -1).view(np.uint8)
        zeros = by_lane(self.zeros)
        pairs = (zeros[..., 0] | zeros[..., 1] << 4).astype(np.uint8).reshape(rows, columns, -1)
        record = np.concatenate([codes, scales, pairs], axis=2)
        tiles = [
            record[first : first + RECORDS_PER_TILE].transpose(1, 0, 2).reshape(-1)
            for first in range(0, rows, RECORDS_PER_TILE)
        ]
        return np.concatenate(tiles)


def choose(manifest: dict[str, Any], n: int, k: int, m: int) -> dict[str, Any]:
    """The kernel that the manifest has for m tokens of a linear [n, k]."""
    shape = next(each for each in manifest["launches"] if (each["rows"], each["channels"]) == (n, k))
    name = next(each["kernel"] for each in shape["launches"] if each["max_tokens"] is None or m <= each["max_tokens"])
    kernel: dict[str, Any] = next(each for each in manifest["kernels"] if each["name"] == name)
    return kernel


def blocks_in_x(slots: int, token_blocks: int, steps: int) -> int:
    """Blocks in x, for a GPU that runs `slots` blocks at a time: those that leave fewest idle."""
    most = min(steps, max(16, 4 * slots // token_blocks))

    def wasted(x: int) -> float:
        waves = math.ceil(x * token_blocks / slots)
        return round(waves * slots / (x * token_blocks) * math.ceil(steps / x) * x / steps, 3)

    return min(range(1, most + 1), key=lambda x: (wasted(x), x))


class Linear:
    """The buffers of one linear and its launches: two, or three if its kernel takes dequantized weights."""

    def __init__(self, device: Device, kernel: dict[str, Any], weights: Weights, m: int) -> None:
        self.device, self.kernel, self.m = device, kernel, m
        self.n, self.k = weights.codes.shape
        tokens = kernel["max_tokens"]
        self.token_blocks = max(1, math.ceil(m / tokens))
        columns = math.ceil(self.k / CHANNELS)
        steps = math.ceil(self.n / kernel["tile_rows"]) * columns
        self.blocks = blocks_in_x(device.sms * kernel["blocks_per_sm"], self.token_blocks, steps)
        packed = self.token_blocks * (columns * kernel["activation_bytes"] + kernel["token_scale_bytes"])
        tickets = self.token_blocks * math.ceil(self.n / TICKET_ROWS) * TICKET_BYTES
        self.records = device.upload(weights.records())
        self.floats: Buffer | None = None
        if "dequantize" in kernel:
            count = math.ceil(self.n / RECORD_ROWS) * columns
            self.floats = device.upload(np.zeros(count * kernel["record_bytes"], np.uint8))
        self.packed = device.upload(np.zeros(packed, np.uint8))
        self.partials = device.upload(np.zeros(self.token_blocks * self.blocks * kernel["partial_bytes"], np.uint8))
        self.tickets = device.upload(np.zeros(tickets, np.uint8))
        self.y = np.zeros((m, self.n), np.float16)
        self.output = device.upload(self.y)

    def pack(self, x: Buffer) -> None:
        grid = (self.token_blocks * self.kernel["max_tokens"], 1)
        self.device.launch(self.kernel["pack"], grid, PACK_THREADS, 0, [x, self.packed, self.m, self.k])

    def multiply(self, records: Buffer | None = None) -> None:
        """By the linear's weights, or by a copy of them."""
        weights = self.records if records is None else records
        if self.floats is not None:
            grid = (self.device.sms * DEQUANTIZE_BLOCKS, 1)
            arguments = [weights, self.floats, self.n, self.k]
            self.device.launch(self.kernel["dequantize"], grid, PACK_THREADS, 0, arguments)
            weights = self.floats
        buffers = [self.packed, weights, self.output, self.partials, self.tickets]
        self.device.launch(
            self.kernel["name"],
            (self.blocks, self.token_blocks),
            self.kernel["threads"],
            self.kernel["shared_bytes"],
            [*buffers, self.m, self.n, self.k],
        )

    def result(self) -> Array:
        return self.device.download(self.output, self.y)


def error(y: Array, x: Array, dequantized: Array) -> float:
    """The squared error of Y over the square of the exact one, for the first and the last tokens, and some between."""
    tokens = np.unique(np.linspace(0, len(x) - 1, min(len(x), TOKENS_CHECKED)).astype(int))
    exact = x[tokens].astype(np.float64) @ dequantized.T
    return float(np.square(y[tokens] - exact).sum() / np.square(exact).sum())
