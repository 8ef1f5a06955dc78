# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX's backend node tests: each case passes, or is refused for the reason in onnx_node_cases.json.

The cases with operators that decoders have run by default, all of them with AWQ_ONNX_NODES=all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from types import ModuleType

import pytest
from onnx_nodes import EXPECTED, PASSES, ROUNDS, TOOL, collect, outcomes, summary

pytestmark = [
    pytest.mark.tools,
    pytest.mark.skipif(not TOOL.exists(), reason="built with AWQ_ENABLE_ONNX=OFF"),
]


def test_every_case_does_as_listed(capsys: pytest.CaptureFixture[str]) -> None:
    everything = os.environ.get("AWQ_ONNX_NODES") == "all"
    cases = [case for case in collect() if everything or case.is_decoders]
    found = outcomes(cases)
    expected = json.loads(EXPECTED.read_text())
    with capsys.disabled():
        print(f"\nONNX node tests: {len(cases)} cases, {summary(found)}")
    changed = [
        f"{name}: {found[name]}, was: {expected.get(name)}" for name in found if found[name] != expected.get(name)
    ]
    assert not changed, "\n".join([*changed, "python/tests/onnx_nodes.py --write makes the list anew"])


def test_the_list_is_of_passes_and_refusals() -> None:
    """Nothing crashes, and nothing gives a wrong result."""
    expected = json.loads(EXPECTED.read_text())
    wrong = {name: text for name, text in expected.items() if not text.startswith((PASSES, ROUNDS, "refused[AWQ114"))}
    assert not wrong
    assert sum(text == PASSES for text in expected.values()) >= 1000


def test_the_page_lists_the_operators(load_script: Callable[[str], ModuleType]) -> None:
    script = load_script("onnx_operators")
    assert script.PAGE.read_text() == script.page(), "run scripts/onnx_operators.py"
