"""Probability that two appeals are about the same event, from named pair features.

Half of the log-odds comes from boosted trees, half from a linear model: the trees see combinations, the line
keeps its head where training pairs are few. The trees are plain arrays, walked with numpy. Beside them the
model keeps in how many training texts each hashed term occurred, so that rare and common words are told apart
from the first appeal on. Terms of fewer than three texts are never kept: a rare term can be a personal name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.errors import BundleError

NAME = "pair_scorer.v1"
"""Component name in a bundle's manifest; the number changes with the meaning of the arrays."""

LEAST_DOCUMENTS = 3

Arrays = dict[str, NDArray[Any]]
_CHUNK = 4096
_FAR = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class TermFrequencies:
    """In how many documents each hashed term occurs.

    Attributes:
        terms: uint32[t], sorted and unique.
        documents: int32[t], at least `LEAST_DOCUMENTS`.
        total: Number of documents counted.
    """

    terms: NDArray[np.uint32]
    documents: NDArray[np.int32]
    total: int

    @classmethod
    def count(cls, documents: Sequence[NDArray[np.uint32]], *, limit: int = 250_000) -> TermFrequencies:
        """Count documents per term.

        Args:
            documents: Per document uint32[k], its terms without repeats.
            limit: Most terms kept, the most frequent first.
        """
        everything = np.concatenate(documents) if documents else np.empty(0, dtype=np.uint32)
        terms, counts = np.unique(everything, return_counts=True)
        kept = np.flatnonzero(counts >= LEAST_DOCUMENTS)
        if len(kept) > limit:
            kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")[:limit]])
        return cls(terms[kept].astype(np.uint32), counts[kept].astype(np.int32), len(documents))

    def lookup(self, terms: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Return int32[m], the count of each term; 0 for terms not kept."""
        if not len(self.terms):
            return np.zeros(len(terms), dtype=np.int32)
        at = np.minimum(np.searchsorted(self.terms, terms), len(self.terms) - 1)
        return np.where(self.terms[at] == terms, self.documents[at], 0).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """A forest as flat node arrays; a leaf points at itself.

    Attributes:
        roots: int32[r], first node of each tree.
        feature: int16[m], column that the node compares (0 in a leaf).
        threshold: float64[m]; a value not above it goes left.
        left: int32[m].
        right: int32[m].
        value: float32[m], what a leaf adds to the log-odds.
        depth: Steps from a root to the deepest leaf.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    depth: int

    def sum(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n], the sum of the leaves that each row of float32[n, f] falls into."""
        total = np.zeros(len(features))
        for start in range(0, len(features), _CHUNK):
            rows = features[start : start + _CHUNK]
            node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
            for _ in range(self.depth):
                values = np.take_along_axis(rows, self.feature[node].astype(np.int64), axis=1)
                node = np.where(values <= self.threshold[node], self.left[node], self.right[node])
            total[start : start + _CHUNK] = self.value[node].sum(axis=1, dtype=np.float64)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A linear model of standardised features.

    Attributes:
        centre: float32[f], mean of each feature in training.
        scale: float32[f], its standard deviation, above 0.
        weights: float32[f].
        intercept: Log-odds of the average pair.
    """

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercept: float

    def margins(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n], log-odds of each row of float32[n, f]."""
        standard = np.clip((features - self.centre) / self.scale, -_FAR, _FAR)
        return np.asarray(standard @ self.weights, dtype=np.float64) + self.intercept


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairScorer:
    """Calibrated probability of "same event" from a pair's features.

    Attributes:
        feature_names: Names of the f columns, in order; the caller's columns must carry the same names.
        trees: The ensemble.
        bias: Log-odds before any tree.
        line: The linear model.
        slope: Platt scaling of the log-odds, learned on folds that the trees had not seen.
        shift: Its offset.
        link_at: Average probability from which groups were best joined in training, 0 to 1.
        frequencies: Document frequencies of the training texts' terms.
    """

    feature_names: tuple[str, ...]
    trees: Trees
    bias: float
    line: Line
    slope: float
    shift: float
    link_at: float
    frequencies: TermFrequencies

    def margins(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n], uncalibrated log-odds of each row of float32[n, f].

        Raises:
            ValueError: If there are not as many columns as feature names.
        """
        if features.ndim != 2 or features.shape[1] != len(self.feature_names):
            raise ValueError(f"pair features have shape {features.shape}; need n rows of {len(self.feature_names)}")
        return 0.5 * (self.bias + self.trees.sum(features)) + 0.5 * self.line.margins(features)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32[n] in 0 … 1 for float32[n, f]."""
        return np.asarray(expit(self.slope * self.margins(features) + self.shift), dtype=np.float32)

    def state(self) -> Arrays:
        """Return everything as named arrays, to be stored in a bundle."""
        return {
            "feature_names": np.frombuffer("\n".join(self.feature_names).encode(), dtype=np.uint8).copy(),
            "roots": self.trees.roots,
            "feature": self.trees.feature,
            "threshold": self.trees.threshold,
            "left": self.trees.left,
            "right": self.trees.right,
            "value": self.trees.value,
            "line": np.stack([self.line.centre, self.line.scale, self.line.weights]),
            "scalars": np.array(
                [self.bias, self.line.intercept, self.slope, self.shift, self.link_at], dtype=np.float64
            ),
            "sizes": np.array([self.trees.depth, self.frequencies.total], dtype=np.int64),
            "terms": self.frequencies.terms,
            "documents": self.frequencies.documents,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> PairScorer:
        """Rebuild from `state`.

        Raises:
            BundleError: If an array is missing or the node arrays point outside themselves.
        """
        missing = sorted(
            {"feature_names", *_NODES, "roots", "line", "scalars", "sizes", "terms", "documents"} - set(state)
        )
        if missing:
            raise BundleError(f"{NAME}: arrays missing: {', '.join(missing)}; train or fetch the bundle again")
        names = tuple(bytes(state["feature_names"].astype(np.uint8)).decode().split("\n"))
        depth, total = (int(value) for value in state["sizes"])
        bias, intercept, slope, shift, link_at = (float(value) for value in state["scalars"])
        trees = Trees(
            roots=state["roots"].astype(np.int32),
            feature=state["feature"].astype(np.int16),
            threshold=state["threshold"].astype(np.float64),
            left=state["left"].astype(np.int32),
            right=state["right"].astype(np.int32),
            value=state["value"].astype(np.float32),
            depth=depth,
        )
        _check(trees, features=len(names))
        if state["line"].shape != (3, len(names)):
            raise BundleError(f"{NAME}: linear model does not fit its features; train or fetch the bundle again")
        centre, scale, weights = state["line"].astype(np.float32)
        frequencies = TermFrequencies(state["terms"].astype(np.uint32), state["documents"].astype(np.int32), total)
        return cls(
            feature_names=names,
            trees=trees,
            bias=bias,
            line=Line(centre, scale, weights, intercept),
            slope=slope,
            shift=shift,
            link_at=link_at,
            frequencies=frequencies,
        )


_NODES = ("feature", "threshold", "left", "right", "value")


def _check(trees: Trees, *, features: int) -> None:
    nodes = len(trees.feature)
    same = all(len(array) == nodes for array in (trees.threshold, trees.left, trees.right, trees.value))
    inside = same and all(
        not len(array) or (array.min() >= 0 and array.max() < limit)
        for array, limit in (
            (trees.feature, features),
            (trees.left, nodes),
            (trees.right, nodes),
            (trees.roots, nodes),
        )
    )
    if not inside or not 0 <= trees.depth <= 64:
        raise BundleError(f"{NAME}: tree arrays do not fit together; train or fetch the bundle again")
