"""Puts work into the queue from where no worker is at hand: commands, and the watching of bundles."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection


def defer(connection: Connection, task: str, job_id: UUID, *, priority: int = 0) -> None:
    """Put a job into the queue, in the caller's transaction.

    Args:
        connection: Inside a transaction; the job is in the queue exactly when it commits.
        task: Name under which a worker knows what to do.
        job_id: The job; two pieces of work on one job never run at once.
        priority: Higher goes first; 0 is what people wait for.
    """
    from procrastinate import App, SyncPsycopgConnector  # noqa: PLC0415 - 0.3 s, for the few that defer

    app = App(connector=SyncPsycopgConnector())
    driver = connection.connection.driver_connection
    app.configure_task(task, lock=str(job_id), priority=priority, connection=driver).defer(job=str(job_id))
