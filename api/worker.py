"""The queue (procrastinate, in the store's own database) and the worker: batches, messages to others, and rounds.

Nothing that recurs is left to the queue's cron: it goes by the wall clock and would stand still after that was put back.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from procrastinate import App, PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from sqlalchemy import URL, Connection, text

from api.rounds import Post, Round, Rounds
from triage.casework import batches, encoders, facets, reencoding, reports, terms, warnings
from triage.casework.desk import Desk
from triage.casework.dispatching import releasing
from triage.casework.reports import ReportPlan
from triage.casework.targets import Mailroom
from triage.store import idempotency, jobs
from triage.store.access import EVERYWHERE
from triage.store.errors import StoreUnavailable
from triage.store.roles import conninfo

LOG = logging.getLogger("api.worker")

BATCH_TASK = "triage.batch"
REPORT_TASK = "triage.report"
_HEARTBEAT = 5.0
_STALLED_AFTER = 20.0
"""Seconds without a heartbeat after which a worker counts as dead and its job is taken over."""
_TAKE_OVER_SECONDS = 60.0
_KEYS_KEPT = timedelta(days=7)
_GRACE = 15.0
_LATE = text("""
    UPDATE procrastinate_jobs SET scheduled_at = NULL
    WHERE status = 'todo' AND scheduled_at > clock_timestamp() + interval '1 minute'
""")
"""No job of ours is put off for more than seconds; one that seems to be was put off before the clock was put back."""


class NotFinishedError(Exception):
    """The service stops in the middle of a batch; the rest is done after the next start."""


class Queue:
    """Puts work into the queue, in the transaction of whoever calls; opens no connection of its own."""

    def __init__(self) -> None:
        """Make the queue's sender."""
        self._app = App(connector=SyncPsycopgConnector())

    def announce(self, connection: Connection, job_id: UUID) -> None:
        """Put a batch into the queue; it is there exactly when the transaction is."""
        self._defer(connection, BATCH_TASK, job_id)

    def announce_report(self, connection: Connection, report_id: UUID) -> None:
        """Put a report into the queue; it goes before batches that are waiting."""
        self._defer(connection, REPORT_TASK, report_id, priority=1)

    def _defer(self, connection: Connection, task: str, job_id: UUID, *, priority: int = 0) -> None:
        driver = connection.connection.driver_connection
        deferrer = self._app.configure_task(task, lock=str(job_id), connection=driver, priority=priority)
        deferrer.defer(job=str(job_id))


class Worker:
    """Works on batches, delivers messages and goes its rounds, in threads of its own, until it is stopped."""

    def __init__(self, desk: Desk, url: URL, *, room: Mailroom, alone: bool, plan: ReportPlan | None = None) -> None:
        """Store the parts.

        Args:
            desk: What the work needs.
            url: Where the service's role reaches the database.
            room: What telling others needs.
            alone: Whether no other worker can be alive, as with an embedded store: then jobs of dead workers are taken over
                at once instead of after `_STALLED_AFTER`.
            plan: Which reports are made by themselves; None: none.
        """
        self._desk, self._alone = desk, alone
        self._stopping = threading.Event()
        self._app = _tasks(desk, url, go_on=self._goes_on)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._main, name="triage-worker", daemon=True)
        self._post = Post(room)
        self._rounds = Rounds([*rounds_of(desk, go_on=self._goes_on, plan=plan), self._taking_over()], clock=desk.clock)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._post.start()
        self._rounds.start()

    def stop(self) -> None:
        """Let the row at hand be finished and end."""
        self._stopping.set()
        loop, work = self._loop, self._work
        if loop is not None and work is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(work.cancel)
            except RuntimeError:
                # Closed between the question and the call.
                LOG.debug("already ended", extra={"action": "worker.end"})
        self._rounds.stop()
        self._post.stop()
        self._thread.join(_GRACE + 5)

    def _goes_on(self) -> bool:
        return not self._stopping.is_set()

    def _taking_over(self) -> Round:
        def take_over() -> None:
            loop = self._loop
            if loop is None or loop.is_closed() or self._work is None:
                return
            with self._desk.database.transaction(EVERYWHERE) as connection:
                connection.execute(_LATE)
            asyncio.run_coroutine_threadsafe(_take_over(self._app, silent_for=_STALLED_AFTER), loop).result(_GRACE)

        return Round(name="take-over", seconds=_TAKE_OVER_SECONDS, task=take_over)

    def _main(self) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(self._run())
            except Exception:
                LOG.exception("worker failed", extra={"action": "worker.failed"})
                self._stopping.wait(5)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._app.open_async():
            await _take_over(self._app, silent_for=0.0 if self._alone else _STALLED_AFTER)
            self._work = asyncio.create_task(
                self._app.run_worker_async(
                    name="triage",
                    concurrency=1,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=_GRACE,
                    update_heartbeat_interval=_HEARTBEAT,
                    stalled_worker_timeout=_STALLED_AFTER,
                )
            )
            if self._stopping.is_set():
                self._work.cancel()
            try:
                await self._work
            except asyncio.CancelledError:
                LOG.info("worker stopped", extra={"action": "worker.stop"})


