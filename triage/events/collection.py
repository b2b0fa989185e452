"""Signatures of many appeals as sparse matrices, with rarity learned from training and from the collection itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.pairs import TermFrequencies
from triage.events.signature import Signature, Terms

Floats = NDArray[np.float32]

SALT_WORDS = np.uint32(0x5BD1E995)
"""Mixed into word hashes so that they share one frequency table with the character strings."""

RARE = float(np.log(400))
"""idf of a term in one of 400 appeals; a rarer one is nearly always a name or a number."""
SELDOM = float(np.log(50))
"""idf of a term in one of 50; the place of an event with many appeals can be this frequent. Below it are words of the matter."""

_BLOCK = 1_000_000
_HABIT_APPEALS = 20
_HABIT_SHARE = 0.2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TermSpace:
    """The terms of one field over a collection of n appeals and v terms.

    Attributes:
        matrix: float32[n, v], rows of unit length (before terms of a single appeal were dropped: they match nothing).
        idf: float32[v], natural-log rarity.
        live: int32[v], number of appeals of the collection with the term.
        mass: float32[n], sum of the idf of all the appeal's terms, dropped ones included.
    """

    matrix: sparse.csr_matrix
    idf: Floats
    live: NDArray[np.int32]
    mass: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Collection:
    """A collection of appeals ready for comparison; row i belongs to ``signatures[i]``.

    Attributes:
        signatures: n signatures in time order.
        grams: Two- and three-character strings of title and content.
        lead: Those of the lead, in the same columns as ``grams``.
        words: Dictionary words of title and opening.
        lead_words: Those of the lead, in the same columns as ``words``.
        matter: The words outside names, in the same columns as ``words``.
        numbers: Numbers of two or more digits.
        total: Appeals that the idf is counted over, those of training included.
    """

    signatures: Sequence[Signature]
    grams: TermSpace
    lead: TermSpace
    words: TermSpace
    lead_words: TermSpace
    matter: TermSpace
    numbers: TermSpace
    total: int


def build_collection(
    signatures: Sequence[Signature], known: TermFrequencies, *, keep_known: bool = False
) -> Collection:
    """Build the matrices.

    Args:
        signatures: In the order that rows are to have.
        known: Document frequencies from training, added to those of the collection.
        keep_known: Keep terms of a single appeal that are in ``known``. A few appeals out of a large store share few
            terms; what else each of them says must weigh as it would among all of them.
    """
    users = np.array([s.user for s in signatures], dtype=np.int64)
    counts = [s.counts for s in signatures]
    grams, terms = _space([s.grams for s in signatures], known, users, counts, keep_known=keep_known)
    words, word_terms = _space([s.words ^ SALT_WORDS for s in signatures], known, users, keep_known=keep_known)
    numbers, _ = _space([s.numbers for s in signatures], TermFrequencies.count([]), users)
    return Collection(
        signatures=signatures,
        grams=grams,
        lead=_subspace([s.lead for s in signatures], terms, grams, users),
        words=words,
        lead_words=_subspace([s.lead_words ^ SALT_WORDS for s in signatures], word_terms, words, users),
        matter=_subspace([s.matter ^ SALT_WORDS for s in signatures], word_terms, words, users),
        numbers=numbers,
        total=len(signatures) + known.total,
    )


def _space(
    rows: Sequence[Terms],
    known: TermFrequencies,
    users: NDArray[np.int64],
    counts: Sequence[NDArray[np.uint8]] = (),
    *,
    keep_known: bool = False,
) -> tuple[TermSpace, Terms]:
    flat, lengths, kept = _flatten(rows, users)
    terms, live = np.unique(flat, return_counts=True)
    columns = _places(flat, terms)
    del flat  # 100,000 appeals have 40 million terms; each array of them is 160 MB
    seen = known.lookup(terms)
    idf = _idf(live + seen, len(rows) + known.total)
    weights = idf[columns]
    mass = _row_sums(weights, lengths).astype(np.float32)
    if counts:
        factor = np.log(np.concatenate(counts)[kept], dtype=np.float32)
        factor += 1
        weights *= factor
        del factor
    weights /= _norms(weights, lengths)
    shared = (live > 1) | (seen > 0) if keep_known else live > 1
    keep = shared[columns]
    indptr = np.concatenate([[0], np.cumsum(_row_sums(keep, lengths))])
    weights, columns = weights[keep], columns[keep]
    position = np.cumsum(shared, dtype=np.int32) - 1
    matrix = sparse.csr_matrix(
        (weights, position[columns], indptr.astype(np.int32)), shape=(len(rows), int(shared.sum()))
    )
    matrix.sort_indices()
    return TermSpace(matrix=matrix, idf=idf[shared], live=live[shared].astype(np.int32), mass=mass), terms[shared]


def _subspace(rows: Sequence[Terms], terms: Terms, parent: TermSpace, users: NDArray[np.int64]) -> TermSpace:
    """Place a field whose terms are among the parent's into the parent's columns."""
    flat, lengths, _ = _flatten(rows, users)
    at = np.minimum(np.searchsorted(terms, flat), max(len(terms) - 1, 0))
    keep = terms[at] == flat if len(terms) else np.zeros(len(flat), dtype=bool)
    # A term of a single appeal has no column; it still counts as something the other appeal lacks.
    rarest = float(parent.idf.max()) if len(parent.idf) else 1.0
    weights = np.full(len(flat), rarest, dtype=np.float32)
    weights[keep] = parent.idf[at[keep]]
    mass = _row_sums(weights, lengths).astype(np.float32)
    weights /= _norms(weights, lengths)
    indptr = np.concatenate([[0], np.cumsum(_row_sums(keep, lengths))])
    matrix = sparse.csr_matrix((weights[keep], at[keep], indptr.astype(np.int32)), shape=parent.matrix.shape)
    matrix.sort_indices()
    return TermSpace(matrix=matrix, idf=parent.idf, live=parent.live, mass=mass)


def _norms(weights: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Return float32[m]: for every term the length of its row's vector, never 0."""
    norm = np.maximum(np.sqrt(_row_sums(weights * weights, lengths)), 1e-9)
    return np.repeat(norm.astype(np.float32), lengths)


