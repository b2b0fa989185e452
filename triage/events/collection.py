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


def build_collection(signatures: Sequence[Signature], known: TermFrequencies) -> Collection:
    """Build the matrices.

    Args:
        signatures: In the order that rows are to have.
        known: Document frequencies from training, added to those of the collection.
    """
    users = np.array([s.user for s in signatures], dtype=np.int64)
    grams, terms = _space([s.grams for s in signatures], known, users, [s.counts for s in signatures])
    words, word_terms = _space([s.words ^ SALT_WORDS for s in signatures], known, users)
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
) -> tuple[TermSpace, Terms]:
    flat, owner, kept = _flatten(rows, users)
    terms, live = np.unique(flat, return_counts=True)
    columns = _places(flat, terms)
    idf = _idf(live + known.lookup(terms), len(rows) + known.total)
    weights = idf[columns]
    mass = np.bincount(owner, weights=weights, minlength=len(rows)).astype(np.float32)
    if counts:
        weights = weights * (1 + np.log(np.concatenate(counts)[kept], dtype=np.float32))
    norm = np.sqrt(np.bincount(owner, weights=weights * weights, minlength=len(rows)))
    weights = (weights / np.maximum(norm, 1e-9)[owner]).astype(np.float32)
    shared = live > 1
    position = np.cumsum(shared, dtype=np.int32) - 1
    keep = shared[columns]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner[keep], minlength=len(rows)))])
    matrix = sparse.csr_matrix(
        (weights[keep], position[columns[keep]], indptr.astype(np.int32)), shape=(len(rows), int(shared.sum()))
    )
    matrix.sort_indices()
    return TermSpace(matrix=matrix, idf=idf[shared], live=live[shared].astype(np.int32), mass=mass), terms[shared]


def _subspace(rows: Sequence[Terms], terms: Terms, parent: TermSpace, users: NDArray[np.int64]) -> TermSpace:
    """Place a field whose terms are among the parent's into the parent's columns."""
    flat, owner, _ = _flatten(rows, users)
    at = np.minimum(np.searchsorted(terms, flat), max(len(terms) - 1, 0))
    keep = terms[at] == flat if len(terms) else np.zeros(len(flat), dtype=bool)
    # A term of a single appeal has no column; it still counts as something the other appeal lacks.
    rarest = float(parent.idf.max()) if len(parent.idf) else 1.0
    weights = np.full(len(flat), rarest, dtype=np.float32)
    weights[keep] = parent.idf[at[keep]]
    mass = np.bincount(owner, weights=weights, minlength=len(rows)).astype(np.float32)
    norm = np.sqrt(np.bincount(owner, weights=weights * weights, minlength=len(rows)))
    data = (weights / np.maximum(norm, 1e-9)[owner]).astype(np.float32)[keep]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner[keep], minlength=len(rows)))])
    matrix = sparse.csr_matrix((data, at[keep], indptr.astype(np.int32)), shape=parent.matrix.shape)
    matrix.sort_indices()
    return TermSpace(matrix=matrix, idf=parent.idf, live=parent.live, mass=mass)


def _habits(owner: NDArray[np.int32], flat: Terms, users: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool[m]: terms that are the habit of a person who writes very often, not the matter of one appeal.

    One citizen wrote 92 appeals, most ending in the same three phrases; those say nothing about the event.
    """
    habitual = np.zeros(len(owner), dtype=bool)
    names, appeals = np.unique(users, return_counts=True)
    for user, count in zip(names.tolist(), appeals.tolist(), strict=True):
        if user == 0 or count < _HABIT_APPEALS:
            continue
        mine = np.flatnonzero((users == user)[owner])
        _, position, uses = np.unique(flat[mine], return_inverse=True, return_counts=True)
        habitual[mine] = (uses > _HABIT_SHARE * count)[position]
    return habitual


def _flatten(rows: Sequence[Terms], users: NDArray[np.int64]) -> tuple[Terms, NDArray[np.int32], NDArray[np.bool_]]:
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    flat = np.concatenate(rows) if len(rows) else np.empty(0, dtype=np.uint32)
    owner = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
    kept = ~_habits(owner, flat, users)
    return flat[kept], owner[kept], kept


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