def _tasks(desk: Desk, url: URL, *, go_on: Callable[[], bool]) -> App:
    app = App(connector=PsycopgConnector(conninfo=conninfo(url), min_size=1, max_size=3))
    again = RetryStrategy(max_attempts=1_000, wait=2, retry_exceptions=[NotFinishedError, StoreUnavailable])

    @app.task(name=BATCH_TASK, retry=again)
    def batch(*, job: str) -> None:
        _work(desk, UUID(job), go_on=go_on)

    @app.task(name=REPORT_TASK, retry=again)
    def report(*, job: str) -> None:
        reports.work(desk, UUID(job))

    # A million appeals take some hundred slices; between two of them whatever somebody waits for has its turn.
    slices = RetryStrategy(max_attempts=1_000_000, wait=1, retry_exceptions=[NotFinishedError, StoreUnavailable])

    @app.task(name=encoders.TASK, retry=slices)
    def encode(*, job: str) -> None:
        if reencoding.run(desk, UUID(job), go_on=go_on).finished_at is None:
            raise NotFinishedError

    return app


def rounds_of(desk: Desk, *, go_on: Callable[[], bool], plan: ReportPlan | None = None) -> list[Round]:
    """Return what is done again and again beside batches and messages."""
    queue, planned = Queue(), plan or ReportPlan()
    return [
        Round(name="terms", seconds=30, by_clock=True, task=lambda: terms.remind(desk, desk.clock())),
        Round(
            name="warnings", seconds=600, by_clock=True, task=lambda: warnings.sweep(desk, desk.clock(), go_on=go_on)
        ),
        Round(name="dispatching", seconds=5, by_clock=True, task=lambda: releasing.watch(desk, desk.clock())),
        Round(name="clean", seconds=3_600, by_clock=True, task=lambda: forget_keys(desk)),
        Round(name="words", seconds=60, task=lambda: facets.keep_up(desk.database, desk.words, now=desk.clock())),
        Round(
            name="reports",
            seconds=60,
            by_clock=True,
            task=lambda: reports.schedule(desk, planned, announce=queue.announce_report),
        ),
    ]


def _work(desk: Desk, job_id: UUID, *, go_on: Callable[[], bool]) -> None:
    try:
        job = batches.work(desk, job_id, go_on=go_on)
    except StoreUnavailable:
        raise
    except Exception as error:
        LOG.exception("batch failed", extra={"action": "batch.failed", "job": str(job_id)})
        with desk.database.transaction(EVERYWHERE) as connection:
            jobs.finish(
                connection, job_id, at=desk.clock(), error=f"任务中止（{type(error).__name__}）；请告知维护人员"
            )
        return
    if job.finished_at is None:
        raise NotFinishedError


def forget_keys(desk: Desk) -> int:
    """Forget idempotency keys after a week and return how many; a client that repeats later posts anew."""
    with desk.database.transaction(EVERYWHERE) as connection:
        count = idempotency.forget(connection, before=desk.clock() - _KEYS_KEPT)
    LOG.info("idempotency keys forgotten", extra={"action": "clean", "count": count})
    return count


async def _take_over(app: App, *, silent_for: float) -> None:
    """Put jobs of dead workers back into the queue."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=silent_for):
        await app.job_manager.retry_job(job)
        LOG.info("job taken over", extra={"action": "worker.take_over"})
