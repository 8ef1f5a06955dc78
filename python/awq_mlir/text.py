"""Chat templates, and text that appears while its tokens arrive.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from awq_mlir import hugging_face as hf
from awq_mlir.errors import AwqError, Kind

Message = dict[str, str]
REPLACEMENT = "\ufffd"


def chat_template(folder: Path) -> str | None:
    """The chat template of a folder, or nothing if the model has none."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf8")
    if not (folder / "tokenizer_config.json").is_file():
        return None
    template = hf.read_json(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(template, list):  # several named templates
        named = {item.get("name"): item.get("template") for item in template if isinstance(item, dict)}
        template = named.get("default")
    return template if isinstance(template, str) else None


def _fail(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **options)


@lru_cache(maxsize=4)
def _compiled(folder: Path, template: str) -> tuple[jinja2.Template, dict[str, str]]:
    """The template, and the special tokens that it may name; conversations come by the thousand."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _fail
    environment.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    config = hf.read_json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    tokens = {key: hf.token_text(config.get(key)) for key in ("bos_token", "eos_token", "pad_token", "unk_token")}
    return environment.from_string(template), tokens


def apply_chat_template(
    folder: Path, template: str, messages: Sequence[Message], add_generation_prompt: bool = True
) -> str:
    """The prompt text for messages; templates run in a sandbox and see no file and no attribute of Python's."""
    try:
        compiled, tokens = _compiled(folder, template)
        return compiled.render(messages=messages, add_generation_prompt=add_generation_prompt, **tokens)
    except (jinja2.TemplateError, TypeError, ValueError, RecursionError) as error:
        raise AwqError(
            Kind.MALFORMED,
            "AWQ1649",
            f"the chat template cannot be applied: {error}",
            str(folder / "tokenizer_config.json"),
            "give --no-chat to complete the prompt as plain text",
        ) from None


class TextStream:
    """Turns tokens into text piece by piece; a character appears when all of its bytes are there."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        # Decoding starts a little before what is new: some decoders treat a text's first token in a special way.
        self._context = 0
        self._shown = 0

    def push(self, token: int) -> str:
        """Adds a token; the text that has become complete with it, possibly none."""
        self._ids.append(token)
        before = self._decode(self._ids[self._context : self._shown])
        now = self._decode(self._ids[self._context :])
        if now.endswith(REPLACEMENT) or len(now) <= len(before):
            return ""
        self._context, self._shown = self._shown, len(self._ids)
        return now[len(before) :]

    def finish(self) -> str:
        """What is left at the end, without a character that was cut off."""
        before = self._decode(self._ids[self._context : self._shown])
        now = self._decode(self._ids[self._context :])
        self._context = self._shown = len(self._ids)
        return now[len(before) :].rstrip(REPLACEMENT)

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))
