"""A streaming xlsx writer: one sheet of results, in memory one row at a time.

openpyxl needs 16 µs a cell, 0.65 ms for one decision's 40 columns, a third of what triage itself takes; it
also spools the sheet through the system's temporary folder. The part of the format used here (ECMA-376:
inline strings, a dozen styles) is small.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from math import isfinite
from typing import IO, BinaryIO
from xml.sax.saxutils import escape

from triage.io.cells import Cell, clean, is_formula
from triage.io.flatten import Column

MOST_ROWS = 1_048_576
"""Rows of one sheet, by Excel; a longer table goes on in a second sheet."""

MOST_BYTES = 1 << 30
"""Bytes of one sheet: from 2 GiB on the archive needs zip64 headers, which Excel reports as damage."""

_CODE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

FILLS = {"红": "FFF4B0B0", "橙": "FFFAD2A8", "黄": "FFFFF2A8", "蓝": "FFC6DCF5"}
"""Fill per warning colour, light enough for black print; the word stands in the cell too."""

_TEXT, _QUOTED, _NUMBER, _SHARE, _TIME, _HEADER, _FIRST_FILL = range(1, 8)
_STYLES = {"share": _SHARE, "time": _TIME}
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  # Excel's day 0; its times carry no zone


class Spreadsheet:
    """One workbook being written into an open binary file.

    Call `begin`, then `append` per row, then `finish`; after a failure `close` frees it without writing
    more.
    """

    def __init__(self, handle: BinaryIO, columns: Sequence[Column], *, title: str, most_rows: int = MOST_ROWS) -> None:
        """Store the target.

        Args:
            handle: Where to write; seekable.
            columns: Header, width and style of every column.
            title: Name of the sheet; a second one is called ``<title>2``.
            most_rows: Rows per sheet, the header included.
        """
        self._columns = columns
        self._letters = [_letter(position) for position in range(1, len(columns) + 1)]
        self._title = title
        self._most_rows = most_rows
        self._archive = zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._sheet: IO[bytes] | None = None
        self._sheets = self._row = self._size = 0

    def begin(self) -> None:
        """Start the first sheet."""
        self._start_sheet()

    def append(self, cells: Sequence[Cell], *, colour: str = "") -> None:
        """Write one row; cells of style ``risk`` get the fill of ``colour``."""
        if self._row >= self._most_rows or self._size >= MOST_BYTES:
            self._end_sheet()
            self._start_sheet()
        self._row += 1
        fill = _FIRST_FILL + list(FILLS).index(colour) if colour in FILLS else _TEXT
        parts = [f'<row r="{self._row}">']
        for letter, column, cell in zip(self._letters, self._columns, cells, strict=True):
            style = fill if column.style == "risk" else _STYLES.get(column.style, _NUMBER)
            parts.append(_cell_xml(f"{letter}{self._row}", cell, style))
        parts.append("</row>")
        self._write("".join(parts))

    def finish(self) -> None:
        """Write what belongs around the sheets and close the archive."""
        self._end_sheet()
        names = [self._title if number == 1 else f"{self._title}{number}" for number in range(1, self._sheets + 1)]
        for name, text in _frame(names):
            self._archive.writestr(zipfile.ZipInfo(name), _DECLARATION + text, zipfile.ZIP_DEFLATED)
        self._archive.close()

    def close(self) -> None:
        """Free the archive after a failure; what a full disk still refuses no longer matters."""
        for part in (self._sheet, self._archive):
            if part is not None:
                with suppress(OSError, ValueError):
                    part.close()

    def _start_sheet(self) -> None:
        self._sheets += 1
        self._row, self._size = 1, 0
        self._sheet = self._archive.open(f"xl/worksheets/sheet{self._sheets}.xml", "w")
        widths = "".join(
            f'<col min="{n}" max="{n}" width="{column.width}" customWidth="1"/>'
            for n, column in enumerate(self._columns, 1)
        )
        header = "".join(
            _cell_xml(f"{letter}1", column.header, _HEADER)
            for letter, column in zip(self._letters, self._columns, strict=True)
        )
        self._write(
            f'{_DECLARATION}<worksheet xmlns="{_NAMESPACE}"><sheetViews><sheetView workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
            f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols><sheetData><row r="1">{header}</row>'
        )

    def _end_sheet(self) -> None:
        if self._sheet is not None:
            self._write(f'</sheetData><autoFilter ref="A1:{self._letters[-1]}{self._row}"/></worksheet>')
            self._sheet.close()
            self._sheet = None

    def _write(self, text: str) -> None:
        if self._sheet is not None:
            data = text.encode("utf-8")
            self._size += len(data)
            self._sheet.write(data)


def _cell_xml(reference: str, cell: Cell, style: int) -> str:
    if isinstance(cell, str) and cell:
        # _x0041_ in a text would be read as "A"; the underscore itself is written by its code.
        text = _CODE.sub("_x005F_", escape(clean(cell)))
        kind = style if style >= _HEADER else _QUOTED if is_formula(cell) else _TEXT
        space = ' xml:space="preserve"'
        return f'<c r="{reference}" s="{kind}" t="inlineStr"><is><t{space}>{text}</t></is></c>'
    if isinstance(cell, datetime):
        days = (cell.replace(tzinfo=None) - _EPOCH).total_seconds() / 86_400
        return f'<c r="{reference}" s="{_TIME}"><v>{days:.8f}</v></c>'
    if isinstance(cell, (int, float)) and isfinite(cell):
        return f'<c r="{reference}" s="{style}"><v>{cell + 0}</v></c>'
    return f'<c r="{reference}" s="{style}"/>' if style >= _FIRST_FILL else ""


def _letter(position: int) -> str:
    """Return the name of a 1-based column: A … Z, AA …"""
    letters = ""
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _frame(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (part, XML) of everything but the sheets."""
    numbers = range(1, len(names) + 1)
    sheets = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in zip(numbers, names, strict=True)
    )
    yield (
        "xl/workbook.xml",
        f'<workbook xmlns="{_NAMESPACE}" xmlns:r="{_RELATIONS}"><sheets>{sheets}</sheets></workbook>',
    )
    relations = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    yield "xl/_rels/workbook.xml.rels", _relations([*relations, ("rIdStyles", "styles", "styles.xml")])
    yield "_rels/.rels", _relations([("rId1", "officeDocument", "xl/workbook.xml")])
    yield "xl/styles.xml", _styles()
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{n}.xml", "worksheet") for n in numbers]
    overrides = "".join(f'<Override PartName="{part}" ContentType="{_TYPE}.{kind}+xml"/>' for part, kind in parts)
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
    yield "[Content_Types].xml", types


