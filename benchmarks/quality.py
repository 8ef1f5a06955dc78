#!/usr/bin/env python3
"""Quality of the demo's model in 4 bits, with each step of the search left out, as JSON in benchmarks/results.

Every variant is quantized from the same calibration text, compiled, and compared with the float model on texts
that nothing was fitted to: perplexity, and the mean KL divergence of its distributions from the float model's.
Run by `make bench-quality` in build/venv, after the demo's inputs were made.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from awq_mlir import hugging_face as hf  # noqa: E402
from awq_mlir.calibration import read_documents  # noqa: E402
from awq_mlir.compile_model import compile_model  # noqa: E402
from awq_mlir.evaluate import evaluate_all, read_text  # noqa: E402
from awq_mlir.progress import Silent  # noqa: E402
from awq_mlir.quantize import Method, Settings, quantize  # noqa: E402
from awq_mlir.runtime import Model  # noqa: E402

MODEL = ROOT / "build" / "models" / "smollm2"
CORPORA = ROOT / "build" / "corpora"
CTX = 1024
FLOAT = "float"

Facts = dict[str, Any]

# What differs from the defaults.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "rtn": {"method": Method.RTN},
    "default": {},
    "no-shrinkage": {"shrinkage": 0.0},
    "no-refit": {"refit": False},
    "no-refine": {"refine": False},
    "no-clip": {"clip": False},
    "scales-only": {"clip": False, "refit": False, "refine": False, "shrinkage": 0.0},
    # Other draws of calibration text: every other document.
    "even-documents": {"documents": 0},
    "odd-documents": {"documents": 1},
    "rtn-3-bits": {"method": Method.RTN, "bits": 3},
    "default-3-bits": {"bits": 3},
}


def bundle_of(name: str, scratch: Path) -> Path:
    return scratch / f"{name}.bundle"


def every_other(text: Path, first: int, scratch: Path) -> Path:
    """A file with every other document of a text, from number `first` on; a single document is cut into pieces."""
    documents = [document.text for document in read_documents([text])]
    if len(documents) == 1:
        size = max(1, len(documents[0]) // 20)
        documents = [documents[0][i : i + size] for i in range(0, len(documents[0]), size)]
    part = scratch / f"{text.stem}-{first}.jsonl"
    part.write_text("".join(json.dumps({"text": one}) + "\n" for one in documents[first::2]), encoding="utf8")
    return part


def make_variant(name: str, model: Path, texts: Sequence[Path], samples: int, length: int, scratch: Path) -> Facts:
    options = dict(VARIANTS[name])
    shown = {key: value.value if isinstance(value, Method) else value for key, value in options.items()}
    if (first := options.pop("documents", None)) is not None:
        texts = [every_other(text, first, scratch) for text in texts]
    settings = Settings(samples=samples, sequence_length=length, texts=texts, **options)
    begun = time.perf_counter()
    quantize(model, scratch / name, settings, False, Silent())
    seconds = round(time.perf_counter() - begun, 1)
    compile_model(scratch / name, bundle_of(name, scratch))
    return {"options": shown, "quantize_seconds": seconds}


def judge(bundles: Mapping[str, Path], model: Path, texts: Sequence[Path], windows: int, ctx: int) -> dict[str, Facts]:
    """Of each text, what each bundle reaches."""
    tokenizer = hf.load_tokenizer(model)
    results: dict[str, Facts] = {}
    with ExitStack() as stack:
        sessions = {}
        for name, bundle in bundles.items():
            sessions[name] = stack.enter_context(stack.enter_context(Model(bundle)).session(ctx))
        for text in texts:
            ids = tokenizer.encode(read_text(text), add_special_tokens=False).ids
            results[text.name] = evaluate_all(sessions, FLOAT, ids, ctx, windows)
    return results


def print_table(results: Mapping[str, Facts], names: Sequence[str]) -> None:
    for text, facts in results.items():
        print(f"{text}: {facts[FLOAT]['windows']} windows of {facts[FLOAT]['ctx']} tokens")
        for name in names:
            print(f"  {name:14} perplexity {facts[name]['perplexity']:8.3f}   KL {facts[name]['kl']:.4f}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--calib", type=Path, action="append", help="default: the demo's calibration text")
    parser.add_argument("--text", type=Path, action="append", help="to judge on; default: the demo's")
    parser.add_argument("--variant", action="append", choices=list(VARIANTS), help="default: all")
    parser.add_argument("--samples", type=int, default=Settings.samples)
    parser.add_argument("--sequence-length", type=int, default=Settings.sequence_length)
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--ctx", type=int, default=CTX)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "quality.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    calib = options.calib or [CORPORA / "calib.jsonl"]
    texts = options.text or [CORPORA / "eval_anarchism.txt"]
    names = options.variant or list(VARIANTS)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        compile_model(options.model, bundle_of(FLOAT, scratch))
        variants: dict[str, Facts] = {}
        for name in names:
            variants[name] = make_variant(name, options.model, calib, options.samples, options.sequence_length, scratch)
            print(f"{name}: quantized in {variants[name]['quantize_seconds']} s", flush=True)
        bundles = {name: bundle_of(name, scratch) for name in (FLOAT, *names)}
        results = judge(bundles, options.model, texts, options.windows, options.ctx)
    print_table(results, [FLOAT, *names])
    report = {
        "calibration": {"samples": options.samples, "sequence_length": options.sequence_length},
        "variants": variants,
        "texts": results,
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf8")
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
