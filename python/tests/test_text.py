"""Streaming text and chat templates.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from awq_mlir.errors import AwqError
from awq_mlir.text import TextStream, apply_chat_template, chat_template

HARD = "naïve Ω 12 😀👍🏽 \t\n日本語 end"


def test_pieces_join_to_the_text_and_no_piece_is_broken(byte_tokenizer: Tokenizer) -> None:
    stream = TextStream(byte_tokenizer)
    pieces = [stream.push(i) for i in byte_tokenizer.encode(HARD).ids]
    assert "".join(pieces) + stream.finish() == HARD
    assert not any("\ufffd" in piece for piece in pieces)
    assert len([piece for piece in pieces if piece]) == len(HARD)  # a piece per character


def test_a_character_cut_off_at_the_end_is_dropped(byte_tokenizer: Tokenizer) -> None:
    stream = TextStream(byte_tokenizer)
    ids = byte_tokenizer.encode("ab😀").ids
    assert "".join(stream.push(i) for i in ids[:-1]) + stream.finish() == "ab"


def test_special_tokens_are_not_shown(byte_tokenizer: Tokenizer) -> None:
    stream = TextStream(byte_tokenizer)
    ids = byte_tokenizer.encode("a<end>b").ids
    assert "".join(stream.push(i) for i in ids) + stream.finish() == "ab"


def write_config(folder: Path, template: object) -> None:
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": template, "eos_token": {"content": "<end>"}, "bos_token": "<s>"})
    )


def test_template_sees_messages_and_special_tokens(tmp_path: Path) -> None:
    write_config(
        tmp_path,
        "{{ bos_token }}{% for m in messages %}\n  {% if m.role == 'user' %}\n{{ m.content }}{{ eos_token }}\n"
        "  {% endif %}\n{% endfor %}\n{% if add_generation_prompt %}go{% endif %}",
    )
    template = chat_template(tmp_path)
    assert template is not None
    text = apply_chat_template(tmp_path, template, [{"role": "user", "content": "hi"}])
    assert text == "<s>hi<end>\ngo"


def test_named_templates_and_their_own_file(tmp_path: Path) -> None:
    write_config(tmp_path, [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "yes"}])
    assert chat_template(tmp_path) == "yes"
    (tmp_path / "chat_template.jinja").write_text("from the file")
    assert chat_template(tmp_path) == "from the file"


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ raise_exception('roles must alternate') }}",
        "{% for %}",
        "{{ messages[9].content }}",
    ],
)
def test_hostile_and_broken_templates_are_errors(tmp_path: Path, template: str) -> None:
    write_config(tmp_path, template)
    with pytest.raises(AwqError) as error:
        apply_chat_template(tmp_path, template, [{"role": "user", "content": "hi"}])
    assert error.value.code == "AWQ1649"
    assert "--no-chat" in error.value.help
