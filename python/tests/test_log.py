# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The record of each linear, from the events of real runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_quantize_model import calibration, events, quantize
from test_resume import make

from awq_mlir.log import COLUMNS, CSV_NAME, JSON_NAME, LinearLog

pytestmark = pytest.mark.tools

STEPS = ("rtn", "scaled", "clipped", "refitted", "refined")


def records(name: str, folder: Path, *options: str) -> tuple[list[dict[str, Any]], Path]:
    model = make(name, folder / "model")
    data = calibration(folder / "calibration.safetensors")
    log = LinearLog()
    for event in events(quantize(model, folder / "out", "--quantize=awq", f"--calibration={data}", *options)):
        log.event(event)
    log.write(folder)
    lines = [json.loads(line) for line in (folder / JSON_NAME).read_text().splitlines()]
    with (folder / CSV_NAME).open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["linear"] for row in rows] == [line["linear"] for line in lines]
    assert all(tuple(line) == COLUMNS for line in lines) and tuple(rows[0]) == COLUMNS
    return lines, folder / "out" / "model.safetensors"


@pytest.mark.parametrize("name", ["phi3", "olmo2", "mixtral"])
def test_records(name: str, tmp_path: Path) -> None:
    lines, checkpoint = records(name, tmp_path)
    tensors = load_file(checkpoint)
    assert {line["linear"] for line in lines} == {n.removesuffix(".qweight") for n in tensors if n.endswith(".qweight")}
    for line in lines:
        codes = np.stack([(tensors[line["linear"] + ".qweight"] >> (4 * i)) & 15 for i in range(8)])
        if line["kept"]:
            assert line["saturated"] == pytest.approx(np.mean((codes == 0) | (codes == 15)))
        assert 5 < line["sqnr_db"] < 40
        assert 0 < line["clip_low"] <= 1 and 0 < line["clip_high"] <= 1
        for part in ("loss", "guard"):
            losses = [line[f"{part}_{step}"] for step in STEPS if line[f"{part}_{step}"] is not None]
            assert len(losses) == (4 if line["group"] is None else 5)
            # No step is kept that the guard part is against; the scales are judged by the sum over their group.
            after = losses[-3:]
            assert part == "loss" or after == sorted(after, reverse=True)
        assert (line["formula"] is None) == (line["group"] is None)
        if line["formula"] == "identity":
            assert line["scale_min"] == line["scale_max"] == 1 and line["loss_scaled"] == line["loss_rtn"]
    assert any(line["formula"] in ("duo", "plain") and line["scale_max"] > line["scale_min"] for line in lines)


def test_steps_that_are_left_out_are_empty(tmp_path: Path) -> None:
    lines, _ = records("llama", tmp_path, "--search-clips=false", "--refine-codes=false")
    for line in lines:
        assert line["loss_clipped"] is line["loss_refined"] is line["changed_codes"] is line["clip_low"] is None
        assert line["loss_refitted"] <= line["loss_scaled"]


def test_the_same_search_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = []
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        folder.mkdir()
        records("llama", folder, f"--threads={threads}")
        texts.append((folder / JSON_NAME).read_bytes() + (folder / CSV_NAME).read_bytes())
    assert texts[0] == texts[1]
