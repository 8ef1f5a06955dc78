# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The memory that `awq-mlir plan` predicts, against what quantizing takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.tools

TOLERANCE = 0.15


def plan(model: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "awq_mlir", "plan", str(model), *map(str, options)]
    return subprocess.run(command, capture_output=True, encoding="utf8", check=False, timeout=120)


@pytest.mark.parametrize(
    ("hidden", "wide", "samples", "length", "vocabulary"),
    [
        (192, 1536, 5, 64, 64),  # the Gram matrices of one site outweigh all
        (512, 512, 5, 64, 64),  # weights
        (192, 384, 40, 512, 64),  # hidden states
        (192, 512, 5, 2048, 20000),  # what a layer computes of one sample
    ],
)
def test_the_prediction_holds(
    hidden: int,
    wide: int,
    samples: int,
    length: int,
    vocabulary: int,
    tmp_path: Path,
    load_script: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script: Any = load_script("measure_depth")
    sizes = {"HIDDEN": hidden, "INTERMEDIATE": wide, "SAMPLES": samples, "LENGTH": length, "VOCABULARY": vocabulary}
    for name, value in (sizes | {"HEADS": 4}).items():
        monkeypatch.setattr(script, name, value)
    measured = script.measure(tmp_path, 2)
    done = plan(tmp_path / "depth-2", "--samples", samples, "--sequence-length", length, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["peak_bytes"] == facts["process_bytes"] + facts["hidden_bytes"] + facts["work_bytes"]
    assert facts["hidden_bytes"] >= 4 * samples * length * hidden
    assert (facts["layers"], facts["linears"]) == (2, 14)
    for predicted, real in (("peak_bytes", "peak_bytes"), ("work_bytes", "peak_anonymous_bytes")):
        assert abs(facts[predicted] / measured[real] - 1) <= TOLERANCE, (predicted, facts, measured)


def test_what_cannot_be_planned(tmp_path: Path) -> None:
    done = plan(tmp_path / "missing")
    assert done.returncode == 2
    assert "missing" in done.stderr
