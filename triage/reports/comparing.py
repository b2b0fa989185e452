"""Turns gathered counts into compared ones: with shares, and with a mark where a change is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from triage.reports.content import Count
from triage.reports.material import Counts, Key, Material, Request
from triage.reports.period import Kind

LEVEL = 0.01
"""Expected share of false marks among the marked changes of one table."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure to be compared."""

    name: str
    key: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Comparer:
    """Compares counts of a period with those of the period before and of a year ago.

    Attributes:
        before: Whether the records reach back over all of the period before.
        year: Whether they reach back over the period a year ago.
        weight: Length of the period over that of both, for months that differ in length.
    """

    before: bool
    year: bool
    weight: float

    @classmethod
    def of(cls, material: Material, request: Request) -> Comparer:
        """Return the comparer for what was gathered."""
        period, first = request.period, material.first_day
        previous, last_year = period.before(), period.year_before()
        # A single stray old date does not make a year of records: a period without any ticket is a gap, a quiet day may be real.
        quiet = period.kind == Kind.DAY
        total = material.total
        return cls(
            before=first is not None and first <= previous.start and (quiet or total.before > 0),
            year=first is not None and first <= last_year.start and (quiet or total.year > 0),
            weight=period.days / (period.days + previous.days),
        )

    def count(self, name: str, key: str, counts: Counts, *, total: int = 0) -> Count:
        """Return one compared figure, its change judged by itself."""
        return self.counts([Entry(name, key, counts)], total=total)[0]

    def counts(self, entries: Sequence[Entry], *, total: int) -> tuple[Count, ...]:
        """Return compared figures of one table, in the same order.

        Args:
            entries: What was counted.
            total: What shares are of; 0: no shares.
        """
        marks = self._marks([entry.counts for entry in entries])
        return tuple(
            Count(
                name=entry.name,
                count=entry.counts.now,
                previous=entry.counts.before if self.before else None,
                last_year=entry.counts.year if self.year else None,
                notable=bool(mark) if self.before else None,
                share=entry.counts.now / total if total else None,
                key=entry.key,
            )
            for entry, mark in zip(entries, marks, strict=True)
        )

    def _marks(self, counts: Sequence[Counts]) -> list[bool]:
        """Say which changes are beyond chance: exact test of two Poisson counts, false discoveries held at `LEVEL`."""
        if not counts or not self.before:
            return [False] * len(counts)
        now = np.array([one.now for one in counts], dtype=np.float64)
        both = np.array([one.now + one.before for one in counts], dtype=np.int64)
        lower = bdtr(now, both, self.weight)
        upper = 1.0 - np.where(now > 0, bdtr(np.maximum(now - 1, 0), both, self.weight), 0.0)
        p = np.where(both > 0, np.minimum(1.0, 2 * np.minimum(lower, upper)), 1.0)
        order = np.argsort(p, kind="stable")
        passed = np.flatnonzero(p[order] <= LEVEL * np.arange(1, len(p) + 1) / len(p))
        limit = p[order[passed[-1]]] if len(passed) else -1.0
        return [bool(one <= limit) for one in p]


def ranked(
    table: Mapping[Key, Counts], name: Callable[[Key], str], key: Callable[[Key], str], *, keep: int | None = None
) -> list[Entry]:
    """Return the figures of a table, largest first, equal ones by their former count and name.

    Rows without a ticket in the period are left out.

    Args:
        table: What was counted.
        name: What a row is called.
        key: What it is called in the trace.
        keep: Most rows; None: all.
    """
    rows = [(group, counts) for group, counts in table.items() if counts.now]
    rows.sort(key=lambda row: (-row[1].now, -row[1].before, row[0]))
    return [Entry(name(group), key(group), counts) for group, counts in rows[:keep]]


def ranks(values: Iterable[float]) -> list[int]:
    """Return the rank of each of some descending values; equal ones share the better rank: 1, 2, 2, 4."""
    found: list[int] = []
    last: float | None = None
    for position, value in enumerate(values, 1):
        found.append(found[-1] if found and value == last else position)
        last = value
    return found


def within(table: Mapping[Key, Counts], *first: str) -> dict[Key, Counts]:
    """Return the rows of a table whose key begins so."""
    return {key: counts for key, counts in table.items() if key[: len(first)] == first}
