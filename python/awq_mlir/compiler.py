"""The compiler library through ctypes: models are loaded, lowered, quantized and written in this process.

    with Compiler(method="rtn", group_size=32) as compiler, compiler.load("SmolLM2-135M") as model:
        model.write_checkpoint("SmolLM2-135M-w4")

Options are those of the library (see `options()`), written with underscores. A failed call raises an
AwqError with the library's code, place and remedy, and changes nothing.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from awq_mlir.errors import AwqError, Kind
from awq_mlir.toolchain import find_library

ABI_VERSION = 1
LIBRARY = "libAWQCompiler.so"

Value = str | bool | int | float | Iterable[str] | os.PathLike[str]
PathName = str | os.PathLike[str]

_Handle = ctypes.c_void_p
_Out = ctypes.POINTER(_Handle)
_Text = ctypes.c_char_p
_OnDiagnostic = ctypes.CFUNCTYPE(None, ctypes.c_int32, _Text, _Text, _Text, _Text, ctypes.c_void_p)
_OnEvent = ctypes.CFUNCTYPE(None, _Text, ctypes.c_void_p)

# Name, result, arguments; as include/awq-c/Compiler.h declares them.
_FUNCTIONS: list[tuple[str, Any, list[Any]]] = [
    ("awqCompilerAbiVersion", ctypes.c_int32, []),
    ("awqCompilerVersion", _Text, []),
    ("awqCompilerLastError", _Text, []),
    ("awqCompilerOptions", _Text, []),
    ("awqCompilerPhases", _Text, []),
    ("awqCompilerCreate", ctypes.c_int, [_Out]),
    ("awqCompilerDestroy", None, [_Handle]),
    ("awqCompilerSetDiagnosticCallback", ctypes.c_int, [_Handle, _OnDiagnostic, ctypes.c_void_p]),
    ("awqCompilerSetEventCallback", ctypes.c_int, [_Handle, _OnEvent, ctypes.c_void_p]),
    ("awqCompilerSetOption", ctypes.c_int, [_Handle, _Text, _Text]),
    ("awqModuleLoad", ctypes.c_int, [_Handle, _Text, _Out]),
    ("awqModuleParse", ctypes.c_int, [_Handle, ctypes.c_char_p, ctypes.c_uint64, _Text, _Out]),
    ("awqModuleDestroy", None, [_Handle]),
    ("awqModuleRunToPhase", ctypes.c_int, [_Handle, _Text]),
    ("awqModuleRunPasses", ctypes.c_int, [_Handle, _Text]),
    ("awqModuleGetText", ctypes.c_int, [_Handle, _Out]),
    ("awqModuleGetBytecode", ctypes.c_int, [_Handle, _Out]),
    ("awqModuleWriteBundle", ctypes.c_int, [_Handle, _Text]),
    ("awqModuleWriteCheckpoint", ctypes.c_int, [_Handle, _Text]),
    ("awqModuleWriteKernels", ctypes.c_int, [_Handle, _Text]),
    ("awqBufferData", ctypes.c_void_p, [_Handle]),
    ("awqBufferSize", ctypes.c_uint64, [_Handle]),
    ("awqBufferDestroy", None, [_Handle]),
]

# As awqCompilerLastError() writes an error.
_ERROR = re.compile(r"error\[(\w+)\]: (.*?)(?:\n  where: (.*?))?(?:\n  help: (.*))?", re.DOTALL)


class Severity(IntEnum):
    """How grave a diagnostic is."""

    NOTE = 0
    REMARK = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True)
class Diagnostic:
    """What the compiler says. `code` is empty for remarks, warnings and notes of passes."""

    severity: Severity
    code: str
    message: str
    where: str
    help: str


OnDiagnostic = Callable[[Diagnostic], None]
OnEvent = Callable[[Mapping[str, Any]], None]


@functools.cache
def load_library(path: Path | None = None) -> ctypes.CDLL:
    """The library, with the types of its functions set."""
    path = path or find_library(LIBRARY)
    try:
        library = ctypes.CDLL(str(path))
        for name, result, arguments in _FUNCTIONS:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise AwqError(
            Kind.RESOURCES, "AWQ1674", f"the compiler library cannot be used: {error}", str(path), "run `make build`"
        ) from None
    found = library.awqCompilerAbiVersion()
    if found != ABI_VERSION:
        raise AwqError(
            Kind.UNSUPPORTED,
            "AWQ1674",
            f"the compiler library has interface version {found}, this package needs {ABI_VERSION}",
            str(path),
            "install package and library of one release",
        )
    return library


def version() -> str:
    """The release of the library."""
    return str(load_library().awqCompilerVersion().decode())


def options() -> list[dict[str, str]]:
    """Name, type, default and meaning of each option."""
    described: list[dict[str, str]] = json.loads(load_library().awqCompilerOptions())
    return described


def phases() -> list[str]:
    """The phases of lowering for the CPU, in their order."""
    return str(load_library().awqCompilerPhases().decode()).split(", ")


def _spell(value: Value) -> str:
    """An option's value as the library reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return ",".join(value)


def _parse_error(text: str) -> Diagnostic:
    """The parts of an error that came before there was a callback."""
    found = _ERROR.fullmatch(text.rstrip())
    code, message, where, remedy = found.groups("") if found else ("", text, "", "")
    return Diagnostic(Severity.ERROR, code, message, where, remedy)


