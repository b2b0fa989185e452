"""Chinese working days: weekends, public holidays and the weekends worked to make up for them (调休)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from triage.errors import InputError
from triage.rules.shipped import DATA

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Which days are worked.

    Attributes:
        off: Weekdays that are holidays, from the editable file.
        work: Weekend days that are worked, from the editable file.
        years: The years the file settles; they outweigh the built-in calendar.
    """

    off: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    @classmethod
    def load(cls, path: Path | None = None) -> WorkCalendar:
        """Read the holiday file, by default the shipped one (triage/data/holidays.json).

        Raises:
            InputError: If it is missing, is no JSON, or has an unreadable date.
        """
        name = path.name if path else "holidays.json"
        try:
            source = path or DATA / "holidays.json"
            years = json.loads(source.read_text(encoding="utf-8"))["years"]
            off = {_day(day, year, name) for year, entry in years.items() for day in entry.get("off", ())}
            work = {_day(day, year, name) for year, entry in years.items() for day in entry.get("work", ())}
            both = sorted(off & work)
            known = frozenset(map(int, years))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"节假日文件 {name} 无法读取：应为含 years 的 JSON 文件，日期写成 2027-01-01") from error
        if both:
            raise InputError(f"节假日文件 {name}：{both[0]} 既列为放假又列为上班，请删去一处")
        return cls(frozenset(off), frozenset(work), known)

    def knows(self, year: int) -> bool:
        """Say whether the year's holidays are known; otherwise only weekends count as free."""
        return year in self.years or year in _built_in_years()

    def is_workday(self, day: date) -> bool:
        """Say whether the day is worked."""
        if day.year in self.years:
            return day in self.work or (day.weekday() < _SATURDAY and day not in self.off)
        if day.year in _built_in_years():
            return _built_in_workday(day)
        return day.weekday() < _SATURDAY

    def after(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``, which itself does not count (民法典第201条)."""
        while count > 0:
            day += timedelta(days=1)
            count -= self.is_workday(day)
        return day

    def workdays(self, after: date, until: date) -> int:
        """Count the working days after ``after`` up to and including ``until``; 0 if there are none."""
        return sum(self.is_workday(after + timedelta(days=n)) for n in range(1, (until - after).days + 1))

    def unknown_years(self, first: date, last: date) -> list[int]:
        """Return the years from ``first`` to ``last`` whose holidays are not known."""
        return [year for year in range(first.year, last.year + 1) if not self.knows(year)]


def _day(written: str, year: str, name: str) -> date:
    """Read a date of the file; one under the wrong year would be passed over in silence."""
    day = date.fromisoformat(written)
    if day.year != int(year):
        raise InputError(f"节假日文件 {name}：{written} 列在 {year} 年之下，请移到 {day.year} 年")
    return day


@lru_cache(maxsize=4096)
def _built_in_workday(day: date) -> bool:
    import chinese_calendar  # noqa: PLC0415 (loaded only when a deadline is asked for)

    return bool(chinese_calendar.is_workday(day))


@lru_cache(maxsize=1)
def _built_in_years() -> range:
    """Return the years that the package chinesecalendar knows."""
    from chinese_calendar import constants  # noqa: PLC0415 (loaded only when a deadline is asked for)

    known = {day.year for day in constants.holidays}
    return range(min(known), max(known) + 1)
