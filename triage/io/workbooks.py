"""Rows of xlsx workbooks, read in a stream and only after the archive was found harmless."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from xml.parsers import expat

from openpyxl import Workbook, load_workbook
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from triage.errors import InputError
from triage.io.encodings import HALF_CHARACTER, replace_halves
from triage.io.headers import HEADER_ROWS, Wanted, choose_header, distinct, find_header
from triage.io.rows import Limits, Record, Reject

MOST_ROWS = 1_048_576
"""What Excel itself can hold. A sheet may claim row 10**12 and would be padded up to it."""

_RATIO_FLOOR = 1 << 20
_PROLOG_BYTES = 1 << 10
_PROLOG_BLOCKS = 64
_BLOCK = 256
_BROKEN = "工作簿已损坏或不是标准的 .xlsx；请在 Excel 中打开后另存为 .xlsx 再试"


@dataclass(slots=True)
class SheetTable:
    """An open sheet whose header has been read.

    Attributes:
        header: Column names; blank and repeated ones made distinct.
    """

    header: tuple[str, ...]
    _rows: Iterator[Sequence[object]] = field(repr=False)
    _first: int
    _name: str
    _book: Workbook = field(repr=False)

    def records(self) -> Generator[Record | Reject, None, None]:
        """Yield the rows below the header; rows without any text are no rows and are passed over."""
        try:
            for number, values in enumerate(self._rows, self._first):
                if number > MOST_ROWS:
                    raise InputError(f"{self._name} 超过 {MOST_ROWS} 行；{_BROKEN}")
                cells = [as_text(value) for value in values[: len(self.header)]]
                if any(cell.strip() for cell in cells):
                    yield self._record(number, cells)
        finally:
            self._book.close()

    def _record(self, number: int, cells: list[str]) -> Record:
        cells += [""] * (len(self.header) - len(cells))
        notes: list[str] = []
        for position, cell in enumerate(cells):
            clean = replace_halves(cell).replace("\0", "")
            if clean != cell:
                cells[position] = clean
                notes = [HALF_CHARACTER]
        fields = dict(zip(self.header, cells, strict=True))
        return Record(number=number, line=number, fields=fields, warnings=tuple(notes))


def open_workbook(path: Path, wanted: Wanted, limits: Limits) -> SheetTable:
    """Open the first sheet that has the wanted columns; formulas give their stored value.

    Raises:
        InputError: The archive is broken, hostile or encrypted, or no sheet has the columns.
    """
    check_archive(path, limits)
    book = _load(path)
    try:
        sheet, position, top = _choose_sheet(book, wanted, limits, path.name)
        header = distinct(top[position], limits.columns, path.name)
    except InputError:
        book.close()
        raise
    below = _values(sheet, path.name, first=position + 2, last=None, width=len(header))
    return SheetTable(header, below, position + 2, path.name, book)


def _load(path: Path) -> Workbook:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on styles and extensions that do not matter here
            return load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl meets damage with KeyError, ValueError, TypeError, ParseError …
        raise InputError(f"{path.name}：{_BROKEN}") from error


def _choose_sheet(
    book: Workbook, wanted: Wanted, limits: Limits, name: str
) -> tuple[ReadOnlyWorksheet, int, list[list[str]]]:
    """Return the first sheet with a header (hidden ones last), the header's position and the first rows."""
    fullest: list[list[str]] = []
    for sheet in sorted(book.worksheets, key=lambda each: each.sheet_state != "visible"):
        # Some programs write a dimension of A1 for any sheet, which would hide all rows but the first.
        sheet.reset_dimensions()
        rows = _values(sheet, name, first=1, last=HEADER_ROWS, width=limits.columns)
        top = [[as_text(value) for value in row] for row in rows]
        position = find_header(top, wanted)
        if position is not None:
            return sheet, position, top
        fullest = max(fullest, top, key=lambda each: sum(bool(cell.strip()) for row in each for cell in row))
    choose_header(fullest, wanted, name)
    raise InputError(f"{name}：{_BROKEN}")


def _values(
    sheet: ReadOnlyWorksheet, name: str, *, first: int, last: int | None, width: int
) -> Iterator[Sequence[object]]:
    """Yield the rows' values; read in blocks, so that silencing openpyxl's remarks costs nothing per row."""
    rows: Iterator[Sequence[object]] = sheet.iter_rows(  # type: ignore[misc]  # the stubs bind it to Worksheet
        min_row=first, max_row=last, max_col=width, values_only=True
    )
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                block = list(islice(rows, _BLOCK))
        except Exception as error:  # damage inside the sheet: ParseError, zlib.error, BadZipFile, IndexError …
            raise InputError(f"{name}：{_BROKEN}") from error
        if not block:
            return
        yield from block


def as_text(value: object) -> str:
    """Return a cell's value as a person would type it, e.g. ``20180101`` for 20180101.0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def check_archive(path: Path, limits: Limits) -> None:
    """Refuse an archive that is broken, encrypted or a zip bomb, or whose XML declares a DOCTYPE.

    The sizes in the archive's directory can be trusted as bounds: zipfile never unpacks more than they say.

    Raises:
        InputError: Says which limit is exceeded and what to do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(path, archive.infolist(), limits)
            for entry in archive.infolist():
                if entry.filename.endswith((".xml", ".rels")):
                    _check_prolog(archive, entry, path.name)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise InputError(f"{path.name}：{_BROKEN}") from error


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    advice = "请检查文件来源，或另存为 CSV UTF-8 再试"
    if len(entries) > limits.xlsx_entries:
        raise InputError(f"{path.name} 内含 {len(entries)} 个部件，超过 {limits.xlsx_entries} 个的上限；{advice}")
    total = sum(entry.file_size for entry in entries)
    if total > limits.xlsx_uncompressed:
        most = limits.xlsx_uncompressed >> 20
        raise InputError(f"{path.name} 解压后有 {total >> 20} MB，超过 {most} MB 的上限；{advice}")
    for entry in entries:
        if entry.flag_bits & 1:
            raise InputError(f"{path.name} 已加密；请取消密码后另存为 .xlsx 再试")
        if entry.file_size > max(_RATIO_FLOOR, limits.xlsx_ratio * entry.compress_size):
            raise InputError(f"{path.name} 的压缩比超过 {limits.xlsx_ratio} 倍，疑似压缩炸弹；{advice}")
    # Entries may overlap in the file, each looking harmless: so the whole is held against the file's own
    # size too.
    if total > max(_RATIO_FLOOR, limits.xlsx_ratio * path.stat().st_size):
        raise InputError(f"{path.name} 的压缩比超过 {limits.xlsx_ratio} 倍，疑似压缩炸弹；{advice}")


def _check_prolog(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    """Parse up to the first element; a DOCTYPE could only stand before it."""
    state = {"element": False, "doctype": False}
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda *_: state.update(element=True)
    parser.StartDoctypeDeclHandler = lambda *_: state.update(doctype=True)
    with archive.open(entry) as part:
        for _ in range(_PROLOG_BLOCKS):
            block = part.read(_PROLOG_BYTES)
            try:
                parser.Parse(block, not block)
            except expat.ExpatError:
                break
            if not block or any(state.values()):
                break
    if state["doctype"]:
        raise InputError(f"{name} 的 XML 含有 DOCTYPE 声明，为防实体炸弹不予读取；请在 Excel 中另存为 .xlsx 再试")
    if not state["element"]:
        raise InputError(f"{name}：{_BROKEN}")
