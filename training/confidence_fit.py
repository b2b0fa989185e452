"""Fits the confidence model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.confidence import ConfidenceModel

Floats = NDArray[np.float32]


def fit_confidence(features: Floats, correct: NDArray[np.bool_], names: tuple[str, ...]) -> ConfidenceModel:
    """Learn when a first candidate is right.

    Args:
        features: float32[n, f] of tickets that the heads have not seen.
        correct: bool[n], whether the first candidate was right.
        names: The f features.
    """
    if correct.all() or not correct.any():
        # One outcome teaches nothing about the other; the log odds of the ranker stand as they are.
        weights = np.array([1.0 if name == "log_odds" else 0.0 for name in names], dtype=np.float32)
        return ConfidenceModel(names, weights, 0.0)
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    fitted = LogisticRegression(C=1.0, max_iter=500).fit((features - mean) / scale, correct)
    weights = fitted.coef_[0] / scale
    return ConfidenceModel(names, weights.astype(np.float32), float(fitted.intercept_[0] - mean @ weights))
