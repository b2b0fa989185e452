"""What a person should decide next, if the models are to learn most from it.

What an appeal is worth is a product: how unsure the models are of it, how many others like it wait, and how little is known
of the unit they think of. What was drawn at random to check the automatic dispatch counts as unsure, however sure the
models are: without it nobody would notice confident mistakes. Of one event the first appeal teaches most, and ten appeals of
one unit in a row less than one each of ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log1p

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.store import appeals, learning
from triage.store.access import Actor
from triage.store.appeals import AppealView
from triage.store.learning import Waiting

MOST = 200
"""Appeals of one answer."""
_LOOKED_AT = 2_000
"""The latest waiting appeals; older ones are due anyhow, not for what they teach."""
_SPAN = timedelta(days=180)
_WAITED = timedelta(days=60)
KNOWN = 20
"""Decided appeals after which a unit's need has fallen to half a share more than none."""
_UNSURE, _SURE = 0.5, 0.9
_SAME_UNIT = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueItem:
    """An appeal that is worth deciding.

    Attributes:
        appeal: Masked.
        value: What would be learned, comparable within one answer only; higher is more.
        unit: The unit proposed first; empty where none is.
        probability: Its probability.
        sampled: Whether it is a check of the automatic dispatch.
        reasons: Why it stands here, in Chinese.
    """

    appeal: AppealView
    value: float
    unit: str
    probability: float
    sampled: bool
    reasons: tuple[str, ...]


def review_queue(desk: Desk, actor: Actor, *, limit: int = 50) -> list[QueueItem]:
    """Return the waiting appeals of the actor's districts, those first from which most would be learned.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        limit: 1 … `MOST`.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.review")
    now = desk.clock()
    with desk.database.transaction(actor.scope) as connection:
        open_ = learning.waiting(connection, since=now - _WAITED, most=_LOOKED_AT)
        taught = learning.taught(connection, since=now - _SPAN)
        best = ranked(open_, taught)[: max(1, min(limit, MOST))]
        views = appeals.get_many(connection, [one.id for one, _ in best])
    return [
        QueueItem(
            appeal=views[one.id],
            value=round(value, 4),
            unit=one.unit,
            probability=one.first,
            sampled=one.sampled,
            reasons=_reasons(one, taught.get(one.unit, 0)),
        )
        for one, value in best
        if one.id in views
    ]


def ranked(open_: Sequence[Waiting], taught: Mapping[str, int]) -> list[tuple[Waiting, float]]:
    """Order appeals by what would be learned from them.

    Args:
        open_: What waits.
        taught: Unit → appeals that people gave it.

    Returns:
        Each with its value, the highest first.
    """
    alone = [(one, _alone(one, taught.get(one.unit, 0))) for one in open_]
    alone.sort(key=lambda pair: (-pair[1], pair[0].received_at, pair[0].id))
    of_event: Counter[object] = Counter()
    of_unit: Counter[str] = Counter()
    found = []
    for one, value in alone:
        repeated = 1 + of_event[one.event_id]
        alike = 1 + of_unit[one.unit] / _SAME_UNIT
        # A check keeps its place: drawn at random, it must be decided at random too, or the figure it is for is skewed.
        found.append((one, value if one.sampled else value / (repeated * alike)))
        of_event[one.event_id] += 1
        of_unit[one.unit] += 1
    found.sort(key=lambda pair: (-pair[1], pair[0].received_at, pair[0].id))
    return found


def _alone(one: Waiting, taught: int) -> float:
    """Return the value of an appeal whatever else is decided: unsureness × neighbours × the unit's need."""
    unsure = 1.0 - (one.first - one.second)
    if one.sampled:
        return 2.0 * _density(one.neighbours) * _need(0)
    return unsure * _density(one.neighbours) * _need(taught)


def _density(neighbours: int) -> float:
    return 1.0 + log1p(neighbours)


def _need(taught: int) -> float:
    """Return 2 for a unit of which nothing is known, falling to 1."""
    return 1.0 + KNOWN / (KNOWN + taught)


def _reasons(one: Waiting, taught: int) -> tuple[str, ...]:
    found = ["随机抽查自动派单"] if one.sampled else []
    if not one.unit:
        found.append("没有可建议的单位")
    elif one.first < _UNSURE:
        found.append(f"把握不大（首选{one.first:.0%}，次选{one.second:.0%}）")
    elif one.first < _SURE:
        found.append(f"首选概率{one.first:.0%}")
    if one.neighbours:
        found.append(f"另有{one.neighbours}件相似诉求待派")
    if one.unit and taught < KNOWN:
        found.append(f"{one.unit}近半年经人工处理的仅{taught}件")
    return tuple(found) or ("例行确认",)
