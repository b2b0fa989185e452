"""What people decided about events: written down with what it moved, so that it can be taken back and is respected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, or_, select, tuple_, update

from triage.store import schema

BY_PERSON = "人工判定"
"""Reason of a link on which a person has passed a verdict."""

REVERSIBLE = ("merge", "split", "same", "apart")
"""Steps that can be taken back."""

MOST = 200
"""Most steps shown of an event."""

_links = schema.links
_appeals = schema.appeals
_steps, _moves, _verdicts = (
    schema.event_steps.event_steps,
    schema.event_steps.event_moves,
    schema.event_steps.event_verdicts,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventStep:
    """One person's step.

    Attributes:
        id: The step.
        event_id: The event acted on: the one that stayed after a merge, that was split, closed …
        other_id: The event that a split made, or that a verdict compared it with; else None.
        kind: One of `schema.event_steps.EVENT_STEPS`.
        moved: Appeals that it moved.
        reason: As the person wrote it.
        actor: Who.
        at: When.
        undoes: The step that it takes back; None unless it is an undo.
        undone_at: When it was taken back; None while it holds.
    """

    id: UUID
    event_id: UUID
    other_id: UUID | None = None
    kind: str
    moved: int = 0
    reason: str = ""
    actor: str
    at: datetime
    undoes: UUID | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """An appeal that a step took from one event to another."""

    appeal_id: UUID
    event_from: UUID
    event_to: UUID


@dataclass(frozen=True, slots=True)
class FormerVerdict:
    """What a link said before a step; verdict None: the step made it."""

    appeal_id: UUID
    other_id: UUID
    verdict: str | None
    reason: str


def add(
    connection: Connection, step: EventStep, *, moves: Sequence[Move] = (), verdicts: Sequence[FormerVerdict] = ()
) -> None:
    """Write a step down.

    Args:
        connection: In the transaction of the step.
        step: The step; its ``moved`` is the number of moves.
        moves: Where each appeal came from.
        verdicts: What the links that it changed said before.
    """
    values = {name: getattr(step, name) for name in EventStep.__slots__}
    connection.execute(insert(_steps).values(**values))
    if moves:
        rows = [{"appeal_id": m.appeal_id, "event_from": m.event_from, "event_to": m.event_to} for m in moves]
        connection.execute(insert(_moves), [{"step_id": step.id, **row} for row in rows])
    if verdicts:
        former = [
            {"appeal_id": v.appeal_id, "other_id": v.other_id, "verdict": v.verdict, "reason": v.reason}
            for v in verdicts
        ]
        connection.execute(insert(_verdicts), [{"step_id": step.id, **row} for row in former])


def of_event(connection: Connection, event_id: UUID) -> tuple[EventStep, ...]:
    """Return the visible steps that touched an event, the latest first, at most `MOST`."""
    statement = select(*_columns()).where(_touches([event_id]))
    rows = connection.execute(statement.order_by(_steps.c.at.desc(), _steps.c.id.desc()).limit(MOST))
    return tuple(EventStep(**row._mapping) for row in rows)


def last_reversible(connection: Connection, events: Collection[UUID]) -> EventStep | None:
    """Return the latest visible step touching one of these events that can be taken back and has not been."""
    statement = select(*_columns()).where(_touches(events), _steps.c.kind.in_(REVERSIBLE), _steps.c.undone_at.is_(None))
    row = connection.execute(statement.order_by(_steps.c.at.desc(), _steps.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else EventStep(**row._mapping)


def moves(connection: Connection, step_id: UUID) -> tuple[Move, ...]:
    """Return what a step moved, in the order of appeals; appeals that were purged since are missing."""
    columns = (_moves.c.appeal_id, _moves.c.event_from, _moves.c.event_to)
    rows = connection.execute(select(*columns).where(_moves.c.step_id == step_id).order_by(_moves.c.appeal_id))
    return tuple(Move(*row) for row in rows)


def mark_undone(connection: Connection, step_id: UUID, *, at: datetime) -> None:
    """Note that a step was taken back."""
    connection.execute(update(_steps).where(_steps.c.id == step_id).values(undone_at=at))


def restore_verdicts(connection: Connection, step_id: UUID) -> None:
    """Give links back what they said before a step; those that the step made go."""
    table = _verdicts.c
    rows = connection.execute(
        select(table.appeal_id, table.other_id, table.verdict, table.reason).where(table.step_id == step_id)
    ).all()
    key = tuple_(_links.c.appeal_id, _links.c.other_id)
    made = [(row.appeal_id, row.other_id) for row in rows if row.verdict is None]
    if made:
        connection.execute(delete(_links).where(key.in_(made)))
    for verdict, reason in sorted({(row.verdict, row.reason) for row in rows if row.verdict is not None}):
        changed = [(row.appeal_id, row.other_id) for row in rows if (row.verdict, row.reason) == (verdict, reason)]
        connection.execute(update(_links).where(key.in_(changed)).values(verdict=verdict, reason=reason))


def judge(
    connection: Connection, some: Sequence[UUID], others: Sequence[UUID], *, verdict: str, at: datetime
) -> list[FormerVerdict]:
    """Put a person's word on the links between two sets of appeals; parted pairs without a link get one.

    Args:
        connection: In a transaction that sees all of them.
        some: Appeals.
        others: Other appeals.
        verdict: ``same`` or ``apart``.
        at: When.

    Returns:
        What the links said before.
    """
    one, other = _links.c.appeal_id, _links.c.other_id
    either = or_(and_(one.in_(some), other.in_(others)), and_(one.in_(others), other.in_(some)))
    rows = connection.execute(select(one, other, _links.c.verdict, _links.c.reason).where(either)).all()
    former = [FormerVerdict(*row) for row in rows]
    connection.execute(update(_links).where(either).values(verdict=verdict, reason=BY_PERSON, at=at))
    if verdict != "apart":
        return former
    known = {frozenset((v.appeal_id, v.other_id)) for v in former}
    # The newer appeal (ids grow with time) points to the older one, as in links that the machine found.
    pairs = [(max(a, b), min(a, b)) for a in some for b in others if frozenset((a, b)) not in known]
    fixed = {"probability": 0.0, "verdict": verdict, "reason": BY_PERSON, "at": at}
    if pairs:
        connection.execute(insert(_links), [{"appeal_id": a, "other_id": b, **fixed} for a, b in pairs])
    return former + [FormerVerdict(a, b, None, "") for a, b in pairs]


def parted(connection: Connection, ids: Collection[UUID]) -> set[frozenset[UUID]]:
    """Return the pairs among some appeals of which a person said that they are not about one event."""
    if len(ids) < 2:
        return set()
    said = (_links.c.verdict == "apart", _links.c.reason == BY_PERSON)
    rows = connection.execute(
        select(_links.c.appeal_id, _links.c.other_id).where(
            _links.c.appeal_id.in_(ids), _links.c.other_id.in_(ids), *said
        )
    )
    return {frozenset(row) for row in rows}


def parts(connection: Connection, ids: Iterable[UUID]) -> Mapping[UUID, UUID]:
    """Return, for appeals that a person brought into their event, the event they came from first; the others are left out.

    What a person joined need not be alike: whoever is like one part of such an event belongs to it.
    """
    wanted = list(ids)
    if not wanted:
        return {}
    rows = connection.execute(
        select(_moves.c.appeal_id, _moves.c.event_from)
        .join(_steps, _steps.c.id == _moves.c.step_id)
        .where(_moves.c.appeal_id.in_(wanted), _steps.c.kind.in_(("merge", "same")), _steps.c.undone_at.is_(None))
        .order_by(_steps.c.at.desc(), _steps.c.id.desc())
    )
    return {row.appeal_id: row.event_from for row in rows}


def joined_by_person(connection: Connection, events: Collection[UUID]) -> set[UUID]:
    """Return those of some events that a person merged others into."""
    if not events:
        return set()
    kinds = _steps.c.kind.in_(("merge", "same"))
    rows = connection.execute(
        select(_steps.c.event_id).where(_steps.c.event_id.in_(events), kinds, _steps.c.undone_at.is_(None))
    )
    return {row.event_id for row in rows}


def _columns() -> list[ColumnElement[object]]:
    return [_steps.c[name] for name in EventStep.__slots__]


def _touches(events: Collection[UUID]) -> ColumnElement[bool]:
    gone = exists().where(_moves.c.step_id == _steps.c.id, _moves.c.event_from.in_(events))
    return or_(_steps.c.event_id.in_(events), _steps.c.other_id.in_(events), gone)
