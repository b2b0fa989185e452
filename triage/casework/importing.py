"""A file of appeals into the store; rows that are there already are passed over, so that an import can be repeated."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal
from triage.casework.receive import CHUNK, Receipt, receive_many
from triage.errors import InputError
from triage.io.readers import read_records, read_rows
from triage.io.rows import Reject, Row, place
from triage.pipeline.options import Progress
from triage.pipeline.source import RejectsFile
from triage.store import appeals
from triage.store.access import EVERYWHERE, Actor
from triage.store.errors import DuplicateReference

_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """One import.

    Attributes:
        source: csv, tsv, xlsx or jsonl.
        rejects: Where rows that cannot be used go.
        channel: For rows that name none; its names of columns are used too.
        columns: Canonical name → source column, for headers that are not recognised.
    """

    source: Path
    rejects: Path
    channel: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        read: Rows that hold any text; always ``recorded + known + rejected``.
        recorded: Rows recorded now.
        known: Rows that were in the store already, by channel and reference.
        rejected: Rows in the rejects file.
        reasons: Why the first few were rejected.
        warnings: What was repaired while reading → number of rows.
        seconds: Duration.
    """

    read: int
    recorded: int
    known: int
    rejected: int
    reasons: Sequence[str]
    warnings: Counter[str]
    seconds: float

    @property
    def exit_status(self) -> int:
        """Return 0 when every row is in the store, 1 when some were rejected, 2 when none is."""
        if not self.recorded + self.known:
            return 2
        return 1 if self.rejected else 0


class Import:
    """Runs once.

    Attributes:
        recorded: Rows recorded so far; they stay in the store whatever happens.
        known: Rows found in the store so far.
    """

    def __init__(self, desk: Desk, actor: Actor, options: ImportOptions) -> None:
        """Store what to do."""
        self._desk = desk
        self._actor = actor
        self._options = options
        self._rejects = RejectsFile(options.rejects)
        self._file = ""
        self._warnings: Counter[str] = Counter()
        self.recorded = self.known = 0

    def run(self, *, progress: Progress) -> ImportReport:
        """Import; ``progress`` is told how many rows are done, of an unknown total (0).

        Raises:
            InputError: The file as a whole cannot be used.
            OutputError: The rejects file cannot be written.
            StoreUnavailable: The database cannot be reached; the same command goes on from here later.
        """
        start = time.perf_counter()
        self._file = _fingerprint(self._options.source)
        with self._rejects:
            rows = read_rows(self._options.source, columns=self._columns(), on_reject=self._rejects.add)
            for chunk in _chunks(rows):
                self._record(chunk)
                # A young store learns quickly which strings its city uses all the time.
                self._desk.rarity.refresh(self._desk.database)
                progress(self.recorded + self.known + self._rejects.count, 0)
        return ImportReport(
            read=self.recorded + self.known + self._rejects.count,
            recorded=self.recorded,
            known=self.known,
            rejected=self._rejects.count,
            reasons=self._rejects.reasons,
            warnings=self._warnings,
            seconds=time.perf_counter() - start,
        )

    def _columns(self) -> dict[str, str]:
        """Return the mapping of columns: what the user said goes before what the channel is known to write."""
        channel, given = self._options.channel, dict(self._options.columns)
        if not channel:
            return given
        first = next(iter(read_records(self._options.source)), None)
        return {**self._desk.channels.columns(channel, first.fields if first else ()), **given}

    def _record(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._warnings.update(row.warnings)
        new = [(row, self._new(row)) for row in rows]
        stored = self._stored([appeal for _, appeal in new])
        fresh = [(row, appeal) for row, appeal in new if (appeal.channel, appeal.reference) not in stored]
        self.known += len(new) - len(fresh)
        found = receive_many(self._desk, self._actor, [appeal for _, appeal in fresh])
        for (row, _), answer in zip(fresh, found, strict=True):
            if isinstance(answer, Receipt):
                self.recorded += 1
            elif isinstance(answer.error, DuplicateReference):
                self.known += 1  # another import was quicker
            else:
                self._rejects.add(_failed(row, str(answer.error)))

    def _stored(self, new: Sequence[NewAppeal]) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        with self._desk.database.transaction(EVERYWHERE) as connection:
            for channel in dict.fromkeys(appeal.channel for appeal in new):
                wanted = [appeal.reference for appeal in new if appeal.channel == channel]
                found |= {(channel, reference) for reference in appeals.references(connection, channel, wanted)}
        return found

    def _new(self, row: Row) -> NewAppeal:
        appeal = row.appeal
        # A row without a number of its own is known again by file and row: two citizens may write the same words.
        own = row.text("id").strip()
        return NewAppeal(
            content=appeal.content,
            title=appeal.title,
            created_at=appeal.created_at,
            user=appeal.user,
            address=appeal.address,
            channel=self._desk.channels.canonical(appeal.channel or self._options.channel),
            reference=appeal.id if own else f"{self._file}:{row.number}",
            received_at=appeal.created_at,
        )


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _failed(row: Row, problem: str) -> Reject:
    return Reject(
        number=row.number,
        field="",
        reason=f"{place(row.number, row.line)}未能登记：{problem}",
        id=row.appeal.id,
        header=tuple(row.fields),
        cells=tuple(row.fields.values()),
    )


def _fingerprint(path: Path) -> str:
    """Return the beginning of the file's hash.

    Raises:
        InputError: The file cannot be read.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    except OSError as error:
        raise InputError(f"{path} 读取失败（{error.strerror}）；请检查路径和权限") from error
    return found.hexdigest()[:16]
