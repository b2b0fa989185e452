"""Pairs of appeals that the machine was not sure of, for a person to judge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, not_, or_, select, tuple_

from triage.store import schema
from triage.store.assignment import UNSURE

MOST = 200
"""Most pairs of one page."""

_links, _appeals, _events = schema.links, schema.appeals, schema.events


@dataclass(frozen=True, kw_only=True, slots=True)
class PairSide:
    """One appeal of a pair, masked."""

    appeal_id: UUID
    event_id: UUID
    title: str
    content: str
    district: str
    received_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class UnsurePair:
    """Two appeals that may be about one event.

    Attributes:
        appeal: The newer one.
        other: The older one, the most alike of its event.
        probability: Of the same event, 0 to 1.
        at: When they were compared.
    """

    appeal: PairSide
    other: PairSide
    probability: float
    at: datetime


@dataclass(frozen=True, slots=True)
class UnsurePage:
    """A page of pairs, the latest first, and the ids of the last pair where more follow."""

    items: tuple[UnsurePair, ...]
    next: tuple[UUID, UUID] | None


def page(
    connection: Connection, *, least: float = 0.0, after: tuple[UUID, UUID] | None = None, limit: int = 50
) -> UnsurePage:
    """Return pairs whose appeals are visible and lie in two open events; of each appeal and event the most probable one.

    Args:
        connection: In a transaction of the reader's scope.
        least: Least probability.
        after: `UnsurePage.next` of the page before.
        limit: Most pairs, 1 to `MOST`.
    """
    limit = max(1, min(limit, MOST))
    key = tuple_(_links.c.at, _links.c.appeal_id, _links.c.other_id)
    statement = _pairs().where(_links.c.probability >= least)
    if after is not None:
        last = _links.alias("last")
        place = select(last.c.at, last.c.appeal_id, last.c.other_id).where(
            last.c.appeal_id == after[0], last.c.other_id == after[1]
        )
        statement = statement.where(key < place.scalar_subquery())
    rows = connection.execute(
        statement.order_by(_links.c.at.desc(), _links.c.appeal_id.desc(), _links.c.other_id.desc()).limit(limit + 1)
    ).all()
    items = tuple(_pair(row) for row in rows[:limit])
    last_one = (items[-1].appeal.appeal_id, items[-1].other.appeal_id) if len(rows) > limit else None
    return UnsurePage(items, last_one)


def is_unsure(connection: Connection, appeal_id: UUID, other_id: UUID) -> bool:
    """Say whether such a pair waits for a verdict and is visible."""
    asked = _pairs().where(_links.c.appeal_id == appeal_id, _links.c.other_id == other_id)
    return connection.execute(asked).first() is not None


def _pairs() -> Select[Any]:
    one, other = _appeals.alias("one"), _appeals.alias("other")
    first, second = _events.alias("first"), _events.alias("second")
    return (
        select(_links.c.probability, _links.c.at, *_side("one", one, first), *_side("other", other, second))
        .join(one, one.c.id == _links.c.appeal_id)
        .join(other, other.c.id == _links.c.other_id)
        .join(first, first.c.id == one.c.event_id)
        .join(second, second.c.id == other.c.event_id)
        .where(
            _links.c.verdict == UNSURE,
            one.c.event_id != other.c.event_id,
            first.c.state == "open",
            second.c.state == "open",
            not_(_surer(other.c.event_id)),
        )
    )


def _surer(event_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Say that the appeal has a more probable unsure link into the same event; of equal ones the older appeal stands."""
    better, member = _links.alias("better"), _appeals.alias("member")
    return exists().where(
        better.c.appeal_id == _links.c.appeal_id,
        better.c.verdict == UNSURE,
        member.c.id == better.c.other_id,
        member.c.event_id == event_id,
        or_(
            better.c.probability > _links.c.probability,
            and_(better.c.probability == _links.c.probability, better.c.other_id < _links.c.other_id),
        ),
    )


def _side(name: str, appeal: Any, event: Any) -> list[ColumnElement[object]]:
    return [
        appeal.c.id.label(f"{name}_appeal_id"),
        event.c.id.label(f"{name}_event_id"),
        *(appeal.c[column].label(f"{name}_{column}") for column in ("title", "content", "district", "received_at")),
    ]


def _pair(row: Row[Any]) -> UnsurePair:
    one, other = (
        PairSide(**{field: row._mapping[f"{name}_{field}"] for field in PairSide.__slots__})
        for name in ("one", "other")
    )
    return UnsurePair(appeal=one, other=other, probability=row.probability, at=row.at)
