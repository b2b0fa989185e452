"""``triage terms``, ``triage admission`` and ``triage units import --diff`` at the command line."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sqlalchemy import URL, insert

from tests.store.filing import count, file_appeal
from triage.cli import GROUP, main
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(database_url: URL, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"][GROUP]
    found = [EntryPoint(name, declared[name], GROUP) for name in ("terms", "admission", "units")]
    monkeypatch.setattr("triage.cli.entry_points", lambda group: found)
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("TRIAGE_SECRET", "7c1e0f5a93b84d26a0c9e1f2537d8b64")
    monkeypatch.setenv("COLUMNS", "250")
    for name in ("TRIAGE_DATA", "TRIAGE_RULES", "TRIAGE_PRESET"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        shown = capsys.readouterr()
        return int(caught.value.code or 0), shown.out, shown.err

    return call


def file_term(database: Database, *, days_left: float) -> None:
    appeal = file_appeal(database, unit="市城管局")
    due = datetime.now(UTC) + timedelta(days=days_left)
    values = {"appeal_id": appeal, "step": "finish", "unit": "市城管局", "rule": "默认规则：15个工作日内办结"}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.terms).values(**values, due_at=due, half_at=due, most_at=due))


def test_open_and_overdue_terms_are_listed(run: Run, database: Database) -> None:
    file_term(database, days_left=-3)
    file_term(database, days_left=3)

    status, out, _ = run("terms", "list")
    assert (status, out.count("默认规则：15个工作日内办结")) == (0, 2)
    assert out.index("超期") < out.index("在办")
    assert run("terms", "list", "--overdue")[1].count("市城管局") == 1
    assert "市城管局" not in run("terms", "list", "--unit", "别的局")[1]
    assert "仅列出前 1 项" in run("terms", "list", "--limit", "1")[2]


def test_what_should_be_supervised_is_listed_with_the_reason(run: Run, database: Database) -> None:
    file_term(database, days_left=-3.1)

    status, out, _ = run("terms", "supervision")
    assert status == 0
    assert "办结超期3天" in out


def test_the_rules_in_force_are_shown_and_an_unknown_year_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    status, out, err = run("terms", "rules", "--year", "2026")
    assert (status, err) == (0, "")
    assert "默认规则：可延期1次，每次最长10个工作日" in out
    assert "咨询 2个工作日" in out
    assert "2031年放假安排未知" in run("terms", "rules", "--year", "2031")[2]
    monkeypatch.setenv("TRIAGE_PRESET", "XF")
    assert "XF-DISPUTE 第23条" in run("terms", "rules", "--year", "2026")[1]
    monkeypatch.setenv("TRIAGE_PRESET", "XY")
    assert run("terms", "rules")[0] == 2


def test_an_admission_list_is_imported_and_shown(run: Run, tmp_path: Path) -> None:
    assert "来源：规则文件" in run("admission", "list")[1]
    source = tmp_path / "list.json"
    source.write_text(json.dumps({"items": [{"item": "占道", "lowest": "网格", "words": ["占道经营"]}]}), "utf-8")
    assert run("admission", "import", str(source))[1] == "新增 1，变更 0，撤出 0，未变 0\n"
    shown = run("admission", "list")[1]
    assert "占道经营" in shown
    assert "来源：导入的清单" in shown
    source.write_text("{}", "utf-8")
    status, _, err = run("admission", "import", str(source))
    assert (status, "无法读取" in err) == (2, True)


def test_a_difference_is_shown_before_units_are_imported(run: Run, database: Database, tmp_path: Path) -> None:
    source = tmp_path / "units.csv"
    source.write_text("单位名称,层级\n市城管局,市\n市工商局,市\n", "utf-8")
    assert run("units", "import", str(source))[1] == "新增 2，变更 0，撤出 0，未变 0\n"
    file_appeal(database, unit="市工商局")
    source.write_text("单位名称,层级,别名,联系方式\n市城管局,市,,0000-1\n市市场监管局,市,市工商局,\n", "utf-8")

    status, out, _ = run("units", "import", str(source), "--diff")
    assert status == 0
    for part in (
        "联系方式：无 → 0000-1",
        "疑更名为市市场监管局；尚有1件在办",
        "新增 1，变更 1，撤出 1，未变 0；未改动",
    ):
        assert part in out
    assert count(database, "units") == 2
    seen = out.rsplit("--seen ", 1)[1].strip()
    assert run("units", "import", str(source), "--apply", "--seen", seen)[1] == "新增 1，变更 1，撤出 1，未变 0\n"
    status, _, err = run("units", "import", str(source), "--seen", seen)
    assert (status, "重新查看差异" in err) == (2, True)
    assert "0000-1" in run("units", "list")[1]
