# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/Errors.md lists the codes that the sources can print, each once, with the exit codes they give."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from awq_mlir.errors import Kind

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("include", "lib", "tools", "python/awq_mlir")
SUFFIXES = {".cpp", ".h", ".td", ".py"}

MENTIONED = re.compile(r"\bAWQ[0-9]{4}\b")
RAISED = re.compile(r'"(AWQ[0-9]{4})"')
# Codes that go through a function of their file get their kind there.
WITH_KIND = re.compile(r'\b(?:ErrorKind::|Kind\.)(\w+),\s*"(AWQ[0-9]{4})"')
ROW = re.compile(r"\| (AWQ[0-9]{4}) \| ([0-9]+(?:, [0-9]+)*) \| [^|]*\S \| [^|]*\S \|")


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """The text of every source, by its path."""
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf8")
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in SUFFIXES
    }


@pytest.fixture(scope="module")
def page() -> list[tuple[str, set[int]]]:
    """Code and exit codes of every row, in order. A line that begins like a row must be one."""
    text = (ROOT / "docs" / "Errors.md").read_text(encoding="utf8")
    rows = []
    for line in text.splitlines():
        if line.lstrip(" |").startswith("AWQ"):
            match = ROW.fullmatch(line)
            assert match is not None, line
            rows.append((match[1], {int(word) for word in match[2].split(", ")}))
    return rows


def test_every_code_and_no_other(sources: dict[str, str], page: list[tuple[str, set[int]]]) -> None:
    raised = {code for text in sources.values() for code in RAISED.findall(text)}
    documented = {code for code, _ in page}
    assert {"AWQ1001", "AWQ1699"} <= raised  # the first in C++, the last in Python
    assert sorted(raised - documented) == [], "docs/Errors.md lacks these"
    assert sorted(documented - raised) == [], "nothing raises these"


def test_comments_name_codes_that_exist(sources: dict[str, str], page: list[tuple[str, set[int]]]) -> None:
    documented = {code for code, _ in page}
    unknown = {(path, code) for path, text in sources.items() for code in MENTIONED.findall(text)}
    assert sorted((path, code) for path, code in unknown if code not in documented) == []


def test_rows_are_in_order_and_unique(page: list[tuple[str, set[int]]]) -> None:
    codes = [code for code, _ in page]
    assert codes == sorted(set(codes))


def test_exit_codes(sources: dict[str, str], page: list[tuple[str, set[int]]]) -> None:
    """Where the source names the kind beside the code, the row has its exit code."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for text in sources.values():
        for kind, code in WITH_KIND.findall(text):
            found[code].add(int(Kind[kind.upper()]))
    documented = dict(page)
    assert len(found) > len(documented) // 2
    assert {code: exits for code, exits in found.items() if not exits <= documented.get(code, exits)} == {}
    assert {exit_code for _, exits in page for exit_code in exits} == {int(kind) for kind in Kind}
