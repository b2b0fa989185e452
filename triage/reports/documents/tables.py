"""The tables of a report about counts: overview, categories, places, units, assessment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from triage.reports.content import AssessmentTable, CategoryRow, Count, HeatTable, Report
from triage.reports.documents import cells
from triage.reports.documents.blocks import Cell, Column, Row, Table
from triage.reports.documents.text import shown

BEFORE = {"day": "前一日", "week": "上周", "month": "上月", "quarter": "上季度"}
NOW = {"day": "当日", "week": "本周", "month": "本月", "quarter": "本季度"}

STAR = "注：*表示与上期相比的变化超出随机波动（显著性水平0.01，已作多重比较校正）。"

_WIDE = 1_000_000


def compared(report: Report) -> tuple[Column, ...]:
    """Return the columns that `compare` fills."""
    before = BEFORE[report.kind]
    return (
        Column(header="件数", width=6, align="right"),
        Column(header="占比", width=6.5, align="right", optional=True),
        Column(header=before, width=6, align="right", optional=True),
        Column(header="环比", width=8, align="right", optional=True),
        Column(header="去年同期", width=9, align="right", optional=True),
        Column(header="同比", width=8, align="right", optional=True),
    )


def compare(count: Count) -> tuple[Cell, ...]:
    """Return count, share, and both comparisons."""
    return (
        cells.number(count.count, count.key),
        cells.fraction(count.share),
        cells.number(count.previous),
        cells.change(count),
        cells.number(count.last_year),
        cells.year_change(count),
    )


def starred(counts: Iterable[Count]) -> tuple[str, ...]:
    """Return the note that explains the star, where there is one."""
    return (STAR,) if any(count.notable for count in counts) else ()


def overview_table(report: Report, *, limit: int = _WIDE) -> Table:
    """Return the total with its parts by channel, type and risk."""
    overview = report.overview
    groups = (("渠道", overview.channels[:limit]), ("类型", overview.types[:limit]), ("风险", overview.risks))
    rows = [Row(cells=(cells.text("合计"), cells.text("诉求总量"), *compare(overview.total)), strong=True)]
    for group, counts in groups:
        for position, count in enumerate(counts):
            head = Cell(text="" if position else group, value=group)
            rows.append(Row(cells=(head, _named(count, group), *compare(count))))
    columns = (Column(header="分组", width=6), Column(header="项目", width=9), *compared(report))
    every = (overview.total, *(count for _, counts in groups for count in counts))
    return Table(name="受理构成", columns=columns, rows=tuple(rows), notes=starred(every)).known()


def category_table(report: Report, *, limit: int = _WIDE, children: int = 3) -> Table:
    """Return the categories of the first level, each with its largest ones of the second."""
    rows = report.categories.rows[:limit]
    columns = (Column(header="类别", width=12), *compared(report), Column(header="其中", width=24, optional=True))
    lines = tuple(
        Row(cells=(cells.text(row.total.name, 14), *compare(row.total), cells.joined(row.children, children)))
        for row in rows
    )
    return Table(name="诉求类别", columns=columns, rows=lines, notes=starred(row.total for row in rows)).known()


def category_tree(report: Report) -> Table:
    """Return all categories of both levels, one per row."""
    columns = (Column(header="一级类别", width=14), Column(header="二级类别", width=18), *compared(report))
    rows = [line for row in report.categories.rows for line in _branch(row)]
    return Table(name="诉求类别", columns=columns, rows=tuple(rows))


def _branch(row: CategoryRow) -> list[Row]:
    first = cells.text(row.total.name)
    whole = Row(cells=(first, Cell(text="小计", value="小计"), *compare(row.total)), strong=True)
    return [whole, *(Row(cells=(first, cells.text(child.name), *compare(child))) for child in row.children)]


def district_table(report: Report, *, limit: int = _WIDE, streets: int = 2) -> Table:
    """Return the places, ranked."""
    rows = report.districts.rows[:limit]
    columns = (
        Column(header="排名", width=6, align="center"),
        Column(header="区县", width=10),
        *compared(report),
        Column(header="主要街镇", width=25, optional=True),
        Column(header="突出问题", width=14, optional=True),
    )
    lines = tuple(
        Row(
            cells=(
                _rank(row.rank),
                cells.text(row.total.name, 12),
                *compare(row.total),
                cells.joined(row.streets, streets),
                cells.text(row.leading, 16),
            )
        )
        for row in rows
    )
    return Table(name="区域排名", columns=columns, rows=lines, notes=starred(row.total for row in rows)).known()


def street_table(report: Report) -> Table:
    """Return the streets of all districts, one per row."""
    columns = (Column(header="区县", width=14), Column(header="街镇", width=18), *compared(report))
    rows = tuple(
        Row(cells=(cells.text(row.total.name), cells.text(street.name), *compare(street)))
        for row in report.districts.rows
        for street in row.streets
    )
    return Table(name="街镇", columns=columns, rows=rows)


def heat_table(heat: HeatTable, *, rows: int = _WIDE, columns: int = _WIDE) -> Table:
    """Return places by category, coloured by depth; the largest categories where not all fit."""
    sums = [sum(line[index] for line in heat.counts) for index in range(len(heat.columns))]
    kept = sorted(sorted(range(len(sums)), key=lambda index: -sums[index])[:columns])
    most = max((line[index] for line in heat.counts for index in kept), default=0)
    lines = []
    for name, counts, keys in list(zip(heat.rows, heat.counts, heat.keys, strict=True))[:rows]:
        values = [cells.number(counts[i], keys[i], heat=cells.depth(counts[i], most)) for i in kept]
        lines.append(Row(cells=(cells.text(name, 8), *values)))
    heads = (Column(header=cells.text(heat.columns[i], 8).text, width=6, align="center") for i in kept)
    notes = ("注：颜色越深，件数越多。",)
    if len(kept) < len(heat.columns):
        notes = (f"注：颜色越深，件数越多；只列件数最多的{len(kept)}类，其余见工作簿。",)
    head = Column(header=heat.of or "区域", width=9)
    return Table(name=f"{heat.of or '区域'}与类别热力表", columns=(head, *heads), rows=tuple(lines), notes=notes)


def unit_table(report: Report, *, limit: int = _WIDE) -> Table:
    """Return the units, ranked by tickets."""
    units = report.units
    columns = (
        Column(header="排名", width=6, align="center"),
        Column(header="承办单位", width=18),
        *compared(report),
        Column(header="按期率", width=7, align="right", optional=True),
        Column(header="退单率", width=7, align="right", optional=True),
        Column(header="满意率", width=7, align="right", optional=True),
    )
    rows = tuple(
        Row(
            cells=(
                _rank(row.rank),
                cells.text(row.total.name, 24),
                *compare(row.total),
                *(cells.share(value) for value in (row.on_time, row.returned, row.satisfied)),
            )
        )
        for row in units.rows[:limit]
    )
    left = units.others + len(units.rows) - len(rows)
    more = (f"注：另有{left}个单位未列出。",) if left > 0 else ()
    notes = (*starred(row.total for row in units.rows[:limit]), *more)
    return Table(name="承办单位", columns=columns, rows=rows, notes=notes).known()


def assessment_table(table: AssessmentTable, *, limit: int = _WIDE) -> Table:
    """Return one ranking of the assessment (考核)."""
    rates = ("响应率", "办结率", "按期率", "退单率", "解决率", "满意率")
    columns = (
        Column(header="排名", width=6, align="center"),
        Column(header=shown(table.of, 10), width=17),
        Column(header="派单量", width=7, align="right"),
        *(Column(header=name, width=7.5, align="right", optional=True) for name in rates),
        Column(header="得分", width=7, align="right", optional=True),
        Column(header="备注", width=10, optional=True),
    )
    rows = tuple(
        Row(
            cells=(
                _rank(row.rank),
                cells.text(row.name, 20),
                cells.number(row.count),
                *(
                    cells.share(rate)
                    for rate in (row.responded, row.finished, row.on_time, row.returned, row.solved, row.satisfied)
                ),
                cells.decimal(row.score),
                cells.text(row.note, 16),
            )
        )
        for row in table.rows[:limit]
    )
    more = (f"另有{len(table.rows) - len(rows)}行见工作簿。",) if len(rows) < len(table.rows) else ()
    notes = (shown(table.formula, 300), *more)
    return Table(name=shown(table.title, 30), columns=columns, rows=rows, notes=notes).known()


def day_table(report: Report) -> Table:
    """Return the numbers per day with the days before, for a workbook's chart."""
    overview = report.overview
    before: Sequence[int | None] = [entry.count for entry in overview.previous_daily]
    before = [*before, *([None] * len(overview.daily))][: len(overview.daily)]
    columns = (
        Column(header="日期", width=12, align="center"),
        Column(header="件数", width=8, align="right"),
        Column(header="此前对应日", width=12, align="right", optional=True),
    )
    rows = tuple(
        Row(cells=(cells.day(entry.day), cells.number(entry.count), cells.number(then)))
        for entry, then in zip(overview.daily, before, strict=True)
    )
    return Table(name="每日受理量", columns=columns, rows=rows)


def _named(count: Count, group: str) -> Cell:
    name = cells.text(count.name, 14)
    return Cell(text=name.text, value=name.value, tone=count.name if group == "风险" and count.name != "无" else "")


def _rank(rank: int) -> Cell:
    return cells.number(rank or None)
