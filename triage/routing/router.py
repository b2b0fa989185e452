"""Ranks the units of a directory for a batch of appeals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from models.confidence import with_confidence
from models.linear import Scores
from models.ranker import CandidateRanker
from triage.directory import Directory, Unit
from triage.document import Document
from triage.routing.contenders import Surroundings, choose
from triage.routing.doubt import doubt_features
from triage.routing.features import FLOOR, Evidence, Floats, UnitFeatures
from triage.routing.local import AREA, BASE_FUNCTION, CENTROID, CITY, DENSE, FUNCTION, UNIT, LocalModel
from triage.routing.newcomers import RareDuties, with_newcomers

_ABSENT_MARGIN = -2.0
"""Margin of a unit that a head has never met: below every real one."""

_UNHEARD_OF = float(np.log(0.02))
"""Log share of appeals for a new unit whose function no model knows: drones, say. Not `FLOOR`: it was founded for some."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The units' probabilities for a batch.

    Attributes:
        probabilities: float32[n, units], rows summing to at most one; 0 for units that did not exist on the appeal's day.
        evidence: What the texts name.
    """

    probabilities: Floats
    evidence: Evidence


class UnitRouter:
    """Function × place × level, and the city's own model where there is one."""

    def __init__(
        self,
        directory: Directory,
        ranker: CandidateRanker,
        *,
        local: LocalModel | None = None,
        day_one: CandidateRanker | None = None,
    ) -> None:
        """Put a router together.

        Args:
            directory: The units of today.
            ranker: The local model's where there is one, else the day-one ranker.
            local: What the city's own tickets taught.
            day_one: Ranks units that came after that training; None leaves them without a chance.
        """
        self.directory = directory
        self.features = UnitFeatures(directory)
        self.units: tuple[Unit, ...] = directory.units
        self._ranker = ranker
        self._local = local
        self._day_one = day_one
        self._new = _newcomers(self.units, local)
        self._rare_duties = RareDuties(self.units, self._new, local.text.fields[0].vectoriser) if local else None
        # What goes down to a grid is a matter of the admission list, not of likelihood; no model has met such units.
        self._ranked = np.array([unit.level != "网格" for unit in self.units], dtype=bool)
        self._from = np.array([u.valid_from.toordinal() if u.valid_from else 0 for u in self.units])
        self._to = np.array([u.valid_to.toordinal() if u.valid_to else date.max.toordinal() for u in self.units])
        self._columns: dict[str, NDArray[np.int64]] = {}
        self._groups = {head: self._numbered(head) for head in (FUNCTION, AREA)}

    def rank(
        self,
        documents: Sequence[Document],
        functions: Scores,
        function_names: Sequence[str],
        local: Mapping[str, Scores],
    ) -> Ranking:
        """Rank all units for all documents.

        Args:
            documents: n appeals.
            functions: float32[n, f], log-probabilities of the base function head; used where there is no local model.
            function_names: The f functions.
            local: Margins of the local model's heads, and the log-probabilities of its network; empty without one.
        """
        evidence = self.features.evidence(documents)
        if self._local is None:
            scores = {FUNCTION: self.spread(functions, FUNCTION, function_names)}
        else:
            scores = self.local_scores(self._local, local)
            if BASE_FUNCTION in self._ranker.names:
                scores[BASE_FUNCTION] = self.spread(functions, BASE_FUNCTION, function_names)
        features = self.features.compute(evidence, scores, self._ranker.names)
        utilities = self._ranker.utilities(features)
        utilities[~self._valid(documents)] = -np.inf
        probabilities = _softmax(utilities)
        if self._local is not None:
            around = self.surroundings(local, documents)
            names, confidence = self._ranker.names, self._local.confidence
            choice = choose(probabilities, features, names, around, self._local.trees)
            doubts = doubt_features(choice, features, names, around, confidence.names)
            probabilities = with_confidence(choice.probabilities, confidence.probabilities(doubts))
            probabilities = self._with_newcomers(probabilities, evidence, documents, functions, function_names)
        return Ranking(probabilities, evidence)

    def is_newcomer(self, unit: Unit) -> bool:
        """Say whether the unit came after the local model was trained, so that no ticket speaks for it."""
        return bool(self._new[self.units.index(unit)])

    def _with_newcomers(
        self,
        probabilities: Floats,
        evidence: Evidence,
        documents: Sequence[Document],
        functions: Scores,
        function_names: Sequence[str],
    ) -> Floats:
        """Make room for units that the local model has never met."""
        if self._day_one is None or self._rare_duties is None or not self._new.any():
            return probabilities
        names = self._day_one.names
        likely = self.spread(functions, BASE_FUNCTION, function_names)
        likely[:, self._new & (self.columns_of(BASE_FUNCTION) < 0)] = _UNHEARD_OF
        scores = {FUNCTION: likely}
        utilities = self._day_one.utilities(self.features.compute(evidence, scores, names))
        utilities += self._rare_duties.evidence(evidence.phrases)
        utilities[~self._valid(documents)] = -np.inf
        return with_newcomers(probabilities, _softmax(utilities), self._new)

    def surroundings(self, margins: Mapping[str, Scores], documents: Sequence[Document]) -> Surroundings:
        """Gather what surrounds the choice beside the ranker's features; after `local_scores`."""
        spread = {head: self._spread_margins(margins[head], head) for head in (UNIT, FUNCTION, AREA) if head in margins}
        lengths = np.log1p(np.array([len(document.text) for document in documents], dtype=np.float32))
        return Surroundings(spread, self._groups, lengths)

    def local_scores(self, model: LocalModel, margins: Mapping[str, Scores]) -> dict[str, Floats]:
        """Spread the margins of a local model's heads over the units: feature name → float32[n, units]."""
        classes = model.text.classes
        scores = {
            head: self.spread(model.text.log_probabilities(margins, head), head, classes[head])
            for head in (UNIT, FUNCTION, AREA)
            if head in classes
        }
        if DENSE in margins:
            scores[DENSE] = self.spread(margins[DENSE], DENSE, classes[UNIT])
        scores[CENTROID] = self.spread(margins[CENTROID], CENTROID, classes[CENTROID], missing=0.0)
        prior = [max(_log_prior(unit, model), FLOOR) for unit in self.units]
        scores["prior"] = np.broadcast_to(np.array(prior, np.float32), scores[UNIT].shape)
        return scores

    def spread(self, scores: Scores, head: str, classes: Sequence[str], *, missing: float = FLOOR) -> Floats:
        """Give every unit the score of its class; units whose class the head does not know get ``missing``."""
        if head not in self._columns:
            index = {name: i for i, name in enumerate(classes)}
            self._columns[head] = np.array([self._column_of(unit, head, index) for unit in self.units])
        columns = self.columns_of(head)
        spread = np.maximum(scores, FLOOR)[:, columns]
        spread[:, columns < 0] = missing
        return spread

    def _spread_margins(self, margins: Scores, head: str) -> Floats:
        columns = self.columns_of(head)
        spread = margins[:, columns]
        spread[:, columns < 0] = _ABSENT_MARGIN
        return spread

    def columns_of(self, head: str) -> NDArray[np.int64]:
        """Return int64[units]: each unit's class in a head that `spread` has met, −1 for none."""
        return self._columns[head]

    def _column_of(self, unit: Unit, head: str, index: Mapping[str, int]) -> int:
        """Return the class of a unit, −1 for none; a renamed unit that lists its old name keeps what that one learned."""
        if head in (UNIT, CENTROID, DENSE):
            return next((index[name] for name in (unit.name, *unit.aliases) if name in index), -1)
        return index.get(self._class_of(unit, head), -1)

    def _class_of(self, unit: Unit, head: str) -> str:
        if head in (FUNCTION, BASE_FUNCTION):
            return unit.function or "其他"
        return area_class(self.directory, unit) if head == AREA else unit.name

    def _numbered(self, head: str) -> NDArray[np.int64]:
        """Return int64[units]: one number per class of a head."""
        _, numbers = np.unique([self._class_of(unit, head) for unit in self.units], return_inverse=True)
        return np.asarray(numbers, dtype=np.int64)

    def _valid(self, documents: Sequence[Document]) -> NDArray[np.bool_]:
        today = date.today()  # noqa: DTZ011 - an appeal without a time is judged by the local calendar
        days = [d.appeal.created_at.date() if d.appeal.created_at else today for d in documents]
        ordinals = np.array([day.toordinal() for day in days])[:, None]
        valid = (self._from <= ordinals) & (ordinals <= self._to) & self._ranked
        valid[~valid.any(axis=1)] = self._ranked if self._ranked.any() else True
        return np.asarray(valid)


def _newcomers(units: Sequence[Unit], model: LocalModel | None) -> NDArray[np.bool_]:
    """Return bool[units]: those that the list of the training had neither under their name nor under an old one."""
    if model is None:
        return np.zeros(len(units), dtype=bool)
    old = {unit.name for unit in model.directory.units}
    known = [model.directory.get(unit.name) is not None or not old.isdisjoint(unit.aliases) for unit in units]
    return ~np.array(known, dtype=bool)


def _log_prior(unit: Unit, model: LocalModel) -> float:
    return next((model.log_prior[name] for name in (unit.name, *unit.aliases) if name in model.log_prior), FLOOR)


def area_class(directory: Directory, unit: Unit) -> str:
    """Name the area class of a unit: the first area it serves below the city, else `CITY`."""
    for area in directory.areas_of(unit):
        known = directory.area(area)
        if known is not None and known.level != "市":
            return area
    return CITY


def _softmax(utilities: Floats) -> Floats:
    shifted = np.exp(utilities - utilities.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)
