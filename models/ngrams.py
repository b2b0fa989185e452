"""Character n-grams as exact integer keys, counted for a whole batch of texts with array operations only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Keys = NDArray[np.uint64]
FloatMatrix = NDArray[np.float32]

BOUNDARY = "\x02"
"""Stands before and after each text, so that 「^市民」 and 「市民」 inside a sentence are different n-grams."""

MAX_ORDER = 4
"""Four UTF-16 code units of 16 bits fill the 64-bit key exactly, so no two n-grams ever collide."""


@dataclass(frozen=True, slots=True)
class NgramOccurrences:
    """Every n-gram of a batch, in no particular order.

    Attributes:
        keys: uint64[m]; the n-gram packed 16 bits per UTF-16 code unit, most significant first.
        texts: int32[m]; the index of the text it stands in.
        positions: int32[m]; the index of its first code unit, counted from the text's first one; −1 is the boundary.
        orders: int8[m]; how many code units it has.
    """

    keys: Keys
    texts: NDArray[np.int32]
    positions: NDArray[np.int32]
    orders: NDArray[np.int8]


def pack(ngram: str) -> int:
    """Return the key of one n-gram of at most four UTF-16 code units."""
    units = np.frombuffer(ngram.encode("utf-16-le", "surrogatepass"), dtype="<u2")
    if not 1 <= len(units) <= MAX_ORDER:
        raise ValueError(f"an n-gram has 1 to {MAX_ORDER} code units, not {len(units)}")
    key = 0
    for unit in units:
        key = key << 16 | int(unit)
    return key


def unpack(key: int) -> str:
    """Return the n-gram of a key; the inverse of `pack`."""
    units = [(key >> shift) & 0xFFFF for shift in (48, 32, 16, 0)]
    return np.array([u for u in units if u], dtype="<u2").tobytes().decode("utf-16-le", "replace")


def fold(texts: Sequence[str]) -> list[str]:
    """Prepare texts for counting, character for character, so that positions stay those of the given texts.

    Every ASCII digit becomes 0 (a model must not learn numbers that identify a person or a ticket), letters become lower
    case, and characters beyond 16 bits (emoji, rare 汉字) become U+FFFD so that one character is one code unit.
    """
    return [_BEYOND_16_BITS.sub("\ufffd", text.translate(_FOLDED)) for text in texts]


_FOLDED = (
    {ord(digit): "0" for digit in "123456789"} | {ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} | {0: " "}
)
_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]")


def occurrences(texts: Sequence[str], *, orders: tuple[int, int]) -> NgramOccurrences:
    """Find all n-grams of all texts.

    Args:
        texts: Any strings; NUL characters are skipped with the n-grams that hold them.
        orders: Shortest and longest n-gram, within 1 … `MAX_ORDER`.
    """
    low, high = orders
    if not 1 <= low <= high <= MAX_ORDER:
        raise ValueError(f"orders must lie within 1 … {MAX_ORDER}, not {orders}")
    joined = "".join(f"{BOUNDARY}{text}{BOUNDARY}" for text in texts)
    units = np.frombuffer(joined.encode("utf-16-le", "surrogatepass"), dtype="<u2").astype(np.uint64)
    lengths = np.array([len(text.encode("utf-16-le", "surrogatepass")) // 2 + 2 for text in texts], dtype=np.int64)
    owner = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    starts = np.cumsum(lengths) - lengths
    position = (np.arange(len(units)) - np.repeat(starts, lengths) - 1).astype(np.int32)
    found = [_of_order(units, owner, position, order) for order in range(low, high + 1)]
    return NgramOccurrences(
        np.concatenate([f.keys for f in found]),
        np.concatenate([f.texts for f in found]),
        np.concatenate([f.positions for f in found]),
        np.concatenate([f.orders for f in found]),
    )


def _of_order(units: Keys, owner: NDArray[np.int32], position: NDArray[np.int32], order: int) -> NgramOccurrences:
    """Find the n-grams of one order; those that would reach into the next text are left out."""
    count = max(len(units) - order + 1, 0)
    keys = np.zeros(count, dtype=np.uint64)
    whole = np.ones(count, dtype=bool)
    for offset in range(order):
        unit = units[offset : offset + count]
        keys = keys << np.uint64(16) | unit
        whole &= unit != 0
    whole &= owner[:count] == owner[order - 1 : order - 1 + count]
    if order == 1:
        whole &= units[:count] != ord(BOUNDARY)
    return NgramOccurrences(
        keys[whole],
        owner[:count][whole],
        position[:count][whole],
        np.full(int(whole.sum()), order, dtype=np.int8),
    )


@dataclass(frozen=True, slots=True)
class NgramVectoriser:
    """TF-IDF over a fixed vocabulary of character n-grams.

    Attributes:
        vocabulary: uint64[v]; packed n-grams, ascending.
        idf: float32[v]; inverse document frequency of each.
        orders: Shortest and longest n-gram counted.
    """

    vocabulary: Keys
    idf: NDArray[np.float32]
    orders: tuple[int, int]

    @property
    def size(self) -> int:
        """Number of features."""
        return len(self.vocabulary)

    def lookup(self, keys: Keys) -> NDArray[np.int64]:
        """Return the column of each key, −1 for n-grams outside the vocabulary."""
        if not self.size:
            return np.full(len(keys), -1, dtype=np.int64)
        columns = np.searchsorted(self.vocabulary, keys)
        columns[columns == self.size] = 0
        columns[self.vocabulary[columns] != keys] = -1
        return columns

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return float32[len(texts), size]: (1 + ln tf) · idf, each row of length 1 (or 0 where nothing is known)."""
        found = occurrences(fold(texts), orders=self.orders)
        columns = self.lookup(found.keys)
        known = columns >= 0
        shape = (len(texts), self.size)
        ones = np.ones(int(known.sum()), dtype=np.float32)
        counts = sparse.csr_matrix((ones, (found.texts[known], columns[known])), shape=shape)
        counts.sum_duplicates()
        counts.data = np.asarray((1.0 + np.log(counts.data)) * self.idf[counts.indices], dtype=np.float32)
        return unit_rows(counts)


def unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Scale each row to Euclidean length 1; empty rows stay empty."""
    squares = np.add.reduceat(np.append(matrix.data**2, 0.0), matrix.indptr[:-1]) * (np.diff(matrix.indptr) > 0)
    norms = np.sqrt(np.maximum(squares, 1e-12))
    matrix.data = (matrix.data / np.repeat(norms, np.diff(matrix.indptr))).astype(np.float32)
    return matrix


def fit_vectoriser(
    texts: Sequence[str], *, orders: tuple[int, int], min_texts: int = 3, max_features: int | None = None
) -> NgramVectoriser:
    """Learn vocabulary and idf.

    Args:
        texts: Training texts, masked.
        orders: Shortest and longest n-gram.
        min_texts: N-grams seen in fewer distinct texts are dropped; below 3 a single person's words could be kept.
        max_features: Keep only the most frequent ones.

    The idf is ``ln((1 + n) / (1 + df)) + 1`` as in scikit-learn's TfidfTransformer with smoothing.
    """
    if min_texts < 3:
        raise ValueError("min_texts must be at least 3: rarer n-grams can identify a person")
    keys, frequency = document_frequencies(sorted(set(texts)), orders=orders)
    kept = frequency >= min_texts
    keys, frequency = keys[kept], frequency[kept]
    if max_features is not None and len(keys) > max_features:
        best = np.sort(np.argsort(-frequency, kind="stable")[:max_features])
        keys, frequency = keys[best], frequency[best]
    idf = np.log((1.0 + len(texts)) / (1.0 + frequency)) + 1.0
    return NgramVectoriser(keys, np.asarray(idf, dtype=np.float32), orders)


def document_frequencies(
    texts: Sequence[str], *, orders: tuple[int, int], chunk: int = 2000
) -> tuple[Keys, NDArray[np.int64]]:
    """Count in how many texts each n-gram stands; keys ascending."""
    keys = np.zeros(0, dtype=np.uint64)
    counts = np.zeros(0, dtype=np.int64)
    for at in range(0, len(texts), chunk):
        found = occurrences(fold(texts[at : at + chunk]), orders=orders)
        order = np.lexsort((found.texts, found.keys))
        sorted_keys, sorted_texts = found.keys[order], found.texts[order]
        first = np.ones(len(sorted_keys), dtype=bool)
        first[1:] = (sorted_keys[1:] != sorted_keys[:-1]) | (sorted_texts[1:] != sorted_texts[:-1])
        new_keys, new_counts = np.unique(sorted_keys[first], return_counts=True)
        merged = np.concatenate([keys, new_keys])
        keys, inverse = np.unique(merged, return_inverse=True)
        total = np.zeros(len(keys), dtype=np.int64)
        np.add.at(total, inverse, np.concatenate([counts, new_counts]))
        counts = total
    return keys, counts
