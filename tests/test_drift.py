"""Figures by week: calibrated probabilities must survive the month after training, and a reader must see whether they do."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from rich.console import Console

from training.drift import periods
from training.tables import print_figures

MAY = datetime(2026, 5, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


def days(count: int, *, each: int = 10) -> list[datetime | None]:
    return [MAY + timedelta(days=day) for day in range(count) for _ in range(each)]


def test_a_month_is_shown_week_by_week() -> None:
    times = days(31)
    found = periods(times, np.full(310, 0.8), np.arange(310) % 5 > 0, np.arange(310) % 2 == 0)
    assert [(p.start.isoformat(), p.n) for p in found] == [
        ("2026-05-01", 30),
        ("2026-05-04", 70),
        ("2026-05-11", 70),
        ("2026-05-18", 70),
        ("2026-05-25", 70),
    ]
    assert all(p.top1 == pytest.approx(0.8) and p.confidence == pytest.approx(0.8) for p in found)
    assert sum(p.auto for p in found) == 155


def test_a_week_in_which_confidence_turned_false_stands_out() -> None:
    correct = np.array([True] * 100 + [False] * 70)
    steady, turned = periods(days(17)[30:], np.full(140, 0.95), correct[30:], np.ones(140, bool))
    assert steady.calibration_error == pytest.approx(0.05, abs=0.01)
    assert turned.calibration_error == pytest.approx(0.95, abs=0.01)
    assert turned.auto_precision == 0.0
    assert steady.auto_lower_bound > 0.95


def test_one_week_or_no_times_give_no_table() -> None:
    assert periods(days(3), np.ones(30), np.ones(30, bool), np.ones(30, bool)) == ()
    assert periods([None] * 4, np.ones(4), np.ones(4, bool), np.ones(4, bool)) == ()


def test_many_weeks_are_shown_by_month() -> None:
    found = periods(days(92, each=1), np.ones(92), np.ones(92, bool), np.zeros(92, bool))
    assert [p.start.isoformat() for p in found] == ["2026-05-01", "2026-06-01", "2026-07-01"]
    assert found[0].auto_precision is None


def test_the_table_shows_each_week_and_how_far_from_its_target_automatic_dispatch_is() -> None:
    correct = np.arange(140) % 20 > 0
    record = {
        "unit": {
            **dict.fromkeys(("top1", "top3", "top5", "macro_f1", "coverage95", "coverage90", "calibration_error"), 0.5),
            "n": 140,
            "top1_interval": [0.4, 0.6],
            "classes": [],
            "auto": {"n": 100, "coverage": 0.7, "precision": 0.964, "lower_bound": 0.91, "target": 0.95},
            "periods": [p.to_record() for p in periods(days(14), np.full(140, 0.95), correct, np.ones(140, bool))],
        }
    }
    screen = Console(record=True, width=160, file=StringIO())
    print_figures(screen, record)
    text = screen.export_text()
    assert "2026-05-01 至 05-03" in text
    assert "相差 +1.4 个百分点" in text
