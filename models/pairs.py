"""Probability that two appeals are about the same event, from named pair features.

A part of the log-odds comes from boosted trees, the rest from a linear model: the trees see combinations, the line
keeps its head where training pairs are few. The trees are plain arrays, walked with numpy. Letters with titles and
tickets without have a model each: one line for both gave a titled pair the weights that only bare sentences need.
Beside them the scorer keeps in how many training texts each hashed term occurred, so that rare and common words are told
apart from the first appeal on, and what dictionary words mean. Terms of fewer than three texts are never kept: a rare term
can be a personal name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.errors import BundleError

NAME = "pair_scorer.v2"
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


@dataclass(frozen=True, slots=True, eq=False)
class WordMeanings:
    """Vectors of dictionary words, in which words used alike lie together (油烟 beside 餐饮).

    Attributes:
        terms: uint32[v], hashes of the words, sorted and unique.
        weights: float32[v], how much each says, above 0.
        vectors: float32[v, d], rows of unit length.
        centres: float32[3, d], mean of the texts of training for each way of reading one; taken off, so that what all
            appeals share does not count.
    """

    terms: NDArray[np.uint32]
    weights: NDArray[np.float32]
    vectors: NDArray[np.float32]
    centres: NDArray[np.float32]

    @classmethod
    def none(cls) -> WordMeanings:
        """Return the meanings of no words: nothing is alike by meaning."""
        empty = np.empty((0, 1), dtype=np.float32)
        return cls(np.empty(0, dtype=np.uint32), empty[:, 0], empty, np.zeros((3, 1), dtype=np.float32))

    def state(self) -> Arrays:
        """Return the arrays to store; vectors as int8 with one scale per column."""
        scale = np.maximum(np.abs(self.vectors).max(axis=0, initial=0.0), 1e-6) / 127
        return {
            "meaning_terms": self.terms,
            "meaning_weights": self.weights,
            "meaning_vectors": np.rint(self.vectors / scale).astype(np.int8),
            "meaning_scale": scale.astype(np.float32),
            "meaning_centres": self.centres,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> WordMeanings:
        """Rebuild from `state`.

        Raises:
            BundleError: If the arrays do not fit together.
        """
        vectors = state["meaning_vectors"].astype(np.float32)
        terms, weights = state["meaning_terms"].astype(np.uint32), state["meaning_weights"].astype(np.float32)
        scale, centres = state["meaning_scale"].astype(np.float32), state["meaning_centres"].astype(np.float32)
        fits = vectors.ndim == 2 and len(terms) == len(weights) == len(vectors)
        if not fits or scale.shape != vectors.shape[1:] or centres.shape != (3, vectors.shape[1]):
            raise BundleError(f"{NAME}: meanings of words do not fit together; train or fetch the bundle again")
        vectors = vectors * scale
        return cls(terms, weights, vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), centres)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairModel:
    """Trees and a line over the same f features, calibrated together.

    Attributes:
        trees: The ensemble.
        bias: Log-odds before any tree.
        line: The linear model.
        line_share: What the line's log-odds count, 0 to 1; the trees count the rest.
        slope: Platt scaling of the log-odds, learned on folds that the model had not seen.
        shift: Its offset.
    """

    trees: Trees
    bias: float
    line: Line
    line_share: float = 0.5
    slope: float = 1.0
    shift: float = 0.0

    def margins(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n], uncalibrated log-odds of each row of float32[n, f]."""
        by_trees = self.bias + self.trees.sum(features)
        return (1 - self.line_share) * by_trees + self.line_share * self.line.margins(features)

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n], calibrated log-odds of each row of float32[n, f]."""
        return self.slope * self.margins(features) + self.shift

    def state(self, prefix: str) -> Arrays:
        """Return everything as named arrays; the names begin with ``prefix``."""
        scalars = [self.bias, self.line.intercept, self.line_share, self.slope, self.shift]
        found: Arrays = {
            "roots": self.trees.roots,
            "feature": self.trees.feature,
            "threshold": self.trees.threshold,
            "left": self.trees.left,
            "right": self.trees.right,
            "value": self.trees.value,
            "line": np.stack([self.line.centre, self.line.scale, self.line.weights]),
            "scalars": np.array(scalars, dtype=np.float64),
            "depth": np.array([self.trees.depth], dtype=np.int64),
        }
        return {f"{prefix}_{name}": array for name, array in found.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]], prefix: str, *, features: int) -> PairModel:
        """Rebuild from `state`.

        Raises:
            BundleError: If the arrays do not fit together or the nodes point outside themselves.
        """
        part = {name: state[f"{prefix}_{name}"] for name in _MODEL}
        bias, intercept, line_share, slope, shift = (float(value) for value in part["scalars"])
        trees = Trees(
            roots=part["roots"].astype(np.int32),
            feature=part["feature"].astype(np.int16),
            threshold=part["threshold"].astype(np.float64),
            left=part["left"].astype(np.int32),
            right=part["right"].astype(np.int32),
            value=part["value"].astype(np.float32),
            depth=int(part["depth"][0]),
        )
        _check(trees, features=features)
        if part["line"].shape != (3, features):
            raise BundleError(f"{NAME}: linear model does not fit its features; train or fetch the bundle again")
        centre, scale, weights = part["line"].astype(np.float32)
        line = Line(centre, scale, weights, intercept)
        return cls(trees=trees, bias=bias, line=line, line_share=line_share, slope=slope, shift=shift)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PairScorer:
    """Calibrated probability of "same event" from a pair's features.

    Attributes:
        feature_names: Names of the f columns, in order; the caller's columns must carry the same names.
        titled: Model of pairs in which both have a title.
        untitled: Model of all other pairs.
        link_at: Average probability from which groups were best joined in training, 0 to 1.
        frequencies: Document frequencies of the training texts' terms.
        meanings: What words mean, for the features that compare it.
    """

    feature_names: tuple[str, ...]
    titled: PairModel
    untitled: PairModel
    link_at: float
    frequencies: TermFrequencies
    meanings: WordMeanings

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n], calibrated log-odds of each row of float32[n, f].

        Raises:
            ValueError: If there are not as many columns as feature names.
        """
        if features.ndim != 2 or features.shape[1] != len(self.feature_names):
            raise ValueError(f"pair features have shape {features.shape}; need n rows of {len(self.feature_names)}")
        if TITLED not in self.feature_names:
            return self.titled.log_odds(features)
        titled = features[:, self.feature_names.index(TITLED)] > 0
        found = np.empty(len(features))
        found[titled] = self.titled.log_odds(features[titled])
        found[~titled] = self.untitled.log_odds(features[~titled])
        return found

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32[n] in 0 … 1 for float32[n, f]."""
        return np.asarray(expit(self.log_odds(features)), dtype=np.float32)

    def state(self) -> Arrays:
        """Return everything as named arrays, to be stored in a bundle."""
        return {
            "feature_names": np.frombuffer("\n".join(self.feature_names).encode(), dtype=np.uint8).copy(),
            "link_at": np.array([self.link_at], dtype=np.float64),
            "total": np.array([self.frequencies.total], dtype=np.int64),
            "terms": self.frequencies.terms,
            "documents": self.frequencies.documents,
            **self.titled.state("titled"),
            **self.untitled.state("untitled"),
            **self.meanings.state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> PairScorer:
        """Rebuild from `state`.

        Raises:
            BundleError: If an array is missing or the node arrays point outside themselves.
        """
        missing = sorted(_ARRAYS - set(state))
        if missing:
            raise BundleError(f"{NAME}: arrays missing: {', '.join(missing)}; train or fetch the bundle again")
        names = tuple(bytes(state["feature_names"].astype(np.uint8)).decode().split("\n"))
        total = int(state["total"][0])
        return cls(
            feature_names=names,
            titled=PairModel.from_state(state, "titled", features=len(names)),
            untitled=PairModel.from_state(state, "untitled", features=len(names)),
            link_at=float(state["link_at"][0]),
            frequencies=TermFrequencies(state["terms"].astype(np.uint32), state["documents"].astype(np.int32), total),
            meanings=WordMeanings.from_state(state),
        )


TITLED = "both_titled"
"""Name of the feature that chooses the model."""

_MODEL = ("roots", "feature", "threshold", "left", "right", "value", "line", "scalars", "depth")
_ARRAYS = {
    *("feature_names", "link_at", "total", "terms", "documents"),
    *(f"{prefix}_{name}" for prefix in ("titled", "untitled") for name in _MODEL),
    *(f"meaning_{name}" for name in ("terms", "weights", "vectors", "scale", "centres")),
}


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
