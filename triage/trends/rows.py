"""What trends are told from: appeals, or counts of them by day, place, category and keyword."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Protocol

CHINA = timezone(timedelta(hours=8))
"""Days are natural days of China."""


class Days(Protocol):
    """A stretch of whole days; `triage.reports.period.Period` is one, `Span` another."""

    @property
    def start(self) -> date:
        """First day."""

    @property
    def end(self) -> date:
        """Last day, which belongs to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of whole days.

    Attributes:
        start: First day.
        end: Last day, which belongs to it.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span ends on {self.end}, before it starts on {self.start}")

    @property
    def days(self) -> int:
        """Number of days, at least 1."""
        return (self.end - self.start).days + 1

    def before(self) -> Span:
        """Return the equally long stretch just before."""
        return Span(start=self.start - timedelta(days=self.days), end=self.start - timedelta(days=1))

    def year_before(self) -> Span:
        """Return the stretch 52 weeks earlier: the same weekdays, the same season."""
        return Span(start=self.start - timedelta(days=364), end=self.end - timedelta(days=364))

    def contains(self, day: date) -> bool:
        """Return whether the day belongs to it."""
        return self.start <= day <= self.end


def span_of(days: Days) -> Span:
    """Return the span of any stretch of whole days."""
    return Span(start=days.start, end=days.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendRow:
    """One appeal as trends see it.

    Attributes:
        id: The appeal.
        received_at: With a time zone.
        l1: First-level category; empty when unknown.
        l2: Second-level category; empty when unknown.
        keywords: Words of its masked text, in the order of the text (`triage.trends.KeywordReader`).
        district: 区县; empty when unknown.
        street: 街镇 of that district; empty when unknown.
        unit: Who handles it, or who is proposed; empty when unknown.
        risk_level: 0 to 4.
        event: The event it belongs to; None when it is alone or unknown.
        appellant: An opaque key of the person, only compared; None when unknown. One person's appeals of one day count
            once in what bursts are told from.
        day: The natural day in China; worked out.
    """

    id: str
    received_at: datetime
    l1: str = ""
    l2: str = ""
    keywords: tuple[str, ...] = ()
    district: str = ""
    street: str = ""
    unit: str = ""
    risk_level: int = 0
    event: str | None = None
    appellant: str | None = None
    day: date = field(init=False)

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError(f"trend row {self.id}: received_at has no time zone; use e.g. ZoneInfo('Asia/Shanghai')")
        object.__setattr__(self, "day", self.received_at.astimezone(CHINA).date())

    @property
    def who(self) -> str:
        """Who wrote it; an unknown person counts as one of its own."""
        return self.id if self.appellant is None else f"\N{UNIT SEPARATOR}{self.appellant}"


@dataclass(frozen=True, slots=True)
class TrendCell:
    """Appeals of one day, place and matter.

    A cell without a keyword counts the appeals of a category; every appeal is in exactly one such cell. A cell with a
    keyword counts the appeals whose keywords hold it, whatever their category; an appeal is in as many as it has keywords.

    Attributes:
        day: Natural day in China.
        district: Empty when unknown.
        street: Empty when unknown.
        l2: Second-level category, empty when unknown; always empty beside a keyword.
        keyword: Empty in cells that count a category.
        count: People who wrote about it that day (one person's repetition is not counted again), at least 1.
    """

    day: date
    district: str
    street: str
    l2: str
    keyword: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendCounts:
    """Counts of appeals, as a database aggregates them or as `TrendCounts.of` counts them.

    Attributes:
        cells: In any order; equal cells are added up.
    """

    cells: Sequence[TrendCell]

    @classmethod
    def of(cls, rows: Iterable[TrendRow]) -> TrendCounts:
        """Count appeals; one person counts once per day, place and matter."""
        counts: Counter[tuple[date, str, str, str, str]] = Counter()
        seen: set[tuple[str, date, str, str, str, str]] = set()
        for row in rows:
            for l2, keyword in ((row.l2, ""), *(("", word) for word in dict.fromkeys(row.keywords) if word)):
                cell = (row.day, row.district, row.street, l2, keyword)
                if row.appellant is not None:
                    mark = (row.appellant, *cell)
                    if mark in seen:
                        continue
                    seen.add(mark)
                counts[cell] += 1
        return cls(cells=[TrendCell(*cell, count) for cell, count in counts.items()])

    def between(self, days: Days) -> TrendCounts:
        """Return the cells of some days."""
        return TrendCounts(cells=[cell for cell in self.cells if days.start <= cell.day <= days.end])
