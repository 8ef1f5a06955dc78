"""Text to calibration samples: tokens, cut to one length, in a fit and a guard part.

The fit part is what scales and clips are searched on; the guard part decides whether they are kept.
The two come from different documents, so that the guard part measures more than memory.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from awq_mlir.errors import AwqError, Kind
from awq_mlir.files import require
from awq_mlir.text import Message, apply_chat_template

GUARD_SHARE = 5  # every fifth sample belongs to the guard part
GUARD_FIRST = 2  # the first guard document, where there are five or more

Tokens = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Document:
    """A text, and the stretches of it that count; without any, all of it does."""

    text: str
    counted: tuple[tuple[int, int], ...] | None = None  # first and one past the last character


@dataclass(frozen=True)
class Calibration:
    """Samples of one length, and which of them are the guard part."""

    tokens: Tokens  # [samples, length]
    mask: npt.NDArray[np.uint8]  # the same shape, 1 = counted in the statistics
    guard: npt.NDArray[np.uint8]  # [samples], 1 = guard part
    documents: int
    guard_documents: int
    notes: list[str] = field(default_factory=list)

    def summary(self) -> str:
        samples, length = self.tokens.shape
        guard = int(self.guard.sum())
        text = f"{samples} samples of {length} tokens ({samples - guard} to fit, {guard} to guard)"
        return text if self.mask.all() else text + f", {int(self.mask.sum())} tokens of them counted,"


# Makes a document of the messages of a conversation; none where conversations cannot be read.
Converse = Callable[[list[Message]], Document]


def read_documents(files: Sequence[Path], converse: Converse | None = None) -> list[Document]:
    """A .txt file is one document, a line of a .jsonl file is one: its field "text", or the conversation "messages"."""
    documents: list[Document] = []
    for path in files:
        require(path, "text file")
        try:
            if path.suffix == ".jsonl":
                documents += _read_jsonl(path, converse)
            elif path.suffix == ".txt":
                documents.append(Document(path.read_text(encoding="utf8")))
            else:
                raise AwqError(
                    Kind.USAGE, "AWQ1660", "calibration text is .txt or .jsonl", str(path), "convert or rename the file"
                )
        except UnicodeDecodeError as error:
            raise AwqError(
                Kind.MALFORMED, "AWQ1660", f"the text is not UTF-8: {error}", str(path), "convert it to UTF-8"
            ) from None
        except OSError as error:
            raise AwqError(
                Kind.USAGE, "AWQ1660", f"cannot be read: {error.strerror}", str(path), "give a readable text file"
            ) from None
    return [document for document in documents if document.text.strip()]


def _is_conversation(messages: object) -> TypeGuard[list[Message]]:
    return (
        isinstance(messages, list)
        and bool(messages)
        and all(
            isinstance(message, dict)
            and isinstance(message.get("role"), str)
            and isinstance(message.get("content"), str)
            for message in messages
        )
    )


def _read_jsonl(path: Path, converse: Converse | None) -> list[Document]:
    documents: list[Document] = []
    with path.open(encoding="utf8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            text = entry.get("text") if isinstance(entry, dict) else None
            messages = entry.get("messages") if isinstance(entry, dict) else None
            if isinstance(text, str):
                documents.append(Document(text))
            elif _is_conversation(messages) and converse is not None:
                documents.append(converse(messages))
            elif _is_conversation(messages):
                raise AwqError(
                    Kind.UNSUPPORTED,
                    "AWQ1661",
                    "the line is a conversation, but the model has no chat template",
                    f"{path}, line {number}",
                    'write its text as {"text": "..."}',
                )
            else:
                raise AwqError(
                    Kind.MALFORMED,
                    "AWQ1661",
                    'a line is neither a text ("text") nor a conversation ("messages")',
                    f"{path}, line {number}",
                    'write one {"text": "..."} or {"messages": [{"role": "user", "content": "..."}, ...]} a line',
                )
    return documents


def guard_documents(lengths: Sequence[int], sample_length: int) -> list[int]:
    """Which documents make the guard part: about a fifth of them, spread evenly, enough for one sample.

    `lengths` are the documents' lengths in tokens. Nothing is returned if there is no such choice
    that leaves the fit part a sample of its own.
    """
    if len(lengths) < 2:
        return []
    if len(lengths) >= GUARD_SHARE:
        chosen = list(range(GUARD_FIRST, len(lengths), GUARD_SHARE))
        in_guard = sum(lengths[i] for i in chosen)
        if min(in_guard, sum(lengths) - in_guard) >= sample_length:
            return chosen
    # Few or uneven documents: the smallest one that fills a sample.
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if lengths[i] >= sample_length and sum(lengths) - lengths[i] >= sample_length:
            return [i]
    return []


def cut(stream: Tokens, length: int, samples: int) -> Tokens:
    """At most `samples` pieces of the stream, spread evenly over it; what fills no piece is dropped."""
    available = len(stream) // length
    count = min(samples, available)
    # Evenly spaced pieces, by integers: the same choice on every machine.
    chosen = [i * available // count for i in range(count)]
    pieces = [stream[i * length : (i + 1) * length] for i in chosen]
    return np.stack(pieces) if pieces else np.empty((0, length, *stream.shape[1:]), np.int32)


def conversation(folder: Path, template: str, assistant_only: bool) -> Converse:
    """Conversations through the model's chat template. With `assistant_only`, what the assistant says counts."""

    def convert(messages: list[Message]) -> Document:
        text = apply_chat_template(folder, template, messages, add_generation_prompt=False)
        if not assistant_only:
            return Document(text)
        spans = []
        for index, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = apply_chat_template(folder, template, messages[:index]) if index else ""
            through = apply_chat_template(folder, template, messages[: index + 1], add_generation_prompt=False)
            if not (text.startswith(through) and through.startswith(before)):
                raise AwqError(
                    Kind.UNSUPPORTED,
                    "AWQ1664",
                    "the chat template writes a turn differently when another follows, so what the assistant says "
                    "cannot be told apart",
                    str(folder),
                    "leave --assistant-only out",
                )
            spans.append((len(before), len(through)))
        return Document(text, tuple(spans))

    return convert


