"""What awq-mlir itself reads of a Hugging Face folder: configuration, tokenizer, tensor headers.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from awq_mlir.errors import AwqError, Kind
from awq_mlir.files import require_folder

# What a checkpoint or bundle takes along from the model it was made of.
COMPANIONS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
)
LICENCE_PREFIXES = ("license", "licence", "notice", "copying", "use_policy")
MAX_JSON_BYTES = 64 << 20
BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16}
BITS |= {"U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64}


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, or an error that names the file."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise AwqError(Kind.MALFORMED, "AWQ1051", "this JSON file is absurdly large", str(path), "fetch it again")
        value = json.loads(path.read_text(encoding="utf8"))
    except FileNotFoundError:
        raise AwqError(
            Kind.USAGE,
            "AWQ1001",
            f"there is no {path.name} in this folder",
            str(path.parent),
            "give a complete model folder",
        ) from None
    except (ValueError, RecursionError) as error:
        raise AwqError(
            Kind.MALFORMED, "AWQ1050", f"not valid JSON: {error}", str(path), "fetch the file again"
        ) from None
    if not isinstance(value, dict):
        raise AwqError(Kind.MALFORMED, "AWQ1050", "a JSON object was expected", str(path), "fetch the file again")
    return value


def is_bundle(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()


def companions(folder: Path) -> list[Path]:
    """Tokenizer, generation settings, chat template and licence files of a model folder."""
    named = [folder / name for name in COMPANIONS if (folder / name).is_file()]
    licences = [path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(LICENCE_PREFIXES)]
    return sorted({*named, *licences})


def load_tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise AwqError(
            Kind.USAGE,
            "AWQ1647",
            "there is no tokenizer.json in this folder",
            str(folder),
            "only tokenizers of the Hugging Face tokenizers library are read; save one with save_pretrained()",
        )
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise AwqError(
            Kind.MALFORMED, "AWQ1647", f"the tokenizer is damaged: {error}", str(path), "fetch the file again"
        ) from None


def token_ids(value: object) -> set[int]:
    """Token ids of a configuration field that holds one, a list, or null."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {value}
    return {item for item in value if isinstance(item, int)} if isinstance(value, list) else set()


def token_text(value: object) -> str:
    """A special token's text, which files give as a string or as an object."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def end_tokens(folder: Path, tokenizer: Tokenizer) -> set[int]:
    """The tokens that end a text, from the generation settings, else the configuration and tokenizer."""
    found: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        if (folder / name).is_file():
            found |= token_ids(read_json(folder / name).get("eos_token_id"))
    if (folder / "tokenizer_config.json").is_file():
        text = token_text(read_json(folder / "tokenizer_config.json").get("eos_token"))
        index = tokenizer.token_to_id(text) if text else None
        if index is not None:
            found.add(index)
    return found


@dataclass(frozen=True)
class TensorHeader:
    """One tensor as a safetensors header gives it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: str

    @property
    def elements(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def bytes(self) -> int:
        return self.elements * BITS.get(self.dtype, 8) // 8


def tensor_headers(folder: Path) -> list[TensorHeader]:
    """The headers of all tensors of a model; no weight is read."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, dict):
            raise AwqError(Kind.MALFORMED, "AWQ1653", "weight_map is missing", str(index), "fetch the file again")
        files: Iterable[str] = sorted({str(name) for name in weight_map.values()})
    else:
        files = ["model.safetensors"]
    headers = []
    for name in files:
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise AwqError(
                Kind.MALFORMED, "AWQ1653", f"there is no {name} in this folder", str(folder), "fetch the model again"
            )
        try:
            with safe_open(path, framework="numpy") as tensors:
                for key in tensors.keys():  # noqa: SIM118 (not a dict)
                    view = tensors.get_slice(key)
                    headers.append(TensorHeader(key, str(view.get_dtype()), tuple(view.get_shape()), name))
        except SafetensorError as error:
            raise AwqError(
                Kind.MALFORMED, "AWQ1653", f"not a valid safetensors file: {error}", str(path), "fetch the file again"
            ) from None
    return headers


def read_config(folder: Path) -> dict[str, Any]:
    require_folder(folder, "model folder")
    return read_json(folder / "config.json")


def is_quantized(config: dict[str, Any]) -> bool:
    return isinstance(config.get("quantization_config"), dict)


def licence(folder: Path) -> str | None:
    """The licence: from the model card's front matter, else the first line of the licence file."""
    card = folder / "README.md"
    if card.is_file():
        lines = card.read_text(encoding="utf8", errors="replace").splitlines()
        if lines and lines[0] == "---":
            for line in lines[1:]:
                if line == "---":
                    break
                if line.startswith("license:"):
                    return line.removeprefix("license:").strip() or None
    for path in companions(folder):
        if path.name.lower().startswith(("license", "licence")):
            text = path.read_text(encoding="utf8", errors="replace").split()
            return " ".join(text[:4]).rstrip(",") or None
    return None
