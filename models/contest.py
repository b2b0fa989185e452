"""A second look at the few serious candidates: boosted trees over named features of each of them.

A conditional logit adds features up. Whether a named district should outweigh a high margin depends on both, and on the
rivals; trees learn such combinations. They are plain arrays (`models.pairs.Trees`), walked with numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Tensors
from models.errors import BundleError
from models.pairs import Trees

VERSION = "contender_trees.v1"
Floats = NDArray[np.float32]
Columns = NDArray[np.int64]

MOST = 10
"""Candidates per text that are looked at again."""

LEAST = 0.003
"""Probability below which a candidate other than the first is no contender."""

TREE_SHARE = 0.8
"""Share of the trees in the new log-odds; the rest is the logit's, which keeps its head where trees have seen little."""

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Contenders:
    """The candidates in question, text by text, within a text the most probable first.

    Attributes:
        rows: int64[m], ascending; every text has at least one.
        columns: int64[m], the candidate.
    """

    rows: Columns
    columns: Columns

    @property
    def starts(self) -> Columns:
        """int64[n]: where each text's contenders begin."""
        return np.flatnonzero(np.append(True, self.rows[1:] != self.rows[:-1]))


@dataclass(frozen=True, slots=True, eq=False)
class ContenderTrees:
    """Log-odds that a contender is the right one.

    Attributes:
        names: The f features, in column order.
        trees: The ensemble.
        bias: Log-odds before any tree.
    """

    names: tuple[str, ...]
    trees: Trees
    bias: float

    def scores(self, features: Floats) -> Floats:
        """Return float32[m] from float32[m, f]."""
        return np.asarray(self.bias + self.trees.sum(features), dtype=np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store."""
        arrays = {name: getattr(self.trees, name) for name in _ARRAYS}
        return arrays | {"bias": np.array([self.bias]), "depth": np.array([self.trees.depth])}


def contender_trees_from(tensors: Tensors, names: Sequence[str], expected: Sequence[str]) -> ContenderTrees:
    """Rebuild the trees.

    Args:
        tensors: From `ContenderTrees.tensors`.
        names: The features the trees were fitted on.
        expected: The features that this program version computes for the bundle's ranker.

    Raises:
        BundleError: If the features differ or the node arrays point outside themselves.
    """
    if list(names) != list(expected):
        raise BundleError("contender trees: their features are not those of this version; train the bundle again")
    trees = Trees(**{name: tensors[name] for name in _ARRAYS}, depth=int(tensors["depth"][0]))
    nodes = len(trees.feature)
    limits = ((trees.feature, len(names)), (trees.left, nodes), (trees.right, nodes), (trees.roots, nodes))
    same = all(len(array) == nodes for array in (trees.threshold, trees.left, trees.right, trees.value))
    inside = all(not len(array) or 0 <= array.min() <= array.max() < limit for array, limit in limits)
    if not (same and inside and 0 <= trees.depth <= _DEEPEST):
        raise BundleError("contender trees: node arrays do not fit together; train the bundle again")
    return ContenderTrees(tuple(names), trees, float(tensors["bias"][0]))


def contenders_of(probabilities: Floats) -> Contenders:
    """Choose each text's contenders from float32[n, c]."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :MOST]
    serious = np.take_along_axis(probabilities, best, axis=1) >= LEAST
    serious[:, 0] = True
    rows, places = np.nonzero(serious)
    return Contenders(rows, best[rows, places])


def settled(probabilities: Floats, contenders: Contenders, scores: Floats) -> Floats:
    """Deal the contenders' common probability out anew.

    Args:
        probabilities: float32[n, c] of the logit.
        contenders: m of them.
        scores: float32[m], log-odds by the trees.

    Returns:
        float32[n, c]; candidates that are no contenders keep what they had.
    """
    rows, columns, starts = contenders.rows, contenders.columns, contenders.starts
    before = probabilities[rows, columns]
    utilities = (1.0 - TREE_SHARE) * np.log(before + _TINY) + TREE_SHARE * scores
    weights = np.exp(utilities - np.maximum.reduceat(utilities, starts)[rows])
    common = np.add.reduceat(before, starts) / np.add.reduceat(weights, starts)
    after = probabilities.copy()
    after[rows, columns] = weights * common[rows]
    return after


_ARRAYS = ("roots", "feature", "threshold", "left", "right", "value")
_DEEPEST = 64