def _relations(targets: Sequence[tuple[str, str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>' for name, kind, target in targets
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


def _styles() -> str:
    """Return the style sheet; the order of ``cellXfs`` is that of the style numbers above."""
    fills = "".join(
        f'<fill><patternFill patternType="solid"><fgColor rgb="{colour}"/></patternFill></fill>'
        for colour in ("FF44546A", *FILLS.values())
    )
    wrap = '<alignment vertical="top" wrapText="1"/>'
    top = '<alignment vertical="top"/>'
    middle = '<alignment horizontal="center" vertical="top"/>'
    formats = [
        "<xf/>",
        f'<xf applyAlignment="1">{wrap}</xf>',
        f'<xf quotePrefix="1" applyAlignment="1">{wrap}</xf>',
        f'<xf applyAlignment="1">{top}</xf>',
        f'<xf numFmtId="9" applyNumberFormat="1" applyAlignment="1">{top}</xf>',
        f'<xf numFmtId="164" applyNumberFormat="1" applyAlignment="1">{top}</xf>',
        f'<xf fontId="1" fillId="2" applyFont="1" applyFill="1" applyAlignment="1">{wrap}</xf>',
        *(f'<xf fillId="{3 + n}" applyFill="1" applyAlignment="1">{middle}</xf>' for n in range(len(FILLS))),
    ]
    return (
        f'<styleSheet xmlns="{_NAMESPACE}"><numFmts count="1">'
        '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm"/></numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="等线"/></font>'
        '<font><b/><sz val="11"/><color rgb="FFFFFFFF"/><name val="等线"/></font></fonts>'
        f'<fills count="{3 + len(FILLS)}"><fill><patternFill patternType="none"/></fill>'
        f'<fill><patternFill patternType="gray125"/></fill>{fills}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(formats)}">{"".join(map(_complete, formats))}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _complete(xf: str) -> str:
    """Add the references that a format leaves at their default; Excel wants all of them written."""
    defaults = {"numFmtId": "0", "fontId": "0", "fillId": "0", "borderId": "0", "xfId": "0"}
    missing = "".join(f' {name}="{value}"' for name, value in defaults.items() if f" {name}=" not in xf)
    return f"<xf{missing}{xf[3:]}"
