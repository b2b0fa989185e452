"""Reading the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.store import audit
from triage.store.access import EVERYWHERE, Actor
from triage.store.audit import AuditReport
from triage.store.schema import audit as table

MOST = 200
"""Most rows of one page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One row of the audit, without its hashes."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def entries(
    desk: Desk, actor: Actor, *, before: int | None = None, limit: int = 50, action: str = "", who: str = ""
) -> list[AuditEntry]:
    """Return rows, the latest first.

    Args:
        desk: The desk.
        actor: Administrator.
        before: Only rows of smaller numbers; None: from the latest on.
        limit: Most rows, 1 to `MOST`.
        action: Only this action, or all of a kind, such as ``bundle.``; empty: all.
        who: Only what this actor did (``user:<id>`` …); empty: everybody.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "audit.read")
    statement = select(*(table.c[name] for name in AuditEntry.__slots__))
    if action:
        kind = table.c.action.startswith(action, autoescape=True)
        statement = statement.where(kind if action.endswith(".") else table.c.action == action)
    if who:
        statement = statement.where(table.c.actor == who)
    if before is not None:
        statement = statement.where(table.c.id < before)
    with desk.database.transaction(EVERYWHERE) as connection:
        rows = connection.execute(statement.order_by(table.c.id.desc()).limit(max(1, min(limit, MOST))))
        return [AuditEntry(**row._mapping) for row in rows]


def check(desk: Desk, actor: Actor, *, seal: Path | None) -> AuditReport:
    """Compute the chain of hashes again.

    Args:
        desk: The desk.
        actor: Administrator.
        seal: The file that holds the signed head; None: the chain is checked without it.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "audit.read")
    with desk.database.transaction(EVERYWHERE) as connection:
        return audit.verify(connection, secret=desk.secret, seal=seal)
