"""A backup holds everything, is private, and comes back into an empty store only."""

from __future__ import annotations

import re
import stat
import uuid
from pathlib import Path

import pytest
from sqlalchemy import URL, insert, select, text

from tests.store_fixtures import TCP, TestServer, both_ways
from triage.store import schema
from triage.store.access import EVERYWHERE, Scope
from triage.store.backup import back_up, read_manifest, restore
from triage.store.database import Database
from triage.store.errors import Conflict, MigrationNeeded, StoreError
from triage.store.migrations.running import owner_engine, read_level, upgrade
from triage.store.roles import OWNER

ODD = "换行\n\\. 反斜杠 \\restrict 引号'\" 制表\t"
"""What a script of psql could trip over, were it not quoted."""


def fill(database: Database, appeals: int = 3) -> None:
    event = uuid.uuid4()
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.events).values(id=event, size=appeals))
        for number in range(appeals):
            appeal = uuid.uuid4()
            row = {
                "id": appeal,
                "content": f"{ODD}{number}",
                "event_id": event,
                "district": "北区",
                "appellant": b"\0\xff",
            }
            connection.execute(insert(schema.appeals).values(row))
            vector = [float(number + 1)] + [0.5] * (schema.DIMENSIONS - 1)
            connection.execute(
                insert(schema.vectors).values(appeal_id=appeal, encoder="e", district="北区", vector=vector)
            )
        connection.execute(text("SELECT audit_append('system', 'test', '', '{}')"))


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with database.transaction(EVERYWHERE) as connection:
        for table in schema.metadata.sorted_tables:
            rows = connection.execute(select(text(f"{table.name}::text")).select_from(table).order_by(text("1")))
            found[table.name] = [tuple(row) for row in rows]
    return found


@both_ways()
def test_a_restored_store_is_the_same_in_every_table(
    server: TestServer, database: Database, owner_url: URL, short_folder: Path
) -> None:
    fill(database)
    target = short_folder / "b.triage"
    assert back_up(owner_url, target, key="k") == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert read_manifest(target).key == "k"
    with server.empty() as name:
        assert restore(server.url(name, role=OWNER, way=TCP), target).fits
        restored = Database(server.url(name))
        assert contents(restored) == contents(database)
        with restored.transaction(Scope(("南区",))) as connection:  # policies and rights came back too
            assert connection.scalar(select(schema.appeals.c.id)) is None
        with restored.transaction(EVERYWHERE) as connection:
            connection.execute(text("SELECT audit_append('system', 'after', '', '{}')"))
            connection.execute(insert(schema.outbox).values(topic="t", key="k", payload={}))
        restored.close()


def test_a_backup_of_older_tables_is_upgraded_when_it_comes_back(server: TestServer, short_folder: Path) -> None:
    target = short_folder / "b.triage"
    with server.empty() as name:
        upgrade(server.url(name, role=OWNER), target="0001")
        back_up(server.url(name, role=OWNER), target, key=None)
    with server.empty() as name:
        assert restore(server.url(name, role=OWNER), target).fits


def test_a_store_with_tables_is_not_restored_into(owner_url: URL, database: Database, short_folder: Path) -> None:
    fill(database)
    back_up(owner_url, short_folder / "b", key=None)
    before = contents(database)
    with pytest.raises(Conflict, match="只能恢复到空的数据目录或空库"):
        restore(owner_url, short_folder / "b")
    assert contents(database) == before


def test_a_backup_that_breaks_off_leaves_the_store_empty(
    server: TestServer, database: Database, owner_url: URL, short_folder: Path
) -> None:
    fill(database, appeals=40)
    whole = short_folder / "b"
    back_up(owner_url, whole, key=None)
    size = whole.stat().st_size
    with server.empty() as name:
        url = server.url(name, role=OWNER)
        for share in (0.3, 0.6, 0.9):
            (short_folder / "part").write_bytes(whole.read_bytes()[: int(size * share)])
            with pytest.raises(StoreError, match=r"恢复失败，数据库保持为空|不是完整的备份文件"):
                restore(url, short_folder / "part")
            with owner_engine(url) as engine, engine.connect() as connection:
                assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
        assert restore(url, whole).fits


@pytest.mark.parametrize("content", [b"", b"no backup", b"\0" * 10_240])
def test_a_file_that_is_no_backup_is_refused(short_folder: Path, content: bytes) -> None:
    (short_folder / "b").write_bytes(content)
    with pytest.raises(StoreError, match="不是完整的备份文件"):
        read_manifest(short_folder / "b")


def test_a_missing_file_is_named(short_folder: Path) -> None:
    with pytest.raises(StoreError, match=r"无法读取 .*absent"):
        read_manifest(short_folder / "absent")


def test_a_backup_of_a_newer_program_is_refused(server: TestServer, owner_url: URL, short_folder: Path) -> None:
    back_up(owner_url, short_folder / "b", key=None)
    made = (short_folder / "b").read_bytes()
    newer = re.sub(rb'"level": "\d{4}"', b'"level": "9999"', made)
    assert newer != made
    (short_folder / "b").write_bytes(newer)
    with server.empty() as name:
        with pytest.raises(MigrationNeeded, match="9999"):
            restore(server.url(name, role=OWNER), short_folder / "b")
        assert read_level(server.url(name, role=OWNER)).current is None


def test_an_empty_database_has_nothing_to_back_up(server: TestServer, short_folder: Path) -> None:
    with server.empty() as name, pytest.raises(StoreError, match="没有可备份的内容"):
        back_up(server.url(name, role=OWNER), short_folder / "b", key=None)
    assert list(short_folder.iterdir()) == []


def test_a_backup_that_fails_keeps_the_one_before(owner_url: URL, short_folder: Path) -> None:
    target = short_folder / "b"
    target.write_text("the one before")
    with pytest.raises(StoreError, match=r"没有可备份|数据库暂不可用"):
        back_up(owner_url.set(password="wrong", host="127.0.0.1", query={}), target, key=None)
    assert target.read_text() == "the one before"
    assert list(short_folder.iterdir()) == [target]
