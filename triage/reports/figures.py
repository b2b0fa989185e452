"""The sections that count: overview, categories, districts and streets, units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from triage.reports.comparing import Entry, ranked, ranks, within
from triage.reports.content import (
    Categories,
    CategoryRow,
    Count,
    DayCount,
    DistrictRow,
    Districts,
    HeatTable,
    Overview,
    Share,
    UnitRow,
    Units,
)
from triage.reports.making import Making, key_of, note_work, share_of
from triage.reports.material import NONE, Counts, Key, Work
from triage.reports.period import Kind
from triage.reports.wording import THIS, called, change_words, counted, day_words, listed, percent, share_words
from triage.rules.color import COLORS

OVERVIEW, CATEGORIES, DISTRICTS, UNITS = "总体情况", "诉求类别", "区域分布", "承办单位"

_CHART_DAYS = 14
"""A day's report shows the fortnight that it ends."""
_L1 = 12
_L2 = 6
_PLACES = 40
_STREETS = 10
_HEAT_ROWS, _HEAT_COLUMNS = 15, 8
_UNITS = 30


def overview(making: Making) -> Overview:
    """Return the overview."""
    total = making.one("total", (), section=OVERVIEW, label="诉求总量")
    channels = making.table("channel", section=OVERVIEW)
    types = making.table("type", section=OVERVIEW)
    risks = tuple(
        making.one("risk", (str(level),), section=OVERVIEW, label=COLORS[level], of=making.total)
        for level in (4, 3, 2, 1, 0)
    )
    daily, previous = _days(making)
    automatic, closed = _marked(making, "automatic", "可自动派单"), _marked(making, "closed", "已办结")
    found = Overview(
        text=(),
        total=total,
        daily=daily,
        previous_daily=previous,
        channels=channels,
        types=types,
        risks=risks,
        appellants=making.material.appellants,
        automatic=automatic if automatic.whole else None,
        closed=closed if closed.whole else None,
    )
    return replace(found, text=_overview(found, making))


def _marked(making: Making, table: str, label: str) -> Share:
    rows = {group[0]: counts.now for group, counts in making.material.table(table).items() if group[0]}
    key, whole = key_of(table, ("1",)), sum(rows.values())
    yes = making.one(table, ("1",), section=OVERVIEW, label=label)
    no = making.one(table, ("0",), section=OVERVIEW, label=f"非{label}")
    making.trace.note_ids(
        f"{key}.whole",
        section=OVERVIEW,
        label=f"{label}的基数",
        value=whole,
        ids=[one.ticket.id for one in making.material.tickets if getattr(one, table) is not None],
    )
    return Share(part=yes.count, whole=yes.count + no.count, key=key)


def _days(making: Making) -> tuple[tuple[DayCount, ...], tuple[DayCount, ...]]:
    period = making.request.period
    days = _CHART_DAYS if period.kind == Kind.DAY else period.days
    first = period.end - timedelta(days=days - 1)
    for day in period.all_days():
        making.one("day", (day.isoformat(),), section=OVERVIEW, label=day_words(day))
    start = making.material.first_day
    before = period.before().start if period.kind != Kind.DAY else first - timedelta(days=days)
    known = start is not None and start <= before
    return _series(making, first, days), _series(making, before, (first - before).days) if known else ()


def _series(making: Making, first: date, days: int) -> tuple[DayCount, ...]:
    wanted = (first + timedelta(days=index) for index in range(days))
    return tuple(DayCount(day=day, count=making.material.daily.get(day, 0)) for day in wanted)


def _overview(found: Overview, making: Making) -> tuple[str, ...]:
    kind, total = making.request.period.kind, found.total
    if not total.count:
        return (f"{THIS[kind]}未收到诉求。",)
    change = change_words(total, kind)
    said = [f"{THIS[kind]}共收到诉求{total.count}件{f'，{change}' if change else ''}。"]
    if kind != Kind.DAY:
        busiest = max(found.daily, key=lambda one: (one.count, one.day))
        said[0] += f"单日最多为{day_words(busiest.day)}，{busiest.count}件。"
    said.append(f"从渠道看，{counted(found.channels)}；从类型看，{counted(found.types)}。")
    red, orange, yellow = (found.risks[index].count for index in (0, 1, 2))
    risky = f"风险研判为红色{red}件、橙色{orange}件、黄色{yellow}件。"
    if found.automatic is not None:
        risky += f"可自动派单{share_words(found.automatic)}。"
    if found.closed is not None:
        risky += f"已办结{share_words(found.closed)}。"
    said.append(risky)
    return tuple(said)


