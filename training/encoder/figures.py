"""The figures of an encoder: its heads, the n-gram models, and both together, on texts that neither has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ordinal import fit_cuts, quadratic_kappa
from training.base_heads import Labels
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


def fold_figures(judged: Judged, labels: Labels) -> dict[str, dict[str, Any]]:
    """Return model → figure → value, for each model alone and for both; calibration and weights are fitted on the other half."""
    ways = {name: [name] for name in judged.views} | {BOTH: list(judged.views)}
    return {way: _figures([judged.views[name] for name in names], judged, labels) for way, names in ways.items()}


def _figures(views: Sequence[Mapping[str, Floats]], judged: Judged, labels: Labels) -> dict[str, Any]:
    halves, rows = halves_of(judged.groups), judged.rows
    found: dict[str, Any] = {"n": len(rows)}
    for head in (FUNCTION, CATEGORY, TYPE):
        truth = labels.columns[head][rows]
        known = truth >= 0
        if known.any():
            said = cross_mixed([view[head][known] for view in views], truth[known], halves[known])
            order = np.argsort(-said, axis=1, kind="stable")
            right = order == truth[known, None]
            found |= {f"{head}_top1": float(right[:, 0].mean()), f"{head}_top3": float(right[:, :3].any(axis=1).mean())}
    return found | _judgements(views, labels, rows, halves)


def _judgements(
    views: Sequence[Mapping[str, Floats]], labels: Labels, rows: NDArray[np.int64], halves: NDArray[np.int64]
) -> dict[str, Any]:
    at_least = cross_mixed_yes_no([view[RISK] for view in views], labels.yes_no[RISK][rows], halves)
    risk, serious = labels.risk[rows], labels.risk[rows] >= 3
    levels = np.zeros(len(rows), dtype=np.int64)
    expected = at_least.sum(axis=1)
    for half in (0, 1):
        cuts = fit_cuts(expected[halves != half], risk[halves != half])
        levels[halves == half] = np.searchsorted(cuts, expected[halves == half], side="right")
    score = at_least[:, _SERIOUS]
    factors = cross_mixed_yes_no([view[FACTORS] for view in views], labels.yes_no[FACTORS][rows], halves)
    found = {
        "serious": int(serious.sum()),
        "risk_average_precision": average_precision(score, serious),
        "risk_recall_at_review": recall_at(score, serious, REVIEW_SHARE),
        "risk_kappa": quadratic_kappa(risk, levels),
        "factors_micro_f1": micro_f1(_named(factors >= 0.4), _named(labels.yes_no[FACTORS][rows])),
    }
    urgent = labels.yes_no[EMERGENCY][rows]
    if labels.known[EMERGENCY][rows].all() and urgent.any():
        said = cross_mixed_yes_no([view[EMERGENCY] for view in views], urgent, halves)
        found["emergency_average_precision"] = average_precision(said[:, 0], urgent[:, 0])
    return found


def _named(said: NDArray[np.bool_]) -> list[frozenset[str]]:
    return [frozenset(str(column) for column in np.flatnonzero(row)) for row in said]
