"""What is compared between two appeals: a fixed, named vector of numbers per pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.pairs import TITLED, WordMeanings
from triage.events.collection import RARE, SELDOM, Collection, TermSpace
from triage.events.evidence import NAME_FEATURES, NameTable
from triage.events.meaning import MEANING_FEATURES, MeaningTable

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

TEXT_FEATURES = (
    "gram_cosine",
    "gram_shared",
    "gram_contained",
    "gram_rare_shared",
    "gram_rarest",
    "gram_rare_count",
    "gram_seldom",
    "matter_cosine",
    "lead_cosine",
    "lead_shared",
    "lead_rarest",
    "lead_seldom",
    "lead_covered_most",
    "lead_covered_least",
    "lead_seldom_covered_most",
    "lead_seldom_covered_least",
    "word_cosine",
    "word_shared",
    "word_contained",
    "word_rarest",
    "word_seldom",
    "word_matter",
    "lead_word_cosine",
    "lead_word_seldom",
    "lead_word_matter",
    "lead_word_rarest",
    "matter_word_cosine",
    "matter_word_shared",
    "matter_word_contained",
    "matter_word_rarest",
    "number_shared",
    "number_cosine",
)
PLAIN_FEATURES = (
    "same_text",
    "same_user",
    "user_appeals",
    "days_apart",
    "length_ratio",
    "shorter_length",
    "cited",
    TITLED,
    "enquiries",
)
FEATURES = (*TEXT_FEATURES, *PLAIN_FEATURES, *NAME_FEATURES, *MEANING_FEATURES)
"""Names of the columns, in order."""

_CHUNK = 20_000
_DAY = 86_400.0
_DENSE = 100_000
"""Up to so many cells pairs × terms, plain arrays are several times faster than sparse ones: a newcomer against a few others."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """Sums over the terms that the two appeals of each pair share, float32[m] each."""

    cosine: Floats
    shared: Floats
    rare: Floats
    rarest: Floats
    rare_count: Floats
    seldom: Floats
    matter: Floats


class PairFeatures:
    """Computes pair features over one collection.

    Args:
        collection: n appeals; rows are addressed by their position.
        meanings: What words mean.
    """

    def __init__(self, collection: Collection, meanings: WordMeanings) -> None:
        self.collection = collection
        self.names = NameTable(collection.signatures)
        self.meanings = MeaningTable(collection.signatures, meanings)

    def compute(self, left: Rows, right: Rows) -> Floats:
        """Return float32[m, len(FEATURES)] for the pairs (left[k], right[k]), int64[m] each; symmetric."""
        blocks = [
            self._block(left[start : start + _CHUNK], right[start : start + _CHUNK])
            for start in range(0, len(left), _CHUNK)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, len(FEATURES)), dtype=np.float32)

    def _block(self, left: Rows, right: Rows) -> Floats:
        columns = [*self._grams(left, right), *self._words(left, right), *self._plain(left, right)]
        names, meanings = self.names.compare(left, right), self.meanings.compare(left, right)
        return np.column_stack([*columns, names, meanings]).astype(np.float32)

    def _grams(self, left: Rows, right: Rows) -> list[Floats]:
        c = self.collection
        grams = _shared(c.grams, c.grams, left, right)
        lead = _shared(c.lead, c.lead, left, right)
        forth, back = _shared(c.lead, c.grams, left, right), _shared(c.grams, c.lead, left, right)
        covered = _over(forth.shared, c.lead.mass[left]), _over(back.shared, c.lead.mass[right])
        seldom = _over(forth.seldom, c.lead.mass[left]), _over(back.seldom, c.lead.mass[right])
        matter = self._matter_mass
        return [
            grams.cosine,
            np.log1p(grams.shared),
            _over(grams.shared, np.minimum(c.grams.mass[left], c.grams.mass[right])),
            np.log1p(grams.rare),
            grams.rarest,
            np.log1p(grams.rare_count),
            np.log1p(grams.seldom),
            _over(grams.matter, np.sqrt(matter[left] * matter[right])),
            lead.cosine,
            np.log1p(lead.shared),
            lead.rarest,
            np.log1p(lead.seldom),
            np.maximum(*covered),
            np.minimum(*covered),
            np.maximum(*seldom),
            np.minimum(*seldom),
        ]

    def _words(self, left: Rows, right: Rows) -> list[Floats]:
        c = self.collection
        words = _shared(c.words, c.words, left, right)
        lead_words = _shared(c.lead_words, c.lead_words, left, right)
        matter_words = _shared(c.matter, c.matter, left, right)
        numbers = _shared(c.numbers, c.numbers, left, right)
        return [
            words.cosine,
            np.log1p(words.shared),
            _over(words.shared, np.minimum(c.words.mass[left], c.words.mass[right])),
            words.rarest,
            np.log1p(words.seldom),
            np.log1p(words.matter),
            lead_words.cosine,
            np.log1p(lead_words.seldom),
            np.log1p(lead_words.matter),
            lead_words.rarest,
            matter_words.cosine,
            np.log1p(matter_words.shared),
            _over(matter_words.shared, np.minimum(c.matter.mass[left], c.matter.mass[right])),
            matter_words.rarest,
            np.log1p(numbers.shared),
            numbers.cosine,
        ]

    @cached_property
    def _matter_mass(self) -> Floats:
        space = self.collection.grams
        pattern = space.matrix.copy()
        pattern.data = np.ones_like(pattern.data)
        return np.asarray(pattern @ np.where(space.idf > SELDOM, 0.0, space.idf), dtype=np.float32)

    def _plain(self, left: Rows, right: Rows) -> list[Floats]:
        t = self._table
        same_user = (t.user[left] == t.user[right]) & (t.user[left] != 0)
        gap = np.abs(t.time[left] - t.time[right]) / _DAY
        a, b = np.maximum(t.length[left], 1), np.maximum(t.length[right], 1)
        found = [
            t.text[left] == t.text[right],
            same_user,
            np.where(same_user, np.log1p(t.user_appeals[left]), 0.0),
            np.where(np.isnan(gap), -1.0, np.log1p(np.nan_to_num(gap))),
            np.minimum(a, b) / np.maximum(a, b),
            np.log1p(np.minimum(a, b)),
            self._cited(left, right),
            t.titled[left] & t.titled[right],
            t.enquiry[left].astype(np.float32) + t.enquiry[right],
        ]
        return [np.asarray(column, dtype=np.float32) for column in found]

    def _cited(self, left: Rows, right: Rows) -> Floats:
        signatures = self.collection.signatures
        several = self._table.citing
        found = np.zeros(len(left), dtype=np.float32)
        for k in np.flatnonzero(several[left] | several[right]):
            shared = np.intersect1d(signatures[left[k]].cited, signatures[right[k]].cited, assume_unique=True)
            found[k] = float(len(shared) > 0)
        return found

    @cached_property
    def _table(self) -> _Table:
        signatures = self.collection.signatures
        user = np.array([s.user for s in signatures], dtype=np.int64)
        _, inverse, counts = np.unique(user, return_inverse=True, return_counts=True)
        return _Table(
            user=user,
            user_appeals=counts[inverse] if len(user) else user,
            time=np.array([s.time for s in signatures], dtype=np.float64),
            length=np.array([s.length for s in signatures], dtype=np.int64),
            text=np.array([s.text_hash for s in signatures], dtype=np.int64),
            titled=np.array([s.titled for s in signatures], dtype=bool),
            enquiry=np.array([s.enquiry for s in signatures], dtype=bool),
            citing=np.array([len(s.cited) > 1 for s in signatures], dtype=bool),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    user: NDArray[np.int64]
    user_appeals: NDArray[np.int64]
    time: NDArray[np.float64]
    length: NDArray[np.int64]
    text: NDArray[np.int64]
    titled: NDArray[np.bool_]
    enquiry: NDArray[np.bool_]
    citing: NDArray[np.bool_]


def _over(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.maximum(whole, 1e-6), dtype=np.float32)


def _shared(a: TermSpace, b: TermSpace, left: Rows, right: Rows) -> _Shared:
    if max(len(left), a.matrix.shape[0]) * a.matrix.shape[1] <= _DENSE:
        return _shared_dense(a, b, left, right)
    product = a.matrix[left].multiply(b.matrix[right]).tocsr()
    idf = a.idf[product.indices]
    rare, seldom = idf > RARE, idf > SELDOM
    starts, empty = product.indptr[:-1], np.diff(product.indptr) == 0

    def total(values: NDArray[np.floating]) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return np.asarray(sums[product.indptr[1:]] - sums[starts], dtype=np.float32)

    largest = np.where(empty, 0.0, np.maximum.reduceat(np.append(idf, 0.0), starts))
    return _Shared(
        cosine=total(product.data),
        shared=total(idf),
        rare=total(idf * rare),
        rarest=largest.astype(np.float32),
        rare_count=total(rare.astype(np.float32)),
        seldom=total(idf * seldom),
        matter=total(idf * ~seldom),
    )


def _shared_dense(a: TermSpace, b: TermSpace, left: Rows, right: Rows) -> _Shared:
    """Return what `_shared` returns, for few pairs."""
    product = a.matrix.toarray()[left] * b.matrix.toarray()[right]
    both = (product > 0).astype(np.float32)
    idf = a.idf
    rare, seldom = idf > RARE, idf > SELDOM
    sums = both @ np.stack([idf, idf * rare, rare, idf * seldom, idf * ~seldom], axis=1).astype(np.float32)
    return _Shared(
        cosine=product.sum(axis=1, dtype=np.float64).astype(np.float32),
        shared=sums[:, 0],
        rare=sums[:, 1],
        rarest=(both * idf).max(axis=1, initial=0.0).astype(np.float32),
        rare_count=sums[:, 2],
        seldom=sums[:, 3],
        matter=sums[:, 4],
    )
