#!/usr/bin/env python3
"""Makes and checks the bytecode files that later releases must read (test/Dialect/*/bytecode).

bytecode_golden.py awq|decoder --make writes version-N.mlirbc, of the dialect's version N, and the text
that it stands for: the examples of the dialect's ops and attributes, its round-trip tests, and every
case of its enums. A file that is there is never overwritten: a change of the dialect needs a version.

Without --make, each file in the folder is read and compared with its text, and the one of the current
version must hold every op, every attribute of every op, and every case of every enum.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import check_examples
from check_examples import Tools

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"awq": "AWQ", "decoder": "Decoder"}
VERSION = re.compile(r"\bbytecodeVersion = (\d+);")
ALIAS_LINE = re.compile(r"^[#!]\w+ = .*$", re.MULTILINE)
RESOURCES = re.compile(r"^\{-#.*?#-\}$", re.MULTILINE | re.DOTALL)
COMMENT_LINE = re.compile(r"^\s*//.*$", re.MULTILINE)


@dataclass(frozen=True)
class DialectFiles:
    """A dialect and where things of it are."""

    name: str
    tools: Tools
    folder: Path | None = None

    @property
    def definitions(self) -> list[Path]:
        return sorted((ROOT / "include" / "awq" / "Dialect" / FOLDERS[self.name] / "IR").glob("*.td"))

    @property
    def golden(self) -> Path:
        return self.folder or ROOT / "test" / "Dialect" / FOLDERS[self.name] / "bytecode"

    def version(self) -> int:
        """The version that is written now."""
        folder = FOLDERS[self.name]
        text = (ROOT / "lib" / "Dialect" / folder / "IR" / f"{folder}Dialect.cpp").read_text(encoding="utf8")
        found = VERSION.search(text)
        assert found is not None, "the dialect's source names no version"
        return int(found[1])

    def records(self) -> list[dict[str, Any]]:
        """The definitions of the dialect, file by file."""
        return [self.tools.records(file) for file in self.definitions]

    def attributes(self) -> set[str]:
        """The mnemonics of its attributes."""
        return {
            str(records[name]["mnemonic"])
            for records in self.records()
            for name in records["!instanceof"].get("AttrDef", [])
            if self.owns(records, name, "dialect")
        }

    def owns(self, records: dict[str, Any], name: str, field: str) -> bool:
        owner = records[name][field]
        return owner is not None and records[owner["def"]]["name"] == self.name

    def enum_cases(self) -> set[str]:
        """What its enums can be, in words."""
        own = {file.name for file in self.definitions}
        return {
            str(records[case["def"]]["str"])
            for records in self.records()
            for name in records["!instanceof"].get("EnumInfo", [])
            if records[name]["!locs"][0].split(":")[0] in own
            for case in records[name]["enumerants"]
        }

    def ops(self) -> dict[str, set[str]]:
        """Its ops, each with the names of its attributes."""
        found: dict[str, set[str]] = {}
        for records in self.records():
            attributes = set(records["!instanceof"].get("Attr", []))
            for name in records["!instanceof"].get("Op", []):
                if not self.owns(records, name, "opDialect"):
                    continue
                arguments = records[name]["arguments"]["args"]
                found[str(records[name]["opName"])] = {
                    str(label) for value, label in arguments if value["def"] in attributes
                }
        return found


def nested(text: str, aliases: list[str]) -> str:
    """A module that holds `text`; aliases move to the top of the file."""
    aliases += [line for line in ALIAS_LINE.findall(text) if line not in aliases]
    body = COMMENT_LINE.sub("", ALIAS_LINE.sub("", text)).strip()
    return f"module {{\n{body}\n}}\n"


def collect(dialect: DialectFiles) -> str:
    """Everything of the dialect that has a text, as one module."""
    parts = []
    for subject in check_examples.subjects(dialect.tools, dialect.definitions):
        if subject.kind in {"op", "attribute"}:
            blocks = check_examples.BLOCK.findall(subject.description)
            parts += [check_examples.as_module(dialect.tools, check_examples.dedent(block))[0] for block in blocks]
    for test in sorted((ROOT / "test" / "Dialect" / FOLDERS[dialect.name] / "IR").glob("*.mlir")):
        if "invalid" not in test.name and "fold" not in test.name:
            parts += test.read_text(encoding="utf8").split("// -----\n")
    for mnemonic in sorted(dialect.attributes()):
        for case in sorted(dialect.enum_cases()):
            text = f"module attributes {{example.value = #{dialect.name}.{mnemonic}<{case}>}} {{}}\n"
            if dialect.tools.run(text)[0] == 0:
                parts.append(text)
    aliases: list[str] = []
    resources = [resource for part in parts for resource in RESOURCES.findall(part)]
    modules = "".join(nested(RESOURCES.sub("", part), aliases) for part in parts)
    return "\n".join([*aliases, modules, *resources])


def make(dialect: DialectFiles) -> list[str]:
    target = dialect.golden / f"version-{dialect.version()}.mlirbc"
    if target.exists():
        return [f"{target} is there already: files are never changed; a change of the dialect needs a version"]
    text = collect(dialect)
    status, printed, errors = dialect.tools.run(text)
    if status:
        return [errors]
    _, binary, _ = dialect.tools.run(printed, "--emit-bytecode")
    dialect.golden.mkdir(parents=True, exist_ok=True)
    target.write_bytes(binary)
    target.with_suffix(".mlir").write_bytes(printed)
    print(f"{target}: {len(binary)} bytes")
    return []


def missing(dialect: DialectFiles, text: str) -> list[str]:
    """What the dialect has and the text of its current version has not."""
    found = []
    for op, attributes in sorted(dialect.ops().items()):
        lines = re.findall(rf"\b{dialect.name}\.{op}\b.*", text)
        if not lines:
            found.append(f"op {op}")
        names = (name for name in sorted(attributes) if lines and name not in IMPLIED.get(op, set()))
        found += [
            f"attribute {name} of op {op}" for name in names if not any(re.search(rf"\b{name}\b", at) for at in lines)
        ]
    found += [f"attribute {name}" for name in sorted(dialect.attributes()) if f"#{dialect.name}.{name}<" not in text]
    return found + [f"case {case}" for case in sorted(dialect.enum_cases()) if not re.search(rf"\b{case}\b", text)]


# Attributes that the op's syntax writes without their name.
IMPLIED = {"observe": {"site"}}


def check(dialect: DialectFiles) -> list[str]:
    problems = []
    version = dialect.version()
    files = sorted(dialect.golden.glob("*.mlirbc"))
    for file in files:
        status, read, errors = dialect.tools.run(file.read_bytes())
        expected = dialect.tools.run(file.with_suffix(".mlir").read_text(encoding="utf8"))
        if status or expected[0]:
            problems.append(f"{file.name} is not read:\n{errors}{expected[2]}")
        elif read != expected[1]:
            problems.append(f"{file.name} is read as something else than its text")
    current = dialect.golden / f"version-{version}.mlir"
    if not current.exists():
        return [*problems, f"there is no file of version {version}; make it with --make"]
    problems += [
        f"version {version} has no {what}: give the dialect a new version (see the README beside the files)"
        for what in missing(dialect, current.read_text(encoding="utf8"))
    ]
    print(f"{len(files)} files of the dialect {dialect.name}, {len(problems)} problems")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dialect", choices=FOLDERS)
    parser.add_argument("--make", action="store_true", help="write the file of the current version")
    parser.add_argument("--folder", type=Path, help="the files to check or add to, if not the dialect's own")
    parser.add_argument("--awq-opt", type=Path, default=ROOT / "build" / "bin" / "awq-opt")
    parser.add_argument("--llvm", type=Path, default=Path("/usr/lib/llvm-22"), help="where LLVM is installed")
    arguments = parser.parse_args()
    tblgen = arguments.llvm / "bin" / "llvm-tblgen"
    tools = Tools(arguments.awq_opt.resolve(), tblgen, (ROOT / "include", arguments.llvm / "include"))
    problems = (make if arguments.make else check)(DialectFiles(arguments.dialect, tools, arguments.folder))
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
