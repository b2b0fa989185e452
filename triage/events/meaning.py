"""Whether two appeals complain of the same kind of thing in other words: 餐馆油烟 and 烧烤店油烟直排."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.pairs import WordMeanings
from triage.events.signature import Signature, Terms

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

MEANING_FEATURES = (
    "matter_meaning",
    "word_meaning",
    "lead_word_meaning",
    "matter_aligned_least",
    "matter_aligned_most",
)
"""Cosine of the means of both sides' words, outside names, anywhere and in the lead; then how well each word of one side
outside names finds a word of like meaning on the other, for the side where it does less well and for the other."""


class MeaningTable:
    """The words of n appeals by meaning, ready for pairwise comparison.

    Args:
        signatures: n signatures.
        meanings: What words mean; of no words, all features are 0.
    """

    def __init__(self, signatures: Sequence[Signature], meanings: WordMeanings) -> None:
        self._signatures = signatures
        self._meanings = meanings

    def compare(self, left: Rows, right: Rows) -> Floats:
        """Return float32[m, len(MEANING_FEATURES)] for pairs of rows."""
        found = np.zeros((len(left), len(MEANING_FEATURES)), dtype=np.float32)
        if not len(self._meanings.terms) or not len(left):
            return found
        rows = np.unique(np.concatenate([left, right]))
        a, b = np.searchsorted(rows, left), np.searchsorted(rows, right)
        some = [self._signatures[row] for row in rows]
        for column, terms in enumerate(
            ([s.matter for s in some], [s.words for s in some], [s.lead_words for s in some])
        ):
            places = self._places(terms, self._meanings.centres[column])
            found[:, column] = np.einsum("ij,ij->i", places[a], places[b])
        self._align([self._known(s.matter) for s in some], a, b, found[:, 3:])
        return found

    def _known(self, terms: Terms) -> Rows:
        """Return int64[k], where those of the terms that have a meaning stand among them all."""
        known = self._meanings.terms
        at = np.minimum(np.searchsorted(known, terms), len(known) - 1)
        return np.asarray(at[known[at] == terms], dtype=np.int64)

    def _places(self, rows: Sequence[Terms], centre: Floats) -> Floats:
        """Return float32[n, d]: the weighted mean of each row's words, less the centre, of length 1; 0 without words."""
        lengths = np.array([len(row) for row in rows])
        flat = np.concatenate(rows)
        known = self._meanings.terms
        at = np.minimum(np.searchsorted(known, flat), len(known) - 1)
        weights = np.where(known[at] == flat, self._meanings.weights[at], np.float32(0))
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        means = _unit(sparse.csr_matrix((weights, at, indptr), shape=(len(rows), len(known))) @ self._meanings.vectors)
        return _unit(np.where(means.any(axis=1, keepdims=True), means - centre, np.float32(0)))

    def _align(self, words: Sequence[Rows], left: Rows, right: Rows, found: Floats) -> None:
        """Fill float32[m, 2]. One product serves all pairs of a left row: most rows have several partners."""
        vectors, weights = self._meanings.vectors, self._meanings.weights
        order = np.argsort(left, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(left[order])) + 1):
            mine = words[left[group[0]]]
            part = group[[len(words[row]) > 0 for row in right[group]]]
            if not len(mine) or not len(part):
                continue
            theirs = [words[row] for row in right[part]]
            joined = np.concatenate(theirs)
            starts = np.cumsum([0, *(len(one) for one in theirs[:-1])])
            likeness = vectors[mine] @ vectors[joined].T
            forth = weights[mine] @ np.maximum.reduceat(likeness, starts, axis=1) / weights[mine].sum()
            back = np.add.reduceat(likeness.max(axis=0) * weights[joined], starts)
            back = back / np.add.reduceat(weights[joined], starts)
            found[part, 0], found[part, 1] = np.minimum(forth, back), np.maximum(forth, back)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), dtype=np.float32)
