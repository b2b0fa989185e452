"""Lengths of time as the rules state them (``15 min``, ``2 h``, ``60 d``, ``10 wd``), and where they end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from triage.rules.calendar import WorkCalendar

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Chinese standard time; without summer time since 1991, so a fixed offset serves and no zone file is read."""

HALF, MOST = 0.5, 0.8
"""Shares of a term after which its unit is reminded; at the end it is overdue."""

OPENS, CLOSES = time(9), time(18)
"""Office hours: a reminder of a term in working days comes when somebody is there to read it."""

_WRITTEN = re.compile(r"(\d{1,3}) ?(min|h|d|wd)")
_WORDS = {"min": "分钟", "h": "小时", "d": "日", "wd": "个工作日"}
_END_OF_DAY = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time.

    Attributes:
        count: How many, 0 … 999.
        unit: ``min``, ``h``, ``d`` (natural days) or ``wd`` (working days).
    """

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Duration | None:
        """Read ``15 min``, ``2 h``, ``15 d`` or ``10 wd``; None if it is none of these."""
        match = _WRITTEN.fullmatch(text.strip())
        return cls(int(match[1]), match[2]) if match else None

    def __str__(self) -> str:
        return f"{self.count}{_WORDS[self.unit]}"

    @property
    def in_days(self) -> bool:
        """Whether it ends with a day and not at a minute."""
        return self.unit in ("d", "wd")

    def end(self, start: datetime, calendar: WorkCalendar) -> datetime:
        """Return when it is over.

        Minutes and hours run through nights and holidays. Days end at 23:59:59 of the last one; the first does not count
        (民法典第201条), so what comes in on a Sunday with 1 wd is due on Monday, as if it came in on Friday.
        """
        begun = start.astimezone(CHINA)
        if self.unit == "min":
            return begun + timedelta(minutes=self.count)
        if self.unit == "h":
            return begun + timedelta(hours=self.count)
        if self.unit == "d":
            return end_of(begun.date() + timedelta(days=self.count))
        return end_of(calendar.after(begun.date(), self.count))

    def longer_than(self, other: Duration) -> bool | None:
        """Say whether it is longer than another one; None where that depends on the calendar (10 d and 10 wd)."""
        if self.unit == other.unit:
            return self.count > other.count
        minutes = {"min": 1, "h": 60, "d": 1440}
        if self.unit in minutes and other.unit in minutes:
            return self.count * minutes[self.unit] > other.count * minutes[other.unit]
        return None


def end_of(day: date) -> datetime:
    """Return the last second of a Chinese day."""
    return datetime.combine(day, _END_OF_DAY, CHINA)


def share(start: datetime, due: datetime, part: float, *, calendar: WorkCalendar | None = None) -> datetime:
    """Return when a share of a term is used up.

    With a calendar the share is one of the working days after the first day, and within a day one of its office
    hours: half of 1 wd is 13:30 of that day, half of 10 wd is 9:00 of the sixth. Otherwise time runs evenly.

    Args:
        start: Begin of the term.
        due: End of the term.
        part: 0 … less than 1.
        calendar: Of a term in working days; None: minutes, hours, natural days.
    """
    begun, until = start.astimezone(CHINA), due.astimezone(CHINA)
    days = calendar.workdays(begun.date(), until.date()) if calendar is not None else 0
    if calendar is None or days == 0:
        return begun + (until - begun) * part
    whole, rest = divmod(days * part, 1)
    day = calendar.after(begun.date(), int(whole) + 1)
    opens = datetime.combine(day, OPENS, CHINA)
    return opens + (datetime.combine(day, CLOSES, CHINA) - opens) * rest