def categories(making: Making) -> Categories:
    """Return the matters by category."""
    table = making.material.table("l2")
    totals = making.table("l1", section=CATEGORIES)
    groups = {entry.key: entry for entry in totals}
    rows = []
    for group in making.material.table("l1"):
        found = groups.get(key_of("l1", group))
        if found is not None:
            children = making.table("l2", section=CATEGORIES, keep=_L2, rows=within(table, *group))
            rows.append(CategoryRow(total=found, children=children))
    order = {entry.key: place for place, entry in enumerate(totals)}
    rows.sort(key=lambda row: order[row.total.key])
    if len(rows) > _L1:
        rows = [*rows[: _L1 - 1], _rest(making, [row.total for row in rows[_L1 - 1 :]])]
    return Categories(text=_categories(making, totals), rows=tuple(rows))


def _rest(making: Making, small: Sequence[Count]) -> CategoryRow:
    """Sum up the small categories; what they count stays traceable under their own keys."""
    known = [one.previous for one in small if one.previous is not None]
    years = [one.last_year for one in small if one.last_year is not None]
    total = sum(one.count for one in small)
    name = f"其他（{len(small)}类）"
    wanted = {one.key for one in small}
    ids = [one.ticket.id for one in making.material.tickets if key_of("l1", (one.ticket.l1,)) in wanted]
    making.trace.note_ids("l1.others", section=CATEGORIES, label=name, value=total, ids=ids)
    return CategoryRow(
        total=Count(
            name=name,
            count=total,
            previous=sum(known) if known else None,
            last_year=sum(years) if years else None,
            share=total / making.total if making.total else None,
            key="l1.others",
        ),
        children=(),
    )


def _categories(making: Making, totals: Sequence[Count]) -> tuple[str, ...]:
    if not totals:
        return ("无诉求可供分类。",)
    said = [f"诉求主要集中在{counted(totals)}。"]
    children = making.table("l2", section=CATEGORIES)
    rising = [one for one in children if one.notable and one.previous is not None and one.count > one.previous]
    falling = [one for one in children if one.notable and one.previous is not None and one.count < one.previous]
    kind = making.request.period.kind
    for rows, word in ((rising, "明显增多"), (falling, "明显减少")):
        if rows:
            said.append("；".join(f"{one.name}{word}（{change_words(one, kind)}）" for one in rows[:3]) + "。")
    return tuple(said)


def districts(making: Making) -> Districts:
    """Return the matters by place."""
    known = [one for one in making.table("district", section=DISTRICTS) if one.name != called("district", "")]
    lost = [one for one in making.table("district", section=DISTRICTS) if one.name == called("district", "")]
    places = ranks(one.count for one in known)
    rows = [_district(making, one, rank) for one, rank in zip(known, places, strict=True)][:_PLACES]
    rows += [_district(making, one, 0) for one in lost]
    said = _districts(known, lost, making)
    return Districts(text=said, rows=tuple(rows), heat=_heat(making))


def _district(making: Making, total: Count, rank: int) -> DistrictRow:
    district = total.key.removeprefix("district:")
    streets = within(making.material.table("street"), district)
    named = {key: counts for key, counts in streets.items() if key[1]}
    inside = within(making.material.table("district_l2"), district)
    leading = ranked(inside, lambda key: key[1], lambda key: key_of("district_l2", key), keep=1)
    return DistrictRow(
        rank=rank,
        total=total,
        streets=making.table("street", section=DISTRICTS, keep=_STREETS, of=total.count, rows=named),
        leading=leading[0].name if leading else "",
    )


