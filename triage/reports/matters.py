"""The sections of single matters: hot events, themes and what emerges, high-frequency events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from triage import trends
from triage.reports.content import (
    Count,
    EventRow,
    Events,
    FrequentRow,
    Heat,
    HeatPart,
    HighFrequency,
    Quote,
    ThemeRow,
    Topics,
)
from triage.reports.making import Making
from triage.reports.material import EventMaterial, QuoteSource
from triage.reports.period import Kind
from triage.reports.wording import EVENT_STATES, THIS, day_words, one_line, percent

EVENTS, TOPICS, FREQUENT = "热点事件", "热点主题", "多频事件"

TOP = {Kind.DAY: 5, Kind.WEEK: 10, Kind.MONTH: 15, Kind.QUARTER: 20}
"""Events and themes listed unless the request says how many."""

QUOTE_CHARS = 120
_QUOTES = 2
_SPARK_DAYS = 14
_FREQUENT = 20
_ENDS = "。！？；!?;\n"


def top_of(making: Making) -> int:
    """Return how many events and themes are listed."""
    return making.request.top or TOP[making.request.period.kind]


def events(making: Making) -> Events:
    """Return the hot events."""
    found = [(one, _heat(making, one)) for one in making.material.events]
    found.sort(key=lambda pair: (-pair[1].value, -pair[0].count, pair[0].facts.first_at, pair[0].id))
    rows = tuple(_event(making, one, heat, rank) for rank, (one, heat) in enumerate(found[: top_of(making)], 1))
    return Events(text=_events(making, rows), rows=rows, total=making.material.events_total)


def _heat(making: Making, one: EventMaterial) -> Heat:
    return _plain(
        trends.heat(
            count=one.count,
            before=one.before,
            people=one.people,
            risk_level=one.facts.risk_level,
            places=one.places,
            total=making.total,
        )
    )


def _plain(heat: trends.Heat) -> Heat:
    parts = tuple(HeatPart(name=part.name, value=part.value, points=part.points) for part in heat.parts)
    return Heat(value=heat.value, parts=parts)


def _event(making: Making, one: EventMaterial, heat: Heat, rank: int) -> EventRow:
    facts, period = one.facts, making.request.period
    days = max(period.days, _SPARK_DAYS) if period.kind == Kind.DAY else period.days
    first = period.end - timedelta(days=days - 1)
    growth = facts.growth
    return EventRow(
        rank=rank,
        id=one.id,
        title=facts.title,
        keywords=facts.keywords,
        district=facts.district,
        unit=facts.unit,
        state=EVENT_STATES.get(one.state, ""),
        count=_count(making, one, section=EVENTS),
        size=facts.size,
        appellants=facts.appellants,
        first_at=facts.first_at,
        last_at=facts.last_at,
        growth=growth.rate_3 if period.kind == Kind.DAY else growth.rate_7,
        risk_level=facts.risk_level,
        high_frequency=facts.frequent_since,
        heat=heat,
        daily=tuple(facts.daily.get(first + timedelta(days=index), 0) for index in range(days)),
        quotes=quotes(one.quotes, facts.keywords),
    )


def _count(making: Making, one: EventMaterial, *, section: str) -> Count:
    key = f"event:{one.id}"
    ids = [traced.ticket.id for traced in making.material.tickets if traced.ticket.event == one.id]
    making.trace.note_ids(key, section=section, label=f"{one.facts.title}（本期）", value=one.count, ids=ids)
    return Count(name=one.facts.title, count=one.count, previous=one.before if making.compare.before else None, key=key)


def quotes(sources: Sequence[QuoteSource], keywords: Sequence[str]) -> tuple[Quote, ...]:
    """Choose the passages that stand for an event: those with most of its keywords, no passage twice.

    Args:
        sources: Masked texts, earliest first.
        keywords: Of the event.
    """
    passages = [(source, _passage(source.text, keywords)) for source in sources]
    ordered = sorted(passages, key=lambda pair: -sum(word in pair[1] for word in keywords))
    found: dict[str, Quote] = {}
    for source, passage in ordered:
        if passage and passage not in found:
            found[passage] = Quote(appeal=source.appeal, number=source.number, text=passage)
        if len(found) == _QUOTES:
            break
    return tuple(found.values())


def _passage(text: str, keywords: Sequence[str]) -> str:
    """Return the text from the sentence on that holds most keywords, as far as a quote may reach."""
    best, most, at = 0, -1, 0
    for sentence in _sentences(text):
        hits = sum(word in sentence for word in keywords)
        if hits > most:
            best, most = at, hits
        at += len(sentence)
    return one_line(text[best : best + 4 * QUOTE_CHARS], most=QUOTE_CHARS)


def _sentences(text: str) -> list[str]:
    found, start = [], 0
    for position, char in enumerate(text):
        if char in _ENDS:
            found.append(text[start : position + 1])
            start = position + 1
    return [*found, text[start:]]


def _events(making: Making, rows: Sequence[EventRow]) -> tuple[str, ...]:
    total, kind = making.material.events_total, making.request.period.kind
    if not rows:
        return (f"{THIS[kind]}未发现由多件诉求反映的同一事件。",)
    first = rows[0]
    place = f"（{first.district}）" if first.district else ""
    said = f"{THIS[kind]}有诉求的同一事件共{total}个，热度最高的是“{first.title}”{place}，"
    said += f"本期{first.count.count}件、累计{first.size}件。"
    linked = sum(row.count.count for row in rows)
    return (said, f"所列{len(rows)}个事件合计{linked}件，占本期诉求的{percent(linked / making.total)}。")


def topics(making: Making) -> Topics:
    """Return frequent and emerging themes."""
    themes, bursts = making.material.themes, making.material.bursts
    kind = making.request.period.kind
    hot = sorted(themes.items, key=lambda one: (-one.heat.value, -one.count, one.name)) if themes else []
    listed = tuple(_theme(making, one, rank) for rank, one in enumerate(hot[: top_of(making)], 1))
    emerging = tuple(
        _burst(making, one, rank) for rank, one in enumerate(bursts.items[: top_of(making)] if bursts else (), 1)
    )
    said = []
    if listed:
        said.append(f"{THIS[kind]}热度居前的主题为{''.join(f'“{row.name}”' for row in listed[:3])}。")
    if emerging:
        names = "、".join(f"“{row.name}”（{row.count.count}件）" for row in emerging[:3])
        said.append(f"较往期明显突增的有{names}。")
    elif bursts is not None and bursts.history_days:
        said.append("未发现明显超出往期水平的突增主题。")
    if not said:
        said.append("诉求较少或往期记录不足，未作主题分析。")
    notes = dict.fromkeys(
        f"{note.rstrip('。')}。" for note in (*(bursts.notes if bursts else ()), *(themes.notes if themes else ()))
    )
    return Topics(
        text=(*said, *notes), themes=listed, emerging=emerging, method=bursts.method if bursts is not None else ""
    )


def _theme(making: Making, one: trends.Theme, rank: int) -> ThemeRow:
    key = f"theme:{rank}"
    making.trace.note_ids(key, section=TOPICS, label=one.name, value=one.count, ids=one.ids)
    place = one.place.place if one.place else None
    week, year = one.week, one.year
    return ThemeRow(
        rank=rank,
        name=one.name,
        l1=one.l1,
        l2=one.l2,
        keywords=one.keywords,
        level=(place.level if place else trends.PlaceLevel.CITY).value,
        place=place.name if place and place.district else "",
        count=Count(
            name=one.name,
            count=one.count,
            previous=week.before if week else None,
            last_year=year.before if year else None,
            notable=week.beyond_chance if week else None,
            share=one.count / making.total if making.total else None,
            key=key,
        ),
        expected=None,
        significance=None,
        since=None,
        heat=_plain(one.heat),
        note=_season(one.season),
    )


def _burst(making: Making, one: trends.Burst, rank: int) -> ThemeRow:
    key = f"emerging:{rank}"
    making.trace.note_ids(key, section=TOPICS, label=f"{one.name}（突增）", value=len(one.ids), ids=one.ids)
    said = [f"自{day_words(one.since)}起" if one.since else "", _season(one.season)]
    return ThemeRow(
        rank=rank,
        name=one.name,
        l1=one.l1,
        l2=one.l2,
        keywords=one.keywords,
        level=one.place.level.value,
        place=one.place.name if one.place.district else "",
        count=Count(name=one.name, count=len(one.ids), key=key),
        expected=round(one.expected, 1),
        significance=one.q,
        since=one.since,
        heat=_plain(one.heat),
        note="；".join(filter(None, said)),
    )


def _season(season: trends.Season | None) -> str:
    return "去年同期亦偏多，有季节性" if season is not None and season.seasonal else ""


def high_frequency(making: Making) -> HighFrequency:
    """Return the high-frequency events."""
    period = making.request.period
    found = [(one.facts.frequent_since, one) for one in making.material.frequent]
    marked = [(began, one) for began, one in found if began is not None]
    marked.sort(key=lambda pair: (pair[0], pair[1].count, pair[1].id), reverse=True)
    rows = tuple(
        FrequentRow(
            id=one.id,
            title=one.facts.title,
            district=one.facts.district,
            unit=one.facts.unit,
            began=began,
            new=period.contains(began),
            count=_count(making, one, section=FREQUENT),
            size=one.facts.size,
        )
        for began, one in marked[:_FREQUENT]
    )
    fresh = sum(period.contains(began) for began, _ in marked)
    said = (
        f"{THIS[period.kind]}有新诉求的多频事件{len(marked)}个，其中新增{fresh}个。" if marked else "未出现多频事件。"
    )
    rule = "多频事件指连续3个自然日内收到3件及以上不同诉求的同一事件。"
    return HighFrequency(text=(said, rule), rows=rows, total=len(marked))
