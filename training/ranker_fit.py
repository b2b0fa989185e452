"""Fits the weights of a candidate ranker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from models.ranker import CandidateRanker

Floats = NDArray[np.float32]

L2 = 1e-4
"""Ridge penalty on standardised weights; a dozen weights on thousands of choices need next to none."""


def fit_ranker(features: Floats, truth: NDArray[np.integer], names: Sequence[str]) -> CandidateRanker:
    """Maximise the likelihood of the chosen candidates.

    Args:
        features: float32[n, c, f], computed from models that have not seen these n texts.
        truth: int[n], index of the right candidate.
        names: The f features.
    """
    scale = np.maximum(features.reshape(-1, features.shape[2]).std(axis=0), 1e-3).astype(np.float32)
    scaled = features / scale
    rows = np.arange(len(truth))
    gold = scaled[rows, truth].mean(axis=0)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(scaled @ weights.astype(np.float32), axis=1)
        expected = np.einsum("nc,ncf->f", np.exp(logs), scaled) / len(truth)
        value = -float(logs[rows, truth].mean()) + L2 * float(weights @ weights)
        return value, (expected - gold + 2 * L2 * weights).astype(np.float64)

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return CandidateRanker(tuple(names), (found.x / scale).astype(np.float32))