def _districts(known: Sequence[Count], lost: Sequence[Count], making: Making) -> tuple[str, ...]:
    if not making.total:
        return ("无诉求可供分区统计。",)
    if not known:
        return ("诉求均未能确定所属区划。",)
    if making.request.area:
        streets = [one for one in making.table("street", section=DISTRICTS) if one.key[-1] != "/"]
        return (f"诉求量居前的街镇为{counted(streets)}。",) if streets else ("诉求均未能确定所属街镇。",)
    said = f"诉求量居前的区划为{counted(known)}"
    said += f"；另有{lost[0].count}件未能确定区划。" if lost else "。"
    rising = [one.name for one in known if one.notable and (one.change or 0) > 0]
    return (said, f"{listed(rising)}较上期明显增多。") if rising else (said,)


def _heat(making: Making) -> HeatTable:
    """Return places by category; in a report on one district the places are its streets."""
    area = making.request.area
    table = "street_l1" if area else "district_l1"
    rows = within(making.material.table("street"), area) if area else making.material.table("district")
    known = {key: counts for key, counts in rows.items() if key[-1]}
    places = [(area, entry.name) if area else (entry.name,) for entry in _largest(known, _HEAT_ROWS)]
    columns = [entry.name for entry in _largest(making.material.table("l1"), _HEAT_COLUMNS)]
    cells = making.material.table(table)
    keys, counts = [], []
    for place in places:
        groups = [(*place, column) for column in columns]
        keys.append(tuple(key_of(table, group) for group in groups))
        counts.append(tuple(cells.get(group, NONE).now for group in groups))
        for group in groups:
            label = f"{group[-2]}·{called('l1', group[-1])}"
            making.one(table, group, section=DISTRICTS, label=label)
    return HeatTable(
        of="街镇" if area else "区县",
        rows=tuple(place[-1] for place in places),
        columns=tuple(called("l1", column) for column in columns),
        counts=tuple(counts),
        keys=tuple(keys),
    )


def _largest(rows: Mapping[Key, Counts], keep: int) -> list[Entry]:
    return ranked(rows, lambda key: key[-1], lambda key: key[-1], keep=keep)


def units(making: Making) -> Units:
    """Return the matters by unit."""
    totals = [one for one in making.table("unit", section=UNITS) if one.key != key_of("unit", ("",))]
    handling = making.material.handling
    works = {work.name: work for work in handling.units} if handling else {}
    places = ranks(one.count for one in totals)
    rows = tuple(_unit(one, rank, works) for one, rank in zip(totals, places, strict=True))[:_UNITS]
    note_work(making, {row.total.name for row in rows}, section=UNITS, of="unit")
    return Units(text=_units(making, totals, works), rows=rows, others=max(0, len(totals) - len(rows)))


def _unit(total: Count, rank: int, works: dict[str, Work]) -> UnitRow:
    work = works.get(total.name)
    if work is None:
        empty = Share(part=0, whole=0) if works else None
        return UnitRow(rank=rank, total=total, on_time=empty, returned=empty, satisfied=None)
    return UnitRow(
        rank=rank,
        total=total,
        on_time=share_of(work, "on_time", of="unit"),
        returned=share_of(work, "returned", of="unit"),
        satisfied=share_of(work, "satisfied", of="unit") if work.satisfied_of else None,
    )


def _units(making: Making, totals: Sequence[Count], works: dict[str, Work]) -> tuple[str, ...]:
    if not totals:
        return ("诉求尚未确定承办单位。",) if making.total else ("无诉求可供派单。",)
    said = [f"承办量居前的单位为{counted(totals)}。"]
    due, on_time = (sum(getattr(work, name) for work in works.values()) for name in ("due", "on_time"))
    if due:
        said.append(f"本期到期应办结{due}件，按期办结{on_time}件，按期办结率{percent(on_time / due)}。")
    sent, returned = (sum(getattr(work, name) for work in works.values()) for name in ("dispatched", "returned"))
    if sent:
        said.append(f"派单{sent}件，退单{returned}件，退单率{percent(returned / sent)}。")
    return tuple(said)
