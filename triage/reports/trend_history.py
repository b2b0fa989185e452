"""What themes and bursts are told from in the store: rows of the periods compared, counts of the time before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row

from triage.reports import topics
from triage.reports.gathering import HISTORY_DAYS, slots
from triage.reports.material import Request
from triage.reports.topics import KnownWords
from triage.store import report_events
from triage.store.report_events import WHOLE, Past
from triage.trends import TrendCell, TrendCounts, TrendRow

MOST_ROWS = 100_000
"""Tickets of one period that themes are told from; of a larger period the latest days are left out of the themes."""

LEAST_WRITERS = 3
"""Tickets of the period that must hold a word before its history is looked up; of a large period one in a thousand must."""

MOST_WORDS = 2_000

MOST_HISTORY = 10_000
"""Tickets of the time before that are counted; of more a sample of about so many is."""


@dataclass(frozen=True, slots=True)
class Trends:
    """What themes and bursts are told from.

    Attributes:
        rows: Tickets of the three periods compared.
        history: Counts of the time before.
        words: The keywords whose history is counted.
    """

    rows: Sequence[TrendRow] = ()
    history: TrendCounts = field(default_factory=lambda: TrendCounts(cells=()))

    words: KnownWords = field(default_factory=lambda: KnownWords(()))

    def told(self, request: Request, titles: Mapping[str, str]) -> topics.Told:
        """Tell them; takes seconds in a large city, and needs no store."""
        return topics.tell(self.rows, request, history=self.history, known=self.words, titles=titles)


def read(connection: Connection, request: Request, *, total: int) -> Trends:
    """Read what themes and bursts of a period are told from.

    Args:
        connection: In a transaction of the reader's scope.
        request: The report.
        total: Tickets of the period; of none nothing is read.
    """
    if not total:
        return Trends()
    periods = [
        _rows(report_events.trend_rows(connection, since=one.since, until=one.until, area=request.area, most=MOST_ROWS))
        for one in slots(request.period)
    ]
    history, words = _history(connection, request, _frequent_words(periods[0]))
    return Trends([row for rows in periods for row in rows], history, words)


def _rows(found: Iterable[Row[Any]]) -> list[TrendRow]:
    return [
        TrendRow(
            id=id_,
            received_at=at,
            l1=l1,
            l2=l2,
            keywords=tuple(words),
            district=district,
            street=street,
            unit=unit,
            risk_level=risk,
            event=event,
            appellant=appellant,
        )
        # Unpacked at once: looking up each column by name takes as long as all the rest.
        for id_, at, l1, l2, words, district, street, unit, risk, event, appellant in map(tuple, found)
    ]


def _frequent_words(rows: Sequence[TrendRow]) -> list[str]:
    counts = Counter(word for row in rows for word in row.keywords)
    least = max(LEAST_WRITERS, len(rows) // 1_000)
    common = [word for word, count in counts.most_common(MOST_WORDS) if count >= least]
    return sorted(common)


def _history(connection: Connection, request: Request, wanted: Sequence[str]) -> tuple[TrendCounts, KnownWords]:
    """Count the time before the period; of a large city a sample, since shares are what is compared."""
    until = request.period.since
    past = Past(since=until - timedelta(days=HISTORY_DAYS), until=until, area=request.area)
    stock = report_events.stock(connection, past)
    if stock > MOST_HISTORY:
        past = replace(past, sample=max(1, WHOLE * MOST_HISTORY // stock))
    cells = [
        *report_events.category_cells(connection, past),
        *(report_events.word_cells(connection, past, wanted=wanted) if wanted else ()),
    ]
    counts = [TrendCell(row.day, row.district, row.street, row.l2, row.word, row.number) for row in cells]
    others = report_events.other_words(connection, past, wanted=wanted, least=LEAST_WRITERS)
    return TrendCounts(cells=counts), KnownWords(wanted, others)
