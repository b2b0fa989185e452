"""Events as people see them: all of an event for the whole city, one's own part of it and its size for a district."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Row,
    and_,
    case,
    cast,
    exists,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
)

from triage.events.facts import (
    LOCAL,
    LONG_DAYS,
    EventFacts,
    EventMember,
    Growth,
    event_facts,
    growth_until,
    local_day,
)
from triage.events.words import WordCutter
from triage.store import schema
from triage.store.access import Scope
from triage.store.errors import NotFound

MOST = 200
"""Most events of one page."""

ORDERS = ("last", "hot", "size")
"""Orders of a page: by the latest appeal, by recent appeals (each weighs half with every three days), by all appeals."""

READ = 20
"""Appeals whose texts title and keywords are cut from."""
_CHARACTERS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class EventView:
    """An event.

    To a principal of some districts everything but state, mark and size is told of the appeals that it sees; a title is
    a piece of an appeal's text.

    Attributes:
        id: The event.
        title: Place and matter, cut out of masked texts.
        state: One of `schema.EVENT_STATES`.
        merged_into: Where its appeals went; None unless it was merged.
        size: Appeals in it, those of all districts.
        district: Its district; empty where it spans several.
        risk_level: The highest of its appeals, 0 … 4.
        first_at: When its first appeal was received.
        last_at: When its last appeal was received.
        keywords: What its appeals share, most telling first.
        unit: Who handles most of its appeals; who is proposed for the first one where nobody does yet.
        l1: First-level category of most appeals.
        l2: Second-level category of most appeals.
        appellants: Distinct people; each unknown one counts.
        frequent_since: The day on which it became one of high frequency (多频); None if it never was.
        frequent_last: The last day on which it was.
        watched: Whether somebody keeps an eye on it.
        growth: Of the last days.
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
    keywords: tuple[str, ...]
    unit: str
    l1: str
    l2: str
    appellants: int
    frequent_since: date | None
    frequent_last: date | None
    watched: bool
    growth: Growth


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFilter:
    """Which events are listed; None and empty mean: any.

    Attributes:
        state: One of `schema.EVENT_STATES`.
        district: Events with appeals of that district only.
        size_at_least: Least number of appeals.
        risk_at_least: Least risk level.
        since: Last appeal received at this time or later.
        frequent: Whether it ever was of high frequency. To a principal of some districts only events that lie in one
            district count as such.
        watched: Whether somebody keeps an eye on it.
    """

    state: str = ""
    district: str = ""
    size_at_least: int | None = None
    risk_at_least: int | None = None
    since: datetime | None = None
    frequent: bool | None = None
    watched: bool | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of events in the order asked for, and the last event of it where more follow."""

    items: tuple[EventView, ...]
    next: UUID | None


_events = schema.events
_appeals = schema.appeals
_COLUMNS = tuple(_events.c[name] for name in EventView.__slots__ if name != "growth")
_DAY = cast(func.timezone(str(LOCAL), _appeals.c.received_at), Date)


def get(
    connection: Connection,
    event_id: UUID,
    *,
    scope: Scope,
    until: date | None = None,
    cutter: WordCutter | None = None,
) -> EventView:
    """Return an event.

    Args:
        connection: In a transaction of that scope.
        event_id: The event.
        scope: Who looks.
        until: The day that growth is told for; None: the day of its last appeal.
        cutter: Cuts what a district sees of title and keywords; None: one that all such calls share.

    Raises:
        NotFound: There is none, or it is not visible.
    """
    found = get_many(connection, [event_id], scope=scope, until=until, cutter=cutter)
    if not found:
        raise NotFound(f"没有事件 {event_id}，或不在可见区划内")
    return found[event_id]


def get_many(
    connection: Connection,
    ids: Collection[UUID],
    *,
    scope: Scope,
    until: date | None = None,
    cutter: WordCutter | None = None,
) -> dict[UUID, EventView]:
    """Return the visible ones of some events by their ids; arguments as for `get`."""
    if not ids:
        return {}
    rows = connection.execute(select(*_COLUMNS).where(_events.c.id.in_(ids))).all()
    return {view.id: view for view in _views(connection, rows, scope, until=until, cutter=cutter)}


def page(
    connection: Connection,
    wanted: EventFilter,
    *,
    scope: Scope,
    order: str = "last",
    after: UUID | None = None,
    limit: int = 50,
    until: date | None = None,
    cutter: WordCutter | None = None,
) -> EventPage:
    """Return visible events.

    Args:
        connection: In a transaction of that scope.
        wanted: Which ones.
        scope: Who looks.
        order: One of `ORDERS`; the most comes first.
        after: `EventPage.next` of the page before.
        limit: Most events, 1 to `MOST`.
        until: The day that growth is told for; None: for each the day of its last appeal.
        cutter: As for `get`.
    """
    limit = max(1, min(limit, MOST))
    name = {"last": "last_at", "hot": "hot", "size": "size"}[order]
    statement = select(*_COLUMNS).where(true(), *_conditions(wanted, scope))
    if after is not None:
        last = _events.alias("last")
        place = select(last.c[name], last.c.id).where(last.c.id == after).scalar_subquery()
        statement = statement.where(tuple_(_events.c[name], _events.c.id) < place)
    statement = statement.order_by(_events.c[name].desc(), _events.c.id.desc()).limit(limit + 1)
    rows = connection.execute(statement).all()
    views = _views(connection, rows[:limit], scope, until=until, cutter=cutter)
    return EventPage(tuple(views), rows[limit - 1].id if len(rows) > limit else None)


def daily(connection: Connection, event_id: UUID) -> dict[date, int]:
    """Return how many visible appeals of an event each natural day brought; days without any are left out."""
    return daily_many(connection, [event_id]).get(event_id, {})


def daily_many(
    connection: Connection, ids: Collection[UUID], *, since: date | None = None
) -> dict[UUID, dict[date, int]]:
    """Return event → day → visible appeals, from a day on; events without any are left out."""
    found: dict[UUID, dict[date, int]] = {}
    if not ids:
        return found
    statement = select(_appeals.c.event_id, _DAY.label("day"), func.count().label("n"))
    statement = statement.where(_appeals.c.event_id.in_(ids))
    if since is not None:
        begin = datetime.combine(since, datetime.min.time(), tzinfo=LOCAL)
        statement = statement.where(_appeals.c.received_at >= begin)
    for row in connection.execute(statement.group_by(_appeals.c.event_id, _DAY).order_by(_appeals.c.event_id, _DAY)):
        found.setdefault(row.event_id, {})[row.day] = row.n
    return found


def _conditions(wanted: EventFilter, scope: Scope) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(_events.c.state == wanted.state)
    if wanted.district:
        found.append(_events.c.district == wanted.district)
    if wanted.size_at_least is not None:
        found.append(_events.c.size >= wanted.size_at_least)
    # Level and time as the reader sees them: else a filter would tell the level of another district's appeals.
    if wanted.risk_at_least is not None:
        own = _visible(_appeals.c.risk_level >= wanted.risk_at_least)
        found.append(_events.c.risk_level >= wanted.risk_at_least if scope.everywhere else own)
    if wanted.since is not None:
        own = _visible(_appeals.c.received_at >= wanted.since)
        found.append(_events.c.last_at >= wanted.since if scope.everywhere else own)
    if wanted.frequent is not None:
        shown = true() if scope.everywhere else _events.c.district != ""
        was = and_(_events.c.frequent_last.is_not(None), shown)
        found.append(was if wanted.frequent else not_(was))
    if wanted.watched is not None:
        found.append(_events.c.watched.is_(wanted.watched))
    return found


def _visible(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Say that an event holds such an appeal; row-level security leaves only the reader's own to be found."""
    return exists().where(_appeals.c.event_id == _events.c.id, condition)