class Compiler:
    """Options, and what all modules of one origin share. One thread at a time."""

    def __init__(
        self, *, on_diagnostic: OnDiagnostic | None = None, on_event: OnEvent | None = None, **options: Value
    ) -> None:
        self._library = load_library()
        self._handle = _Handle()
        self._last_error: Diagnostic | None = None
        self._raised: Exception | None = None
        self.check(self._library.awqCompilerCreate(ctypes.byref(self._handle)))
        # Kept here: the library calls them as long as a module lives.
        self._on_diagnostic = _OnDiagnostic(functools.partial(self._diagnostic, on_diagnostic))
        self._on_event = _OnEvent(functools.partial(self._event, on_event))
        self._library.awqCompilerSetDiagnosticCallback(self._handle, self._on_diagnostic, None)
        if on_event:
            self._library.awqCompilerSetEventCallback(self._handle, self._on_event, None)
        self.set(**options)

    def set(self, **options: Value) -> None:
        """Sets options by their names, with underscores for hyphens."""
        for name, value in options.items():
            spelled = name.replace("_", "-").encode()
            self.check(self._library.awqCompilerSetOption(self._open(), spelled, _spell(value).encode()))

    def load(self, path: PathName) -> Module:
        """A Hugging Face folder, a file of MLIR as text or bytecode, or an .onnx file."""
        handle = _Handle()
        self.check(self._library.awqModuleLoad(self._open(), os.fsencode(path), ctypes.byref(handle)))
        return Module(self, handle)

    def parse(self, source: str | bytes, name: str = "memory") -> Module:
        """MLIR as text or bytecode; `name` stands for it in diagnostics."""
        data = source.encode() if isinstance(source, str) else source
        handle = _Handle()
        self.check(self._library.awqModuleParse(self._open(), data, len(data), name.encode(), ctypes.byref(handle)))
        return Module(self, handle)

    def check(self, status: int) -> None:
        """Raises what a callback raised, or the error of a failed call."""
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        if status == 0:
            return
        kind = Kind(status) if status in set(Kind) else Kind.INTERNAL
        error, self._last_error = self._last_error, None
        if error is None:
            error = _parse_error(self._library.awqCompilerLastError().decode("utf8", "replace"))
        raise AwqError(kind, error.code, error.message, error.where, error.help)

    def _open(self) -> _Handle:
        if not self._handle:
            raise ValueError("this compiler is closed")
        return self._handle

    def _diagnostic(
        self,
        callback: OnDiagnostic | None,
        severity: int,
        code: bytes,
        message: bytes,
        where: bytes,
        remedy: bytes,
        _: object,
    ) -> None:
        texts = [text.decode("utf8", "replace") for text in (code, message, where, remedy)]
        diagnostic = Diagnostic(Severity(severity), *texts)
        if diagnostic.severity is Severity.ERROR:
            self._last_error = diagnostic
        self._call(callback, diagnostic)

    def _event(self, callback: OnEvent | None, event: bytes, _: object) -> None:
        self._call(callback, json.loads(event))

    def _call(self, callback: Callable[[Any], None] | None, argument: object) -> None:
        """An exception cannot pass through C: the first one is raised when the call is over."""
        try:
            if callback is not None:
                callback(argument)
        except Exception as error:
            self._raised = self._raised or error

    def close(self) -> None:
        """Gives the compiler back. Its modules stay usable."""
        if self._handle:
            self._library.awqCompilerDestroy(self._handle)
            self._handle = _Handle()

    def __enter__(self) -> Compiler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Module:
    """One model as IR, made by Compiler.load() or Compiler.parse()."""

    def __init__(self, compiler: Compiler, handle: _Handle) -> None:
        self._compiler = compiler
        self._library = compiler._library
        self._handle = handle

    def run_to(self, phase: str) -> None:
        """Lowers the module for the CPU up to a phase (see phases())."""
        self._compiler.check(self._library.awqModuleRunToPhase(self._open(), phase.encode()))

    def run_passes(self, passes: str) -> None:
        """Runs passes and pipelines: "awq-quantize-pipeline{group=32},canonicalize"."""
        self._compiler.check(self._library.awqModuleRunPasses(self._open(), passes.encode()))

    def text(self) -> str:
        """The module as text."""
        return self._get("awqModuleGetText").decode()

    def bytecode(self) -> bytes:
        """The module as bytecode, which later releases read, too."""
        return self._get("awqModuleGetBytecode")

    def write_bundle(self, output: PathName) -> None:
        """Compiles the model into a folder that awq_mlir.runtime loads."""
        self._write("awqModuleWriteBundle", output)

    def write_checkpoint(self, output: PathName) -> None:
        """Quantizes the model into a Hugging Face folder in AutoAWQ's format."""
        self._write("awqModuleWriteCheckpoint", output)

    def write_kernels(self, output: PathName) -> None:
        """Compiles the quantized linears for a GPU into a folder."""
        self._write("awqModuleWriteKernels", output)

    def _open(self) -> _Handle:
        if not self._handle:
            raise ValueError("this module is closed")
        return self._handle

    def _get(self, function: str) -> bytes:
        buffer = _Handle()
        self._compiler.check(getattr(self._library, function)(self._open(), ctypes.byref(buffer)))
        try:
            return ctypes.string_at(self._library.awqBufferData(buffer), self._library.awqBufferSize(buffer))
        finally:
            self._library.awqBufferDestroy(buffer)

    def _write(self, function: str, output: PathName) -> None:
        self._compiler.check(getattr(self._library, function)(self._open(), os.fsencode(output)))

    def close(self) -> None:
        """Gives the module back."""
        if self._handle:
            self._library.awqModuleDestroy(self._handle)
            self._handle = _Handle()

    def __enter__(self) -> Module:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
