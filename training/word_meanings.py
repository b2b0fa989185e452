"""What words mean, as the same-event scorer compares it: the word space of the base bundle, made smaller."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.ngrams import unpack
from models.pairs import WordMeanings
from models.word_space import WordSpace
from triage.events.signature import Signature, Terms, hash_text

_SIZE = 64


def word_meanings(space: WordSpace, signatures: Sequence[Signature]) -> WordMeanings:
    """Reduce a word space to its words of two to four characters and its 64 strongest directions.

    Args:
        space: Learned from texts without annotation.
        signatures: A stream of appeals, whose mean is what all appeals share.
    """
    words = [unpack(int(key)) for key in space.vocabulary]
    terms = np.array([hash_text(word) if len(word) > 1 else 0 for word in words], dtype=np.uint32)
    terms, first = np.unique(terms, return_index=True)
    terms, first = terms[terms > 0], first[terms > 0]
    vectors = _unit(space.vectors[first].astype(np.float64))
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    small = _unit(vectors @ directions[:, ::-1][:, :_SIZE]).astype(np.float32)
    weights = space.idf[first].astype(np.float32)
    found = WordMeanings(terms, weights, small, np.zeros((3, small.shape[1]), dtype=np.float32))
    fields = ([s.matter for s in signatures], [s.words for s in signatures], [s.lead_words for s in signatures])
    return WordMeanings(terms, weights, small, np.stack([_centre(found, rows) for rows in fields]))


def _centre(known: WordMeanings, rows: Sequence[Terms]) -> NDArray[np.float32]:
    total = np.zeros(known.vectors.shape[1])
    for row in rows:
        _, at, _ = np.intersect1d(known.terms, row, assume_unique=True, return_indices=True)
        if len(at):
            total += _unit(known.weights[at][None] @ known.vectors[at])[0]
    return np.asarray(total / max(len(rows), 1), dtype=np.float32)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float64)
