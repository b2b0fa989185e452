"""Terms in the store: until when each step of an appeal must be done, and who was reminded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Table, insert, select, update

from triage.store import schema

_terms: Table = schema.terms

OPEN, MET, DROPPED = "open", "met", "dropped"
HALF, MOST, OVER = 50, 80, 100
"""How much of a term is used up when it is told of, percent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTerm:
    """A term to begin.

    Attributes:
        appeal_id: The appeal.
        step: One of `triage.rules.deadlines.STEPS`.
        unit: Who must act; empty: the hotline itself, or not known yet.
        rule: Where the term comes from.
        started_at: Its begin.
        due_at: Its end.
        half_at: First reminder; None: nobody is reminded.
        most_at: Second reminder.
        next_at: When the sweep must look at it; None: never.
        reminded: What was told already, in percent: 100 for a term that was over before it began.
    """

    appeal_id: UUID
    step: str
    unit: str
    rule: str
    started_at: datetime
    due_at: datetime
    half_at: datetime | None
    most_at: datetime | None
    next_at: datetime | None
    reminded: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A term as stored.

    Attributes:
        id: Its number.
        appeal_id: The appeal.
        step: One of `triage.rules.deadlines.STEPS`.
        state: ``open``, ``met`` or ``dropped``.
        unit: Who must act.
        rule: Where the term comes from.
        started_at: Its begin.
        due_at: Its end.
        half_at: First reminder; None: nobody is reminded.
        most_at: Second reminder.
        reminded: What was told, in percent: 0, 50, 80 or 100.
        extensions: How often it was extended.
        paused_at: Since when it stands still; None: it runs.
        ended_at: When it was met or dropped.
    """

    id: int
    appeal_id: UUID
    step: str
    state: str
    unit: str
    rule: str
    started_at: datetime
    due_at: datetime
    half_at: datetime | None
    most_at: datetime | None
    reminded: int
    extensions: int
    paused_at: datetime | None
    ended_at: datetime | None

    def is_over(self, at: datetime) -> bool:
        """Say whether its end had passed, at the moment it was done or now."""
        return self.due_at < (self.ended_at or self.paused_at or at)

    def used(self, now: datetime) -> int:
        """Return how much is used up: 0, 50, 80 or 100 percent; 0 for windows, of which nobody is reminded."""
        if self.half_at is None or self.most_at is None or now < self.half_at:
            return 0
        if now < self.most_at:
            return HALF
        return MOST if now <= self.due_at else OVER

    def next_look(self, told: int) -> datetime | None:
        """Return when the sweep must look again after what it told; a term is over after its last second, not at it."""
        return {0: self.half_at, HALF: self.most_at, MOST: self.due_at + timedelta(seconds=1)}.get(told)


_COLUMNS = tuple(_terms.c[name] for name in Term.__dataclass_fields__)


def add(connection: Connection, fresh: Sequence[NewTerm]) -> list[int]:
    """Add terms and return their numbers."""
    rows = [{name: getattr(term, name) for name in NewTerm.__dataclass_fields__} for term in fresh]
    added = connection.execute(insert(_terms).returning(_terms.c.id, sort_by_parameter_order=True), rows)
    return list(added.scalars())


def of(connection: Connection, appeal_id: UUID) -> list[Term]:
    """Return the terms of an appeal, in the order of their begin; empty where the appeal is not visible."""
    statement = select(*_COLUMNS).where(_terms.c.appeal_id == appeal_id).order_by(_terms.c.started_at, _terms.c.id)
    return [_term(row) for row in connection.execute(statement)]


def standing(
    connection: Connection, appeal_id: UUID, *, step: str | None = None, unit: str | None = None
) -> list[Term]:
    """Return the open terms of an appeal and hold them until the transaction ends.

    Args:
        connection: Inside a transaction.
        appeal_id: The appeal.
        step: Only this step; None: all.
        unit: Only this unit's; None: all.
    """
    statement = select(*_COLUMNS).where(_terms.c.appeal_id == appeal_id, _terms.c.state == OPEN)
    if step is not None:
        statement = statement.where(_terms.c.step == step)
    if unit is not None:
        statement = statement.where(_terms.c.unit == unit)
    return [_term(row) for row in connection.execute(statement.order_by(_terms.c.id).with_for_update())]


def due_now(connection: Connection, *, now: datetime, most: int) -> list[Term]:
    """Take open terms whose next reminder is due, and hold them; other sweeps at the same time take other ones."""
    statement: Select[tuple[object, ...]] = (
        select(*_COLUMNS)
        .where(_terms.c.state == OPEN, _terms.c.next_at <= now)
        .order_by(_terms.c.next_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [_term(row) for row in connection.execute(statement)]


def change(connection: Connection, ids: Sequence[int], **values: object) -> None:
    """Change terms."""
    if ids:
        connection.execute(update(_terms).where(_terms.c.id.in_(ids)).values(values))


def _term(row: Row[tuple[object, ...]]) -> Term:
    return Term(**row._mapping)
