"""Scores to probabilities, and how far such probabilities can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax

Floats = NDArray[np.float32]


def temperature(scores: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """Find the t > 0 that makes ``softmax(scores / t)`` most likely (Guo et al. 2017, temperature scaling).

    Args:
        scores: float[n, c] of texts that the scores' model has not seen.
        truth: int[n], the right column of each row.
    """
    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        return float(-log_softmax(scores / np.exp(log_t), axis=1)[rows, truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5.0, 3.0), method="bounded").x))


def probabilities(scores: NDArray[np.floating], t: float) -> Floats:
    """Return float32[n, c], rows summing to one."""
    return np.asarray(softmax(scores / t, axis=1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Platt:
    """``sigmoid(slope · score + shift)``, one pair per column (Platt 1999).

    Attributes:
        slope: float32[c].
        shift: float32[c].
    """

    slope: Floats
    shift: Floats

    def probabilities(self, scores: NDArray[np.floating]) -> Floats:
        """Map float[n, c] margins to float32[n, c] in 0 … 1."""
        return np.asarray(expit(scores * self.slope + self.shift), dtype=np.float32)


def fit_platt(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> Platt:
    """Fit one sigmoid per column on held-out margins, with Platt's softened targets against over-confidence.

    Args:
        scores: float[n, c].
        truth: bool[n, c].
    """
    fitted = [_fit_sigmoid(scores[:, c].astype(np.float64), truth[:, c]) for c in range(scores.shape[1])]
    return Platt(
        np.array([slope for slope, _ in fitted], dtype=np.float32),
        np.array([shift for _, shift in fitted], dtype=np.float32),
    )


def _fit_sigmoid(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    positives, negatives = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = parameters[0] * scores + parameters[1]
        error = expit(z) - target
        value = np.logaddexp(0.0, z) - target * z
        return float(value.mean()), np.array([(error * scores).mean(), error.mean()])

    start = np.array([1.0, np.log((positives + 1.0) / (negatives + 1.0))])
    # A slope below zero would turn the ranking round; it can only come from noise in a tiny class.
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)])
    return float(found.x[0]), float(found.x[1])


def expected_calibration_error(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], *, bins: int = 15
) -> float:
    """Return Σ share(bin) · |accuracy − mean confidence| over equally filled bins, 0 … 1 (Nguyen & O'Connor 2015)."""
    if not len(confidence):
        return 0.0
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(float(correct[part].mean()) - float(confidence[part].mean())) for part in parts]
    return float(sum(gaps) / len(confidence))
