"""A report as a workbook: every table in full, the daily chart, and for each figure the tickets that were counted."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from itertools import islice
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.chart import LineChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.named_styles import NamedStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from triage.io.cells import clean, is_formula
from triage.reports.content import Report, Ticket
from triage.reports.documents import event_tables, tables
from triage.reports.documents.blocks import Cell, Raw, Table
from triage.reports.documents.cells import LEVELS
from triage.reports.documents.docx_markup import FILLS, SHADES
from triage.reports.documents.outline import chinese_date
from triage.reports.documents.text import plain
from triage.reports.period import CHINA

INDEX, TRACE, TICKETS = "数字索引", "数字追溯", "工单清单"

MOST_ROWS = 1_000_000
"""Rows of one sheet below its header; Excel holds 1,048,576."""

_NUMBER_FORMATS = {
    "share": "0.0%",
    "change": "+0.0%;-0.0%;0.0%",
    "score": "0.0",
    "day": "yyyy-mm-dd",
    "time": "yyyy-mm-dd hh:mm",
}
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")
_CODE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_SIMPLE = re.compile(r"[0-9A-Za-z\u4e00-\u9fff][0-9A-Za-z\u4e00-\u9fff .:、（）()-]*")
"""Texts that need no care; styling each of a hundred thousand cells takes longer than writing them."""

_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")


def render_xlsx(report: Report) -> bytes:
    """Return the workbook, the same bytes for the same report."""
    book = Workbook(write_only=True)
    for style in _styles():
        book.add_named_style(style)
    rows = {number.key: row for row, number in enumerate(report.trace.numbers, 2)}
    pages = _Pages(book, rows)
    _cover(pages, report)
    for table in _tables(report):
        pages.table(table)
    _index(pages, report)
    _trace(pages, report)
    pages.plain(TICKETS, _TICKET_HEADS, _tickets(report.trace.tickets), widths=_TICKET_WIDTHS)
    packed = io.BytesIO()
    book.save(packed)
    return _fixed(packed.getvalue(), report)


def _tables(report: Report) -> Iterator[Table]:
    """Yield every table in full length; empty ones are left out."""
    risk = report.risk
    found = [
        tables.day_table(report),
        tables.overview_table(report),
        tables.category_tree(report),
        tables.district_table(report, streets=20),
        tables.street_table(report),
        tables.heat_table(report.districts.heat),
        tables.unit_table(report),
        event_tables.event_list(report.events.rows),
        event_tables.theme_table("主要话题", report.topics.themes),
        event_tables.theme_table("新出现的苗头", report.topics.emerging),
        event_tables.frequent_table(report.high_frequency.rows),
        event_tables.risk_table("新增红橙诉求", risk.new, form="all"),
        event_tables.escalation_table(risk.escalations),
        event_tables.risk_table("未办结红橙诉求", risk.open, form="all"),
        event_tables.overdue_table(report.overdue.rows if report.overdue else ()),
        event_tables.overdue_units(report),
        *(tables.assessment_table(each) for each in (report.assessment.tables if report.assessment else ())),
    ]
    yield from (table for table in found if table.rows)


class _Pages:
    """Adds sheets to a workbook that is written in a stream.

    Args of the constructor:
        book: The workbook.
        traced: Row of each figure in the sheet `INDEX`, by its key.
    """

    def __init__(self, book: Any, traced: dict[str, int]) -> None:
        self._book = book
        self._traced = traced
        self._names: set[str] = set()

    def table(self, table: Table) -> None:
        """Add a table with its notes."""
        sheet = self._sheet(table.name, [max(9.0, 1.25 * column.width) for column in table.columns])
        self._heads(sheet, [column.header for column in table.columns])
        for row in table.rows:
            sheet.append([self._cell(sheet, cell, strong=row.strong) for cell in row.cells])
        for note in table.notes:
            sheet.append([_styled(sheet, note, "note")])
        if table.name == "每日受理量" and len(table.columns) > 1:
            _draw(sheet, table)
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{len(table.rows) + 1}"

    def plain(self, name: str, heads: Sequence[str], rows: Iterable[Sequence[Raw]], *, widths: Sequence[float]) -> None:
        """Add a list, going on in further sheets where one is full."""
        waiting = iter(rows)
        number = 1
        while True:
            block = islice(waiting, MOST_ROWS)
            first = next(block, None)
            if first is None and number > 1:
                return
            sheet = self._sheet(name if number == 1 else f"{name}{number}", widths)
            self._heads(sheet, heads)
            for row in () if first is None else (first, *block):
                sheet.append([_quick(sheet, value) for value in row])
            number += 1

    def lines(self, name: str, lines: Iterable[tuple[str, str]], *, width: float) -> None:
        """Add a sheet of texts, each with a style."""
        sheet = self._sheet(name, [width], freeze=False)
        for text, style in lines:
            sheet.append([_styled(sheet, text, style)])

    def linked(
        self, name: str, heads: Sequence[str], rows: Iterable[tuple[Sequence[Raw], str]], *, widths: Sequence[float]
    ) -> None:
        """Add a list whose last column leads to another place of the workbook."""
        sheet = self._sheet(name, widths)
        self._heads(sheet, heads)
        for values, target in rows:
            cells = [_bare(sheet, value) for value in values]
            if target:
                cells[-1] = _link(sheet, values[-1], target, "link")
            sheet.append(cells)

    def _sheet(self, name: str, widths: Sequence[float], *, freeze: bool = True) -> Any:
        title = _FORBIDDEN.sub("", plain(name))[:28] or "表"
        while title in self._names:
            title = f"{title[:26]}_{len(self._names)}"
        self._names.add(title)
        sheet = self._book.create_sheet(title)
        for position, width in enumerate(widths, 1):
            sheet.column_dimensions[get_column_letter(position)].width = width
        if freeze:
            sheet.freeze_panes = "A2"
        return sheet

    def _heads(self, sheet: Any, heads: Sequence[str]) -> None:
        sheet.append([_styled(sheet, head, "head") for head in heads])

    def _cell(self, sheet: Any, cell: Cell, *, strong: bool) -> Any:
        """Return a cell; a figure leads to its line in the index."""
        row = self._traced.get(cell.key)
        target = f"'{INDEX}'!A{row}"
        shown = _link(sheet, cell.value, target, "link") if row is not None else _bare(sheet, cell.value)
        if cell.kind in _NUMBER_FORMATS and not isinstance(cell.value, str):
            shown.number_format = _NUMBER_FORMATS[cell.kind]
        fill = FILLS.get(cell.tone) or SHADES[cell.heat]
        if fill:
            shown.fill = PatternFill("solid", fgColor=f"FF{fill}")
        if strong:
            shown.font = Font(name="等线", size=11, bold=True)
        return shown


def _cover(pages: _Pages, report: Report) -> None:
    lines = [
        (report.title, "title"),
        (f"{report.issue}　{report.office}　{chinese_date(report.made_at)}", "text"),
        (f"统计周期：{report.period.name}　范围：{report.area or '全市'}", "text"),
        *((sentence, "text") for sentence in report.summary),
        ("各表中带下划线的件数可点击，转到“数字索引”，再转到“数字追溯”中所计的全部工单编号。", "note"),
        *((note.text, "note") for note in report.quality),
        *((sentence, "note") for sentence in report.basis),
        *([(report.trace.note, "note")] if report.trace.note else []),
    ]
    pages.lines("说明", lines, width=110)


def _index(pages: _Pages, report: Report) -> None:
    """Write one line per figure, which leads to the first of its tickets."""

    def rows() -> Iterator[tuple[Sequence[Raw], str]]:
        start = 0
        for number in report.trace.numbers:
            sheet, row = divmod(start, MOST_ROWS)
            target = f"'{TRACE}{sheet + 1 if sheet else ''}'!A{row + 2}" if number.tickets else ""
            yield (number.key, number.section, number.label, number.value, len(number.tickets)), target
            start += len(number.tickets)

    heads = ("指标编号", "章节", "指标", "数值", "所计工单数")
    pages.linked(INDEX, heads, rows(), widths=(34, 16, 40, 10, 12))


def _trace(pages: _Pages, report: Report) -> None:
    """Write one line per figure and ticket."""
    tickets = report.trace.tickets
    rows = (
        (number.key, tickets[position].number, position + 2)
        for number in report.trace.numbers
        for position in number.tickets
    )
    pages.plain(TRACE, ("指标编号", "工单编号", "在工单清单中的行"), rows, widths=(34, 26, 16))


_TICKET_HEADS = (
    "工单编号",
    "系统编号",
    "受理时间",
    "渠道",
    "区县",
    "街镇",
    "承办单位",
    "一级类别",
    "二级类别",
    "类型",
    "风险",
    "事件编号",
)
_TICKET_WIDTHS = (24, 24, 17, 10, 12, 14, 24, 16, 20, 8, 6, 24)


def _tickets(tickets: Iterable[Ticket]) -> Iterator[Sequence[Raw]]:
    for ticket in tickets:
        moment = ticket.received_at.astimezone(CHINA).replace(tzinfo=None, microsecond=0)
        place = (ticket.channel, ticket.district, ticket.street, ticket.unit)
        kind = (ticket.l1, ticket.l2, ticket.type, LEVELS[min(max(ticket.risk_level, 0), 4)], ticket.event)
        yield (ticket.number, ticket.id, f"{moment:%Y-%m-%d %H:%M}", *place, *kind)


def _draw(sheet: Any, table: Table) -> None:
    """Put the daily line beside the numbers, as a chart of Excel's own."""
    chart = LineChart()
    chart.title, chart.height, chart.width = "每日诉求受理量（件）", 8, 20
    chart.y_axis.delete = chart.x_axis.delete = False
    last = len(table.rows) + 1
    chart.add_data(
        Reference(sheet, min_col=2, max_col=len(table.columns), min_row=1, max_row=last), titles_from_data=True
    )
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=last))
    chart.x_axis.number_format = "m/d"
    sheet.add_chart(chart, "F2")


