"""Fits the trees that look at the serious candidates again, and scores tickets with models that have not seen them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from models.contest import ContenderTrees, contenders_of
from models.ranker import CandidateRanker
from training.folds import grouped_folds
from training.pairs import flatten
from training.ranker_fit import fit_ranker
from triage.routing.contenders import Choice, Surroundings, choose, contender_features, contender_names

Floats = NDArray[np.float32]

LEAST_TICKETS = 1000
"""Tickets below which no trees are grown: 200 trees would learn a few hundred tickets by heart."""

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Table:
    """Tickets as the ranker, the trees and the confidence model see them.

    Attributes:
        names: The ranker's features.
        features: float32[n, units, len(names)].
        around: Of the same tickets.
        truth: int64[n], the right unit.
        groups: The tickets' texts; equal ones stay together when tickets are dealt to folds.
    """

    names: tuple[str, ...]
    features: Floats
    around: Surroundings
    truth: NDArray[np.int64]
    groups: Sequence[str]

    def of(self, rows: NDArray[np.bool_]) -> Table:
        """Return the same for some of the tickets."""
        groups = [group for group, wanted in zip(self.groups, rows, strict=True) if wanted]
        return Table(self.names, self.features[rows], self.around.of(rows), self.truth[rows], groups)


@dataclass(frozen=True, slots=True)
class Choosers:
    """The two models that choose a unit."""

    ranker: CandidateRanker
    trees: ContenderTrees | None

    def choose(self, table: Table) -> Choice:
        """Choose for every ticket of a table."""
        probabilities = self.ranker.probabilities(table.features)
        return choose(probabilities, table.features, table.names, table.around, self.trees)


def fit_choosers(table: Table, *, prior: Mapping[str, float], seed: int) -> Choosers:
    """Fit the ranker and, where there are tickets enough, the trees.

    Args:
        table: Tickets that the heads have not seen.
        prior: Weights of the ranker expected beforehand.
        seed: Of the trees.
    """
    ranker = fit_ranker(table.features, table.truth, table.names, prior=prior)
    if len(table.truth) < LEAST_TICKETS:
        return Choosers(ranker, None)
    probabilities = ranker.probabilities(table.features)
    contenders = contenders_of(probabilities)
    features = contender_features(contenders, probabilities, table.features, table.names, table.around)
    right = table.truth[contenders.rows] == contenders.columns
    if right.all() or not right.any():
        return Choosers(ranker, None)
    forest = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.06,
        max_leaf_nodes=12,
        max_depth=6,
        min_samples_leaf=40,
        l2_regularization=5.0,
        max_features=0.4,
        early_stopping=False,
        random_state=seed,
    ).fit(features, right)
    names = contender_names(table.names, list(table.around.margins))
    return Choosers(ranker, ContenderTrees(names, flatten(forest), float(forest._baseline_prediction.item())))


def unseen_choices(table: Table, *, prior: Mapping[str, float], seed: int) -> Choice:
    """Choose for each ticket with choosers fitted on the other folds.

    Trees know the tickets they grew on. A threshold chosen there would promise more than the next month keeps.
    """
    if len(set(table.groups)) < 2 * FOLDS:
        return fit_choosers(table, prior=prior, seed=seed).choose(table)
    folds = grouped_folds(table.groups, folds=FOLDS, seed=seed)
    probabilities = np.zeros(table.features.shape[:2], dtype=np.float32)
    scores = np.zeros(len(table.truth), dtype=np.float32)
    for fold in range(FOLDS):
        here = folds == fold
        choice = fit_choosers(table.of(~here), prior=prior, seed=seed).choose(table.of(here))
        probabilities[here], scores[here] = choice.probabilities, choice.scores
    return Choice(probabilities, scores)
