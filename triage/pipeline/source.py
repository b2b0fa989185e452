"""The input of a run while it is read: chunks out, rejects aside, every row counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from triage.io.readers import read_rows
from triage.io.rows import Reject, Row, place
from triage.io.writers import RejectWriter, remove_rejects
from triage.pipeline.deciding import chunks_of
from triage.pipeline.options import REASONS, BatchOptions


class RejectsFile:
    """The rejects file, made at the first reject; a context manager.

    A run without rejects removes the list that an earlier run left there: an office would mend rows that are long done.

    Attributes:
        count: Rejected rows.
        reasons: Why the first few were rejected.
    """

    def __init__(self, path: Path) -> None:
        """Store the target."""
        self.path = path
        self.count = 0
        self.reasons: list[str] = []
        self._writer: RejectWriter | None = None

    def add(self, reject: Reject) -> None:
        """Write one reject.

        Raises:
            OutputError: The file cannot be written.
        """
        if self._writer is None:
            self._writer = RejectWriter(self.path).__enter__()
        self._writer.write(reject)
        self.count += 1
        if len(self.reasons) < REASONS:
            self.reasons.append(reject.reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)
        elif kind is None:
            remove_rejects(self.path)


class Source:
    """Reads the input once.

    Attributes:
        rows: Rows read so far that hold an appeal.
        rejected: Rows read so far that do not.
        warnings: What was repaired → number of rows.
    """

    def __init__(self, options: BatchOptions, rejects: RejectsFile) -> None:
        """Store what to read and where rejected rows go."""
        self._options = options
        self._rejects = rejects
        self.rows = self.rejected = 0
        self.warnings: Counter[str] = Counter()

    @property
    def read(self) -> int:
        """Return how many rows were read."""
        return self.rows + self.rejected

    def chunks(self) -> Generator[list[Row], None, None]:
        """Yield the appeals in chunks.

        Raises:
            InputError: The file as a whole cannot be used.
        """
        rows = read_rows(self._options.source, columns=self._options.columns, on_reject=self._reject)
        for chunk in chunks_of(rows):
            self.rows += len(chunk)
            for row in chunk:
                self.warnings.update(row.warnings)
            yield chunk

    def _reject(self, reject: Reject) -> None:
        self.rejected += 1
        self._rejects.add(reject)


def skip_finished(chunks: Iterator[list[Row]], rows: int) -> bool:
    """Pass over the chunks an earlier run finished.

    Args:
        chunks: All chunks of the input.
        rows: How many rows were finished.

    Returns:
        Whether a chunk ended exactly there; False means the input is not what it was.
    """
    passed = 0
    while passed < rows:
        chunk = next(chunks, None)
        if chunk is None:
            return False
        passed += len(chunk)
    return passed == rows


def failed_row(row: Row, problem: str) -> Reject:
    """Return the reject for a row no decision could be made for."""
    reason = f"{place(row.number, row.line)}处理失败（{problem}）；其余各行不受影响，请把行号和此说明告知维护人员"
    return Reject(
        number=row.number,
        field="",
        reason=reason,
        id=row.appeal.id,
        header=tuple(row.fields),
        cells=tuple(row.fields.values()),
    )
