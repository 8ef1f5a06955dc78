"""Input paths with did-you-mean, and output folders that appear whole or not at all.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import difflib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from awq_mlir.errors import AwqError, Kind


def did_you_mean(word: str, choices: list[str]) -> str:
    """' did you mean ...?', or nothing if no choice is close."""
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


def require(path: Path, what: str) -> Path:
    """The path, or an error with the closest name that does exist."""
    if path.exists():
        return path
    hint = f"give the path of an existing {what}"
    for folder in (path.parent, *path.parents):
        if folder.is_dir():
            # The first component that does not exist is the one that was misspelt.
            missing = path.relative_to(folder).parts[0] if path.is_relative_to(folder) else path.name
            try:
                suggestion = did_you_mean(missing, [entry.name for entry in folder.iterdir()])
            except OSError:
                suggestion = ""
            if suggestion:
                rest = path.relative_to(folder).parts[1:]
                close = suggestion.removeprefix("did you mean ").removesuffix("?")
                hint = f"did you mean {folder.joinpath(close, *rest)}?"
            break
    raise AwqError(Kind.USAGE, "AWQ1001", f"no {what} at this path", str(path), hint)


def require_folder(path: Path, what: str) -> Path:
    if not require(path, what).is_dir():
        raise AwqError(
            Kind.USAGE, "AWQ1641", f"a {what} is expected here, this is a file", str(path), "give the folder"
        )
    return path


def system_error(error: OSError, where: Path) -> AwqError:
    """An error of the operating system (disk full, no permission) in words."""
    help_text = {
        "ENOSPC": "free some space there, or choose another disk with -o",
        "EDQUOT": "your quota is used up; choose another disk with -o",
        "EACCES": "you may not write there; choose another place with -o",
        "EROFS": "that file system is read-only; choose another place with -o",
    }.get(_errno_name(error), "check the path and the disk")
    code = "AWQ1041" if _errno_name(error) in {"ENOSPC", "EDQUOT"} else "AWQ1040"
    return AwqError(Kind.RESOURCES, code, error.strerror or str(error), str(error.filename or where), help_text)


def _errno_name(error: OSError) -> str:
    import errno

    return errno.errorcode.get(error.errno or 0, "")


class OutputFolder:
    """A folder that is made under a hidden name beside its place and renamed when it is whole.

    Use as a context manager: fill `result`, then call commit(). Without commit() nothing is left.
    What a killed run has left is removed by the next one that writes to the same place.
    """

    def __init__(self, out: Path, force: bool, inputs: list[Path]) -> None:
        self.out = Path(os.path.abspath(out))  # noqa: PTH100 (resolve() would follow a link at the place itself)
        self.force = force
        self.inputs = [path.resolve() for path in inputs]
        self._workspace: Path | None = None
        self._lock = -1

    @property
    def result(self) -> Path:
        """Where to make the folder."""
        assert self._workspace is not None
        return self._workspace / "result"

    def check(self) -> None:
        """Refuses a place that is taken, before any work is done."""
        for source in self.inputs:
            if self.out.resolve() == source or self.out.resolve() in source.parents:
                raise AwqError(
                    Kind.USAGE, "AWQ1046", "the output would replace the input", str(self.out), "choose another -o"
                )
        if not self.out.exists() or (self.out.is_dir() and not any(self.out.iterdir())):
            return
        ours = any((self.out / name).is_file() for name in ("config.json", "manifest.json", "model.onnx"))
        if self.force and self.out.is_dir() and ours:
            return
        help_text = "choose another -o, or give --force to replace it"
        if self.force:
            help_text = "--force replaces a model or a bundle only; choose another -o"
        raise AwqError(Kind.USAGE, "AWQ1045", "the output exists and is not empty", str(self.out), help_text)

    def __enter__(self) -> OutputFolder:
        self.check()
        prefix = f".{self.out.name}.partial-"
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            for stale in self.out.parent.glob(f"{prefix}*"):
                _remove_if_unused(stale)
            self._workspace = Path(tempfile.mkdtemp(prefix=prefix, dir=self.out.parent))
            self._lock = os.open(self._workspace, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise system_error(error, self.out) from error
        return self

    def commit(self) -> None:
        """Puts the finished folder into its place."""
        assert self._workspace is not None
        self.check()
        _sync(self.result)
        if self.out.exists():
            self.out.rename(self._workspace / "replaced")
        self.result.rename(self.out)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._workspace is not None:
            shutil.rmtree(self._workspace, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
        if isinstance(error, OSError) and not isinstance(error, AwqError):
            raise system_error(error, self.out) from error


def _remove_if_unused(folder: Path) -> None:
    """Removes a workspace unless a live process holds its lock."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    """Writes a folder's files through to the disk, so that a rename never outruns its contents."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
