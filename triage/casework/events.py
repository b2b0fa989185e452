"""What people decide about events: join them (并单), part them, close and reopen them, keep an eye on them.

Every choice is kept as feedback and as a step that can be taken back (`triage.casework.event_undo`), and the machine keeps
to it: an appeal never joins an event from which a person took the appeal that it is most like, and what a person joined
stays one event also for those that come later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, update

from triage.casework import event_moves, warnings
from triage.casework.cases import ASSIGNED, WAITING, locked_case
from triage.casework.desk import Desk
from triage.casework.event_moves import CLOSED, MERGED, OPEN, EventView
from triage.casework.review import optional_reason
from triage.casework.rights import require
from triage.casework.stepping import take
from triage.casework.traces import Step, leave, note, send
from triage.errors import InputError
from triage.store import event_steps
from triage.store.access import Actor
from triage.store.errors import StateConflict
from triage.store.event_steps import EventStep
from triage.store.ids import new_id
from triage.store.schema import events

__all__ = ["EventView", "close", "merge", "reopen", "split", "watch"]

MOST_PAIRS = 20_000
"""Pairs that one parting may put on record."""


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
        return merged(connection, desk, actor, into=into, others=joined, reason=why)


def merged(
    connection: Connection,
    desk: Desk,
    actor: Actor,
    *,
    into: UUID,
    others: Sequence[UUID],
    reason: str,
    kind: str = "merge",
    compared: UUID | None = None,
) -> EventView:
    """Make several events one inside a transaction of the actor's scope; see `merge`.

    Args:
        connection: The transaction.
        desk: The desk.
        actor: Who has the right.
        into: The event that stays.
        others: Other events, each once.
        reason: Checked.
        kind: What the step is called: ``merge``, or ``same`` for a verdict on a pair.
        compared: For a verdict, the event of the pair's other appeal.
    """
    at = desk.clock()
    held = event_moves.held(connection, [into, *others])
    event_moves.require_open(held)
    members = event_moves.members(connection, held)
    moving = [appeal for event in others for appeal in members[event]]
    labels = event_moves.labels(moving, into, kind="merge", actor=actor, at=at, reason=reason)
    # Before their appeals leave: an event without any is not visible to a district.
    gone = {"state": MERGED, "merged_into": into, "size": 0}
    connection.execute(update(events).where(events.c.id.in_(others)).values(**gone))
    moves = event_moves.move(connection, moving, into)
    former = event_steps.judge(
        connection, [appeal.id for appeal in moving], [appeal.id for appeal in members[into]], verdict="same", at=at
    )
    if any(held[event].watched for event in others):
        connection.execute(update(events).where(events.c.id == into).values(watched=True))
    view = event_moves.told(connection, desk, into)
    step = EventStep(
        id=new_id(at),
        event_id=into,
        other_id=compared,
        kind=kind,
        moved=len(moves),
        reason=reason,
        actor=actor.name,
        at=at,
    )
    event_steps.add(connection, step, moves=moves, verdicts=former)
    warnings.on_change(connection, desk, [into])
    facts = {"event_id": str(into), "merged": [str(event) for event in others], "size": view.size}
    leave(connection, Step(topic="event.merged", actor=actor.name, at=at, facts=facts), labels)
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
    leaving, why, at = set(appeal_ids), optional_reason(reason), desk.clock()
    with desk.database.transaction(actor.scope) as connection:
        held = event_moves.held(connection, [event_id])
        event_moves.require_open(held)
        members = event_moves.members(connection, held)[event_id]
        chosen = [appeal for appeal in members if appeal.id in leaving]
        staying = [appeal.id for appeal in members if appeal.id not in leaving]
        _check_split(leaving, len(chosen), len(staying))
        fresh = event_moves.new_event(connection, desk, chosen)
        labels = event_moves.labels(chosen, fresh, kind="split", actor=actor, at=at, reason=why)
        moves = event_moves.move(connection, chosen, fresh)
        former = event_steps.judge(connection, [a.id for a in chosen], staying, verdict="apart", at=at)
        left = event_moves.told(connection, desk, event_id)
        view = event_moves.told(connection, desk, fresh)
        step = EventStep(
            id=new_id(at),
            event_id=event_id,
            other_id=fresh,
            kind="split",
            moved=len(moves),
            reason=why,
            actor=actor.name,
            at=at,
        )
        event_steps.add(connection, step, moves=moves, verdicts=former)
        facts = {"event_id": str(event_id), "new_event_id": str(fresh), "size": left.size, "new_size": view.size}
        leave(connection, Step(topic="event.split", actor=actor.name, at=at, facts=facts), labels)
        return view


def close(desk: Desk, actor: Actor, event_id: UUID) -> EventView:
    """Close an event and the cases in it; a new appeal about the matter begins a new event.

    Raises:
        Refused: The actor may not, or the event has appeals in districts the actor does not see.
        NotFound: There is no such event in the actor's districts.
        StateConflict: The event is not open, or an appeal in it waits for its dispatch or for the review of an objection.
    """
    require(actor, "event.change")
    at = desk.clock()
    with desk.database.transaction(actor.scope) as connection:
        held = event_moves.held(connection, [event_id])
        event_moves.require_open(held)
        members = event_moves.members(connection, held)[event_id]
        waiting = sum(appeal.case_state == WAITING for appeal in members)
        if waiting:
            raise StateConflict(f"事件中还有 {waiting} 件诉求未派单，不能办结")
        ending = [appeal.id for appeal in members if appeal.case_state == ASSIGNED]
        for appeal in ending:
            take(connection, desk, actor, locked_case(connection, appeal), "close", facts={"event_id": str(event_id)})
        connection.execute(update(events).where(events.c.id == event_id).values(state=CLOSED))
        kept = _noted(connection, actor, event_id, "close", at=desk.clock())
        facts = {"event_id": str(event_id), "closed": len(ending)}
        step = Step(topic="event.closed", actor=actor.name, at=at, facts=facts)
        note(connection, step, ending)
        send(connection, step, key=f"event.closed:{kept.id}")
        return event_moves.view(connection, event_id)


def reopen(desk: Desk, actor: Actor, event_id: UUID, *, reason: str = "") -> EventView:
    """Open a closed event again: new appeals about the matter join it. Its cases stay as they are.

    Raises:
        Refused: The actor may not, or the event has appeals in districts the actor does not see.
        NotFound: There is no such event in the actor's districts.
        StateConflict: The event is not closed.
    """
    require(actor, "event.change")
    why, at = optional_reason(reason), desk.clock()
    with desk.database.transaction(actor.scope) as connection:
        held = event_moves.held(connection, [event_id])
        if held[event_id].state == OPEN:
            raise StateConflict(f"事件 {event_id} 没有办结，无需重新打开")
        if held[event_id].state == MERGED:
            event_moves.require_open(held)
        members = event_moves.members(connection, held)[event_id]
        connection.execute(update(events).where(events.c.id == event_id).values(state=OPEN))
        kept = _noted(connection, actor, event_id, "reopen", at=at, reason=why)
        step = Step(topic="event.reopened", actor=actor.name, at=at, facts={"event_id": str(event_id)})
        note(connection, step, [appeal.id for appeal in members])
        send(connection, step, key=f"event.reopened:{kept.id}")
        return event_moves.view(connection, event_id)


def watch(desk: Desk, actor: Actor, event_id: UUID, *, watched: bool) -> EventView:
    """Keep an eye on an event, or no longer; asking for what is so already changes nothing.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such event in the actor's districts.
        StateConflict: The event was merged into another.
    """
    require(actor, "event.change")
    with desk.database.transaction(actor.scope) as connection:
        held = event_moves.held(connection, [event_id])
        if held[event_id].state == MERGED:
            event_moves.require_open(held)
        if held[event_id].watched != watched:
            connection.execute(update(events).where(events.c.id == event_id).values(watched=watched))
            _noted(connection, actor, event_id, "watch" if watched else "unwatch", at=desk.clock())
        return event_moves.view(connection, event_id)


def _noted(
    connection: Connection, actor: Actor, event_id: UUID, kind: str, *, at: datetime, reason: str = ""
) -> EventStep:
    step = EventStep(id=new_id(at), event_id=event_id, kind=kind, reason=reason, actor=actor.name, at=at)
    event_steps.add(connection, step)
    return step


def _check_split(leaving: set[UUID], chosen: int, staying: int) -> None:
    if not leaving or chosen != len(leaving):
        raise InputError("要拆出的诉求不全在该事件中，请刷新后重新选择")
    if not staying:
        raise InputError("事件中至少要留下一件诉求")
    if chosen * staying > MOST_PAIRS:
        raise InputError(f"一次拆分涉及的诉求过多（{chosen}×{staying}），请分几次拆分")
