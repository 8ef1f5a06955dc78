"""The C runtime through ctypes: bundles become models, models make logits.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import ctypes
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from awq_mlir.errors import AwqError, Kind, ToolError
from awq_mlir.toolchain import find_library

ABI_VERSION = 1

Logits = npt.NDArray[np.float32]
_Handle = ctypes.c_void_p
_Tokens = ctypes.POINTER(ctypes.c_int32)
_Floats = ctypes.POINTER(ctypes.c_float)

# Name, result, arguments; as include/awq-c/Runtime.h declares them.
_FUNCTIONS: list[tuple[str, Any, list[Any]]] = [
    ("awqRuntimeAbiVersion", ctypes.c_int32, []),
    ("awqRuntimeVersion", ctypes.c_char_p, []),
    ("awqLastError", ctypes.c_char_p, []),
    ("awqModelLoad", ctypes.c_int, [ctypes.c_char_p, ctypes.POINTER(_Handle)]),
    ("awqModelDestroy", None, [_Handle]),
    ("awqModelManifest", ctypes.c_char_p, [_Handle]),
    ("awqModelLoadReport", ctypes.c_char_p, [_Handle]),
    ("awqModelVocabSize", ctypes.c_int64, [_Handle]),
    ("awqSessionCreate", ctypes.c_int, [_Handle, ctypes.c_int64, ctypes.c_int32, ctypes.POINTER(_Handle)]),
    ("awqSessionDestroy", None, [_Handle]),
    ("awqSessionPosition", ctypes.c_int64, [_Handle]),
    ("awqSessionCapacity", ctypes.c_int64, [_Handle]),
    ("awqSessionReset", ctypes.c_int, [_Handle]),
    ("awqSessionTruncate", ctypes.c_int, [_Handle, ctypes.c_int64]),
    ("awqSessionForward", ctypes.c_int, [_Handle, _Tokens, ctypes.c_int64, _Floats, ctypes.c_int32]),
]


@functools.cache
def load_library(path: Path | None = None) -> ctypes.CDLL:
    path = path or find_library()
    try:
        library = ctypes.CDLL(str(path))
        for name, result, arguments in _FUNCTIONS:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise AwqError(
            Kind.RESOURCES, "AWQ1648", f"the runtime library cannot be used: {error}", str(path), "run `make build`"
        ) from None
    found = library.awqRuntimeAbiVersion()
    if found != ABI_VERSION:
        raise AwqError(
            Kind.UNSUPPORTED,
            "AWQ1648",
            f"the runtime library has interface version {found}, this command needs {ABI_VERSION}",
            str(path),
            "install command and library of one release",
        )
    return library


def _check(library: ctypes.CDLL, status: int) -> None:
    if status:
        text = library.awqLastError().decode("utf8", "replace").rstrip()
        kind = Kind(status) if status in set(Kind) else Kind.INTERNAL
        raise ToolError(kind, text)


class Model:
    """A loaded bundle. Use as a context manager, or call close()."""

    def __init__(self, bundle: Path) -> None:
        self._library = load_library()
        self._handle = _Handle()
        _check(self._library, self._library.awqModelLoad(str(bundle).encode(), ctypes.byref(self._handle)))
        self.manifest: dict[str, Any] = json.loads(self._library.awqModelManifest(self._handle))
        self.load_report: dict[str, Any] = json.loads(self._library.awqModelLoadReport(self._handle))
        self.vocab_size: int = self._library.awqModelVocabSize(self._handle)

    @property
    def max_positions(self) -> int:
        return int(self.manifest["model"]["max_position"])

    def session(self, capacity: int = 0, threads: int = 0) -> Session:
        """A sequence of at most `capacity` tokens (0: as many as the model can)."""
        return Session(self, capacity, threads)

    def close(self) -> None:
        if self._handle:
            self._library.awqModelDestroy(self._handle)
            self._handle = _Handle()

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Session:
    """One sequence of tokens on a model."""

    def __init__(self, model: Model, capacity: int, threads: int) -> None:
        self._library = model._library
        self._vocab_size = model.vocab_size
        self._handle = _Handle()
        _check(
            self._library,
            self._library.awqSessionCreate(model._handle, capacity, threads, ctypes.byref(self._handle)),
        )

    @property
    def position(self) -> int:
        return int(self._library.awqSessionPosition(self._handle))

    @property
    def capacity(self) -> int:
        return int(self._library.awqSessionCapacity(self._handle))

    def reset(self) -> None:
        _check(self._library, self._library.awqSessionReset(self._handle))

    def forward(self, tokens: Sequence[int] | npt.NDArray[np.int32]) -> Logits:
        """Appends tokens; the logits [V] after the last one."""
        return self._forward(tokens, False).reshape(-1)

    def forward_all(self, tokens: Sequence[int] | npt.NDArray[np.int32]) -> Logits:
        """Appends tokens; the logits [n, V] after each one."""
        return self._forward(tokens, True)

    def _forward(self, tokens: Sequence[int] | npt.NDArray[np.int32], all_rows: bool) -> Logits:
        ids = np.ascontiguousarray(tokens, dtype=np.int32)
        logits = np.empty((len(ids) if all_rows else 1, self._vocab_size), np.float32)
        status = self._library.awqSessionForward(
            self._handle, ids.ctypes.data_as(_Tokens), len(ids), logits.ctypes.data_as(_Floats), int(all_rows)
        )
        _check(self._library, status)
        return logits

    def close(self) -> None:
        if self._handle:
            self._library.awqSessionDestroy(self._handle)
            self._handle = _Handle()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
