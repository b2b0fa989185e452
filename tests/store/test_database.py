"""Connections that break, limits that are reached, and errors that keep silent about what is stored."""

from __future__ import annotations

import threading
import uuid

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DataError, IntegrityError

from tests.store_fixtures import TestServer, both_ways, free_port
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import StoreUnavailable


def cut_connections(server: TestServer, database: Database) -> None:
    with server.superuser() as connection:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(query, [database.engine.url.database])


def record(connection: Connection) -> None:
    connection.execute(insert(schema.events).values(id=uuid.uuid4()))


def recorded(database: Database) -> int:
    with database.transaction(EVERYWHERE) as connection:
        return connection.scalar(text("SELECT count(*) FROM events")) or 0


def run(database: Database, *statements: str) -> None:
    with database.transaction(EVERYWHERE) as connection:
        for statement in statements:
            connection.execute(text(statement))


@both_ways()
def test_a_connection_lost_inside_a_transaction_is_reported_and_the_next_one_works(
    server: TestServer, database: Database
) -> None:
    def lose() -> None:
        with database.transaction(EVERYWHERE) as connection:
            record(connection)
            cut_connections(server, database)
            connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable, match="数据库暂不可用（连接已断开") as lost:
        lose()
    assert recorded(database) == 0
    assert not lost.value.uncertain


def test_a_connection_lost_while_committing_leaves_open_what_happened(server: TestServer, database: Database) -> None:
    def lose() -> None:
        with database.transaction(EVERYWHERE) as connection:
            record(connection)
            cut_connections(server, database)

    with pytest.raises(StoreUnavailable) as lost:
        lose()
    assert lost.value.uncertain


def test_a_connection_lost_while_idle_is_replaced_unnoticed(server: TestServer, database: Database) -> None:
    with database.transaction(EVERYWHERE):
        pass
    cut_connections(server, database)
    with database.transaction(EVERYWHERE) as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_database_that_is_not_there_is_unavailable_and_no_password_is_shown(database: Database) -> None:
    absent = Database(f"postgresql+psycopg://triage_app:secret-word@127.0.0.1:{free_port()}/triage", patience=0.2)
    with pytest.raises(StoreUnavailable, match="连接不上") as lost, absent.transaction(EVERYWHERE):
        pass
    assert "secret-word" not in f"{lost.value!r}{lost.value.__cause__!r}{absent.engine.url}"
    absent.close()


def test_an_answer_that_takes_too_long_is_given_up(database: Database) -> None:
    with pytest.raises(StoreUnavailable, match="处理超时，代码 57014"):
        run(database, "SET LOCAL statement_timeout = 50", "SELECT pg_sleep(5)")


def test_a_lock_that_is_held_too_long_is_given_up(database: Database) -> None:
    with database.transaction(EVERYWHERE) as holder:
        holder.execute(text("SELECT pg_advisory_xact_lock(1)"))
        with pytest.raises(StoreUnavailable, match="等待其他操作超时，代码 55P03"):
            run(database, "SET LOCAL lock_timeout = 50", "SELECT pg_advisory_xact_lock(1)")


def test_every_session_has_limits(database: Database) -> None:
    with database.transaction(EVERYWHERE) as connection:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        assert [connection.scalar(text(f"SHOW {name}")) for name in names] == ["30s", "10s", "1min"]


def test_an_error_in_the_block_rolls_everything_back_and_passes_through(database: Database) -> None:
    def fail() -> None:
        with database.transaction(EVERYWHERE) as connection:
            record(connection)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert recorded(database) == 0


def test_errors_of_the_driver_name_the_constraint_and_no_value(database: Database) -> None:
    user = {"name": "secret-word", "password": "secret-word", "role": "admin", "districts": ["secret-word"]}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.users).values(id=uuid.uuid4(), **user))
    with pytest.raises(IntegrityError) as doubled, database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.users).values(id=uuid.uuid4(), **user))
    assert "uq_users_name" in str(doubled.value)
    assert doubled.value.orig is not None
    with pytest.raises(DataError) as misread, database.transaction(EVERYWHERE) as connection:
        connection.execute(text("SELECT CAST(:word AS integer)"), {"word": "secret-word"})
    assert "22P02" in str(misread.value)
    for error in (doubled.value, doubled.value.orig, misread.value, misread.value.orig):
        assert "secret-word" not in f"{error!s}{error!r}{error.args if error else ()}"


def test_threads_share_a_small_pool_without_loss(database: Database) -> None:
    def work() -> None:
        with database.transaction(EVERYWHERE) as connection:
            record(connection)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded(database) == 32
