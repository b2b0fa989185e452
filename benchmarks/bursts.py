"""What emerged in each week of a file, and how often chance alone would have been reported.

``triage run FILE -o DECISIONS.jsonl``, then ``python -m benchmarks.bursts FILE DECISIONS.jsonl [--shuffled 3]``. Every week is
held against the half year before it, as in a report of that week. With ``--shuffled`` the times of the appeals are dealt out
anew, so that everything found is false.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from triage.document import read_document
from triage.events import WordCutter
from triage.io.readers import read_rows
from triage.trends import Burst, KeywordReader, Span, TrendCounts, TrendRow, bursts

WARM_UP = 8
"""Weeks of history before the first week that is looked at."""
SHOWN = 40
_WEEK = timedelta(days=7)


def main(arguments: Sequence[str] | None = None) -> None:
    """Look at every week and print what was found, strongest first."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bursts", description=__doc__)
    parser.add_argument("file", type=Path, help="appeals: csv, xlsx or jsonl")
    parser.add_argument("decisions", type=Path, help="what triage run made of them, jsonl")
    parser.add_argument("--shuffled", type=int, default=0, help="times dealt out anew so often")
    chosen = parser.parse_args(arguments)
    rows = _rows(chosen.file, chosen.decisions)
    weeks = list(_weeks(rows))
    found = [(week, burst) for week in weeks for burst in _burst(rows, week)]
    _print(found, len(weeks))
    false = [
        len(_burst(shuffled, week))
        for seed in range(chosen.shuffled)
        for shuffled in [_dealt(rows, seed)]
        for week in weeks
    ]
    if false:
        Console().print(
            f"times dealt out anew: {sum(false)} found in {len(false)} weeks, {sum(map(bool, false))} weeks with any"
        )


def _rows(path: Path, decisions: Path) -> list[TrendRow]:
    with decisions.open(encoding="utf-8") as lines:
        known = {record["id"]: record for record in map(json.loads, lines)}
    reader = KeywordReader(WordCutter())
    return [
        _row(row.appeal, known[row.appeal.id], reader)
        for row in read_rows(path)
        if row.appeal.id in known and row.appeal.created_at is not None
    ]


def _row(appeal: Any, record: dict[str, Any], reader: KeywordReader) -> TrendRow:
    document = read_document(appeal)
    category = next(iter(record["category"]["candidates"]), {"l1": "", "l2": ""})
    event = record["event"]
    return TrendRow(
        id=appeal.id,
        received_at=appeal.created_at,
        l1=category["l1"],
        l2=category["l2"],
        keywords=reader.keywords(document.title.text, document.content.text),
        district=(record["area"] or {}).get("name", ""),
        risk_level=record["risk"]["level"],
        event=event["id"] if event and event["size"] > 1 else None,
        appellant=appeal.user or None,
    )


def _weeks(rows: Sequence[TrendRow]) -> Iterator[Span]:
    """Yield the weeks from Monday that have `WARM_UP` weeks before them in which appeals came steadily."""
    days = sorted(row.day for row in rows)
    first = days[len(days) // 100]
    monday = first + timedelta(days=-first.weekday() % 7) + WARM_UP * _WEEK
    while monday <= days[-1]:
        yield Span(start=monday, end=monday + timedelta(days=6))
        monday += _WEEK


def _burst(rows: Sequence[TrendRow], week: Span) -> tuple[Burst, ...]:
    earlier: date = week.start - timedelta(days=200)
    history = TrendCounts.of(row for row in rows if earlier <= row.day < week.start)
    return bursts(rows, span=week, history=history).items


def _dealt(rows: Sequence[TrendRow], seed: int) -> list[TrendRow]:
    times = [row.received_at for row in rows]
    random.Random(seed).shuffle(times)
    return [replace(row, received_at=time) for row, time in zip(rows, times, strict=True)]


def _print(found: Sequence[tuple[Span, Burst]], weeks: int) -> None:
    table = Table(title=f"{len(found)} bursts in {weeks} weeks", title_justify="left")
    for heading in ("week of", "what", "category", "where", "n", "expected", "q", "ratio", "since", "people", "events"):
        table.add_column(heading)
    for week, one in sorted(found, key=lambda pair: -pair[1].ratio)[:SHOWN]:
        counts = (str(one.count), f"{one.expected:.1f}", f"{one.q:.1g}", f"{one.ratio:.1f}", str(one.since or ""))
        table.add_row(str(week.start), one.name, one.l2, one.place.name, *counts, str(one.people), str(one.events))
    Console(width=170).print(table)


if __name__ == "__main__":
    main()
