"""A small network over dense vectors of texts: what linear heads over n-grams cannot combine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, log_softmax

from models.bundle import Tensors
from models.errors import BundleError
from models.linear import Scores, dequantise, quantise

VERSION = "dense_head.v1"

_ROWS = 500
"""Texts worked on at once; bounds the memory of the double-precision products."""


@dataclass(frozen=True, slots=True)
class DenseHead:
    """One hidden layer: ``log_softmax(gelu(((x − centre) / scale) · inner + inner_bias) · outer + outer_bias)``.

    Attributes:
        centre: float32[d], mean of the training texts.
        scale: float32[d], their standard deviation.
        inner: float32[d, h].
        inner_bias: float32[h].
        outer: float32[h, c].
        outer_bias: float32[c].
    """

    centre: Scores
    scale: Scores
    inner: Scores
    inner_bias: Scores
    outer: Scores
    outer_bias: Scores

    @property
    def dimensions(self) -> int:
        """Length of the vectors it reads."""
        return len(self.centre)

    def log_probabilities(self, vectors: Scores) -> Scores:
        """Return float32[n, c] for float32[n, d].

        In double precision: a float32 product differs in its last digits with the number of rows, and an appeal decided
        alone would round to another probability than in a batch.
        """
        parts = [self._of(vectors[at : at + _ROWS]) for at in range(0, len(vectors), _ROWS)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.outer_bias)), dtype=np.float32)

    def _of(self, vectors: Scores) -> Scores:
        standard = (vectors.astype(np.float64) - self.centre) / self.scale
        hidden = standard @ self.inner.astype(np.float64) + self.inner_bias
        hidden *= 0.5 * (1.0 + erf(hidden / np.sqrt(2.0)))
        return np.asarray(log_softmax(hidden @ self.outer.astype(np.float64) + self.outer_bias, axis=1), np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store; weights as int8 with one scale per column."""
        inner, inner_scale = quantise(self.inner)
        outer, outer_scale = quantise(self.outer)
        return {
            "centre": self.centre,
            "scale": self.scale,
            "inner": inner,
            "inner_scale": inner_scale,
            "inner_bias": self.inner_bias,
            "outer": outer,
            "outer_scale": outer_scale,
            "outer_bias": self.outer_bias,
        }


def dense_head_from(tensors: Tensors, *, classes: int) -> DenseHead:
    """Rebuild a head from what `DenseHead.tensors` gave.

    Raises:
        BundleError: If the arrays do not fit together or the classes.
    """
    try:
        head = DenseHead(
            tensors["centre"].astype(np.float32),
            tensors["scale"].astype(np.float32),
            dequantise(tensors["inner"], tensors["inner_scale"]),
            tensors["inner_bias"].astype(np.float32),
            dequantise(tensors["outer"], tensors["outer_scale"]),
            tensors["outer_bias"].astype(np.float32),
        )
    except (KeyError, ValueError) as error:
        raise BundleError(f"dense head: {error!r} in its tensors; train the bundle again") from error
    width, hidden = head.dimensions, len(head.inner_bias)
    shapes: Mapping[str, bool] = {
        "scale": head.scale.shape == (width,) and bool((head.scale > 0).all()),
        "inner": head.inner.shape == (width, hidden),
        "outer": head.outer.shape == (hidden, classes),
        "outer_bias": head.outer_bias.shape == (classes,),
    }
    wrong = [name for name, fits in shapes.items() if not fits]
    if wrong:
        raise BundleError(f"dense head: {'、'.join(wrong)} do not fit; train the bundle again")
    return head
