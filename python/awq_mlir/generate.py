"""Generation: sampling, and the loop that feeds a session.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. Temperature 0 takes the likeliest one."""

    temperature: float = 0.0
    top_k: int = 0  # 0: all
    top_p: float = 1.0
    seed: int = 0


class Sampler:
    """Draws tokens from logits; the same seed draws the same tokens."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        # The bit generator's stream is frozen by NumPy's policy; the sampling itself is spelt out below.
        self._bits = np.random.PCG64(sampling.seed)

    def __call__(self, logits: Logits) -> int:
        if self._sampling.temperature == 0:
            return int(np.argmax(logits))
        # Descending, equal logits by token number.
        order = np.argsort(-logits, kind="stable")
        if self._sampling.top_k:
            order = order[: self._sampling.top_k]
        scaled = logits[order].astype(np.float64) / self._sampling.temperature
        weights = np.exp(scaled - scaled[0])
        cumulative = np.cumsum(weights)
        # Top-p keeps the fewest tokens whose probability reaches p, and one at least.
        kept = int(np.searchsorted(cumulative, self._sampling.top_p * cumulative[-1])) + 1
        cumulative = cumulative[:kept]
        uniform = (self._bits.random_raw() >> 11) * 2.0**-53
        index = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
        return int(order[min(index, len(cumulative) - 1)])


class Sequencer(Protocol):
    """What generation needs of a session."""

    @property
    def position(self) -> int: ...
    @property
    def capacity(self) -> int: ...
    def forward(self, tokens: Sequence[int]) -> Logits: ...


@dataclass
class Generation:
    """What was generated, why it ended, and how fast it went."""

    tokens: list[int]
    stop: str  # "end", "length" or "context"
    prompt_tokens: int
    prompt_seconds: float
    decode_seconds: float

    @property
    def prompt_speed(self) -> float:
        return self.prompt_tokens / self.prompt_seconds if self.prompt_seconds > 0 else 0.0

    @property
    def decode_speed(self) -> float:
        """Tokens per second after the first one, which the prompt's pass yields."""
        steps = len(self.tokens) - (0 if self.stop == "end" else 1)
        return steps / self.decode_seconds if self.decode_seconds > 0 and steps > 0 else 0.0


def generate(
    session: Sequencer,
    prompt: Sequence[int],
    sampler: Callable[[Logits], int],
    end: set[int],
    max_new_tokens: int,
    on_token: Callable[[int], None],
) -> Generation:
    """Feeds the prompt, then draws tokens until an end token, `max_new_tokens`, or a full context."""
    start = time.perf_counter()
    logits = session.forward(prompt)
    prompt_seconds = time.perf_counter() - start
    tokens: list[int] = []
    stop = "length"
    start = time.perf_counter()
    while len(tokens) < max_new_tokens:
        token = sampler(logits)
        if token in end:
            stop = "end"
            break
        tokens.append(token)
        on_token(token)
        if len(tokens) == max_new_tokens:
            break
        if session.position >= session.capacity:
            stop = "context"
            break
        logits = session.forward([token])
    return Generation(tokens, stop, len(prompt), prompt_seconds, time.perf_counter() - start)
