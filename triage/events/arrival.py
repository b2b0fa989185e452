"""One newcomer against appeals that are already in events: the same scores, vetoes and averages as linking a whole file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from models.pairs import PairScorer
from triage.events.collection import build_collection
from triage.events.items import LinkSettings
from triage.events.linker import PairJudge
from triage.events.signature import Signature

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Scored:
    """How likely the newcomer and another appeal report one event.

    Attributes:
        id: The other appeal.
        probability: 0 to 1.
        vetoed: They name different places or organisations; they never share an event.
    """

    id: str
    probability: float
    vetoed: bool


APPELLANT = 64
"""Earlier appeals of one appellant that tell what is the habit of that person and not the matter."""


def score_arrival(
    newcomer: Signature,
    others: Sequence[Signature],
    *,
    scorer: PairScorer,
    settings: LinkSettings,
    appellant: Sequence[Signature] = (),
) -> list[Scored]:
    """Compare a newcomer with other appeals; answers in their order.

    Args:
        newcomer: The new appeal.
        others: May be empty.
        scorer: Trained pair scorer.
        settings: Thresholds.
        appellant: Earlier appeals of the same appellant, at most `APPELLANT`, whether among ``others`` or not. Linking a
            file sees that somebody writes every week and ends every letter alike; a dozen candidates do not show it.
    """
    if not others:
        return []
    compared = {other.id for other in others}
    context = [own for own in appellant[:APPELLANT] if own.id not in compared]
    collection = build_collection([*others, newcomer, *context], scorer.frequencies, keep_known=True)
    judge = PairJudge(collection, scorer, untitled_caution=settings.untitled_caution)
    row = len(others)
    scores = judge.score(np.full(row, row, dtype=np.int64), np.arange(row, dtype=np.int64))
    return [Scored(o.id, abs(float(s)), bool(s < 0)) for o, s in zip(others, scores, strict=True)]


def choose_group(groups: Mapping[Key, Sequence[Scored]], *, link_at: float) -> Key | None:
    """Return the event that a newcomer joins: the one whose members it is on average most probably the same as.

    No member may veto, and the average must reach ``link_at``; so A~B and B~C alone do not bring C to A. Which members
    stand for an event is the caller's choice.

    Args:
        groups: Key of an event → the newcomer's scores with its members; may be empty.
        link_at: Least average.
    """
    best, found = link_at, None
    for key, members in groups.items():
        if not members or any(member.vetoed for member in members):
            continue
        average = sum(member.probability for member in members) / len(members)
        if average >= best:
            best, found = average, key
    return found
