"""Judges an encoder on the fixed fold and the dev texts, alone and beside n-gram models."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.fusion import in_order
from models.linear import Scores
from training.corpus import ANNOTATED, HOTLINE, TICKETS, Example
from training.encoder.figures import BOTH, ENCODER, NGRAMS, Judged, fold_figures
from training.encoder.fusing import Views, cross_answer, logits_by_question
from training.encoder.held_out import in_fixed_fold
from training.encoder.mixing import Floats, cross_mixed, fit_mix, halves_of, mix
from training.encoder.reading import Reader
from training.encoder.rivals import Labelled, NgramRival, ngram_classes
from training.encoder.texts import DEV_PETITIONS, DEV_TICKETS
from training.metrics import ranking_figures
from triage.base_model import CALL_FUNCTION, FUNCTION
from triage.document import read_document
from triage.io.readers import read_rows

LETTERS, CALLS, UNITS, PETITIONS, NEAR = "letters", "calls", "units", "petitions", "nearest"

_TRAIN_TICKETS, _TRAIN_PETITIONS = "haikou12345/tickets_train.csv", "appeals7/train.csv"
_LATEST = 0.2
"""Share of the training texts, the last ones, on which the weights of the mix are fitted."""

_SHOWN = 5
_C = 20.0
_MOST_TICKETS = 2000
_LETTER = 0.05
"""How much a letter is taken for a call-taker's note; the channel head is as sure as it may be of nearly every text."""


def today() -> str:
    """Return the date that a figure carries."""
    return datetime.now(UTC).date().isoformat()


def judge_fold(views: Views, rival: NgramRival) -> dict[str, Any]:
    """Judge the fixed fold: letters and hotline tickets → model → figures.

    Args:
        views: What both models say of the texts that neither has seen, those of the fixed fold among them.
        rival: The base bundle's models.
    """
    groups = [rival.examples[row].group for row in views.rows.tolist()]
    both = cross_answer(views, rival.labels, halves_of(groups))
    source = np.array([rival.examples[row].source for row in views.rows.tolist()])
    found = {}
    for name, wanted in ((LETTERS, ANNOTATED), (CALLS, HOTLINE)):
        chosen = source == wanted
        function = FUNCTION if wanted == ANNOTATED else CALL_FUNCTION
        alone = {head: views.logits[function if head == FUNCTION else head] for head in views.margins}
        judged = Judged(
            views.rows[chosen],
            [group for group, here in zip(groups, chosen, strict=True) if here],
            {
                ENCODER: {head: values[chosen] for head, values in alone.items()},
                NGRAMS: {head: values[chosen] for head, values in views.margins.items()},
            },
        )
        found[name] = fold_figures(judged, rival.labels, both.part(chosen))
    return found


def fold_views(reader: Reader, rival: NgramRival, classes: dict[str, list[str]], *, taught: frozenset[str]) -> Views:
    """Return what both models say of the fixed fold, and of tickets whose unit the encoder was not taught.

    Args:
        reader: The encoder.
        rival: The base bundle's models.
        classes: Head → class names of the encoder.
        taught: Texts whose unit it was taught.
    """
    source = np.array([example.source for example in rival.examples])
    unseen = np.array([example.document.text not in taught for example in rival.examples])
    tickets = np.flatnonzero((source == TICKETS) & unseen & (rival.labels.columns[FUNCTION] >= 0))
    rows = np.concatenate([np.flatnonzero(rival.held), tickets[-_MOST_TICKETS:]])
    read = reader([rival.examples[row].document.text for row in rows.tolist()])
    logits = logits_by_question(read.logits, classes, rival.labels.classes)
    margins = {head: values[rows] for head, values in rival.margins.items()}
    shares = np.where(source[rows] == ANNOTATED, _LETTER, 1.0 - _LETTER)
    return Views(rows, margins, logits, np.asarray(shares, dtype=np.float32))


