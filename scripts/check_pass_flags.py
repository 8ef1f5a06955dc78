#!/usr/bin/env python3
"""Fails unless every pass flag appears in a RUN line under test/, and every pass is described.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

PASS = re.compile(r'^def\s+(\w+)\s*:\s*(?:Interface)?Pass<\s*"([^"]+)"', re.MULTILINE)
PIPELINE = re.compile(r'PassPipelineRegistration<[^>]*>\s*(?:\w+\s*)?\(\s*"([^"]+)"')
TEST_PASS = re.compile(r'getArgument\(\)\s*const\s*(?:final|override)?\s*\{\s*return\s*"([^"]+)"')
RUN = re.compile(r"^\s*(?://|#|;)\s*RUN:(.*)$", re.MULTILINE)
TEST_SUFFIXES = {".mlir", ".test", ".mlirbc", ".td", ".py", ".sh", ".ll"}


@dataclass(frozen=True)
class Flag:
    """A flag of awq-opt and where it is declared."""

    name: str
    where: str
    described: bool = True


def _body(text: str, start: int) -> str:
    """The text of a definition: up to the next one."""
    following = re.compile(r"^def\s", re.MULTILINE).search(text, start + 1)
    return text[start : following.start() if following else len(text)]


def declared_flags(root: Path) -> list[Flag]:
    flags = []
    tables = [path for top in ("include", "lib", "test/lib") for path in sorted((root / top).rglob("*.td"))]
    for path in tables:
        text = path.read_text(encoding="utf8")
        for match in PASS.finditer(text):
            body = _body(text, match.start())
            described = "let summary" in body and "let description" in body
            flags.append(Flag(match.group(2), f"{path.relative_to(root)}: {match.group(1)}", described))
    sources = [path for top in ("lib", "test/lib") for path in sorted((root / top).rglob("*.cpp"))]
    for path in sources:
        text = path.read_text(encoding="utf8")
        for pattern in (PIPELINE, TEST_PASS):
            flags += [Flag(match.group(1), str(path.relative_to(root))) for match in pattern.finditer(text)]
    return flags


def run_lines(root: Path) -> str:
    """All RUN lines below test/, continuation lines included."""
    lines = []
    for path in sorted((root / "test").rglob("*")):
        if path.suffix in TEST_SUFFIXES and path.is_file():
            lines += RUN.findall(path.read_text(encoding="utf8", errors="replace"))
    return "\n".join(lines)


def check(root: Path) -> tuple[list[Flag], list[str]]:
    """The flags found, and what is wrong with them."""
    flags = declared_flags(root)
    lines = run_lines(root)
    problems = []
    for flag in flags:
        if not re.search(rf"(?<!\w)(?<!\w-){re.escape(flag.name)}(?![\w-])", lines):
            problems.append(f"{flag.where}: no RUN line under test/ has the flag {flag.name}")
        if not flag.described:
            problems.append(f"{flag.where}: the pass {flag.name} lacks a summary or a description")
    return flags, problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", default=Path(__file__).resolve().parent.parent)
    flags, problems = check(parser.parse_args().root)
    for problem in problems:
        print(problem)
    print(f"{len(flags)} pass flags, {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
