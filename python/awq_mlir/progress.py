"""Draws the events of a running program: a bar on a terminal, plain lines elsewhere, or JSON lines.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Event = Mapping[str, Any]


class Style(StrEnum):
    """How progress is shown."""

    AUTO = "auto"
    PLAIN = "plain"
    JSONL = "jsonl"
    NONE = "none"


def megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def layer_line(event: Event) -> str:
    """One line on a finished layer: time, and the loss of its groups relative to plain rounding."""
    groups = event.get("groups") or []
    rounded = sum(float(group.get("guard_rtn") or 0.0) for group in groups)
    ours = sum(float(group.get("guard") or 0.0) for group in groups)
    accepted = sum(bool(group.get("accepted")) for group in groups)
    line = f"layer {event.get('index', 0) + 1}/{event.get('count', '?')}"
    if "seconds" in event:
        line += f"  {float(event['seconds']):.1f} s"
    if groups:
        line += f"  {accepted} of {len(groups)} groups scaled"
    if rounded > 0:
        line += f"  guard loss {ours / rounded:.3f} x RTN"
    if event.get("borrowed"):
        line += f"  {len(event['borrowed'])} experts got few tokens: judged on all"
    if event.get("resumed"):
        line += "  (from the interrupted run)"
    if event.get("rss_bytes"):
        line += f"  {megabytes(event['rss_bytes'])} in memory"
    return line


def event_line(event: Event) -> str | None:
    """The line that tells of an event, or nothing."""
    match event.get("event"):
        case "import":
            size = megabytes(float(event.get("bytes") or 0))
            return f"imported: {event.get('layers')} layers, {event.get('linears')} linears, {size} of weights"
        case "groups":
            reported = event.get("reported") or []
            return f"{event.get('count')} scaling groups found" + (f", {len(reported)} reported" if reported else "")
        case "layer":
            return layer_line(event)
        case "guard":
            verdict = "kept" if event.get("accepted") else "given up for plain rounding"
            ours, rounded = _number(event.get("kl_awq")), _number(event.get("kl_rtn"))
            return f"guard text: KL {ours} (plain rounding: {rounded}), {verdict}"
        case "written":
            return f"wrote {megabytes(float(event.get('bytes') or 0))}"
        case _:
            return None


def _number(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float | int) else "?"


class Reporter(Protocol):
    """Something that shows events and notes."""

    def event(self, event: Event) -> None: ...
    def note(self, text: str) -> None: ...
    def __enter__(self) -> Reporter: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Base:
    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace


class Silent(_Base):
    """Shows nothing."""

    def event(self, event: Event) -> None:
        del event

    def note(self, text: str) -> None:
        del text


class JsonLines(_Base):
    """Passes events on as they are, for programs that embed the command."""

    def event(self, event: Event) -> None:
        print(json.dumps(event, ensure_ascii=False), flush=True)

    def note(self, text: str) -> None:
        self.event({"event": "note", "text": text})


class Plain(_Base):
    """A line an event, for logs."""

    def event(self, event: Event) -> None:
        line = event_line(event)
        if line:
            print(line, flush=True)

    def note(self, text: str) -> None:
        print(text, flush=True)


class Bar(_Base):
    """A progress bar with the events' lines above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: Any = None
        self._started = time.monotonic()

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def event(self, event: Event) -> None:
        if event.get("event") == "layer":
            count = event.get("count")
            if self._task is None:
                self._task = self._progress.add_task("layers", total=count)
            self._progress.update(self._task, completed=event.get("index", 0) + 1)
        line = event_line(event)
        if line:
            self._progress.console.print(line, highlight=False)

    def note(self, text: str) -> None:
        self._progress.console.print(text, highlight=False)


def make_reporter(style: Style) -> Reporter:
    if style is Style.NONE:
        return Silent()
    if style is Style.JSONL:
        return JsonLines()
    if style is Style.PLAIN or not sys.stdout.isatty():
        return Plain()
    return Bar(Console())