def read_tickets(path: Path) -> Labelled:
    """Read routed tickets, oldest first, without titles and instructions."""
    rows = sorted((row for row in read_rows(path) if row.text("unit")), key=lambda row: row.text("created_date"))
    return Labelled([read_document(r.appeal).content.text for r in rows], [r.text("unit") for r in rows])


def read_letters(path: Path) -> Labelled:
    """Read letters with a first-level topic."""
    rows = [row for row in read_rows(path) if row.text("l1")]
    return Labelled([read_document(row.appeal).text for row in rows], [row.text("l1") for row in rows])


@dataclass(frozen=True, slots=True)
class ClassTask:
    """One exclusive label that a linear head on frozen vectors learns, with n-grams beside it.

    Attributes:
        name: Of the task; the margins of the n-grams are kept under it.
        train: To learn from.
        dev: To be judged on.
        taught: Whether the encoder was taught the labels of all training texts. On those it looks wiser than it is, so the
            weights of a mix come from the other half of the texts to be judged on.
    """

    name: str
    train: Labelled
    dev: Labelled
    taught: bool = False

    @classmethod
    def tickets(cls, corpus: Path) -> ClassTask:
        """Units of the routed tickets."""
        return cls(UNITS, read_tickets(corpus / _TRAIN_TICKETS), read_tickets(corpus / DEV_TICKETS))

    @classmethod
    def petitions(cls, corpus: Path) -> ClassTask:
        """Topics of the petitions."""
        return cls(
            PETITIONS, read_letters(corpus / _TRAIN_PETITIONS), read_letters(corpus / DEV_PETITIONS), taught=True
        )

    def ngrams(self, work: Path) -> tuple[Floats, Floats]:
        """Return margins of the latest training texts, not learned from, and of the dev texts; columns sorted by name."""
        early, late = self.train.cut(_LATEST)
        names = sorted(set(self.train.labels))
        unseen = ngram_classes(early, late.texts, file=work / f"ngrams_{self.name}_late.safetensors")
        final = ngram_classes(self.train, self.dev.texts, file=work / f"ngrams_{self.name}_dev.safetensors")
        return in_order(unseen, sorted(set(early.labels)), names), final

    def judge(self, reader: Reader, work: Path) -> dict[str, Any]:
        """Return way → figures; the weights of the mix come from the latest training texts."""
        names = sorted(set(self.train.labels))
        early, late = self.train.cut(_LATEST)
        vectors, dev_vectors = reader(self.train.texts).vectors, reader(self.dev.texts).vectors
        cut = len(early.texts)
        late_grams, dev_grams = self.ngrams(work)
        unseen = {ENCODER: _head(vectors[:cut], early.labels, vectors[cut:], names), NGRAMS: late_grams}
        final = {ENCODER: _head(vectors, self.train.labels, dev_vectors, names), NGRAMS: dev_grams}
        columns, known = column_of(names, late.labels), np.isin(late.labels, early.labels)
        found = {}
        dev_columns, halves = column_of(names, self.dev.labels), halves_of(self.dev.texts)
        for way, parts in {ENCODER: [ENCODER], NGRAMS: [NGRAMS], BOTH: [ENCODER, NGRAMS]}.items():
            if self.taught:
                said = cross_mixed([final[part] for part in parts], dev_columns, halves)
            else:
                weights = fit_mix([unseen[part][known] for part in parts], columns[known])
                said = mix([final[part] for part in parts], weights)
            found[way] = _ranked(said, names, self.dev.labels)
        return found


def _head(vectors: Scores, labels: Sequence[str], unseen: Scores, names: Sequence[str]) -> Floats:
    head = LogisticRegression(C=_C, max_iter=100).fit(vectors, labels)
    return in_order(
        np.asarray(head.decision_function(unseen), np.float32), [str(name) for name in head.classes_], names
    )


