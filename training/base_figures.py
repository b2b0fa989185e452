"""What the base bundle's cross-validation says about it, each figure from models that have not seen the appeal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import expected_calibration_error, probabilities
from models.linear import Scores
from models.ordinal import quadratic_kappa
from training.base_heads import EXCLUSIVE, Labels, calibrate
from training.bootstrap import group_interval
from training.corpus import ANNOTATED, HOTLINE, Example
from training.event_metrics import EventScores
from training.metrics import REVIEW_SHARE, average_precision, micro_f1, ranking_figures, recall_at, risk_figures, wilson
from triage.base_model import CATEGORY, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """Head → float32[n, c] probabilities, and int64[n] risk levels, each calibrated on the other folds only."""

    probabilities: dict[str, Scores]
    at_least_3: NDArray[np.float32]
    levels: NDArray[np.int64]
    factors: NDArray[np.bool_]


def crossfit_figures(
    examples: Sequence[Example],
    labels: Labels,
    margins: Mapping[str, Scores],
    folds: NDArray[np.int64],
    *,
    evidence: Mapping[int, bool],
) -> dict[str, Any]:
    """Judge out-of-fold margins; temperatures, sigmoids, cuts and thresholds come from the other folds.

    Args:
        examples: n examples.
        labels: Their labels.
        margins: Head → float32[n, c], out of fold.
        folds: int64[n].
        evidence: Row of risk ≥ 3 → whether a quote picked out of fold overlaps the annotated evidence.

    Returns:
        ``annotated``, ``hotline``, and of the latter the randomly drawn ``hotline_pass1``: head → figures.
    """
    found = _crossfit(labels, margins, folds)
    source = np.array([example.source for example in examples])
    passes = np.array([example.judged_pass for example in examples])
    parts = {
        "annotated": np.flatnonzero(source == ANNOTATED),
        "hotline": np.flatnonzero(source == HOTLINE),
        "hotline_pass1": np.flatnonzero((source == HOTLINE) & (passes == 1)),
    }
    groups = np.array([example.group for example in examples])
    judge = {"annotated": _appeals, "hotline": _hotline, "hotline_pass1": _hotline}
    return {
        name: _joined(
            judge[name](labels, found, rows) | {"evidence": _evidence(evidence, rows)},
            _intervals(labels, found, rows, groups[rows].tolist()),
        )
        for name, rows in parts.items()
    }


def _joined(figures: dict[str, dict[str, Any]], intervals: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Put each interval beside its figure; one of a head that was not judged is left out."""
    return {head: record | intervals.get(head, {}) for head, record in figures.items()}


def _intervals(labels: Labels, found: _Calibrated, rows: NDArray[np.int64], groups: list[str]) -> dict[str, Any]:
    """Return head → figure with ``_interval`` → lower and upper bound, near-duplicates drawn together."""
    serious, urgent = labels.risk >= 3, labels.yes_no[EMERGENCY][:, 0]
    stated, truth = found.factors, labels.yes_no[FACTORS].astype(bool)
    at_least_3, emergency = found.at_least_3, found.probabilities[EMERGENCY][:, 0]

    def factors(drawn: NDArray[np.int64]) -> float:
        both = float((stated[drawn] & truth[drawn]).sum())
        return 2.0 * both / max(float(stated[drawn].sum() + truth[drawn].sum()), 1.0)

    figures = {
        (RISK, "average_precision"): lambda drawn: average_precision(at_least_3[drawn], serious[drawn]),
        (RISK, "recall_at_review"): lambda drawn: recall_at(at_least_3[drawn], serious[drawn], REVIEW_SHARE),
        (RISK, "kappa"): lambda drawn: quadratic_kappa(labels.risk[drawn], found.levels[drawn]),
        (EMERGENCY, "average_precision"): lambda drawn: average_precision(emergency[drawn], urgent[drawn]),
        (FACTORS, "micro_f1"): factors,
    }
    intervals: dict[str, Any] = {}
    for (head, name), statistic in figures.items():
        if head == EMERGENCY and not urgent[rows].any():
            continue  # letters were not asked whether they are urgent
        intervals.setdefault(head, {})[f"{name}_interval"] = group_interval(statistic, rows, groups)
    return intervals


