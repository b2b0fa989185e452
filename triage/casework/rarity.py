"""How common strings are in this city's appeals: counted over the store now and then, beside what training counted.

A word that training never saw, such as the name of the city, would otherwise pass for something particular that two
appeals share.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from models.pairs import PairScorer, TermFrequencies
from triage.store import term_counts
from triage.store.access import EVERYWHERE
from triage.store.database import Database

_GROWTH = 1.2


class Rarity:
    """The store's own term frequencies, shared by threads.

    Attributes:
        stored: Appeals in the store when they were counted; 0 before the first count.
    """

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.stored = 0
        self._counted = TermFrequencies.count([])
        self._merged: tuple[PairScorer, PairScorer] | None = None
        self._lock = threading.Lock()

    def scorer(self, trained: PairScorer) -> PairScorer:
        """Return a pair scorer that knows the frequencies of training and store together."""
        merged = self._merged
        if merged is not None and merged[0] is trained:
            return merged[1]
        with self._lock:
            known = replace(trained, frequencies=merge(trained.frequencies, self._counted))
            self._merged = (trained, known)
        return known

    def load(self, database: Database) -> None:
        """Take over the newest count, if it is newer than what is known."""
        with database.transaction(EVERYWHERE) as connection:
            newest = term_counts.newest(connection, larger_than=self.stored)
        if newest is not None:
            with self._lock:
                self.stored, self._counted, self._merged = newest.stored, newest.frequencies, None

    def refresh(self, database: Database) -> bool:
        """Count anew if the store has grown by a fifth since the last count; say whether it was done.

        Reads at most `term_counts.COUNTED` of the newest appeals' signatures, about a second's work.
        """
        with database.transaction(EVERYWHERE) as connection:
            stored = term_counts.stored(connection)
        if not grown(stored, counted=self.stored):
            return False
        with database.transaction(EVERYWHERE) as connection:
            term_counts.count(connection, stored=stored)
        self.load(database)
        return True


def grown(stored: int, *, counted: int) -> bool:
    """Say whether there are so many more appeals than were counted that counting anew is worth it."""
    return stored >= _GROWTH * counted + 100


def merge(left: TermFrequencies, right: TermFrequencies) -> TermFrequencies:
    """Return the frequencies over both sets of documents."""
    if not right.total:
        return left
    terms = np.union1d(left.terms, right.terms)
    documents = (left.lookup(terms) + right.lookup(terms)).astype(np.int32)
    return TermFrequencies(terms, documents, left.total + right.total)
