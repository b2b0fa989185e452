"""The embedded server: takes the data folder, starts PostgreSQL on it, keeps it running and stops it."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL

from triage.store.embedded import cluster
from triage.store.embedded.accounts import choose_account
from triage.store.embedded.binaries import program
from triage.store.embedded.folder import DataFolder, Secrets
from triage.store.embedded.process import Postmaster
from triage.store.errors import StoreError
from triage.store.roles import APP, DATABASE, OWNER, SUPERUSER, set_up

PORT = 5432
"""Only part of the socket's name where there is no TCP."""

_LOGS_KEPT = 8
_RESTARTS = 5
"""Restarts in a row after which a server that keeps dying is left alone."""

_STEADY = 60.0
"""Seconds without a death after which earlier ones are forgotten; also how often old logs are removed."""

_LOOK = 0.2

_log = logging.getLogger(__name__)


def url_of(folder: DataFolder, secrets: Secrets, role: str, *, database: str = DATABASE, port: int = PORT) -> URL:
    """Return where a role reaches the server of a folder by its socket."""
    passwords = {SUPERUSER: secrets.superuser, OWNER: secrets.owner, APP: secrets.app}
    return URL.create(
        "postgresql+psycopg",
        username=role,
        password=passwords[role],
        database=database,
        port=port,
        query={"host": str(folder.cluster)},
    )


class EmbeddedServer:
    """PostgreSQL on one data folder; a context manager. Started once, stopped as often as one likes.

    Args:
        path: The data folder; made if it is not there.
        settings: Settings of PostgreSQL over those of `configuration.DEFAULTS`.
        port: TCP port on 127.0.0.1, for tests; None: the socket only.

    Raises:
        StoreError: If the path cannot be used.
    """

    def __init__(self, path: Path, *, settings: Mapping[str, str] | None = None, port: int | None = None) -> None:
        self.folder = DataFolder.at(path)
        self._port = port
        self._settings = dict(settings or {})
        self._secrets: Secrets | None = None
        self._lock: int | None = None
        self._postmaster: Postmaster | None = None
        self._stopping = threading.Event()
        self._minder: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id of the server; None when it does not run."""
        return self._postmaster.pid if self._postmaster is not None else None

    def url(self, role: str = APP, *, database: str = DATABASE) -> URL:
        """Return where a role reaches a database by the socket.

        Raises:
            StoreError: If the server was not started.
        """
        if self._secrets is None:
            raise StoreError("内置数据库尚未启动")
        return url_of(self.folder, self._secrets, role, database=database, port=self._port or PORT)

    def start(self) -> None:
        """Take the folder, make the database if there is none, and start the server.

        Raises:
            Locked: If another service uses the folder.
            StoreError: If the folder is damaged, of another version, or cannot be used.
        """
        self._lock = self.folder.lock()
        _let_go_in_children(self)
        try:
            self._begin()
        except OSError as error:
            self.stop()
            raise StoreError(
                f"数据目录 {self.folder.root} 无法使用：{error.strerror or type(error).__name__}；"
                "请检查属主、权限和磁盘空间；在受限的容器中请改用普通用户运行"
            ) from error
        except BaseException:
            self.stop()
            raise

    def _begin(self) -> None:
        self._secrets = self.folder.ensure_secrets()
        account = choose_account(self.folder.root, program("postgres"))
        cluster.prepare(
            self.folder,
            password=self._secrets.superuser,
            account=account,
            settings=self._settings,
            port=self._port,
        )
        self._postmaster = Postmaster(self.folder, account)
        self._postmaster.start(given_up=self._stopping.is_set)
        set_up(self.url(SUPERUSER, database="postgres"), owner=self._secrets.owner, app=self._secrets.app)
        self._minder = threading.Thread(
            target=self._mind, args=(self._postmaster,), name="triage-postgres", daemon=True
        )
        self._minder.start()

    def stop(self) -> None:
        """Stop the server and release the folder; open connections are cut, what was committed is kept."""
        self._stopping.set()
        if self._minder is not None:
            self._minder.join()
        if self._postmaster is not None:
            self._postmaster.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def let_go(self) -> None:
        """In a forked child: close what would keep the folder and the server once the parent has died."""
        if self._lock is not None:
            os.close(self._lock)  # the parent's lock stays: it goes with the last copy of the descriptor
            self._lock = None
        if self._postmaster is not None:
            self._postmaster.drop_lifeline()
            self._postmaster = None

    def _mind(self, postmaster: Postmaster) -> None:
        """Start a server again that died although nobody stopped it, for instance killed for want of memory."""
        deaths = 0
        while not self._stopping.is_set() and deaths <= _RESTARTS:
            if not self._dies_soon(postmaster):
                deaths = 0
                self._prune_logs()
            elif not self._stopping.wait(0.1 * 2**deaths):
                deaths += 1
                self._revive(postmaster, deaths)

    def _dies_soon(self, postmaster: Postmaster) -> bool:
        until = time.monotonic() + _STEADY
        while time.monotonic() < until:
            if self._stopping.wait(_LOOK):
                return False
            if postmaster.pid is None:
                return True
        return False

    def _revive(self, postmaster: Postmaster, deaths: int) -> None:
        _log.error("the embedded server died and is started again", extra={"action": "store_restart", "deaths": deaths})
        try:
            postmaster.start(given_up=self._stopping.is_set)
        except (StoreError, OSError):
            _log.exception("the embedded server does not start", extra={"action": "store_restart_failed"})

    def _prune_logs(self) -> None:
        for old in sorted(self.folder.logs.glob("postgresql-*.log"))[:-_LOGS_KEPT]:
            old.unlink(missing_ok=True)


def _let_go_in_children(server: EmbeddedServer) -> None:
    """Have every later fork let go of a server; a worker that outlives a killed service must not hold its folder."""
    watched = weakref.ref(server)

    def after_fork() -> None:
        found = watched()
        if found is not None:
            found.let_go()

    os.register_at_fork(after_in_child=after_fork)
