"""The verb eval: loads what evaluation needs and shows how far it has come.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from awq_mlir import hugging_face as hf
from awq_mlir.compile_model import as_bundle
from awq_mlir.errors import AwqError, Kind
from awq_mlir.evaluate import evaluate, read_text
from awq_mlir.runtime import Model, Session


def judge(
    model: Path, text: Path, ctx: int, windows: int, reference: Path | None, threads: int = 0, quiet: bool = False
) -> dict[str, Any]:
    """Evaluates bundles or model folders on a text file."""
    content = read_text(text)
    with ExitStack() as stack:
        folder = stack.enter_context(as_bundle(model))
        tokenizer = hf.load_tokenizer(folder)
        ids = tokenizer.encode(content, add_special_tokens=False).ids
        session = _open(stack, folder, ctx, threads)
        other = None
        if reference is not None:
            reference_folder = stack.enter_context(as_bundle(reference))
            if hf.load_tokenizer(reference_folder).get_vocab() != tokenizer.get_vocab():
                raise AwqError(
                    Kind.USAGE,
                    "AWQ1652",
                    "model and reference have different tokenizers",
                    f"{model}, {reference}",
                    "give as --reference the float model that MODEL was made of",
                )
            other = _open(stack, reference_folder, ctx, threads)
        on_window = None if quiet or not sys.stderr.isatty() else _show
        facts = evaluate(session, other, ids, ctx, windows, on_window)
    if facts["windows"] < windows:
        print(f"note: the text fills {facts['windows']} of {windows} windows", file=sys.stderr)
    return {"model": str(model), "reference": str(reference) if reference else None, "text": str(text), **facts}


def _open(stack: ExitStack, folder: Path, ctx: int, threads: int) -> Session:
    model = stack.enter_context(Model(folder))
    if ctx > model.max_positions:
        raise AwqError(
            Kind.USAGE,
            "AWQ1651",
            f"--ctx {ctx} is more than the model's {model.max_positions} positions",
            str(folder),
            f"give --ctx {model.max_positions} or less",
        )
    return stack.enter_context(model.session(ctx, threads))


def _show(done: int, count: int) -> None:
    print(f"\rwindow {done} of {count}", end="\n" if done == count else "", file=sys.stderr, flush=True)
