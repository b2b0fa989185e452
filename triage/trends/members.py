"""What is told of the appeals of a theme or burst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from triage.trends.rows import TrendRow

MOST_RISK = 4
T = TypeVar("T", bound=Hashable)


def in_order(rows: Iterable[TrendRow]) -> list[TrendRow]:
    """Return appeals by time and then id, each id once."""
    found: dict[str, TrendRow] = {}
    for row in sorted(rows, key=lambda row: (row.received_at, row.id)):
        found.setdefault(row.id, row)
    return list(found.values())


def commonest(values: Iterable[T]) -> T | None:
    """Return the most frequent value, of equals the one met first; None without any."""
    counts = Counter(values)
    return max(counts, key=counts.__getitem__) if counts else None


def places_of(rows: Sequence[TrendRow]) -> int:
    """Return from how many places appeals come: districts, or the streets of the one district there is."""
    districts = {row.district for row in rows if row.district}
    streets = {row.street for row in rows if row.street}
    return len(streets) if len(districts) == 1 and streets else len(districts)
