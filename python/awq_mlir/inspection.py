"""What a model folder or a bundle holds, for the verb inspect.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from awq_mlir import hugging_face as hf
from awq_mlir.errors import AwqError, Kind
from awq_mlir.files import require_folder

GROUP_SIZES = (32, 64, 128)


def _is_linear(tensor: hf.TensorHeader) -> bool:
    """A decoder linear's weight: a matrix that is neither the embedding nor the head."""
    return (
        len(tensor.shape) == 2
        and tensor.name.endswith(".weight")
        and "embed" not in tensor.name
        and "lm_head" not in tensor.name
    )


def group_fits(linears: list[hf.TensorHeader]) -> dict[str, dict[str, Any]]:
    """For each group size: whether every linear's input width is a multiple of it, and the widths that are not."""
    fits = {}
    for group in GROUP_SIZES:
        widths = Counter(tensor.shape[1] for tensor in linears if tensor.shape[1] % group)
        fits[str(group)] = {"fits": not widths, "widths": sorted(widths)}
    return fits


def inspect_bundle(folder: Path) -> dict[str, Any]:
    manifest = hf.read_json(folder / "manifest.json")
    files = manifest.get("files")
    sizes = [item.get("size", 0) for item in files if isinstance(item, dict)] if isinstance(files, list) else []
    return {
        "path": str(folder),
        "kind": "bundle",
        "model": manifest.get("model"),
        "target": manifest.get("target"),
        "tool": manifest.get("tool"),
        "version": manifest.get("version"),
        "bytes": sum(sizes),
        "kernels": len(manifest.get("kernels") or []),
        "licence": hf.licence(folder),
    }


def inspect_model(folder: Path) -> dict[str, Any]:
    config = hf.read_config(folder)
    tensors = hf.tensor_headers(folder)
    by_dtype: dict[str, dict[str, int]] = {}
    for tensor in tensors:
        entry = by_dtype.setdefault(tensor.dtype, {"tensors": 0, "parameters": 0, "bytes": 0})
        entry["tensors"] += 1
        entry["parameters"] += tensor.elements
        entry["bytes"] += tensor.bytes
    linears = [tensor for tensor in tensors if _is_linear(tensor)]
    architectures = config.get("architectures")
    quantization = config.get("quantization_config")
    keys = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "vocab_size")
    return {
        "path": str(folder),
        "kind": "model",
        "architecture": architectures[0] if isinstance(architectures, list) and architectures else None,
        "model_type": config.get("model_type"),
        "layers": config.get("num_hidden_layers"),
        **{key: config.get(key) for key in (*keys, "max_position_embeddings")},
        "tied_embeddings": bool(config.get("tie_word_embeddings", False)),
        "parameters": sum(tensor.elements for tensor in tensors),
        "bytes": sum(tensor.bytes for tensor in tensors),
        "dtypes": dict(sorted(by_dtype.items())),
        "linears": len(linears) + sum(tensor.name.endswith(".qweight") for tensor in tensors),
        "groups": group_fits(linears) if linears else {},
        "quantized": hf.is_quantized(config),
        "quantization": quantization if hf.is_quantized(config) else None,
        "licence": hf.licence(folder),
        "runs_code": bool(config.get("auto_map")),
    }


def inspect(folder: Path) -> dict[str, Any]:
    require_folder(folder, "model folder or bundle")
    if hf.is_bundle(folder):
        return inspect_bundle(folder)
    if not (folder / "config.json").is_file():
        raise AwqError(
            Kind.USAGE,
            "AWQ1641",
            "this is neither a model folder (no config.json) nor a bundle (no manifest.json)",
            str(folder),
            "give a Hugging Face folder or what `awq-mlir compile` has made",
        )
    return inspect_model(folder)
