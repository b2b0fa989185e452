"""Clauses and cue words of a batch of documents: the parts of the risk judgement that are not bags of n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.clauses import ORDERS, ClauseLayout
from models.cues import cue_features
from models.linear import Scores
from models.ngrams import NgramOccurrences, fold, occurrences
from models.word_space import Extents
from triage.document import Document
from triage.text.sentences import clauses


@dataclass(frozen=True, slots=True)
class ClauseTexts:
    """What is read off the texts before any model sees them.

    Attributes:
        found: All n-grams of the texts, of the orders `models.clauses.ORDERS`.
        layout: Their clauses.
        cues: float32[n, cues].
    """

    found: NgramOccurrences
    layout: ClauseLayout
    cues: Scores

    def part(self, texts: NDArray[np.int64]) -> ClauseTexts:
        """Return the reading of some of the texts, numbered anew in the order given."""
        number = np.full(self.layout.texts, -1, dtype=np.int32)
        number[texts] = np.arange(len(texts), dtype=np.int32)
        kept = np.flatnonzero(number[self.found.texts] >= 0)
        found = NgramOccurrences(
            self.found.keys[kept],
            number[self.found.texts[kept]],
            self.found.positions[kept],
            self.found.orders[kept],
        )
        clause = np.flatnonzero(number[self.layout.owners] >= 0)
        owners = number[self.layout.owners[clause]].astype(np.int64)
        order = np.argsort(owners, kind="stable")
        clause, owners = clause[order], owners[order]
        layout = ClauseLayout(self.layout.starts[clause], self.layout.ends[clause], owners, len(texts))
        return ClauseTexts(found, layout, self.cues[texts])


def extents_of(documents: Sequence[Document]) -> Extents:
    """Measure the documents for the word space."""
    return Extents.of([document.text for document in documents], [document.title.text for document in documents])


def read_clauses(documents: Sequence[Document]) -> ClauseTexts:
    """Read a batch."""
    texts = [document.text for document in documents]
    found = occurrences(fold(texts), orders=ORDERS)
    layout = ClauseLayout.of([[(span.start, span.end) for span in clauses(text)] for text in texts])
    return ClauseTexts(found, layout, cue_features(found, texts, [len(d.title.text) for d in documents]))
