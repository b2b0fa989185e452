"""Themes and what emerges, told by `triage.trends` from the tickets of the period and what came before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from triage import trends
from triage.reports.material import Request
from triage.trends import Bursts, Themes, TrendCounts, TrendRow

CHARS_READ = 400
"""Characters of a text that are masked for its keywords; a few more than are read."""


@dataclass(frozen=True, slots=True)
class Told:
    """Themes and bursts; None where there was nothing to tell them from."""

    themes: Themes | None = None
    bursts: Bursts | None = None


@dataclass(frozen=True, slots=True)
class KnownWords:
    """Keywords whose history was counted.

    Attributes:
        words: They.
        others: How many further words the history holds often enough to be tested; they are part of what was looked at.
    """

    words: Sequence[str]
    others: int = 0


def tell(
    rows: Sequence[TrendRow],
    request: Request,
    *,
    history: TrendCounts,
    known: KnownWords | None = None,
    titles: Mapping[str, str] | None = None,
) -> Told:
    """Tell themes and bursts of a period.

    Args:
        rows: Tickets of the period, of the one before, and of the one a year ago.
        request: The report.
        history: Counts of the days before the period.
        known: Keywords whose history is counted, where that is not all of them.
        titles: Events and what they are called; a burst of one event is named after it.
    """
    period = request.period
    current = [row for row in rows if period.contains(row.day)]
    if not current:
        return Told()
    words = set(known.words) if known else None
    if words is not None:
        current = [replace(row, keywords=tuple(word for word in row.keywords if word in words)) for row in current]
    return Told(
        themes=trends.themes(
            rows, span=period, previous=period.before(), year_before=period.year_before(), earlier=history
        ),
        bursts=trends.bursts(
            current, span=period, history=history, unlisted_words=known.others if known else 0, titles=titles
        ),
    )
