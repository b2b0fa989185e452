"""Which requests were answered before, so that repeating one does nothing twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from triage.store import schema
from triage.store.errors import IdempotencyConflict

LONGEST_KEY = 200
"""Characters of an idempotency key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request that may be repeated.

    Attributes:
        principal: Who asks: ``key:<id>`` or ``user:<id>``; keys of different principals never meet.
        key: Chosen by whoever asks.
        hash: Of the body, 32 bytes.
    """

    principal: str
    key: str
    hash: bytes


def request_hash(body: Mapping[str, object]) -> bytes:
    """Return the hash of a body, 32 bytes; the order of its fields does not matter."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).digest()


def answered(connection: Connection, request: Request) -> UUID | None:
    """Return the appeal of an earlier request of the same key, None for a new key.

    Raises:
        IdempotencyConflict: The earlier request had another body.
    """
    table = schema.idempotency.c
    row = connection.execute(
        select(table.request_hash, table.appeal_id).where(
            table.principal == request.principal, table.key == request.key
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_hash != request.hash:
        raise IdempotencyConflict("该幂等键（Idempotency-Key）已用于另一份内容；新的诉求请换用新的键")
    appeal_id: UUID = row.appeal_id
    return appeal_id


def add(connection: Connection, request: Request, appeal_id: UUID, *, at: datetime) -> None:
    """Record that a request was answered with an appeal."""
    connection.execute(
        insert(schema.idempotency),
        {
            "principal": request.principal,
            "key": request.key,
            "request_hash": request.hash,
            "appeal_id": appeal_id,
            "at": at,
        },
    )


def forget(connection: Connection, *, before: datetime) -> int:
    """Delete keys older than ``before``; return how many."""
    return connection.execute(delete(schema.idempotency).where(schema.idempotency.c.at < before)).rowcount
