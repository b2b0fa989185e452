"""Events as people see them: all of an event for the whole city, one's own part of it and its size for a district."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select, true, tuple_

from triage.store import schema
from triage.store.access import Scope
from triage.store.errors import NotFound

MOST = 200
"""Most events of one page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventView:
    """An event.

    To a principal of some districts title, level and times are those of the appeals that it sees; a title is a piece of
    an appeal's text.

    Attributes:
        id: The event.
        title: A masked title.
        state: One of `schema.EVENT_STATES`.
        merged_into: Where its appeals went; None unless it was merged.
        size: Appeals in it, those of all districts.
        district: Its district; empty where it spans several.
        risk_level: The highest of its appeals, 0 … 4.
        first_at: When its first appeal was received.
        last_at: When its last appeal was received.
    """

    id: UUID
    title: str
    state: str
    merged_into: UUID | None
    size: int
    district: str
    risk_level: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFilter:
    """Which events are listed; None and empty mean: any.

    Attributes:
        state: One of `schema.EVENT_STATES`.
        size_at_least: Least number of appeals.
        risk_at_least: Least risk level.
        since: Last appeal received at this time or later.
    """

    state: str = ""
    size_at_least: int | None = None
    risk_at_least: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events, the latest first, and the last event of it where more follow."""

    items: tuple[EventView, ...]
    next: UUID | None


_events = schema.events
_appeals = schema.appeals
_COLUMNS = tuple(_events.c[name] for name in EventView.__slots__)


def get(connection: Connection, event_id: UUID, *, scope: Scope) -> EventView:
    """Return an event.

    Args:
        connection: In a transaction of that scope.
        event_id: The event.
        scope: Who looks.

    Raises:
        NotFound: There is none, or it is not visible.
    """
    row = connection.execute(select(*_COLUMNS).where(_events.c.id == event_id)).one_or_none()
    if row is None:
        raise NotFound(f"没有事件 {event_id}，或不在可见区划内")
    return _views(connection, [row], scope)[0]


def page(
    connection: Connection, wanted: EventFilter, *, scope: Scope, after: UUID | None = None, limit: int = 50
) -> EventPage:
    """Return visible events, those with the latest appeals first.

    Args:
        connection: In a transaction of that scope.
        wanted: Which ones.
        scope: Who looks.
        after: `EventPage.next` of the page before.
        limit: Most events, 1 to `MOST`.
    """
    limit = max(1, min(limit, MOST))
    key = tuple_(_events.c.last_at, _events.c.id)
    statement = select(*_COLUMNS).where(true(), *_conditions(wanted, scope))
    if after is not None:
        last = _events.alias("last")
        statement = statement.where(key < select(last.c.last_at, last.c.id).where(last.c.id == after).scalar_subquery())
    order = (_events.c.last_at.desc(), _events.c.id.desc())
    rows = connection.execute(statement.order_by(*order).limit(limit + 1)).all()
    return EventPage(tuple(_views(connection, rows[:limit], scope)), rows[limit - 1].id if len(rows) > limit else None)


def _conditions(wanted: EventFilter, scope: Scope) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(_events.c.state == wanted.state)
    if wanted.size_at_least is not None:
        found.append(_events.c.size >= wanted.size_at_least)
    # Level and time as the reader sees them: else a filter would tell the level of another district's appeals.
    if wanted.risk_at_least is not None:
        own = _visible(_appeals.c.risk_level >= wanted.risk_at_least)
        found.append(_events.c.risk_level >= wanted.risk_at_least if scope.everywhere else own)
    if wanted.since is not None:
        own = _visible(_appeals.c.received_at >= wanted.since)
        found.append(_events.c.last_at >= wanted.since if scope.everywhere else own)
    return found


def _visible(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say that an event holds such an appeal; row-level security leaves only the reader's own to be found."""
    return exists().where(_appeals.c.event_id == _events.c.id, condition)


def _views(connection: Connection, rows: Sequence[Row[Any]], scope: Scope) -> list[EventView]:
    views = [EventView(**row._mapping) for row in rows]
    if scope.everywhere or not views:
        return views
    own = _own_parts(connection, [view.id for view in views])
    return [replace(view, **own.get(view.id, {})) for view in views]


def _own_parts(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what the visible appeals of each event say about it, as fields of `EventView`."""
    group, moment = _appeals.c.event_id, _appeals.c.received_at
    mine = group.in_(ids)
    place = func.row_number().over(partition_by=group, order_by=(moment, _appeals.c.id)).label("place")
    numbered = select(group, _appeals.c.title, place).where(mine).subquery()
    first = select(numbered.c.event_id, numbered.c.title).where(numbered.c.place == 1)
    titles = {row.event_id: row.title for row in connection.execute(first)}
    level = func.max(_appeals.c.risk_level).label("risk_level")
    times = (func.min(moment).label("first_at"), func.max(moment).label("last_at"))
    rows = connection.execute(select(group, level, *times).where(mine).group_by(group))
    return {
        row.event_id: {
            "title": titles[row.event_id],
            "risk_level": row.risk_level,
            "first_at": row.first_at,
            "last_at": row.last_at,
        }
        for row in rows
    }
