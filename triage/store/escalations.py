"""What early warning reads and writes: facts about events over all their districts, and the history of their levels."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Date, case, cast, func, insert, select, text, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert

from triage.rules.durations import CHINA
from triage.store import schema

MOST = 200
"""Most rows of one page."""

_SCOPE = text("SELECT current_setting('triage.districts', true)")
_SET_SCOPE = text("SELECT set_config('triage.districts', :districts, true)")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('warning ' || :event, 0))")

_appeals, _escalations, _alerts, _feedback = (
    schema.appeals,
    schema.warnings.escalations,
    schema.alerts,
    schema.feedback,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one district has of an event.

    Attributes:
        level: Highest risk level of its appeals.
        level_before: The same without the appeal that brings about the present look.
        latest: Its latest appeal.
    """

    level: int
    level_before: int
    latest: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What was written before about an event in one district.

    Attributes:
        level: The level it had reached.
        grounds: (code, mark) of what raised it.
    """

    level: int
    grounds: frozenset[tuple[str, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventState:
    """An event as early warning sees it.

    Attributes:
        parts: District → its part; ``""`` holds appeals whose district is unknown.
        risk_score: Highest P(level ≥ 3) of its appeals.
        people: Appellants within the window; an appeal without a known one counts as one.
        repeats: How often the most persistent appellant came.
        days: Day → distinct tickets within the window; supplements of a ticket are no tickets of their own.
        known: District → what was written before.
    """

    parts: Mapping[str, Part]
    risk_score: float
    people: int = 1
    repeats: int = 1
    days: Mapping[date, int] = field(default_factory=dict)
    known: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Escalation:
    """Why the level of an event rose, as it is written for one district.

    Attributes:
        id: Its number; None before it is written.
        event_id: The event.
        appeal_id: The appeal that brought it about; None if that is not known any more.
        district: For whom it is written.
        level_from: Level before.
        level_to: Level after; equal where the ground came on top.
        ground: One of `triage.rules.warnings.GROUNDS`.
        mark: The level or number of people it reached; 0 otherwise.
        reason: In Chinese, with the figures.
        at: When.
    """

    id: int | None = None
    event_id: UUID
    appeal_id: UUID | None
    district: str
    level_from: int
    level_to: int
    ground: str
    mark: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EscalationPage:
    """A page of escalations, the latest first, and the number of the last of them where more follow."""

    items: tuple[Escalation, ...]
    next: int | None


@contextmanager
def everywhere(connection: Connection) -> Iterator[None]:
    """Let the block see and write all districts, in the transaction of whoever acts in some of them.

    An event may span districts; what a person does in one of them can concern the others. Where the block fails the
    transaction is lost anyway, and its scope with it.
    """
    before = connection.execute(_SCOPE).scalar_one() or ""
    connection.execute(_SET_SCOPE, {"districts": "*"})
    yield
    connection.execute(_SET_SCOPE, {"districts": before})


def lock(connection: Connection, event_id: UUID) -> None:
    """Wait until nobody else raises the level of this event, and hold it until the transaction ends."""
    connection.execute(_LOCK, {"event": str(event_id)})


def states(
    connection: Connection, events: Collection[UUID], *, window: timedelta, cause: UUID | None = None
) -> dict[UUID, EventState]:
    """Read events in four statements, however many they are; those without appeals are left out.

    Args:
        connection: In a transaction that sees everywhere.
        events: Their ids.
        window: How long before an event's latest appeal people and tickets are counted.
        cause: The appeal that brings about this look; `Part.level_before` leaves it out.
    """
    parts, scores, last = _parts(connection, events, cause)
    if not parts:
        return {}
    since = {event: at - window for event, at in last.items()}
    counted = _counted(connection, since)
    repeats = _repeats(connection, events)
    known = _known(connection, events)
    return {
        event: EventState(
            parts=mine,
            risk_score=scores[event],
            people=counted[event][0],
            repeats=repeats.get(event, 1),
            days=counted[event][1],
            known=known.get(event, {}),
        )
        for event, mine in parts.items()
    }


def returns(connection: Connection, appeal_id: UUID) -> int:
    """Return how often an appeal was sent back by units."""
    statement = select(func.count()).where(_feedback.c.appeal_id == appeal_id, _feedback.c.kind == "return")
    return int(connection.execute(statement).scalar_one())


def add(connection: Connection, rows: Sequence[Escalation]) -> None:
    """Write rises."""
    if rows:
        names = [name for name in Escalation.__slots__ if name != "id"]
        connection.execute(insert(_escalations), [{name: getattr(row, name) for name in names} for row in rows])


def add_alert(connection: Connection, values: Mapping[str, Any]) -> UUID | None:
    """Add an alert and return its id; None if its event has one of that level in that district."""
    statement = upsert(_alerts).values(dict(values))
    statement = statement.on_conflict_do_nothing(index_elements=["event_id", "level", "district"])
    return connection.execute(statement.returning(_alerts.c.id)).scalar_one_or_none()


def page(
    connection: Connection,
    *,
    event_id: UUID | None = None,
    level_at_least: int | None = None,
    ground: str = "",
    since: datetime | None = None,
    after: int | None = None,
    limit: int = 50,
) -> EscalationPage:
    """Return visible rises, the latest first.

    Args:
        connection: In a transaction with a scope.
        event_id: Of one event; None: of all.
        level_at_least: Least level that was reached; None: any.
        ground: One of `triage.rules.warnings.GROUNDS`; empty: any.
        since: At this time or later; None: ever.
        after: `EscalationPage.next` of the page before.
        limit: Most rows, 1 to `MOST`.
    """
    table, limit = _escalations.c, max(1, min(limit, MOST))
    statement = select(_escalations).where(true())
    if event_id is not None:
        statement = statement.where(table.event_id == event_id)
    if level_at_least is not None:
        statement = statement.where(table.level_to >= level_at_least)
    if ground:
        statement = statement.where(table.ground == ground)
    if since is not None:
        statement = statement.where(table.at >= since)
    if after is not None:
        statement = statement.where(table.id < after)
    rows = connection.execute(statement.order_by(table.id.desc()).limit(limit + 1)).all()
    items = tuple(Escalation(**row._mapping) for row in rows[:limit])
    return EscalationPage(items, items[-1].id if len(rows) > limit else None)


def active(connection: Connection, *, since: datetime) -> list[UUID]:
    """Return the open events of two or more appeals whose latest came in at ``since`` or later."""
    event = schema.events.c
    statement = select(event.id).where(event.state == "open", event.size >= 2, event.last_at >= since)
    return list(connection.execute(statement.order_by(event.last_at, event.id)).scalars())


def event_of(connection: Connection, appeal_id: UUID) -> tuple[UUID, str] | None:
    """Return an appeal's event and district; None where there is no such appeal."""
    statement = select(_appeals.c.event_id, _appeals.c.district).where(_appeals.c.id == appeal_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else (row.event_id, row.district)


def _parts(
    connection: Connection, events: Collection[UUID], cause: UUID | None
) -> tuple[dict[UUID, dict[str, Part]], dict[UUID, float], dict[UUID, datetime]]:
    table = _appeals.c
    order = aggregate_order_by(table.id, table.received_at.desc(), table.id.desc())
    others = case((table.id == cause, 0), else_=table.risk_level) if cause else table.risk_level
    rows = connection.execute(
        select(
            table.event_id,
            table.district,
            func.max(table.risk_level).label("level"),
            func.max(others).label("level_before"),
            func.max(table.risk_score).label("score"),
            func.max(table.received_at).label("last"),
            func.array_agg(order)[1].label("latest"),
        )
        .where(table.event_id.in_(events))
        .group_by(table.event_id, table.district)
    )
    parts: dict[UUID, dict[str, Part]] = {}
    scores: dict[UUID, float] = {}
    last: dict[UUID, datetime] = {}
    for row in rows:
        part = Part(level=row.level, level_before=row.level_before, latest=row.latest)
        parts.setdefault(row.event_id, {})[row.district] = part
        scores[row.event_id] = max(scores.get(row.event_id, 0.0), row.score)
        last[row.event_id] = max(last.get(row.event_id, row.last), row.last)
    return parts, scores, last


def _counted(connection: Connection, since: Mapping[UUID, datetime]) -> dict[UUID, tuple[int, dict[date, int]]]:
    """Return event → (people, day → distinct tickets) within its window."""
    table = _appeals.c
    begin = case(dict(since), value=table.event_id)
    day = cast(func.timezone(str(CHINA), table.received_at), Date).label("day")
    ticket = case((table.supplements.is_(None), 1), else_=0)
    inside = (table.event_id.in_(since), table.received_at >= begin)
    rows = connection.execute(
        select(table.event_id, table.appellant, day, func.count().label("n"), func.sum(ticket).label("tickets"))
        .where(*inside)
        .group_by(table.event_id, table.appellant, day)
    )
    named: dict[UUID, set[bytes]] = {event: set() for event in since}
    unnamed = dict.fromkeys(since, 0)
    days: dict[UUID, dict[date, int]] = {event: {} for event in since}
    for row in rows:
        if row.appellant is None:
            unnamed[row.event_id] += row.n
        else:
            named[row.event_id].add(bytes(row.appellant))
        mine = days[row.event_id]
        mine[row.day] = mine.get(row.day, 0) + int(row.tickets)
    return {event: (len(named[event]) + unnamed[event], days[event]) for event in since}


def _repeats(connection: Connection, events: Collection[UUID]) -> dict[UUID, int]:
    table = _appeals.c
    came = (
        select(table.event_id, func.count().label("times"))
        .where(table.event_id.in_(events), table.appellant.is_not(None))
        .group_by(table.event_id, table.appellant)
        .subquery()
    )
    rows = connection.execute(select(came.c.event_id, func.max(came.c.times)).group_by(came.c.event_id))
    return {event: int(times) for event, times in rows}


def _known(connection: Connection, events: Collection[UUID]) -> dict[UUID, dict[str, Known]]:
    table = _escalations.c
    rows = connection.execute(
        select(table.event_id, table.district, table.level_to, table.ground, table.mark).where(
            table.event_id.in_(events)
        )
    )
    found: dict[UUID, dict[str, Known]] = {}
    for row in rows:
        mine = found.setdefault(row.event_id, {})
        before = mine.get(row.district, Known(level=0, grounds=frozenset()))
        mine[row.district] = Known(
            level=max(before.level, row.level_to), grounds=before.grounds | {(row.ground, row.mark)}
        )
    return found
