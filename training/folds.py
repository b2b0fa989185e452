"""Folds that never split a group of near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def grouped_folds(groups: Sequence[str], *, folds: int, seed: int) -> NDArray[np.int64]:
    """Deal groups to folds at random, each to the fold that is smallest so far.

    Args:
        groups: Group of each text.
        folds: Number of folds.
        seed: Of the order in which groups are dealt.

    Returns:
        int64[n], the fold of each text, 0 … folds − 1.
    """
    names, member, sizes = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    # The large groups first: dealt last, one of them would make its fold much larger than the others.
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of = np.zeros(len(names), dtype=np.int64)
    filled = np.zeros(folds, dtype=np.int64)
    for group in order:
        fold_of[group] = int(filled.argmin())
        filled[fold_of[group]] += sizes[group]
    return np.asarray(fold_of[member], dtype=np.int64)
