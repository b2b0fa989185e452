"""Intervals by drawing groups."""

from __future__ import annotations

import numpy as np
import pytest

from training.bootstrap import group_interval

HITS = np.arange(200) % 2 == 0
ROWS = np.arange(200)


def share(rows: np.ndarray) -> float:
    return float(HITS[rows].mean())


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    low, high = group_interval(share, ROWS, [str(row) for row in ROWS])
    assert (low, high) == pytest.approx((0.43, 0.57), abs=0.02)


def test_copies_are_no_further_evidence() -> None:
    """Twenty groups of ten equal answers prove no more than twenty answers."""
    groups = [str(row % 2 * 10 + row // 2 % 10) for row in ROWS]
    low, high = group_interval(share, ROWS, groups)
    assert high - low > 0.35


def test_only_the_given_rows_are_drawn() -> None:
    assert group_interval(share, ROWS[::2], [str(row) for row in ROWS[::2]]) == (1.0, 1.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    names = [str(row) for row in ROWS]
    assert group_interval(share, ROWS, names, seed=3) == group_interval(share, ROWS, names, seed=3)
