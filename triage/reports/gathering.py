"""What gathering from the store and from a file have in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from triage.reports.material import GROUPINGS, Counts, Key, Tables, Traced
from triage.reports.period import Kind, Period
from triage.reports.tracing import group_of

EVENTS_LOOKED_AT = 60
"""Events whose facts are told, those with most tickets first; a report lists at most twenty of them."""
EVENTS_QUOTED = 20
FREQUENT_LOOKED_AT = 60
RISKS_LISTED = 30
LISTED = 50
"""Open, overdue and escalated matters listed; the totals count all."""
MEMBERS_READ = 60
"""Tickets of one event whose texts title and keywords are told from; the others are counted."""
TEXT_READ = 1_500
"""Characters of a text that are read for titles, keywords and quotes."""
HISTORY_DAYS = 91
"""Days before the period that what emerges is held against."""

NOW, BEFORE, YEAR = 0, 1, 2


def slots(period: Period) -> tuple[Period, Period, Period]:
    """Return the three periods that are compared: this one, the one before, the one a year ago."""
    return period, period.before(), period.year_before()


def chart_start(period: Period) -> date:
    """Return the first day of the daily counts: the period before, or for a day the four weeks up to it."""
    return period.end - timedelta(days=27) if period.kind == Kind.DAY else period.before().start


def tables_of(rows: Iterable[tuple[int, Traced]]) -> Tables:
    """Count tickets into all tables.

    Args:
        rows: Each ticket with the place of its period in `slots`.
    """
    counted: dict[str, defaultdict[Key, Counter[int]]] = {name: defaultdict(Counter) for name in GROUPINGS}
    for slot, traced in rows:
        for name in GROUPINGS:
            counted[name][group_of(traced, name)][slot] += 1
    return {
        name: {group: Counts(found[NOW], found[BEFORE], found[YEAR]) for group, found in groups.items()}
        for name, groups in counted.items()
    }


def largest(counts: Mapping[str, int], keep: int) -> list[str]:
    """Return the keys with the largest counts, equal ones by name."""
    return sorted(counts, key=lambda key: (-counts[key], key))[:keep]
