"""The verb run: a prompt goes in, text comes out as it is made.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Tokenizer

from awq_mlir import hugging_face as hf
from awq_mlir.errors import AwqError, Kind
from awq_mlir.generate import Generation, Sampler, Sampling, generate
from awq_mlir.runtime import Model
from awq_mlir.text import Message, TextStream, apply_chat_template, chat_template


@dataclass(frozen=True)
class Request:
    """What `run` was asked for."""

    prompt: str
    chat: bool | None = None  # None: if the model has a template
    system: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    max_new_tokens: int = 256
    max_seq: int = 0  # 0: default_context, or the model's limit if that is less
    default_context: int = 2048
    threads: int = 0


def encode_prompt(folder: Path, tokenizer: Tokenizer, request: Request) -> list[int]:
    """The prompt's tokens, with the chat template around it if that is wanted."""
    template = chat_template(folder) if request.chat is not False else None
    if request.chat and template is None:
        raise AwqError(Kind.UNSUPPORTED, "AWQ1649", "this model has no chat template", str(folder), "leave --chat out")
    if request.system is not None and template is None:
        raise AwqError(
            Kind.USAGE, "AWQ1649", "--system needs a chat template", str(folder), "put the text into --prompt instead"
        )
    if template is None:
        return list(tokenizer.encode(request.prompt).ids)
    messages: list[Message] = [{"role": "user", "content": request.prompt}]
    if request.system is not None:
        messages.insert(0, {"role": "system", "content": request.system})
    text = apply_chat_template(folder, template, messages)
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


def context_size(request: Request, limit: int) -> int:
    """The session's capacity, checked against the model's limit."""
    if request.max_seq > limit:
        raise AwqError(
            Kind.USAGE,
            "AWQ1651",
            f"--max-seq {request.max_seq} is more than the model's {limit} positions",
            help=f"give --max-seq {limit} or less",
        )
    return request.max_seq or min(request.default_context, limit)


def check_prompt(tokens: list[int], capacity: int, limit: int) -> None:
    if not tokens:
        raise AwqError(Kind.USAGE, "AWQ1651", "the prompt is empty", help="give --prompt some text")
    if len(tokens) <= capacity:
        return
    remedy = f"give --max-seq {min(limit, len(tokens) + 256)}" if len(tokens) < limit else "shorten the prompt"
    raise AwqError(
        Kind.USAGE, "AWQ1651", f"the prompt has {len(tokens)} tokens, the context holds {capacity}", help=remedy
    )


def respond(folder: Path, request: Request, as_json: bool) -> Generation:
    """Answers a request on standard output, as text while it is made or as one JSON object."""
    tokenizer = hf.load_tokenizer(folder)
    prompt = encode_prompt(folder, tokenizer, request)
    end = hf.end_tokens(folder, tokenizer)
    stream = TextStream(tokenizer)
    pieces: list[str] = []

    def show(text: str) -> None:
        pieces.append(text)
        if not as_json:
            sys.stdout.write(text)
            sys.stdout.flush()

    with Model(folder) as model:
        capacity = context_size(request, model.max_positions)
        check_prompt(prompt, capacity, model.max_positions)
        with model.session(capacity, request.threads) as session:
            sampler = Sampler(request.sampling)
            done = generate(
                session, prompt, sampler, end, request.max_new_tokens, lambda token: show(stream.push(token))
            )
        limit = model.max_positions
    show(stream.finish())
    if as_json:
        print(json.dumps(_facts(done, "".join(pieces)), indent=2, ensure_ascii=False))
        return done
    print()
    sys.stdout.flush()
    if done.stop == "context":
        more = f"; --max-seq enlarges it, up to {limit}" if capacity < limit else ", the most this model can hold"
        print(f"[the context of {capacity} tokens is full{more}]", file=sys.stderr)
    speeds = f"prompt {done.prompt_speed:.0f} tokens/s, decode {done.decode_speed:.1f} tokens/s"
    print(f"[{len(done.tokens)} tokens, {speeds}]", file=sys.stderr)
    return done


def _facts(done: Generation, text: str) -> dict[str, object]:
    return {
        "text": text,
        "tokens": done.tokens,
        "stop": done.stop,
        "prompt_tokens": done.prompt_tokens,
        "seconds": {"prompt": done.prompt_seconds, "decode": done.decode_seconds},
        "tokens_per_second": {"prompt": done.prompt_speed, "decode": done.decode_speed},
    }
