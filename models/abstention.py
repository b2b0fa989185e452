"""The confidence from which a prediction may stand alone: chosen so that precision is met with 95 % certainty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

NEVER = 1.01
"""A threshold that no probability reaches: nothing is automatic."""

ONE_SIDED_CONFIDENCE = 0.95


def lower_bound(correct: int, total: int, *, confidence: float = ONE_SIDED_CONFIDENCE) -> float:
    """Return the lower bound of a proportion (Clopper & Pearson 1934, one-sided); 0 for an empty sample."""
    if total == 0 or correct == 0:
        return 0.0
    return float(betaincinv(correct, total - correct + 1, 1.0 - confidence))


def threshold_for(confidence: NDArray[np.floating], correct: NDArray[np.bool_], *, precision: float) -> float:
    """Choose the lowest threshold whose lower precision bound meets the target on held-out predictions.

    Args:
        confidence: float[n], top probability of each prediction.
        correct: bool[n], whether it was right.
        precision: The target, 0 … 1.

    Returns:
        A probability, or `NEVER` where the sample proves no such threshold.

    Every candidate is a confidence that occurs; ties are taken or left together, since a threshold cannot split them.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    hits = np.cumsum(correct[order])
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True) if len(ranked) else np.zeros(0, dtype=bool)
    counts = np.flatnonzero(last_of_tie) + 1
    if not len(counts):
        return NEVER
    right = hits[counts - 1]
    with np.errstate(invalid="ignore"):
        bounds = np.where(right > 0, betaincinv(right, counts - right + 1, 1.0 - ONE_SIDED_CONFIDENCE), 0.0)
    meets = np.flatnonzero(bounds >= precision)
    return float(ranked[counts[meets[-1]] - 1]) if len(meets) else NEVER


def coverage_at(confidence: NDArray[np.floating], correct: NDArray[np.bool_], precision: float) -> float:
    """Return the largest share that could be routed at this precision by a threshold chosen in hindsight (0 … 1)."""
    if not len(confidence):
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    counts = np.arange(1, len(order) + 1)
    meets = np.flatnonzero(np.cumsum(correct[order]) / counts >= precision)
    return float(counts[meets[-1]] / len(order)) if len(meets) else 0.0
