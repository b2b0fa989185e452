"""Taking back what a person decided about an event, and verdicts on pairs that the machine was not sure of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from triage.casework import event_moves, warnings
from triage.casework.desk import Desk
from triage.casework.event_moves import MERGED, OPEN, EventView
from triage.casework.events import merged
from triage.casework.review import optional_reason
from triage.casework.rights import require
from triage.casework.traces import Step, leave, note, send
from triage.store import event_steps, unsure
from triage.store.access import Actor
from triage.store.errors import NotFound, Refused, StateConflict
from triage.store.event_steps import EventStep, Move
from triage.store.feedback import Feedback
from triage.store.ids import new_id
from triage.store.schema import appeals, events


def undo(desk: Desk, actor: Actor, event_id: UUID) -> EventView:
    """Take back the latest merge, split or verdict that touched an event.

    After a merge the appeals go back to the events they came from; what came in since stays. After a split the new event
    goes back, with what came to it since. Links say again what they said before. The step stays on record as undone.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator who may see every appeal concerned.
        event_id: The event, also one that was merged into another.

    Returns:
        The event that the step was about.

    Raises:
        Refused: The actor may not, or appeals lie in districts the actor does not see.
        NotFound: There is no such event in the actor's districts.
        StateConflict: Nothing is to be taken back, a later step builds on it, or an event was closed since.
    """
    require(actor, "event.change")
    with desk.database.transaction(actor.scope) as connection:
        step = event_steps.last_reversible(connection, [event_id])
        if step is None:
            event_moves.held(connection, [event_id])
            raise StateConflict(f"事件 {event_id} 没有可撤销的并单、拆分或判定")
        moved = event_steps.moves(connection, step.id)
        _nothing_later(connection, step, moved)
        back = _moved_back(connection, desk, actor, step, moved)
        event_steps.restore_verdicts(connection, step.id)
        event_steps.mark_undone(connection, step.id, at=desk.clock())
        return _told(connection, desk, actor, step, back)


def judge(desk: Desk, actor: Actor, *, appeal_id: UUID, other_id: UUID, same: bool, reason: str = "") -> EventView:
    """Say whether two appeals that the machine was not sure of are about one event.

    If they are, the newer one's event goes into the older one's; if not, the machine never brings the two together.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator who may see every appeal of both events.
        appeal_id: The newer appeal of the pair, as listed.
        other_id: The older one.
        same: The verdict.
        reason: Why; optional.

    Returns:
        The event of the older appeal.

    Raises:
        Refused: The actor may not, or an event has appeals in districts the actor does not see.
        NotFound: No such pair waits for a verdict in the actor's districts.
        StateConflict: An event was closed since.
    """
    require(actor, "event.change")
    why = optional_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        if not unsure.is_unsure(connection, appeal_id, other_id):
            raise NotFound("没有待判定的这一对诉求：可能已有人判定，或不在可见区划内")
        statement = select(appeals.c.id, appeals.c.event_id).where(appeals.c.id.in_([appeal_id, other_id]))
        event_of = {row.id: row.event_id for row in connection.execute(statement)}
        newer, older = event_of[appeal_id], event_of[other_id]
        if same:
            return merged(connection, desk, actor, into=older, others=[newer], reason=why, kind="same", compared=newer)
        return _parted(connection, desk, actor, newer=newer, older=older, reason=why)


def _parted(connection: Connection, desk: Desk, actor: Actor, *, newer: UUID, older: UUID, reason: str) -> EventView:
    """Put it on record that no appeal of one event is about the other."""
    at = desk.clock()
    held = event_moves.held(connection, [newer, older])
    event_moves.require_open(held)
    members = event_moves.members(connection, held)
    ids = {event: [appeal.id for appeal in mine] for event, mine in members.items()}
    former = event_steps.judge(connection, ids[newer], ids[older], verdict="apart", at=at)
    step = EventStep(
        id=new_id(at), event_id=older, other_id=newer, kind="apart", reason=reason, actor=actor.name, at=at
    )
    event_steps.add(connection, step, verdicts=former)
    told = Step(
        topic="event.parted", actor=actor.name, at=at, facts={"event_id": str(older), "other_event_id": str(newer)}
    )
    note(connection, told, ids[newer])
    send(connection, told, key=f"event.parted:{step.id}")
    return event_moves.view(connection, older)


def _nothing_later(connection: Connection, step: EventStep, moved: Sequence[Move]) -> None:
    """Go on only where no later step built on this one: taken back in the wrong order, steps would contradict each other."""
    touched = {step.event_id, *(move.event_from for move in moved)} | ({step.other_id} if step.other_id else set())
    last = event_steps.last_reversible(connection, touched)
    if last is not None and last.id != step.id:
        raise StateConflict(f"事件 {last.event_id} 之后又有操作，请先撤销后一次操作")


def _moved_back(
    connection: Connection, desk: Desk, actor: Actor, step: EventStep, moved: Sequence[Move]
) -> list[Feedback]:
    if step.kind == "apart":
        event_moves.held(connection, [step.event_id])
        return []
    if step.kind == "split" and step.other_id is not None:
        return _rejoined(connection, actor, step, step.other_id, at=desk.clock())
    return _parted_again(connection, desk, actor, step, moved)


def _rejoined(connection: Connection, actor: Actor, step: EventStep, fresh: UUID, *, at: datetime) -> list[Feedback]:
    """Take back a split: the whole new event goes back."""
    held = event_moves.held(connection, [step.event_id, fresh])
    event_moves.require_open(held)
    mine = event_moves.members(connection, held)[fresh]
    labels = event_moves.labels(mine, step.event_id, kind="merge", actor=actor, at=at, reason="")
    gone = {"state": MERGED, "merged_into": step.event_id, "size": 0}
    connection.execute(update(events).where(events.c.id == fresh).values(**gone))
    event_moves.move(connection, mine, step.event_id)
    return labels


def _parted_again(
    connection: Connection, desk: Desk, actor: Actor, step: EventStep, moved: Sequence[Move]
) -> list[Feedback]:
    """Take back a merge: what it moved, and is still there, goes back to where it came from."""
    held = event_moves.held(connection, [step.event_id])
    event_moves.require_open(held)
    members = {appeal.id: appeal for appeal in event_moves.members(connection, held)[step.event_id]}
    labels: list[Feedback] = []
    for source in sorted({move.event_from for move in moved}):
        mine = [members[move.appeal_id] for move in moved if move.event_from == source and move.appeal_id in members]
        if not mine:
            continue
        labels += event_moves.labels(mine, source, kind="split", actor=actor, at=desk.clock(), reason="")
        # First the appeals: an event without any is not visible to a district.
        event_moves.move(connection, mine, source)
        reopened = update(events).where(events.c.id == source, events.c.state == MERGED)
        if not connection.execute(reopened.values(state=OPEN, merged_into=None)).rowcount:
            raise StateConflict(f"事件 {source} 已不在，不能撤销并单")
        event_moves.told(connection, desk, source)
    if len(labels) == len(members):
        raise StateConflict(f"事件 {step.event_id} 原有的诉求已不在，不能撤销并单")
    if not labels:
        raise Refused(f"事件 {step.event_id} 中并入的诉求已不在，无可撤销")
    return labels


def _told(connection: Connection, desk: Desk, actor: Actor, step: EventStep, labels: Sequence[Feedback]) -> EventView:
    at = desk.clock()
    view = event_moves.told(connection, desk, step.event_id)
    taken = EventStep(
        id=new_id(at),
        event_id=step.event_id,
        other_id=step.other_id,
        kind="undo",
        undoes=step.id,
        actor=actor.name,
        at=at,
    )
    event_steps.add(connection, taken)
    facts = {"event_id": str(step.event_id), "step": step.kind, "size": view.size}
    told = Step(topic="event.undone", actor=actor.name, at=at, facts=facts)
    if labels:
        gone_back = {label.event_to for label in labels if label.event_to is not None}
        warnings.on_change(connection, desk, {step.event_id, *gone_back})
        leave(connection, told, labels)
    else:
        send(connection, told, key=f"event.undone:{taken.id}")
    return view
