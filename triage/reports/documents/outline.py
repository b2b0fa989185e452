"""A report as an outline: numbered sections of paragraphs, charts and tables, cut to the length of its kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from triage.reports.content import Report
from triage.reports.documents import event_tables, tables
from triage.reports.documents.blocks import Block, Chart, Heading, Outline, Paragraph, Section, Table
from triage.reports.documents.charts import bar_chart, trend_chart
from triage.reports.documents.text import cut, shown
from triage.reports.period import CHINA

_NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a report is printed; all of it is in the workbook.

    Attributes:
        sentences: Of every section's text.
        rows: Of tables about counts.
        heat: Columns of the heat table.
        events: Hot events; the first ``detailed`` of them with lines below, each with so many ``quotes``.
        single: Rows of tables about single matters.
        open: Rows of the table of open red and orange tickets.
        ranked: Rows of an assessment table.
        trend: Height of the line chart in points.
    """

    sentences: int
    rows: int
    heat: int
    events: int
    detailed: int
    quotes: int
    single: int
    open: int
    ranked: int
    trend: float


LIMITS = {
    "day": Limits(sentences=2, rows=0, heat=0, events=5, detailed=0, quotes=0, single=4, open=0, ranked=0, trend=82),
    "week": Limits(sentences=6, rows=8, heat=8, events=8, detailed=3, quotes=1, single=5, open=4, ranked=0, trend=120),
    "month": Limits(
        sentences=12, rows=12, heat=9, events=10, detailed=5, quotes=2, single=10, open=10, ranked=20, trend=150
    ),
    "quarter": Limits(
        sentences=12, rows=15, heat=9, events=15, detailed=6, quotes=2, single=15, open=15, ranked=40, trend=150
    ),
}
"""A day report is one page, a week report three to five."""


def outline(report: Report) -> Outline:
    """Return a report in the order and length in which it is printed."""
    limits = LIMITS[report.kind]
    drafts = _day(report, limits) if report.kind == "day" else _full(report, limits)
    return Outline(
        kind=report.kind,
        title=shown(report.title, 24 if report.kind == "day" else 40),
        issue=shown(report.issue, 30),
        office=shown(report.office, 40),
        area=shown(report.area, 30) or "全市",
        date=chinese_date(report.made_at),
        period=shown(report.period.name, 60),
        summary=_summary(report),
        sections=tuple(_numbered(index, draft) for index, draft in enumerate(drafts)),
    )


def _summary(report: Report) -> tuple[str, ...]:
    if report.kind == "day":  # four lines, so that the page holds the rest
        return tuple(filter(None, [shown("".join(report.summary), 150)]))
    return tuple(shown(sentence, 300) for sentence in report.summary[:4])


def chinese_date(moment: datetime) -> str:
    """Return 2019年9月9日, as of China."""
    local = moment.astimezone(CHINA)
    return f"{local.year}年{local.month}月{local.day}日"


