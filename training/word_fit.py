"""Learns word vectors from unlabelled texts, and landmarks among the appeals."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils.extmath import randomized_svd

from models.linear import Scores, dequantise, quantise
from models.ngrams import Keys, NgramOccurrences, document_frequencies, fold, occurrences, pack
from models.word_space import ORDERS, WordHits, WordSpace, find_words, weighted_counts
from training.config import BaseRecipe
from triage.clause_reading import extents_of
from triage.document import Document
from triage.events.words import WordCutter

_WINDOW = 5
"""Words to either side that count as company; a neighbour counts fully, the fifth one a fifth."""

_OWN_WEIGHT = 3.0
"""How much more a letter or ticket counts than a line of news, law or reviews: three times as many of those exist."""

_SMOOTHING = 0.75
"""Power of the context's frequency (Levy, Goldberg and Dagan 2015): rare company is not taken for significant."""

_WHITENING = 0.3
"""How far the axes are evened out: 0 leaves a few broad topics in charge, 1 makes noise as loud as topics."""

_LEAST_TEXTS = 3
_CHUNK = 2000
_HAN = re.compile("[\u4e00-\u9fff]+")


def read_background(corpus: Path) -> list[str]:
    """Read the unlabelled lines of corpus/*.txt.gz, which only teach what words mean."""
    lines: list[str] = []
    for path in sorted((corpus / "corpus").glob("*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines += [line.strip() for line in file if line.strip()]
    return lines


def fit_word_space(
    letters: Sequence[Document], calls: Sequence[Document], background: Sequence[str], *, recipe: BaseRecipe
) -> WordSpace:
    """Learn the space.

    Args:
        letters: The landmarks lie among them.
        calls: Tickets. Only words in at least ``recipe.min_texts`` letters and calls are kept.
        background: Other lines.
        recipe: Settings.
    """
    texts = sorted({document.text for document in (*letters, *calls)})
    vocabulary, frequency = _words(texts, recipe)
    idf = np.asarray(np.log((1.0 + len(texts)) / (1.0 + frequency)), dtype=np.float32)
    company = _company(texts, vocabulary) * _OWN_WEIGHT + _company(background, vocabulary)
    vectors = _vectors(company.tocoo(), recipe)
    means = np.vstack([weighted_counts(hits, idf, size) @ vectors for hits, size in _hits(texts, vocabulary)])
    centre = means.mean(axis=0)
    _, sizes, axes = np.linalg.svd(means - centre, full_matrices=False)
    turn = axes.T * (sizes / sizes[0]) ** -_WHITENING
    # Rounded as it will be stored, so that landmarks and heads are fitted to what is served.
    vectors = dequantise(*quantise(np.asarray(vectors @ turn, dtype=np.float32)))
    space = WordSpace(vocabulary, idf, vectors, np.asarray(centre @ turn, np.float32), (), recipe.landmark_width)
    distinct = {document.text: document for document in letters}
    places = places_of(space, [distinct[text] for text in sorted(distinct)])
    return replace(space, landmarks=tuple(_landmarks(place, recipe) for place in places))


def places_of(space: WordSpace, documents: Sequence[Document]) -> tuple[Scores, ...]:
    """Return `WordSpace.places` of n documents; in chunks, since all occurrences at once would fill the memory."""
    parts = []
    for at in range(0, len(documents), _CHUNK):
        chunk = documents[at : at + _CHUNK]
        found, _ = _occurrences([document.text for document in chunk])
        parts.append(space.places(found, extents_of(chunk)))
    return tuple(np.vstack(part) for part in zip(*parts, strict=True))


def _occurrences(texts: Sequence[str]) -> tuple[NgramOccurrences, int]:
    return occurrences(fold(texts), orders=ORDERS), len(texts)


def _words(texts: Sequence[str], recipe: BaseRecipe) -> tuple[Keys, NDArray[np.int64]]:
    """Return the dictionary words that appeals use most, ascending, and in how many texts each stands."""
    known = (word for word in WordCutter().words() if len(word) <= ORDERS[1] and _HAN.fullmatch(word))
    listed = np.array(sorted(pack(word) for word in known), dtype=np.uint64)
    keys, frequency = document_frequencies(texts, orders=ORDERS)
    at = np.minimum(np.searchsorted(listed, keys), len(listed) - 1)
    kept = np.flatnonzero((listed[at] == keys) & (frequency >= recipe.min_texts))
    kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[: recipe.words]])
    return keys[kept], frequency[kept]


def _hits(texts: Sequence[str], vocabulary: Keys) -> Iterator[tuple[WordHits, int]]:
    for at in range(0, len(texts), _CHUNK):
        found, size = _occurrences(texts[at : at + _CHUNK])
        yield find_words(vocabulary, found), size


def _company(texts: Sequence[str], vocabulary: Keys) -> sparse.csr_matrix:
    """Count which words stand near each other: float32[w, w], symmetric."""
    size = len(vocabulary)
    nothing = np.zeros(0, dtype=np.int64)
    total = sparse.csr_matrix((np.zeros(0, dtype=np.float32), (nothing, nothing)), shape=(size, size))
    for hits, _ in _hits(texts, vocabulary):
        pairs = np.zeros(0, dtype=np.int64)
        weights = np.zeros(0, dtype=np.float32)
        for step in range(1, _WINDOW + 1):
            near = hits.texts[:-step] == hits.texts[step:]
            found = hits.words[:-step][near] * size + hits.words[step:][near]
            pairs = np.concatenate([pairs, found])
            weights = np.concatenate([weights, np.full(len(found), 1.0 - (step - 1) / _WINDOW, np.float32)])
        total = total + sparse.csr_matrix((weights, (pairs // size, pairs % size)), shape=(size, size))
    return (total + total.T).tocsr()


def _vectors(company: sparse.coo_matrix, recipe: BaseRecipe) -> Scores:
    """Factorise the positive pointwise mutual information; rows of length 1."""
    alone = np.asarray(company.sum(axis=1)).ravel()
    context = alone**_SMOOTHING
    context /= context.sum()
    information = np.log(company.data / (alone[company.row] * context[company.col]))
    kept = information > 0
    positive = sparse.csr_matrix(
        (information[kept].astype(np.float32), (company.row[kept], company.col[kept])), shape=company.shape
    )
    left, sizes, _ = randomized_svd(positive, recipe.word_vector, n_iter=3, random_state=recipe.seed)
    vectors = left * np.sqrt(sizes)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _landmarks(places: Scores, recipe: BaseRecipe) -> Scores:
    """Return the centres of clusters, of length 1; those of fewer than three texts are left out.

    Three at least for privacy: a landmark must not be one person's letter. It costs nothing measurable.
    """
    clusters = MiniBatchKMeans(recipe.clusters, random_state=recipe.seed, n_init=1, batch_size=4096, max_iter=20)
    labels = clusters.fit_predict(places)
    large = np.bincount(labels, minlength=recipe.clusters) >= _LEAST_TEXTS
    centres = clusters.cluster_centers_[large]
    unit = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return np.asarray(unit, dtype=np.float32)
