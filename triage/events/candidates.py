"""Which pairs are worth scoring: shared rare strings, names, cited tickets or the same person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from triage.events.collection import Collection, TermSpace
from triage.events.names import BUILDING, DISTRICT
from triage.events.signature import Signature

_MOST_APPEALS = 100
"""A term in more appeals than this proposes no candidates, which keeps the work linear in the number of appeals."""
_CHUNK = 1024
_LEAD_WEIGHT = 0.8
_TICKET, _TEXT, _USER = 100, 101, 102
_CLOSENESS = {_TICKET: 1.0, _TEXT: 1.0, _USER: 0.2}
_NAME_CLOSENESS = 0.06
"""A shared name alone proposes nothing (0.12 is needed): half the city's appeals name one of a few roads."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of rows, ``left[k] < right[k]``, each once, sorted.

    Attributes:
        left: int64[m].
        right: int64[m].
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]


def find_candidates(collection: Collection, *, per_item: int, least: float) -> Pairs:
    """Propose pairs.

    Args:
        collection: n appeals.
        per_item: Most partners proposed by each appeal.
        least: Least closeness (cosine over rare terms plus bonuses) of a proposed pair.
    """
    parts = [
        _rare(collection.grams, 1.0),
        _rare(collection.lead, _LEAD_WEIGHT),
        _keys(collection.signatures),
    ]
    space = sparse.hstack(parts, format="csr", dtype=np.float32)
    mirrored = space.T.tocsr()
    found: list[NDArray[np.int64]] = []
    size = space.shape[0]
    for start in range(0, size, _CHUNK):
        product = (space[start : start + _CHUNK] @ mirrored).tocsr()
        for row, partners in _best(product, per_item=per_item, least=least, first=start):
            low, high = np.minimum(row, partners), np.maximum(row, partners)
            found.append(low * size + high)
    copies = _copies(collection.signatures)
    found.append(copies[:, 0] * size + copies[:, 1])
    codes = np.unique(np.concatenate(found))
    return Pairs(codes // max(size, 1), codes % max(size, 1))


def _best(
    product: sparse.csr_matrix, *, per_item: int, least: float, first: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for offset in range(product.shape[0]):
        span = slice(product.indptr[offset], product.indptr[offset + 1])
        scores, columns = product.data[span], product.indices[span].astype(np.int64)
        keep = (scores >= least) & (columns != first + offset)
        scores, columns = scores[keep], columns[keep]
        if len(scores) > per_item:
            # Ties go to the nearest in time, so that the choice does not depend on the order inside the product.
            order = np.lexsort((columns, np.abs(columns - first - offset), -scores))[:per_item]
            columns = columns[order]
        if len(columns):
            yield first + offset, columns


def _rare(space: TermSpace, weight: float) -> sparse.csr_matrix:
    kept = np.flatnonzero(space.live <= _MOST_APPEALS)
    return space.matrix[:, kept] * np.float32(weight)


def _copies(signatures: Sequence[Signature]) -> NDArray[np.int64]:
    """Return int64[c, 2]: each copy of a text that more than a hundred appeals share, with the next one in time."""
    owners: dict[int, list[int]] = defaultdict(list)
    for row, signature in enumerate(signatures):
        owners[signature.text_hash].append(row)
    chains = [pair for rows in owners.values() if len(rows) > _MOST_APPEALS for pair in pairwise(rows)]
    return np.array(chains, dtype=np.int64).reshape(-1, 2)


def _keys(signatures: Sequence[Signature]) -> sparse.csr_matrix:
    """Return float32[n, k]: names, ticket numbers, persons and whole texts that 2 to 100 appeals share.

    The product of two rows is the sum of the closeness that each shared key lends.
    """
    owners: dict[tuple[int, str | int], list[int]] = defaultdict(list)
    for row, signature in enumerate(signatures):
        keys: set[tuple[int, str | int]] = {(_TICKET, int(cited)) for cited in signature.cited}
        keys |= {(n.kind, n.text[-3:]) for n in signature.names if n.kind not in (BUILDING, DISTRICT)}
        keys.add((_TEXT, signature.text_hash))
        if signature.user:
            keys.add((_USER, signature.user))
        for key in keys:
            owners[key].append(row)
    shared = [
        (_CLOSENESS.get(kind, _NAME_CLOSENESS), rows)
        for (kind, _), rows in owners.items()
        if 2 <= len(rows) <= _MOST_APPEALS
    ]
    columns = np.repeat(np.arange(len(shared)), [len(rows) for _, rows in shared])
    flat = np.array([row for _, rows in shared for row in rows], dtype=np.int64)
    data = np.array([np.sqrt(lent) for lent, rows in shared for _ in rows], dtype=np.float32)
    return sparse.csr_matrix((data, (flat, columns)), shape=(len(signatures), len(shared)))
