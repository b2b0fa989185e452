"""Places a text among known texts by the meaning of its words: what n-grams never seen with a label cannot do.

Each word of a fixed list has a vector learned from unlabelled texts, in which words used alike lie together (拖欠 beside
欠薪). A text is the mean of its words, and what the heads read is how near it lies to each of a few hundred landmarks, the
centres of clusters of texts. That is a Nyström map of the Gaussian kernel (Williams and Seeger 2001): linear heads over
it are a kernel machine over meaning, which needs no training text at run time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.bundle import Tensors
from models.errors import BundleError
from models.linear import Scores, dequantise, quantise
from models.ngrams import Keys, NgramOccurrences, unit_rows

VERSION = "word_space.v1"

ORDERS = (1, 4)
"""Characters of a word. The same occurrences serve clauses and cue words."""

VIEWS = ("text", "title", "end")
"""How a text is read: as a whole, its title only, its last `END` characters only."""

END = 90


@dataclass(frozen=True, slots=True)
class WordHits:
    """Words found in a batch, by text and within a text in reading order.

    Attributes:
        words: int64[k], position in the list.
        texts: int64[k], ascending.
        starts: int64[k], first character of each.
    """

    words: NDArray[np.int64]
    texts: NDArray[np.int64]
    starts: NDArray[np.int64]

    def part(self, kept: NDArray[np.bool_]) -> WordHits:
        """Return some of the hits."""
        return WordHits(self.words[kept], self.texts[kept], self.starts[kept])


@dataclass(frozen=True, slots=True)
class Extents:
    """Where the parts of each text lie.

    Attributes:
        titles: int64[n], characters of the title, which comes first; 0 without one.
        lengths: int64[n], characters in all.
    """

    titles: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str], titles: Sequence[str]) -> Extents:
        """Measure the texts, each of which begins with its title."""
        return cls(_lengths(titles), _lengths(texts))


@dataclass(frozen=True, slots=True)
class Meaning:
    """Texts in a word space.

    Attributes:
        places: float32[n, views · d], side by side in the order of `VIEWS`.
        nearness: float32[n, all landmarks], how near each text is to each, 0 … 1.
    """

    places: Scores
    nearness: Scores


@dataclass(frozen=True, slots=True)
class WordSpace:
    """Words, their vectors, and the landmarks among texts.

    A text is read three times: as a whole, by its title (what the matter is) and by its end (what is asked or threatened).

    Attributes:
        vocabulary: uint64[w], packed words of one to four characters, ascending.
        idf: float32[w], inverse document frequency of each.
        vectors: float32[w, d].
        centre: float32[d], mean of texts; it is taken off, so that what all texts share does not count.
        landmarks: For each of `VIEWS` float[m, d], of length 1.
        width: γ of ``exp(−γ · ‖text − landmark‖²)``.
    """

    vocabulary: Keys
    idf: Scores
    vectors: Scores
    centre: Scores
    landmarks: tuple[NDArray[np.floating], ...]
    width: float

    def places(self, found: NgramOccurrences, extents: Extents) -> tuple[Scores, ...]:
        """Return for each of `VIEWS` float32[n, d]: rows of length 1, or 0 where no word is known.

        Args:
            found: ``occurrences(fold(texts), orders=ORDERS)``.
            extents: Of the same n texts.
        """
        hits = find_words(self.vocabulary, found)
        in_title = hits.starts < extents.titles[hits.texts]
        at_end = ~in_title & (hits.starts >= extents.lengths[hits.texts] - END)
        size = len(extents.lengths)
        return tuple(self._place(part, size) for part in (hits, hits.part(in_title), hits.part(at_end)))

    def read(self, found: NgramOccurrences, extents: Extents) -> Meaning:
        """Place texts among the landmarks; arguments as `places`."""
        places = self.places(found, extents)
        return Meaning(np.hstack(places), self.nearness(places))

    def fingerprint(self) -> str:
        """Return what tells this space from any other: heads over it cannot be used over another one."""
        digest = hashlib.sha256(self.vocabulary.tobytes())
        for array in (self.idf, self.vectors, self.centre, *self.landmarks):
            digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
        return digest.hexdigest()[:16]

    def nearness(self, places: Sequence[Scores]) -> Scores:
        """Return float32[n, all landmarks] for the places of n texts."""
        near = [nearness(place, marks, self.width) for place, marks in zip(places, self.landmarks, strict=True)]
        return np.hstack(near)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store; vectors as int8 with one scale per column."""
        vectors, scale = quantise(self.vectors)
        landmarks = {
            f"landmarks_{view}": marks.astype(np.float32) for view, marks in zip(VIEWS, self.landmarks, strict=True)
        }
        return {
            "vocabulary": self.vocabulary,
            "idf": self.idf,
            "vectors": vectors,
            "scale": scale,
            "centre": self.centre,
            "width": np.array([self.width], dtype=np.float32),
            **landmarks,
        }

    def _place(self, hits: WordHits, texts: int) -> Scores:
        counts = weighted_counts(hits, self.idf, texts)
        known = np.diff(counts.indptr)[:, None] > 0
        place = np.where(known, counts @ self.vectors - self.centre, 0.0)
        return np.asarray(place / np.maximum(np.linalg.norm(place, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def nearness(places: Scores, landmarks: NDArray[np.floating], width: float) -> Scores:
    """Return float32[n, m], the Gaussian kernel of places float32[n, d] and landmarks float[m, d] of length 1.

    The product is made in double precision: a float32 product differs in its last digits with the number of rows, and an
    appeal decided alone would round to another probability than in a batch.
    """
    cosine = places.astype(np.float64) @ landmarks.T
    return np.asarray(np.exp((2.0 * width) * (cosine - 1.0)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class MeaningHeads:
    """What the landmarks add to the margins of a text model's heads.

    Attributes:
        space: Places the texts.
        weights: float[m, c], columns as in the text model; in double precision, as in `nearness`.
    """

    space: WordSpace
    weights: NDArray[np.floating]

    def added(self, meaning: Meaning) -> Scores:
        """Return float32[n, c] for n texts that `WordSpace.read` placed."""
        return np.asarray(meaning.nearness.astype(np.float64) @ self.weights, dtype=np.float32)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to store."""
        return {**self.space.tensors(), "weights": self.weights.astype(np.float32)}


def find_words(vocabulary: Keys, found: NgramOccurrences) -> WordHits:
    """Find the known words that are no part of a longer known word.

    农民工 hides 农民 and 民工; words that overlap without one holding the other both count. One pass over the occurrences,
    linear in the text whatever it holds.
    """
    columns = np.minimum(np.searchsorted(vocabulary, found.keys), max(len(vocabulary) - 1, 0))
    known = np.flatnonzero(vocabulary[columns] == found.keys) if len(vocabulary) else np.zeros(0, dtype=np.int64)
    texts, starts = found.texts[known].astype(np.int64), found.positions[known].astype(np.int64)
    orders = found.orders[known].astype(np.int64)
    # Texts laid out one after the other, so that a word of one text cannot cover a word of the next.
    stride = int(starts.max(initial=0)) + ORDERS[1] + 1
    at = texts * stride + starts
    order = np.lexsort((-orders, at))
    at, orders, known = at[order], orders[order], known[order]
    covered = np.zeros(len(at), dtype=bool)
    reach = np.maximum.accumulate(at + orders) if len(at) else at
    covered[1:] = reach[:-1] >= (at + orders)[1:]
    kept = known[~covered]
    texts, starts = found.texts[kept].astype(np.int64), found.positions[kept].astype(np.int64)
    return WordHits(columns[kept].astype(np.int64), texts, starts)


def weighted_counts(hits: WordHits, idf: Scores, texts: int) -> sparse.csr_matrix:
    """Return float32[texts, w]: (1 + ln count) · idf, each row of length 1."""
    ones = np.ones(len(hits.words), dtype=np.float32)
    counts = sparse.csr_matrix((ones, (hits.texts, hits.words)), shape=(texts, len(idf)))
    counts.sum_duplicates()
    counts.data = np.asarray((1.0 + np.log(counts.data)) * idf[counts.indices], dtype=np.float32)
    return unit_rows(counts)


def meaning_heads_from(tensors: Tensors | None, *, columns: int) -> MeaningHeads:
    """Rebuild heads from what `MeaningHeads.tensors` gave.

    Args:
        tensors: The arrays; None gives heads that add nothing, for a bundle over n-grams alone.
        columns: Of the text model's heads.

    Raises:
        BundleError: If the arrays do not fit together.
    """
    if tensors is None:
        return MeaningHeads(_without_words(), np.zeros((0, columns), dtype=np.float32))
    space = word_space_from(tensors)
    weights = tensors.get("weights")
    if weights is None or weights.shape != (sum(map(len, space.landmarks)), columns):
        raise BundleError("word space: weights do not fit landmarks and heads; train the bundle again")
    return MeaningHeads(space, weights.astype(np.float64))


def word_space_from(tensors: Tensors) -> WordSpace:
    """Rebuild a space from what `WordSpace.tensors` gave.

    Raises:
        BundleError: If the arrays do not fit together.
    """
    try:
        space = WordSpace(
            tensors["vocabulary"].astype(np.uint64),
            tensors["idf"].astype(np.float32),
            dequantise(tensors["vectors"], tensors["scale"]),
            tensors["centre"].astype(np.float32),
            tuple(tensors[f"landmarks_{view}"].astype(np.float64) for view in VIEWS),
            float(tensors["width"][0]),
        )
    except (KeyError, ValueError, IndexError) as error:
        raise BundleError(f"word space: {error!r} in its tensors; train the bundle again") from error
    words, size = len(space.vocabulary), len(space.centre)
    fits = space.idf.shape == (words,) and space.vectors.shape == (words, size)
    if not fits or any(marks.shape[1:] != (size,) for marks in space.landmarks):
        raise BundleError("word space: vectors do not fit words and landmarks; train the bundle again")
    return space


def _without_words() -> WordSpace:
    nothing, line = np.zeros((0, 1), dtype=np.float32), np.zeros(0, dtype=np.float32)
    return WordSpace(np.zeros(0, dtype=np.uint64), line, nothing, np.zeros(1, dtype=np.float32), (nothing,) * 3, 1.0)


def _lengths(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.array([len(text) for text in texts], dtype=np.int64)
