"""Periods of reports: days, ISO weeks, months and quarters, with the one before and the one a year ago."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum

from triage.errors import InputError

CHINA = timezone(timedelta(hours=8))
"""Days of reports are natural days of China."""


class PeriodError(InputError):
    """The period cannot be read."""


class Kind(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of whole days.

    Attributes:
        kind: day, week, month or quarter.
        start: First day.
        end: Last day, which belongs to it.
        code: Short form, as `parse` reads it: ``2019-09-02``, ``2019-W36``, ``2019-09`` or ``2019-Q3``.
    """

    kind: Kind
    start: date
    end: date
    code: str

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days + 1

    @property
    def since(self) -> datetime:
        """First moment."""
        return datetime.combine(self.start, time(), tzinfo=CHINA)

    @property
    def until(self) -> datetime:
        """First moment that no longer belongs to it."""
        return datetime.combine(self.end + timedelta(days=1), time(), tzinfo=CHINA)

    @property
    def name(self) -> str:
        """How people call it: 2019年第36周（9月2日至9月8日）."""
        return _NAMES[self.kind](self)

    @property
    def issue(self) -> str:
        """Issue number of its report: 2019年第36期; of a day the number of the day in its year."""
        return f"{_year(self)}年第{_number(self)}期"

    def contains(self, day: date) -> bool:
        """Return whether the day belongs to it."""
        return self.start <= day <= self.end

    def before(self) -> Period:
        """Return the period just before, of the same kind."""
        return of(self.kind, self.start - timedelta(days=1))

    def year_before(self) -> Period:
        """Return the same period one year ago; a 53rd week or 29 February falls to the last one there is."""
        if self.kind == Kind.WEEK:
            year, week, _ = self.start.isocalendar()
            return _week(year - 1, min(week, _weeks(year - 1)))
        day = self.start
        leap = day.month == 2 and day.day == 29
        return of(self.kind, day.replace(year=day.year - 1, day=28 if leap else day.day))

    def all_days(self) -> tuple[date, ...]:
        """Return its days in order."""
        return tuple(self.start + timedelta(days=index) for index in range(self.days))


def of(kind: Kind, day: date) -> Period:
    """Return the period of a kind that a day belongs to."""
    if kind == Kind.DAY:
        return Period(kind=kind, start=day, end=day, code=day.isoformat())
    if kind == Kind.WEEK:
        year, week, _ = day.isocalendar()
        return _week(year, week)
    if kind == Kind.MONTH:
        return _months(kind, day.replace(day=1), 1, f"{day.year:04d}-{day.month:02d}")
    quarter = (day.month - 1) // 3 + 1
    return _months(kind, date(day.year, quarter * 3 - 2, 1), 3, f"{day.year:04d}-Q{quarter}")


def parse(code: str, kind: Kind | None = None) -> Period:
    """Read ``2019-09-02``, ``2019-W36``, ``2019-09`` or ``2019-Q3``.

    Args:
        code: As people write it; small letters do.
        kind: What it must be; None takes any.

    Raises:
        PeriodError: It is no such thing; the message shows how one is written.
    """
    text = code.strip().upper()
    for wanted, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found and kind in (None, wanted):
            try:
                return _read(wanted, *(int(part) for part in found.groups()))
            except (ValueError, OverflowError):
                break
    examples = _EXAMPLES[kind] if kind else "、".join(_EXAMPLES.values())
    msg = f"无法识别的报告周期，请写成 {examples}"
    raise PeriodError(msg)


def _read(kind: Kind, year: int, *rest: int) -> Period:
    if not 2 <= year <= 9998:
        raise ValueError
    if kind == Kind.DAY:
        return of(kind, date(year, *rest))
    (number,) = rest
    if kind == Kind.WEEK:
        if not 1 <= number <= _weeks(year):
            raise ValueError
        return _week(year, number)
    if kind == Kind.QUARTER and not 1 <= number <= 4:
        raise ValueError
    return of(kind, date(year, number if kind == Kind.MONTH else number * 3 - 2, 1))


def _week(year: int, week: int) -> Period:
    start = date.fromisocalendar(year, week, 1)
    return Period(kind=Kind.WEEK, start=start, end=start + timedelta(days=6), code=f"{year:04d}-W{week:02d}")


def _weeks(year: int) -> int:
    """Return how many ISO weeks a year has: 28 December is always in the last one."""
    return date(year, 12, 28).isocalendar().week


def _months(kind: Kind, start: date, count: int, code: str) -> Period:
    month = start.month - 1 + count
    after = date(start.year + month // 12, month % 12 + 1, 1)
    return Period(kind=kind, start=start, end=after - timedelta(days=1), code=code)


def _year(period: Period) -> int:
    return period.start.isocalendar().year if period.kind == Kind.WEEK else period.start.year


def _number(period: Period) -> int:
    if period.kind == Kind.DAY:
        return period.start.timetuple().tm_yday
    if period.kind == Kind.WEEK:
        return period.start.isocalendar().week
    return period.start.month if period.kind == Kind.MONTH else (period.start.month - 1) // 3 + 1


def _spoken(day: date) -> str:
    return f"{day.month}月{day.day}日"


_NAMES = {
    Kind.DAY: lambda period: f"{period.start.year}年{_spoken(period.start)}",
    Kind.WEEK: lambda period: (
        f"{_year(period)}年第{_number(period)}周（{_spoken(period.start)}至{_spoken(period.end)}）"
    ),
    Kind.MONTH: lambda period: f"{period.start.year}年{period.start.month}月",
    Kind.QUARTER: lambda period: f"{period.start.year}年第{'一二三四'[_number(period) - 1]}季度",
}

_PATTERNS = {
    Kind.DAY: re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"),
    Kind.WEEK: re.compile(r"([0-9]{4})-?W([0-9]{1,2})"),
    Kind.MONTH: re.compile(r"([0-9]{4})-([0-9]{1,2})"),
    Kind.QUARTER: re.compile(r"([0-9]{4})-?Q([0-9])"),
}

_EXAMPLES = {Kind.DAY: "2019-09-02", Kind.WEEK: "2019-W36", Kind.MONTH: "2019-09", Kind.QUARTER: "2019-Q3"}
