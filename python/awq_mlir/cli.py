"""The command awq-mlir: its verbs, options and help texts.

Exit codes: 0 done, 2 wrong usage, 3 malformed input, 4 unsupported, 5 out of resources, 70 a defect of ours,
130 stopped by Ctrl-C.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import Abort, TyperException

from awq_mlir import __version__
from awq_mlir.compile_model import Target, as_bundle, compile_model, compile_source
from awq_mlir.convert import Destination, WeightFormat, convert_to_onnx
from awq_mlir.errors import AwqError, Kind
from awq_mlir.files import require
from awq_mlir.inspection import inspect as inspect_folder
from awq_mlir.plan import plan as plan_quantization
from awq_mlir.progress import Style, make_reporter, megabytes
from awq_mlir.quantize import Method, Product, Quality, Settings
from awq_mlir.quantize import quantize as quantize_folder

app = typer.Typer(
    name="awq-mlir",
    help="Quantizes language models to 4 bits with AWQ, compiles them, and runs them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A first session: `awq-mlir quantize MODEL -o MODEL-4bit --calib text.txt`, then "
    "`awq-mlir compile MODEL-4bit -o BUNDLE`, then `awq-mlir run BUNDLE --prompt Hello`.",
)

DEFAULT_CONTEXT = 2048
INTERRUPTED = 130  # 128 + SIGINT, as shells have it

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A Hugging Face folder, or a bundle.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="The folder to make.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace OUT if it is a model or bundle.")]
ProgressOption = Annotated[Style, typer.Option(help="How progress is shown; jsonl is for programs.")]
ThreadsOption = Annotated[int, typer.Option(min=0, help="Threads; 0 takes every processor.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"awq-mlir {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command(epilog="Example: `awq-mlir inspect build/models/smollm2`")
def inspect(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Show what a model folder or bundle holds: architecture, sizes, groups that fit, licence.

    Reads the headers of the weight files only.
    """
    facts = inspect_folder(model)
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        Console().print(_facts_table(facts))


def _dtype_rows(dtypes: dict[str, dict[str, int]]) -> list[tuple[str, str]]:
    return [
        (f"  {dtype}", f"{entry['tensors']} tensors, {entry['parameters']:,} values, {megabytes(entry['bytes'])}")
        for dtype, entry in dtypes.items()
    ]


def _group_rows(groups: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (f"  groups of {group}", "fit" if fit["fits"] else f"do not fit widths {', '.join(map(str, fit['widths']))}")
        for group, fit in groups.items()
    ]


def _rows(key: str, value: Any) -> list[tuple[str, str]]:
    """How one fact is shown; nothing for what is not there."""
    label = key.replace("_", " ")
    match key, value:
        case "bytes", int():
            return [("size", megabytes(value))]
        case "dtypes", dict():
            return _dtype_rows(value)
        case "groups", dict():
            return _group_rows(value)
        case "runs_code", True:
            return [("note", "the folder asks for its own Python code (auto_map); it is never run")]
        case "runs_code" | _, None | False if key == "runs_code" or value is None:
            return []
        case _, bool():
            return [(label, "yes" if value else "no")]
        case _, int() if key.endswith("_bytes"):
            return [(label.removesuffix(" bytes") + " memory", megabytes(value))]
        case _, int():
            return [(label, f"{value:,}")]
        case _, dict():
            return [(label, ", ".join(f"{name} {item}" for name, item in value.items()))]
    return [(label, str(value))]


