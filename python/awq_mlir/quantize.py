"""A float model becomes a 4-bit one that other engines read as it is.

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
from awq_mlir.convert import WeightFormat
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


class Product(StrEnum):
    """What a quantized model is written as."""

    CHECKPOINT = "checkpoint"  # a Hugging Face folder in AutoAWQ's format
    ONNX = "onnx"


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
    product: Product | None = None  # None: as the input is, a checkpoint or ONNX
    weights: WeightFormat | None = None  # of ONNX; None: matmulnbits
    opset: int = 21  # of ONNX


def shrinkage_of(settings: Settings) -> float:
    """Coarse codes leave more freedom, and more of it is lost on other texts."""
    if settings.shrinkage is not None:
        return settings.shrinkage
    return 0.5 if settings.bits >= 4 else 0.7


def is_onnx(model: Path) -> bool:
    return model.suffix == ".onnx"


def product_of(model: Path, settings: Settings) -> Product:
    """What to write, or an error on what does not go together."""
    product = settings.product or (Product.ONNX if is_onnx(model) else Product.CHECKPOINT)
    if product is Product.CHECKPOINT and is_onnx(model):
        raise AwqError(
            Kind.USAGE,
            "AWQ1662",
            "a checkpoint is made from a Hugging Face folder, whose tensors and configuration it takes over",
            str(model),
            "leave --to out, or quantize the folder that the ONNX model was exported from",
        )
    if product is Product.CHECKPOINT and (settings.weights is not None or settings.opset != Settings.opset):
        raise AwqError(
            Kind.USAGE, "AWQ1662", "--format and --opset are about ONNX models", help="give --to onnx with them"
        )
    return product


def _read_facts(model: Path) -> tuple[Path, dict[str, Any]]:
    """The configuration's file and fields; beside an ONNX model there may be one, or onnxruntime-genai's, or none."""
    if not is_onnx(model):
        return model / "config.json", hf.read_config(model)
    config, genai = model.parent / "config.json", model.parent / "genai_config.json"
    if config.is_file():
        return config, hf.read_json(config)
    fields = hf.read_json(genai).get("model") if genai.is_file() else None
    fields = dict(fields) if isinstance(fields, dict) else {}
    if "context_length" in fields:
        fields["max_position_embeddings"] = fields["context_length"]
    return genai, fields


def check_model(model: Path, settings: Settings) -> dict[str, Any]:
    """The configuration of a float model, or an error on what cannot be quantized."""
    product_of(model, settings)
    path, config = _read_facts(model)
    if hf.is_quantized(config):
        method = config["quantization_config"].get("quant_method", "unknown")
        raise AwqError(
            Kind.UNSUPPORTED,
            "AWQ1234",
            f"this model is quantized already (quant_method: {method})",
            str(path),
            "quantize the float model it was made of; rounding twice loses quality",
        )
    longest = config.get("max_position_embeddings")
    if settings.method is Method.AWQ and isinstance(longest, int) and settings.sequence_length > longest:
        raise AwqError(
            Kind.USAGE,
            "AWQ1662",
            f"--sequence-length {settings.sequence_length} is more than the model's {longest} positions",
            str(path),
            f"give --sequence-length {longest} or less",
        )
    return config


def quantize(model: Path, out: Path, settings: Settings, force: bool, reporter: Reporter) -> Path:
    """Quantizes `model`, a folder or an ONNX model, into the new folder `out`, which appears whole or not at all."""
    if settings.method is Method.AWQ and not settings.texts:
        raise AwqError(
            Kind.USAGE,
            "AWQ1662",
            "AWQ needs text to calibrate on",
            help="give --calib FILE (.txt or .jsonl; several are allowed), or --method rtn for plain rounding",
        )
    config = check_model(model, settings)
    with OutputFolder(out, force, [model]) as folder, tempfile.TemporaryDirectory() as scratch, reporter:
        product = product_of(model, settings)
        arguments = [str(model), "-o", str(folder.result), f"--emit={product}"]
        arguments += search_options(settings) + _journal_options(settings, out)
        if product is Product.ONNX:
            arguments += [f"--onnx-opset={settings.opset}"]
            arguments += [f"--onnx-format={settings.weights}"] if settings.weights else []
        if settings.method is Method.AWQ:
            arguments.append(f"--calibration={_write_calibration(model, config, settings, Path(scratch), reporter)}")
        log = LinearLog()

        def on_event(event: Mapping[str, Any]) -> None:
            log.event(event)
            # The program writes to a hidden folder; what the user knows is the final place.
            reporter.event({**event, "path": str(out)} if event.get("event") == "written" else event)

        run_program("awq-compile", arguments, on_event)
        _complete(_folder_of(model), folder.result, product)
        log.write(folder.result)
        folder.commit()
    return folder.out


def search_options(settings: Settings) -> list[str]:
    """The options of awq-compile, but for the calibration and where results go."""
    options = [
        f"--quantize={settings.method}",
        f"--bits={settings.bits}",
        f"--group-size={settings.group_size}",
        f"--skip-tokens={settings.skip_tokens}",
        f"--shrinkage={shrinkage_of(settings)}",
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
    }
    return options + [option for option, is_wanted in wanted.items() if is_wanted]


def _journal_options(settings: Settings, out: Path) -> list[str]:
    options = [f"--journal={out.parent / (out.name + '.journal')}"] * (settings.method is Method.AWQ)
    return options + ["--resume"] * settings.resume + ["--restart"] * settings.restart


def _write_calibration(
    model: Path, config: dict[str, Any], settings: Settings, scratch: Path, reporter: Reporter
) -> Path:
    home = _folder_of(model)
    tokenizer = hf.load_tokenizer(home)
    template = chat_template(home)
    converse = None if template is None else cal.conversation(home, template, settings.assistant_only)
    documents = cal.read_documents(settings.texts, converse)
    samples = cal.make_calibration(tokenizer, documents, settings.samples, settings.sequence_length)
    cal.check_ids(samples, config.get("vocab_size"))
    reporter.note(f"calibrating on {samples.summary()} from {samples.documents} documents")
    for note in samples.notes:
        reporter.note(f"note: {note}")
    path = scratch / "calibration.safetensors"
    cal.write_calibration(path, samples, home / "tokenizer.json")
    return path


def _folder_of(model: Path) -> Path:
    """Where tokenizer and licence lie."""
    return model.parent if is_onnx(model) else model


def _complete(model: Path, result: Path, product: Product) -> None:
    """Adds what makes a result a complete model folder: tokenizer, chat template, licence."""
    config, weights = ("config.json", "*.safetensors") if product is Product.CHECKPOINT else ("model.onnx", "*.data")
    if not (result / config).is_file() or not any(result.glob(weights)):
        raise AwqError(
            Kind.INTERNAL,
            "AWQ1644",
            f"awq-compile wrote no complete {'checkpoint' if product is Product.CHECKPOINT else 'ONNX model'}",
            str(result),
            "this is a defect of awq-mlir: please report it",
        )
    for source in hf.companions(model):
        target = result / source.name
        if not target.exists():
            shutil.copyfile(source, target)
