"""Rows of csv and tsv files.

Python's csv module alone would let one stray quote swallow the rest of a file and one huge cell stop it. So
the extent of every record is found first, by the quotes, and a record that has none is one bad row.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from triage.errors import InputError
from triage.io.encodings import NOTHING, OTHER_ENCODING, Line, detect_encoding, read_lines, repair, replace_halves
from triage.io.headers import HEADER_ROWS, Wanted, choose_header, distinct
from triage.io.rows import Limits, Record, Reject, place

_PATIENCE = 32
"""So many times the longest record may be read in vain after open quotes, so that any file ends in linear time."""

_DELIMITERS = (",", ";", "\t")


@dataclass(slots=True)
class Chunk:
    """One csv record as text: one line, or several where a quoted cell holds line breaks."""

    number: int
    line: int
    text: str
    last_line: int
    damaged: bool = False
    warnings: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class DelimitedTable:
    """An open csv or tsv file whose header has been read.

    Attributes:
        header: Column names as the file has them; blank and repeated ones made distinct.
        delimiter: What separates the cells.
    """

    header: tuple[str, ...]
    delimiter: str
    _chunks: Iterator[Chunk] = field(repr=False)
    _limits: Limits

    def records(self) -> Generator[Record | Reject, None, None]:
        """Yield the rows below the header; rows without any text are no rows and are passed over."""
        for chunk in self._chunks:
            cells = None if chunk.problem else split_cells(chunk.text, self.delimiter)
            if cells is not None and all(cell.strip() in NOTHING for cell in cells):
                continue
            yield self._record(chunk, cells)

    def _record(self, chunk: Chunk, cells: list[str] | None) -> Record | Reject:
        if cells is None:
            return self._reject(chunk, [chunk.text], chunk.problem or "无法按列拆分；请检查引号和换行")
        while len(cells) > len(self.header) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(self.header):
            return self._reject(chunk, cells, self._count_problem(chunk, len(cells)))
        warnings = chunk.warnings
        if chunk.damaged:
            repaired = [repair(cell) for cell in cells]
            if None in repaired:
                return self._undecodable(chunk, cells, self.header[repaired.index(None)])
            cells = [cell for cell in repaired if cell is not None]
            warnings = (*warnings, OTHER_ENCODING)
        return Record(
            number=chunk.number,
            line=chunk.line,
            fields=dict(zip(self.header, cells, strict=True)),
            warnings=warnings,
        )

    def _reject(self, chunk: Chunk, cells: Iterable[str], problem: str, name: str = "") -> Reject:
        where = place(chunk.number, chunk.line)
        shown = tuple(replace_halves(cell) for cell in cells)
        return Reject(number=chunk.number, field=name, reason=f"{where}{problem}", header=self.header, cells=shown)

    def _undecodable(self, chunk: Chunk, cells: list[str], name: str) -> Reject:
        problem = f"「{name}」含有无法解码的字节；请以 UTF-8 重新导出该行"
        return self._reject(chunk, cells, problem, name)

    def _count_problem(self, chunk: Chunk, count: int) -> str:
        problem = f"有 {count} 个单元格，表头有 {len(self.header)} 个；请检查分隔符和引号"
        if chunk.last_line > chunk.line:
            problem += f"（文件第 {chunk.line} 至 {chunk.last_line} 行因引号连成一行）"
        return problem


def open_delimited(path: Path, wanted: Wanted, limits: Limits) -> DelimitedTable:
    """Open a csv or tsv file and read its header.

    Raises:
        InputError: The file is empty or no text, or lacks a wanted column.
    """
    # The module's own limit (128 KiB, global) would hide which cell is too long; ours bounds the record already.
    csv.field_size_limit(max(csv.field_size_limit(), limits.record_bytes))
    lines = read_lines(path, detect_encoding(path), longest=limits.record_bytes)
    first = list(islice(lines, HEADER_ROWS))
    delimiter = _delimiter([line.text for line in first if not line.too_long], wanted)
    chunks = join_lines(chain(first, lines), delimiter, limits=limits)
    above = list(islice(chunks, HEADER_ROWS))
    rows = [_header_cells(chunk, delimiter) for chunk in above]
    position = choose_header(rows, wanted, path.name)
    header = distinct(rows[position], limits.columns, path.name)
    return DelimitedTable(header, delimiter, chain(above[position + 1 :], chunks), limits)


def _header_cells(chunk: Chunk, delimiter: str) -> list[str]:
    cells = split_cells(chunk.text, delimiter) if not chunk.problem else None
    return [repair(cell) or "" for cell in cells] if cells and chunk.damaged else cells or []


def _delimiter(lines: list[str], wanted: Wanted) -> str:
    """Choose what splits one of the first lines into a header, or else what the first line holds most of."""
    for delimiter in _DELIMITERS if wanted.columns or wanted.required else ():
        if any(wanted.is_header(split_cells(line, delimiter) or []) for line in lines if delimiter in line):
            return delimiter
    first = next((line for line in lines if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def split_cells(text: str, delimiter: str) -> list[str] | None:
    """Split one csv record; None where the csv module refuses it (a carriage return outside quotes)."""
    try:
        return next(csv.reader((text,), delimiter=delimiter))
    except csv.Error:
        return None


def join_lines(lines: Iterator[Line], delimiter: str, *, limits: Limits) -> Iterator[Chunk]:
    """Join the lines of a quoted cell into one record.

    A quote that does not close properly costs its own line only; reading goes on with the next.

    Raises:
        InputError: So many quotes stay open over so many lines that reading would not end (see `_PATIENCE`).
    """
    waiting: deque[Line] = deque()
    wasted = number = 0
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        number += 1
        if line.too_long:
            yield _chunk(number, [line], problem=f"超过 {limits.record_bytes >> 20} MB；请检查是否缺少换行或混入了附件")
        elif '"' not in line.text or not _stays_open(line.text, delimiter, opened=False):
            yield _chunk(number, [line])
        else:
            held = _until_closed(line, waiting, lines, delimiter=delimiter, limit=limits.record_bytes)
            if _is_strict(held, delimiter):
                yield _chunk(number, held)
                continue
            wasted += sum(map(_cost, held))
            if wasted > _PATIENCE * limits.record_bytes:
                raise InputError(f"{place(number, line.number)}：多处引号没有闭合，无法继续；请检查文件的分隔符和引号")
            waiting.extendleft(reversed(held[1:]))
            yield _chunk(number, [line], problem="的引号没有闭合；请补上引号，或把单元格内的引号写成两个")


def _until_closed(
    first: Line, waiting: deque[Line], lines: Iterator[Line], *, delimiter: str, limit: int
) -> list[Line]:
    """Return a line and those after it up to the one that closes its open quote, or as far as ``limit`` allows."""
    held = [first]
    size = _cost(first)
    while size <= limit and (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        held.append(line)
        size += _cost(line)
        if line.too_long or ('"' in line.text and not _stays_open(line.text, delimiter, opened=True)):
            break
    return held


def _cost(line: Line) -> int:
    """Return what holding a line costs, in characters; an empty line is an object too."""
    return len(line.text) + 100


def _is_strict(held: list[Line], delimiter: str) -> bool:
    """Say whether joined lines are csv to the letter.

    ``1,"开头`` above ``2,"乙"`` looks like one cell that ends before 乙; a delimiter would have to follow its quote.
    Within one line such a quote is let pass, but two rows must not be joined by it: the second would vanish.
    """
    try:
        next(csv.reader(("".join(line.text for line in held),), delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


def _stays_open(text: str, delimiter: str, *, opened: bool) -> bool:
    """Say whether a quoted cell is open at the line's end; a quote inside an unquoted cell is a character."""
    position = 0
    while True:
        if opened:
            quote = text.find('"', position)
            if quote < 0:
                return True
            opened = text.startswith('"', quote + 1)  # two quotes are one character of the cell
            position = quote + 2 if opened else quote + 1
        elif text.startswith('"', position):
            opened = True
            position += 1
        else:
            following = text.find(delimiter, position)
            if following < 0:
                return False
            position = following + 1


def _chunk(number: int, lines: list[Line], *, problem: str = "") -> Chunk:
    return Chunk(
        number=number,
        line=lines[0].number,
        text="".join(line.text for line in lines),
        last_line=lines[-1].number,
        damaged=any(line.damaged for line in lines),
        warnings=tuple(dict.fromkeys(warning for line in lines for warning in line.warnings)),
        problem=problem,
    )
