"""What the trees see of each contender: its own features, and how it stands among its rivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contest import Contenders, ContenderTrees, contenders_of, settled

Floats = NDArray[np.float32]

_COMPARED = ("function", "unit", "area", "centroid", "prior")
_MARGINS = ("unit", "function", "area")
_GROUPS = ("function", "area")
_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What surrounds a choice beside the ranker's features.

    Attributes:
        margins: Head → float32[n, units], one-against-rest margins of the local heads, spread over the units.
        groups: ``function``, ``area`` → int64[units]; units of one function (one area) share a number.
        lengths: float32[n], log(1 + characters).
    """

    margins: Mapping[str, Floats]
    groups: Mapping[str, NDArray[np.int64]]
    lengths: Floats

    def of(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Surroundings:
        """Return the same for some of the texts."""
        margins = {head: values[rows] for head, values in self.margins.items()}
        return Surroundings(margins, self.groups, self.lengths[rows])


@dataclass(frozen=True, slots=True)
class Choice:
    """The units' probabilities after the second look.

    Attributes:
        probabilities: float32[n, units].
        scores: float32[n], log-odds of the first candidate by the trees; zeros without trees.
    """

    probabilities: Floats
    scores: Floats


def contender_names(ranker: Sequence[str], heads: Sequence[str]) -> tuple[str, ...]:
    """Name the trees' features in column order, for a ranker's features and the heads of a local model.

    The ranker's own come first; ``behind_x`` is what is missing to the best contender's x, ``margin_x`` the
    one-against-rest margin, ``lead_x`` that margin less the best one, ``share_x`` the probability of all units of the
    same function or area, ``part_x`` the contender's part of it.
    """
    groups = [head for head in _GROUPS if head in heads]
    return (
        *ranker,
        "log_probability",
        "log_lead",
        "length",
        *(f"behind_{name}" for name in _COMPARED if name in ranker),
        *(f"{kind}_{head}" for head in _MARGINS if head in heads for kind in ("margin", "lead")),
        *(f"{kind}_{head}" for head in groups for kind in ("share", "part")),
    )


def contender_features(
    contenders: Contenders, probabilities: Floats, features: Floats, ranker: Sequence[str], around: Surroundings
) -> Floats:
    """Return float32[m, f] in the order of `contender_names`.

    Args:
        contenders: m of them.
        probabilities: float32[n, units] of the ranker.
        features: float32[n, units, len(ranker)].
        ranker: The ranker's features.
        around: Of the same texts.
    """
    rows, columns, starts = contenders.rows, contenders.columns, contenders.starts
    own = features[rows, columns]
    share = probabilities[rows, columns]
    logs = np.log(share + _TINY)
    found = [own, logs, logs - np.log(_best_rival(probabilities, contenders) + _TINY), around.lengths[rows]]
    for name in _COMPARED:
        if name in ranker:
            values = own[:, list(ranker).index(name)]
            found.append(values - np.maximum.reduceat(values, starts)[rows])
    for head in _MARGINS:
        if head in around.margins:
            margin = around.margins[head][rows, columns]
            found += [margin, margin - around.margins[head].max(axis=1)[rows]]
    for head in _GROUPS:
        if head in around.margins:
            together = _group_share(probabilities, around.groups[head])[rows, around.groups[head][columns]]
            found += [together, share / np.maximum(together, _TINY)]
    return np.column_stack(found).astype(np.float32, copy=False)


def choose(
    probabilities: Floats, features: Floats, ranker: Sequence[str], around: Surroundings, trees: ContenderTrees | None
) -> Choice:
    """Look at the contenders again where there are trees."""
    if trees is None:
        return Choice(probabilities, np.zeros(len(probabilities), np.float32))
    contenders = contenders_of(probabilities)
    scores = trees.scores(contender_features(contenders, probabilities, features, ranker, around))
    after = settled(probabilities, contenders, scores)
    first = after.argmax(axis=1)
    chosen = contenders.columns == first[contenders.rows]
    of_first = np.zeros(len(after), np.float32)
    of_first[contenders.rows[chosen]] = scores[chosen]
    return Choice(after, of_first)


def _best_rival(probabilities: Floats, contenders: Contenders) -> Floats:
    """Return float32[m]: the highest probability of any other unit for the same text."""
    if probabilities.shape[1] < 2:
        return np.zeros(len(contenders.rows), np.float32)
    two = -np.partition(-probabilities, 1, axis=1)[:, :2]
    leads = np.zeros(len(contenders.rows), dtype=bool)
    leads[contenders.starts] = True
    return np.asarray(np.where(leads, two[contenders.rows, 1], two[contenders.rows, 0]), dtype=np.float32)


def _group_share(probabilities: Floats, groups: NDArray[np.int64]) -> Floats:
    """Return float32[n, groups]: the units' probabilities added up by group."""
    member = np.zeros((len(groups), int(groups.max(initial=0)) + 1), np.float32)
    member[np.arange(len(groups)), groups] = 1.0
    return np.asarray(probabilities @ member, dtype=np.float32)
