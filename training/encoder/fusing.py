"""Fits the weights by which base bundle and encoder are mixed, on texts that neither has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import fit_platt
from models.fusion import Fusion, in_order, mixed_logs
from training.base_heads import Labels, calibrate
from training.encoder.mixing import fit_mix
from triage.base_model import CALL_FUNCTION, CATEGORY, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE
from triage.second_opinion import ENCODER_HEADS, by_channel

Floats = NDArray[np.floating]
Number = TypeVar("Number", bound=np.generic)

_YES_NO = (RISK, FACTORS, EMERGENCY)
_STEPS = np.arange(0.0, 2.01, 0.1)
"""Weights that are tried for a yes/no question, in units of the margins' own spread."""


@dataclass(frozen=True, slots=True)
class Views:
    """What both models say of m texts.

    Attributes:
        rows: int64[m], their places among all labelled examples.
        margins: Question → float[m, c], the base bundle's models, fitted without these texts.
        logits: Question, CALL_FUNCTION among them → float[m, c], the encoder's in the same order of classes.
        shares: float32[m], how much each is taken for a call-taker's note.
    """

    rows: NDArray[np.int64]
    margins: Mapping[str, Floats]
    logits: Mapping[str, Floats]
    shares: NDArray[np.float32]

    def part(self, chosen: NDArray[np.bool_]) -> Views:
        """Return some of the texts."""
        return Views(
            self.rows[chosen],
            {question: values[chosen] for question, values in self.margins.items()},
            {question: values[chosen] for question, values in self.logits.items()},
            self.shares[chosen],
        )

    def experts(self, question: str) -> list[Floats]:
        """Return what is mixed for an exclusive question, as it is in service."""
        if question != FUNCTION:
            return [self.margins[question], self.logits[question]]
        letters, calls = self.logits[FUNCTION], self.logits[CALL_FUNCTION]
        return [self.margins[FUNCTION], *by_channel(letters, calls, self.shares)]


def logits_by_question(
    heads: Mapping[str, Floats], known: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[str]]
) -> dict[str, Floats]:
    """Return question → float32[m, c], an encoder's answers with the columns of the labels."""
    classes = {**wanted, CALL_FUNCTION: wanted[FUNCTION]}
    return {q: in_order(np.asarray(heads[h], np.float32), known[h], classes[q]) for q, h in ENCODER_HEADS.items()}