def _facts_table(facts: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, value in facts.items():
        for label, text in _rows(key, value):
            table.add_row(label, text)
    return table


@app.command(
    epilog="Examples: `awq-mlir quantize MODEL -o OUT --calib a.txt --calib b.jsonl`, "
    "`awq-mlir quantize MODEL -o OUT --method rtn` or `awq-mlir quantize model.onnx -o OUT --calib a.txt`"
)
def quantize(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A Hugging Face folder, or an ONNX model.")],
    out: OutOption,
    to: Annotated[
        Product | None,
        typer.Option(
            "--to", help="What to write: checkpoint (the default for a folder) or onnx (the only one for ONNX models)."
        ),
    ] = None,
    weights: Annotated[
        WeightFormat | None,
        typer.Option("--format", help="How an ONNX model holds weights: matmulnbits (the default), qdq or float."),
    ] = None,
    opset: Annotated[int, typer.Option(min=21, max=23, help="Version of an ONNX model's standard operators.")] = 21,
    bits: Annotated[
        int, typer.Option(min=2, max=8, help="Bits per weight. The checkpoint has slots of 4, which 2 and 3 fit in.")
    ] = 4,
    group_size: Annotated[int, typer.Option(min=0, help="Weights that share a scale: 32, 64 or 128.")] = 64,
    calib: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help='Text to calibrate on: .txt, or .jsonl with "text" or "messages" a line. Repeatable.'
        ),
    ] = None,
    samples: Annotated[int, typer.Option(min=2, help="Calibration samples; a fifth of them judge the rest.")] = 64,
    sequence_length: Annotated[int, typer.Option(min=8, help="Tokens per sample.")] = 512,
    method: Annotated[Method, typer.Option(help="awq searches scales on the text; rtn just rounds.")] = Method.AWQ,
    statistics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also keep the activation statistics (safetensors).")
    ] = None,
    statistics_gram: Annotated[
        bool,
        typer.Option("--statistics-gram", help="Keep their Gram matrices too (large); awq-opt can search on them."),
    ] = False,
    skip: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Linears with NAME in their names stay float. Repeatable."),
    ] = None,
    quality: Annotated[
        Quality,
        typer.Option(
            help="best: every step. fast: a coarse grid, no --clip, no --refine. autoawq: as AutoAWQ does it."
        ),
    ] = Quality.BEST,
    clip: Annotated[
        bool | None, typer.Option("--clip/--no-clip", help="Search narrower ranges for groups of weights.")
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit/--no-refit", help="Fit scales to the rounded weights in the end.")
    ] = True,
    refine: Annotated[
        bool | None,
        typer.Option("--refine/--no-refine", help="Round to other than the nearest level where outputs gain."),
    ] = None,
    skip_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens at the start of each sample that the statistics leave out.")
    ] = 0,
    shrinkage: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="How far correlations between channels are shrunk, for other texts' sake."),
    ] = None,
    assistant_only: Annotated[
        bool, typer.Option("--assistant-only", help="Of conversations, only what the assistant says is measured.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on behind the last layer of an interrupted run.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew and forget an interrupted run.")] = False,
    threads: ThreadsOption = 0,
    force: ForceOption = False,
    progress: ProgressOption = Style.AUTO,
) -> None:
    """Turn a float model into a 4-bit one.

    OUT is a complete Hugging Face folder in AutoAWQ's gemm format, which vLLM and others read as it is, or an ONNX
    model's folder that onnxruntime-genai runs; the tokenizer of an ONNX MODEL lies beside it. OUT appears when it is
    finished. An interrupted run leaves the folder OUT.journal, from which --resume goes on.
    """
    if quality is Quality.AUTOAWQ and bits != 4:
        raise AwqError(
            Kind.USAGE, "AWQ1662", f"AutoAWQ quantizes to 4 bits, not {bits}", help="leave --bits or --quality out"
        )
    settings = Settings(
        method,
        bits,
        group_size,
        samples,
        sequence_length,
        threads,
        statistics,
        tuple(calib or ()),
        tuple(skip or ()),
        statistics_gram,
        quality is not Quality.FAST if clip is None else clip,
        refit,
        quality is Quality.BEST if refine is None else refine,
        skip_tokens,
        0.0 if quality is Quality.AUTOAWQ and shrinkage is None else shrinkage,
        resume,
        restart,
        assistant_only,
        quality,
        to,
        weights,
        opset,
    )
    done = quantize_folder(compile_source(model), out, settings, force, make_reporter(progress))
    if progress in (Style.AUTO, Style.PLAIN):
        print(f"quantized model in {done}")


