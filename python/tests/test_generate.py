"""Sampling and the generation loop.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from awq_mlir.generate import Logits, Sampler, Sampling, generate


class Counting:
    """A model whose likeliest next token is the last one plus one."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.position = 0

    def forward(self, tokens: Sequence[int]) -> Logits:
        self.position += len(tokens)
        assert self.position <= self.capacity
        logits = np.zeros(100, np.float32)
        logits[(tokens[-1] + 1) % 100] = 1.0
        return logits


GREEDY = Sampler(Sampling())
LOGITS = np.log(np.array([0.05, 0.5, 0.15, 0.3], np.float32))


def frequencies(sampling: Sampling, count: int = 20000) -> dict[int, float]:
    sampler = Sampler(sampling)
    return {token: n / count for token, n in Counter(sampler(LOGITS) for _ in range(count)).items()}


def test_stops_at_an_end_token_and_does_not_yield_it() -> None:
    seen: list[int] = []
    done = generate(Counting(50), [1, 2, 3], GREEDY, {7}, 20, seen.append)
    assert (done.tokens, done.stop) == ([4, 5, 6], "end")
    assert seen == done.tokens


def test_stops_at_the_length_asked_for_without_a_wasted_step() -> None:
    session = Counting(50)
    done = generate(session, [1], GREEDY, set(), 4, lambda _: None)
    assert (done.tokens, done.stop) == ([2, 3, 4, 5], "length")
    assert session.position == 4  # the last token is never fed


def test_says_when_the_context_is_full() -> None:
    done = generate(Counting(6), [1, 2, 3], GREEDY, set(), 20, lambda _: None)
    assert done.stop == "context"
    assert done.tokens == [4, 5, 6, 7]  # three are fed, the fourth still fits as output


def test_temperature_one_follows_the_distribution() -> None:
    found = frequencies(Sampling(temperature=1.0, seed=1))
    for token, probability in enumerate(np.exp(LOGITS)):
        assert found[token] == pytest.approx(probability, abs=0.015)


def test_temperature_sharpens() -> None:
    found = frequencies(Sampling(temperature=0.5, seed=1))
    weights = np.exp(LOGITS) ** 2
    assert found[1] == pytest.approx(weights[1] / weights.sum(), abs=0.015)


def test_top_k_keeps_the_likeliest() -> None:
    found = frequencies(Sampling(temperature=1.0, top_k=2, seed=2))
    assert set(found) == {1, 3}
    assert found[1] == pytest.approx(0.5 / 0.8, abs=0.015)


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.0, {1}), (0.49, {1}), (0.6, {1, 3}), (0.9, {1, 2, 3}), (1.0, {0, 1, 2, 3})]
)
def test_top_p_keeps_the_fewest_that_reach_p(top_p: float, kept: set[int]) -> None:
    assert set(frequencies(Sampling(temperature=1.0, top_p=top_p, seed=3), 3000)) == kept


def test_a_seed_gives_one_sequence() -> None:
    def draw(seed: int) -> list[int]:
        sampler = Sampler(Sampling(temperature=1.0, seed=seed))
        return [sampler(LOGITS) for _ in range(50)]

    assert draw(5) == draw(5)
    assert draw(5) != draw(6)


def test_greedy_takes_the_first_of_equals() -> None:
    assert GREEDY(np.array([1.0, 3.0, 3.0], np.float32)) == 1
