"""The modules that are exported: tokens in, one vector of unit length out, at the length that the store keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

PROJECTION, MATRYOSHKA, PADDING = "projection", "matryoshka", "padding"


def reduction_matrix(length: int, wanted: int, *, method: str, seed: int) -> NDArray[np.float32] | None:
    """Return what turns vectors of one length into vectors of another; None where they have it already.

    Args:
        length: Of the model's vectors.
        wanted: Of the store's.
        method: ``projection`` onto random orthogonal directions, which keeps cosines up to about 1/√wanted (Johnson and
            Lindenstrauss 1984); ``matryoshka`` keeps the first numbers, right for models trained for that (Kusupati et
            al. 2022). Shorter vectors are filled up with zeros, which changes no cosine.
        seed: Chooses the directions.

    Returns:
        float32[length, wanted].
    """
    if length == wanted:
        return None
    if length < wanted or method == MATRYOSHKA:
        return np.eye(length, wanted, dtype=np.float32)
    drawn = np.random.default_rng(seed).normal(size=(length, wanted))
    directions, triangle = np.linalg.qr(drawn)
    # The signs of a QR decomposition are the library's choice; these are not.
    return np.asarray(directions * np.sign(np.diag(triangle)), dtype=np.float32)


class _Reduced(nn.Module):
    """Brings vectors to the store's length and to unit length."""

    matrix: Tensor | None

    def __init__(self, matrix: NDArray[np.float32] | None) -> None:
        super().__init__()
        self.register_buffer("matrix", None if matrix is None else torch.from_numpy(matrix))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the vectors, rows of unit length."""
        if self.matrix is not None:
            vectors = vectors @ self.matrix
        return nn.functional.normalize(vectors, dim=-1)


class TransformerNetwork(nn.Module):
    """All modules of a sentence-transformers model (transformer, pooling, dense …) in a row, and the reduction."""

    def __init__(self, model: Any, matrix: NDArray[np.float32] | None) -> None:
        super().__init__()
        self._parts = nn.ModuleList(model)
        self._reduced = _Reduced(matrix)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return float32[b, d]."""
        features: dict[str, Any] = {"input_ids": input_ids, "attention_mask": attention_mask}
        for part in self._parts:
            features = part(features)
        vectors: Tensor = self._reduced(features["sentence_embedding"])
        return vectors


class StaticNetwork(nn.Module):
    """The mean of token vectors, which are kept as int8 with a scale per token; then the model's other modules.

    The scale is per token and not per batch, so a text has the same vector whatever it is read with.
    """

    codes: Tensor
    scale: Tensor

    def __init__(self, model: Any, matrix: NDArray[np.float32] | None, *, small: bool) -> None:
        super().__init__()
        table = model[0].embedding.weight.detach().float()
        scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-9) / 127
        self.register_buffer("codes", torch.round(table / scale).to(torch.int8) if small else table)
        self.register_buffer("scale", scale if small else torch.ones_like(scale))
        self._parts = nn.ModuleList(list(model)[1:])
        self._reduced = _Reduced(matrix)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return float32[b, d]."""
        present = attention_mask[..., None].to(torch.float32)
        tokens = self.codes[input_ids].to(torch.float32) * self.scale[input_ids] * present
        mean = tokens.sum(dim=1) / present.sum(dim=1).clamp(min=1.0)
        features: dict[str, Any] = {"sentence_embedding": mean}
        for part in self._parts:
            features = part(features)
        vectors: Tensor = self._reduced(features["sentence_embedding"])
        return vectors
