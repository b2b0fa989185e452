"""Learns which clauses justify a risk level, from the quotes that annotators gave as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from models.clauses import ClauseLayout, ClauseModel
from models.ngrams import Keys, NgramOccurrences, unpack
from training.corpus import Example
from triage.clause_reading import ClauseTexts, read_clauses
from triage.document import Document

Rows = NDArray[np.int64]

_INVERSE_PENALTY, _TOLERANCE, _STEPS = 10.0, 0.05, 30
_PUNCTUATION = "，。！？；：、（）“” \n"
_LEAST_CLAUSES, _LEAST_TEXTS = 5, 3
"""N-grams in fewer clauses or texts are dropped; three texts at least, for privacy."""

_LEAST_OVERLAP = 4
"""Characters that a clause must share with a quote to count as evidence; half of a shorter clause."""


@dataclass(frozen=True)
class MarkedClauses:
    """Clauses of all annotated examples.

    Attributes:
        reading: Occurrences, layout and cues of m texts.
        at: int64[n], position of each example among the m texts; −1 for examples without annotation.
        marked: bool[clauses, 2], whether a clause is evidence of level ≥ 3, of level ≥ 2.
    """

    reading: ClauseTexts
    at: Rows
    marked: NDArray[np.bool_]

    @cached_property
    def table(self) -> tuple[sparse.csr_matrix, Keys]:
        """Clause × n-gram counts, scaled by the clause's length, and the n-grams."""
        return _table(self.reading.found, self.reading.layout)

    def part(self, rows: Rows) -> ClauseTexts:
        """Return the reading of some examples."""
        return self.reading.part(self.at[rows])


def mark_clauses(examples: Sequence[Example]) -> MarkedClauses:
    """Read the clauses of the examples that have a risk level and mark those that overlap a quote."""
    rows = [i for i, example in enumerate(examples) if example.risk is not None]
    reading = read_clauses([examples[i].document for i in rows])
    at = np.full(len(examples), -1, dtype=np.int64)
    at[rows] = np.arange(len(rows))
    layout = reading.layout
    evidence = np.zeros(len(layout.starts), dtype=bool)
    spans = [evidence_spans(examples[i].document, examples[i].evidence) for i in rows]
    for clause, (start, end, owner) in enumerate(zip(layout.starts, layout.ends, layout.owners, strict=True)):
        shared = max((min(end, stop) - max(start, begin) for begin, stop in spans[owner]), default=0)
        evidence[clause] = shared >= min(_LEAST_OVERLAP, (end - start) / 2)
    risk = np.array([examples[i].risk for i in rows])[layout.owners]
    return MarkedClauses(reading, at, np.column_stack([evidence & (risk >= 3), evidence & (risk >= 2)]))


def evidence_spans(document: Document, quotes: Sequence[str]) -> list[tuple[int, int]]:
    """Find verbatim quotes of the raw text in the document's text; quotes that are not there are left out."""
    found = []
    for quote in quotes:
        for field, aligned, shift in (
            ("title", document.title, 0),
            ("content", document.content, len(document.text) - len(document.content.text)),
        ):
            raw = document.appeal.field(field).find(quote)
            if raw < 0:
                continue
            start = int(np.searchsorted(aligned.ends, raw, side="right"))
            end = int(np.searchsorted(aligned.starts, raw + len(quote), side="left"))
            if end > start:
                found.append((start + shift, end + shift))
                break
    return found


def fit_clause_model(clauses: MarkedClauses, kept: NDArray[np.bool_]) -> ClauseModel:
    """Fit both columns on the clauses of the ``kept`` examples (bool[n])."""
    table, vocabulary = clauses.table
    texts = kept[clauses.at >= 0]
    rows = np.flatnonzero(texts[clauses.reading.layout.owners])
    part = table[rows]
    weights, intercepts = [], []
    for column in range(clauses.marked.shape[1]):
        fitted = LogisticRegression(C=_INVERSE_PENALTY, solver="liblinear", tol=_TOLERANCE, max_iter=_STEPS)
        fitted.fit(part, clauses.marked[rows, column])
        weights.append(fitted.coef_[0])
        intercepts.append(float(fitted.intercept_[0]))
    stacked = np.column_stack(weights).astype(np.float32)
    return ClauseModel(vocabulary, stacked, np.array(intercepts, dtype=np.float32))


def _table(found: NgramOccurrences, layout: ClauseLayout) -> tuple[sparse.csr_matrix, Keys]:
    starts = found.positions.astype(np.int64)
    clause = layout.clause_of(found.texts.astype(np.int64), starts, starts + found.orders)
    keys, clause = found.keys[clause >= 0], clause[clause >= 0]
    vocabulary, column = np.unique(keys, return_inverse=True)
    shape = (len(layout.starts), len(vocabulary))
    counts = sparse.csr_matrix((np.ones(len(keys), np.float32), (clause, column)), shape=shape)
    of_text = (np.ones(len(keys), np.float32), (layout.owners[clause], column))
    texts = sparse.csr_matrix(of_text, shape=(layout.texts, shape[1]))
    in_clauses = np.bincount(counts.indices, minlength=shape[1])
    in_texts = np.bincount(texts.indices, minlength=shape[1])
    common = np.flatnonzero((in_clauses >= _LEAST_CLAUSES) & (in_texts >= _LEAST_TEXTS))
    # Punctuation ends nearly every clause and says nothing of it.
    common = common[[not set(unpack(key)) & set(_PUNCTUATION) for key in vocabulary[common].tolist()]]
    scaled = sparse.diags(layout.scale().astype(np.float32)) @ counts[:, common]
    return scaled.tocsr(), vocabulary[common]
