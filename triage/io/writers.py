"""Decisions into jsonl, csv and xlsx files, by suffix; a file appears complete or not at all."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, BinaryIO, Self

from triage.appeal import Appeal
from triage.errors import OutputError
from triage.io.atomic import AtomicFile, output_error
from triage.io.cells import csv_cell
from triage.io.encodings import replace_halves
from triage.io.flatten import COLUMNS, flat_row, risk_colour
from triage.io.rows import Reject
from triage.io.spreadsheet import Spreadsheet

SHEET_TITLE = "分析结果"
REJECT_HEADER = ("行号", "字段", "原因", "编号")
_LONGEST_REJECT_HEADER = 1 << 16
_LINE_BREAKS = ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))
"""Legal inside JSON, but many programs split lines at them."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


class _Output(ABC):
    """A file written through `AtomicFile`: renamed when the ``with`` block ends well, removed when it does not."""

    _mode: int | None = None

    def __init__(self, path: Path) -> None:
        """Store the target; it is opened by ``with``."""
        self.path = path
        self._file = AtomicFile(path, mode=self._mode)

    def __enter__(self) -> Self:
        handle = self._file.open()
        try:
            self._begin(handle)
        except OSError as error:
            self._drop()
            raise output_error(self.path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._drop()
            return
        try:
            self._finish()
        except OSError as failure:
            self._drop()
            raise output_error(self.path, failure) from failure
        self._file.commit()

    def _drop(self) -> None:
        self._release()
        self._file.abort()

    def _release(self) -> None:
        """Free what holds the handle; only a workbook does."""
        return

    @abstractmethod
    def _begin(self, handle: BinaryIO) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...


class DecisionWriter(_Output):
    """Writes result records; a context manager."""

    def write(self, record: Mapping[str, Any], appeal: Appeal | None = None) -> None:
        """Write one decision.

        Args:
            record: The result record, as `Decision.to_record` gives it.
            appeal: Its appeal, for the time of arrival in csv and xlsx; no text of it is written.

        Raises:
            OutputError: The disk is full or the file cannot be written.
        """
        try:
            self._write(record, appeal)
        except OSError as error:
            raise output_error(self.path, error) from error

    @abstractmethod
    def _write(self, record: Mapping[str, Any], appeal: Appeal | None) -> None: ...


class JsonlWriter(DecisionWriter):
    """One JSON object per line, UTF-8."""

    def _begin(self, handle: BinaryIO) -> None:
        self._handle = handle

    def _write(self, record: Mapping[str, Any], appeal: Appeal | None) -> None:
        text = _ENCODER.encode(record)
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:
            data = replace_halves(text).encode("utf-8")
        for mark, escaped in _LINE_BREAKS:
            data = data.replace(mark, escaped)
        self._handle.write(data + b"\n")

    def _finish(self) -> None:
        return


class _Utf8:
    """What the csv module writes to: encodes and passes on."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle

    def write(self, text: str) -> int:
        return self._handle.write(text.encode("utf-8"))


class CsvWriter(DecisionWriter):
    """Flat rows under Chinese headers; UTF-8 with byte-order mark, so that Excel shows Chinese."""

    def _begin(self, handle: BinaryIO) -> None:
        handle.write(b"\xef\xbb\xbf")
        self._rows = csv.writer(_Utf8(handle), quoting=csv.QUOTE_NONNUMERIC)
        self._rows.writerow([column.header for column in COLUMNS])

    def _write(self, record: Mapping[str, Any], appeal: Appeal | None) -> None:
        self._rows.writerow([csv_cell(cell) for cell in flat_row(record, appeal)])

    def _finish(self) -> None:
        return


class XlsxWriter(DecisionWriter):
    """Flat rows under Chinese headers as a workbook: header frozen, filter, colour fills for risk."""

    _sheet: Spreadsheet | None = None

    def _begin(self, handle: BinaryIO) -> None:
        self._sheet = Spreadsheet(handle, COLUMNS, title=SHEET_TITLE)
        self._sheet.begin()

    def _write(self, record: Mapping[str, Any], appeal: Appeal | None) -> None:
        if self._sheet is not None:
            self._sheet.append(flat_row(record, appeal), colour=risk_colour(record))

    def _finish(self) -> None:
        if self._sheet is not None:
            self._sheet.finish()

    def _release(self) -> None:
        if self._sheet is not None:
            self._sheet.close()


_WRITERS: Mapping[str, type[DecisionWriter]] = MappingProxyType(
    {".jsonl": JsonlWriter, ".ndjson": JsonlWriter, ".csv": CsvWriter, ".xlsx": XlsxWriter}
)


def open_writer(path: Path) -> DecisionWriter:
    """Return the writer for a file's suffix (.jsonl, .ndjson, .csv, .xlsx); use it in a ``with`` block.

    Raises:
        OutputError: The suffix is none of these; entering the block, the place cannot be written to.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise OutputError(f"无法写入 {path}：不支持的扩展名；请改用 {'、'.join(_WRITERS)}")
    return writer(path)


class RejectWriter(_Output):
    """The rejected rows as csv, with their cells, so that an office can mend and submit them again.

    The columns are 行号, 字段, 原因, 编号 and then those of the input; where the input has one of these
    names itself, ours is called 原编号 (原字段 …), so that the file can be read back as it is. Readable by
    its owner only: it holds citizens' text.

    Attributes:
        count: Rejects written so far.
    """

    _mode = 0o600

    def __init__(self, path: Path) -> None:
        """Store the target.

        Raises:
            OutputError: The suffix is not .csv.
        """
        if path.suffix.lower() != ".csv":
            raise OutputError(f"无法写入 {path}：退回清单只能是 .csv 文件；请改用 .csv 扩展名")
        super().__init__(path)
        self.count = 0
        self._header: tuple[str, ...] | None = None

    def _begin(self, handle: BinaryIO) -> None:
        handle.write(b"\xef\xbb\xbf")
        self._rows = csv.writer(_Utf8(handle), quoting=csv.QUOTE_NONNUMERIC)

    def write(self, reject: Reject) -> None:
        """Write one reject; give this method to `read_rows` as ``on_reject``.

        Raises:
            OutputError: The disk is full or the file cannot be written.
        """
        try:
            self._write_header(reject.header)
            cells = (reject.field, reject.reason, reject.id, *reject.cells)
            self._rows.writerow([reject.number, *map(csv_cell, cells)])
        except OSError as error:
            raise output_error(self.path, error) from error
        self.count += 1

    def _write_header(self, header: tuple[str, ...]) -> None:
        if self._header is None:
            self._header = header
            own = [f"原{name}" if name in header else name for name in REJECT_HEADER]
            self._rows.writerow([csv_cell(name) for name in (*own, *header)])

    def _finish(self) -> None:
        self._write_header(())


def remove_rejects(path: Path) -> None:
    """Remove an earlier list of rejects; a file that is none stays.

    Raises:
        OutputError: The earlier list cannot be removed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(_LONGEST_REJECT_HEADER)
    except (OSError, UnicodeDecodeError):
        return
    cells = next(csv.reader((first,)), [])[: len(REJECT_HEADER)]
    if [cell.removeprefix("原") for cell in cells] != [name.removeprefix("原") for name in REJECT_HEADER]:
        return
    try:
        path.unlink()
    except OSError as error:
        raise output_error(path, error) from error
