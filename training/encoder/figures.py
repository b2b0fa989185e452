"""The figures of an encoder: its heads, the n-gram models, and both together, on texts that neither has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ordinal import fit_cuts, quadratic_kappa
from training.base_heads import Labels
from training.encoder.fusing import Said
from training.encoder.mixing import Floats, cross_mixed, cross_mixed_yes_no, halves_of
from training.metrics import REVIEW_SHARE, average_precision, micro_f1, recall_at
from triage.base_model import CATEGORY, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE

ENCODER, NGRAMS, BOTH = "encoder", "n-grams", "both"

_SERIOUS = 2
"""Column of ``level ≥ 3`` among the four questions of risk."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Texts of one corpus with what two models say of them.

    Attributes:
        rows: int64[n], their places among all labelled examples.
        groups: Near-duplicates share one.
        views: Model → head → float[n, c], columns in the order of the labels' classes.
    """

    rows: NDArray[np.int64]
    groups: Sequence[str]
    views: Mapping[str, Mapping[str, Floats]]


def fold_figures(judged: Judged, labels: Labels, both: Said) -> dict[str, dict[str, Any]]:
    """Return model → figure → value, for each model alone and for the mix; all calibration is of the other half.

    Args:
        judged: The texts with what each model says.
        labels: Of all examples.
        both: What the mix says of the same texts.
    """
    halves = halves_of(judged.groups)
    alone = {name: _said_alone(view, judged.rows, labels, halves) for name, view in judged.views.items()}
    return {name: _figures(said, judged.rows, labels) for name, said in {**alone, BOTH: both}.items()}


def _said_alone(view: Mapping[str, Floats], rows: NDArray[np.int64], labels: Labels, halves: NDArray[np.int64]) -> Said:
    """Return what one model says, calibrated on the other half."""
    exclusive = {
        head: cross_mixed([view[head]], labels.columns[head][rows], halves)
        for head in (FUNCTION, CATEGORY, TYPE)
        if (labels.columns[head][rows] >= 0).any()
    }
    at_least = cross_mixed_yes_no([view[RISK]], labels.yes_no[RISK][rows], halves)
    levels = np.zeros(len(rows), dtype=np.int64)
    expected = at_least.sum(axis=1)
    for half in (0, 1):
        cuts = fit_cuts(expected[halves != half], labels.risk[rows][halves != half])
        levels[halves == half] = np.searchsorted(cuts, expected[halves == half], side="right")
    factors = cross_mixed_yes_no([view[FACTORS]], labels.yes_no[FACTORS][rows], halves)
    urgent = cross_mixed_yes_no([view[EMERGENCY]], labels.yes_no[EMERGENCY][rows], halves)[:, 0]
    return Said(exclusive=exclusive, at_least=at_least, levels=levels, factors=factors >= 0.4, emergency=urgent)


def _figures(said: Said, rows: NDArray[np.int64], labels: Labels) -> dict[str, Any]:
    found: dict[str, Any] = {"n": len(rows)}
    for head, probabilities in said.exclusive.items():
        truth = labels.columns[head][rows]
        known = truth >= 0
        if known.any():
            order = np.argsort(-probabilities[known], axis=1, kind="stable")
            right = order == truth[known, None]
            found |= {f"{head}_top1": float(right[:, 0].mean()), f"{head}_top3": float(right[:, :3].any(axis=1).mean())}
    risk, score = labels.risk[rows], said.at_least[:, _SERIOUS]
    serious = risk >= 3
    found |= {
        "serious": int(serious.sum()),
        "risk_average_precision": average_precision(score, serious),
        "risk_recall_at_review": recall_at(score, serious, REVIEW_SHARE),
        "risk_kappa": quadratic_kappa(risk, said.levels),
        "factors_micro_f1": micro_f1(_named(said.factors), _named(labels.yes_no[FACTORS][rows])),
    }
    urgent = labels.yes_no[EMERGENCY][rows][:, 0]
    if labels.known[EMERGENCY][rows].all() and urgent.any():
        found["emergency_average_precision"] = average_precision(said.emergency, urgent)
    return found


def _named(said: NDArray[np.bool_]) -> list[frozenset[str]]:
    return [frozenset(str(column) for column in np.flatnonzero(row)) for row in said]
