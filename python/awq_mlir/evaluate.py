"""Perplexity on a text, and how far a model's distributions are from a reference's.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from awq_mlir.errors import AwqError, Kind

Logits = npt.NDArray[np.float32]
BATCH = 256  # positions whose logits are in memory at once


class Scorer(Protocol):
    """What evaluation needs of a session."""

    def reset(self) -> None: ...
    def forward_all(self, tokens: Sequence[int]) -> Logits: ...


@dataclass
class Totals:
    """Sums over the scored positions."""

    tokens: int = 0
    nll: float = 0.0
    kl: float = 0.0
    agreements: int = 0


def log_softmax(logits: Logits) -> Logits:
    shifted: Logits = logits - logits.max(axis=-1, keepdims=True)
    total = np.exp(shifted).sum(axis=-1, keepdims=True, dtype=np.float64)
    shifted -= np.log(total).astype(np.float32)
    return shifted


def windows_of(ids: Sequence[int], ctx: int, windows: int) -> list[list[int]]:
    """The first `windows` windows of `ctx` tokens; none begins with an added token."""
    return [list(ids[i : i + ctx]) for i in range(0, min(windows, len(ids) // ctx) * ctx, ctx)]


def score_window(
    models: Mapping[str, Scorer], reference: str | None, window: Sequence[int], totals: Mapping[str, Totals]
) -> None:
    """Adds one window. The first token has no prediction; the prediction after the last has no token."""
    for model in models.values():
        model.reset()
    # The reference first: the others are compared to it while its distributions are at hand.
    names = sorted(models, key=lambda name: name != reference)
    for start in range(0, len(window) - 1, BATCH):
        stop = min(start + BATCH, len(window) - 1)
        targets = np.asarray(window[start + 1 : stop + 1])
        theirs: Logits | None = None
        for name in names:
            ours = log_softmax(models[name].forward_all(window[start:stop]))
            total = totals[name]
            total.tokens += len(targets)
            total.nll -= float(ours[np.arange(len(targets)), targets].sum(dtype=np.float64))
            if name == reference:
                theirs, probabilities = ours, np.exp(ours)
            if theirs is not None:
                total.agreements += int((ours.argmax(-1) == theirs.argmax(-1)).sum())
                total.kl += float(((theirs - ours) * probabilities).sum(dtype=np.float64))


def evaluate_all(
    models: Mapping[str, Scorer],
    reference: str | None,
    ids: Sequence[int],
    ctx: int,
    windows: int,
    on_window: Callable[[int, int], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Perplexity of each model; with a reference also mean KL(reference || model) and top-1 agreement."""
    cut = windows_of(ids, ctx, windows)
    if not cut or ctx < 2:
        raise AwqError(
            Kind.USAGE,
            "AWQ1650",
            f"the text has {len(ids)} tokens, not one window of {ctx}",
            help="give a longer --text or a smaller --ctx (2 at least)",
        )
    totals = {name: Totals() for name in models}
    begun = time.perf_counter()
    for done, window in enumerate(cut, 1):
        score_window(models, reference, window, totals)
        if on_window is not None:
            on_window(done, len(cut))
    seconds = round(time.perf_counter() - begun, 3)
    return {
        name: {
            "perplexity": math.exp(total.nll / total.tokens),
            "kl": total.kl / total.tokens if reference is not None else None,
            "top1_agreement": total.agreements / total.tokens if reference is not None else None,
            "windows": len(cut),
            "ctx": ctx,
            "tokens": total.tokens,
            "seconds": seconds,
        }
        for name, total in totals.items()
    }


def evaluate(
    model: Scorer,
    reference: Scorer | None,
    ids: Sequence[int],
    ctx: int,
    windows: int,
    on_window: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """evaluate_all for one model."""
    models = {"model": model} | ({"reference": reference} if reference is not None else {})
    return evaluate_all(models, "reference" if reference is not None else None, ids, ctx, windows, on_window)["model"]


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf8")
    except (UnicodeDecodeError, OSError) as error:
        raise AwqError(
            Kind.USAGE, "AWQ1650", f"cannot be read as UTF-8 text: {error}", str(path), "give a text file"
        ) from None