def _views(
    connection: Connection, rows: Sequence[Row[Any]], scope: Scope, *, until: date | None, cutter: WordCutter | None
) -> list[EventView]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    if not scope.everywhere:
        own = _own_facts(connection, ids, until=until, cutter=cutter)
        return [_own_view(row, own.get(row.id), until=until) for row in rows]
    oldest = until or min(local_day(row.last_at) for row in rows)
    days = daily_many(connection, ids, since=oldest - timedelta(days=2 * LONG_DAYS))
    units = _units(connection, ids)
    return [
        _whole_view(row, days.get(row.id, {}), until or local_day(row.last_at), unit=units.get(row.id, row.unit))
        for row in rows
    ]


def _whole_view(row: Row[Any], days: Mapping[date, int], until: date, *, unit: str) -> EventView:
    told = {**row._mapping, "keywords": tuple(row.keywords), "unit": unit}
    return EventView(**told, growth=growth_until(days, until))


def _own_view(row: Row[Any], own: EventFacts | None, *, until: date | None) -> EventView:
    """Return a view of what the reader sees; an event none of whose appeals is visible (a merged one) tells nothing."""
    if own is None:
        view = _whole_view(row, {}, until or local_day(row.last_at), unit="")
        view = replace(view, title="", keywords=(), l1="", l2="", risk_level=0, appellants=0)
        return replace(view, frequent_since=None, frequent_last=None)
    return EventView(
        **{name: row._mapping[name] for name in ("id", "state", "merged_into", "size", "district", "watched")},
        title=own.title,
        keywords=own.keywords,
        unit=own.unit,
        l1=own.l1,
        l2=own.l2,
        risk_level=own.risk_level,
        first_at=own.first_at,
        last_at=own.last_at,
        appellants=own.appellants,
        frequent_since=own.frequent_since,
        frequent_last=own.high_frequency[-1] if own.high_frequency else None,
        growth=own.growth,
    )