def numeral(index: int) -> str:
    """Return 一 for 0, 十一 for 10, up to 九十九."""
    tens, ones = divmod(index + 1, 10)
    head = "" if not tens else "十" if tens == 1 else _NUMERALS[tens - 1] + "十"
    return head + (_NUMERALS[ones - 1] if ones else "")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A section before it has its number: what goes first, then parts with titles of their own."""

    name: str
    title: str
    blocks: Sequence[Block]
    parts: Sequence[tuple[str, Sequence[Block]]] = ()


def _numbered(index: int, draft: _Draft) -> Section:
    blocks: list[Block] = [Heading(level=1, text=f"{numeral(index)}、{draft.title}"), *draft.blocks]
    parts = [(title, part) for title, part in draft.parts if part]
    titles = {draft.title, *(title for title, _ in parts)}
    blocks = [_untitled(block, titles) for block in blocks]
    parts = [(title, [_untitled(block, titles) for block in part]) for title, part in parts]
    for position, (title, part) in enumerate(parts):
        if len(parts) > 1:
            blocks.append(Heading(level=2, text=f"（{numeral(position)}）{title}"))
        blocks += part
    return Section(name=draft.name, blocks=tuple(blocks))


def _untitled(block: Block, titles: Collection[str]) -> Block:
    """Return a table without a name that the heading above it says already: 热点事件 under 五、热点事件."""
    told = isinstance(block, Table) and any(block.name in title or title in block.name for title in titles if title)
    return replace(block, name="") if told and isinstance(block, Table) else block


def _full(report: Report, limits: Limits) -> list[_Draft]:
    drafts = [
        _overview(report, limits),
        _categories(report, limits),
        _districts(report, limits),
        _Draft(
            "units",
            "承办单位情况",
            [*_said(report.units.text, limits), *_table(tables.unit_table(report, limit=limits.rows))],
        ),
        _events(report, limits),
        _topics(report, limits),
        _Draft(
            "frequent",
            "高频诉求",
            [
                *_said(report.high_frequency.text, limits),
                *_table(event_tables.frequent_table(report.high_frequency.rows[: limits.single])),
            ],
        ),
        _risk(report, limits),
    ]
    if report.overdue is not None:
        rows = report.overdue.rows[: limits.single]
        drafts.append(
            _Draft(
                "overdue", "督办事项", [*_said(report.overdue.text, limits), *_table(event_tables.overdue_table(rows))]
            )
        )
    if report.assessment is not None:
        drafts.append(_assessment(report, limits))
    return [draft for draft in [*drafts, _notes(report)] if draft.blocks or any(part for _, part in draft.parts)]


def _overview(report: Report, limits: Limits) -> _Draft:
    counts: list[Block] = [*_said(report.overview.text, limits), *_trend(report, limits)]
    parts = _table(tables.overview_table(report, limit=limits.rows)) if report.overview.total.count else []
    return _Draft("overview", "总体情况", counts, [("", parts)])


def _trend(report: Report, limits: Limits) -> list[Block]:
    overview = report.overview
    if not any(entry.count for entry in (*overview.daily, *overview.previous_daily)):
        return []
    now, before = tables.NOW[report.kind], tables.BEFORE[report.kind]
    names = ("近14日", "此前14日") if report.kind == "day" else (now, before)
    drawing = trend_chart(overview.daily, overview.previous_daily, names=names, height=limits.trend)
    caption = "近14日诉求受理量（件）" if report.kind == "day" else f"{now}每日诉求受理量（件）"
    return [Chart(drawing=drawing, caption=caption)]


def _categories(report: Report, limits: Limits) -> _Draft:
    rows = report.categories.rows[: limits.rows]
    chart: list[Block] = []
    if rows:
        names = (tables.NOW[report.kind], tables.BEFORE[report.kind])
        drawing = bar_chart([row.total for row in rows], names=names)
        chart.append(Chart(drawing=drawing, caption=f"{names[0]}各类诉求件数"))
    table = _table(tables.category_table(report, limit=limits.rows))
    return _Draft("categories", "诉求类别分析", [*_said(report.categories.text, limits), *chart, *table])


def _districts(report: Report, limits: Limits) -> _Draft:
    heat = report.districts.heat
    maps = _table(tables.heat_table(heat, rows=limits.rows, columns=limits.heat)) if heat.columns else []
    ranked = _table(tables.district_table(report, limit=limits.rows))
    return _Draft("districts", "区域分布", [*_said(report.districts.text, limits), *ranked, *maps])


def _events(report: Report, limits: Limits) -> _Draft:
    rows = report.events.rows[: limits.events]
    table = event_tables.event_table(rows, quotes=limits.quotes, detailed=limits.detailed)
    return _Draft("events", "热点事件", [*_said(report.events.text, limits), *_table(table)])


def _topics(report: Report, limits: Limits) -> _Draft:
    topics = report.topics
    themes = _table(event_tables.theme_table("主要话题", topics.themes[: limits.single]))
    emerging = _table(event_tables.theme_table("新出现的苗头", topics.emerging[: limits.single]))
    if emerging and topics.method:
        emerging.append(_small(f"注：{shown(topics.method, 300)}"))
    return _Draft(
        "topics", "话题与苗头", _said(topics.text, limits), [("主要话题", themes), ("新出现的苗头", emerging)]
    )


def _risk(report: Report, limits: Limits) -> _Draft:
    risk = report.risk
    new = _listed(event_tables.risk_table("新增红橙诉求", risk.new[: limits.single]), risk.new_total)
    rises = _listed(event_tables.escalation_table(risk.escalations[: limits.single]), risk.escalations_total)
    open_ones = _listed(event_tables.risk_table("未办结红橙诉求", risk.open[: limits.open]), risk.open_total)
    parts = [("新增红橙诉求", new), ("风险升级", rises), ("未办结红橙诉求", open_ones)]
    return _Draft("risk", "风险预警", _said(risk.text, limits), parts)


def _assessment(report: Report, limits: Limits) -> _Draft:
    found = report.assessment
    parts = [
        (shown(table.title, 30), _table(tables.assessment_table(table, limit=limits.ranked)))
        for table in (found.tables if found else ())
    ]
    return _Draft("assessment", "考核情况", _said(found.text, limits) if found else [], parts)


def _notes(report: Report) -> _Draft:
    quality = [shown(note.text, 200) for note in report.quality]
    lines = [*quality, *(shown(sentence, 300) for sentence in report.basis)]
    numbered = [_small(f"{index}. {line}") for index, line in enumerate(lines, 1) if line]
    return _Draft("notes", "数据说明", numbered)


def _day(report: Report, limits: Limits) -> list[_Draft]:
    """Return the sections of a day report; each line of its tables fits on one line, so that a page holds it."""
    events = event_tables.event_table(report.events.rows[: limits.events], quotes=0, detailed=0, short=True)
    new = event_tables.risk_table("新增红橙诉求", report.risk.new[: limits.single], form="short")
    overdue = report.overdue.text[:1] if report.overdue else ()
    hot = [*_said((*report.events.text[:1], *report.topics.text[:1]), limits, most=110, whole=112), *_table(events)]
    warned = [*_said((*report.risk.text[:1], *overdue), limits, most=110, whole=112), *_table(replace(new, name=""))]
    quality = "".join(shown(note.text, 60) for note in report.quality[:2])
    drafts = [
        _Draft(
            "overview", "受理情况", [*_said(report.overview.text, limits, most=110, whole=112), *_trend(report, limits)]
        ),
        _Draft("events", "热点事件", hot),
        _Draft("risk", "风险与督办", warned),
        _Draft("notes", "数据说明", [_small(shown(quality, 100))] if quality else []),
    ]
    return [draft for draft in drafts if draft.blocks]


def _said(sentences: Sequence[str], limits: Limits, *, most: int = 400, whole: int = 4_000) -> list[Block]:
    """Return a section's sentences as one paragraph, each and all of them cut to so many characters."""
    line = cut("".join(shown(sentence, most) for sentence in sentences[: limits.sentences]), whole)
    return [Paragraph(text=line)] if line else []


def _small(text: str) -> Paragraph:
    return Paragraph(text=text, style="small")


def _table(table: Table) -> list[Block]:
    return [table] if table.rows else []


def _listed(table: Table, total: int) -> list[Block]:
    if not table.rows:
        return []
    more = total - len(table.rows)
    return [table, _small(f"注：共{total}条，另有{more}条见工作簿。")] if more > 0 else [table]
