"""Nested cross-validation: the second level learns from first-level outputs that have not seen the example.

For an outer fold k the second level is taught by rows of the other folds j, and a row of j is read by a first level
that was fitted without j and without k. One fit per pair of folds serves both its members.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.linear import Scores
from training.corpus import ANNOTATED, HOTLINE, TICKETS, Example
from training.evidence_overlap import hits_evidence
from training.signals import ROUTE_SIGNALS, JudgeInputs, LevelOne, Teachers, stack_margins
from triage.base_model import CHANNEL, FUNCTION

Rows = NDArray[np.int64]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """First-level outputs of some rows.

    Attributes:
        judged: Annotated and hotline rows.
        judge: float32[judged, p].
        routed: Annotated rows and tickets.
        route: float32[routed, q].
    """

    judged: Rows
    judge: Scores
    routed: Rows
    route: Scores


@dataclass(frozen=True, slots=True)
class Inputs:
    """Second-level inputs of all n examples; rows that a level does not concern are zero.

    Attributes:
        judge: float32[n, p].
        route: float32[n, q].
    """

    judge: Scores
    route: Scores


class NestedOutputs:
    """First-level outputs for every outer fold.

    Attributes:
        evidence_hits: Row → whether a quote picked out of fold overlaps the annotated evidence; rows of risk ≥ 3 only.
        judged: Rows of the annotated and the hotline corpus.
        letters: Rows of the annotated corpus; they teach function and category.
        call_functions: float32[n, functions], margins of the tickets' model, out of fold.
        channel: float32[n, 1], margins of the channel.
    """

    def __init__(self, teachers: Teachers, examples: Sequence[Example], *, say: Say) -> None:
        """Fit the first level without each fold and without each pair of folds."""
        self._material = material = teachers.material
        self._examples = examples
        self._routed = np.flatnonzero(material.source != HOTLINE)
        self._folds = sorted(set(material.folds.tolist()))
        self._parts: dict[tuple[int, ...], _Part] = {}
        self.judged = np.flatnonzero(material.source != TICKETS)
        self.letters = material.rows(ANNOTATED)
        self.evidence_hits: dict[int, bool] = {}
        self.call_functions = self._call_functions(teachers, say)
        self.channel = teachers.fixed[CHANNEL].margins(material.features)
        for without in [*((k,) for k in self._folds), *combinations(self._folds, 2)]:
            say(f"first level without fold {' and '.join(str(k + 1) for k in without)}")
            self._parts[without] = self._part(teachers.fit(without), without)

    def inputs(self, outer: int | None = None) -> Inputs:
        """Return the inputs for an outer fold; without one, those that teach the shipped second level.

        Rows of the outer fold itself are read by the model without that fold alone.
        """
        n = len(self._material.folds)
        first = self._parts[(self._folds[0],)]
        judge = np.zeros((n, first.judge.shape[1]), dtype=np.float32)
        route = np.zeros((n, first.route.shape[1]), dtype=np.float32)
        for fold in self._folds:
            key = (fold,) if outer is None or fold == outer else (min(fold, outer), max(fold, outer))
            part = self._parts[key]
            for target, rows, values in ((judge, part.judged, part.judge), (route, part.routed, part.route)):
                here = self._material.folds[rows] == fold
                target[rows[here]] = values[here]
        return Inputs(judge, route)

    def _part(self, fitted: LevelOne, without: tuple[int, ...]) -> _Part:
        material = self._material
        judged = self.judged[np.isin(material.folds[self.judged], without)]
        # A single fold's model also reads its tickets: the ranker and the calibration use them.
        routed = self._routed if len(without) == 1 else self.letters
        routed = routed[np.isin(material.folds[routed], without)]
        read = JudgeInputs.read(material, fitted, judged)
        if len(without) == 1:
            self._look_for_evidence(read, judged)
        nearness = material.meaning.nearness[routed]
        route = stack_margins(material.features[routed], nearness, fitted.heads, ROUTE_SIGNALS)
        return _Part(judged, read.values, routed, route)

    def _look_for_evidence(self, read: JudgeInputs, rows: Rows) -> None:
        for row, clauses in zip(rows.tolist(), read.clauses(), strict=True):
            if self._material.labels.risk[row] >= 3:
                self.evidence_hits[row] = hits_evidence(self._examples[row], clauses)

    def _call_functions(self, teachers: Teachers, say: Say) -> Scores:
        material = self._material
        margins = np.zeros((len(material.folds), len(material.labels.classes[FUNCTION])), dtype=np.float32)
        for fold in self._folds:
            say(f"functions of tickets without fold {fold + 1}")
            held = np.flatnonzero(material.folds == fold)
            margins[held] = teachers.call_functions((fold,)).margins(material.features[held])
        return margins
