"""Which clause of an appeal carries the risk: additive n-gram weights per clause, in one pass for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Tensors
from models.errors import BundleError
from models.linear import Scores, dequantise, quantise
from models.ngrams import Keys, NgramOccurrences, NgramVectoriser

VERSION = "clauses.v1"

ORDERS = (1, 4)
"""Character n-grams counted in clauses; the cue words use the same occurrences."""

COLUMNS = ("serious", "notable")
"""What a clause may prove: a risk of level ≥ 3, a risk of level ≥ 2."""

SUMMARIES = ("first", "second", "top5", "total")
"""Document features per column: best clause, second best, mean of the five best, log-sum-exp of all."""

FEATURE_NAMES = tuple(f"{column}_{summary}" for column in COLUMNS for summary in SUMMARIES)

_SHORTEST = 8
"""Clauses below this length are scaled as if they had it: two characters alone prove little."""

_EMPTY = -5.0
"""Score of a text without any clause: below nearly every real one."""

_TOP = 5

Bounds = Sequence[Sequence[tuple[int, int]]]
"""For each text the (start, end) of its clauses, in order, not overlapping."""


@dataclass(frozen=True, slots=True)
class ClauseLayout:
    """The clauses of a batch, one after the other.

    Attributes:
        starts: int64[m], first character of each clause within its text.
        ends: int64[m], one past its last character.
        owners: int64[m], index of its text, ascending.
        texts: Number of texts.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    owners: NDArray[np.int64]
    texts: int

    @classmethod
    def of(cls, bounds: Bounds) -> ClauseLayout:
        """Lay out the clauses of a batch."""
        flat = np.array([pair for clauses in bounds for pair in clauses], dtype=np.int64).reshape(-1, 2)
        owners = np.repeat(np.arange(len(bounds)), [len(clauses) for clauses in bounds])
        return cls(flat[:, 0], flat[:, 1], owners.astype(np.int64), len(bounds))

    def clause_of(
        self, texts: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return int64[k]: the clause that holds each stretch of a text, −1 for one that crosses a clause's border."""
        if not len(self.starts):
            return np.full(len(texts), -1, dtype=np.int64)
        stride = int(max(self.ends.max(), ends.max(initial=0))) + 2
        clause = np.searchsorted(self.owners * stride + self.starts, texts * stride + starts, side="right") - 1
        inside = (clause >= 0) & (starts >= 0)
        inside &= (self.owners[clause] == texts) & (ends <= self.ends[clause])
        return np.where(inside, clause, -1)

    def scale(self) -> NDArray[np.float64]:
        """Return float64[m], what a clause's sum is multiplied with so that long clauses do not win by length."""
        return np.asarray(1.0 / np.sqrt(3.0 * np.maximum(self.ends - self.starts, _SHORTEST)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class ClauseModel:
    """``score(clause) = intercept + scale(length) · Σ weight(n-gram)``, n-grams counted as often as they occur.

    Attributes:
        vocabulary: uint64[v], packed n-grams of the orders `ORDERS`, ascending.
        weights: float32[v, 2], columns as in `COLUMNS`.
        intercepts: float32[2].
    """

    vocabulary: Keys
    weights: Scores
    intercepts: Scores

    def scores(self, found: NgramOccurrences, layout: ClauseLayout) -> Scores:
        """Score every clause of a batch.

        Args:
            found: ``occurrences(fold(texts), orders=ORDERS)``.
            layout: Clauses of the same texts.

        Returns:
            float32[m, 2], log-odds.
        """
        columns = NgramVectoriser(self.vocabulary, np.zeros(0, np.float32), ORDERS).lookup(found.keys)
        known = np.flatnonzero(columns >= 0)
        starts = found.positions[known].astype(np.int64)
        clause = layout.clause_of(found.texts[known].astype(np.int64), starts, starts + found.orders[known])
        inside = clause >= 0
        weights = self.weights[columns[known[inside]]]
        size, clause, scale = len(layout.starts), clause[inside], layout.scale()
        sums = [np.bincount(clause, weights=weights[:, c], minlength=size) * scale for c in range(len(COLUMNS))]
        return np.asarray(np.column_stack(sums) + self.intercepts, dtype=np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store; weights as int8 with one scale per column."""
        weights, scale = quantise(self.weights)
        return {
            "vocabulary": self.vocabulary,
            "weights": weights,
            "scale": scale,
            "intercepts": self.intercepts,
        }


def document_features(scores: Scores, layout: ClauseLayout) -> Scores:
    """Summarise the clause scores of each text.

    Args:
        scores: float32[m, 2] of `ClauseModel.scores`.
        layout: The clauses.

    Returns:
        float32[n, 8] in the order of `FEATURE_NAMES`.
    """
    parts = [_summaries(scores[:, column].astype(np.float64), layout) for column in range(len(COLUMNS))]
    return np.asarray(np.hstack(parts), dtype=np.float32)


def clause_model_from(tensors: Tensors) -> ClauseModel:
    """Rebuild a model from what `ClauseModel.tensors` gave.

    Raises:
        BundleError: If the arrays do not fit together.
    """
    try:
        weights = dequantise(tensors["weights"], tensors["scale"])
        model = ClauseModel(tensors["vocabulary"].astype(np.uint64), weights, tensors["intercepts"])
    except (KeyError, ValueError) as error:
        raise BundleError(f"clause model: {error!r} in its tensors; train the bundle again") from error
    shape = (len(model.vocabulary), len(COLUMNS))
    if model.weights.shape != shape or model.intercepts.shape != (len(COLUMNS),):
        raise BundleError("clause model: weights do not fit the vocabulary; train the bundle again")
    return model


def _summaries(scores: NDArray[np.float64], layout: ClauseLayout) -> NDArray[np.float64]:
    counts = np.bincount(layout.owners, minlength=layout.texts)
    firsts = np.cumsum(counts) - counts
    ranked = scores[np.lexsort((-scores, layout.owners))]
    ranks = np.arange(len(ranked)) - firsts[layout.owners]
    best = np.full(layout.texts, _EMPTY)
    best[counts > 0] = ranked[firsts[counts > 0]]
    second = best - 1.0
    second[counts > 1] = ranked[firsts[counts > 1] + 1]
    top = np.bincount(layout.owners, weights=np.where(ranks < _TOP, ranked, 0.0), minlength=layout.texts)
    mean = np.where(counts > 0, top / np.clip(counts, 1, _TOP), _EMPTY)
    # Relative to the best clause, so that the exponentials cannot overflow; a text without clauses has no sum.
    sums = np.bincount(layout.owners, weights=np.exp(ranked - best[layout.owners]), minlength=layout.texts)
    total = best + np.log(np.where(counts > 0, sums, 1.0))
    return np.column_stack([best, second, mean, total])
