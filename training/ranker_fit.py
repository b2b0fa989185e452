"""Fits the weights of a candidate ranker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from models.ranker import CandidateRanker

Floats = NDArray[np.float32]

STRENGTH = 2.0
"""What the prior weighs, in choices per unit of squared deviation of a standardised weight: thousands of tickets override
it, a few dozen hardly move it."""


def fit_ranker(
    features: Floats, truth: NDArray[np.integer], names: Sequence[str], *, prior: Mapping[str, float] | None = None
) -> CandidateRanker:
    """Maximise the likelihood of the chosen candidates, with a normal prior on the weights.

    Args:
        features: float32[n, c, f], computed from models that have not seen these n texts.
        truth: int[n], index of the right candidate.
        names: The f features.
        prior: Feature → weight expected beforehand, in the feature's natural unit; 0 where it is not named.
    """
    expected_weights = np.array([(prior or {}).get(name, 0.0) for name in names])
    scale = np.maximum(features.reshape(-1, features.shape[2]).std(axis=0), 1e-3).astype(np.float32)
    scaled = features / scale
    rows = np.arange(len(truth))
    gold = scaled[rows, truth].mean(axis=0)
    centre, penalty = expected_weights * scale, STRENGTH / len(truth)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(scaled @ weights.astype(np.float32), axis=1)
        expected = np.einsum("nc,ncf->f", np.exp(logs), scaled) / len(truth)
        away = weights - centre
        value = -float(logs[rows, truth].mean()) + penalty * float(away @ away)
        return value, (expected - gold + 2 * penalty * away).astype(np.float64)

    found = minimize(loss, centre, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return CandidateRanker(tuple(names), (found.x / scale).astype(np.float32))
