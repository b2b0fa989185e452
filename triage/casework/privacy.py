"""Unmasked text for those who need it, and the right to be forgotten."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text, update

from triage.casework.desk import Desk
from triage.casework.intake import storable
from triage.casework.review import MOST_REASON
from triage.casework.rights import require
from triage.casework.traces import Step, note
from triage.errors import InputError
from triage.store import audit
from triage.store.access import EVERYWHERE, Actor
from triage.store.errors import NotFound
from triage.store.schema import appeals, job_items

log = logging.getLogger(__name__)

TOMBSTONE = "已按申请删除"
"""Stands where the text of an erased appeal stood."""

LEAST_REASON = 4
_ERASE = text("SELECT appellant_erase(CAST(:who AS bytea), CAST(:tombstone AS text))")
_BATCH = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmasked:
    """The raw text of an appeal; not to be logged or stored.

    Attributes:
        appeal_id: The appeal.
        title: As received.
        content: As received.
        address: As received.
        audit_row: Number of the audit row that says who read it.
    """

    appeal_id: UUID
    title: str = field(repr=False)
    content: str = field(repr=False)
    address: str = field(repr=False)
    audit_row: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Erasure:
    """What an erasure removed.

    Attributes:
        appeals: Ids of the appeals that hold only the tombstone now.
        job_rows: Posted rows that never became appeals and were removed.
    """

    appeals: tuple[UUID, ...]
    job_rows: int


def unmask(desk: Desk, actor: Actor, appeal_id: UUID, reason: str) -> Unmasked:
    """Return the raw text of an appeal; who read it and why is on record before anybody sees it.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        reason: Why, 4 … 500 characters; kept in the audit, so it must not quote the appeal.

    Raises:
        Refused: The actor may not.
        InputError: The reason is missing.
        NotFound: There is no such appeal in the actor's districts.
    """
    require(actor, "appeal.unmask")
    why = reason.strip()
    if not LEAST_REASON <= len(why) <= MOST_REASON or storable(why) != why:
        raise InputError(f"查看未脱敏原文须写明理由（{LEAST_REASON} 至 {MOST_REASON} 字）")
    statement = select(appeals.c.title_raw, appeals.c.content_raw, appeals.c.address_raw)
    with desk.database.transaction(actor.scope) as connection:
        row = connection.execute(statement.where(appeals.c.id == appeal_id)).one_or_none()
        if row is None:
            raise NotFound(f"没有诉求 {appeal_id}，或不在可见区划内")
        number = audit.append(
            connection, actor=actor.name, action="appeal.unmask", subject=str(appeal_id), detail={"reason": why}
        )
    # Only here, after the commit: had it failed, the text would have been read without a record.
    return Unmasked(
        appeal_id=appeal_id, title=row.title_raw, content=row.content_raw, address=row.address_raw, audit_row=number
    )


def erase(desk: Desk, actor: Actor, appellant: str) -> Erasure:
    """Forget a person on request: texts, address, vectors, signatures, links and all quotes of every appeal of theirs.

    What stays: that there was an appeal, its number, when, where (district), what about (category), who handled it. What
    this cannot reach: copies that left the system, backups made before (`triage db backup`), and what the person
    wrote under another name.

    Args:
        desk: The desk.
        actor: Administrator.
        appellant: Name or account as it was posted in ``user``.

    Raises:
        Refused: The actor may not.
        InputError: The name is empty.
    """
    require(actor, "appellant.erase")
    who = desk.appellant_hash(appellant)
    if who is None:
        raise InputError("请写明要删除的诉求人（与登记时的用户一致）")
    with desk.database.transaction(EVERYWHERE) as connection:
        ids = tuple(connection.execute(_ERASE, {"who": who, "tombstone": TOMBSTONE}).scalar_one())
        rows = _erase_inputs(connection, desk, who)
        step = Step(topic="appeal.erased", actor=actor.name, at=desk.clock(), facts={})
        note(connection, step, ids)
        # The hash names the person to whoever holds the secret; the audit keeps a part that shows only repetition.
        detail = {"appeals": len(ids), "job_rows": rows}
        audit.append(connection, actor=actor.name, action="appellant.erase", subject=who.hex()[:12], detail=detail)
    log.info("erased", extra={"action": "appellant.erase", "appeals": len(ids), "job_rows": rows})
    return Erasure(appeals=ids, job_rows=rows)


def _erase_inputs(connection: Connection, desk: Desk, who: bytes) -> int:
    """Remove what the person posted in a batch and what is still waiting there or was rejected."""
    gone, after = 0, (UUID(int=0), -1)
    job, row = job_items.c.job_id, job_items.c.row
    while batch := _waiting(connection, after):
        for item in batch:
            if desk.appellant_hash(str((item.input or {}).get("user") or "")) == who:
                values: dict[str, Any] = {"input": None, "error": TOMBSTONE}
                connection.execute(update(job_items).where(job == item.job_id, row == item.row).values(**values))
                gone += 1
        after = (batch[-1].job_id, batch[-1].row)
    return gone


def _waiting(connection: Connection, after: tuple[UUID, int]) -> list[Any]:
    job, row = job_items.c.job_id, job_items.c.row
    later = (job > after[0]) | ((job == after[0]) & (row > after[1]))
    statement = select(job, row, job_items.c.input).where(job_items.c.input.is_not(None), later)
    return list(connection.execute(statement.order_by(job, row).limit(_BATCH)))
