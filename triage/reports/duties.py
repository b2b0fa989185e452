"""The sections of what must be seen to: risk, what is overdue, assessment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from triage.reports.comparing import ranks
from triage.reports.content import Assessment, AssessmentRow, AssessmentTable, Count, Overdue, Risk, Share
from triage.reports.making import Making, note_work, share_of
from triage.reports.material import Handling, Work
from triage.reports.period import Kind
from triage.reports.wording import THIS, called

RISK, OVERDUE, ASSESSMENT = "风险预警", "督办事项", "考核情况"

LEAST = 5
"""A unit or district with fewer tickets is shown and not ranked: one more or less would move it by half the table."""

WEIGHTS: Mapping[str, tuple[str, float]] = {
    "on_time": ("按期办结率", 30.0),
    "finished": ("办结率", 20.0),
    "satisfied": ("满意率", 15.0),
    "solved": ("解决率", 15.0),
    "responded": ("响应率", 10.0),
    "returned": ("退单率", 10.0),
}
"""Rate → its name and weight. This project's own default: laws name the rates and leave the weights to the place."""


def risk(making: Making) -> Risk:
    """Return the warnings."""
    material, handling = making.material, making.material.handling
    levels = material.table("risk")
    new_total = sum(counts.now for group, counts in levels.items() if group[0] in ("3", "4"))
    ids = [one.ticket.id for one in material.tickets if one.ticket.risk_level >= 3]
    making.trace.note_ids("risk.new", section=RISK, label="新增红色、橙色", value=new_total, ids=ids)
    return Risk(
        text=_risk(making, handling, new_total),
        new=tuple(material.risk_new),
        new_total=new_total,
        escalations=tuple(handling.escalations) if handling else (),
        escalations_total=handling.escalations_total if handling else 0,
        open=tuple(handling.open) if handling else (),
        open_total=handling.open_total if handling else 0,
        unacknowledged=handling.unacknowledged if handling else None,
    )


def _risk(making: Making, handling: Handling | None, new_total: int) -> tuple[str, ...]:
    kind, levels = making.request.period.kind, making.material.table("risk")
    red, orange = (levels[level,].now if (level,) in levels else 0 for level in ("4", "3"))
    said = [
        f"{THIS[kind]}新增红色、橙色风险诉求{new_total}件，其中红色{red}件、橙色{orange}件。"
        if new_total
        else f"{THIS[kind]}未新增红色、橙色风险诉求。"
    ]
    if handling is not None:
        said.append(
            f"事件风险升级{handling.escalations_total}次；尚未办结的红色、橙色诉求{handling.open_total}件，"
            f"未签收预警{handling.unacknowledged}条。"
        )
    return tuple(said)


def overdue(making: Making) -> Overdue | None:
    """Return what is overdue; None from a file."""
    handling = making.material.handling
    if handling is None:
        return None
    total = sum(handling.overdue_units.values())
    by_unit: defaultdict[str, list[str]] = defaultdict(list)
    for unit, appeal in handling.overdue_items:
        by_unit[unit].append(appeal)
    every = [appeal for appeals in by_unit.values() for appeal in appeals]
    making.trace.note_ids("overdue", section=OVERDUE, label="超期诉求", value=total, ids=every)
    counts = []
    for unit, number in sorted(handling.overdue_units.items(), key=lambda item: (-item[1], item[0])):
        key, name = f"overdue:{unit}", called("unit", unit)
        making.trace.note_ids(key, section=OVERDUE, label=f"{name}超期", value=number, ids=by_unit[unit])
        counts.append(Count(name=name, count=number, share=number / total, key=key))
    return Overdue(
        text=_overdue(handling, counts, total), rows=tuple(handling.overdue), total=total, by_unit=tuple(counts)
    )


def _overdue(handling: Handling, counts: Sequence[Count], total: int) -> tuple[str, ...]:
    if not total:
        return ("截至统计时点，无超期未办诉求。",)
    said = (
        f"截至统计时点，超期诉求{total}件，涉及{len(counts)}个单位，最多的为{counts[0].name}（{counts[0].count}件）。"
    )
    return (said, f"以下按超期时间列出{len(handling.overdue)}件，请有关单位限期办结。")


def assessment(making: Making) -> Assessment | None:
    """Return the assessment tables of a month or quarter; None otherwise, and from a file."""
    handling = making.material.handling
    if handling is None or making.request.period.kind not in (Kind.MONTH, Kind.QUARTER):
        return None
    tables = [_table(making, handling.units, title="承办单位考核", of="承办单位", key="unit")]
    if not making.request.area:
        tables.append(_table(making, handling.districts, title="区县考核", of="区县", key="district"))
    ranked = sum(row.rank > 0 for row in tables[0].rows)
    said = f"本期参加排名的承办单位{ranked}个；派单不足{LEAST}件的只列数据，不参加排名。"
    return Assessment(text=(said,), tables=tuple(tables))


def _table(making: Making, works: Sequence[Work], *, title: str, of: str, key: str) -> AssessmentTable:
    named = [work for work in works if work.name and (work.dispatched or work.due or work.received)]
    rows = [_row(work, of=key) for work in named]
    note_work(making, {row.name for row in rows}, section=ASSESSMENT, of=key)
    scored = sorted((row for row in rows if row.score is not None), key=lambda row: (-(row.score or 0.0), row.name))
    rest = sorted((row for row in rows if row.score is None), key=lambda row: (-row.count, row.name))
    places = ranks(row.score or 0.0 for row in scored)
    ordered = [_placed(row, rank) for row, rank in zip(scored, places, strict=True)]
    return AssessmentTable(title=title, of=of, rows=(*ordered, *rest), formula=FORMULA)


FORMULA = (
    "得分＝各项得分的加权平均×100，权重为"
    + "、".join(f"{name}{weight:.0f}" for name, weight in WEIGHTS.values())
    + "；退单率按（1－退单率）计分；没有数据的项不计，其权重由其余各项按比例分担；得分相同的名次相同。"
)


def _row(work: Work, *, of: str) -> AssessmentRow:
    shares = {rate: share_of(work, rate, of=of) for rate in WEIGHTS}
    count = max(work.dispatched, work.received)
    score = _score(shares) if count >= LEAST else None
    return AssessmentRow(
        rank=0,
        name=work.name,
        count=count,
        responded=shares["responded"],
        finished=shares["finished"],
        on_time=shares["on_time"],
        returned=shares["returned"],
        solved=shares["solved"],
        satisfied=shares["satisfied"],
        score=score,
        note="" if score is not None else f"不足{LEAST}件，不参加排名" if count < LEAST else "无可计分项",
    )


def _score(shares: Mapping[str, Share]) -> float | None:
    """Return the weighted mean of the rates that are known, 0 to 100 with one decimal."""
    points = weight = 0.0
    for rate, share in shares.items():
        if share.rate is not None:
            points += WEIGHTS[rate][1] * (1.0 - share.rate if rate == "returned" else share.rate)
            weight += WEIGHTS[rate][1]
    return round(100.0 * points / weight, 1) if weight else None


def _placed(row: AssessmentRow, rank: int) -> AssessmentRow:
    return replace(row, rank=rank)
