"""The first level: what each corpus teaches about an appeal, as columns that the second level weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.clauses import ClauseLayout, ClauseModel
from models.linear import Scores
from training.base_heads import Labels, signs
from training.clause_fit import MarkedClauses, fit_clause_model
from training.config import BaseRecipe
from training.corpus import ANNOTATED, HOTLINE, TICKETS
from training.level_one import Rows, SecondOrderRidge, gram
from training.linear_fit import Floats, Head, Meaning, fit_exclusive, fit_ridge, fit_yes_no
from triage.base_model import CATEGORY, CHANNEL, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE
from triage.evidence import Clauses
from triage.reading import judge_inputs, split_clauses

TOPIC, LEVEL = "topic", "level"
APPEAL, CALL = "appeal", "call"

APPEAL_HEADS = (FUNCTION, CATEGORY, TOPIC, TYPE, RISK, LEVEL, FACTORS)
CALL_HEADS = (TYPE, RISK, LEVEL, EMERGENCY, FACTORS)
TICKET_FUNCTION, TICKET_TYPE, PETITION_TOPIC = "ticket_function", "ticket_type", "petition_topic"

ROUTE_SIGNALS = (f"{APPEAL}_{FUNCTION}", f"{APPEAL}_{CATEGORY}", f"{APPEAL}_{TOPIC}", PETITION_TOPIC, TICKET_FUNCTION)
"""Read by function and category only; composed into their weights, so they are not stored."""

JUDGE_SIGNALS = (
    *(f"{APPEAL}_{head}" for head in (TYPE, RISK, LEVEL, FACTORS)),
    *(f"{CALL}_{head}" for head in CALL_HEADS),
    TICKET_TYPE,
    CHANNEL,
)
"""Read by type, risk, factors and emergency, beside clauses and cues."""

_SAME_LETTER = 0.55
"""Cosine from which a petition counts as one of the annotated letters again."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything the first level learns from; n examples.

    Attributes:
        features: float32[n, v].
        meaning: Of the examples.
        labels: Of the examples.
        source: str[n], corpus of each.
        folds: int64[n].
        pool: float32[p, v], unlabelled letters.
        petitions: float32[q, v], letters with a first-level topic.
        petition_topics: int64[q].
        topics: Names of the petitions' topics.
        ticket_types: int64[n], the city's own type of a ticket; −1 where there is none.
        ticket_type_names: Their names.
        clauses: Clauses of the annotated and the hotline examples, with the marked ones.
    """

    features: sparse.csr_matrix
    meaning: Meaning
    labels: Labels
    source: NDArray[np.str_]
    folds: Rows
    pool: sparse.csr_matrix
    petitions: sparse.csr_matrix
    petition_topics: Rows
    topics: Sequence[str]
    ticket_types: Rows
    ticket_type_names: Sequence[str]
    clauses: MarkedClauses

    def rows(self, source: str) -> Rows:
        """Return the examples of one corpus."""
        return np.flatnonzero(self.source == source)


@dataclass(frozen=True, slots=True)
class LevelOne:
    """A fitted first level: signal → head, and the clause model."""

    heads: Mapping[str, Head]
    clauses: ClauseModel


class Teachers:
    """Fits the first level on any part of the material; what all parts share is computed once."""

    def __init__(self, material: Material, recipe: BaseRecipe) -> None:
        """Prepare the products over the annotated letters, and fit what does not depend on a fold."""
        self.material = material
        self._recipe = recipe
        self._letters = material.rows(ANNOTATED)
        self._calls = material.rows(HOTLINE)
        self._ridge = SecondOrderRidge(
            material.features[self._letters],
            material.pool,
            penalty=recipe.ridge,
            meaning=material.meaning.part(self._letters),
        )
        # Other people's letters and tickets: no fold of the annotated corpora can leak through them.
        self.fixed = {
            PETITION_TOPIC: self._petition_topics(),
            TICKET_TYPE: self._ticket_types(),
            TICKET_FUNCTION: self._functions(material.rows(TICKETS)),
            CHANNEL: self._channel(),
        }

    def fit(self, without: Sequence[int]) -> LevelOne:
        """Fit on the examples outside the folds ``without``; `call_functions` is apart."""
        material = self.material
        kept = ~np.isin(material.folds, without)
        letters = np.flatnonzero(kept[self._letters])
        calls = self._calls[kept[self._calls]]
        targets = _targets(material.labels, self._letters[letters], APPEAL_HEADS)
        heads = _split(self._ridge.fit(letters, np.hstack(list(targets.values()))), targets, APPEAL)
        targets = _targets(material.labels, calls, CALL_HEADS)
        joint = fit_ridge(
            material.features[calls],
            np.hstack(list(targets.values())),
            penalty=self._recipe.ridge,
            meaning=material.meaning.part(calls),
        )
        heads |= _split(joint, targets, CALL)
        return LevelOne(heads | self.fixed, fit_clause_model(material.clauses, kept))

    def call_functions(self, without: Sequence[int]) -> Head:
        """Fit the functions of tickets and letters together, for texts in the style of a ticket."""
        material = self.material
        rows = np.concatenate([self._letters, material.rows(TICKETS)])
        return self._functions(rows[~np.isin(material.folds[rows], without)])

    def _functions(self, rows: Rows) -> Head:
        """Fit by SVMs, which are best where examples are many."""
        truth, classes = self.material.labels.columns[FUNCTION][rows], len(self.material.labels.classes[FUNCTION])
        rows, truth = rows[truth >= 0], truth[truth >= 0]
        return fit_exclusive(self.material.features[rows], truth, classes, c=self._recipe.svm_c, seed=self._recipe.seed)

    def _channel(self) -> Head:
        """Learn to tell tickets from letters; that takes no labels, so no fold can leak."""
        rows = np.concatenate([self._letters, self.material.rows(TICKETS)])
        tickets = self.material.source[rows, None] == TICKETS
        return fit_yes_no(self.material.features[rows], tickets, c=self._recipe.svm_c, seed=self._recipe.seed)

    def _petition_topics(self) -> Head:
        material = self.material
        seen = gram(material.petitions, material.features[self._letters]).max(axis=1) >= _SAME_LETTER
        targets = np.where(material.petition_topics[~seen, None] == np.arange(len(material.topics)), 1.0, -1.0)
        return fit_ridge(material.petitions[~seen], targets, penalty=self._recipe.ridge)

    def _ticket_types(self) -> Head:
        material = self.material
        rows = np.flatnonzero(material.ticket_types >= 0)
        targets = np.where(material.ticket_types[rows, None] == np.arange(len(material.ticket_type_names)), 1.0, -1.0)
        return fit_ridge(material.features[rows], targets, penalty=self._recipe.ridge)


@dataclass(frozen=True, slots=True)
class JudgeInputs:
    """What ``type``, ``risk``, ``factors`` and ``emergency`` are judged by.

    Attributes:
        values: float32[n, p], in the order of `judge_input_names`.
        layout: Clauses of the n texts.
        clause_scores: float32[m, 2].
    """

    values: Scores
    layout: ClauseLayout
    clause_scores: Scores

    @classmethod
    def read(cls, material: Material, fitted: LevelOne, rows: Rows) -> JudgeInputs:
        """Read annotated or hotline examples."""
        part = material.clauses.part(rows)
        scores = fitted.clauses.scores(part.found, part.layout)
        read = stack_margins(material.features[rows], material.meaning.nearness[rows], fitted.heads, JUDGE_SIGNALS)
        signals = {"all": read}
        return cls(judge_inputs(signals, part, scores), part.layout, scores)

    def clauses(self) -> list[Clauses]:
        """Return the clauses of each text with their scores."""
        return split_clauses(self.layout, self.clause_scores)


def stack_heads(heads: Mapping[str, Head], names: Sequence[str], *, landmarks: int) -> Head:
    """Put several heads side by side."""
    return Head(
        np.hstack([heads[name].weights for name in names]),
        np.concatenate([heads[name].intercepts for name in names]),
        np.hstack([heads[name].meaning_of(landmarks) for name in names]),
    )


def stack_margins(
    features: sparse.csr_matrix, nearness: Floats, heads: Mapping[str, Head], names: Sequence[str]
) -> Scores:
    """Return float32[n, c], the margins of several heads side by side."""
    return stack_heads(heads, names, landmarks=nearness.shape[1]).margins(features, nearness)


def _targets(labels: Labels, rows: Rows, heads: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    found = {}
    for head in heads:
        if head == LEVEL:
            found[head] = labels.risk[rows, None].astype(np.float64)
        elif head == TOPIC:
            topics = labels.topic_of_category[labels.columns[CATEGORY][rows]]
            found[head] = np.where(topics[:, None] == np.arange(len(labels.topics)), 1.0, -1.0)
        else:
            found[head] = signs(labels, head, rows)
    return found


def _split(joint: Head, targets: Mapping[str, NDArray[np.float64]], prefix: str) -> dict[str, Head]:
    heads, at = {}, 0
    for name, target in targets.items():
        columns = slice(at, at + target.shape[1])
        near = None if joint.meaning is None else joint.meaning[:, columns]
        heads[f"{prefix}_{name}"] = Head(joint.weights[:, columns], joint.intercepts[columns], near)
        at += target.shape[1]
    return heads
