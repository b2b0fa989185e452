"""Joins the two levels: out-of-fold margins for the figures, and the heads that are shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.calibration import temperature
from models.clauses import ClauseModel
from models.linear import LinearHeads, Scores, join_heads
from models.stacked import StackedHeads
from training.corpus import TICKETS
from training.level_one import Rows
from training.linear_fit import Head
from training.nesting import Inputs, NestedOutputs
from training.second_level import RouteFit, fit_judge, fit_route
from training.signals import (
    APPEAL,
    APPEAL_HEADS,
    CALL,
    CALL_HEADS,
    JUDGE_SIGNALS,
    LEVEL,
    PETITION_TOPIC,
    ROUTE_SIGNALS,
    TICKET_FUNCTION,
    TICKET_TYPE,
    TOPIC,
    Material,
    Teachers,
)
from triage.base_model import CALL_FUNCTION, CATEGORY, CHANNEL, FUNCTION, judge_input_names
from triage.reading import mixed_margins


@dataclass(frozen=True, slots=True)
class Shipped:
    """The parts of both levels that a bundle stores.

    Attributes:
        heads: ``function`` and ``category``, composed of both levels, and the signals.
        meaning: float32[landmarks, c], what the landmarks add to them.
        clauses: Scores clauses.
        judge: Second level of type, risk, factors and emergency.
        classes: Head or signal → names of its columns.
    """

    heads: LinearHeads
    meaning: Scores
    clauses: ClauseModel
    judge: StackedHeads
    classes: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class _SecondLevel:
    routes: Mapping[str, RouteFit]
    judge: StackedHeads


def signal_classes(material: Material) -> dict[str, list[str]]:
    """Return signal → names of its columns."""
    classes = {**material.labels.classes, TOPIC: material.labels.topics, LEVEL: [LEVEL]}
    named = {f"{prefix}_{head}": classes[head] for prefix, heads in _TAUGHT.items() for head in heads}
    return named | {
        PETITION_TOPIC: list(material.topics),
        TICKET_TYPE: list(material.ticket_type_names),
        TICKET_FUNCTION: classes[FUNCTION],
        CALL_FUNCTION: classes[FUNCTION],
        CHANNEL: [CHANNEL],
    }


_TAUGHT = {APPEAL: APPEAL_HEADS, CALL: CALL_HEADS}


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """What both levels say of examples that neither has seen.

    Attributes:
        margins: Head → float32[n, c]; function is mixed as in service.
        call_scale: What the tickets' margins are multiplied with, so that one temperature fits both models.
    """

    margins: dict[str, Scores]
    call_scale: float


def cross_validate(nested: NestedOutputs, material: Material) -> CrossValidated:
    """Fit the second level without each fold and apply it there."""
    labels = material.labels
    margins = {
        head: np.zeros((len(material.folds), len(classes)), dtype=np.float32)
        for head, classes in labels.classes.items()
    }
    for fold in np.unique(material.folds).tolist():
        inputs = nested.inputs(fold)
        level = _fit(nested, material, inputs, np.flatnonzero(material.folds != fold))
        held = np.flatnonzero(material.folds == fold)
        for head, route in level.routes.items():
            margins[head][held] = route.margins(inputs.route[held])
        for head, values in level.judge.margins(inputs.judge[held]).items():
            margins[head][held] = values
    truth, tickets = labels.columns[FUNCTION], material.rows(TICKETS)
    letters = temperature(margins[FUNCTION][nested.letters], truth[nested.letters])
    scale = letters / temperature(nested.call_functions[tickets], truth[tickets])
    both = {FUNCTION: margins[FUNCTION], CALL_FUNCTION: nested.call_functions * np.float32(scale)}
    margins[FUNCTION] = mixed_margins({**both, CHANNEL: nested.channel})[FUNCTION]
    return CrossValidated(margins, scale)


def fit_shipped(teachers: Teachers, nested: NestedOutputs, material: Material, *, call_scale: float) -> Shipped:
    """Fit both levels on everything; the second learns from the first one's outputs out of fold."""
    level = _fit(nested, material, nested.inputs(), np.arange(len(material.folds)))
    first = teachers.fit(())
    landmarks = material.meaning.nearness.shape[1]
    stored = {head: route.composed(first.heads, landmarks=landmarks) for head, route in level.routes.items()}
    calls, scale = teachers.call_functions(()), np.float32(call_scale)
    stored[CALL_FUNCTION] = Head(calls.weights * scale, calls.intercepts * scale)
    stored |= {signal: first.heads[signal] for signal in JUDGE_SIGNALS}
    joined = join_heads({name: (head.weights, head.intercepts) for name, head in stored.items()})
    meaning = np.hstack([head.meaning_of(landmarks) for head in stored.values()])
    signals = signal_classes(material)
    classes = dict(material.labels.classes) | {name: signals[name] for name in (CALL_FUNCTION, *JUDGE_SIGNALS)}
    return Shipped(joined, meaning, first.clauses, level.judge, classes)


def _fit(nested: NestedOutputs, material: Material, inputs: Inputs, rows: Rows) -> _SecondLevel:
    labels, classes = material.labels, signal_classes(material)
    widths = [len(classes[signal]) for signal in ROUTE_SIGNALS]
    taught = np.intersect1d(nested.letters, rows)
    routes = {
        head: fit_route(inputs.route, labels, taught[labels.known[head][taught]], head, widths=widths)
        for head in (FUNCTION, CATEGORY)
    }
    names = judge_input_names(JUDGE_SIGNALS, classes)
    return _SecondLevel(routes, fit_judge(inputs.judge, labels, np.intersect1d(nested.judged, rows), names=names))
