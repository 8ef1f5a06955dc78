"""Output folders that appear whole or not at all, and paths with did-you-mean.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from awq_mlir.errors import AwqError, Kind
from awq_mlir.files import OutputFolder, require


def fill(folder: OutputFolder, content: str = "new") -> None:
    folder.result.mkdir()
    (folder.result / "config.json").write_text(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_committed_folder_is_there_and_nothing_else(tmp_path: Path) -> None:
    with OutputFolder(tmp_path / "deep" / "out", False, []) as folder:
        fill(folder)
        assert names(tmp_path / "deep") != ["out"]
        folder.commit()
    assert names(tmp_path / "deep") == ["out"]
    assert names(tmp_path / "deep" / "out") == ["config.json"]


def test_without_commit_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), OutputFolder(tmp_path / "out", False, []) as folder:
        fill(folder)
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_full_disk_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(AwqError) as error, OutputFolder(tmp_path / "out", False, []) as folder:
        fill(folder)
        raise OSError(errno.ENOSPC, "No space left on device")
    assert error.value.kind == Kind.RESOURCES
    assert "free some space" in error.value.help
    assert names(tmp_path) == []


def test_an_empty_folder_may_be_filled_a_full_one_not(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with OutputFolder(tmp_path / "out", False, []) as folder:
        fill(folder)
        folder.commit()
    with pytest.raises(AwqError) as error, OutputFolder(tmp_path / "out", False, []):
        pass
    assert (error.value.code, error.value.kind) == ("AWQ1045", Kind.USAGE)
    assert "--force" in error.value.help


def test_force_replaces_models_only(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text("old")
    with OutputFolder(tmp_path / "out", True, []) as folder:
        fill(folder)
        assert (tmp_path / "out" / "config.json").read_text() == "old"  # until it is finished
        folder.commit()
    assert (tmp_path / "out" / "config.json").read_text() == "new"
    assert names(tmp_path) == ["out"]
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("precious")
    with pytest.raises(AwqError), OutputFolder(tmp_path / "home", True, []):
        pass
    assert names(tmp_path / "home") == ["thesis.tex"]


def test_the_input_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a" / "model").mkdir(parents=True)
    (tmp_path / "a" / "model" / "config.json").write_text("{}")
    for out in (tmp_path / "a" / "model", tmp_path / "a"):
        with pytest.raises(AwqError) as error, OutputFolder(out, True, [tmp_path / "a" / "model"]):
            pass
        assert "input" in error.value.message


def test_leftovers_of_a_killed_run_are_removed_those_of_a_live_one_not(tmp_path: Path) -> None:
    (tmp_path / ".out.partial-dead").mkdir()
    with OutputFolder(tmp_path / "out", False, []):
        assert len(names(tmp_path)) == 1
        with OutputFolder(tmp_path / "out", False, []):
            assert len(names(tmp_path)) == 2
    assert names(tmp_path) == []


def test_a_misspelt_component_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "models" / "smollm2").mkdir(parents=True)
    with pytest.raises(AwqError) as error:
        require(tmp_path / "modles" / "smollm2", "model folder")
    assert error.value.help == f"did you mean {tmp_path / 'models' / 'smollm2'}?"