def _ranked(said: Floats, names: Sequence[str], truth: Sequence[str]) -> dict[str, Any]:
    order = np.argsort(-said, axis=1, kind="stable")[:, :_SHOWN]
    ranked = [[names[column] for column in row] for row in order]
    figures = ranking_figures(ranked, said.max(axis=1).tolist(), truth)
    kept = ("n", "top1", "top3", "macro_f1", "coverage95")
    return {name: getattr(figures, name) for name in kept}


def judge_near(reader: Reader, examples: Sequence[Example], *, n: int = 400) -> dict[str, Any]:
    """Return how often a letter's nearest neighbour in the fixed fold has the same second-level category."""
    held = [e for e in examples if e.source == ANNOTATED and in_fixed_fold(e.group) and e.l2][:n]
    vectors = reader([example.document.text for example in held]).vectors
    near = vectors @ vectors.T
    groups = np.array([example.group for example in held])
    near[groups[:, None] == groups[None, :]] = -2.0
    best = near.argmax(axis=1)
    same = np.mean([held[row].l2 == held[int(column)].l2 for row, column in enumerate(best)])
    return {"n": len(held), "same_l2": float(same)}


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Everything an encoder is judged by, read once; n-gram margins are kept in the work folder.

    Attributes:
        work: That folder.
        rival: The base bundle's models.
        tasks: Labels for linear heads on frozen vectors.
        classes: Head → class names of the encoder.
        taught: Texts of tickets whose unit it was taught.
    """

    work: Path
    rival: NgramRival
    tasks: Sequence[ClassTask]
    classes: dict[str, list[str]]
    taught: frozenset[str] = frozenset()

    def views(self, reader: Reader) -> Views:
        """Return what both models say of texts that neither has seen."""
        return fold_views(reader, self.rival, self.classes, taught=self.taught)

    def judge(self, reader: Reader) -> dict[str, Any]:
        """Return part → model → figures, with date."""
        found = judge_fold(self.views(reader), self.rival)
        found |= {task.name: task.judge(reader, self.work) for task in self.tasks}
        return {"date": today(), NEAR: judge_near(reader, self.rival.examples), **found}


def parity(full: Reader, small: Reader, texts: Sequence[str]) -> dict[str, Any]:
    """Return how near the vectors of int8 are to those of float32."""
    cosines = (full(texts).vectors * small(texts).vectors).sum(axis=1)
    return {"n": len(texts), "mean_cosine": float(cosines.mean()), "least_cosine": float(cosines.min())}


def measure_speed(encode: Callable[[Sequence[str]], object], texts: Sequence[str]) -> dict[str, float]:
    """Return texts per second, cutting into tokens included; the best of three runs, since other programs run too."""
    encode(texts[:64])
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        encode(texts)
        best = max(best, len(texts) / (time.perf_counter() - began))
    return {"n": len(texts), "characters": float(np.mean([len(t) for t in texts])), "per_second": best}


def rounded(values: Any) -> Any:
    """Return figures with four digits, in JSON's own types."""
    if isinstance(values, dict):
        return {key: rounded(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [rounded(value) for value in values]
    if isinstance(values, float | np.floating):
        return round(float(values), 4)
    return int(values) if isinstance(values, np.integer) else values


def worst_loss(full: dict[str, Any], small: dict[str, Any]) -> float:
    """Return the largest drop, in points, from float32 to int8 over all shares that both report; n and counts aside."""
    drops: list[float] = []
    for key, value in full.items():
        if isinstance(value, dict):
            drops.append(worst_loss(value, small[key]))
        elif isinstance(value, float) and isinstance(small[key], float):
            drops.append(100.0 * (value - small[key]))
    return max(drops, default=0.0)


def column_of(names: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    """Return int64[n], the column of each name, −1 where there is none."""
    index = {name: column for column, name in enumerate(names)}
    return np.array([index.get(name, -1) for name in wanted], dtype=np.int64)