def _units(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the unit of most appeals of each event; events without any are left out."""
    table, count = _appeals.c, func.count()
    rows = connection.execute(
        select(table.event_id, table.unit)
        .where(table.event_id.in_(ids), table.unit != "")
        .group_by(table.event_id, table.unit)
        .order_by(table.event_id, count, table.unit.desc())
    )
    return {row.event_id: row.unit for row in rows}


def _own_facts(
    connection: Connection, ids: Sequence[UUID], *, until: date | None, cutter: WordCutter | None
) -> dict[UUID, EventFacts]:
    found: dict[UUID, list[EventMember]] = {}
    for event, member in members(connection, ids):
        found.setdefault(event, []).append(member)
    return {event: event_facts(mine, until=until, cutter=cutter) for event, mine in found.items()}


def members(connection: Connection, ids: Collection[UUID]) -> list[tuple[UUID, EventMember]]:
    """Return the visible appeals of events in time order, each with its event; only the first twenty of each with texts."""
    table = _appeals.c
    place = func.row_number().over(partition_by=table.event_id, order_by=(table.received_at, table.id)).label("place")
    numbered = select(table.id, place).where(table.event_id.in_(ids)).subquery()
    # What stands in the place of an erased text is no text of a citizen.
    read = and_(numbered.c.place <= READ, or_(table.anonymised_at.is_(None), table.title != ""))
    columns = (table.event_id, table.id, table.received_at, table.district, table.unit, table.l1, table.l2)
    texts = (_opening(read, table.title).label("title"), _opening(read, table.content).label("content"))
    rows = connection.execute(
        select(*columns, *texts, table.risk_level, table.appellant, table.supplements)
        .join(numbered, numbered.c.id == table.id)
        .order_by(table.event_id, numbered.c.place)
    )
    return [(row.event_id, _member(row)) for row in rows]


def _opening(condition: ColumnElement[bool], column: ColumnElement[str]) -> ColumnElement[str]:
    """Return the beginning of a text, or nothing; masked texts may be long."""
    return case((condition, func.left(column, _CHARACTERS)), else_="")


def _member(row: Row[Any]) -> EventMember:
    return EventMember(
        id=str(row.id),
        received_at=row.received_at,
        title=row.title,
        content_masked=row.content,
        district=row.district,
        unit=row.unit,
        l1=row.l1,
        l2=row.l2,
        risk_level=row.risk_level,
        appellant=None if row.appellant is None else bytes(row.appellant).hex(),
        ticket=row.supplements is None,
    )
