"""What people decide about events: join them (并单), part them, close them. Every choice is kept as feedback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from triage.casework import warnings
from triage.casework.cases import ASSIGNED, WAITING, locked_case
from triage.casework.desk import Desk
from triage.casework.review import optional_reason
from triage.casework.rights import require
from triage.casework.stepping import take
from triage.casework.traces import Step, leave, note, send
from triage.errors import InputError
from triage.store.access import Actor
from triage.store.errors import NotFound, Refused, StateConflict
from triage.store.feedback import Feedback
from triage.store.ids import new_id
from triage.store.schema import alerts, appeals, events, links

MOST_APPEALS = 2_000
"""Appeals that one step may move; larger events are a matter for several steps."""
MOST_PAIRS = 20_000
"""Pairs that one parting may put on record."""

OPEN, MERGED = "open", "merged"


@dataclass(frozen=True, kw_only=True, slots=True)
class EventView:
    """An event after a step.

    Attributes:
        id: The event.
        state: One of `triage.store.schema.EVENT_STATES`.
        size: Appeals in it.
        risk_level: The highest level of its appeals, 0 … 4.
        first_at: When its first appeal was received.
        last_at: When its last appeal was received.
    """

    id: UUID
    state: str
    size: int
    risk_level: int
    first_at: datetime
    last_at: datetime


def merge(desk: Desk, actor: Actor, *, into: UUID, others: Sequence[UUID], reason: str = "") -> EventView:
    """Make several events one.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator who may see every appeal of the events.
        into: The event that stays.
        others: Events whose appeals go there; they stay on record as merged.
        reason: Why; optional.

    Raises:
        Refused: The actor may not, or an event has appeals in districts the actor does not see.
        NotFound: There is no such event in the actor's districts.
        StateConflict: An event is not open.
        InputError: No other event is given, or too many appeals would move.
    """
    require(actor, "event.change")
    joined = sorted({other for other in others if other != into})
    if not joined:
        raise InputError("请至少给出一个要并入的其他事件")
    why = optional_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        held = _held(connection, [into, *joined])
        _all_open(held)
        members = _members(connection, held)
        moving = [(event, appeal) for event in joined for appeal in members[event]]
        _not_too_many(len(moving))
        labels = [
            _label(appeal, kind="merge", actor=actor, at=desk.clock(), before=event, after=into, reason=why)
            for event, appeal in moving
        ]
        ids = [appeal.id for _, appeal in moving]
        connection.execute(update(appeals).where(appeals.c.id.in_(ids)).values(event_id=into))
        _move_alerts(connection, ids, into)
        gone = {"state": MERGED, "merged_into": into, "size": 0}
        connection.execute(update(events).where(events.c.id.in_(joined)).values(**gone))
        _judge_pairs(connection, ids, [appeal.id for appeal in members[into]], verdict="same", at=desk.clock())
        view = _recounted(connection, into)
        warnings.on_change(connection, desk, [into])
        facts = {"event_id": str(into), "merged": [str(event) for event in joined], "size": view.size}
        leave(connection, Step(topic="event.merged", actor=actor.name, at=desk.clock(), facts=facts), labels)
        return view


def split(desk: Desk, actor: Actor, event_id: UUID, *, appeal_ids: Sequence[UUID], reason: str = "") -> EventView:
    """Move appeals of an event into a new event of their own; the two are never linked again by the machine.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator who may see every appeal of the event.
        event_id: The event.
        appeal_ids: The appeals that do not belong to it; at least one must stay.
        reason: Why; optional.

    Returns:
        The new event.

    Raises:
        Refused: The actor may not, or the event has appeals in districts the actor does not see.
        NotFound: There is no such event in the actor's districts.
        StateConflict: The event is not open.
        InputError: The appeals are not of this event, or none would stay, or too many pairs would be parted.
    """
    require(actor, "event.change")
    leaving = set(appeal_ids)
    why = optional_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        held = _held(connection, [event_id])
        _all_open(held)
        members = _members(connection, held)[event_id]
        chosen = [appeal for appeal in members if appeal.id in leaving]
        staying = [appeal for appeal in members if appeal.id not in leaving]
        if not leaving or len(chosen) != len(leaving):
            raise InputError("要拆出的诉求不全在该事件中，请刷新后重新选择")
        if not staying:
            raise InputError("事件中至少要留下一件诉求")
        if len(chosen) * len(staying) > MOST_PAIRS:
            raise InputError(f"一次拆分涉及的诉求过多（{len(chosen)}×{len(staying)}），请分几次拆分")
        fresh = _new_event(connection, desk, chosen)
        ids = [appeal.id for appeal in chosen]
        connection.execute(update(appeals).where(appeals.c.id.in_(ids)).values(event_id=fresh))
        _move_alerts(connection, ids, fresh)
        _judge_pairs(connection, ids, [appeal.id for appeal in staying], verdict="apart", at=desk.clock())
        left = _recounted(connection, event_id)
        view = _recounted(connection, fresh)
        labels = [
            _label(appeal, kind="split", actor=actor, at=desk.clock(), before=event_id, after=fresh, reason=why)
            for appeal in chosen
        ]
        facts = {"event_id": str(event_id), "new_event_id": str(fresh), "size": left.size, "new_size": view.size}
        leave(connection, Step(topic="event.split", actor=actor.name, at=desk.clock(), facts=facts), labels)
        return view


def close(desk: Desk, actor: Actor, event_id: UUID) -> EventView:
    """Close an event and the cases in it; a new appeal about the matter begins a new event.

    Raises:
        Refused: The actor may not, or the event has appeals in districts the actor does not see.
        NotFound: There is no such event in the actor's districts.
        StateConflict: The event is not open, or an appeal in it waits for its dispatch or for the review of an objection.
    """
    require(actor, "event.change")
    with desk.database.transaction(actor.scope) as connection:
        held = _held(connection, [event_id])
        _all_open(held)
        members = _members(connection, held)[event_id]
        waiting = sum(appeal.case_state == WAITING for appeal in members)
        if waiting:
            raise StateConflict(f"事件中还有 {waiting} 件诉求未派单，不能办结")
        ending = [appeal.id for appeal in members if appeal.case_state == ASSIGNED]
        for appeal in ending:
            take(connection, desk, actor, locked_case(connection, appeal), "close", facts={"event_id": str(event_id)})
        connection.execute(update(events).where(events.c.id == event_id).values(state="closed"))
        facts = {"event_id": str(event_id), "closed": len(ending)}
        step = Step(topic="event.closed", actor=actor.name, at=desk.clock(), facts=facts)
        note(connection, step, ending)
        send(connection, step, key=f"event.closed:{event_id}")
        return _view(connection, event_id)


def _held(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Read events and hold them until the transaction ends, always in one order, so that nobody waits in a circle."""
    rows = connection.execute(
        select(events).where(events.c.id.in_(ids)).order_by(events.c.id).with_for_update(key_share=True)
    )
    held = {row.id: row for row in rows}
    for event in ids:
        if event not in held:
            raise NotFound(f"没有事件 {event}，或不在可见区划内")
    return held


