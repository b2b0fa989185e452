"""Which appeals stand behind a number: the same conditions count them and list them, so that a figure and its list agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select, tuple_

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.errors import InputError
from triage.rules.deadlines import FINISH
from triage.store import schema
from triage.store.access import Actor
from triage.store.appeals import AppealView, Cursor, Page
from triage.store.narrow import look_up

RECEIVED, RETURNED, DUE, LATE = "received", "returned", "due", "late"
KINDS = {RECEIVED: "收到", RETURNED: "被退单", DUE: "应办结", LATE: "超期"}
"""What happened to an appeal in the time that is looked at, and what it is called."""

UNKNOWN = "-"
"""Stands for appeals without a district, category or unit; no name is a dash."""

_appeals, _feedback, _terms = schema.appeals, schema.feedback, schema.terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Appeals by what happened to them in some time; empty fields mean: any.

    Attributes:
        kind: One of `KINDS`.
        since: From then on.
        until: Before then.
        district: Its district; `UNKNOWN`: none.
        l1: First-level category; `UNKNOWN`: none.
        unit: The responsible unit, of returns the one that sent it back; `UNKNOWN`: none yet.
        level: Exactly this risk level, 0 … 4.
        state: One of `schema.CASE_STATES`.
    """

    kind: str = RECEIVED
    since: datetime
    until: datetime
    district: str = ""
    l1: str = ""
    unit: str = ""
    level: int | None = None
    state: str = ""

    def __post_init__(self) -> None:
        """Refuse a kind that is none."""
        if self.kind not in KINDS:
            raise InputError(f"清单种类应为 {'、'.join(KINDS)} 之一")


def conditions(wanted: Slice, *, now: datetime) -> list[ColumnElement[bool]]:
    """Return what an appeal must fulfil.

    Args:
        wanted: Which appeals.
        now: The present moment; an open term whose end is before it is late.
    """
    found = [_happened(wanted, now)]
    for name in ("district", "l1"):
        value = getattr(wanted, name)
        if value:
            found.append(_appeals.c[name] == ("" if value == UNKNOWN else value))
    if wanted.unit and wanted.kind != RETURNED:
        found.append(_appeals.c.unit == ("" if wanted.unit == UNKNOWN else wanted.unit))
    if wanted.level is not None:
        found.append(_appeals.c.risk_level == wanted.level)
    if wanted.state:
        found.append(_appeals.c.case_state == wanted.state)
    return found


def count(connection: Connection, wanted: Slice, *, now: datetime) -> int:
    """Return how many visible appeals there are."""
    statement = select(func.count()).select_from(_appeals).where(*conditions(wanted, now=now))
    return int(connection.execute(statement).scalar_one())


def listed(
    desk: Desk, actor: Actor, wanted: Slice, *, after: Cursor | None = None, limit: int = 50
) -> tuple[Page, int]:
    """Return a page of the appeals, newest first, and how many there are altogether.

    Args:
        desk: The desk.
        actor: Who looks.
        wanted: Which appeals.
        after: `Page.next` of the page before.
        limit: Most appeals of a page, 1 … 200.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    now, limit = desk.clock(), max(1, min(limit, 200))
    key = (_appeals.c.received_at, _appeals.c.id)
    statement = select(*(_appeals.c[name] for name in AppealView.__slots__)).where(*conditions(wanted, now=now))
    if after is not None:
        statement = statement.where(tuple_(*key) < (after.received_at, after.id))
    with desk.database.transaction(actor.scope) as connection:
        look_up(connection, actor.scope)
        rows = connection.execute(statement.order_by(*(column.desc() for column in key)).limit(limit + 1)).all()
        total = count(connection, wanted, now=now)
    items = tuple(AppealView(**row._mapping) for row in rows[:limit])
    return Page(items, Cursor(items[-1].received_at, items[-1].id) if len(rows) > limit else None), total


def _happened(wanted: Slice, now: datetime) -> ColumnElement[bool]:
    since, until = wanted.since, wanted.until
    if wanted.kind == RECEIVED:
        return and_(_appeals.c.received_at >= since, _appeals.c.received_at < until)
    if wanted.kind == RETURNED:
        row = _feedback.c
        own = [row.appeal_id == _appeals.c.id, row.kind == "return", row.at >= since, row.at < until]
        return exists().where(*own, *([row.unit_from == wanted.unit] if wanted.unit else []))
    row = _terms.c
    own = [row.appeal_id == _appeals.c.id, row.step == FINISH, row.state != "dropped"]
    own += [row.due_at >= since, row.due_at < until]
    return exists().where(*own, *([late(now)] if wanted.kind == LATE else []))


def late(now: datetime) -> ColumnElement[bool]:
    """Say of a term that it ended, stands still or runs beyond its end."""
    return _terms.c.due_at < func.coalesce(_terms.c.ended_at, _terms.c.paused_at, now)
