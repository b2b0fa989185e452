"""Ordinal risk: five ordered levels from four calibrated "at least" questions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Platt

LEVELS = 5
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class OrdinalModel:
    """Turns margins of "level ≥ 1 … level ≥ 4" into level probabilities.

    Attributes:
        platt: Calibration of the four margins.
        cuts: float32[4], ascending positions on the expected level where one level gives way to the next;
            chosen on held-out texts for the best quadratic kappa.
    """

    platt: Platt
    cuts: Floats

    def at_least(self, margins: NDArray[np.floating]) -> Floats:
        """Return float32[n, 4]: P(level ≥ 1 … 4), each row falling from left to right."""
        return np.asarray(np.minimum.accumulate(self.platt.probabilities(margins), axis=1), dtype=np.float32)

    def level_probabilities(self, margins: NDArray[np.floating]) -> Floats:
        """Return float32[n, 5], rows summing to one."""
        at_least = self.at_least(margins)
        edges = np.hstack([np.ones((len(at_least), 1), np.float32), at_least, np.zeros((len(at_least), 1), np.float32)])
        return edges[:, :-1] - edges[:, 1:]

    def levels(self, margins: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return int64[n] in 0 … 4: the expected level cut at `cuts`."""
        return np.asarray(np.searchsorted(self.cuts, self.at_least(margins).sum(axis=1), side="right"), dtype=np.int64)


def fit_cuts(expected: NDArray[np.floating], truth: NDArray[np.integer], *, rounds: int = 4) -> Floats:
    """Choose the cuts that give the best quadratic kappa, one at a time until nothing moves.

    Args:
        expected: float[n], held-out expected levels 0 … 4.
        truth: int[n], annotated levels.
        rounds: How often each cut is revisited.
    """
    cuts = np.arange(0.5, 4.0)
    grid = np.unique(np.quantile(expected, np.linspace(0.01, 0.999, 160)))
    for _ in range(rounds):
        before = cuts.copy()
        for k in range(len(cuts)):
            cuts[k] = _best_cut(cuts, k, grid, expected, truth)
        if np.array_equal(before, cuts):
            break
    return cuts.astype(np.float32)


def _best_cut(
    cuts: NDArray[np.floating],
    k: int,
    grid: NDArray[np.floating],
    expected: NDArray[np.floating],
    truth: NDArray[np.integer],
) -> float:
    low = cuts[k - 1] if k else -np.inf
    high = cuts[k + 1] if k + 1 < len(cuts) else np.inf
    best, best_kappa = float(cuts[k]), -1.0
    for value in [float(cuts[k]), *grid[(grid > low) & (grid < high)]]:
        trial = cuts.copy()
        trial[k] = value
        kappa = quadratic_kappa(truth, np.searchsorted(trial, expected, side="right"))
        if kappa > best_kappa:
            best, best_kappa = float(value), kappa
    return best


def quadratic_kappa(truth: NDArray[np.integer], predicted: NDArray[np.integer], *, levels: int = LEVELS) -> float:
    """Return Cohen's kappa with quadratic weights (Cohen 1968): 1 is perfect, 0 is chance."""
    observed = np.zeros((levels, levels))
    np.add.at(observed, (truth, predicted), 1.0)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / max(observed.sum(), 1.0)
    weights = (np.arange(levels)[:, None] - np.arange(levels)[None, :]) ** 2
    disagreement = float((weights * expected).sum())
    return 1.0 - float((weights * observed).sum()) / disagreement if disagreement else 1.0
