"""What people decided about proposals: the labels of the next training. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select

from triage.store import dispatches
from triage.store.schema import feedback


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """One decision of a person.

    Attributes:
        appeal_id: The appeal.
        decision_version: Which proposal it was about.
        kind: One of `triage.store.schema.FEEDBACK_KINDS`.
        actor: Who decided.
        at: When.
        unit_from: What was proposed or responsible before.
        unit_to: What is responsible now; empty after a return.
        event_from: The event before.
        event_to: The event now.
        reason: In the person's words.
        risk_from: The level that a warning named; of kind ``acknowledge`` only.
        risk_to: The level in the person's judgement, 0 for a false alarm; None: not said.
    """

    appeal_id: UUID
    decision_version: int
    kind: str
    actor: str
    at: datetime
    unit_from: str = ""
    unit_to: str = ""
    event_from: UUID | None = None
    event_to: UUID | None = None
    reason: str = ""
    risk_from: int | None = None
    risk_to: int | None = None


_FIELDS = tuple(Feedback.__slots__)


def add(connection: Connection, entries: Sequence[Feedback]) -> list[int]:
    """Add rows and return their numbers."""
    if not entries:
        return []
    rows = [{field: getattr(entry, field) for field in _FIELDS} for entry in entries]
    statement = insert(feedback).returning(feedback.c.id, sort_by_parameter_order=True)
    numbers = list(connection.execute(statement, rows).scalars())
    # Whoever judges a proposal judges what the machine did or would have done with it.
    dispatches.judge(connection, entries)
    return numbers


def of_appeal(connection: Connection, appeal_id: UUID) -> list[Feedback]:
    """Return what people decided about an appeal, in order."""
    columns = [feedback.c[field] for field in _FIELDS]
    rows = connection.execute(select(*columns).where(feedback.c.appeal_id == appeal_id).order_by(feedback.c.id))
    return [Feedback(**row._mapping) for row in rows]


def returned_units(connection: Connection, appeal_id: UUID) -> tuple[str, ...]:
    """Return the units that sent the appeal back, in order, each once."""
    statement = (
        select(feedback.c.unit_from)
        .where(feedback.c.appeal_id == appeal_id, feedback.c.kind == "return", feedback.c.unit_from != "")
        .order_by(feedback.c.id)
    )
    return tuple(dict.fromkeys(connection.execute(statement).scalars()))