def _evidence(hits: Mapping[int, bool], rows: NDArray[np.int64]) -> dict[str, Any]:
    judged = [hits[row] for row in rows.tolist() if row in hits]
    overlap = round(sum(judged) / max(len(judged), 1), 4)
    return {"n": len(judged), "overlap": overlap, "overlap_interval": wilson(sum(judged), len(judged))}


def event_record(scores: EventScores) -> dict[str, Any]:
    """Return the JSON form of event figures."""
    parts = {
        "pairs": scores.pairs,
        "pairs_without_largest": scores.pairs_without_largest,
        "b_cubed": scores.b_cubed,
    }
    record: dict[str, Any] = {
        name: {"precision": round(a.precision, 4), "recall": round(a.recall, 4), "f1": round(a.f1, 4)}
        for name, a in parts.items()
    }
    return record | {"n": scores.messages}


def _crossfit(labels: Labels, margins: Mapping[str, Scores], folds: NDArray[np.int64]) -> _Calibrated:
    found: dict[str, Scores] = {head: np.zeros_like(margins[head]) for head in margins}
    at_least_3 = np.zeros(len(folds), dtype=np.float32)
    levels = np.zeros(len(folds), dtype=np.int64)
    factors = np.zeros(margins[FACTORS].shape, dtype=bool)
    for fold in np.unique(folds):
        held = np.flatnonzero(folds == fold)
        calibration = calibrate(margins, labels, np.flatnonzero(folds != fold))
        for head in EXCLUSIVE:
            found[head][held] = probabilities(margins[head][held], calibration.temperatures[head])
        found[EMERGENCY][held] = calibration.emergency.probabilities(margins[EMERGENCY][held])
        found[FACTORS][held] = calibration.factors.probabilities(margins[FACTORS][held])
        factors[held] = found[FACTORS][held] >= calibration.factor_thresholds
        at_least_3[held] = calibration.ordinal.at_least(margins[RISK][held])[:, 2]
        levels[held] = calibration.ordinal.levels(margins[RISK][held])
    return _Calibrated(found, at_least_3, levels, factors)


def _appeals(labels: Labels, found: _Calibrated, rows: NDArray[np.int64]) -> dict[str, Any]:
    heads = {head: _ranked(labels, found, head, rows) for head in (FUNCTION, CATEGORY, TYPE)}
    return heads | _risk(labels, found, rows)


def _hotline(labels: Labels, found: _Calibrated, rows: NDArray[np.int64]) -> dict[str, Any]:
    urgent = labels.yes_no[EMERGENCY][rows, 0]
    score = found.probabilities[EMERGENCY][rows, 0]
    emergency = {
        "n": len(rows),
        "positives": int(urgent.sum()),
        "average_precision": round(average_precision(score, urgent), 4),
        "calibration_error": round(expected_calibration_error(score, urgent), 4),
    }
    return {TYPE: _ranked(labels, found, TYPE, rows), EMERGENCY: emergency} | _risk(labels, found, rows)


def _ranked(labels: Labels, found: _Calibrated, head: str, rows: NDArray[np.int64]) -> dict[str, Any]:
    names = labels.classes[head]
    rows = rows[labels.known[head][rows]]
    scores = found.probabilities[head][rows]
    order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    truth = [names[column] for column in labels.columns[head][rows]]
    ranked = [[names[i] for i in row] for row in order]
    return ranking_figures(ranked, scores.max(axis=1).tolist(), truth).to_record()


def _risk(labels: Labels, found: _Calibrated, rows: NDArray[np.int64]) -> dict[str, Any]:
    names = labels.classes[FACTORS]
    said = [frozenset(names[i] for i in np.flatnonzero(row)) for row in found.factors[rows]]
    truth = [frozenset(names[i] for i in np.flatnonzero(row)) for row in labels.yes_no[FACTORS][rows]]
    figures = risk_figures(found.at_least_3[rows], found.levels[rows], labels.risk[rows])
    return {RISK: figures.to_record(), FACTORS: {"n": len(rows), "micro_f1": round(micro_f1(said, truth), 4)}}
