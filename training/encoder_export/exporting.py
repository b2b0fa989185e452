"""Exports a model to ONNX, makes its weights int8, and compares what comes out with what the model itself says."""

from __future__ import annotations

import csv
import json
import logging
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from models.encoder import OnnxEncoder
from models.encoder_folder import INPUTS, MANIFEST, MODEL, TOKENIZER, VECTOR, EncoderManifest, describe_file
from models.errors import EncoderError
from training.encoder_export.networks import (
    MATRYOSHKA,
    PADDING,
    PROJECTION,
    StaticNetwork,
    TransformerNetwork,
    reduction_matrix,
)
from training.encoder_export.reading import Foreign, read
from triage.samples import sample_path

DIMENSIONS = 256
OPSET = 18
TAIL_SHARE = 4
"""A quarter of the tokens of a long letter are taken from its end, where the demand often stands."""

EXACT = 1e-3
"""Largest difference of any number between the model and its float export; more is a faulty export."""
LEAST_MEAN, LEAST_WORST = 0.98, 0.93
"""Cosines between the model's vectors and those with int8 weights; below, the float weights are kept."""
_SEED = 20_261_123
_COMPARED = 48
_COMPARED_CHARACTERS = 100

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """An encoder that was written.

    Attributes:
        folder: Where.
        manifest: What it says about itself.
        weights: ``int8``, or ``float32`` where int8 would have changed the vectors too much.
        parity: Mean and least cosine with the model's own vectors, and over how many texts.
    """

    folder: Path
    manifest: EncoderManifest
    weights: str
    parity: Mapping[str, float]


