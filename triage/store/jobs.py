"""Jobs that work through many rows: what was posted, what became of each row, how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, and_, case, insert, select, update

from triage.store.access import Actor
from triage.store.errors import NotFound
from triage.store.ids import new_id
from triage.store.schema import job_items, jobs

_INSERTED_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job.

    Attributes:
        id: Its row.
        kind: What it does, e.g. ``appeals.batch``.
        state: One of `triage.store.schema.JOB_STATES`.
        total: Rows in all.
        done: Rows that succeeded.
        failed: Rows that did not.
        error: Why the job as a whole failed; empty if it did not.
        created_by: Who started it.
        districts: What that person could see; the job may not do more.
        created_at: When it was started.
        finished_at: When it ended; None while it has not.
    """

    id: UUID
    kind: str
    state: str
    total: int
    done: int
    failed: int
    error: str
    created_by: str
    districts: tuple[str, ...]
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class JobItem:
    """One row of a job.

    Attributes:
        row: Its number, from 1.
        input: What was posted; None once it is recorded.
        appeal_id: The appeal it became; None if it is waiting or failed.
        error: Why it failed; empty if it did not.
    """

    row: int
    input: Mapping[str, Any] | None
    appeal_id: UUID | None
    error: str


_COLUMNS = tuple(jobs.c[field] for field in Job.__slots__)
_ITEM_COLUMNS = tuple(job_items.c[field] for field in JobItem.__slots__)


def create(
    connection: Connection, *, kind: str, inputs: Sequence[Mapping[str, Any]], actor: Actor, at: datetime
) -> Job:
    """Add a job with its rows, numbered from 1."""
    job_id = new_id(at)
    values = {"id": job_id, "kind": kind, "total": len(inputs), "created_by": actor.name, "created_at": at}
    statement = insert(jobs).values(**values, districts=list(actor.scope.districts)).returning(*_COLUMNS)
    job = _job(connection.execute(statement).one())
    rows = [{"job_id": job_id, "row": number, "input": dict(posted)} for number, posted in enumerate(inputs, 1)]
    for first in range(0, len(rows), _INSERTED_AT_ONCE):
        connection.execute(insert(job_items), rows[first : first + _INSERTED_AT_ONCE])
    return job


def get(connection: Connection, job_id: UUID) -> Job:
    """Return a job.

    Raises:
        NotFound: There is none, or the principal may not see it.
    """
    row = connection.execute(select(*_COLUMNS).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise NotFound(f"没有任务 {job_id}，或不在可见区划内")
    return _job(row)


def latest(connection: Connection, *, most: int = 50) -> list[Job]:
    """Return jobs, latest first."""
    statement = select(*_COLUMNS).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(most)
    return [_job(row) for row in connection.execute(statement)]


def start(connection: Connection, job_id: UUID) -> None:
    """Note that a worker has taken a job up, or up again after a crash."""
    connection.execute(update(jobs).where(jobs.c.id == job_id, jobs.c.finished_at.is_(None)).values(state="running"))


def waiting(connection: Connection, job_id: UUID, *, most: int) -> list[JobItem]:
    """Return rows that neither succeeded nor failed, in order; after a crash the work goes on with these."""
    unsettled = and_(job_items.c.appeal_id.is_(None), job_items.c.error == "", job_items.c.input.is_not(None))
    statement = select(*_ITEM_COLUMNS).where(job_items.c.job_id == job_id, unsettled)
    return [JobItem(**row._mapping) for row in connection.execute(statement.order_by(job_items.c.row).limit(most))]


def items(connection: Connection, job_id: UUID, *, after: int = 0, most: int = 100) -> list[JobItem]:
    """Return rows after a number, in order."""
    statement = select(*_ITEM_COLUMNS).where(job_items.c.job_id == job_id, job_items.c.row > after)
    return [JobItem(**row._mapping) for row in connection.execute(statement.order_by(job_items.c.row).limit(most))]


def item_done(connection: Connection, job_id: UUID, row: int, appeal_id: UUID) -> None:
    """Note what a row became and forget what was posted; a second note of the same row counts nothing."""
    _settle(connection, job_id, row, {"appeal_id": appeal_id, "input": None}, counted="done")


def item_failed(connection: Connection, job_id: UUID, row: int, error: str) -> None:
    """Note why a row failed, without quoting it; what was posted stays until retention removes it, for a second try."""
    _settle(connection, job_id, row, {"error": error[:500] or "失败"}, counted="failed")


def finish(connection: Connection, job_id: UUID, *, at: datetime, error: str = "") -> Job:
    """End a job; with an error it failed as a whole.

    Raises:
        NotFound: There is none, or the principal may not see it.
    """
    # A job that ended stays as it ended, whoever finishes it a second time.
    values = {"state": "failed" if error else "done", "error": error[:500], "finished_at": at}
    connection.execute(update(jobs).where(jobs.c.id == job_id, jobs.c.finished_at.is_(None)).values(**values))
    return get(connection, job_id)


def _settle(connection: Connection, job_id: UUID, row: int, values: Mapping[str, Any], *, counted: str) -> None:
    mine = and_(job_items.c.job_id == job_id, job_items.c.row == row)
    unsettled = and_(job_items.c.appeal_id.is_(None), job_items.c.error == "")
    changed = connection.execute(update(job_items).where(mine, unsettled).values(**values)).rowcount
    if changed:
        column = jobs.c[counted]
        fresh = {counted: column + 1, "state": case((jobs.c.state == "queued", "running"), else_=jobs.c.state)}
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(**fresh))


def _job(row: Row[Any]) -> Job:
    values = {field: getattr(row, field) for field in Job.__slots__}
    return Job(**{**values, "districts": tuple(row.districts)})
