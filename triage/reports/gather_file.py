"""Gathers a report straight from a file of appeals: read, decide, link, count. Nothing is stored.

Only the rows that the report needs are decided: the period, the time before it that it is held against, and the same
period of the year before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from triage.appeal import Appeal
from triage.directory import Directory
from triage.document import masked_text
from triage.errors import InputError
from triage.events import EventLinker, Signature, WordCutter
from triage.events.facts import local_day
from triage.io.readers import read_rows
from triage.io.rows import Reject, Row
from triage.pipeline.deciding import ChunkDecider, DecidedChunk, available_cores, chunks_of, decide_chunks
from triage.pipeline.options import Engine, Progress, Watch, silent
from triage.pipeline.packing import unpack
from triage.reports import topics
from triage.reports.file_items import FileEvents, FileItem, risks
from triage.reports.gathering import (
    BEFORE,
    HISTORY_DAYS,
    NOW,
    YEAR,
    chart_start,
    slots,
    tables_of,
)
from triage.reports.material import MOST_TRACED, Material, Request
from triage.reports.streets import district_of, street_of
from triage.service import Triage
from triage.trends import KeywordReader, TrendCounts, TrendRow

_LEAST_SHARE = 0.005
"""Share of the tickets that must name a district which no list of units knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Which file, and how it is read.

    Attributes:
        source: The appeals: csv, tsv, xlsx, jsonl.
        columns: Canonical name → source column, for headers that are not recognised.
        workers: Processes; None: one per available core.
    """

    source: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    workers: int | None = None


def gather(options: FileOptions, request: Request, *, load: Callable[[], Engine], watch: Watch = silent) -> Material:
    """Gather what a report on one period needs.

    Args:
        options: The file.
        request: The report.
        load: Loads the models; called once there is a row to decide.
        watch: Told how far it is.

    Raises:
        InputError: The file cannot be used, or no row of it has a time.
        TriageError: Models or units cannot be used, or a worker died.
    """
    reading = _Reading(options, request)
    words = WordCutter()
    decided: list[FileItem] = []
    signatures: list[Signature] = []
    with closing(reading.chunks()) as chunks:
        head = list(islice(chunks, 1))
        if head:
            engine = load()
            told = _Teller(engine, request)
            decide = ChunkDecider(engine.decider, words)
            workers = options.workers or available_cores()
            progress = watch("研判诉求")
            with closing(decide_chunks(chain(head, chunks), decide, workers=workers)) as results:
                for chunk in results:
                    decided.extend(told.items(chunk, signatures))
                    progress(len(decided), 0)
            if not told.knows_districts:
                _forget_rare_districts(decided)
            watch("比对同类诉求")
            linked = EventLinker(engine.scorer, words=words).link_signatures(signatures)
            for item, assignment in zip([one for one in decided if one.linked], linked, strict=True):
                item.event = assignment.event_id
    reading.check()
    return _material(reading, decided, request, words=words, progress=watch("汇总统计"))


class _Reading:
    """Reads the file once, keeps count of what is not used, and hands out the rows that the report needs."""

    def __init__(self, options: FileOptions, request: Request) -> None:
        period = request.period
        self._options = options
        self.year = period.year_before()
        self.start = min(period.before().start, chart_start(period), period.start - timedelta(days=HISTORY_DAYS))
        self.end = period.end
        self.rows = self.no_time = self.rejected = 0
        self.first_day: date | None = None

    def chunks(self) -> Generator[list[Row], None, None]:
        yield from chunks_of(self._wanted())

    def check(self) -> None:
        """Refuse a file without a single time: a report of it would be empty for no visible reason.

        Raises:
            InputError: Says which column is missing.
        """
        if self.rows and self.no_time == self.rows:
            raise InputError(
                f"{self._options.source.name} 中没有一行有可读的时间，无法按周期统计；请用 --column created_at=列名 指定"
            )

    def _wanted(self) -> Iterator[Row]:
        for row in read_rows(self._options.source, columns=self._options.columns, on_reject=self._reject):
            self.rows += 1
            at = row.appeal.created_at
            if at is None:
                self.no_time += 1
                continue
            day = local_day(at)
            self.first_day = day if self.first_day is None else min(day, self.first_day)
            if self.start <= day <= self.end or self.year.contains(day):
                yield row

    def _reject(self, _reject: Reject) -> None:
        self.rejected += 1


class _Teller:
    """Turns decided chunks into items."""

    def __init__(self, engine: Engine, request: Request) -> None:
        decider = engine.decider
        self._directory: Directory | None = decider.directory if isinstance(decider, Triage) else None
        self._request = request
        self._year = request.period.year_before()

    @property
    def knows_districts(self) -> bool:
        """Say whether a list of units tells which districts there are."""
        return self._directory is not None

    def items(self, chunk: DecidedChunk, signatures: list[Signature]) -> list[FileItem]:
        """Return the rows of a chunk that belong to the report's area, and add the signatures of those to be linked."""
        finished = chunk.finished
        rows = [row for place, row in enumerate(chunk.rows) if place not in finished.failures]
        arrays = np.frombuffer(finished.signatures.arrays, dtype=np.uint8)
        found = []
        signed = unpack(finished.signatures.lines.splitlines(), arrays)
        for row, line, signature in zip(rows, finished.decisions.splitlines(), signed, strict=True):
            item = self._item(row.appeal, json.loads(line.decode("utf-8", "surrogatepass"))["record"])
            if self._request.area in ("", item.district):
                found.append(item)
                if item.linked:
                    signatures.append(signature)
        return found

    def _item(self, appeal: Appeal, record: Mapping[str, Any]) -> FileItem:
        at = appeal.created_at
        assert at is not None
        day, area = local_day(at), record["area"]["name"]
        district = district_of(area=area, address=appeal.address, directory=self._directory)
        texts = (appeal.title, appeal.content)
        return FileItem(
            appeal=appeal,
            at=at,
            day=day,
            record=record,
            district=district,
            street=street_of(
                area=area, district=district, address=appeal.address, texts=texts, directory=self._directory
            ),
            # A year-old ticket is there to be counted; events are told from the recent ones.
            linked=not self._year.contains(day),
        )


