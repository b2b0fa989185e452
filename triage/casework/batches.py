"""Batches: many appeals posted at once, worked through later, each recorded once however often the work is broken off."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal, storable
from triage.casework.receive import receive
from triage.casework.rights import require
from triage.errors import TriageError
from triage.store import jobs
from triage.store.access import EVERYWHERE, Actor, Scope
from triage.store.errors import StoreUnavailable
from triage.store.jobs import Job, JobItem

KIND = "appeals.batch"
CHUNK = 50
"""Rows read at a time; each is recorded in a transaction of its own."""

_MOMENTS = ("created_at", "received_at")
_TEXTS = ("content", "title", "user", "address", "channel", "reference", "district")

log = logging.getLogger(__name__)


def post(
    desk: Desk, actor: Actor, appeals: Sequence[NewAppeal], *, announce: Callable[[Connection, UUID], None]
) -> Job:
    """Keep a batch for later; from here on it is not lost.

    Args:
        desk: The desk.
        actor: Who posts; the work is done in this actor's name and districts.
        appeals: In order; at least one.
        announce: Called inside the transaction with the job's id, to put the work into a queue.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.batch")
    inputs = [_stored(appeal) for appeal in appeals]
    with desk.database.transaction(actor.scope) as connection:
        job = jobs.create(connection, kind=KIND, inputs=inputs, actor=actor, at=desk.clock())
        announce(connection, job.id)
    return job


def work(desk: Desk, job_id: UUID, *, go_on: Callable[[], bool] = lambda: True) -> Job:
    """Work through the rows of a batch that are not settled.

    A row is recorded under an idempotency key of its own: if the process ends between recording it and noting that, the
    next one finds the appeal instead of recording a second one.

    Args:
        desk: The desk.
        job_id: The batch.
        go_on: Asked before every row; False leaves the rest for later.

    Returns:
        The batch as it is then; ``finished_at`` is None where rows are left.

    Raises:
        NotFound: There is no such batch.
        StoreUnavailable: The database cannot be reached; call again later.
    """
    with desk.database.transaction(EVERYWHERE) as connection:
        job = jobs.get(connection, job_id)
        if job.finished_at is not None:
            return job
        jobs.start(connection, job_id)
    actor = Actor(name=job.created_by, role="intake", scope=Scope(job.districts))
    while rows := _waiting(desk, job_id):
        for row in rows:
            if not go_on():
                return job
            _settle(desk, actor, job_id, row)
    with desk.database.transaction(EVERYWHERE) as connection:
        done = jobs.finish(connection, job_id, at=desk.clock())
    log.info("batch done", extra={"action": "batch.done", "job": str(job_id), "count": done.done})
    return done


def _waiting(desk: Desk, job_id: UUID) -> list[JobItem]:
    with desk.database.transaction(EVERYWHERE) as connection:
        return jobs.waiting(connection, job_id, most=CHUNK)


def _settle(desk: Desk, actor: Actor, job_id: UUID, row: JobItem) -> None:
    found: UUID | str
    try:
        receipt = receive(desk, actor, _restored(row.input or {}), idempotency_key=f"{job_id}:{row.row}")
        found = receipt.appeal_id
    except StoreUnavailable:
        raise
    except TriageError as error:
        found = str(error)
    except Exception as error:
        # A flaw that one appeal meets must not cost the others of the batch.
        log.exception("row failed", extra={"action": "batch.row.failed", "job": str(job_id), "count": row.row})
        found = f"处理失败（{type(error).__name__}）；请把此说明告知维护人员"
    with desk.database.transaction(EVERYWHERE) as connection:
        if isinstance(found, UUID):
            jobs.item_done(connection, job_id, row.row, found)
        else:
            jobs.item_failed(connection, job_id, row.row, found)


def _stored(appeal: NewAppeal) -> dict[str, Any]:
    values = {name: value for name, value in asdict(appeal).items() if value}
    cleaned = {name: storable(values[name]) for name in _TEXTS if name in values}
    return {**cleaned, **{name: values[name].isoformat() for name in _MOMENTS if name in values}}


def _restored(values: Mapping[str, Any]) -> NewAppeal:
    moments = {name: datetime.fromisoformat(values[name]) for name in _MOMENTS if name in values}
    return NewAppeal(**{**values, **moments})
