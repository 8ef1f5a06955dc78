"""Calibration samples: documents, the two parts, and the file.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from tokenizers import Tokenizer

from awq_mlir import calibration as cal
from awq_mlir.errors import AwqError, Kind


def documents_of(texts: list[str]) -> list[cal.Document]:
    return [cal.Document(text) for text in texts]


def letters(count: int, letter: str) -> str:
    return letter * count


def test_txt_is_a_document_and_a_jsonl_line_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo")
    (tmp_path / "b.jsonl").write_text('{"text": "three"}\n\n{"text": "  "}\n{"text": "fünf", "id": 5}\n')
    found = cal.read_documents([tmp_path / "a.txt", tmp_path / "b.jsonl"])
    assert found == [cal.Document(text) for text in ("one\n\ntwo", "three", "fünf")]


@pytest.mark.parametrize(
    ("name", "content", "code", "kind"),
    [
        ("a.csv", b"x", "AWQ1660", Kind.USAGE),
        ("a.txt", b"\xff\xfe", "AWQ1660", Kind.MALFORMED),
        ("a.jsonl", b'{"text": "x"}\n{"text": 5}\n', "AWQ1661", Kind.MALFORMED),
        ("a.jsonl", b'{"text": "x"\n', "AWQ1661", Kind.MALFORMED),
        ("a.jsonl", b"[1]\n", "AWQ1661", Kind.MALFORMED),
        ("a.jsonl", b'{"messages": []}\n', "AWQ1661", Kind.MALFORMED),
        ("a.jsonl", b'{"messages": [{"role": "user"}]}\n', "AWQ1661", Kind.MALFORMED),
        ("a.jsonl", b'{"messages": [{"role": "user", "content": "x"}]}\n', "AWQ1661", Kind.UNSUPPORTED),
        ("a.jsonl", b"[" * 100000, "AWQ1661", Kind.MALFORMED),
    ],
)
def test_bad_files_are_named(tmp_path: Path, name: str, content: bytes, code: str, kind: Kind) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AwqError) as error:
        cal.read_documents([tmp_path / name])
    assert (error.value.code, error.value.kind) == (code, kind)
    assert name in error.value.where


def test_a_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "calib.txt").write_text("x")
    with pytest.raises(AwqError) as error:
        cal.read_documents([tmp_path / "calb.txt"])
    assert "calib.txt" in error.value.help


def test_guard_documents_are_a_fifth_spread_evenly() -> None:
    assert cal.guard_documents([100] * 12, 10) == [2, 7]


def test_few_documents_give_the_smallest_that_fills_a_sample() -> None:
    assert cal.guard_documents([500, 90, 5], 10) == [1]
    assert cal.guard_documents([500, 5], 10) == []
    assert cal.guard_documents([500], 10) == []


def test_the_parts_come_from_different_documents(byte_tokenizer: Tokenizer) -> None:
    documents = [letters(200, letter) for letter in "abcdefghij"]
    made = cal.make_calibration(byte_tokenizer, documents_of(documents), samples=20, length=16)
    assert made.tokens.shape == (20, 16)
    assert made.tokens.dtype == np.int32
    assert made.guard.tolist() == [0] * 16 + [1] * 4
    fit, guard = set(made.tokens[:16].ravel().tolist()), set(made.tokens[16:].ravel().tolist())
    assert guard == {byte_tokenizer.token_to_id(letter) for letter in "ch"}
    assert not fit & guard
    assert len(fit) == 8  # samples are spread over all the documents


def test_one_document_is_split_with_a_gap(byte_tokenizer: Tokenizer) -> None:
    text = "".join(chr(ord("a") + i) for i in range(20) for _ in range(50))  # 1000 tokens, 50 of each letter
    made = cal.make_calibration(byte_tokenizer, documents_of([text]), samples=50, length=20)
    fit, guard = made.tokens[made.guard == 0], made.tokens[made.guard == 1]
    assert guard.min() == byte_tokenizer.token_to_id("q")  # token 800 on
    assert fit.max() == byte_tokenizer.token_to_id("p")
    assert len(fit) == 39  # 780 tokens: a sample's length before the guard part is left out
    assert "one document" in made.notes[0]


def test_too_little_text_is_refused(byte_tokenizer: Tokenizer) -> None:
    for documents in ([], ["x" * 30]):
        with pytest.raises(AwqError) as error:
            cal.make_calibration(byte_tokenizer, documents_of(documents), samples=4, length=16)
        assert error.value.code == "AWQ1662"


def test_fewer_samples_than_asked_are_noted(byte_tokenizer: Tokenizer) -> None:
    made = cal.make_calibration(byte_tokenizer, documents_of(["x" * 100, "y" * 40]), samples=64, length=16)
    assert made.tokens.shape[0] == 8
    assert any("fills 8 of the 64" in note for note in made.notes)


def test_a_tokenizer_of_another_model_is_found_out(byte_tokenizer: Tokenizer) -> None:
    made = cal.make_calibration(byte_tokenizer, documents_of(["z" * 100, "y" * 100]), samples=4, length=16)
    cal.check_ids(made, 256)
    with pytest.raises(AwqError) as error:
        cal.check_ids(made, 10)
    assert error.value.code == "AWQ1663"


def test_the_file_holds_tokens_parts_and_fingerprints(tmp_path: Path, byte_tokenizer: Tokenizer) -> None:
    byte_tokenizer.save(str(tmp_path / "tokenizer.json"))
    made = cal.make_calibration(byte_tokenizer, documents_of(["x" * 100, "y" * 100]), samples=5, length=16)
    for name in ("one", "two"):
        cal.write_calibration(tmp_path / name, made, tmp_path / "tokenizer.json")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with safe_open(tmp_path / "one", framework="numpy") as stored:
        assert np.array_equal(stored.get_tensor("tokens"), made.tokens)
        assert np.array_equal(stored.get_tensor("guard"), made.guard)
        metadata = stored.metadata()
    tokenizer_sum = hashlib.sha256((tmp_path / "tokenizer.json").read_bytes()).hexdigest()
    assert metadata["tokenizer_sha256"] == tokenizer_sum
    assert len(metadata["data_sha256"]) == 64
    assert json.dumps(metadata)


TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TALK = [
    {"role": "user", "content": "What is it?"},
    {"role": "assistant", "content": "A stone."},
    {"role": "user", "content": "And that?"},
    {"role": "assistant", "content": "A tree."},
]


def write_talks(path: Path, count: int) -> Path:
    path.write_text((json.dumps({"messages": TALK}) + "\n") * count)
    return path


def test_conversations_go_through_the_template(tmp_path: Path) -> None:
    path = write_talks(tmp_path / "talk.jsonl", 1)
    whole = "<user>What is it?</><assistant>A stone.</><user>And that?</><assistant>A tree.</>"
    (plain,) = cal.read_documents([path], cal.conversation(tmp_path, TEMPLATE, assistant_only=False))
    assert plain == cal.Document(whole)
    (masked,) = cal.read_documents([path], cal.conversation(tmp_path, TEMPLATE, assistant_only=True))
    assert masked.counted is not None
    assert [whole[first:last] for first, last in masked.counted] == ["A stone.</>", "A tree.</>"]


def test_only_what_the_assistant_says_counts(byte_tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = write_talks(tmp_path / "talk.jsonl", 10)
    documents = cal.read_documents([path], cal.conversation(tmp_path, TEMPLATE, assistant_only=True))
    made = cal.make_calibration(byte_tokenizer, documents, samples=8, length=80)
    assert made.mask.shape == made.tokens.shape
    for tokens, mask in zip(made.tokens, made.mask, strict=True):
        text = byte_tokenizer.decode(list(tokens), skip_special_tokens=False)
        said = byte_tokenizer.decode(list(tokens[mask == 1]), skip_special_tokens=False)
        assert "What" in text and "What" not in said and "user" not in said
        assert "stone" in said or "tree" in said
    assert 0.1 < made.mask.mean() < 0.5
    out = tmp_path / "calibration.safetensors"
    (tmp_path / "tokenizer.json").write_text("{}")
    cal.write_calibration(out, made, tmp_path / "tokenizer.json")
    with safe_open(out, "np") as stored:
        assert np.array_equal(stored.get_tensor("mask"), made.mask)
        assert np.array_equal(stored.get_tensor("tokens"), made.tokens)


def test_a_conversation_without_an_assistant_counts_nothing(byte_tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text((json.dumps({"messages": TALK[:1] * 20}) + "\n") * 10)
    documents = cal.read_documents([path], cal.conversation(tmp_path, TEMPLATE, assistant_only=True))
    with pytest.raises(AwqError) as error:
        cal.make_calibration(byte_tokenizer, documents, samples=8, length=80)
    assert error.value.code == "AWQ1662" and "assistant" in error.value.help


def test_a_template_that_rewrites_turns_is_refused(tmp_path: Path) -> None:
    path = write_talks(tmp_path / "talk.jsonl", 1)
    last_only = "{% for m in messages %}{{ m.role }}{% if loop.last %}!{% endif %}{{ m.content }}{% endfor %}"
    with pytest.raises(AwqError) as error:
        cal.read_documents([path], cal.conversation(tmp_path, last_only, assistant_only=True))
    assert error.value.code == "AWQ1664"
