"""The running service: store, models, queue and limits, from start to stop."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from fastapi import Request
from sqlalchemy import func, select, text

from api.demo import Demo
from api.limits import TokenBuckets
from api.metrics import Metrics
from api.problems import unavailable
from api.settings import Settings
from api.worker import Queue, Worker
from triage.casework.bundle_watch import BundleLoader, BundleWatcher
from triage.casework.bundles import Shelf
from triage.casework.channels import ChannelBook
from triage.casework.desk import Desk, open_desk
from triage.casework.dispatching import reporting
from triage.casework.dispatching.switching import panel_of
from triage.casework.targets import Mailroom
from triage.directory.loading import read_units
from triage.events import WordCutter
from triage.notify import Guard
from triage.rules import CityRules
from triage.rules.book import checked_folder
from triage.samples import sample_path
from triage.store import audit, deliveries, schema, units
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.errors import MigrationNeeded, StoreError, StoreUnavailable
from triage.store.opening import Store, open_store
from triage.store.sealing import Seal

LOG = logging.getLogger("api.service")

WATCH_SECONDS = 3.0
"""A promotion in another process is followed at the latest after so long."""
CARE_SECONDS = 600.0
"""How often frequencies are counted anew and the audit is sealed."""
_MIGRATION_SECONDS = 120
_ALIVE = text("SELECT 1")


class Service:
    """Everything that requests share. Starting twice or stopping twice does nothing the second time.

    Attributes:
        settings: What an operator set.
        metrics: Numbers.
        rates: Requests of each principal.
        failures: Failed log-ins of each address.
        queue: Where batches are announced.
        stopped: Set when the service ends.
        demo: The sample city of a trial; None without one.
    """

    def __init__(self, settings: Settings, *, join: bool = False) -> None:
        """Store the settings; nothing is opened.

        Args:
            settings: What an operator set.
            join: Work beside a service that runs on the same data folder.
        """
        self.settings = settings
        self.metrics = Metrics()
        limits = settings.limits
        self.rates = TokenBuckets(per_second=limits.rate_per_second, burst=limits.rate_burst)
        self.failures = TokenBuckets(per_second=limits.failures_per_minute / 60, burst=limits.failures_per_minute)
        self.queue = Queue()
        self.stopped = threading.Event()
        self.demo: Demo | None = None
        self._join = join
        self._worker: Worker | None = None
        self._shelf: Shelf | None = None
        self._mailroom: Mailroom | None = None
        self._exit = ExitStack()
        self._lock = threading.Lock()

    @property
    def desk(self) -> Desk:
        """Return what the use cases work with.

        Raises:
            Problem: 503, while the service is not started.
        """
        return self.shelf.desk

    @property
    def shelf(self) -> Shelf:
        """Return what the use cases of bundles work with.

        Raises:
            Problem: 503, while the service is not started.
        """
        if self._shelf is None:
            raise unavailable(5, "服务正在启动或停止；请稍后重试")
        return self._shelf

    @property
    def mailroom(self) -> Mailroom:
        """Return what the use cases of messages to others work with.

        Raises:
            Problem: 503, while the service is not started.
        """
        if self._shelf is None or self._mailroom is None:
            raise unavailable(5, "服务正在启动或停止；请稍后重试")
        return self._mailroom

    def start(self) -> None:
        """Open the store, load the models and begin to watch and work.

        Raises:
            TriageError: Something cannot be opened; what was opened is closed again.
        """
        with self._lock:
            if self._shelf is not None:
                return
            with ExitStack() as building:
                shelf = self._compose(building)
                self._exit = building.pop_all()
            self._shelf = shelf
            self.metrics.watch(self._counts)
        LOG.info("started", extra={"action": "start", "bundle": shelf.desk.current().bundle})

    def stop(self) -> None:
        """Finish what is being done and close everything."""
        self.stopped.set()
        with self._lock:
            if self._shelf is None:
                return
            self._exit.close()
            self._shelf = None
        LOG.info("stopped", extra={"action": "stop"})

    def stop_worker(self) -> None:
        """Stop working on batches; they wait for another process."""
        if self._worker is not None:
            self._worker.stop()

    def check(self) -> None:
        """Go on only if requests can be served.

        Raises:
            Problem: 503, while the service is not started.
            StoreUnavailable: The database does not answer.
        """
        with self.desk.database.transaction(EVERYWHERE) as connection:
            connection.execute(_ALIVE)

    def _compose(self, building: ExitStack) -> Shelf:
        """Build everything; what is opened is closed by ``building`` in reverse order."""
        store = self._opened()
        building.callback(store.close)
        cache = _cache(store, building)
        if not self._join:
            self._import_units(store)
        words = WordCutter(cache)  # one dictionary for all models that are ever active
        rules, channels = _city(self.settings)
        loader = BundleLoader(
            store.database, cache / "bundles", precision=self.settings.precision, words=words, rules=rules
        )
        loaded = loader.present()
        desk = open_desk(
            store.database,
            loaded.active,
            secret=store.secret,
            words=words,
            rules=rules,
            channels=channels,
            dispatch=self.settings.dispatch,
        )
        desk.words.cut("热身")  # the dictionary takes 0.6 s, which the first citizen need not wait for
        desk.rarity.load(store.database)
        shelf = Shelf(desk=desk, watcher=BundleWatcher(desk.current, loader, loaded.generation))
        care = _Care(shelf, None if store.data is None or self._join else store.data / audit.SEAL_FILE)
        _in_background(building, self.stopped, WATCH_SECONDS, care.once)
        self._mailroom = room = Mailroom(
            database=store.database,
            seal=Seal(store.sealing_key),
            guard=Guard(rules=self.settings.notify),
            clock=desk.clock,
        )
        if self.settings.demo and store.embedded and not self._join:
            self.demo = _trial(store, desk, building, self.stopped)
        if self.settings.worker:
            alone = self.settings.store.url is None and not self._join
            worker = Worker(desk, store.url, room=room, alone=alone, plan=self.settings.plan)
            building.callback(worker.stop)
            worker.start()
            self._worker = worker
        return shelf

    def _opened(self) -> Store:
        """Open the store; beside a service, wait for that one, which may just be starting again.

        Raises:
            StoreError: The store cannot be opened, or this one is stopped while it waits.
        """
        waited = 0
        while True:
            try:
                return open_store(
                    self.settings.store,
                    join=self._join,
                    start=not self._join,
                    pool_size=self.settings.limits.workers,
                )
            except (StoreUnavailable, MigrationNeeded) as error:
                # A service that has just been updated is bringing its tables up to date; one that has not never will.
                lasting = isinstance(error, MigrationNeeded) and waited >= _MIGRATION_SECONDS
                if not self._join or lasting or self.stopped.wait(1):
                    raise
            if waited % 60 == 0:
                LOG.warning("waiting for the service", extra={"action": "worker.waiting"})
            waited += 1

    def _import_units(self, store: Store) -> None:
        path = self.settings.units or (sample_path("units.csv") if self.settings.demo else None)
        if path is None:
            return
        fresh = read_units(path)
        with store.database.transaction(EVERYWHERE) as connection:
            if units.directory(connection) is None:
                units.replace_all(connection, fresh, actor=SYSTEM.name, at=datetime.now(UTC))

    def _counts(self) -> dict[str, float]:
        """Return what the store says about work that is left; nothing while it does not answer."""
        if self._shelf is None:
            return {}
        outbox, jobs = schema.outbox.c, schema.jobs.c
        try:
            with self._shelf.desk.database.transaction(EVERYWHERE) as connection:
                pending = connection.scalar(select(func.count()).where(outbox.state == "pending"))
                under_way = deliveries.counts(connection)
                dispatching = reporting.gauges(connection, panel_of(self._shelf.desk))
                open_jobs = connection.scalar(select(func.count()).where(jobs.state.in_(("queued", "running"))))
        except StoreError:
            return {}
        told = {f"deliveries_{state}": number for state, number in under_way.items()}
        return {"outbox_pending": pending or 0, "jobs_open": open_jobs or 0, **told, **dispatching}


class _Care:
    """What is done now and then: follow promotions, count frequencies, seal the audit."""

    def __init__(self, shelf: Shelf, seal: Path | None) -> None:
        self._shelf, self._seal = shelf, seal
        self._next = time.monotonic() + CARE_SECONDS

    def once(self) -> None:
        self._shelf.watcher.poll()
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + CARE_SECONDS
        desk = self._shelf.desk
        if not desk.rarity.refresh(desk.database):
            desk.rarity.load(desk.database)
        if self._seal is not None:
            with desk.database.transaction(EVERYWHERE) as connection:
                audit.seal(connection, self._seal, secret=desk.secret)


def _city(settings: Settings) -> tuple[CityRules, ChannelBook]:
    """Read what the city decides for itself.

    Raises:
        InputError: A file of it cannot be used.
    """
    folder = checked_folder(settings.rules) if settings.rules is not None else None
    rules = CityRules.load(folder, preset=settings.preset)
    year = datetime.now(UTC).year
    if not rules.deadlines.calendar.knows(year):
        LOG.warning("holidays of %d are not known; weekends only are free", year, extra={"action": "rules.holidays"})
    return rules, ChannelBook.of_city(folder)


def _cache(store: Store, building: ExitStack) -> Path:
    """Return the folder for what can be made again: in the data folder, else a temporary one."""
    if store.data is None:
        return Path(building.enter_context(tempfile.TemporaryDirectory(prefix="triage-cache-")))
    cache = store.data / "cache"
    cache.mkdir(mode=0o700, exist_ok=True)
    return cache


def _trial(store: Store, desk: Desk, building: ExitStack, stopped: threading.Event) -> Demo | None:
    """Begin a trial with the sample city; a folder that holds anything else is left as it is."""
    if store.data is None or store.owner_url is None:
        return None
    demo = Demo(desk, owner_url=store.owner_url, data=store.data, stopped=stopped)
    thread = demo.start()
    if thread is None:
        return None

    def end() -> None:
        stopped.set()
        demo.wake()
        thread.join(30)

    building.callback(end)
    return demo


def _in_background(building: ExitStack, stopped: threading.Event, seconds: float, task: Callable[[], None]) -> None:
    def repeat() -> None:
        while not stopped.wait(seconds):
            try:
                task()
            except Exception:
                # A database that is away for a while must not end the watching for good.
                LOG.exception("care failed", extra={"action": "care.failed"})

    thread = threading.Thread(target=repeat, name="triage-care", daemon=True)
    thread.start()

    def end() -> None:
        stopped.set()
        thread.join(10)

    building.callback(end)


def service_of(request: Request) -> Service:
    """Return the service that the app was made with."""
    service: Service = request.app.state.service
    return service
