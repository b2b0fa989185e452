"""Lets a network or an exported model read texts: vectors and logits, in batches by length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.encoder_folder import INPUTS, VECTOR
from training.encoder.joint import padded
from training.encoder.run import Trained
from training.encoder.tasks import SHIPPED
from training.encoder.vocabulary import clip, ids_of

_BATCH = 32

Floats = NDArray[np.float32]
RunBatch = Callable[[NDArray[np.int64], NDArray[np.int64]], dict[str, Floats]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an encoder says of n texts.

    Attributes:
        vectors: float32[n, width].
        logits: Head → float32[n, classes].
    """

    vectors: Floats
    logits: dict[str, Floats]


class Reader(Protocol):
    """Anything that reads texts."""

    def __call__(self, texts: Sequence[str]) -> Reading:
        """Read n texts."""
        ...


class _BatchReader:
    def __init__(self, trained: Trained, run: RunBatch) -> None:
        self._trained, self._run = trained, run

    def __call__(self, texts: Sequence[str]) -> Reading:
        shape = self._trained.recipe.network
        ids = [clip(i, head=shape.head_tokens, tail=shape.tail_tokens) for i in ids_of(self._trained.tokenizer, texts)]
        found: dict[str, Floats] = {}
        for rows in _by_length(ids):
            batch, mask = padded([ids[row] for row in rows], device="cpu")
            for name, values in self._run(batch.numpy(), mask.numpy()).items():
                if name not in found:
                    found[name] = np.zeros((len(texts), values.shape[1]), dtype=np.float32)
                found[name][rows] = values
        return Reading(found.pop(VECTOR), found)


def network_reader(trained: Trained) -> Reader:
    """Read with the network itself, in float32."""
    network = trained.network.float().cpu().eval()

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> dict[str, Floats]:
        with torch.inference_mode():
            read = network(torch.from_numpy(ids), torch.from_numpy(mask))
        return {VECTOR: read.vectors.numpy(), **{name: logits.numpy() for name, logits in read.logits.items()}}

    return _BatchReader(trained, run)


def onnx_reader(trained: Trained, model: bytes, *, threads: int = 1) -> Reader:
    """Read with an exported model, as it is served."""
    import onnxruntime  # noqa: PLC0415 - 0.2 s

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [VECTOR, *SHIPPED]

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> dict[str, Floats]:
        values = session.run(names, dict(zip(INPUTS, (ids, mask), strict=True)))
        return dict(zip(names, values, strict=True))

    return _BatchReader(trained, run)


def _by_length(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    for at in range(0, len(order), _BATCH):
        yield order[at : at + _BATCH]
