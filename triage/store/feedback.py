"""What people decided about proposals: the labels of the next training. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select, text

from triage.store.schema import feedback

_CONFIRMED = text(
    """
    SELECT DISTINCT ON (f.appeal_id) f.appeal_id, f.unit_to, f.at
    FROM feedback AS f
    WHERE f.kind IN ('confirm', 'reassign', 'return') AND f.at >= :since
    ORDER BY f.appeal_id, f.id DESC
    """
)


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


_FIELDS = tuple(Feedback.__slots__)


def add(connection: Connection, entries: Sequence[Feedback]) -> list[int]:
    """Add rows and return their numbers."""
    if not entries:
        return []
    rows = [{field: getattr(entry, field) for field in _FIELDS} for entry in entries]
    statement = insert(feedback).returning(feedback.c.id, sort_by_parameter_order=True)
    return list(connection.execute(statement, rows).scalars())


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


def confirmed_since(connection: Connection, since: datetime, *, most: int) -> dict[UUID, str]:
    """Return appeal → unit that a person last confirmed or chose, latest first; appeals that were returned are left out."""
    rows = [row for row in connection.execute(_CONFIRMED, {"since": since}) if row.unit_to]
    rows.sort(key=lambda row: (row.at, row.appeal_id), reverse=True)
    return {row.appeal_id: row.unit_to for row in rows[:most]}
