"""Decisions about appeals; every version is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from triage.store import schema


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDecision:
    """One version of the decision about an appeal.

    Attributes:
        appeal_id: The appeal.
        version: 1 for the first.
        record: The result record, its keys in the documented order.
        bundle: The models that made it.
        actor: For whom it was made.
        at: When.
    """

    appeal_id: UUID
    version: int
    record: Mapping[str, Any]
    bundle: str
    actor: str
    at: datetime


def add(connection: Connection, decision: StoredDecision) -> None:
    """Add a version."""
    connection.execute(
        insert(schema.decisions),
        {
            "appeal_id": decision.appeal_id,
            "version": decision.version,
            "record": dict(decision.record),
            "bundle": decision.bundle,
            "actor": decision.actor,
            "at": decision.at,
        },
    )


def versions(connection: Connection, appeal_id: UUID) -> list[StoredDecision]:
    """Return every version, oldest first; empty where the appeal is not visible."""
    table = schema.decisions.c
    rows = connection.execute(
        select(table.version, table.record, table.bundle, table.actor, table.at)
        .where(table.appeal_id == appeal_id)
        .order_by(table.version)
    )
    return [
        StoredDecision(appeal_id=appeal_id, version=r.version, record=r.record, bundle=r.bundle, actor=r.actor, at=r.at)
        for r in rows
    ]


def record(connection: Connection, appeal_id: UUID, version: int) -> Mapping[str, Any] | None:
    """Return the record of one version, None where there is none or the appeal is not visible."""
    table = schema.decisions.c
    found: Mapping[str, Any] | None = connection.execute(
        select(table.record).where(table.appeal_id == appeal_id, table.version == version)
    ).scalar_one_or_none()
    return found
