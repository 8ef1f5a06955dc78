#!/usr/bin/env python3
# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes docs/Architectures.md from the architecture files and the groups that their tests expect."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / "lib" / "Target" / "HuggingFace" / "architectures"
PAGE = ROOT / "docs" / "Architectures.md"

HEAD = """<!-- Made by scripts/architecture_table.py; do not edit. -->
# Architectures

What the importer knows of a model type is one data file in `lib/Target/HuggingFace/architectures`, whose fields the
README there describes. A file of your own is given with `awq-translate --import-hf --hf-architecture=FILE`; no code
changes unless the graph has a feature that no file has yet.

Every row is tested (`python/tests/test_architectures.py`, `test_import_toys.py`, `test_logits_toys.py`) on a toy of
transformers: the logits of the imported model are those of transformers; the scaling groups are those below, which were
derived by hand; all of them scaled at once by random factors change no logit; and the quantized checkpoint, read by
compressed-tensors into transformers, gives the logits that it gives here.

| file | model types | attention | positions | residual | MLP |
|---|---|---|---|---|---|
"""

GROUPS = """
## Scaling groups

What is divided by s, and the linears whose columns are multiplied by it, for one layer of each test. Of a linear that
holds several parts only the rows of some are scaled: those of the values in fused query, key and value, those of *up*
in fused gate and up, those of the values in `kv_b_proj`.

"""


def attention(layer: dict[str, Any]) -> str:
    part = layer["attention"]
    kind = part.get("kind", "separate")
    words: str = {
        "separate": "q, k, v",
        "fused": "fused, " + part.get("order", "").replace("_", " "),
        "latent": "latent (MLA)",
    }[kind]
    if "query_norm" in part:
        words += "; norms of q and k" + (" over the row" if part.get("norm_over") == "row" else "")
    if "window" in part:
        words += "; window: " + part["window"].replace("_", " ")
    if "softcap" in part:
        words += "; soft cap"
    return words


def positions(root: dict[str, Any]) -> str:
    part = root["layer"]["attention"]
    if "positions" in root:
        return "learned"
    if part.get("alibi"):
        return "ALiBi"
    words: str = "rotary, " + part["rotary"]
    if "rotary_part" in part:
        words += ", of a part"
    if part.get("local_rotary"):
        words += ", local and global"
    return words


def residual(layer: dict[str, Any]) -> str:
    parallel = layer.get("parallel", False)
    words = "sequential" if parallel is False else "parallel" if parallel is True else f"parallel if `{parallel}`"
    before, after = "attention_norm" in layer, "attention_output_norm" in layer
    return words + (", norms around" if before and after else ", norms after" if after else "")


def mlp(layer: dict[str, Any]) -> str:
    part = layer["mlp"]
    words = "gated" if part["kind"] == "glu" else "plain"
    if "gate_up" in part:
        words += ", fused"
    if "experts" in layer:
        words += "; experts"
        if "shared_inner" in layer["experts"]:
            words += " and shared ones"
    return words


def row(path: Path) -> str:
    root = json.loads(path.read_text())
    layer = root["layer"]
    types = ", ".join(f"`{name}`" for name in root["model_types"])
    if "when" in root:
        types += " with " + ", ".join(f"`{key}`: {json.dumps(value)}" for key, value in root["when"].items())
    cells = [path.stem, types, attention(layer), positions(root), residual(layer), mlp(layer)]
    return "| " + " | ".join(cells) + " |\n"


def shorten(groups: list[str]) -> list[str]:
    """Groups that differ in the number of an expert only are shown once."""
    seen: dict[str, None] = {}
    for group in groups:
        words = [re.sub(r"\bexperts\.\d+\.", "experts.*.", word) for word in group.split()]
        seen[" ".join(dict.fromkeys(words))] = None
    return list(seen)


def page() -> str:
    sys.path.insert(0, str(ROOT / "python" / "tests"))
    toys = importlib.import_module("architecture_toys")

    text = HEAD + "".join(row(path) for path in sorted(FILES.glob("*.json"))) + GROUPS
    entries = [("llama, mistral, qwen2, qwen3", [toys.LLAMA]), *((toy.name, toy.groups) for toy in toys.ARCHITECTURES)]
    for name, layers in entries:
        text += f"* {name}\n"
        shown = [shorten(groups) for groups in layers]
        for index, groups in enumerate(shown):
            if index and groups == shown[index - 1]:
                continue
            if any(groups != other for other in shown):
                text += f"  * layer {index}\n"
                text += "".join(f"    * `{group}`\n" for group in groups)
            else:
                text += "".join(f"  * `{group}`\n" for group in groups)
    return text


if __name__ == "__main__":
    PAGE.write_text(page())
