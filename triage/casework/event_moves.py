"""What all steps on events share: holding events and their appeals, moving appeals, and telling what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from triage.casework.desk import Desk
from triage.errors import InputError
from triage.store import event_counts
from triage.store.access import Actor
from triage.store.errors import NotFound, Refused, StateConflict
from triage.store.event_steps import Move
from triage.store.feedback import Feedback
from triage.store.ids import new_id
from triage.store.schema import alerts, appeals, events

MOST_APPEALS = 2_000
"""Appeals that one step may move; larger events are a matter for several steps."""

OPEN, CLOSED, MERGED = "open", "closed", "merged"

Members = Mapping[UUID, list[Any]]
"""Event → its appeals, in the order of their ids."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventView:
    """An event after a step.

    Attributes:
        id: The event.
        state: One of `triage.store.schema.EVENT_STATES`.
        title: Place and matter.
        size: Appeals in it.
        risk_level: The highest level of its appeals, 0 … 4.
        first_at: When its first appeal was received.
        last_at: When its last appeal was received.
        watched: Whether somebody keeps an eye on it.
    """

    id: UUID
    state: str
    title: str
    size: int
    risk_level: int
    first_at: datetime
    last_at: datetime
    watched: bool


def held(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """Read events and hold them until the transaction ends, always in one order, so that nobody waits in a circle.

    Raises:
        NotFound: One is not there, or not visible.
    """
    rows = connection.execute(
        select(events).where(events.c.id.in_(ids)).order_by(events.c.id).with_for_update(key_share=True)
    )
    found = {row.id: row for row in rows}
    for event in ids:
        if event not in found:
            raise NotFound(f"没有事件 {event}，或不在可见区划内")
    return found


def require_open(found: Mapping[UUID, Row[Any]]) -> None:
    """Go on only with events that are open.

    Raises:
        StateConflict: One is closed or merged.
    """
    for event in found.values():
        if event.state == MERGED:
            raise StateConflict(f"事件 {event.id} 已并入 {event.merged_into}")
        if event.state != OPEN:
            raise StateConflict(f"事件 {event.id} 已办结")


def members(connection: Connection, found: Mapping[UUID, Row[Any]]) -> Members:
    """Return the appeals of each event, held for the transaction.

    Raises:
        Refused: Some of them are not visible to the actor.
        InputError: There are too many.
    """
    columns = (appeals.c.id, appeals.c.event_id, appeals.c.case_state, appeals.c.decision_version)
    statement = select(*columns, appeals.c.title, appeals.c.district, appeals.c.received_at, appeals.c.risk_level)
    mine: dict[UUID, list[Any]] = {event: [] for event in found}
    not_too_many(sum(row.size for row in found.values()))
    for row in connection.execute(
        statement.where(appeals.c.event_id.in_(list(found))).order_by(appeals.c.id).with_for_update(key_share=True)
    ):
        mine[row.event_id].append(row)
    for event, known in found.items():
        if len(mine[event]) < known.size:
            raise Refused(f"事件 {event} 含有其他区划的诉求，须由全市权限的人员处理")
    return mine


def not_too_many(count: int) -> None:
    """Go on only with so many appeals as one step may move.

    Raises:
        InputError: There are more.
    """
    if count > MOST_APPEALS:
        raise InputError(f"一次最多处理 {MOST_APPEALS:,} 件诉求，本次涉及 {count:,} 件")


def new_event(connection: Connection, desk: Desk, chosen: Sequence[Row[Any]]) -> UUID:
    """Add an event for appeals that leave another; what it says of them is told when they are in it."""
    now = desk.clock()
    first = min(chosen, key=lambda appeal: (appeal.received_at, appeal.id))
    values = {"id": new_id(now), "title": first.title[:20], "first_at": first.received_at, "last_at": first.received_at}
    connection.execute(insert(events).values(**values, created_at=now, district=first.district))
    return UUID(str(values["id"]))


def move(connection: Connection, moving: Sequence[Row[Any]], target: UUID) -> tuple[Move, ...]:
    """Take appeals, with their alerts, to an event; return where each came from."""
    ids = [appeal.id for appeal in moving]
    connection.execute(update(appeals).where(appeals.c.id.in_(ids)).values(event_id=target))
    _move_alerts(connection, ids, target)
    return tuple(Move(appeal.id, appeal.event_id, target) for appeal in moving)


def told(connection: Connection, desk: Desk, event_id: UUID) -> EventView:
    """Write what an event's appeals say about it now, and return it."""
    event_counts.recount(connection, [event_id])
    event_counts.retitle(connection, [event_id], cutter=desk.words)
    return view(connection, event_id)


def view(connection: Connection, event_id: UUID) -> EventView:
    """Return an event after a step."""
    columns = [events.c[field] for field in EventView.__slots__]
    return EventView(**connection.execute(select(*columns).where(events.c.id == event_id)).one()._mapping)


def labels(
    moving: Sequence[Row[Any]], target: UUID, *, kind: str, actor: Actor, at: datetime, reason: str
) -> list[Feedback]:
    """Return the feedback on appeals that go to another event."""
    return [
        Feedback(
            appeal_id=appeal.id,
            decision_version=appeal.decision_version,
            kind=kind,
            actor=actor.name,
            at=at,
            event_from=appeal.event_id,
            event_to=target,
            reason=reason,
        )
        for appeal in moving
    ]


def _move_alerts(connection: Connection, ids: Sequence[UUID], event_id: UUID) -> None:
    """Let alerts follow their appeals, except where the event has an alert of that level in that district already."""
    mine = select(alerts.c.level, alerts.c.district).where(alerts.c.event_id == event_id)
    taken = {(row.level, row.district) for row in connection.execute(mine)}
    theirs = select(alerts.c.id, alerts.c.level, alerts.c.district).where(alerts.c.appeal_id.in_(ids))
    moving = []
    for row in connection.execute(theirs.where(alerts.c.event_id != event_id).order_by(alerts.c.at, alerts.c.id)):
        if (row.level, row.district) not in taken:
            taken.add((row.level, row.district))
            moving.append(row.id)
    if moving:
        connection.execute(update(alerts).where(alerts.c.id.in_(moving)).values(event_id=event_id))
