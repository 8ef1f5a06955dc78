"""A float model folder becomes a 4-bit one that other engines read as it is.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from awq_mlir import calibration as cal
from awq_mlir import hugging_face as hf
from awq_mlir.errors import AwqError, Kind
from awq_mlir.files import OutputFolder
from awq_mlir.log import LinearLog
from awq_mlir.progress import Reporter
from awq_mlir.text import chat_template
from awq_mlir.toolchain import run_program


class Method(StrEnum):
    """How the 4-bit numbers are chosen."""

    AWQ = "awq"
    RTN = "rtn"


class Quality(StrEnum):
    """How much is searched."""

    FAST = "fast"  # a coarse grid of channel scales, and scales of groups in the end
    BEST = "best"  # every step
    AUTOAWQ = "autoawq"  # AutoAWQ's search and its float16 arithmetic


@dataclass(frozen=True)
class Settings:
    """What `quantize` was asked for."""

    method: Method = Method.AWQ
    bits: int = 4
    group_size: int = 64
    samples: int = 64
    sequence_length: int = 512
    threads: int = 0
    statistics: Path | None = None
    texts: Sequence[Path] = field(default_factory=tuple)
    skip: Sequence[str] = ()
    statistics_gram: bool = False
    clip: bool = True
    refit: bool = True
    refine: bool = True
    skip_tokens: int = 0
    shrinkage: float | None = None  # None: what is best for the number of bits
    resume: bool = False
    restart: bool = False
    assistant_only: bool = False
    quality: Quality = Quality.BEST


def shrinkage_of(settings: Settings) -> float:
    """Coarse codes leave more freedom, and more of it is lost on other texts."""
    if settings.shrinkage is not None:
        return settings.shrinkage
    return 0.5 if settings.bits >= 4 else 0.7


def check_input(model: Path, settings: Settings) -> dict[str, Any]:
    """The configuration of a float model, or an error on what cannot be quantized."""
    config = hf.read_config(model)
    if hf.is_quantized(config):
        method = config["quantization_config"].get("quant_method", "unknown")
        raise AwqError(
            Kind.UNSUPPORTED,
            "AWQ1234",
            f"this model is quantized already (quant_method: {method})",
            str(model / "config.json"),
            "quantize the float model it was made of; rounding twice loses quality",
        )
    if settings.method is Method.AWQ and not settings.texts:
        raise AwqError(
            Kind.USAGE,
            "AWQ1662",
            "AWQ needs text to calibrate on",
            help="give --calib FILE (.txt or .jsonl; several are allowed), or --method rtn for plain rounding",
        )
    longest = config.get("max_position_embeddings")
    if settings.method is Method.AWQ and isinstance(longest, int) and settings.sequence_length > longest:
        raise AwqError(
            Kind.USAGE,
            "AWQ1662",
            f"--sequence-length {settings.sequence_length} is more than the model's {longest} positions",
            str(model / "config.json"),
            f"give --sequence-length {longest} or less",
        )
    return config


def quantize(model: Path, out: Path, settings: Settings, force: bool, reporter: Reporter) -> Path:
    """Quantizes `model` into the new folder `out`, which appears whole or not at all."""
    config = check_input(model, settings)
    with OutputFolder(out, force, [model]) as folder, tempfile.TemporaryDirectory() as scratch, reporter:
        arguments = [str(model), "-o", str(folder.result), *_options(settings, out)]
        if settings.method is Method.AWQ:
            arguments.append(f"--calibration={_write_calibration(model, config, settings, Path(scratch), reporter)}")
        log = LinearLog()

        def on_event(event: Mapping[str, Any]) -> None:
            log.event(event)
            # The program writes to a hidden folder; what the user knows is the final place.
            reporter.event({**event, "path": str(out)} if event.get("event") == "written" else event)

        run_program("awq-compile", arguments, on_event)
        _complete(model, folder.result)
        log.write(folder.result)
        folder.commit()
    return folder.out


def _options(settings: Settings, out: Path) -> list[str]:
    """The options of awq-compile, but for the calibration."""
    options = [
        f"--quantize={settings.method}",
        f"--bits={settings.bits}",
        f"--group-size={settings.group_size}",
        f"--skip-tokens={settings.skip_tokens}",
        f"--shrinkage={shrinkage_of(settings)}",
        "--emit=checkpoint",
        "--progress=jsonl",
        *(f"--skip={name}" for name in settings.skip),
    ]
    wanted = {
        f"--threads={settings.threads}": settings.threads != 0,
        f"--statistics={settings.statistics}": settings.statistics is not None,
        "--statistics-gram": settings.statistics_gram,
        "--autoawq": settings.quality is Quality.AUTOAWQ,
        "--scale-ratios=5": settings.quality is Quality.FAST,
        "--plain-scales=false": settings.quality is Quality.FAST,
        "--search-clips=false": not settings.clip,
        "--refit-scales=false": not settings.refit,
        "--refine-codes=false": not settings.refine,
        f"--journal={out.parent / (out.name + '.journal')}": settings.method is Method.AWQ,
        "--resume": settings.resume,
        "--restart": settings.restart,
    }
    return options + [option for option, is_wanted in wanted.items() if is_wanted]


def _write_calibration(
    model: Path, config: dict[str, Any], settings: Settings, scratch: Path, reporter: Reporter
) -> Path:
    tokenizer = hf.load_tokenizer(model)
    template = chat_template(model)
    converse = None if template is None else cal.conversation(model, template, settings.assistant_only)
    documents = cal.read_documents(settings.texts, converse)
    samples = cal.make_calibration(tokenizer, documents, settings.samples, settings.sequence_length)
    cal.check_ids(samples, config.get("vocab_size"))
    reporter.note(f"calibrating on {samples.summary()} from {samples.documents} documents")
    for note in samples.notes:
        reporter.note(f"note: {note}")
    path = scratch / "calibration.safetensors"
    cal.write_calibration(path, samples, model / "tokenizer.json")
    return path


def _complete(model: Path, result: Path) -> None:
    """Adds what makes a checkpoint a complete model folder: tokenizer, chat template, licence."""
    if not (result / "config.json").is_file() or not any(result.glob("*.safetensors")):
        raise AwqError(
            Kind.INTERNAL,
            "AWQ1644",
            "awq-compile wrote no complete checkpoint",
            str(result),
            "this is a defect of awq-mlir: please report it",
        )
    for source in hf.companions(model):
        target = result / source.name
        if not target.exists():
            shutil.copyfile(source, target)
