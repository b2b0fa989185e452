"""Whether the same time of the year before was high too."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from triage.trends.chance import upper_tail
from triage.trends.results import Season
from triage.trends.rows import Span, TrendCounts

YEAR = timedelta(days=364)
AROUND = 17
"""Days before and after the same day a year ago: five weeks, so that a holiday that moves is still among them."""
SURE = 0.01
_DISPERSION = 2.0
"""Five weeks of a category scatter about twice as much as chance alone."""


class Seasons:
    """Looks up the year before, category by category.

    Args:
        counts: Counts of categories by day, before the period.
        span: The period.
    """

    def __init__(self, counts: TrendCounts, span: Span) -> None:
        middle = span.start + timedelta(days=(span.days - 1) // 2) - YEAR
        self._season = Span(start=middle - timedelta(days=AROUND), end=middle + timedelta(days=AROUND))
        self._year = Span(start=span.start - YEAR - timedelta(days=AROUND), end=span.start - timedelta(days=1))
        self._within: Counter[str] = Counter()
        self._outside: Counter[str] = Counter()
        first: date | None = None
        for cell in counts.cells:
            if cell.keyword or not self._year.contains(cell.day):
                continue
            first = cell.day if first is None else min(first, cell.day)
            (self._within if self._season.contains(cell.day) else self._outside)[cell.l2] += cell.count
        self.known = first is not None and first <= self._season.start + timedelta(days=2)
        """Whether the records reach back far enough."""

    def of(self, l2: str) -> Season | None:
        """Return the season of a category; None where the records are too short or the year had none of it."""
        count, rest = self._within[l2], self._outside[l2]
        if not self.known or not count + rest:
            return None
        here = sum(self._within.values()) - count
        there = sum(self._outside.values()) - rest
        if here <= 0 or there <= 0:
            return None
        share = here / (here + there)
        p = upper_tail(count, count + rest, share, dispersion=_DISPERSION)
        expected = rest * share / (1.0 - share)
        return Season(count=count, expected=round(expected, 1), p=p, seasonal=p <= SURE)
