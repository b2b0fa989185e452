"""Stacked candidate scoring: a conditional logit over a handful of named features per (text, candidate)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from models.bundle import Tensors
from models.errors import BundleError

VERSION = "candidate_ranker.v1"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CandidateRanker:
    """``P(candidate | text) = softmax over candidates of features · weights`` (McFadden 1974, conditional logit).

    The few weights are shared by all candidates, so a unit without a single ticket is scored like any other.

    Attributes:
        names: The features, in column order.
        weights: float32[f], for features in their natural units.
    """

    names: tuple[str, ...]
    weights: Floats

    def utilities(self, features: Floats) -> Floats:
        """Return float32[n, c] from float32[n, c, f].

        einsum adds up in the same order whatever the batch; a matrix product does not, and the trees behind it would turn
        a difference in the last bit into another answer for the same text.
        """
        return np.asarray(np.einsum("ncf,f->nc", features, self.weights), dtype=np.float32)

    def probabilities(self, features: Floats) -> Floats:
        """Return float32[n, c], rows summing to one, from float32[n, c, f]."""
        return np.asarray(softmax(self.utilities(features), axis=1), dtype=np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store."""
        return {"weights": self.weights}


def ranker_from(tensors: Tensors, names: Sequence[str], known: Mapping[str, object]) -> CandidateRanker:
    """Rebuild a ranker; refuses features that this program version does not compute.

    Raises:
        BundleError: If a feature is unknown or the weights do not fit.
    """
    unknown = [name for name in names if name not in known]
    if unknown or tensors["weights"].shape != (len(names),):
        raise BundleError(f"ranker: features {unknown} are unknown to this version; train the bundle again")
    return CandidateRanker(tuple(names), tensors["weights"].astype(np.float32))
