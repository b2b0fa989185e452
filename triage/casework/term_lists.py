"""Lists of terms: what is due and overdue, and what should be supervised (督办): the overdue and the repeated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select, tuple_

from triage.casework.rights import require
from triage.rules.deadlines import STEPS, WINDOWS
from triage.store import terms as rows
from triage.store.access import Actor
from triage.store.database import Database
from triage.store.schema import appeals, events, feedback, terms
from triage.store.terms import Term

MOST = 200
"""Entries of a page."""

REPEATED = 3
"""Distinct tickets of one event from which it counts as repeated, as hotlines define a high-frequency matter (多频) too."""

RETURNED = 2
"""Returns of one ticket from which somebody must look after it."""

_RECENT = timedelta(days=90)
"""Events without a new ticket for longer are not looked through for repeated matters; overdue terms have no such limit."""

_OPEN = ("waiting", "assigned")
_MOST_LOOKED_AT = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TermFilter:
    """Which open terms are wanted.

    Attributes:
        overdue: Only those that are over (True) or not (False); None: both.
        step: Only this one of `STEPS`; empty: all but the windows, which ask nobody for anything.
        unit: Only this unit's; empty: all.
        until: Only those that end before.
    """

    overdue: bool | None = None
    step: str = ""
    unit: str = ""
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TermView:
    """An open term and whose it is; masked.

    Attributes:
        term: The term.
        name: What the step is called.
        overdue: Whether it is over.
        reference: The channel's number of the appeal.
        title: Masked.
        district: Its district.
        risk_level: 0 … 4.
        event_id: Its event.
    """

    term: Term
    name: str
    overdue: bool
    reference: str
    title: str
    district: str
    risk_level: int
    event_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class TermPage:
    """One page, what ends first at the top.

    Attributes:
        items: Open terms.
        next: Where the following page begins, as (end, number); None for none.
    """

    items: tuple[TermView, ...]
    next: tuple[datetime, int] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervised:
    """A ticket that should be supervised.

    Attributes:
        appeal_id: The ticket; of a repeated matter the first one that is open.
        reference: The channel's number.
        title: Masked.
        district: Its district.
        unit: Who has it; empty while it waits.
        risk_level: 0 … 4.
        event_id: Its event.
        due_at: End of its longest overdue term; None where none is over.
        reasons: Why, in Chinese: overdue by how much, how often repeated or returned.
    """

    appeal_id: UUID
    reference: str
    title: str
    district: str
    unit: str
    risk_level: int
    event_id: UUID
    due_at: datetime | None
    reasons: tuple[str, ...]


def standing(
    database: Database,
    actor: Actor,
    wanted: TermFilter,
    *,
    now: datetime,
    after: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> TermPage:
    """Return open terms of the actor's districts, what ends first at the top.

    Args:
        database: The store.
        actor: Who asks.
        wanted: Which.
        now: The present moment.
        after: Where a former page ended; None: the first.
        limit: 1 … `MOST`.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    statement = _joined().where(*_conditions(wanted, now)).order_by(terms.c.due_at, terms.c.id).limit(limit + 1)
    if after is not None:
        statement = statement.where(tuple_(terms.c.due_at, terms.c.id) > tuple_(*after))
    with database.transaction(actor.scope) as connection:
        found = [_view(row, now) for row in connection.execute(statement)]
    page = tuple(found[:limit])
    last = page[-1].term if len(found) > limit else None
    return TermPage(items=page, next=(last.due_at, last.id) if last else None)


