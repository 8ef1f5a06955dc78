"""The checkers of the source tree find what they look for, and the tree passes them.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]


@pytest.mark.parametrize(
    ("path", "included", "wrong"),
    [
        ("lib/IO/A.cpp", "awq/Support/Error.h", False),
        ("lib/Support/A.cpp", "awq/IO/Json.h", True),
        ("include/awq/IO/A.h", "llvm/ADT/StringRef.h", True),
        ("lib/Calibration/A.cpp", "awq/Dialect/AWQ/IR/AWQ.h", False),
        ("lib/Calibration/A.cpp", "mlir/IR/Operation.h", True),
        ("lib/Dialect/AWQ/Utils/A.cpp", "awq/Dialect/AWQ/IR/AWQ.h", True),
        ("lib/Dialect/AWQ/IR/A.cpp", "awq/Dialect/AWQ/Utils/Packing.h", False),
        ("lib/Dialect/Decoder/IR/A.cpp", "awq/Dialect/AWQ/IR/AWQ.h", False),
        ("lib/Dialect/AWQ/IR/A.cpp", "awq/Dialect/AWQ/Transforms/Passes.h", True),
        ("lib/Dialect/AWQ/Transforms/A.cpp", "awq/Conversion/Passes.h", True),
        ("lib/Conversion/AWQToCPU/A.cpp", "awq/Dialect/AWQ/Transforms/Passes.h", False),
        ("lib/Conversion/AWQToCPU/A.cpp", "awq/Pipelines/Pipelines.h", True),
        ("lib/Pipelines/A.cpp", "awq/Target/HuggingFace/Import.h", False),
        ("lib/Target/AutoAWQ/A.cpp", "awq/Pipelines/Pipelines.h", True),
        ("lib/ExecutionEngine/Runtime/A.cpp", "awq/Dialect/AWQ/Utils/Packing.h", True),
        ("lib/ExecutionEngine/Runtime/A.cpp", "llvm/ADT/StringRef.h", True),
        ("lib/ExecutionEngine/Runtime/A.cpp", "awq-c/Runtime.h", False),
        ("lib/ExecutionEngine/JIT/A.cpp", "awq/Conversion/Passes.h", False),
        ("lib/Conversion/AWQToCPU/A.cpp", "awq/InitAllPasses.h", True),
        ("tools/awq-opt/awq-opt.cpp", "awq/InitAllPasses.h", False),
    ],
)
def test_includes(tmp_path: Path, load_script: Load, path: str, included: str, wrong: bool) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(f'// comment\n#include "{included}"\n#include <vector>\n')
    found = load_script("check_includes").check(tmp_path)
    assert len(found) == int(wrong)
    if wrong:
        assert found[0].startswith(f"{path}:2: include of {included}")


def test_the_tree_has_no_wrong_include(root: Path, load_script: Load) -> None:
    assert load_script("check_includes").check(root) == []


PASSES = """
def FooPass : Pass<"awq-foo"> { let summary = "s"; let description = [{d}]; }
def BarPass : Pass<"awq-foo-bar", "::mlir::ModuleOp"> {
  let summary = "s";
}
"""


def test_pass_flags_need_a_run_line_and_a_description(tmp_path: Path, load_script: Load) -> None:
    checker = load_script("check_pass_flags")
    for folder in ("include", "lib", "test/Dialect"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "include" / "Passes.td").write_text(PASSES)
    test = tmp_path / "test" / "Dialect" / "bar.mlir"
    test.write_text("// RUN: awq-opt --awq-foo-bar %s | FileCheck %s\n// awq-foo is only mentioned\n")
    flags, problems = checker.check(tmp_path)
    assert [flag.name for flag in flags] == ["awq-foo", "awq-foo-bar"]
    assert problems == [
        "include/Passes.td: FooPass: no RUN line under test/ has the flag awq-foo",
        "include/Passes.td: BarPass: the pass awq-foo-bar lacks a summary or a description",
    ]
    test.write_text("// RUN: awq-opt --awq-foo-bar %s \\\n// RUN:   --pass-pipeline='builtin.module(awq-foo)'\n")
    assert len(checker.check(tmp_path)[1]) == 1


def test_every_pass_flag_of_the_tree_is_tested(root: Path, load_script: Load) -> None:
    flags, problems = load_script("check_pass_flags").check(root)
    assert len(flags) >= 15
    assert problems == []


def test_counts_of_the_test_runner(tmp_path: Path, load_script: Load) -> None:
    runner = load_script("run_tests")
    report = tmp_path / "report.xml"
    cases = "<testcase/><testcase><failure/></testcase><testcase><skipped/></testcase><testcase status='notrun'/>"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    assert runner.count_junit(report) == runner.Count(passed=1, failed=1, skipped=2)
    codes = ["PASS", "XFAIL", "FAIL", "XPASS", "UNRESOLVED", "UNSUPPORTED"]
    (tmp_path / "lit.json").write_text(f'{{"tests": [{",".join(f"""{{"code": "{c}"}}""" for c in codes)}]}}')
    assert runner.count_lit(tmp_path / "lit.json") == runner.Count(passed=2, failed=3, skipped=1)
    assert runner.finish(runner.Count(), 0).failed == 1  # ran nothing
    assert runner.finish(runner.Count(passed=3), 1).failed == 1  # broke
    assert runner.finish(runner.Count(passed=3), 0).failed == 0
