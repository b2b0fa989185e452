"""Reads a small table (csv or xlsx) as text cells with row numbers."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from triage.errors import DirectoryError

MAX_BYTES = 20_000_000
MAX_ROWS = 50_000
_MAX_UNPACKED = 400_000_000  # an xlsx of 20 MB unpacks to less; more is a zip bomb


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file (the header is row 1) and its cells as text."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A header and the rows under it."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """Read the first sheet of an xlsx file or a csv file in UTF-8, UTF-8 with BOM or GB18030.

    Raises:
        DirectoryError: If the file is missing, too large, damaged, empty or of another kind.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DirectoryError(f"无法打开单位名录 {path}：{error.strerror or error}；请检查路径和权限") from error
    if size > MAX_BYTES:
        raise DirectoryError(f"单位名录 {path.name} 超过 20 MB，请删去无关的列和工作表")
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        rows = _xlsx_rows(path)
    elif suffix in (".csv", ".txt"):
        rows = _csv_rows(path)
    else:
        raise DirectoryError(f"单位名录 {path.name} 的格式不支持，请另存为 .csv 或 .xlsx")
    return _table(rows, path)


def _table(rows: Iterable[Row], path: Path) -> Table:
    kept = []
    for row in rows:
        kept.append(row)
        if len(kept) > MAX_ROWS + 1:
            raise DirectoryError(f"单位名录 {path.name} 超过 {MAX_ROWS} 行，请检查是否选错文件")
    if not kept:
        raise DirectoryError(f"单位名录 {path.name} 是空的：第一行应为表头（单位名称、层级……）")
    return Table(kept[0].cells, tuple(kept[1:]))


def _csv_rows(path: Path) -> Iterable[Row]:
    reader = csv.reader(io.StringIO(_decoded(path), newline=""))
    try:
        for cells in reader:
            yield Row(reader.line_num, tuple(cells))
    except csv.Error as error:
        raise DirectoryError(f"单位名录 {path.name} 第{reader.line_num}行不是合法的 CSV，请重新另存") from error


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding).replace("\x00", "")
        except UnicodeDecodeError:
            continue
    raise DirectoryError(f"单位名录 {path.name} 的编码无法识别，请另存为 UTF-8")


def _xlsx_rows(path: Path) -> Iterable[Row]:
    damaged = f"单位名录 {path.name} 不是完好的 xlsx 文件，请用表格软件重新另存"
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_UNPACKED:
                raise DirectoryError(damaged)
        book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise DirectoryError(damaged) from error
    try:
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(values_only=True, max_row=MAX_ROWS + 2)
        return [Row(number, tuple(map(_text, cells))) for number, cells in enumerate(rows, 1)]
    except (IndexError, ValueError, KeyError, SyntaxError, OSError, EOFError, zlib.error) as error:
        raise DirectoryError(damaged) from error
    finally:
        book.close()


def _text(value: object) -> str:
    """Show a cell as the user sees it: a date cell as 2024-01-31, 3.0 as 3."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
