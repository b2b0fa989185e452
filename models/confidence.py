"""How sure to be of a first candidate: a small logistic model over what surrounds the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.bundle import Tensors
from models.errors import BundleError

VERSION = "choice_confidence.v1"
Floats = NDArray[np.float32]

_JUST_BELOW = np.float32(0.999)
"""Keeps a held rival behind the first candidate, whatever the order of equal numbers."""


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """``P(first candidate is right) = sigmoid(features · weights + bias)``.

    A softmax only compares candidates with each other. It is as sure of the best of many poor answers as of a good one;
    the one-against-rest margins know the difference, so they take part here.

    Attributes:
        names: The features, in column order.
        weights: float32[f], for features in their natural units.
        bias: The intercept.
    """

    names: tuple[str, ...]
    weights: Floats
    bias: float

    def probabilities(self, features: Floats) -> Floats:
        """Return float32[n] in 0 … 1 from float32[n, f]."""
        return np.asarray(expit(features @ self.weights + self.bias), dtype=np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store."""
        return {"weights": self.weights, "bias": np.array([self.bias], dtype=np.float32)}


def confidence_from(tensors: Tensors, names: Sequence[str], known: Mapping[str, object]) -> ConfidenceModel:
    """Rebuild a model; refuses features that this program version does not compute.

    Raises:
        BundleError: If a feature is unknown or the weights do not fit.
    """
    unknown = [name for name in names if name not in known]
    if unknown or tensors["weights"].shape != (len(names),) or tensors["bias"].shape != (1,):
        raise BundleError(f"confidence: features {unknown} are unknown to this version; train the bundle again")
    return ConfidenceModel(tuple(names), tensors["weights"].astype(np.float32), float(tensors["bias"][0]))


def with_confidence(probabilities: Floats, confidence: Floats) -> Floats:
    """Give each row's first candidate its confidence and share the rest among the others in proportion.

    Args:
        probabilities: float32[n, c], rows summing to one.
        confidence: float32[n].

    Returns:
        float32[n, c]; the first candidate stays first, so where it is given less than its rivals would get, they are held
        just below it and the row sums to less than one.
    """
    rows = np.arange(len(probabilities))
    first = probabilities.argmax(axis=1)
    top = probabilities[rows, first]
    rest = (1.0 - confidence) / np.maximum(1.0 - top, 1e-6)
    shared = np.minimum(probabilities * rest[:, None], _JUST_BELOW * confidence[:, None])
    shared[rows, first] = confidence
    return np.asarray(shared, dtype=np.float32)