def _all_open(held: dict[UUID, Any]) -> None:
    for event in held.values():
        if event.state == MERGED:
            raise StateConflict(f"事件 {event.id} 已并入 {event.merged_into}")
        if event.state != OPEN:
            raise StateConflict(f"事件 {event.id} 已办结")


def _members(connection: Connection, held: dict[UUID, Any]) -> dict[UUID, list[Any]]:
    """Return the appeals of each event, held for the transaction; all of them must be visible to the actor."""
    columns = (appeals.c.id, appeals.c.event_id, appeals.c.case_state, appeals.c.decision_version)
    statement = select(*columns, appeals.c.title, appeals.c.district, appeals.c.received_at, appeals.c.risk_level)
    found: dict[UUID, list[Any]] = {event: [] for event in held}
    _not_too_many(sum(row.size for row in held.values()))
    for row in connection.execute(
        statement.where(appeals.c.event_id.in_(list(held))).order_by(appeals.c.id).with_for_update(key_share=True)
    ):
        found[row.event_id].append(row)
    for event, row in held.items():
        if len(found[event]) < row.size:
            raise Refused(f"事件 {event} 含有其他区划的诉求，须由全市权限的人员处理")
    return found


def _not_too_many(count: int) -> None:
    if count > MOST_APPEALS:
        raise InputError(f"一次最多处理 {MOST_APPEALS:,} 件诉求，本次涉及 {count:,} 件")


def _label(appeal: Any, *, kind: str, actor: Actor, at: datetime, before: UUID, after: UUID, reason: str) -> Feedback:
    return Feedback(
        appeal_id=appeal.id,
        decision_version=appeal.decision_version,
        kind=kind,
        actor=actor.name,
        at=at,
        event_from=before,
        event_to=after,
        reason=reason,
    )


def _new_event(connection: Connection, desk: Desk, chosen: Sequence[Any]) -> UUID:
    now = desk.clock()
    first = min(chosen, key=lambda appeal: (appeal.received_at, appeal.id))
    values = {"id": new_id(now), "title": first.title, "first_at": first.received_at, "last_at": first.received_at}
    connection.execute(insert(events).values(**values, created_at=now, district=first.district))
    return UUID(str(values["id"]))


def _recounted(connection: Connection, event_id: UUID) -> EventView:
    """Write what an event's appeals say about it now; its district is empty where they are of several."""
    mine = select(
        func.count().label("size"),
        func.max(appeals.c.risk_level).label("risk_level"),
        func.min(appeals.c.received_at).label("first_at"),
        func.max(appeals.c.received_at).label("last_at"),
        func.min(appeals.c.district).label("least"),
        func.max(appeals.c.district).label("most"),
    ).where(appeals.c.event_id == event_id)
    row = connection.execute(mine).one()
    district = row.least if row.least == row.most else ""
    values = {"size": row.size, "risk_level": row.risk_level, "first_at": row.first_at, "last_at": row.last_at}
    connection.execute(update(events).where(events.c.id == event_id).values(**values, district=district))
    return _view(connection, event_id)


def _view(connection: Connection, event_id: UUID) -> EventView:
    columns = [events.c[field] for field in EventView.__slots__]
    return EventView(**connection.execute(select(*columns).where(events.c.id == event_id)).one()._mapping)


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


def _judge_pairs(
    connection: Connection, some: Sequence[UUID], others: Sequence[UUID], *, verdict: str, at: datetime
) -> None:
    """Put a person's word on pairs of appeals: on every pair when parting, on links that exist when joining."""
    one, other = links.c.appeal_id, links.c.other_id
    either = or_(and_(one.in_(some), other.in_(others)), and_(one.in_(others), other.in_(some)))
    judged = update(links).where(either).values(verdict=verdict, reason="人工判定", at=at).returning(one, other)
    known = {frozenset((row.appeal_id, row.other_id)) for row in connection.execute(judged)}
    if verdict != "apart":
        return
    # The newer appeal (ids grow with time) points to the older one, as in links that the machine found.
    pairs = [(max(a, b), min(a, b)) for a in some for b in others if frozenset((a, b)) not in known]
    fixed = {"probability": 0.0, "verdict": verdict, "reason": "人工判定", "at": at}
    if pairs:
        connection.execute(insert(links), [{"appeal_id": a, "other_id": b, **fixed} for a, b in pairs])