def export(source: str, parent: Path, *, matryoshka: bool = False, progress: Progress = lambda _: None) -> Exported:
    """Export a model once; serving needs neither torch nor the model afterwards.

    Args:
        source: Folder or hub name.
        parent: The encoder's folder is made in here, named after model and fingerprint.
        matryoshka: Shorten vectors by keeping their first numbers, for models that were trained for it; otherwise by a
            random orthogonal projection.
        progress: Called with what is being done, in words.

    Raises:
        EncoderError: The model cannot be read, or its export gives other vectors than the model.
    """
    progress("载入模型")
    foreign = read(source)
    texts = _texts(foreign.max_tokens)
    given = [foreign.document_prompt + words for words in texts]
    own = np.asarray(foreign.model.encode(given, prompt="", show_progress_bar=False), dtype=np.float32)
    method = MATRYOSHKA if matryoshka or getattr(foreign.model, "truncate_dim", None) else PROJECTION
    matrix = reduction_matrix(own.shape[1], DIMENSIONS, method=method, seed=_SEED)
    reduction = _reduction(own.shape[1], method)
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export.", dir=parent) as scratch:
        work = _Work(Path(scratch), foreign, matrix, reduction, _unit(own if matrix is None else own @ matrix))
        return work.export(texts, parent, progress=progress)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    scratch: Path
    foreign: Foreign
    matrix: NDArray[np.float32] | None
    reduction: Mapping[str, Any]
    expected: NDArray[np.float32]

    def export(self, texts: list[str], parent: Path, *, progress: Progress) -> Exported:
        progress("导出 ONNX 并核对")
        full = self._graph(small=False)
        exact = self._written("full", full, "float32")
        worst = float(np.abs(self._vectors(exact, texts) - self.expected).max())
        if worst > EXACT:
            raise EncoderError(f"模型 {self.foreign.source} 导出后结果不一致（最大偏差 {worst:.2g}），暂不支持")
        progress("压缩为 int8 并核对")
        small = self._graph(small=True) if self.foreign.static else self._quantised(full)
        folder, weights = self._written("small", small, "int8"), "int8"
        parity = self._parity(self._vectors(folder, texts))
        if parity["mean"] < LEAST_MEAN or parity["least"] < LEAST_WORST:
            folder, weights = exact, "float32"
            parity = self._parity(self._vectors(folder, texts))
        vectors = self._vectors(folder, texts)
        manifest = self._manifest((folder / MODEL).read_bytes(), weights, parity=parity, unrelated=_unrelated(vectors))
        _write(folder, manifest)
        place = parent / f"{_plain(self.foreign.source)}-{manifest.fingerprint[-8:]}"
        if place.exists():
            shutil.rmtree(place)
        folder.rename(place)
        return Exported(folder=place, manifest=manifest, weights=weights, parity=parity)

    def _graph(self, *, small: bool) -> bytes:
        model = self.foreign.model
        network: torch.nn.Module = (
            StaticNetwork(model, self.matrix, small=small)
            if self.foreign.static
            else TransformerNetwork(model, self.matrix)
        )
        path = self.scratch / "graph.onnx"
        ids = torch.ones((2, 7), dtype=torch.int64)
        mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
        size, length = torch.export.Dim("size"), torch.export.Dim("length")
        shape = {0: size, 1: length}
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.eval(),
                (ids, mask),
                str(path),
                input_names=list(INPUTS),
                output_names=[VECTOR],
                dynamic_shapes={"input_ids": shape, "attention_mask": shape},
                opset_version=OPSET,
                external_data=False,
                dynamo=True,
                verbose=False,
            )
        return path.read_bytes()

    def _quantised(self, full: bytes) -> bytes:
        before, after = self.scratch / "before.onnx", self.scratch / "after.onnx"
        before.write_bytes(full)
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            quantize_dynamic(str(before), str(after), weight_type=QuantType.QInt8, per_channel=True)
        return after.read_bytes()

    def _written(self, name: str, model: bytes, weights: str) -> Path:
        folder = self.scratch / name
        folder.mkdir()
        (folder / MODEL).write_bytes(model)
        (folder / TOKENIZER).write_bytes(self.foreign.tokenizer)
        _write(folder, self._manifest(model, weights, parity={}, unrelated=0.0))
        return folder

    def _manifest(
        self, model: bytes, weights: str, *, parity: Mapping[str, float], unrelated: float
    ) -> EncoderManifest:
        foreign, tail = self.foreign, self.foreign.max_tokens // TAIL_SHARE
        return EncoderManifest(
            name=_plain(foreign.source),
            version=weights,
            dimensions=DIMENSIONS,
            max_tokens=foreign.max_tokens,
            head_tokens=foreign.max_tokens - tail,
            tail_tokens=tail,
            architecture=foreign.architecture,
            pooling=foreign.pooling,
            query_prompt=foreign.query_prompt,
            document_prompt=foreign.document_prompt,
            reduction=self.reduction,
            unrelated=unrelated,
            metrics={"parity": {**parity, "date": datetime.now(UTC).date().isoformat()}} if parity else {},
            source={"model": foreign.source},
            files={MODEL: describe_file(model), TOKENIZER: describe_file(foreign.tokenizer)},
        )

    def _vectors(self, folder: Path, texts: list[str]) -> NDArray[np.float32]:
        return OnnxEncoder.load(folder).encode(texts)

    def _parity(self, vectors: NDArray[np.float32]) -> dict[str, float]:
        cosines = np.sum(vectors * self.expected, axis=1)
        return {"mean": round(float(cosines.mean()), 5), "least": round(float(cosines.min()), 5), "n": len(cosines)}


def _reduction(length: int, method: str) -> dict[str, Any]:
    if length == DIMENSIONS:
        return {}
    if length < DIMENSIONS:
        return {"method": PADDING, "from": length}
    return {"method": method, "from": length, **({"seed": _SEED} if method == PROJECTION else {})}


def _texts(tokens: int) -> list[str]:
    """Return the texts that exports are compared on, cut so that no model truncates them: the project's invented appeals."""
    most = min(_COMPARED_CHARACTERS, max(8, tokens // 4))
    with sample_path("appeals.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        return [row["诉求内容"][:most] for row in islice(rows, _COMPARED)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters from talking: they print what only their authors can use."""
    former = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
    finally:
        logging.disable(former)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12), dtype=np.float32)


def _unrelated(vectors: NDArray[np.float32]) -> float:
    """Return the median cosine between different texts: what this encoder says of matters that have nothing in common."""
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return round(float(np.median(cosines).clip(0.0, 0.95)), 4)


def _write(folder: Path, manifest: EncoderManifest) -> None:
    record = json.dumps(manifest.to_record(), ensure_ascii=False, indent=1) + "\n"
    (folder / MANIFEST).write_text(record, encoding="utf-8")


def _plain(source: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", source).strip("-.")[:80] or "encoder"
