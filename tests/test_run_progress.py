"""How far a run is: a bar for a terminal, a line now and then for a log, drawn by no thread."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from triage.commands.progress import ConsoleWatch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("triage.commands.progress.time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_few_seconds(clock: list[float]) -> None:
    log = io.StringIO()
    with ConsoleWatch(Console(file=log)) as watch:
        progress = watch("研判诉求")
        for done in range(0, 4000, 400):
            clock[0] += 1.0
            assert progress(done, 0)
        clock[0] += 6.0
        watch("写出结果")(200, 3600)
    said = ["研判诉求：1,600 件", "研判诉求：3,600 件", "写出结果……", "写出结果：200/3,600 件"]
    assert log.getvalue().splitlines() == said


def test_a_short_run_says_nothing_to_a_log(clock: list[float]) -> None:
    log = io.StringIO()
    with ConsoleWatch(Console(file=log)) as watch:
        watch("研判诉求")(100, 0)
        clock[0] += 1.0
        watch("写出结果")(100, 100)
    assert log.getvalue() == ""


def test_a_terminal_gets_a_bar_that_is_gone_afterwards_and_no_thread(clock: list[float]) -> None:
    screen = io.StringIO()
    before = threading.active_count()
    with ConsoleWatch(Console(file=screen, force_terminal=True, width=100)) as watch:
        progress = watch("研判诉求")
        clock[0] += 1.0
        assert progress(1234, 0)
        assert threading.active_count() == before
        assert "1234/?" in screen.getvalue()
        watch("写出结果")
        assert "写出结果" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")
