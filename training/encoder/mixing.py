"""Mixes what several models say of the same texts; weights are fitted on one half of the groups and judged on the other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax
from sklearn.linear_model import LogisticRegression

from models.fusion import mixed_logs

Floats = NDArray[np.floating]


def halves_of(groups: Sequence[str]) -> NDArray[np.int64]:
    """Return int64[n], 0 or 1: the half each group falls into, the same on every machine."""
    return np.array([hashlib.sha256(f"half {group}".encode()).digest()[0] % 2 for group in groups])


def fit_mix(views: Sequence[Floats], truth: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return float64[views], the weights of log-probabilities whose mix explains the truth best.

    Args:
        views: For each model float[n, c], logits or margins.
        truth: int[n], the right column; negative ones are passed over.
    """
    rows = np.flatnonzero(truth >= 0)
    logs = [log_softmax(view[rows], axis=1) for view in views]

    def loss(weights: NDArray[np.float64]) -> float:
        mixed = sum(w * log for w, log in zip(np.exp(weights), logs, strict=True))
        return -float(log_softmax(mixed, axis=1)[np.arange(len(rows)), truth[rows]].mean())

    found = minimize(loss, np.zeros(len(views)), method="Nelder-Mead", options={"xatol": 1e-2, "fatol": 1e-5})
    return np.asarray(np.exp(found.x), dtype=np.float64)


def mix(views: Sequence[Floats], weights: Floats) -> Floats:
    """Return float[n, c], probabilities; the very mix that is served."""
    return np.exp(mixed_logs([np.asarray(view, np.float32) for view in views], weights.tolist()))


def cross_mixed(views: Sequence[Floats], truth: NDArray[np.integer], halves: NDArray[np.integer]) -> Floats:
    """Return float[n, c], probabilities of each half under weights of the other."""
    found = np.zeros(views[0].shape)
    for half in (0, 1):
        here, there = halves == half, halves != half
        weights = fit_mix([view[there] for view in views], truth[there])
        found[here] = mix([view[here] for view in views], weights)
    return found


def cross_mixed_yes_no(views: Sequence[Floats], truth: NDArray[np.bool_], halves: NDArray[np.integer]) -> Floats:
    """Return float[n, c]: for each class by itself a logistic regression on what all models say of it."""
    found = np.zeros(views[0].shape)
    for half in (0, 1):
        here, there = halves == half, halves != half
        for column in range(truth.shape[1]):
            inputs = np.stack([view[:, column] for view in views], axis=1)
            wanted = truth[there, column]
            if wanted.all() or not wanted.any():
                found[here, column] = expit(inputs[here].mean(axis=1))
                continue
            scale = inputs[there].std(axis=0) + 1e-6
            model = LogisticRegression(C=10.0).fit(inputs[there] / scale, wanted)
            found[here, column] = model.predict_proba(inputs[here] / scale)[:, 1]
    return found
