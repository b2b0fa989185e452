"""``triage db`` as an operator uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from tests.store_fixtures import TestServer, temporary_folder
from triage.commands.db import db
from triage.errors import InputError
from triage.store.embedded.folder import DataFolder
from triage.store.errors import Conflict
from triage.store.migrations.running import script
from triage.store.opening import open_store
from triage.store.roles import OWNER, PREPARE, SUPERUSER, conninfo
from triage.store.settings import StoreSettings

CONFIGURED = ("TRIAGE_DATA", "TRIAGE_DATABASE_URL", "TRIAGE_DATABASE_OWNER_URL", "TRIAGE_SECRET")


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CONFIGURED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with temporary_folder() as found:
        yield found


NEWEST = script().get_current_head()
"""Number of the last change of the tables."""


def data_folder(path: Path) -> Path:
    path.mkdir()
    (path / "postgresql.conf").write_text("fsync = off\nshared_buffers = 32MB\n")
    return path


def triage_db(*words: str | Path) -> Result:
    result = CliRunner().invoke(db, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_store_is_made_backed_up_while_it_is_used_and_brought_back_elsewhere(folder: Path) -> None:
    one, two, file = data_folder(folder / "one"), data_folder(folder / "two"), folder / "b.triage"
    assert f"表结构版本：空 → {NEWEST}" in triage_db("upgrade", "--data", one).output
    assert f"已是最新：{NEWEST}" in triage_db("upgrade", "--data", one).output
    with open_store(StoreSettings(data=one)):
        assert f"{one}（正由服务使用）" in triage_db("status", "--data", one).output
        assert f"已备份：{file}" in triage_db("backup", file, "--data", one).output
    assert "已恢复" in triage_db("restore", file, "--data", two).output
    status = triage_db("status", "--data", two).output
    assert f"表结构版本：{NEWEST}（本程序 {NEWEST}）" in status
    assert "诉求：0" in status
    first, second = DataFolder.at(one).read_secrets(), DataFolder.at(two).read_secrets()
    assert first.key == second.key  # so that appellants are known again
    assert first.app != second.app
    with pytest.raises(Conflict, match="只能恢复到空的数据目录"):
        triage_db("restore", file, "--data", one)


@pytest.mark.parametrize("word", ["status", "backup"])
def test_a_mistyped_folder_is_refused_and_not_made(folder: Path, word: str) -> None:
    mistyped = folder / "nowhere"
    file = [folder / "never.triage"] if word == "backup" else []
    with pytest.raises(InputError, match="没有数据；请核对 --data"):
        triage_db(word, *file, "--data", mistyped)
    assert not mistyped.exists()


def test_status_of_an_older_store_says_what_to_do(server: TestServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with server.empty() as name:
        monkeypatch.setenv("TRIAGE_DATABASE_OWNER_URL", conninfo(server.url(name, role=OWNER)))
        result = triage_db("status")
    assert result.exit_code == 1
    assert "请先备份，再运行 triage db upgrade" in result.output


def test_the_dbas_script_makes_what_an_upgrade_by_an_ordinary_role_needs(server: TestServer) -> None:
    """The roles exist already on this server, so they and the database's name are left out of the script that runs."""
    assert triage_db("prepare-sql").output == PREPARE
    assert "NOSUPERUSER" in PREPARE
    lines = [line for line in PREPARE.splitlines() if not line.startswith(("--", "CREATE ROLE", "\\"))]
    script = "\n".join(lines).replace("DATABASE triage", "DATABASE by_the_dba")
    before, _, inside = script.partition("CREATE EXTENSION")
    with server.superuser() as connection:
        try:
            for statement in filter(str.strip, before.split(";")):
                connection.execute(statement.encode())
            owner = server.url("by_the_dba", role=OWNER)
            superuser = conninfo(server.url("by_the_dba", role=SUPERUSER))
            with psycopg.connect(superuser, autocommit=True) as connected:
                connected.execute(f"CREATE EXTENSION{inside.partition(';')[0]}".encode())
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("TRIAGE_DATABASE_OWNER_URL", conninfo(owner))
                assert f"→ {NEWEST}" in triage_db("upgrade").output
            with open_store(StoreSettings(url=server.url("by_the_dba"), secret=b"s" * 32)):
                pass
        finally:
            connection.execute("DROP DATABASE IF EXISTS by_the_dba WITH (FORCE)")


def test_help_is_in_chinese_and_names_every_step() -> None:
    said = triage_db("--help").output
    for word in ("upgrade", "status", "backup", "restore", "prepare-sql", "备份", "恢复", "升级"):
        assert word in said