def to_supervise(database: Database, actor: Actor, *, now: datetime, limit: int = MOST) -> list[Supervised]:
    """Return tickets of the actor's districts that should be supervised, the longest overdue first, then the riskiest.

    Args:
        database: The store.
        actor: Who asks.
        now: The present moment.
        limit: 1 … `MOST`.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    with database.transaction(actor.scope) as connection:
        overdue = _overdue(connection, now)
        reasons: defaultdict[UUID, list[str]] = defaultdict(list)
        for view in overdue:
            reasons[view.term.appeal_id].append(_late(view, now))
        for appeal_id, reason in (*_repeated(connection, now), *_returned(connection)):
            reasons[appeal_id].append(reason)
        due = {view.term.appeal_id: view.term.due_at for view in reversed(overdue)}
        found = [_supervised(row, due) for row in _tickets(connection, reasons)]
    ordered = sorted(found, key=lambda one: (one.due_at is None, one.due_at or now, -one.risk_level, one.appeal_id))
    return [replace(one, reasons=tuple(reasons[one.appeal_id])) for one in ordered[:limit]]


def _joined() -> Select[tuple[object, ...]]:
    own = [terms.c[name] for name in Term.__dataclass_fields__]
    shown = (appeals.c.reference, appeals.c.title, appeals.c.district, appeals.c.risk_level, appeals.c.event_id)
    return select(*own, *shown).join(appeals, appeals.c.id == terms.c.appeal_id)


def _conditions(wanted: TermFilter, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [terms.c.state == rows.OPEN]
    if wanted.step:
        found.append(terms.c.step == wanted.step)
    else:
        found.append(terms.c.step.not_in(sorted(WINDOWS)))
    if wanted.unit:
        found.append(terms.c.unit == wanted.unit)
    if wanted.until is not None:
        found.append(terms.c.due_at < wanted.until)
    over = and_(terms.c.due_at < now, terms.c.paused_at.is_(None))
    if wanted.overdue is not None:
        found.append(over if wanted.overdue else ~over)
    return found


def _view(row: Row[tuple[object, ...]], now: datetime) -> TermView:
    values = dict(row._mapping)
    term = Term(**{name: values.pop(name) for name in Term.__dataclass_fields__})
    return TermView(term=term, name=STEPS.get(term.step, term.step), overdue=term.is_over(now), **values)


def _overdue(connection: Connection, now: datetime) -> list[TermView]:
    conditions = _conditions(TermFilter(overdue=True), now)
    statement = _joined().where(*conditions, appeals.c.case_state.in_(_OPEN)).order_by(terms.c.due_at, terms.c.id)
    return [_view(row, now) for row in connection.execute(statement.limit(_MOST_LOOKED_AT))]


def _late(view: TermView, now: datetime) -> str:
    late = now - view.term.due_at
    hours = int(late.total_seconds() // 3600)
    shown = f"{hours // 24}天" if hours >= 24 else f"{hours}小时" if hours else "不足1小时"
    return f"{view.name}超期{shown}"


def _repeated(connection: Connection, now: datetime) -> list[tuple[UUID, str]]:
    """Find matters that several tickets or the same person bring up again; the first open ticket stands for them."""
    tickets = func.count().filter(appeals.c.case_state != "joined")
    several = (
        select(appeals.c.event_id, tickets.label("tickets"))
        .join(events, events.c.id == appeals.c.event_id)
        .where(events.c.state == "open", events.c.size >= 2, events.c.last_at >= now - _RECENT)
        .group_by(appeals.c.event_id)
        .order_by(tickets.desc())
        .limit(_MOST_LOOKED_AT)
        .subquery()
    )
    person = (
        select(appeals.c.event_id, func.count().label("times"))
        .join(several, several.c.event_id == appeals.c.event_id)
        .where(appeals.c.appellant.is_not(None))
        .group_by(appeals.c.event_id, appeals.c.appellant)
        .subquery()
    )
    again = select(person.c.event_id, func.max(person.c.times).label("again")).group_by(person.c.event_id).subquery()
    times = func.coalesce(again.c.again, 0)
    place = func.row_number().over(partition_by=appeals.c.event_id, order_by=(appeals.c.received_at, appeals.c.id))
    unsettled = (
        select(appeals.c.id, several.c.tickets, times.label("again"), place.label("place"))
        .join(several, several.c.event_id == appeals.c.event_id)
        .outerjoin(again, again.c.event_id == appeals.c.event_id)
        .where(appeals.c.case_state.in_(_OPEN), or_(several.c.tickets >= REPEATED, times >= 2))
        .subquery()
    )
    first = select(unsettled.c.id, unsettled.c.tickets, unsettled.c.again).where(unsettled.c.place == 1)
    return [
        (row.id, f"同一诉求人反映{row.again}次" if row.tickets < REPEATED else f"同一事件{row.tickets}件")
        for row in connection.execute(first)
    ]


def _returned(connection: Connection) -> list[tuple[UUID, str]]:
    times = func.count().label("times")
    statement = (
        select(feedback.c.appeal_id, times)
        .join(appeals, appeals.c.id == feedback.c.appeal_id)
        .where(feedback.c.kind == "return", appeals.c.case_state.in_(_OPEN))
        .group_by(feedback.c.appeal_id)
        .having(times >= RETURNED)
        .limit(_MOST_LOOKED_AT)
    )
    return [(row.appeal_id, f"退单{row.times}次") for row in connection.execute(statement)]


def _tickets(connection: Connection, ids: Iterable[UUID]) -> list[Row[tuple[object, ...]]]:
    wanted = list(ids)
    columns = ("id", "reference", "title", "district", "unit", "risk_level", "event_id")
    statement = select(*(appeals.c[name] for name in columns)).where(appeals.c.id.in_(wanted))
    return list(connection.execute(statement)) if wanted else []


def _supervised(row: Row[tuple[object, ...]], due: dict[UUID, datetime]) -> Supervised:
    values = dict(row._mapping)
    appeal_id = values.pop("id")
    return Supervised(appeal_id=appeal_id, due_at=due.get(appeal_id), reasons=(), **values)
