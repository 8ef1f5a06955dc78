#!/usr/bin/env python3
"""Runs every example in the .td files: each op and each pass must have one, and it must be true.

The blocks marked mlir in the descriptions of ops, attributes, types and passes are taken as they
stand. Op statements become the body of a function: what they use and do not define is its
arguments, in the types that the parser asks for, and what they define and do not use is returned.
An attribute or a type alone becomes one of a declaration. Every example is verified and goes
through text and bytecode unchanged.

The example of a pass is split at a line "// becomes". The pass (with options if the description
names it as `flag{options}` before the block) must make the second part of the first: exactly, or,
where the second part has "..." in it, with its lines in this order in the output, "..." standing
for anything and each %name and #name for one value or alias. "// error: TEXT" instead says that the pass must fail.
Attributes of other compilers are allowed where the description asks for `awq-opt --allow-unregistered-dialect`.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^[ \t]*```mlir\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
BECOMES = re.compile(r"^\s*// becomes.*\n", re.MULTILINE)
ERROR = re.compile(r"^\s*// error: (.*)$", re.MULTILINE)
VALUE = re.compile(r"%[A-Za-z_0-9$.\-]+")
ALIAS = re.compile(r"#[A-Za-z]\w*(?![\w.<])")
# Results stand before "=", arguments of blocks and functions before a colon without a space.
RESULTS = re.compile(r"^\s*(%[^=\n]*?)\s*=[^=]", re.MULTILINE)
ARGUMENT = re.compile(r"(%[A-Za-z_0-9$.\-]+):")
TOP_LEVEL = re.compile(r"^\s*(func\.func|module|ml_program\.global|memref\.global|gpu\.module|#\w+ =)", re.MULTILINE)
WRONG_TYPE = re.compile(r"use of value '(%[^']+)' expects different type than prior uses: '(.*)' vs '(.*)'")
UNKNOWN = "none"
FOREIGN = "--allow-unregistered-dialect"


@dataclass(frozen=True)
class Subject:
    """An op, attribute, type or pass, and its description."""

    kind: str
    name: str
    where: str
    description: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kind} {self.name}"


@dataclass(frozen=True)
class Tools:
    """The programs that the check runs."""

    opt: Path
    tblgen: Path
    includes: tuple[Path, ...]
    flags: tuple[str, ...] = ()  # of awq-opt, for every example

    def run(self, text: str | bytes, *flags: str) -> tuple[int, bytes, str]:
        data = text.encode() if isinstance(text, str) else text
        done = subprocess.run(
            [self.opt, *self.flags, *flags, "-"], input=data, capture_output=True, check=False, timeout=120
        )
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def records(self, file: Path) -> dict[str, Any]:
        flags = [flag for folder in self.includes for flag in ("-I", str(folder))]
        done = subprocess.run(
            [self.tblgen, "--dump-json", *flags, str(file)], capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            raise SystemExit(f"{file}: {done.stderr}")
        records: dict[str, Any] = json.loads(done.stdout)
        return records


class ExampleError(Exception):
    """What is wrong with an example."""


def subjects(tools: Tools, files: list[Path]) -> list[Subject]:
    """What the files define, each once, in the order of the files."""
    own = {file.name for file in files}
    found: dict[tuple[str, str], Subject] = {}
    for file in files:
        records = tools.records(file)
        for kind, base in (("op", "Op"), ("attribute", "AttrDef"), ("type", "TypeDef"), ("pass", "PassBase")):
            for definition in records["!instanceof"].get(base, []):
                record = records[definition]
                where = record["!locs"][0]
                name = record.get("argument") or record.get("opName") or record.get("mnemonic") or definition
                if where.split(":")[0] in own:
                    found.setdefault((where, definition), Subject(kind, name, where, record["description"] or ""))
    return list(found.values())


def dedent(text: str) -> str:
    lines = text.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)


def defined(text: str) -> list[str]:
    """The names that op statements define, results first."""
    names = [name for match in RESULTS.finditer(text) for name in VALUE.findall(match.group(1))]
    return list(dict.fromkeys(names + ARGUMENT.findall(text)))


def without_comments(text: str) -> str:
    return re.sub(r"//.*$", "", text, flags=re.MULTILINE)


@dataclass
class Function:
    """Op statements as the body of a function whose types are found by asking the parser."""

    tools: Tools
    arguments: dict[str, str] = field(default_factory=dict)
    returned: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tools: Tools, body: str) -> Function:
        """The function around `body`, with all types known."""
        code = without_comments(body)
        names = defined(code)
        results = [n for m in RESULTS.finditer(code) for n in VALUE.findall(m.group(1))]
        used = [name for name in dict.fromkeys(VALUE.findall(code)) if name not in names]
        once = [name for name in results if len(re.findall(re.escape(name) + r"(?![\w$.\-])", code)) == 1]
        function = cls(tools, dict.fromkeys(used, UNKNOWN), dict.fromkeys(once, UNKNOWN))
        for _ in range(len(used) + len(once) + 1):
            status, _, errors = tools.run(function.wrap(body))
            wrong = WRONG_TYPE.search(errors) if status else None
            if wrong is None:
                break
            name, here, prior = wrong.groups()
            if name in function.returned:
                function.returned[name] = prior
            elif function.arguments.get(name) == UNKNOWN:
                function.arguments[name] = here
            else:
                break
        return function

    def wrap(self, body: str) -> str:
        arguments = ", ".join(f"{name}: {type_}" for name, type_ in self.arguments.items())
        types = ", ".join(self.returned.values())
        values = f"{', '.join(self.returned)} : {types}" if self.returned else ""
        return f"func.func @f({arguments}) -> ({types}) {{\n{body}\nreturn {values}\n}}\n"


def as_module(tools: Tools, text: str) -> tuple[str, Function | None]:
    """The example as a module, and the function around it if one was made."""
    code = without_comments(text).strip()
    if TOP_LEVEL.search(code):
        return text, None
    if code.startswith("#"):
        return f"module attributes {{example.attribute = {code}}} {{}}\n", None
    if "%" not in code and re.match(r"!|\w+<", code):
        return f"func.func private @f({code})\n", None
    function = Function.of(tools, text)
    return function.wrap(text), function


def canonical(tools: Tools, text: str, what: str) -> str:
    """The module as awq-opt prints it, after a round trip through text and through bytecode."""
    status, printed, errors = tools.run(text)
    if status:
        raise ExampleError(f"{what} is not valid:\n{errors}{text}")
    status, again, errors = tools.run(printed)
    if status or again != printed:
        raise ExampleError(f"{what} changes when it is printed and parsed:\n{errors}{again.decode()}")
    status, binary, errors = tools.run(text, "--emit-bytecode")
    if status == 0:
        status, again, errors = tools.run(binary)
    if status or again != printed:
        raise ExampleError(f"{what} changes in bytecode:\n{errors}{again.decode(errors='replace')}")
    return printed.decode()


def excerpt_pattern(text: str) -> re.Pattern[str]:
    """The lines in their order, "..." for anything on a line, each name for one value or alias."""
    groups: dict[str, str] = {}
    lines = []
    for line in without_comments(text).splitlines():
        pattern = ""
        for token in re.findall(rf"{VALUE.pattern}|{ALIAS.pattern}|\.\.\.|\s+|.", line.strip()):
            if token == "...":
                pattern += ".*"
            elif token.isspace():
                pattern += r"\s+"
            elif token in groups:
                pattern += rf"(?P={groups[token]})(?![\w#])"
            elif VALUE.fullmatch(token) or ALIAS.fullmatch(token):
                groups[token] = f"v{len(groups)}"
                pattern += rf"(?P<{groups[token]}>{token[0]}[\w#]+)"
            else:
                pattern += re.escape(token)
        if pattern:
            lines.append(pattern)
    return re.compile(r"[\s\S]*?".join(lines))


def check_pass(tools: Tools, subject: Subject, options: str, block: str) -> None:
    flag = f"--{subject.name}={options}" if options else f"--{subject.name}"
    parts = BECOMES.split(block)
    if len(parts) > 2:
        raise ExampleError("it has several lines that begin with '// becomes'")
    before, function = as_module(tools, parts[0])
    canonical(tools, before, "it")
    status, output, errors = tools.run(before, flag)
    if wanted := ERROR.search(block):
        if status == 0 or wanted.group(1).strip() not in errors:
            raise ExampleError(f"{flag} does not fail with '{wanted.group(1)}':\n{errors}")
        return
    if status:
        raise ExampleError(f"{flag} fails on it:\n{errors}{before}")
    if len(parts) == 1:
        raise ExampleError("it shows no result: a line '// becomes' and what the pass makes of it")
    printed = output.decode()
    if "..." in parts[1]:
        if not excerpt_pattern(parts[1]).search(printed):
            raise ExampleError(f"{flag} does not make the lines shown; it makes\n{printed}")
        return
    after = canonical(tools, function.wrap(parts[1]) if function else parts[1], "its result")
    if after != printed:
        raise ExampleError(f"{flag} makes\n{printed}and not\n{after}")


def check_subject(tools: Tools, subject: Subject) -> tuple[int, list[str]]:
    """The number of examples, and what is wrong with them."""
    problems = []
    if FOREIGN in subject.description:
        tools = replace(tools, flags=(FOREIGN,))
    blocks = list(BLOCK.finditer(subject.description))
    if not blocks and subject.kind in {"op", "pass"}:
        return 0, [f"{subject}: its description has no example"]
    for block in blocks:
        text = dedent(block.group(1))
        before = subject.description[: block.start()].rsplit("```", 1)[-1]
        options = re.search(re.escape(subject.name) + r"\{([^`]*)\}`", before)
        try:
            if subject.kind == "pass":
                check_pass(tools, subject, options.group(1) if options else "", text)
            else:
                canonical(tools, as_module(tools, text)[0], "it")
                if subject.kind == "op" and subject.name not in text:
                    raise ExampleError("the op is not in it")
        except ExampleError as error:
            problems.append(f"{subject}: an example is wrong: {error}")
    return len(blocks), problems


def check(tools: Tools, files: list[Path]) -> tuple[dict[str, int], list[str]]:
    """How many subjects of each kind and how many examples there are, and all problems."""
    found = subjects(tools, files)
    counts = {"examples": 0}
    problems: list[str] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for subject, (number, wrong) in zip(found, pool.map(lambda s: check_subject(tools, s), found), strict=True):
            counts[subject.kind] = counts.get(subject.kind, 0) + 1
            counts["examples"] += number
            problems += wrong
    return counts, problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", help="default: all of include/awq")
    parser.add_argument("--awq-opt", type=Path, default=ROOT / "build" / "bin" / "awq-opt")
    parser.add_argument("--llvm", type=Path, default=Path("/usr/lib/llvm-22"), help="where LLVM is installed")
    arguments = parser.parse_args()
    tools = Tools(
        arguments.awq_opt.resolve(),
        arguments.llvm / "bin" / "llvm-tblgen",
        (ROOT / "include", arguments.llvm / "include"),
    )
    for tool, remedy in ((tools.opt, "build the target awq-opt"), (tools.tblgen, "give --llvm")):
        if not os.access(tool, os.X_OK):
            parser.error(f"{tool} cannot be run: {remedy}")
    files = [file.resolve() for file in arguments.files] or sorted((ROOT / "include" / "awq").rglob("*.td"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # an example must not find or leave files
        counts, problems = check(tools, files)
    for problem in problems:
        print(problem)
    print(", ".join(f"{number} {kind}" for kind, number in counts.items()) + f", {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
