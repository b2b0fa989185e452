"""What a city would use instead: TF-IDF with a linear SVM, and fastText; trained in the same run, on the same texts."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from training.metrics import RankingFigures, ranking_figures

SHOWN = 5

Ranked = list[tuple[list[str], float]]
"""Per text the best labels and the confidence of the first."""


class Baseline(Protocol):
    """A trained text classifier."""

    def rank(self, texts: Sequence[str]) -> Ranked:
        """Rank the labels for each text."""
        ...


class SvmBaseline:
    """Character 1-3-gram TF-IDF + LinearSVC with default settings.

    Its confidence is the softmax of its margins: it has no probabilities of its own, so only its ranking is comparable.
    """

    def __init__(self, texts: Sequence[str], labels: Sequence[str], *, seed: int = 0) -> None:
        """Train."""
        self._vectoriser = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2, dtype=np.float32
        )
        self._svm = LinearSVC(random_state=seed).fit(self._vectoriser.fit_transform(texts), labels)

    def rank(self, texts: Sequence[str]) -> Ranked:
        """Rank the labels for each text."""
        margins = self._svm.decision_function(self._vectoriser.transform(texts))
        if margins.ndim == 1:
            margins = np.stack([-margins, margins], axis=1)
        order = np.argsort(-margins, axis=1, kind="stable")[:, :SHOWN]
        sure = softmax(margins, axis=1).max(axis=1)
        return [([str(self._svm.classes_[i]) for i in row], float(p)) for row, p in zip(order, sure, strict=True)]


class FastTextBaseline:
    """fastText's supervised classifier on characters, n-grams up to 3."""

    def __init__(self, texts: Sequence[str], labels: Sequence[str], *, seed: int = 0) -> None:
        """Train; needs the ``bench`` extra."""
        import fasttext  # noqa: PLC0415 - only there with the bench extra

        self._names = sorted(set(labels))
        code = {name: f"__label__{i}" for i, name in enumerate(self._names)}
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder) / "train.txt"
            lines = (f"{code[label]} {_spaced(text)}" for text, label in zip(texts, labels, strict=True))
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            settings: dict[str, Any] = {"wordNgrams": 3, "epoch": 25, "lr": 0.5, "dim": 100, "minCount": 2}
            self._model = fasttext.train_supervised(str(path), thread=2, seed=seed, verbose=0, **settings)

    def rank(self, texts: Sequence[str]) -> Ranked:
        """Rank the labels for each text."""
        # The wrapper's own predict breaks on numpy 2; the object below it does not.
        found = [self._model.f.predict(_spaced(text) + "\n", SHOWN, 0.0, "strict") for text in texts]
        return [
            (
                [self._names[int(label.removeprefix("__label__"))] for _, label in some],
                float(some[0][0]) if some else 0.0,
            )
            for some in found
        ]


def fasttext_available() -> bool:
    """Say whether the ``bench`` extra is installed."""
    return find_spec("fasttext") is not None


def baseline_rankings(model: Baseline, texts: Sequence[str], labels: Sequence[str]) -> RankingFigures:
    """Judge a baseline."""
    found = model.rank(texts)
    return ranking_figures([names for names, _ in found], [p for _, p in found], labels)


def svm_speed(texts: Sequence[str], labels: Sequence[str]) -> float:
    """Return texts per second of the trained SVM on the texts it was trained on."""
    return _speed(SvmBaseline(texts[:8000], labels[:8000]), texts)


def fasttext_speed(texts: Sequence[str], labels: Sequence[str]) -> float:
    """Return texts per second of the trained fastText model on the texts it was trained on."""
    return _speed(FastTextBaseline(texts[:8000], labels[:8000]), texts)


def _speed(model: Baseline, texts: Sequence[str]) -> float:
    start = time.perf_counter()
    model.rank(texts)
    return len(texts) / (time.perf_counter() - start)


def _spaced(text: str) -> str:
    return " ".join(text.replace("\n", " "))
