"""``triage dispatching``: what an operator reads and does on the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import URL
from typer.testing import CliRunner, Result

from api.commands.dispatching import dispatching
from tests.store.dispatching import desk_of, post, told
from tests.store.filing import rows
from triage.casework.dispatch_policy import Policy
from triage.store.database import Database
from triage.store.errors import StateConflict

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: URL, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("TRIAGE_SECRET", "7c1e0f5a93b84d26a0c9e1f2537d8b64")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("TRIAGE_DATA", "TRIAGE_AUTO_DISPATCH"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(dispatching, list(arguments))


def test_the_status_shows_mode_figures_and_what_was_done(run: Run, database: Database) -> None:
    post(desk_of(database, Policy()))
    found = run("status")
    assert found.exit_code == 0, found.output
    assert "试运行（只记录，不派出）" in found.output
    assert "目标准确率 95.0%" in found.output
    assert "人工核对（现用模型）" in found.output


def test_suspending_stops_it_and_the_status_says_so_until_it_is_resumed(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_AUTO_DISPATCH", "on")
    assert "已停用" in run("suspend", "--reason", "系统割接").output
    assert "此前已停用" in run("suspend", "--reason", "系统割接").output
    stopped = run("status")
    assert stopped.exit_code == 1
    assert "system：系统割接" in stopped.output
    assert "实际：试运行" in stopped.output
    assert "已恢复" in run("resume", "--reason", "割接完成").output
    assert run("status").exit_code == 0
    assert len(told(database, "dispatch.fallen")) == len(told(database, "dispatch.resumed")) == 1
    assert [row["action"] for row in rows(database, "audit")] == ["dispatch.fallen", "dispatch.resumed"]


def test_resuming_what_was_not_stopped_is_refused(run: Run) -> None:
    assert isinstance(run("resume", "--reason", "试试").exception, StateConflict)


def test_a_reason_must_be_given(run: Run) -> None:
    assert run("suspend").exit_code == 2
