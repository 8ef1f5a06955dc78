"""Perplexity and divergence against plain float64 formulas.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from awq_mlir.errors import AwqError
from awq_mlir.evaluate import Logits, evaluate, windows_of

VOCABULARY = 37


class Random:
    """A model whose logits depend on its history, from a seed."""

    def __init__(self, seed: int) -> None:
        self._table = np.random.RandomState(seed).standard_normal((VOCABULARY, VOCABULARY)).astype(np.float32) * 3
        self._history: list[int] = []

    def reset(self) -> None:
        self._history = []

    def forward_all(self, tokens: Sequence[int]) -> Logits:
        rows = []
        for token in tokens:
            self._history.append(token)
            rows.append(self._table[token] + 0.1 * self._table[self._history[0]] + 50)
        return np.stack(rows)


def exact(seed: int, other: int, windows: list[list[int]]) -> tuple[float, float, float]:
    nll, kl, same, count = 0.0, 0.0, 0, 0
    for window in windows:
        p, q = Random(other), Random(seed)
        theirs, ours = p.forward_all(window).astype(np.float64), q.forward_all(window).astype(np.float64)
        log_p = theirs - np.log(np.exp(theirs).sum(-1, keepdims=True))
        log_q = ours - np.log(np.exp(ours).sum(-1, keepdims=True))
        for t in range(len(window) - 1):
            nll -= log_q[t, window[t + 1]]
            kl += (np.exp(log_p[t]) * (log_p[t] - log_q[t])).sum()
            same += int(log_p[t].argmax() == log_q[t].argmax())
            count += 1
    return float(np.exp(nll / count)), kl / count, same / count


def test_against_float64() -> None:
    ids = np.random.RandomState(0).randint(0, VOCABULARY, 2000).tolist()
    found = evaluate(Random(1), Random(2), ids, ctx=600, windows=16)  # 600: more than one batch of positions
    perplexity, kl, agreement = exact(1, 2, windows_of(ids, 600, 16))
    assert found["perplexity"] == pytest.approx(perplexity, rel=1e-5)
    assert found["kl"] == pytest.approx(kl, rel=1e-5)
    assert found["top1_agreement"] == pytest.approx(agreement)
    assert (found["windows"], found["ctx"], found["tokens"]) == (3, 600, 3 * 599)


def test_a_model_equals_itself() -> None:
    found = evaluate(Random(1), Random(1), list(range(30)), ctx=10, windows=2)
    assert found["kl"] == 0.0
    assert found["top1_agreement"] == 1.0
    assert found["windows"] == 2


def test_without_reference_there_is_no_divergence() -> None:
    found = evaluate(Random(1), None, list(range(30)), ctx=10, windows=99)
    assert found["kl"] is None
    assert found["windows"] == 3


def test_too_short_a_text_is_refused() -> None:
    with pytest.raises(AwqError) as error:
        evaluate(Random(1), None, [1, 2, 3], ctx=10, windows=1)
    assert error.value.code == "AWQ1650"
