"""How figures hold over time: one row per week, or per month where a file covers many weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.abstention import lower_bound
from models.calibration import expected_calibration_error
from training.metrics import wilson

MOST_WEEKS = 10
"""More weeks than these are shown by month."""

_WEEK = timedelta(days=7)
_BINS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Figures of one week or month.

    Attributes:
        start: First day that occurs in it.
        end: Last day that occurs in it.
        n: Appeals judged.
        top1: Share whose first candidate is right, 0 … 1.
        top1_interval: Its 95 % interval (Wilson 1927).
        confidence: Mean probability of the first candidate; equal to ``top1`` where it is calibrated.
        calibration_error: Expected calibration error over ten equally filled bins; some 0.03 of it is chance at n = 800.
        auto: Appeals dispatched without a person.
        auto_precision: Share of them that is right; None without one.
        auto_lower_bound: Its one-sided 95 % lower bound.
    """

    start: date
    end: date
    n: int
    top1: float
    top1_interval: tuple[float, float]
    confidence: float
    calibration_error: float
    auto: int
    auto_precision: float | None
    auto_lower_bound: float

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form, rounded."""
        record = {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}
        record["top1_interval"] = [round(value, 4) for value in self.top1_interval]
        return record | {"start": self.start.isoformat(), "end": self.end.isoformat()}


def periods(
    times: Sequence[datetime | None],
    confidence: NDArray[np.floating],
    correct: NDArray[np.bool_],
    auto: NDArray[np.bool_],
) -> tuple[Period, ...]:
    """Split judged appeals by week or month.

    Args:
        times: Arrival of each of n appeals; those without one are left out.
        confidence: float[n], probability of the first candidate.
        correct: bool[n], whether it is right.
        auto: bool[n], whether it was dispatched without a person.

    Returns:
        In order of time; nothing where all arrived within one calendar week (Monday to Sunday) or none has a time.
    """
    days = [time.date() if time is not None else None for time in times]
    mondays = {_monday(day) for day in days if day is not None}
    if len(mondays) < 2:
        return ()
    monthly = (max(mondays) - min(mondays)) // _WEEK >= MOST_WEEKS
    members: dict[date, list[int]] = {}
    for i, day in enumerate(days):
        if day is not None:
            members.setdefault(day.replace(day=1) if monthly else _monday(day), []).append(i)
    return tuple(
        _period([day for i in rows if (day := days[i]) is not None], confidence[rows], correct[rows], auto[rows])
        for _, rows in sorted(members.items())
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _period(
    days: Sequence[date], confidence: NDArray[np.floating], correct: NDArray[np.bool_], auto: NDArray[np.bool_]
) -> Period:
    dispatched, right = int(auto.sum()), int(correct[auto].sum())
    return Period(
        start=min(days),
        end=max(days),
        n=len(days),
        top1=float(correct.mean()),
        top1_interval=wilson(int(correct.sum()), len(correct)),
        confidence=float(confidence.mean()),
        calibration_error=expected_calibration_error(confidence, correct, bins=_BINS),
        auto=dispatched,
        auto_precision=right / dispatched if dispatched else None,
        auto_lower_bound=lower_bound(right, dispatched),
    )
