"""Blocks of a report as WordprocessingML (ECMA-376, part 1), in the styles of the template."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from docx.shared import Pt

from triage.reports.documents.blocks import Block, Cell, Chart, Column, Heading, Paragraph, Row, Table
from triage.reports.documents.charts import sparkline
from triage.reports.documents.drawing import Drawing, png

FILLS = {"红": "F4B0B0", "橙": "FAD2A8", "黄": "FFF2A8", "蓝": "C6DCF5"}
SHADES = ("", "FDF1EF", "FBDFDA", "F6C5BD", "EFA69B", "E58376", "D65C50")
COLOURS = {"up": "B3261E", "down": "1D6B3A"}
HEADER_FILL = "F1F3F5"

_APART = 110
"""Twentieths of a point between right-aligned numbers and the text beside them."""

_DENSE = 7
"""Tables of more columns are set in the smaller style."""


class Markup:
    """Writes blocks as XML for one document, whose pictures it adds to the document's part.

    Args of the constructor:
        part: The document's part, which holds the pictures.
        width: Of the text column, in points.
    """

    def __init__(self, part: Any, width: float) -> None:
        self._part = part
        self._width = width

    def blocks(self, blocks: Sequence[Block]) -> str:
        """Return blocks in order."""
        return "".join(map(self._block, blocks))

    def _block(self, block: Block) -> str:
        if isinstance(block, Heading):
            return paragraph(block.text, f"Heading{block.level}")
        if isinstance(block, Paragraph):
            return paragraph(block.text, "ReportBody" if block.style == "body" else "ReportNote")
        if isinstance(block, Chart):
            picture = self._picture(block.drawing, self._width)
            return _paragraph(picture, "ReportChart") + paragraph(block.caption, "ReportChartCaption")
        return self._table(block)

    def _table(self, table: Table) -> str:
        style = "ReportCell" if len(table.columns) <= _DENSE else "ReportCellSmall"
        places = _places(table.columns, self._width)
        head = "".join(
            _cell(run(column.header), place, style=style, fill=HEADER_FILL, keep=True)
            for column, place in zip(table.columns, places, strict=True)
        )
        grid = "".join(f'<w:gridCol w:w="{place.width}"/>' for place in places)
        rows = "".join(self._row(row, places, style) for row in table.rows)
        caption = paragraph(table.name, "ReportCaption") if table.name else ""
        notes = "".join(paragraph(note, "ReportNote") for note in table.notes) or paragraph("", "ReportGap")
        return (
            f"{caption}<w:tbl>{_table_properties(sum(place.width for place in places))}<w:tblGrid>{grid}</w:tblGrid>"
            f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{head}</w:tr>{rows}</w:tbl>{notes}"
        )

    def _row(self, row: Row, places: Sequence[_Place], style: str) -> str:
        whole = "".join(
            self._shown(cell, place, style=style, strong=row.strong, keep=bool(row.details))
            for cell, place in zip(row.cells, places, strict=True)
        )
        lines = f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{whole}</w:tr>"
        if not row.details:
            return lines
        text = "".join(paragraph(line, "ReportDetail") for line in row.details)
        properties = (
            f'<w:tcPr><w:tcW w:w="{sum(place.width for place in places)}" w:type="dxa"/><w:gridSpan w:val="{len(places)}"/>'
            '<w:shd w:val="clear" w:color="auto" w:fill="FAFBFC"/></w:tcPr>'
        )
        return f"{lines}<w:tr><w:trPr><w:cantSplit/></w:trPr><w:tc>{properties}{text}</w:tc></w:tr>"

    def _shown(self, cell: Cell, place: _Place, *, style: str, strong: bool, keep: bool) -> str:
        if cell.spark:
            content = self._picture(sparkline(cell.spark), min(58.0, place.width / 20 - 12))
        else:
            colour = "FFFFFF" if cell.heat == len(SHADES) - 1 else COLOURS.get(cell.tone, "")
            content = run(cell.text, colour=colour, bold=strong)
        fill = FILLS.get(cell.tone) or SHADES[cell.heat]
        return _cell(content, place, style=style, fill=fill, keep=keep)

    def _picture(self, drawing: Drawing, width: float) -> str:
        inline = self._part.new_pic_inline(io.BytesIO(png(drawing)), width=Pt(width))
        inline.docPr.set("descr", drawing.title)
        return f"<w:r><w:drawing>{_xml(inline)}</w:drawing></w:r>"


def paragraph(text: str, style: str) -> str:
    """Return a paragraph of a text that `shown` made."""
    return _paragraph(run(text), style)


def run(text: str, *, colour: str = "", bold: bool = False) -> str:
    """Return a run of text."""
    properties = ("<w:b/>" if bold else "") + (f'<w:color w:val="{colour}"/>' if colour else "")
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>' if text else ""


def _paragraph(content: str, style: str) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{content}</w:p>'


def _cell(content: str, place: _Place, *, style: str, fill: str, keep: bool) -> str:
    shade = f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    next_too = "<w:keepNext/>" if keep else ""
    indent = f'<w:ind w:left="{_APART}"/>' if place.apart else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{place.width}" w:type="dxa"/>{shade}<w:vAlign w:val="center"/></w:tcPr>'
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{next_too}{indent}<w:jc w:val="{place.align}"/></w:pPr>{content}</w:p></w:tc>'
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column stands: its width in twentieths of a point, and whether it needs a gap after numbers."""

    width: int
    align: str
    apart: bool


def _places(columns: Sequence[Column], whole: float) -> list[_Place]:
    total = sum(column.width for column in columns) or 1
    before = ["left", *(column.align for column in columns)]
    return [
        _Place(round(20 * whole * column.width / total), column.align, column.align == "left" and last == "right")
        for column, last in zip(columns, before, strict=False)
    ]


def _table_properties(width: int) -> str:
    thick, thin = (
        'w:val="single" w:sz="8" w:space="0" w:color="444444"',
        'w:val="single" w:sz="4" w:space="0" w:color="C4CAD0"',
    )
    return (
        f'<w:tblPr><w:tblW w:w="{width}" w:type="dxa"/><w:jc w:val="center"/><w:tblBorders><w:top {thick}/>'
        f"<w:bottom {thick}/><w:insideH {thin}/></w:tblBorders>"
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/>'
        "</w:tblCellMar></w:tblPr>"
    )


def _xml(element: Any) -> str:
    text: str = element.xml
    return text
