"""What a document is made of: headings, paragraphs, charts and tables, the same for every format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from triage.reports.documents.drawing import Drawing

UNKNOWN = "—"
"""Stands where nothing is known; never 0."""

Raw = str | int | float | date | datetime | None
"""What a cell holds in a workbook; None is an empty one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: As printed.
        value: As a workbook holds it.
        kind: How a workbook formats the value; ``share`` and ``change`` are fractions.
        tone: 红, 橙, 黄 or 蓝 for a cell of that colour, ``up`` or ``down`` for a notable change; else empty.
        heat: Depth of the shade behind a number, 0 to 6.
        spark: Numbers per day, drawn as a small line.
        key: Of the figure in the trace; empty for none.
    """

    text: str
    value: Raw = None
    kind: Literal["text", "number", "share", "change", "score", "day", "time"] = "text"
    tone: str = ""
    heat: int = 0
    spark: tuple[int, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        header: In Chinese.
        width: Relative to the others.
        align: Of its cells.
        optional: Left out where no row knows anything.
    """

    header: str
    width: float
    align: Literal["left", "center", "right"] = "left"
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; ``details`` are lines below it over the whole width, ``strong`` marks a total."""

    cells: tuple[Cell, ...]
    details: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        name: Printed above it, and the name of its sheet in a workbook.
        columns: From left to right.
        rows: Each as long as ``columns``.
        notes: Printed below it.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def known(self) -> Table:
        """Return the table without optional columns of which nothing is known."""
        kept = [
            index
            for index, column in enumerate(self.columns)
            if not column.optional or any(row.cells[index].text not in ("", UNKNOWN) for row in self.rows)
        ]
        rows = tuple(replace(row, cells=tuple(row.cells[index] for index in kept)) for row in self.rows)
        return replace(self, columns=tuple(self.columns[index] for index in kept), rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A numbered heading of level 1 (一、), 2 (（一）) or 3 (1.); the number is part of the text."""

    level: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph: ``body`` is indented by two characters, ``small`` is a remark."""

    text: str
    style: Literal["body", "small"] = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing with its caption."""

    drawing: Drawing
    caption: str


Block = Heading | Paragraph | Chart | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section with its numbered heading first; ``name`` is what templates call it."""

    name: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A whole document.

    Attributes:
        kind: day, week, month or quarter.
        title: In red at the top.
        issue: Issue number.
        office: Who issues it; may be empty.
        area: What it is about; 全市 where nothing else is said.
        date: Of issue, in Chinese.
        period: What it covers, in Chinese.
        summary: 内容提要.
        sections: In order.
    """

    kind: str
    title: str
    issue: str
    office: str
    area: str
    date: str
    period: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
