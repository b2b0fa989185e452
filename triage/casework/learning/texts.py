"""Reads stored appeals as the models read them when they came in."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, select

from triage.appeal import Appeal
from triage.casework.privacy import TOMBSTONE
from triage.store.schema import appeals

_ROWS = 1_000


def appeals_of(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Appeal]:
    """Return appeals as they were received, or masked where the raw text is gone by age; erased ones are left out.

    The models must read what they will read: masking and normalising are part of reading, so what is learned is learned
    from the masked form. Nothing that this returns may be written anywhere.
    """
    found: dict[UUID, Appeal] = {}
    for at in range(0, len(ids), _ROWS):
        found |= _chunk(connection, ids[at : at + _ROWS])
    return found


def _chunk(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Appeal]:
    columns = (appeals.c.id, appeals.c.title_raw, appeals.c.content_raw, appeals.c.title, appeals.c.content)
    more = (appeals.c.address_raw, appeals.c.created_at, appeals.c.received_at, appeals.c.channel)
    rows = connection.execute(
        select(*columns, *more).where(appeals.c.id.in_(ids), appeals.c.content != TOMBSTONE).order_by(appeals.c.id)
    )
    return {
        row.id: Appeal(
            id=str(row.id),
            title=row.title_raw or row.title,
            content=row.content_raw or row.content,
            created_at=row.created_at or row.received_at,
            address=row.address_raw,
            channel=row.channel,
        )
        for row in rows
    }