def _forget_rare_districts(items: Sequence[FileItem]) -> None:
    """Drop districts that hardly anybody names: without a list of units 但是向县里反映 may look like one."""
    counts = Counter(item.district for item in items)
    least = _LEAST_SHARE * len(items)
    for item in items:
        if item.district and counts[item.district] < least:
            item.district = item.street = ""


def _material(
    reading: _Reading, decided: Sequence[FileItem], request: Request, *, words: WordCutter, progress: Progress
) -> Material:
    period = request.period
    decided = sorted(decided, key=lambda item: (item.at, item.appeal.id))
    now = [item for item in decided if period.contains(item.day)]
    rows = [
        (slot, item.traced())
        for slot, one in zip((NOW, BEFORE, YEAR), slots(period), strict=True)
        for item in decided
        if one.contains(item.day)
    ]
    events = FileEvents(decided, request, words=words)
    progress(1, 3)
    hot = events.hot()
    told = _told(decided, request, words=words, titles={one.id: one.facts.title for one in hot})
    progress(2, 3)
    found = Material(
        source="file",
        tables=tables_of(rows),
        first_day=reading.first_day,
        daily=Counter(item.day for item in decided),
        tickets=[traced for slot, traced in rows if slot == NOW][:MOST_TRACED],
        appellants=len({item.appeal.user.strip() for item in now} - {""}) or None,
        events=hot,
        events_total=events.total,
        frequent=events.frequent(),
        risk_new=risks(now, events),
        themes=told.themes,
        bursts=told.bursts,
        remarks={"no_time": reading.no_time, "rejected": reading.rejected},
    )
    progress(3, 3)
    return found


def _told(
    decided: Sequence[FileItem], request: Request, *, words: WordCutter, titles: Mapping[str, str]
) -> topics.Told:
    reader = KeywordReader(words)
    rows = [_trend_row(item, reader) for item in decided]
    period, previous, year = slots(request.period)
    history = TrendCounts.of(row for row in rows if row.day < period.start)
    compared = [row for row in rows if any(one.contains(row.day) for one in (period, previous, year))]
    return topics.tell(compared, request, history=history, titles=titles)


def _trend_row(item: FileItem, reader: KeywordReader) -> TrendRow:
    text = item.appeal.content[: topics.CHARS_READ]
    return TrendRow(
        id=item.appeal.id,
        received_at=item.at,
        l1=item.category["l1"],
        l2=item.category["l2"],
        keywords=reader.keywords(masked_text(item.appeal.title), masked_text(text)),
        district=item.district,
        street=item.street,
        unit=item.unit,
        risk_level=item.level,
        event=item.event or None,
        appellant=item.appeal.user.strip() or None,
    )