def _mask(document: Document, offsets: Sequence[tuple[int, int]]) -> list[int]:
    if document.counted is None:
        return [1] * len(offsets)
    return [int(any(first <= start < last for first, last in document.counted)) for start, _ in offsets]


def _encode(tokenizer: Tokenizer, documents: Sequence[Document]) -> list[Tokens]:
    """Tokens of each document, and beside them whether they count: [length, 2]."""
    encodings = tokenizer.encode_batch([document.text for document in documents], add_special_tokens=False)
    return [
        np.array([encoding.ids, _mask(document, encoding.offsets)], dtype=np.int32).T
        for document, encoding in zip(documents, encodings, strict=True)
    ]


def make_calibration(tokenizer: Tokenizer, documents: Sequence[Document], samples: int, length: int) -> Calibration:
    """Tokenizes documents and cuts them into samples; short documents are joined within their part."""
    if not documents:
        raise AwqError(Kind.USAGE, "AWQ1662", "the calibration text is empty", help="give files with text by --calib")
    if samples < 2:
        raise AwqError(
            Kind.USAGE, "AWQ1662", "two samples are needed: one to fit, one to guard", help="give --samples 2 or more"
        )
    encoded = _encode(tokenizer, documents)
    notes: list[str] = []
    guard_samples = max(1, samples // GUARD_SHARE)
    chosen = guard_documents([len(tokens) for tokens in encoded], length)
    everything = np.concatenate(encoded)
    if chosen:
        guard_stream = np.concatenate([encoded[i] for i in chosen])
        fit_stream = np.concatenate([tokens for i, tokens in enumerate(encoded) if i not in set(chosen)])
    else:
        # The gap keeps a sentence from standing in both parts.
        start = max(len(everything) * (GUARD_SHARE - 1) // GUARD_SHARE, 0)
        start = min(start, len(everything) - length)
        fit_stream, guard_stream = everything[: max(start - length, 0)], everything[max(start, 0) :]
        notes.append("one document only: its last fifth, after a gap, is the guard part; more documents are better")
    fit, guard = cut(fit_stream, length, samples - guard_samples), cut(guard_stream, length, guard_samples)
    if not len(fit) or not len(guard):
        raise AwqError(
            Kind.USAGE,
            "AWQ1662",
            f"the calibration text has {len(everything)} tokens, too few for samples of {length}",
            help=f"give more text ({4 * length} tokens at least), or a shorter --sequence-length",
        )
    if len(fit) + len(guard) < samples:
        notes.append(f"the text fills {len(fit) + len(guard)} of the {samples} samples asked for")
    for name, part in (("fit", fit), ("guard", guard)):
        if not part[:, :, 1].any():
            raise AwqError(
                Kind.USAGE,
                "AWQ1662",
                f"no token of the {name} part counts",
                help="give conversations in which the assistant says something, or leave --assistant-only out",
            )
    both = np.concatenate([fit, guard])
    return Calibration(
        tokens=np.ascontiguousarray(both[:, :, 0]),
        mask=np.ascontiguousarray(both[:, :, 1].astype(np.uint8)),
        guard=np.array([0] * len(fit) + [1] * len(guard), dtype=np.uint8),
        documents=len(documents),
        guard_documents=len(chosen),
        notes=notes,
    )


def check_ids(calibration: Calibration, vocabulary: object) -> None:
    """The tokenizer must not know more tokens than the model has embeddings for."""
    highest = int(calibration.tokens.max())
    if isinstance(vocabulary, int) and highest >= vocabulary:
        raise AwqError(
            Kind.MALFORMED,
            "AWQ1663",
            f"the tokenizer makes token {highest}, the model has {vocabulary} embeddings",
            help="the tokenizer belongs to another model: put the right tokenizer.json into the folder",
        )


def write_calibration(path: Path, calibration: Calibration, tokenizer_file: Path) -> None:
    """The file that `awq-compile --calibration` reads, with fingerprints of tokenizer and data."""
    data = hashlib.sha256(calibration.tokens.astype("<i4").tobytes())
    data.update(calibration.guard.tobytes())
    masked = not calibration.mask.all()
    if masked:
        data.update(calibration.mask.tobytes())
    metadata = {
        "tokenizer_sha256": hashlib.sha256(tokenizer_file.read_bytes()).hexdigest(),
        "data_sha256": data.hexdigest(),
    }
    tokens, guard = calibration.tokens.astype("<i4").tobytes(), calibration.guard.tobytes()
    mask = calibration.mask.tobytes() if masked else b""
    # By hand, because the safetensors package writes metadata in a random order: the same text, the same bytes.
    header = {
        "__metadata__": metadata,
        "tokens": {"dtype": "I32", "shape": calibration.tokens.shape, "data_offsets": [0, len(tokens)]},
        "guard": {
            "dtype": "U8",
            "shape": calibration.guard.shape,
            "data_offsets": [len(tokens), len(tokens) + len(guard)],
        },
    }
    if masked:
        begin = len(tokens) + len(guard)
        header["mask"] = {
            "dtype": "U8",
            "shape": calibration.mask.shape,
            "data_offsets": [begin, begin + len(mask)],
        }
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + tokens + guard + mask)
