"""Small encoders for tests: a random vector per character, their mean, and a head or two. Made in milliseconds, no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

from models.encoder_folder import MANIFEST, EncoderManifest, describe_file

_LETTERS = [
    chr(code) for code in (*range(32, 127), *range(0x3000, 0x3020), *range(0x4E00, 0x9FA6), *range(0xFF00, 0xFF20))
]
_INNER = 32


def tokenizer_json() -> bytes:
    """A token per character."""
    vocabulary = {"[UNK]": 0} | {letter: at for at, letter in enumerate(_LETTERS, 1)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    return tokenizer.to_str().encode()


def graph(*, dimensions: int = 256, seed: int = 0, heads: Mapping[str, Sequence[str]] | None = None) -> onnx.ModelProto:
    """The mean of the characters' vectors, at unit length, and linear heads over it."""
    generator = np.random.default_rng(seed)
    table = generator.normal(size=(len(_LETTERS) + 1, _INNER)).astype(np.float32)
    widen = generator.normal(size=(_INNER, dimensions)).astype(np.float32)
    weights = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(widen, "widen")]
    weights += [numpy_helper.from_array(np.array([-1], dtype=np.int64), "last")]
    weights += [numpy_helper.from_array(np.array([1], dtype=np.int64), "middle")]
    weights += [numpy_helper.from_array(np.array([1e-9], dtype=np.float32), "tiny")]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["tokens"]),
        helper.make_node("Cast", ["attention_mask"], ["read"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["read", "last"], ["column"]),
        helper.make_node("Mul", ["tokens", "column"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["narrow"], keepdims=0),
        helper.make_node("MatMul", ["narrow", "widen"], ["sum"]),
        helper.make_node("ReduceL2", ["sum", "last"], ["length"], keepdims=1),
        helper.make_node("Max", ["length", "tiny"], ["safe"]),
        helper.make_node("Div", ["sum", "safe"], ["vector"]),
    ]
    outputs = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["b", dimensions])]
    for name, classes in (heads or {}).items():
        matrix = generator.normal(size=(dimensions, len(classes))).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f"{name}_weights"))
        nodes.append(helper.make_node("MatMul", ["vector", f"{name}_weights"], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", len(classes)]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"]) for name in ("input_ids", "attention_mask")
    ]
    body = helper.make_graph(nodes, "encoder", inputs, outputs, initializer=weights)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def write_encoder(
    folder: Path,
    *,
    seed: int = 0,
    dimensions: int = 256,
    heads: Mapping[str, Sequence[str]] | None = None,
    model: bytes | None = None,
    **changes: Any,
) -> Path:
    """Write a whole encoder; another seed is another one. ``changes`` go into encoder.json."""
    folder.mkdir(parents=True, exist_ok=True)
    made = graph(dimensions=dimensions, seed=seed, heads=heads).SerializeToString()
    payload = {"model.onnx": made if model is None else model, "tokenizer.json": tokenizer_json()}
    manifest = EncoderManifest(
        name=f"letters-{seed}",
        version="1",
        dimensions=dimensions,
        max_tokens=64,
        head_tokens=48,
        tail_tokens=16,
        architecture="static",
        pooling="mean",
        outputs={name: tuple(classes) for name, classes in (heads or {}).items()},
        files={name: describe_file(data) for name, data in payload.items()},
    )
    for name, data in payload.items():
        (folder / name).write_bytes(data)
    record = {**manifest.to_record(), **changes}
    (folder / MANIFEST).write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return folder