@app.command(epilog="Example: `awq-mlir plan MODEL --samples 128 --sequence-length 2048`")
def plan(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A Hugging Face folder, or an ONNX model.")],
    bits: Annotated[int, typer.Option(min=2, max=8, help="Bits per weight.")] = 4,
    group_size: Annotated[int, typer.Option(min=0, help="Weights that share a scale.")] = 64,
    samples: Annotated[int, typer.Option(min=2, help="Calibration samples.")] = 64,
    sequence_length: Annotated[int, typer.Option(min=8, help="Tokens per sample.")] = 512,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Linears with NAME in their names stay float. Repeatable.")
    ] = None,
    quality: Annotated[Quality, typer.Option(help="As quantize will be run with.")] = Quality.BEST,
    as_json: JsonOption = False,
) -> None:
    """Tell how much memory quantizing a model will take, before it begins.

    Weights in files are mapped: they take memory that the system can have back, and are not counted.
    """
    settings = Settings(
        bits=bits,
        group_size=group_size,
        samples=samples,
        sequence_length=sequence_length,
        skip=tuple(skip or ()),
        clip=quality is not Quality.FAST,
        refine=quality is Quality.BEST,
        quality=quality,
    )
    facts = plan_quantization(compile_source(model), settings)
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        Console().print(_facts_table(facts))


@app.command(
    name="compile",
    epilog="Examples: `awq-mlir compile DIR -o BUNDLE` or "
    "`awq-mlir compile DIR -o KERNELS --target nvvm --chip sm_90a`",
)
def compile_(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder, or an ONNX model.")],
    out: OutOption,
    target: Annotated[Target, typer.Option(help="cpu: this machine. nvvm: PTX kernels for NVIDIA chips.")] = Target.CPU,
    chip: Annotated[str | None, typer.Option(help="The NVIDIA chip, such as sm_80 or sm_90a.")] = None,
    threads: ThreadsOption = 0,
    force: ForceOption = False,
    progress: ProgressOption = Style.AUTO,
) -> None:
    """Compile a float or 4-bit model into a bundle, a folder that runs without Python or LLVM.

    A float model's weights stay in their files, to which the bundle refers; those of 4-bit and of ONNX models are
    packed into the bundle.
    """
    compile_model(compile_source(model), out, target, chip, force, threads, make_reporter(progress))
    if progress in (Style.AUTO, Style.PLAIN):
        print(f"bundle in {out}")


@app.command(
    epilog="Examples: `awq-mlir convert MODEL-4bit --to onnx -o OUT` or "
    "`awq-mlir convert MODEL-4bit --to onnx --format qdq -o OUT`"
)
def convert(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A Hugging Face folder, an ONNX model or a .mlir file.")
    ],
    out: OutOption,
    to: Annotated[Destination, typer.Option("--to", help="What to make of it.")],
    weights: Annotated[
        WeightFormat | None,
        typer.Option(
            "--format",
            help="How weights are held: matmulnbits (onnxruntime's operator; the default for a quantized model), "
            "qdq (standard operators) or float.",
        ),
    ] = None,
    opset: Annotated[int, typer.Option(min=21, max=23, help="Version of the standard operators.")] = 21,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it is an ONNX model's folder.")] = False,
    progress: ProgressOption = Style.AUTO,
) -> None:
    """Convert a float or 4-bit model to another format.

    onnx: OUT gets model.onnx, its data, genai_config.json and the tokenizer, and appears when it is finished.
    onnxruntime and onnxruntime-genai run it.
    """
    assert to is Destination.ONNX
    convert_to_onnx(model, out, weights, opset, force, make_reporter(progress))
    if progress in (Style.AUTO, Style.PLAIN):
        print(f"ONNX model in {out}")


