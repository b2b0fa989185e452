"""Linear heads over n-gram features: many small classifiers that share one vocabulary and one matrix product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Scores = NDArray[np.float32]
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """Several linear classifiers side by side.

    Attributes:
        weights: float32[v, c]; all heads' columns next to each other.
        intercepts: float32[c].
        columns: For each head its slice of the c columns.
    """

    weights: Scores
    intercepts: Scores
    columns: Mapping[str, slice]

    def scores(self, features: sparse.csr_matrix) -> dict[str, Scores]:
        """Return for each head float32[n, classes of the head]; unbounded margins.

        Args:
            features: float32[n, v] from the vectoriser the heads were trained with.
        """
        product = np.asarray(features @ self.weights, dtype=np.float32) + self.intercepts
        return {name: product[:, columns] for name, columns in self.columns.items()}


def join_heads(heads: Mapping[str, tuple[Scores, Scores]]) -> LinearHeads:
    """Put separately trained heads side by side.

    Args:
        heads: Name → (weights float32[v, c_head], intercepts float32[c_head]), all over the same v features.
    """
    columns: dict[str, slice] = {}
    at = 0
    for name, (weights, _) in heads.items():
        columns[name] = slice(at, at + weights.shape[1])
        at += weights.shape[1]
    return LinearHeads(
        np.ascontiguousarray(np.hstack([weights for weights, _ in heads.values()]), dtype=np.float32),
        np.concatenate([intercepts for _, intercepts in heads.values()]).astype(np.float32),
        columns,
    )


def quantise(weights: Scores) -> tuple[NDArray[np.int8], Scores]:
    """Store float32[v, c] as int8, one scale per column; an error is at most 1/254 of the column's maximum."""
    scale = np.maximum(np.abs(weights).max(axis=0, initial=0.0), 1e-12) / 127.0
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)


def dequantise(quantised: NDArray[np.int8], scale: Scores) -> Scores:
    """Undo `quantise` up to rounding."""
    weights = quantised.astype(np.float32)
    weights *= scale
    return weights