def fit_fusion(views: Views, labels: Labels, *, base: str, encoder: str) -> Fusion:
    """Fit weights and calibration.

    Args:
        views: Of texts that neither model has seen.
        labels: Of all examples.
        base: Fingerprint of the base bundle's heads.
        encoder: Fingerprint of the encoder.
    """
    weights = {question: _exclusive(views, labels, question) for question in (FUNCTION, CATEGORY, TYPE)}
    weights |= {question: _yes_no(views, labels, question) for question in _YES_NO}
    mixed = {q: mixed_logs(views.experts(q), weights[q]) for q in (FUNCTION, CATEGORY, TYPE)}
    mixed |= {q: views.margins[q] + weights[q][1] * views.logits[q] for q in _YES_NO}
    # Calibration reads the places of all examples; those of other texts stay empty and are not looked at.
    spread = {q: np.zeros((len(labels.risk), values.shape[1]), np.float32) for q, values in mixed.items()}
    for question, values in mixed.items():
        spread[question][views.rows] = values
    fitted = calibrate(spread, labels, views.rows)
    return Fusion(
        base=base,
        encoder=encoder,
        weights=weights,
        ordinal=fitted.ordinal,
        factors=fitted.factors,
        factor_thresholds=fitted.factor_thresholds,
        emergency=fitted.emergency,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What a mix answers on m texts.

    Attributes:
        exclusive: FUNCTION, CATEGORY, TYPE → float[m, c], probabilities.
        at_least: float[m, 4], P(risk ≥ 1 … 4).
        levels: int64[m].
        factors: bool[m, 14], what is shown.
        emergency: float[m].
    """

    exclusive: Mapping[str, Floats]
    at_least: Floats
    levels: NDArray[np.int64]
    factors: NDArray[np.bool_]
    emergency: Floats

    def part(self, chosen: NDArray[np.bool_]) -> Said:
        """Return the answers to some of the texts."""
        return Said(
            exclusive={question: values[chosen] for question, values in self.exclusive.items()},
            at_least=self.at_least[chosen],
            levels=self.levels[chosen],
            factors=self.factors[chosen],
            emergency=self.emergency[chosen],
        )


def answer(fusion: Fusion, views: Views) -> Said:
    """Return what the mix says of texts."""
    mixed = {q: fusion.yes_no(q, _float32(views.margins[q]), _float32(views.logits[q])) for q in _YES_NO}
    factors = fusion.factors.probabilities(mixed[FACTORS])
    return Said(
        exclusive={
            q: np.exp(fusion.exclusive(q, [_float32(e) for e in views.experts(q)])) for q in (FUNCTION, CATEGORY, TYPE)
        },
        at_least=fusion.ordinal.at_least(mixed[RISK]),
        levels=fusion.ordinal.levels(mixed[RISK]),
        factors=factors >= fusion.factor_thresholds,
        emergency=fusion.emergency.probabilities(mixed[EMERGENCY])[:, 0],
    )


def cross_answer(views: Views, labels: Labels, halves: NDArray[np.int64]) -> Said:
    """Return what the mix says of each half when it was fitted on the other one."""
    parts = {half: answer(_fitted_on(views, labels, halves != half), views.part(halves == half)) for half in (0, 1)}
    return Said(
        exclusive={
            q: _joined(halves, {h: p.exclusive[q] for h, p in parts.items()}) for q in (FUNCTION, CATEGORY, TYPE)
        },
        at_least=_joined(halves, {half: part.at_least for half, part in parts.items()}),
        levels=_joined(halves, {half: part.levels for half, part in parts.items()}),
        factors=_joined(halves, {half: part.factors for half, part in parts.items()}),
        emergency=_joined(halves, {half: part.emergency for half, part in parts.items()}),
    )


def _fitted_on(views: Views, labels: Labels, chosen: NDArray[np.bool_]) -> Fusion:
    return fit_fusion(views.part(chosen), labels, base="", encoder="")


def _joined(halves: NDArray[np.int64], parts: Mapping[int, NDArray[Number]]) -> NDArray[Number]:
    first = parts[0]
    found = np.zeros((len(halves), *first.shape[1:]), dtype=first.dtype)
    for half, values in parts.items():
        found[halves == half] = values
    return found


def _exclusive(views: Views, labels: Labels, question: str) -> tuple[float, ...]:
    truth = labels.columns[question][views.rows]
    return tuple(round(float(weight), 5) for weight in fit_mix(views.experts(question), truth))


def _yes_no(views: Views, labels: Labels, question: str) -> tuple[float, float]:
    """Choose the weight of the encoder's logits that makes the truth most likely; one for all classes of a question."""
    known = labels.known[question][views.rows]
    truth = labels.yes_no[question][views.rows][known]
    margins, logits = views.margins[question][known], views.logits[question][known]
    unit = float(margins.std() / max(float(logits.std()), 1e-6))
    losses = [_loss(margins + step * unit * logits, truth) for step in _STEPS]
    return (1.0, round(float(_STEPS[int(np.argmin(losses))]) * unit, 5))


def _loss(margins: Floats, truth: NDArray[np.bool_]) -> float:
    platt = fit_platt(margins, truth)
    said = expit(margins * platt.slope + platt.shift).clip(1e-6, 1 - 1e-6)
    return -float(np.where(truth, np.log(said), np.log(1.0 - said)).mean())


def _float32(values: Floats) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
