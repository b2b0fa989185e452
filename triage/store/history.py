"""What happened to an appeal, step by step; rows are only ever added and hold ids and states, never texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from triage.store import schema


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One entry of an appeal's history.

    Attributes:
        at: When.
        actor: Who: ``user:<id>``, ``key:<id>`` or ``system``.
        action: What: ``received``, ``dispatched``, ``confirm`` …
        detail: Ids, states and names of units.
    """

    at: datetime
    actor: str
    action: str
    detail: Mapping[str, Any]


def add(
    connection: Connection,
    appeal_id: UUID,
    *,
    actor: str,
    action: str,
    at: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a step to an appeal's history."""
    row = {"appeal_id": appeal_id, "at": at, "actor": actor, "action": action, "detail": dict(detail or {})}
    connection.execute(insert(schema.history), row)


def of(connection: Connection, appeal_id: UUID) -> list[Step]:
    """Return an appeal's history, oldest first; empty where the appeal is not visible."""
    table = schema.history.c
    rows = connection.execute(
        select(table.at, table.actor, table.action, table.detail).where(table.appeal_id == appeal_id).order_by(table.id)
    )
    return [Step(at=row.at, actor=row.actor, action=row.action, detail=row.detail) for row in rows]
