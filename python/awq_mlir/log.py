"""A record per quantized linear: what each step of the search gained, beside the checkpoint.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JSON_NAME = "quantization.jsonl"
CSV_NAME = "quantization.csv"

# Losses are tr(D G D^T) / tr(W G W^T): squared errors of the outputs relative to the outputs themselves, on the
# fitted part of the samples and on the guard part ("guard_...").
COLUMNS = (
    "layer",
    "linear",
    "group",  # what produces its scaled inputs; empty where nothing can be scaled
    "formula",  # of the channel scales: identity, duo or plain
    "ratio",
    "scale_min",
    "scale_max",
    "loss_rtn",  # plain rounding
    "loss_scaled",
    "loss_clipped",
    "loss_refitted",
    "loss_refined",
    "guard_rtn",
    "guard_scaled",
    "guard_clipped",
    "guard_refitted",
    "guard_refined",
    "clipped_groups",
    "clip_low",  # mean part of the minima that is kept
    "clip_high",
    "changed_codes",
    "sqnr_db",  # of the weight
    "saturated",  # part of the codes at the ends of the range
    "kept",  # whether this is stored; if not, the guard text was for plain rounding of the whole model
    "borrowed",  # whether an expert's few tokens were replaced by all of its block's
)


class LinearLog:
    """Gathers the events of a run; the first pass over the layers is the search."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Any]] = {}
        self._judged = False

    def event(self, event: Mapping[str, Any]) -> None:
        if event.get("event") == "guard":
            self._judged = True
            for record in self._records.values():
                record["kept"] = bool(event["accepted"])
        elif event.get("event") == "layer" and "weights" in event and not self._judged:
            self._layer(event)

    def _layer(self, event: Mapping[str, Any]) -> None:
        records = {
            entry["name"]: dict.fromkeys(COLUMNS) | {"layer": event["index"], "linear": entry["name"]} | entry
            for entry in event["weights"]
        }
        for group in event["groups"]:
            for linear in group["linears"]:
                accepted = group["accepted"]
                records[linear["name"]] |= {
                    "group": group["producer"],
                    "formula": group["formula"],
                    "ratio": group["ratio"],
                    "scale_min": group["scale_min"],
                    "scale_max": group["scale_max"],
                    "loss_rtn": linear["loss_rtn"],
                    "loss_scaled": linear["loss" if accepted else "loss_rtn"],
                    "guard_rtn": linear["guard_rtn"],
                    "guard_scaled": linear["guard" if accepted else "guard_rtn"],
                }
        for key, step in (("linears", "clipped"), ("refits", "refitted"), ("refinements", "refined")):
            for entry in event.get(key, ()):
                record = records[entry["name"]]
                kept = "" if entry["accepted"] else "_before"
                record[f"loss_{step}"] = entry[f"loss{kept}"]
                record[f"guard_{step}"] = entry[f"guard{kept}"]
                # A linear whose inputs cannot be scaled begins here.
                record["loss_rtn"] = entry["loss_before"] if record["loss_rtn"] is None else record["loss_rtn"]
                record["guard_rtn"] = entry["guard_before"] if record["guard_rtn"] is None else record["guard_rtn"]
        for entry in event.get("linears", ()):
            records[entry["name"]] |= {
                "clipped_groups": entry["clipped_groups"],
                "clip_low": entry["mean_low"],
                "clip_high": entry["mean_high"],
            }
        for entry in event.get("refinements", ()):
            records[entry["name"]]["changed_codes"] = entry["changed_codes"]
        borrowed = {entry["site"].removesuffix(".input") for entry in event.get("borrowed", ())}
        for name, record in records.items():
            record["borrowed"] = name in borrowed
            self._records[name] = {column: record[column] for column in COLUMNS}

    def write(self, folder: Path) -> None:
        """Writes both files, the same bytes for the same search. Nothing if there was no search."""
        if not self._records:
            return
        with (folder / JSON_NAME).open("w", encoding="utf8") as out:
            for record in self._records.values():
                print(json.dumps(record), file=out)
        with (folder / CSV_NAME).open("w", encoding="utf8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._records.values())
