"""The labelled sources as arrays: what each head has to say of each text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the customary name

from training.base_heads import Labels, make_labels
from training.corpus import Example
from training.encoder.texts import Pool, Ticket
from triage.base_model import CATEGORY, EMERGENCY, FACTORS, FUNCTION, RISK, TYPE
from triage.naming import parse_unit_name

LETTERS, CALLS, TICKETS, PETITIONS = "letters", "calls", "tickets", "petitions"
"""Labelled sources."""

L1, L2, CALL_FUNCTION = "l1", "l2", "call_function"
UNIT, AREA, KIND, TOPIC = "unit", "unit_area", "ticket_kind", "petition_topic"

SHIPPED = (FUNCTION, CALL_FUNCTION, L1, L2, TYPE, RISK, FACTORS, EMERGENCY)
"""Heads that are shipped; the others teach only: their classes are one city's."""

_LEAST_OF_A_KIND = 5
_WEIGHTS = {TYPE: 0.5, RISK: 1.5, FACTORS: 1.5, EMERGENCY: 0.5, L1: 0.5, AREA: 0.5, KIND: 0.5}
"""Weight of a head's loss where it is not 1."""

Shares = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """What one head has to learn from one source.

    Attributes:
        values: float32[n, c]; shares of each row that sum to one, or zero and one for each class by itself.
        exclusive: Shares, of which a softmax is learned.
        known: bool[n].
    """

    values: Shares
    exclusive: bool
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Source:
    """One labelled source.

    Attributes:
        texts: n texts as the encoder reads them.
        targets: Head → what it learns here.
    """

    texts: Sequence[str]
    targets: dict[str, Target]


@dataclass(frozen=True, slots=True)
class Tasks:
    """All sources.

    Attributes:
        classes: Head → class names in the order of its logits.
        sources: By name.
    """

    classes: dict[str, list[str]]
    sources: dict[str, Source]


def make_tasks(pool: Pool) -> Tasks:
    """Lay out the labels of everything that training may see."""
    examples = [*pool.letters, *pool.calls]
    routed = [ticket for ticket in pool.tickets if ticket.example.unit]
    # The classes are those of all examples, the fixed fold's too: a head may have a class that it never saw.
    every = [*examples, *pool.held_letters, *pool.held_calls, *(ticket.example for ticket in routed)]
    labels = make_labels(every)
    classes = shipped_classes(labels)
    functions = classes[FUNCTION]
    rows = {LETTERS: np.arange(len(pool.letters)), CALLS: len(pool.letters) + np.arange(len(pool.calls))}
    sources = {
        LETTERS: Source(_texts(pool.letters), judged_targets(labels, rows[LETTERS], letters=True)),
        CALLS: Source(_texts(pool.calls), judged_targets(labels, rows[CALLS], letters=False)),
        PETITIONS: Source(
            [petition.document.text for petition in pool.petitions],
            {TOPIC: _named([petition.topic for petition in pool.petitions], classes, TOPIC)},
        ),
    }
    targets = {head: _named(names, classes, head) for head, names in _ticket_names(routed, functions).items()}
    sources[TICKETS] = Source(_texts([ticket.example for ticket in routed]), targets)
    return Tasks({head: names for head, names in classes.items() if names}, sources)


def shipped_classes(labels: Labels) -> dict[str, list[str]]:
    """Return the classes of the heads that are shipped."""
    return {
        FUNCTION: labels.classes[FUNCTION],
        CALL_FUNCTION: labels.classes[FUNCTION],
        L1: labels.topics,
        L2: labels.classes[CATEGORY],
        TYPE: labels.classes[TYPE],
        RISK: labels.classes[RISK],
        FACTORS: labels.classes[FACTORS],
        EMERGENCY: labels.classes[EMERGENCY],
    }


def judged_targets(labels: Labels, rows: NDArray[np.int64], *, letters: bool) -> dict[str, Target]:
    """Return what annotated letters, or hotline tickets, teach.

    Args:
        labels: Of all examples.
        rows: Those of this source.
        letters: Whether they have function and category.
    """
    targets = {TYPE: _columns(labels.columns[TYPE][rows], len(labels.classes[TYPE]))}
    for head in (RISK, FACTORS, EMERGENCY):
        values = labels.yes_no[head][rows].astype(np.float32)
        targets[head] = Target(values, False, labels.known[head][rows])
    if letters:
        shared = labels.shared[rows]
        total = np.maximum(shared.sum(axis=1, keepdims=True), 1e-9)
        targets[FUNCTION] = Target((shared / total).astype(np.float32), True, labels.known[FUNCTION][rows])
        category = labels.columns[CATEGORY][rows]
        targets[L2] = _columns(category, len(labels.classes[CATEGORY]))
        topic = np.where(category >= 0, labels.topic_of_category[category], -1)
        targets[L1] = _columns(topic, len(labels.topics))
    return {head: target for head, target in targets.items() if target.known.any()}


def task_loss(
    logits: dict[str, Tensor], targets: dict[str, Target], rows: NDArray[np.int64], *, smoothing: float
) -> Tensor:
    """Return the weighted sum of all heads' losses for some rows of a source.

    Args:
        logits: Head → float32[b, c].
        targets: Of the source.
        rows: int64[b].
        smoothing: Of the labels of exclusive heads.
    """
    device = next(iter(logits.values())).device
    total = torch.zeros((), device=device)
    for head, target in targets.items():
        known = target.known[rows]
        if not known.any():
            continue
        wanted = torch.from_numpy(target.values[rows[known]]).to(device)
        said = logits[head][torch.from_numpy(known).to(device)]
        if target.exclusive:
            loss = F.cross_entropy(said, wanted, label_smoothing=smoothing)
        else:
            loss = F.binary_cross_entropy_with_logits(said, wanted, reduction="none").sum(dim=1).mean()
        total = total + _WEIGHTS.get(head, 1.0) * loss
    return total


def _ticket_names(tickets: Sequence[Ticket], functions: Sequence[str]) -> dict[str, list[str]]:
    units = [ticket.example.unit for ticket in tickets]
    known = set(functions)
    return {
        UNIT: units,
        CALL_FUNCTION: [t.example.function if t.example.function in known else "" for t in tickets],
        AREA: [parse_unit_name(unit).area or "city" for unit in units],
        KIND: [ticket.kind for ticket in tickets],
    }


def _named(names: Sequence[str], classes: dict[str, list[str]], head: str) -> Target:
    """Return the target of names; a head without classes gets those that are frequent enough."""
    if head not in classes:
        found, counts = np.unique(np.array(names), return_counts=True)
        classes[head] = [
            str(n) for n, count in zip(found, counts, strict=True) if count >= _LEAST_OF_A_KIND or head == TOPIC
        ]
    index = {name: number for number, name in enumerate(classes[head])}
    return _columns(np.array([index.get(name, -1) for name in names], dtype=np.int64), len(classes[head]))


def _columns(columns: NDArray[np.int64], size: int) -> Target:
    known = columns >= 0
    values = np.zeros((len(columns), size), dtype=np.float32)
    values[np.flatnonzero(known), columns[known]] = 1.0
    return Target(values, True, known)


def _texts(examples: Sequence[Example]) -> list[str]:
    return [example.document.text for example in examples]
