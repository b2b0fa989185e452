"""Counts turned into series: one per matter and place, in the period and in the stretches of equal length before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from triage.trends.chance import Floats
from triage.trends.results import Place, PlaceLevel
from triage.trends.rows import Span, TrendCell, TrendCounts

HISTORY = timedelta(days=182)
"""A period is held against the half year before it: long enough to know a matter's usual share, short enough to follow
the city."""


class Matter(NamedTuple):
    """What is counted: a category, or a keyword.

    Attributes:
        l2: Second-level category; empty where a keyword is counted, or the category is unknown.
        keyword: Empty where a category is counted.
    """

    l2: str
    keyword: str

    @property
    def is_word(self) -> bool:
        """Whether it is a keyword."""
        return bool(self.keyword)


Node = tuple[str, str]
"""District and street; both empty for the city, the street empty for a district."""

LEAST = 3
"""Matters with fewer appeals, in the period and its history together, are not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesTable:
    """All series of one kind of matter: one per matter and place that has at least `LEAST` appeals.

    Attributes:
        volume: All appeals of the period.
        volumes: float64[b], all appeals of each stretch of history that has any, in the order of time.
        keys: Matter and place of each of the k series.
        now: int64[k], counts of the period.
        earlier: sparse int64[k, b], counts of each stretch.
    """

    volume: int
    volumes: Floats
    keys: Sequence[tuple[Matter, Node]]
    now: NDArray[np.int64]
    earlier: csr_matrix


def place_of(node: Node) -> Place:
    """Return the place of a node."""
    district, street = node
    level = PlaceLevel.STREET if street else PlaceLevel.DISTRICT if district else PlaceLevel.CITY
    return Place(level=level, district=district, street=street)


@lru_cache(maxsize=4096)
def nodes_of(district: str, street: str) -> tuple[Node, ...]:
    """Return the places that an appeal counts for, the city first; a street without its district is not known."""
    if not district:
        return (("", ""),)
    return (("", ""), (district, ""), (district, street)) if street else (("", ""), (district, ""))


def history_of(counts: TrendCounts, span: Span) -> TrendCounts:
    """Return the half year before a period, and what lies behind the period where a past one is looked at."""
    first = span.start - HISTORY
    return TrendCounts(cells=[cell for cell in counts.cells if cell.day >= first and not span.contains(cell.day)])


def series_table(now: TrendCounts, history: TrendCounts, span: Span, *, words: bool) -> SeriesTable:
    """Count the series of all categories, or of all keywords.

    Stretches of history are as long as the period and end where it starts; one that the records cover in part is left out.

    Args:
        now: Counts of the period.
        history: Counts of other days.
        span: The period.
        words: Whether keywords are counted, else categories.
    """
    stretches = _Stretches(history, span)
    coded = _Coded(_frequent((now, history), words=words))
    volumes: Counter[int] = Counter()
    for cell in now.cells:
        coded.add(cell, 0)
    for cell in history.cells:
        at = stretches.of(cell.day)
        if at is not None:
            coded.add(cell, at)
            if not cell.keyword:
                volumes[at] += cell.count
    columns = {at: column for column, at in enumerate(sorted(at for at in volumes if volumes[at]))}
    keys, counts = coded.counted(columns)
    return SeriesTable(
        volume=sum(cell.count for cell in now.cells if not cell.keyword),
        volumes=np.array([volumes[at] for at in columns], dtype=np.float64),
        keys=keys,
        now=np.asarray(counts[:, 0].toarray(), dtype=np.int64).ravel(),
        earlier=csr_matrix(counts[:, 1:]),
    )


def _frequent(sources: Iterable[TrendCounts], *, words: bool) -> dict[tuple[str, str], int]:
    """Number the matters that have enough appeals."""
    counts: Counter[tuple[str, str]] = Counter()
    for source in sources:
        for cell in source.cells:
            if bool(cell.keyword) == words:
                counts[cell.l2, cell.keyword] += cell.count
    return {pair: number for number, pair in enumerate(sorted(p for p in counts if counts[p] >= LEAST and any(p)))}


class _Coded:
    """Cells as numbers: each counts for its city, its district and its street."""

    def __init__(self, matters: Mapping[tuple[str, str], int]) -> None:
        self._matters = matters
        self._nodes: dict[Node, int] = {}
        self._places: dict[Node, tuple[int, ...]] = {}
        self._cells: tuple[list[int], list[int], list[int], list[int]] = ([], [], [], [])

    def add(self, cell: TrendCell, at: int) -> None:
        matter = self._matters.get((cell.l2, cell.keyword))
        if matter is None:
            return
        place = (cell.district, cell.street)
        nodes = self._places.get(place)
        if nodes is None:
            nodes = tuple(self._nodes.setdefault(node, len(self._nodes)) for node in nodes_of(*place))
            self._places[place] = nodes
        to_matters, to_nodes, to_stretches, to_counts = self._cells
        for node in nodes:
            to_matters.append(matter)
            to_nodes.append(node)
            to_stretches.append(at)
            to_counts.append(cell.count)

    def counted(self, columns: Mapping[int, int]) -> tuple[list[tuple[Matter, Node]], csr_matrix]:
        """Return the series with enough appeals and their counts, int64[k, 1 + b]: the period, and each stretch."""
        matters, nodes, stretches, counts = (np.array(part, dtype=np.int64) for part in self._cells)
        wide = max(1, len(self._nodes))
        known, rows = np.unique(matters * wide + nodes, return_inverse=True)
        place = np.array([columns.get(at, -2) + 1 if at else 0 for at in stretches.tolist()], dtype=np.int64)
        seen = place >= 0
        table = coo_matrix((counts[seen], (rows[seen], place[seen])), shape=(len(known), 1 + len(columns))).tocsr()
        kept = np.flatnonzero(np.asarray(table.sum(axis=1)).ravel() >= LEAST)
        pairs, all_nodes = [Matter(*pair) for pair in self._matters], list(self._nodes)
        keys = [(pairs[code // wide], all_nodes[code % wide]) for code in known[kept].tolist()]
        return keys, csr_matrix(table[kept])


class _Stretches:
    """Which stretch of history a day belongs to."""

    def __init__(self, history: TrendCounts, span: Span) -> None:
        days = [cell.day for cell in history.cells if not cell.keyword]
        self._start, self._length = span.start, span.days
        self._first = self._at(min(days)) if days else 0
        self._last = self._at(max(days)) if days else 0
        if days and span.start + timedelta(days=self._first * span.days) < min(days):
            self._first += 1
        if self._last > 0 and span.start + timedelta(days=(self._last + 1) * span.days - 1) > max(days):
            self._last -= 1

        self._known: dict[date, int | None] = {}

    def of(self, day: date) -> int | None:
        if day not in self._known:
            at = self._at(day)
            self._known[day] = at if self._first <= at <= self._last and at else None
        return self._known[day]

    def _at(self, day: date) -> int:
        return (day - self._start).days // self._length