def _bare(sheet: Any, value: Raw) -> Any:
    """Return a cell that a spreadsheet shows and never runs."""
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value)  # type: ignore[arg-type]  # the stubs forget whole numbers and dates
    text = clean(_visible(value))
    cell: Any = WriteOnlyCell(sheet)
    cell.style = "text"
    cell.quotePrefix = is_formula(text)
    # openpyxl would make a formula of a text that begins with =; _x0041_ in a text would be read as "A".
    cell._value, cell.data_type = _CODE.sub("_x005F_", text), "s"
    return cell


def _quick(sheet: Any, value: Raw) -> Any:
    return value if not isinstance(value, str) or _SIMPLE.fullmatch(value) else _bare(sheet, value)


def _styled(sheet: Any, text: str, style: str) -> Any:
    cell = _bare(sheet, text)
    cell.style = style
    return cell


def _link(sheet: Any, value: Raw, target: str, style: str) -> Any:
    cell = _bare(sheet, value)
    cell.style = style
    cell.hyperlink = Hyperlink(ref="", location=target)
    return cell


def _visible(text: str) -> str:
    """Return a text without controls and direction marks, line by line."""
    return "\n".join(plain(line) for line in text.split("\n"))


def _styles() -> Iterator[NamedStyle]:
    top, wrapped = Alignment(vertical="top"), Alignment(vertical="top", wrap_text=True)
    line = Border(bottom=Side(style="thin", color="FFCCD1D6"))
    body = Font(name="等线", size=11)
    yield NamedStyle("text", font=body, alignment=wrapped)
    yield NamedStyle("link", font=Font(name="等线", size=11, underline="single", color="FF1F4E79"), alignment=top)
    head = Font(name="等线", size=11, bold=True)
    fill = PatternFill("solid", fgColor="FFF1F3F5")
    yield NamedStyle("head", font=head, fill=fill, border=line, alignment=Alignment(vertical="center", wrap_text=True))
    yield NamedStyle("note", font=Font(name="等线", size=10, color="FF555555"), alignment=Alignment(vertical="top"))
    yield NamedStyle("title", font=Font(name="等线", size=18, bold=True, color="FFC8102E"), alignment=wrapped)


def _fixed(data: bytes, report: Report) -> bytes:
    """Return the archive with fixed times; openpyxl stamps it with the moment of saving."""
    made = report.made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>" + made + rb"\g<3>", content)
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, content)
    return packed.getvalue()
