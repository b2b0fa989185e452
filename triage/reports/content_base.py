"""The smallest parts of a report's contents: counts, rates, heat, quotes; see `triage.reports.content`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of tickets, compared.

    Attributes:
        name: What is counted; empty for a total.
        count: In the period.
        previous: In the period before; None where the records do not reach back over all of it.
        last_year: In the same period of the year before; None likewise.
        notable: Whether the change from the period before is more than chance (exact test of two Poisson counts, two
            sided, level 0.01 over all rows of the table by Benjamini and Hochberg); None without ``previous``.
        share: Of the total of its table, 0 to 1; None where the total is 0.
        key: Names the figure in the trace.
    """

    name: str
    count: int
    previous: int | None = None
    last_year: int | None = None
    notable: bool | None = None
    share: float | None = None
    key: str = ""

    @property
    def change(self) -> float | None:
        """Relative change from the period before (环比), such as 0.25; None where that is unknown or 0."""
        return _relative(self.count, self.previous)

    @property
    def year_change(self) -> float | None:
        """Relative change from the year before (同比); None where that is unknown or 0."""
        return _relative(self.count, self.last_year)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A rate with its parts: ``part`` of ``whole``.

    Attributes:
        part: Tickets that fulfil it.
        whole: Tickets that it is asked of.
        key: Names the part in the trace; the whole is ``key + ".whole"``.
    """

    part: int
    whole: int
    key: str = ""

    @property
    def rate(self) -> float | None:
        """Return the share from 0 to 1, or None where nothing was asked."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """Tickets of one calendar day."""

    day: date
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatPart:
    """One part of a heat index: its name in Chinese, what was measured, and the points it gives."""

    name: str
    value: float
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """How hot an event or theme is, 0 to 100, and the parts that add up to it."""

    value: float
    parts: tuple[HeatPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A masked stretch of a ticket; empty after its appellant was erased.

    Attributes:
        appeal: Id of the appeal.
        number: Ticket number as people know it; the id where there is none.
        text: Masked, at most 120 characters, one line.
    """

    appeal: str
    number: str
    text: str


def _relative(count: int, before: int | None) -> float | None:
    return (count - before) / before if before else None
