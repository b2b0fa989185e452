"""The audit: a chain in which nothing can be changed, cut or written anew without being seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.store_fixtures import TestServer
from triage.store import audit
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import StoreError
from triage.store.roles import SUPERUSER, conninfo

SECRET = bytes(range(32))
Tamper = Callable[[str], None]


def fill(database: Database, count: int = 5) -> None:
    for number in range(count):
        with database.transaction(EVERYWHERE) as connection:
            audit.append(
                connection, actor="system", action="测试", subject=str(number), detail={"n": number, "比": 0.5}
            )


def checked(database: Database, seal: Path | None = None) -> audit.AuditReport:
    with database.transaction(EVERYWHERE) as connection:
        return audit.verify(connection, secret=SECRET, seal=seal)


def sealed(database: Database, path: Path) -> audit.Head:
    with database.transaction(EVERYWHERE) as connection:
        return audit.seal(connection, path, secret=SECRET)


@pytest.fixture
def tamper(server: TestServer, database_url: URL) -> Tamper:
    """Run a statement with all power over the database, triggers off."""
    assert database_url.database is not None
    url = server.url(database_url.database, role=SUPERUSER)

    def run(statement: str) -> None:
        with psycopg.connect(conninfo(url)) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement.encode())

    return run


def test_an_untouched_chain_holds(database: Database) -> None:
    fill(database)
    report = checked(database)
    assert report.intact
    assert (report.rows, report.broken) == (5, None)


def test_an_empty_chain_holds(database: Database) -> None:
    assert checked(database) == audit.AuditReport(rows=0, broken=None, problem="", sealed=0)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'user:other'",
        "action = 'x'",
        "subject = 'x'",
        "detail = '{}'",
        "at = at + interval '1 microsecond'",
        "hash = sha256('x')",
    ],
)
def test_a_changed_field_is_found_and_its_row_named(database: Database, tamper: Tamper, change: str) -> None:
    fill(database)
    tamper(f"UPDATE audit SET {change} WHERE id = 3")
    report = checked(database)
    assert report.broken == 3
    assert report.problem == "第3条内容被改动"


def test_a_removed_row_is_found(database: Database, tamper: Tamper) -> None:
    fill(database)
    tamper("DELETE FROM audit WHERE id = 2")
    assert checked(database).problem == "第2条缺失"
    assert checked(database).broken == 2


def test_a_row_whose_own_hash_was_computed_again_breaks_the_next_one(database: Database, tamper: Tamper) -> None:
    fill(database)
    again = "sha256(previous || convert_to(audit_canonical(id, at, 'user:x', action, subject, detail), 'UTF8'))"
    tamper(f"UPDATE audit SET actor = 'user:x', hash = {again} WHERE id = 3")
    report = checked(database)
    assert (report.broken, report.problem) == (4, "第4条与前一条不衔接")


def test_a_chain_cut_at_its_end_is_found_by_the_seal(database: Database, tamper: Tamper, tmp_path: Path) -> None:
    fill(database)
    assert sealed(database, tmp_path / "head").count == 5
    tamper("DELETE FROM audit WHERE id > 3")
    assert checked(database).intact  # the chain alone cannot know
    report = checked(database, tmp_path / "head")
    assert report.problem == "审计记录只到第3条，封存时已有5条：末尾被截去"
    with pytest.raises(StoreError, match="审计记录第5条与封存不符，请运行 triage audit verify 查明"):
        sealed(database, tmp_path / "head")


def test_a_chain_written_anew_is_found_by_the_seal(database: Database, tamper: Tamper, tmp_path: Path) -> None:
    fill(database)
    sealed(database, tmp_path / "head")
    tamper("TRUNCATE audit")
    fill(database, 7)
    assert checked(database).intact
    assert checked(database, tmp_path / "head").problem == "第5条与封存不符：封存之前的记录被整体改写"


def test_a_seal_signed_by_somebody_else_is_refused(database: Database, tmp_path: Path) -> None:
    fill(database)
    sealed(database, tmp_path / "head")
    body = json.loads((tmp_path / "head").read_text())
    (tmp_path / "head").write_text(json.dumps({**body, "count": 3}))
    assert "封存文件 head 的签名不符" in checked(database, tmp_path / "head").problem
    (tmp_path / "head").write_text("{}")
    assert "封存文件 head 无法读取" in checked(database, tmp_path / "head").problem


def test_a_seal_advances_with_the_chain_and_is_the_owners_alone(database: Database, tmp_path: Path) -> None:
    fill(database, 2)
    sealed(database, tmp_path / "head")
    fill(database, 2)
    assert sealed(database, tmp_path / "head").count == 4
    assert checked(database, tmp_path / "head").sealed == 4
    assert (tmp_path / "head").stat().st_mode & 0o077 == 0


def test_appends_of_many_threads_keep_one_chain(database: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: fill(database, 10), range(8)))
    report = checked(database)
    assert report.intact
    assert report.rows == 80


def test_an_append_that_is_rolled_back_leaves_no_gap(database: Database) -> None:
    fill(database, 1)
    with pytest.raises(ZeroDivisionError), database.transaction(EVERYWHERE) as connection:
        _ = 1 // (audit.append(connection, actor="system", action="测试") - 2)
    fill(database, 1)
    assert checked(database).rows == 2


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit (id, actor, action, previous, hash) VALUES (9, 'a', 'b', '', '')",
        "UPDATE audit SET actor = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
    ],
)
def test_the_services_role_can_neither_write_nor_change_rows(database: Database, statement: str) -> None:
    fill(database, 1)
    with pytest.raises(DBAPIError, match="InsufficientPrivilege"), database.transaction(EVERYWHERE) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_not_even_the_owner_changes_rows_by_a_slip(database: Database, owner_url: URL, statement: str) -> None:
    fill(database, 1)
    engine = create_engine(owner_url)
    with pytest.raises(DBAPIError, match="never changed or removed"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
