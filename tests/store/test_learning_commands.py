"""`triage drift`, `triage labels` and `triage train --from-store` on a store."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.store.filing import DISPATCHER, add_units, file_appeal
from triage.casework import review
from triage.cli import GROUP, main
from triage.store.database import Database
from triage.testing import fake_desk

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("bundle", "drift", "labels", "train")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(database_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the test's database; gives status, output and error output."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"][GROUP]
    monkeypatch.setattr(
        "triage.cli.entry_points", lambda group: [EntryPoint(name, declared[name], group) for name in NAMES]
    )
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("TRIAGE_SECRET", "7c1e0f5a93b84d26a0c9e1f2537d8b64")
    monkeypatch.setenv("TRIAGE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "data").mkdir()

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        shown = capsys.readouterr()
        return int(caught.value.code or 0), shown.out, shown.err

    return call


@pytest.fixture
def decided(database: Database) -> None:
    """Two appeals that people decided: one as proposed, one elsewhere."""
    add_units(database)
    desk = fake_desk(database)
    review.confirm(desk, DISPATCHER, file_appeal(database))
    review.reassign(desk, DISPATCHER, file_appeal(database), unit="市供水公司", reason="管网问题")


@pytest.mark.usefixtures("decided")
def test_labels_are_counted_and_exported(run: Run, tmp_path: Path) -> None:
    status, shown, _ = run("labels", "count")
    assert status == 0
    assert "建议单位正确" in shown
    path = tmp_path / "labels.jsonl"
    assert run("labels", "export", str(path))[1] == f"已导出 2 条到 {path}\n"
    assert [json.loads(line)["kind"] for line in path.read_text(encoding="utf-8").splitlines()] == ["unit", "unit"]
    assert run("labels", "export", str(path), "--kind", "all")[::2] == (2, "错误：--kind 应为 unit、pair、risk 之一\n")


@pytest.mark.usefixtures("decided")
def test_the_drift_report_is_shown_and_written(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "drift.json"
    status, shown, _ = run("drift", "--days", "30", "-o", str(path))
    assert status == 0
    assert "首选准确率：近期 50.0%（1%–99%，2 件）" in shown
    assert "龙华区城管局" in shown
    assert json.loads(path.read_text(encoding="utf-8"))["now"]["n"] == 2


@pytest.mark.usefixtures("decided")
def test_a_training_from_the_store_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    out = str(tmp_path / "city")
    assert run("train", "-o", out)[2] == "错误：请给出历史工单文件，或用 --from-store 从数据库学习\n"
    assert "名录取自数据库" in run("train", "--from-store", "-o", out, "--label", "l1")[2]
    status, _, said = run("train", "--from-store", "-o", out)
    assert status == 2
    assert "可供学习的人工派单只有 2 件，至少需要 30 件" in said
    assert not Path(out).exists()
