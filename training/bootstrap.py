"""Intervals of figures that are no simple shares: whole groups of near-duplicates are drawn again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

ROUNDS = 300


def group_interval(
    statistic: Callable[[Rows], float], rows: Rows, groups: Sequence[str], *, seed: int = 1, rounds: int = ROUNDS
) -> tuple[float, float]:
    """Return the 95 % interval of a figure (percentile bootstrap over groups; Efron & Tibshirani 1993).

    Appeals of one group are no independent evidence, so a group is drawn whole or not at all.

    Args:
        statistic: Figure of some rows, which may repeat.
        rows: int64[n], the rows it is judged on.
        groups: Group of each of these rows, n names.
        seed: Of the drawing.
        rounds: How often.
    """
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    members = np.split(rows[np.argsort(inverse, kind="stable")], np.cumsum(np.bincount(inverse))[:-1])
    generator = np.random.default_rng(seed)
    drawn = [
        statistic(np.concatenate([members[i] for i in generator.integers(0, len(members), len(members))]))
        for _ in range(rounds)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)
