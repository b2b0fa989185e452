"""First values of the token embeddings: which tokens keep company, factorised (Levy and Goldberg 2014).

A few minutes of counting on one core place 停电 near 供电局 already; a language model of this size needs hours for that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

_WINDOW = 5
_SMOOTHING = 0.75
_CHUNK = 2_000_000

Tokens = NDArray[np.int32]


def lay_end_to_end(texts: Sequence[Sequence[int]], *, border: int) -> Tokens:
    """Return int32[t], all texts with a border token after each."""
    return np.fromiter((token for ids in texts for token in (*ids, border)), dtype=np.int32)


def company_vectors(
    tokens: Tokens, weights: NDArray[np.float32], *, size: int, width: int, special: int, seed: int
) -> NDArray[np.float32]:
    """Return float32[size, width], one vector per token with a mean square of 1; tokens without company are zero.

    Args:
        tokens: int32[t], texts laid end to end.
        weights: float32[t], what an occurrence counts; appeals count more than news.
        size: Of the vocabulary.
        width: Of the vectors.
        special: The first so many tokens keep no company: borders, padding.
        seed: Of the factorisation.
    """
    counts = _counts(tokens, weights, size=size, special=special)
    alone = np.asarray(counts.sum(axis=1)).ravel() + 1e-9
    context = alone**_SMOOTHING
    context /= context.sum()
    entries = counts.tocoo()
    information = np.log(entries.data / (alone[entries.row] * context[entries.col]) + 1e-12)
    kept = information > 0
    positive = sparse.csr_matrix(
        (information[kept].astype(np.float32), (entries.row[kept], entries.col[kept])), shape=counts.shape
    )
    rank = min(width, size - 1)
    left, sizes, _ = randomized_svd(positive, rank, n_iter=2, random_state=seed)
    vectors = np.zeros((size, width), dtype=np.float32)
    vectors[:, :rank] = left * np.sqrt(sizes)
    vectors[np.diff(positive.indptr) == 0] = 0.0  # the factorisation leaves rounding noise there
    length = np.sqrt((vectors**2).mean(axis=1, keepdims=True))
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)


def _counts(tokens: Tokens, weights: NDArray[np.float32], *, size: int, special: int) -> sparse.csr_matrix:
    """Count which tokens stand within `_WINDOW` of each other: float32[size, size], symmetric; nearer counts more."""
    nothing = np.zeros(0, dtype=np.int64)
    total = sparse.csr_matrix((np.zeros(0, np.float32), (nothing, nothing)), shape=(size, size))
    for at in range(0, len(tokens), _CHUNK):
        part = tokens[at : at + _CHUNK].astype(np.int64)
        heavy = weights[at : at + _CHUNK]
        # A border in between breaks the company: counting borders up to here tells the texts apart.
        text = np.cumsum(part < special)
        for step in range(1, _WINDOW + 1):
            left, right = part[:-step], part[step:]
            near = (left >= special) & (right >= special) & (text[:-step] == text[step:])
            value = heavy[step:][near] * np.float32(1.0 - (step - 1) / _WINDOW)
            total = total + sparse.csr_matrix((value, (left[near], right[near])), shape=(size, size))
    return (total + total.T).tocsr()
