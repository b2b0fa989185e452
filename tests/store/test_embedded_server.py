"""The embedded server lives and dies with its service, and survives both being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.store.services import alive, refusal, service, start_service, wait_until
from tests.store_fixtures import QUICK, temporary_folder
from triage.store.embedded.server import EmbeddedServer
from triage.store.errors import Locked
from triage.store.roles import OWNER, SUPERUSER, conninfo

CLEAN_START = 3.0
"""Seconds that a start on an existing folder may take."""

START_AFTER_CRASH = 30.0


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data folder for all tests here: none of them may leave it in a state that a start cannot mend."""
    with temporary_folder() as folder:
        with EmbeddedServer(folder, settings=QUICK):
            pass
        yield folder


def connect(server: EmbeddedServer, role: str = SUPERUSER) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(conninfo(server.url(role)), autocommit=True)


def test_a_clean_start_takes_less_than_three_seconds(data: Path) -> None:
    began = time.monotonic()
    with EmbeddedServer(data) as server, connect(server) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert time.monotonic() - began < CLEAN_START


def test_what_is_committed_is_on_the_disk(data: Path) -> None:
    with EmbeddedServer(data) as server, connect(server) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit", "data_checksums")
        ]
    assert shown == [("on",), ("on",), ("on",)]


def test_the_server_stops_with_its_service_and_leaves_nothing_running(data: Path) -> None:
    with service(data) as running:
        assert alive(running.postmaster)
    assert not alive(running.postmaster)
    assert not (data / "pg" / "postmaster.pid").exists()


def test_the_server_stops_soon_after_its_service_was_killed(data: Path) -> None:
    running = start_service(data)
    running.kill()
    assert wait_until(lambda: not alive(running.postmaster))


def test_a_worker_forked_by_the_service_keeps_neither_the_server_nor_the_folder(data: Path) -> None:
    running = start_service(data, fork=True)
    assert running.process.stdout is not None
    worker = int(running.process.stdout.readline())
    try:
        running.process.kill()
        running.process.wait()
        assert wait_until(lambda: not alive(running.postmaster))
        assert alive(worker)
        with EmbeddedServer(data):
            pass
    finally:
        os.kill(worker, signal.SIGKILL)
        running.process.communicate()


def test_rows_committed_before_a_kill_are_there_after_it(data: Path) -> None:
    for round_number in range(2):
        running = start_service(data)
        host = str(data / "pg")
        password = EmbeddedServer(data).folder.read_secrets().superuser
        with psycopg.connect(
            host=host, user=SUPERUSER, password=password, dbname="triage", autocommit=True
        ) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (number integer)")
            connection.execute("INSERT INTO kept VALUES (%s)", [round_number])
            running.kill()
    with EmbeddedServer(data) as server, connect(server) as connection:
        assert connection.execute("SELECT number FROM kept ORDER BY 1").fetchall() == [(0,), (1,)]


def test_the_service_starts_again_at_once_while_the_killed_ones_server_is_still_there(data: Path) -> None:
    running = start_service(data)
    watchers = {process for process in processes_named("launch.py") if str(data) in words_of(process)}
    for watcher in watchers:
        os.kill(watcher, signal.SIGSTOP)  # it cannot stop the server now
    try:
        running.kill()
        assert alive(running.postmaster)
        began = time.monotonic()
        with EmbeddedServer(data) as server:
            assert server.pid != running.postmaster
            assert time.monotonic() - began < START_AFTER_CRASH
    finally:
        for watcher in watchers:
            os.kill(watcher, signal.SIGKILL)
    assert not alive(running.postmaster)
    assert watchers


def test_a_start_after_service_and_server_were_killed_replays_the_log(data: Path) -> None:
    running = start_service(data)
    os.kill(running.postmaster, signal.SIGKILL)
    running.kill()
    began = time.monotonic()
    with EmbeddedServer(data) as server, connect(server) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert time.monotonic() - began < START_AFTER_CRASH


def test_a_server_that_is_killed_is_started_again_by_its_service(data: Path) -> None:
    with EmbeddedServer(data) as server:
        first = server.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert wait_until(lambda: server.pid not in (None, first))

        def answers() -> bool:
            try:
                with connect(server) as connection:
                    return connection.execute("SELECT 1").fetchone() == (1,)
            except psycopg.OperationalError:
                return False

        assert wait_until(answers)


def test_a_note_of_a_process_number_that_now_belongs_to_another_program_does_not_stop_the_start(data: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        note = data / "pg" / "postmaster.pid"
        note.write_text(f"{other.pid}\n{data}/pg\n1700000000\n5432\n{data}/pg\n\n  1 1\nready   \n")
        note.chmod(0o600)
        with EmbeddedServer(data) as server:
            assert server.pid is not None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_second_service_on_one_folder_is_refused_with_the_holder(data: Path) -> None:
    with service(data) as running:
        said = refusal(data)
    assert said.startswith("Locked ")
    assert f"进程号 {running.process.pid}" in said
    assert "请先停止它" in said


def test_a_second_server_in_the_same_process_is_refused_and_harms_nothing(data: Path) -> None:
    with EmbeddedServer(data) as server:
        with pytest.raises(Locked) as refused:
            EmbeddedServer(data).start()
        assert refused.value.holder == os.getpid()
        with connect(server) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    with EmbeddedServer(data):
        pass


def test_nobody_gets_in_without_the_password(data: Path) -> None:
    with EmbeddedServer(data) as server:
        for role in (SUPERUSER, OWNER):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(conninfo(server.url(role).set(password="guessed")))


def test_the_server_listens_on_its_socket_only(data: Path) -> None:
    with EmbeddedServer(data) as server, connect(server) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert (data / "pg").stat().st_mode & 0o777 == 0o700


def test_the_servers_log_quotes_no_statement_and_no_value(data: Path) -> None:
    with EmbeddedServer(data) as server:
        with connect(server) as connection:
            connection.execute("CREATE TABLE named (name text UNIQUE)")
            connection.execute("INSERT INTO named VALUES (%s)", ["secret-word"])
            for broken in ("INSERT INTO named VALUES ('secret-word')", "SELECT 'secret-word'::integer", "secret-word"):
                with pytest.raises(psycopg.Error):
                    connection.execute(broken)
            process = connection.info.backend_pid
        with connect(server) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", [process])
    logged = "".join(file.read_text() for file in (data / "pg" / "log").iterdir()) + (data / "start.log").read_text()
    assert "secret-word" not in logged


def test_settings_of_the_operator_go_before_ours(data: Path) -> None:
    own = data / "postgresql.conf"
    own.write_text("work_mem = 5MB\n")
    try:
        with EmbeddedServer(data) as server, connect(server) as connection:
            assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
    finally:
        own.unlink()


def processes_named(name: str) -> set[int]:
    return {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and name in words_of(int(entry.name))
    }


def words_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
