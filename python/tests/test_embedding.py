"""Compilers that embed this one: the example is built on an installed package, and the page shows it.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from awq_mlir.toolchain import find_program

ROOT = Path(__file__).resolve().parents[2]
# A block of the page, and the file that it is taken from.
BLOCK = re.compile(r"^<!-- from (\S+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def call(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, encoding="utf8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the build is installed, far from its sources."""
    folder = tmp_path_factory.mktemp("installed")
    call("cmake", "--install", find_program("awq-compile").parent.parent, "--prefix", folder)
    return folder


def build(example: str, prefix: Path, folder: Path) -> Path:
    """A copy of an example, so that nothing of this tree is found beside it, built on the package."""
    project = folder / example
    shutil.copytree(ROOT / "examples" / example, project)
    call("cmake", "-G", "Ninja", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}", ".", cwd=project)
    call("cmake", "--build", "build", cwd=project)
    return project


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module with weights and statistics of its own."""
    call(sys.executable, ROOT / "test" / "Plugin" / "Inputs" / "make_module.py", "attribute", tmp_path)
    return tmp_path / "module.mlir"


@pytest.mark.tools
def test_a_foreign_compiler_embeds_the_package(prefix: Path, tmp_path: Path) -> None:
    toy = build("embed", prefix, tmp_path)
    tested = call(Path(sys.prefix) / "bin" / "lit", "-v", f"-Dtoy={toy / 'build'}", toy / "test")
    assert re.search(r"Passed *: *2 ", tested), tested


@pytest.mark.tools
def test_a_c_program_compiles_in_its_own_process(prefix: Path, module: Path, tmp_path: Path) -> None:
    program = build("capi", prefix, tmp_path) / "build" / "quantize"
    call(program, module, tmp_path / "quantized.mlir")
    assert (tmp_path / "quantized.mlir").read_text(encoding="utf8").count("awq.quantized_linear") == 2
    failed = subprocess.run([program, "nowhere", tmp_path / "x"], capture_output=True, encoding="utf8", check=False)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error AWQ1512: no such input\n  where: nowhere\n  help: ")


@pytest.mark.tools
def test_the_plug_in_works_where_it_is_installed(prefix: Path, module: Path) -> None:
    text = call(ROOT / "examples" / "plugin" / "quantize.sh", prefix, module)
    assert text.count("awq.quantized_linear") == 2
    assert "awq.scale_channels" in text


def test_the_page_shows_the_tested_files() -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "Embedding.md").read_text(encoding="utf8"))
    assert len(blocks) >= 6
    for name, text in blocks:
        assert f"\n{text}" in "\n" + (ROOT / name).read_text(encoding="utf8"), f"not in {name}:\n{text}"
