"""The folder of an encoder: encoder.json, model.onnx and tokenizer.json, checked before anything of them is used.

encoder.json says what the folder holds: name and version, length of the vectors, how texts are cut, which further outputs the
model has, and size and sha256 of every file. Nothing in the folder is executed except by ONNX Runtime, whose operators
compute and do nothing else; a model that would read files of its own accord (external data) is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.errors import EncoderError
from models.onnx_graph import GraphFacts, inspect_graph

FORMAT = 1
MANIFEST = "encoder.json"
MODEL, TOKENIZER = "model.onnx", "tokenizer.json"
VECTOR = "vector"
"""The output that is the vector of a text."""
INPUTS = ("input_ids", "attention_mask")

MAX_BYTES = 1 << 30
"""Of all files together; the largest encoders in use (1,024 dimensions, 24 layers, int8) have about 350 MB."""
MAX_TOKENIZER_BYTES = 64 << 20
MAX_MANIFEST_BYTES = 4 << 20
MAX_TOKENS = 8_192
MAX_DIMENSIONS = 8_192
LEAST_OPSET = 17

_FILE_NAME = re.compile(r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*\.(?:onnx|json|md|png)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_AGAIN = "请重新复制整个文件夹"
_NOT_ALONE = frozenset(("DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"))
"""Operators that scale by the largest number of the whole batch: with them a text's vector depends on its neighbours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderManifest:
    """What an encoder says about itself.

    Attributes:
        name: Readable name.
        version: Of the encoder, free text.
        dimensions: Length of a vector.
        max_tokens: Most tokens the model reads, markers at both ends included.
        head_tokens: Of a longer text so many tokens at its beginning are read …
        tail_tokens: … and so many at its end.
        architecture: E.g. ``bert`` or ``static``; for people.
        pooling: How token vectors become one, e.g. ``mean``; it happens inside the model, this is for people.
        normaliser: Version of the text normalisation it was trained on; empty for foreign encoders.
        query_prompt: Goes before what somebody looks for; empty for most.
        document_prompt: Goes before every other text.
        outputs: Name of a further output → its classes, in column order; logits.
        reduction: How longer vectors became shorter: ``method`` (``matryoshka`` or ``projection``), ``from`` and ``seed``;
            empty where they have their length by nature.
        files: File name → size in bytes and sha256.
        unrelated: Cosine that texts about unrelated matters have, 0 to below 1; measured at export.
        metrics: Figures with n and date.
        source: Where a foreign encoder came from.
    """

    name: str
    version: str
    dimensions: int
    max_tokens: int
    head_tokens: int
    tail_tokens: int
    architecture: str
    pooling: str
    files: Mapping[str, Mapping[str, Any]]
    normaliser: str = ""
    query_prompt: str = ""
    document_prompt: str = ""
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reduction: Mapping[str, Any] = field(default_factory=dict)
    unrelated: float = 0.0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return what tells this encoder's vectors from those of any other.

        A sha256 over the hashes of model and tokenizer and everything else that a vector depends on; a changed name, card or
        metric is still the same encoder.
        """
        known = {
            "format": FORMAT,
            "files": {name: self.files[name]["sha256"] for name in (MODEL, TOKENIZER)},
            "tokens": [self.max_tokens, self.head_tokens, self.tail_tokens],
            "prompts": [self.query_prompt, self.document_prompt],
            "reduction": dict(self.reduction),
            "normaliser": self.normaliser,
        }
        digest = hashlib.sha256(json.dumps(known, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()
        return f"onnx.v{FORMAT}-{self.dimensions}-{digest[:32]}"

    def to_record(self) -> dict[str, Any]:
        """Return encoder.json."""
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "dimensions": self.dimensions,
            "max_tokens": self.max_tokens,
            "head_tokens": self.head_tokens,
            "tail_tokens": self.tail_tokens,
            "architecture": self.architecture,
            "pooling": self.pooling,
            "normaliser": self.normaliser,
            "prompts": {"query": self.query_prompt, "document": self.document_prompt},
            "outputs": {name: list(classes) for name, classes in self.outputs.items()},
            "reduction": dict(self.reduction),
            "unrelated": self.unrelated,
            "metrics": dict(self.metrics),
            "source": dict(self.source),
            "files": {name: dict(facts) for name, facts in sorted(self.files.items())},
        }


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EncoderFiles:
    """A verified encoder in memory: what was checked is what is used.

    Attributes:
        manifest: What it says about itself.
        model: The ONNX file.
        tokenizer: The tokenizer's JSON.
        alone: Whether each text must be run by itself to get the vector it has by itself.
    """

    manifest: EncoderManifest
    model: bytes
    tokenizer: bytes
    alone: bool


def read_manifest(folder: Path) -> EncoderManifest:
    """Read encoder.json; the files it names are not looked at.

    Raises:
        EncoderError: There is none, or it lacks something.
    """
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise EncoderError(f"{folder} 不是编码器文件夹：没有 {MANIFEST}")
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise EncoderError(f"编码器 {folder}：{MANIFEST} 过大，已拒绝")
    return _parsed(path.read_bytes(), str(folder))


def read_folder(folder: Path) -> EncoderFiles:
    """Verify an encoder's files, each read once.

    Raises:
        EncoderError: Names the first thing that is wrong and what to do.
    """
    manifest = read_manifest(folder)
    total = sum(int(facts["size"]) for facts in manifest.files.values())
    if total > MAX_BYTES:
        raise EncoderError(f"编码器 {folder} 共 {total >> 20} MB，超过上限 {MAX_BYTES >> 20} MB")
    return _checked(manifest, {name: _read(folder, name, facts) for name, facts in manifest.files.items()}, str(folder))


def read_document(folder: Path, name: str) -> bytes | None:
    """Return one further file of an encoder, verified; None where encoder.json names none of that name.

    Raises:
        EncoderError: It is missing or changed.
    """
    facts = read_manifest(folder).files.get(name)
    if facts is None:
        return None
    data = _read(folder, name, facts)
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise EncoderError(f"编码器 {folder}：{name} 已损坏或被改动（sha256 不符），{_AGAIN}")
    return data


def pack_folder(folder: Path) -> bytes:
    """Return an encoder's verified files as one tar, in which it travels to other machines.

    Raises:
        EncoderError: Anything is wrong with it.
    """
    files = read_folder(folder)
    payload = {
        MANIFEST: json.dumps(files.manifest.to_record(), ensure_ascii=False, sort_keys=True).encode("utf-8"),
        **{name: _read(folder, name, facts) for name, facts in files.manifest.files.items()},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in payload.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def unpack_files(packed: bytes) -> EncoderFiles:
    """Verify what `pack_folder` packed; nothing is written anywhere.

    Raises:
        EncoderError: Names the first thing that is wrong.
    """
    where, payload = "（库中）", dict[str, bytes]()
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is not None:
                    payload[entry.name] = content.read()
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise EncoderError("库中的编码器已损坏，请重新启用") from error
    if MANIFEST not in payload:
        raise EncoderError(f"库中的编码器没有 {MANIFEST}，请重新启用")
    return _checked(_parsed(payload.pop(MANIFEST), where), payload, where)


def describe_file(data: bytes) -> dict[str, Any]:
    """Return what encoder.json says about a file."""
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _parsed(data: bytes, where: str) -> EncoderManifest:
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"编码器 {where}：{MANIFEST} 不是可读的 JSON，{_AGAIN}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        version = found.get("format") if isinstance(found, dict) else None
        raise EncoderError(
            f"编码器 {where} 的格式版本为 {version!r}，本程序只认 {FORMAT}；请重新导出或换用相应版本的程序"
        )
    try:
        return _manifest(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EncoderError(f"编码器 {where}：{MANIFEST} 缺少或写错了字段 {error}，{_AGAIN}") from error


def _checked(manifest: EncoderManifest, payload: Mapping[str, bytes], where: str) -> EncoderFiles:
    for name, facts in manifest.files.items():
        if hashlib.sha256(payload.get(name, b"")).hexdigest() != facts["sha256"]:
            raise EncoderError(f"编码器 {where}：{name} 已损坏或被改动（sha256 不符），{_AGAIN}")
    if len(payload[TOKENIZER]) > MAX_TOKENIZER_BYTES:
        raise EncoderError(f"编码器 {where}：{TOKENIZER} 超过上限 {MAX_TOKENIZER_BYTES >> 20} MB")
    graph = inspect_graph(payload[MODEL])
    _check_graph(where, manifest, graph)
    alone = bool(graph.operators & _NOT_ALONE)
    return EncoderFiles(manifest=manifest, model=payload[MODEL], tokenizer=payload[TOKENIZER], alone=alone)


def _read(folder: Path, name: str, facts: Mapping[str, Any]) -> bytes:
    path = folder / name
    if path.is_symlink():
        raise EncoderError(f"编码器 {folder}：{name} 是链接，已拒绝；请放入文件本身")
    if not path.is_file():
        raise EncoderError(f"编码器 {folder}：缺少 {name}，{_AGAIN}")
    if path.stat().st_size != facts["size"]:
        raise EncoderError(f"编码器 {folder}：{name} 大小不符，{_AGAIN}")
    return path.read_bytes()


def _check_graph(where: str, manifest: EncoderManifest, facts: GraphFacts) -> None:
    if facts.external:
        raise EncoderError(f"编码器 {where}：{MODEL} 引用外部数据文件，已拒绝；请导出为单个文件")
    if set(facts.inputs) - set(INPUTS) or INPUTS[0] not in facts.inputs:
        raise EncoderError(f"编码器 {where}：{MODEL} 的输入应为 {'、'.join(INPUTS)}，请重新导出")
    missing = {VECTOR, *manifest.outputs} - set(facts.outputs)
    if missing:
        raise EncoderError(f"编码器 {where}：{MODEL} 没有输出 {'、'.join(sorted(missing))}，请重新导出")
    if facts.opset < LEAST_OPSET:
        raise EncoderError(f"编码器 {where}：{MODEL} 的 opset 为 {facts.opset}，须为 {LEAST_OPSET} 或更新")


def _manifest(found: Mapping[str, Any]) -> EncoderManifest:
    prompts = found.get("prompts") or {}
    manifest = EncoderManifest(
        name=_words(found, "name"),
        version=_words(found, "version"),
        dimensions=_number(found, "dimensions", most=MAX_DIMENSIONS),
        max_tokens=_number(found, "max_tokens", most=MAX_TOKENS),
        head_tokens=_number(found, "head_tokens", most=MAX_TOKENS),
        tail_tokens=_number(found, "tail_tokens", least=0, most=MAX_TOKENS),
        architecture=str(found.get("architecture", "")),
        pooling=str(found.get("pooling", "")),
        normaliser=str(found.get("normaliser", "")),
        query_prompt=str(prompts.get("query") or ""),
        document_prompt=str(prompts.get("document") or ""),
        outputs={
            str(name): _classes(classes) for name, classes in (found.get("outputs") or {}).items() if name != VECTOR
        },
        reduction=dict(found.get("reduction") or {}),
        files={str(name): _file(str(name), facts) for name, facts in found["files"].items()},
        unrelated=_share(found.get("unrelated") or 0.0),
        metrics=dict(found.get("metrics") or {}),
        source=dict(found.get("source") or {}),
    )
    if not {MODEL, TOKENIZER} <= manifest.files.keys():
        raise KeyError("files")
    if manifest.head_tokens + manifest.tail_tokens > manifest.max_tokens:
        raise ValueError("head_tokens")
    return manifest


def _words(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise ValueError(key)
    return value


def _number(found: Mapping[str, Any], key: str, *, most: int, least: int = 1) -> int:
    value = found[key]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(key)
    return value


def _share(value: Any) -> float:
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError("unrelated")
    return float(value)


def _classes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError("outputs")
    return tuple(value)


def _file(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    size, digest = facts["size"], facts["sha256"]
    if not _FILE_NAME.fullmatch(name) or name == MANIFEST:
        raise ValueError(f"files（不允许的文件名 {name[:80]!r}）")
    if not isinstance(size, int) or size < 0 or not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise ValueError(f"files（{name[:80]!r} 的大小或 sha256）")
    return {"size": size, "sha256": digest}
