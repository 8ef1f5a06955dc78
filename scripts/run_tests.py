#!/usr/bin/env python3
"""Runs every test: lit, gtest by ctest, pytest. The last line is "N passed, N failed".

Failures are shown as they come; the exit code is 1 if there is any. A suite that cannot run, or
that runs no test, counts as a failure.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_FOLDER = Path(sys.prefix) / "bin"
LIT_FAILURES = {"FAIL", "XPASS", "UNRESOLVED", "TIMEOUT"}


@dataclass
class Count:
    """The outcome of a suite."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


def count_junit(report: Path) -> Count:
    """Counts a JUnit file: a test case with a failure or an error failed."""
    count = Count()
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            count.failed += 1
        elif "skipped" in kinds or case.get("status") in {"disabled", "notrun"}:
            count.skipped += 1
        else:
            count.passed += 1
    return count


def count_lit(report: Path) -> Count:
    count = Count()
    for test in json.loads(report.read_text(encoding="utf8"))["tests"]:
        if test["code"] in LIT_FAILURES:
            count.failed += 1
        elif test["code"] in {"PASS", "XFAIL", "FLAKYPASS"}:
            count.passed += 1
        else:
            count.skipped += 1
    return count


def finish(count: Count, status: int) -> Count:
    """A suite that broke, or ran nothing, must not look passed."""
    if (status != 0 and count.failed == 0) or count.passed + count.failed == 0:
        count.failed += 1
    return count


def run_lit(build: Path, jobs: int, scratch: Path) -> Count:
    report = scratch / "lit.json"
    lit = [str(PYTHON_FOLDER / "lit"), "-s", "-v", f"-j{jobs}", f"-Dbuild={build}", "--output", str(report)]
    status = subprocess.run([*lit, str(ROOT / "test")], cwd=ROOT, check=False).returncode
    return finish(count_lit(report) if report.exists() else Count(), status)


def run_ctest(build: Path, jobs: int, scratch: Path) -> Count:
    """GoogleTest programs count by their cases; one that crashed, or is none, counts as one test."""
    report, cases = scratch / "ctest.xml", scratch / "cases"
    environment = dict(os.environ, GTEST_OUTPUT=f"xml:{cases}/")
    command = ["ctest", "--test-dir", str(build), "--output-on-failure", f"-j{jobs}", "--output-junit", str(report)]
    done = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, encoding="utf8", errors="replace", env=environment
    )
    if done.returncode:
        print(done.stdout + done.stderr)
    count = Count()
    for program in ElementTree.parse(report).iter("testcase") if report.exists() else ():
        found = cases / f"{program.get('name')}.xml"
        status = program.get("status")
        one = count_junit(found) if found.exists() else Count(passed=int(status == "run"))
        if status not in {"run", "disabled"} and one.failed == 0:
            one.failed = 1
        count.passed, count.failed = count.passed + one.passed, count.failed + one.failed
        count.skipped += one.skipped
    return finish(count, done.returncode)


def run_pytest(build: Path, jobs: int, scratch: Path) -> Count:
    report = scratch / "pytest.xml"
    # The tests import the package from the source tree and use the tools of this build.
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "python"), AWQ_MLIR_BIN=str(build / "bin"))
    command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}"]
    # A file's tests share what its fixtures make. conftest.py puts files in order.
    command += ["-n", str(jobs), "--dist", "loadfile", "--no-loadscope-reorder"]
    status = subprocess.run(command, cwd=ROOT, check=False, env=environment).returncode
    return finish(count_junit(report) if report.exists() else Count(), status)


SUITES = {"lit": run_lit, "ctest": run_ctest, "pytest": run_pytest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="the build folder (default: build)")
    parser.add_argument("--only", default=",".join(SUITES), help="suites to run (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    unknown = [name for name in chosen if name not in SUITES]
    if unknown:
        parser.error(f"no suite {unknown[0]}; there are {', '.join(SUITES)}")
    total = Count()
    for name in chosen:
        print(f"== {name}", flush=True)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            count = SUITES[name](arguments.build.resolve(), arguments.jobs, Path(scratch))
        seconds = time.monotonic() - begun
        print(
            f"== {name}: {count.passed} ok, {count.failed} bad, {count.skipped} left out, {seconds:.0f} s", flush=True
        )
        total.passed += count.passed
        total.failed += count.failed
    print(f"{total.passed} passed, {total.failed} failed")
    sys.exit(total.failed > 0)


if __name__ == "__main__":
    main()