def _row_sums(values: NDArray[np.generic], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return float64[n], the sum of each row's values; `numpy.bincount` would copy them twice as 64-bit numbers."""
    sums = np.zeros(len(lengths))
    filled = lengths > 0
    if filled.any():
        sums[filled] = np.add.reduceat(values, (np.cumsum(lengths) - lengths)[filled], dtype=np.float64)
    return sums


def _habits(lengths: NDArray[np.int64], flat: Terms, users: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool[m]: terms that are the habit of a person who writes very often, not the matter of one appeal.

    One citizen wrote 92 appeals, most ending in the same three phrases; those say nothing about the event.
    """
    habitual = np.zeros(len(flat), dtype=bool)
    names, appeals = np.unique(users, return_counts=True)
    for user, count in zip(names.tolist(), appeals.tolist(), strict=True):
        if user == 0 or count < _HABIT_APPEALS:
            continue
        mine = np.flatnonzero(np.repeat(users == user, lengths))
        _, position, uses = np.unique(flat[mine], return_inverse=True, return_counts=True)
        habitual[mine] = (uses > _HABIT_SHARE * count)[position]
    return habitual


def _flatten(rows: Sequence[Terms], users: NDArray[np.int64]) -> tuple[Terms, NDArray[np.int64], NDArray[np.bool_]]:
    """Return the rows' terms one after another without habits, how many each row keeps, and which were kept."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    flat = np.concatenate(rows) if len(rows) else np.empty(0, dtype=np.uint32)
    kept = ~_habits(lengths, flat, users)
    if kept.all():
        return flat, lengths, kept
    return flat[kept], _row_sums(kept, lengths).astype(np.int64), kept


def _places(flat: Terms, terms: Terms) -> NDArray[np.int32]:
    """Return int32[m], where each of ``flat`` stands in the sorted ``terms``; block by block.

    ``np.unique(return_inverse=True)`` gives the same with three arrays of 64-bit numbers, half a gigabyte for 100,000
    appeals.
    """
    places = np.empty(len(flat), dtype=np.int32)
    for at in range(0, len(flat), _BLOCK):
        places[at : at + _BLOCK] = np.searchsorted(terms, flat[at : at + _BLOCK])
    return places


def _idf(documents: NDArray[np.int_], total: int) -> Floats:
    return np.asarray(np.log((total + 1.0) / (documents + 0.5)).clip(min=0.05), dtype=np.float32)
