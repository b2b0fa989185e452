"""The tables of a report about single matters: events, themes, warnings, overdue terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from triage.reports.content import EscalationRow, EventRow, FrequentRow, Heat, OverdueRow, Report, RiskRow, ThemeRow
from triage.reports.documents import cells
from triage.reports.documents.blocks import Cell, Column, Row, Table
from triage.reports.documents.text import shown

_WIDE = 1_000_000


def event_table(rows: Sequence[EventRow], *, quotes: int, detailed: int, short: bool = False) -> Table:
    """Return hot events.

    Args:
        rows: Hottest first.
        quotes: Citizens' words shown below each of the detailed ones.
        detailed: So many events have lines below them: heat, keywords, quotes.
        short: Without the small line and the state, for a page that has little room.
    """
    columns = (
        Column(header="序", width=4, align="center"),
        Column(header="事件", width=22),
        Column(header="区域", width=9, optional=True),
        Column(header="承办单位", width=19, optional=True),
        Column(header="件数", width=6, align="right"),
        Column(header="累计", width=6, align="right"),
        Column(header="增长", width=9.5, align="right", optional=True),
        Column(header="风险", width=6, align="center"),
        Column(header="热度", width=6.5, align="right"),
        *(() if short else (Column(header="走势", width=12, align="center"),)),
        *(() if short else (Column(header="状态", width=9, align="center", optional=True),)),
    )
    lines = tuple(
        _event(row, quotes=quotes if index < detailed else 0, lines=index < detailed, short=short)
        for index, row in enumerate(rows)
    )
    notes = ("注：件数为本期件数，累计为该事件全部件数；▲为高频诉求（连续3日内不少于3件）。",)
    return Table(name="热点事件", columns=columns, rows=lines, notes=() if short else notes).known()


def _event(row: EventRow, *, quotes: int, lines: bool, short: bool) -> Row:
    mark = "▲" if row.high_frequency else ""
    title = cells.text(row.title, 13 if short else 24)
    state = () if short else (cells.spark(row.daily), cells.text(row.state, 6))
    return Row(
        cells=(
            cells.number(row.rank),
            Cell(text=mark + title.text, value=row.title),
            cells.text(row.district, 4 if short else 8),
            cells.text(row.unit, 10 if short else 20),
            cells.number(row.count.count, row.count.key),
            cells.number(row.size),
            cells.growth(row.growth),
            cells.level(row.risk_level),
            cells.decimal(row.heat.value),
            *state,
        ),
        details=_details(row, quotes) if lines else (),
    )


def _details(row: EventRow, quotes: int) -> tuple[str, ...]:
    facts = [f"首件{cells.moment(row.first_at).text}，末件{cells.moment(row.last_at).text}"]
    if row.appellants is not None:
        facts.append(f"诉求人{row.appellants}名")
    if row.keywords:
        facts.append("关键词：" + "、".join(shown(word, 10) for word in row.keywords[:6]))
    said = [f"“{shown(quote.text, 90)}”（{shown(quote.number, 24)}）" for quote in row.quotes[:quotes] if quote.text]
    return ("；".join([*facts, heat_parts(row.heat)]) + "。", *said)


def heat_parts(heat: Heat) -> str:
    """Return how a heat index is made up: 热度52.0＝件数20.0＋增长32.0."""
    parts = "＋".join(f"{shown(part.name, 12)}{part.points:.1f}" for part in heat.parts)
    return f"热度{heat.value:.1f}＝{parts}" if parts else f"热度{heat.value:.1f}"


def event_list(rows: Sequence[EventRow]) -> Table:
    """Return events with all that is known about them, one per row, for a workbook."""
    names = list(dict.fromkeys(part.name for row in rows for part in row.heat.parts))
    heads = "序 事件编号 事件 关键词 区域 承办单位 状态 本期件数 累计件数 诉求人数 增长 风险 高频起始日 首件时间 末件时间 热度"
    widths = {"事件": 26, "关键词": 30, "承办单位": 20, "事件编号": 20, "首件时间": 17, "末件时间": 17}
    columns = (
        *(Column(header=head, width=widths.get(head, 11)) for head in heads.split()),
        *(Column(header=f"热度：{shown(name, 12)}", width=12) for name in names),
        Column(header="每日件数", width=24),
        Column(header="代表性诉求", width=60),
    )
    return Table(name="热点事件", columns=columns, rows=tuple(_listed(row, names) for row in rows))


def _listed(row: EventRow, names: Sequence[str]) -> Row:
    points = {part.name: part.points for part in row.heat.parts}
    said = "\n".join(f"{quote.text}（{quote.number}）" for quote in row.quotes if quote.text)
    return Row(
        cells=(
            cells.number(row.rank),
            cells.text(row.id),
            cells.text(row.title),
            cells.text("、".join(row.keywords)),
            cells.text(row.district),
            cells.text(row.unit),
            cells.text(row.state),
            cells.number(row.count.count, row.count.key),
            cells.number(row.size),
            cells.number(row.appellants),
            cells.growth(row.growth),
            cells.level(row.risk_level),
            cells.day(row.high_frequency),
            cells.moment(row.first_at),
            cells.moment(row.last_at),
            cells.decimal(row.heat.value),
            *(cells.decimal(points.get(name)) for name in names),
            cells.spark(row.daily),
            cells.text(said),
        )
    )


def theme_table(name: str, rows: Sequence[ThemeRow]) -> Table:
    """Return themes with the place where they are concentrated; of emerging ones also how sure that is."""
    columns = (
        Column(header="序", width=4, align="center"),
        Column(header="主题", width=24),
        Column(header="集中于", width=15),
        Column(header="件数", width=6, align="right"),
        Column(header="预期", width=6, align="right", optional=True),
        Column(header="环比", width=9, align="right", optional=True),
        Column(header="同比", width=9, align="right", optional=True),
        Column(header="误报率", width=8, align="right", optional=True),
        Column(header="起始", width=11, align="center", optional=True),
        Column(header="热度", width=6, align="right", optional=True),
        Column(header="说明", width=18, optional=True),
    )
    lines = tuple(
        Row(
            cells=(
                cells.number(row.rank),
                cells.text(row.name, 20),
                cells.text(row.place or "全市", 14),
                cells.number(row.count.count, row.count.key),
                cells.decimal(row.expected),
                cells.change(row.count),
                cells.year_change(row.count),
                _significance(row.significance),
                cells.day(row.since),
                cells.decimal(row.heat.value if row.heat else None),
                cells.text(row.note, 30),
            )
        )
        for row in rows
    )
    return Table(name=name, columns=columns, rows=lines).known()


def frequent_table(rows: Sequence[FrequentRow]) -> Table:
    """Return high-frequency events."""
    columns = (
        Column(header="事件", width=24),
        Column(header="区域", width=10, optional=True),
        Column(header="承办单位", width=18, optional=True),
        Column(header="达标日", width=9, align="center"),
        Column(header="本期新增", width=8, align="center"),
        Column(header="件数", width=6, align="right"),
        Column(header="累计", width=6, align="right"),
    )
    lines = tuple(
        Row(
            cells=(
                cells.text(row.title, 24),
                cells.text(row.district, 10),
                cells.text(row.unit, 18),
                cells.day(row.began),
                cells.text("是" if row.new else "否"),
                cells.number(row.count.count, row.count.key),
                cells.number(row.size),
            )
        )
        for row in rows
    )
    return Table(name="高频诉求", columns=columns, rows=lines).known()


def risk_table(name: str, rows: Sequence[RiskRow], *, form: Literal["all", "page", "short"] = "page") -> Table:
    """Return red and orange tickets.

    Args:
        name: Of the table.
        rows: Tickets.
        form: ``all`` columns for a workbook, those that fit on a ``page``, or one ``short`` line for each.
    """
    short, whole = form == "short", form == "all"
    columns = (
        Column(header="等级", width=7, align="center"),
        Column(header="工单编号", width=22),
        Column(header="受理时间", width=17, align="center"),
        Column(header="区域", width=11, optional=True),
        Column(header="承办单位", width=22, optional=True),
        *((Column(header="类别", width=14, optional=True),) if whole else ()),
        Column(header="研判依据", width=28, optional=True),
        *(() if short else (Column(header="所属事件", width=19, optional=True),)),
        Column(header="状态", width=11, align="center", optional=True),
    )
    lines = tuple(
        Row(
            cells=(
                cells.level(row.level),
                cells.text(row.number, 16 if short else 24),
                cells.moment(row.received_at),
                cells.text(row.district, 4 if short else 8),
                cells.text(row.unit, 9 if short else 20),
                *((cells.text(row.category, 16),) if whole else ()),
                cells.text(row.reason, 12 if short else 36),
                *(() if short else (cells.text(row.event, 20),)),
                cells.text(row.state, 8),
            )
        )
        for row in rows
    )
    return Table(name=name, columns=columns, rows=lines).known()


def escalation_table(rows: Sequence[EscalationRow]) -> Table:
    """Return rises of level."""
    columns = (
        Column(header="时间", width=16, align="center"),
        Column(header="事件", width=22),
        Column(header="区域", width=9, optional=True),
        Column(header="由", width=5, align="center"),
        Column(header="至", width=5, align="center"),
        Column(header="原因", width=34, optional=True),
        Column(header="工单编号", width=22, optional=True),
    )
    lines = tuple(
        Row(
            cells=(
                cells.moment(row.at),
                cells.text(row.title, 20),
                cells.text(row.district, 8),
                cells.level(row.level_from),
                cells.level(row.level_to),
                cells.text(row.reason or row.ground, 48),
                cells.text(row.number, 24),
            )
        )
        for row in rows
    )
    return Table(name="风险升级", columns=columns, rows=lines).known()


def overdue_table(rows: Sequence[OverdueRow]) -> Table:
    """Return overdue terms, longest first."""
    columns = (
        Column(header="工单编号", width=21),
        Column(header="区域", width=9, optional=True),
        Column(header="承办单位", width=20, optional=True),
        Column(header="类别", width=12, optional=True),
        Column(header="环节", width=7, align="center"),
        Column(header="应完成时间", width=13, align="center"),
        Column(header="超期天数", width=10, align="right"),
        Column(header="督办单号", width=16, optional=True),
    )
    lines = tuple(
        Row(
            cells=(
                cells.text(row.number, 24),
                cells.text(row.district, 8),
                cells.text(row.unit, 18),
                cells.text(row.category, 16),
                cells.text(row.step, 6),
                cells.moment(row.due_at),
                cells.number(row.days),
                cells.text(row.order, 20),
            )
        )
        for row in rows
    )
    return Table(name="超期督办", columns=columns, rows=lines).known()


def overdue_units(report: Report, *, limit: int = _WIDE) -> Table:
    """Return how much is overdue by unit."""
    counts = report.overdue.by_unit[:limit] if report.overdue else ()
    rows = tuple(Row(cells=(cells.text(each.name, 24), cells.number(each.count, each.key))) for each in counts)
    columns = (Column(header="承办单位", width=20), Column(header="超期件数", width=8, align="right"))
    return Table(name="超期按单位", columns=columns, rows=rows)


def _significance(value: float | None) -> Cell:
    if value is None:
        return cells.fraction(None)
    return Cell(text="<0.1%" if value < 0.001 else cells.percent(value), value=value, kind="share")