@app.command(
    epilog='Examples: `awq-mlir run BUNDLE --prompt "What is MLIR?"` or '
    '`awq-mlir run BUNDLE --no-chat --temperature 0.7 --seed 1 --prompt "Once upon a time"`'
)
def run(
    bundle: ModelArgument,
    prompt: Annotated[str, typer.Option(help="What to say; - reads standard input.")],
    chat: Annotated[
        bool | None, typer.Option("--chat/--no-chat", help="Apply the chat template (default: if there is one).")
    ] = None,
    system: Annotated[str | None, typer.Option(help="A system message for the chat.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choices.")] = 0,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 always takes the likeliest token.")] = 0.0,
    top_k: Annotated[int, typer.Option(min=0, help="Choose among the k likeliest tokens; 0: all.")] = 0,
    top_p: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Choose among the fewest tokens of this probability.")
    ] = 1.0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Stop after so many tokens.")] = 256,
    max_seq: Annotated[
        int, typer.Option(min=0, help="Tokens that prompt and answer may have together; 0: 2048, or the model's limit.")
    ] = 0,
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Write text with a model. The text appears as it is made.

    A Hugging Face folder is compiled to a temporary bundle first.
    """
    from awq_mlir.chat import Request, respond
    from awq_mlir.generate import Sampling

    text = sys.stdin.read() if prompt == "-" else prompt
    request = Request(
        text, chat, system, Sampling(temperature, top_k, top_p, seed), max_new_tokens, max_seq, DEFAULT_CONTEXT, threads
    )
    with as_bundle(bundle) as folder:
        respond(folder, request, as_json)


@app.command(epilog="Example: `awq-mlir eval BUNDLE --text judge.txt --ctx 1024 --windows 16 --reference FLOAT`")
def eval(  # noqa: A001 (the verb's name)
    model: ModelArgument,
    text: Annotated[Path, typer.Option(metavar="FILE", help="A UTF-8 text to judge on.")],
    ctx: Annotated[int, typer.Option(min=2, help="Tokens per window.")] = 1024,
    windows: Annotated[int, typer.Option(min=1, help="Windows from the beginning of the text.")] = 16,
    reference: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Also measure KL divergence from this model.")
    ] = None,
    threads: ThreadsOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure perplexity on a text, and the distance from a reference model.

    Windows follow one another without overlap, none begins with an added token, and a window's first token is not
    scored. KL is the mean per token of KL(reference || MODEL), in nats.
    """
    from awq_mlir.judge import judge

    require(text, "text file")
    facts = judge(model, text, ctx, windows, reference, threads, quiet=as_json)
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        Console().print(_facts_table(facts))


def _usage_hint(error: TyperException) -> str:
    """The nearest option or command, if the error is about a misspelt one."""
    possibilities = getattr(error, "possibilities", None)
    if possibilities:
        return "did you mean " + " or ".join(sorted(possibilities)) + "?"
    context = getattr(error, "ctx", None)
    return f"see {context.command_path} --help" if context is not None else "see awq-mlir --help"


def _print_usage_error(error: TyperException) -> None:
    message = getattr(error, "message", "") if getattr(error, "possibilities", None) else error.format_message()
    if not message:  # no arguments at all: the help text was printed
        return
    print(AwqError(Kind.USAGE, "AWQ1640", message.rstrip("."), help=_usage_hint(error)), file=sys.stderr)


def _interrupt(number: int, frame: object) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


def _report_defect() -> int:
    traceback.print_exc()
    help_text = "please report it with the lines above"
    print(AwqError(Kind.INTERNAL, "AWQ1699", "a defect of awq-mlir", help=help_text), file=sys.stderr)
    return int(Kind.INTERNAL)


def _report_full_disk(error: OSError) -> int:
    # Python would complain again when it closes standard output.
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    where = str(error.filename or "standard output")
    help_text = "free some space there, or send the output elsewhere"
    print(AwqError(Kind.RESOURCES, "AWQ1041", f"cannot write: {error.strerror}", where, help_text), file=sys.stderr)
    return int(Kind.RESOURCES)


def run_command(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    try:
        status = app(arguments, standalone_mode=False)
        if status == INTERRUPTED:  # how typer passes Ctrl-C on
            raise KeyboardInterrupt
    except AwqError as error:
        print(error, file=sys.stderr)
        return int(error.kind)
    except TyperException as error:
        _print_usage_error(error)
        return error.exit_code
    except (KeyboardInterrupt, Abort):
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; Python would complain again when it closes standard output.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        return 0
    except MemoryError:
        print(AwqError(Kind.RESOURCES, "AWQ1698", "out of memory", help="close other programs"), file=sys.stderr)
        return int(Kind.RESOURCES)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        return _report_full_disk(error) if full else _report_defect()
    except Exception:
        return _report_defect()
    return status if isinstance(status, int) else 0


def main() -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    sys.exit(run_command())
