"""The commands of those who keep the service: users, keys, audit, retention, units, bundles."""

from __future__ import annotations

import io
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import URL

from models.bundle import load_bundle, write_bundle
from tests.store.filing import count, file_appeal, rows
from tests.store_fixtures import TestServer
from triage.base_model import base_bundle_path
from triage.casework import access, passwords
from triage.cli import GROUP, main
from triage.samples import sample_path
from triage.store.database import Database
from triage.store.errors import Unauthenticated
from triage.store.roles import SUPERUSER, conninfo

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("audit", "bundle", "keys", "retention", "units", "users")
PASSWORD = "correct horse battery"
Run = Callable[..., "Outcome"]


class Outcome:
    """What a command printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def run(database_url: URL, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the test's database, as on a server of the city's own."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"][GROUP]
    found = [EntryPoint(name, declared[name], GROUP) for name in GROUPS]
    monkeypatch.setattr("triage.cli.entry_points", lambda group: found)
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("TRIAGE_SECRET", "7c1e0f5a93b84d26a0c9e1f2537d8b64")
    monkeypatch.delenv("TRIAGE_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str, typed: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        shown = capsys.readouterr()
        return Outcome(int(caught.value.code or 0), shown.out, shown.err)

    return call


def test_every_command_has_chinese_and_english_help(run: Run) -> None:
    for name in GROUPS:
        shown = run(name, "--help")
        assert shown.status == 0
        assert re.search(r"[一-鿿]", shown.out)
        assert re.search(r" / [A-Z]", shown.out)


def test_a_user_is_added_listed_and_disabled(run: Run, database: Database, data: Path) -> None:
    added = run("users", "add", "wang", "--role", "dispatcher", "--district", "龙华区", typed=f"{PASSWORD}\n")
    assert (added.status, added.out) == (0, "已新建用户 wang（dispatcher）\n")
    assert access.log_in(database, "wang", PASSWORD).actor.scope.districts == ("龙华区",)
    listed = run("users", "list").out
    assert "wang" in listed
    assert "龙华区" in listed
    assert run("users", "password", "wang", typed="another good phrase\n").status == 0
    assert access.log_in(database, "wang", "another good phrase").token
    assert run("users", "disable", "wang").out == "已停用用户 wang\n"
    assert "停用" in run("users", "list").out
    with pytest.raises(Unauthenticated):
        access.log_in(database, "wang", "another good phrase")


def test_a_password_is_never_an_argument_nor_shown(run: Run) -> None:
    assert "--password" not in run("users", "add", "--help").out
    refused = run("users", "add", "wang", "--role", "admin", typed="short\n")
    assert refused.status == 2
    assert refused.err == f"错误：口令应为 {passwords.LEAST} 至 {passwords.MOST} 个字符；可用一句自己记得住的话\n"


def test_a_mistake_is_one_line_with_the_remedy(run: Run) -> None:
    assert run("users", "disable", "nobody").err == "错误：没有用户“nobody”；用 triage users list 查看\n"
    assert "角色“boss”不存在" in run("users", "add", "li", "--role", "boss", typed=f"{PASSWORD}\n").err
    missing = uuid4()
    assert run("keys", "revoke", str(missing)).err == f"错误：没有有效的密钥 {missing}；用 triage keys list 查看\n"


def test_a_key_is_shown_once_and_can_be_piped(run: Run, database: Database) -> None:
    made = run("keys", "create", "热线平台", "--role", "intake", "--days", "30")
    secret = made.out.strip()
    assert made.out == f"{secret}\n"  # nothing else on stdout
    assert "密钥只显示这一次" in made.err
    actor = access.authenticate_key(database, secret)
    assert (actor.role, actor.scope.districts) == ("intake", ("*",))
    listed = run("keys", "list").out
    assert "热线平台" in listed
    assert secret not in listed
    number = actor.name.removeprefix("key:")
    assert run("keys", "revoke", number).status == 0
    assert "已吊销" in run("keys", "list").out
    with pytest.raises(Unauthenticated):
        access.authenticate_key(database, secret)


def test_the_audit_is_verified_and_sealed(run: Run, data: Path, server: TestServer, database_url: URL) -> None:
    for name in ("wang", "zhao"):
        run("users", "add", name, "--role", "intake", typed=f"{PASSWORD}\n")
    first = run("audit", "verify", "--data", str(data))
    assert (first.status, first.out) == (0, "审计记录完整：2 条\n")
    assert "其中 2 条此前已封存" in run("audit", "verify", "--data", str(data)).out
    assert "末尾被截去无法发现" in run("audit", "verify").err
    assert database_url.database is not None
    with psycopg.connect(conninfo(server.url(database_url.database, role=SUPERUSER))) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit WHERE id = 2")
    assert run("audit", "verify").status == 0
    cut = run("audit", "verify", "--data", str(data))
    assert cut.status == 1
    assert "审计记录只到第1条，封存时已有2条：末尾被截去" in cut.err


def test_a_changed_row_of_the_audit_is_named(run: Run, data: Path, server: TestServer, database_url: URL) -> None:
    run("users", "add", "wang", "--role", "intake", typed=f"{PASSWORD}\n")
    assert database_url.database is not None
    with psycopg.connect(conninfo(server.url(database_url.database, role=SUPERUSER))) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit SET actor = 'user:x'")
    broken = run("audit", "verify", "--data", str(data))
    assert (broken.status, broken.err) == (1, "审计记录不完整：第1条内容被改动（核对了 0 条）\n")
    assert not (data / "audit.head").exists()  # a broken chain is not sealed


def test_retention_counts_first_and_then_acts(run: Run, database: Database) -> None:
    file_appeal(database, days_ago=40)
    days = ("--anonymise-after", "60", "--purge-after", "9000")
    assert "将匿名 " in run("retention", "run", *days, "--dry-run").out
    assert count(database, "audit") == 0
    done = run("retention", "run", *days)
    assert (done.status, "已清除 0 件" in done.out) == (0, True)
    assert count(database, "audit", action="retention.run") == 1
    assert "请写明 --anonymise-after 或 --purge-after 的天数" in run("retention", "run").err


def test_units_are_imported_and_listed(run: Run, database: Database) -> None:
    source = str(sample_path("units.csv"))
    first = run("units", "import", source)
    assert re.fullmatch(r"新增 \d+，变更 0，撤出 0，未变 0\n", first.out)
    assert "新增 0" in run("units", "import", source).out
    assert str(rows(database, "units")[0]["name"]) in run("units", "list").out
    assert "无法打开单位名录" in run("units", "import", "/nowhere/units.csv").err


def test_a_plain_folder_is_verified_without_a_store(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRIAGE_DATABASE_URL")
    shown = run("bundle", "verify", str(base_bundle_path()))
    assert shown.status == 0
    assert shown.out.startswith("模型完好：base-")
    assert "is not a bundle" in run("bundle", "verify", str(tmp_path)).err


def test_a_bundle_goes_through_its_life(run: Run, data: Path, tmp_path: Path) -> None:
    base = load_bundle(base_bundle_path())
    write_bundle(tmp_path / "city", replace(base.description, name="city-a"), base.tensors)
    here = ("--data", str(data))
    name = run("bundle", "upload", str(tmp_path / "city"), *here).out.removeprefix("已上传：").strip()
    assert name.startswith("city-a+")
    assert "使用中：自带模型" in run("bundle", "list").out
    assert run("bundle", "evaluate", name, *here).out == "尚无人工确认的诉求，无法比较\n"
    promoted = run("bundle", "promote", name, *here)
    assert f"已启用：{name}（此前：{base.version} appeal-encoder" in promoted.out
    assert "使用中" in run("bundle", "list").out
    assert "已在使用，无需再次启用" in run("bundle", "promote", name, *here).err
    back = run("bundle", "rollback", *here).out
    assert back.startswith(f"已回退到：{base.version} appeal-encoder")
    assert back.endswith(f"（此前：{name}）\n")
    assert "没有模型 nothing；用 triage bundle list 查看" in run("bundle", "promote", "nothing", *here).err
    assert "请用 --data 指定存放模型缓存的目录" in run("bundle", "rollback").err
    assert os.listdir(data / "cache" / "bundles")  # noqa: PTH208 - only whether there is anything
