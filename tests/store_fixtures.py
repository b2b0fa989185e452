"""A database for every test: one embedded server per test process, one copy of a migrated template per test.

No fixture reads the environment, so none can touch a database that somebody has configured.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL

from triage.store.database import Database
from triage.store.embedded.server import EmbeddedServer
from triage.store.migrations.running import upgrade
from triage.store.roles import APP, OWNER, SUPERUSER, conninfo, create_database

QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
"""A test's database need not survive a power cut."""

_ROOM = 2_000_000_000
TEMPLATE = "template_triage"
SOCKET, TCP = "socket", "tcp"


@dataclass(frozen=True, slots=True)
class TestServer:
    """A running server that hands out databases."""

    __test__ = False
    embedded: EmbeddedServer

    def url(self, name: str, *, role: str = APP, way: str = SOCKET) -> URL:
        """Where a role reaches a database: by the socket, or over TCP with a password as on a server of the city's own."""
        found = self.embedded.url(role, database=name)
        return found if way == SOCKET else found.set(host="127.0.0.1", query={})

    @contextmanager
    def empty(self) -> Iterator[str]:
        """An empty database as the DBA leaves it; gives its name."""
        with self._dropping() as (connection, name):
            create_database(connection, name)
            with psycopg.connect(conninfo(self.url(name, role=SUPERUSER)), autocommit=True) as inside:
                inside.execute("CREATE EXTENSION vector")
            yield name

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """A copy of the migrated template; gives its name."""
        with self._dropping() as (connection, name):
            self._copy(connection, name)
            yield name

    def make_template(self) -> None:
        with self.superuser() as connection:
            create_database(connection, TEMPLATE)
        with psycopg.connect(conninfo(self.url(TEMPLATE, role=SUPERUSER)), autocommit=True) as inside:
            inside.execute("CREATE EXTENSION vector")
        upgrade(self.url(TEMPLATE, role=OWNER))

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        with psycopg.connect(conninfo(self.url("postgres", role=SUPERUSER)), autocommit=True) as connection:
            yield connection

    @contextmanager
    def _dropping(self) -> Iterator[tuple[psycopg.Connection[tuple[object, ...]], str]]:
        name = f"test_{secrets.token_hex(6)}"
        with self.superuser() as connection:
            try:
                yield connection, name
            finally:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _copy(self, connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
        database, template = sql.Identifier(name), sql.Identifier(TEMPLATE)
        # WAL_LOG, the default, writes each page twice; a copy of files is quicker where nothing is fsynced.
        copy = sql.SQL("CREATE DATABASE {} OWNER triage_owner TEMPLATE {} STRATEGY file_copy").format(
            database, template
        )
        connection.execute(copy)
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO triage_app").format(database))


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket, which those of pytest are not always; in memory where there is room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="triage-", dir=memory if roomy else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A temporary folder with a short path."""
    with temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    """One embedded server per test process, by its socket and on a TCP port."""
    with temporary_folder() as folder, EmbeddedServer(folder, settings=QUICK, port=free_port()) as embedded:
        found = TestServer(embedded)
        found.make_template()
        yield found


@pytest.fixture
def database_url(server: TestServer, request: pytest.FixtureRequest) -> Iterator[URL]:
    """Where the service's role reaches a fresh, migrated, empty database; as ``--store`` or `both_ways` asks."""
    with server.migrated() as name:
        yield server.url(name, way=getattr(request, "param", request.config.getoption("--store")))


@pytest.fixture
def owner_url(server: TestServer, database_url: URL) -> URL:
    """Where the owner of the tables reaches the same database."""
    assert database_url.database is not None
    return server.url(database_url.database, role=OWNER)


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    """A fresh, migrated, empty database as the service sees it."""
    opened = Database(database_url, patience=0.5)
    yield opened
    opened.close()


def both_ways() -> pytest.MarkDecorator:
    """Run the test by the socket and over TCP, where scram and an ordinary role are all there is."""
    return pytest.mark.parametrize("database_url", [SOCKET, TCP], indirect=True)
