"""An invented report of any size and kind, for tests and pictures; the same arguments give the same report."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from triage.events.facts import EventMember, event_facts
from triage.reports.build import build
from triage.reports.content import EscalationRow, OverdueRow, Report, RiskRow, Ticket
from triage.reports.gathering import BEFORE, NOW, YEAR, slots, tables_of
from triage.reports.material import (
    EventMaterial,
    Handling,
    Material,
    QuoteSource,
    Request,
    Traced,
    Work,
)
from triage.reports.period import CHINA, Kind, of
from triage.rules.color import color

DAY = date(2026, 9, 9)
DISTRICTS = ("临澜区", "北屏区", "南汀区", "高新区", "云岫县")
STREETS = ("桃溪街道", "望江街道", "柳河街道", "青石街道")
UNITS = ("城市管理局", "住房和城乡建设局", "公安局", "人力资源和社会保障局", "市场监督管理局")
MATTERS = (
    ("城乡建设", "城市建设和市政管理"),
    ("城乡建设", "住房保障与房地产"),
    ("劳动和社会保障", "工资福利"),
    ("环境保护", "噪声污染"),
    ("教育文体", "义务教育"),
)
CHANNELS = ("热线", "网站", "微信", "网格")
TYPES = ("投诉", "求助", "咨询", "建议")
TEXT = "市民反映{place}附近夜间施工噪声很大，持续到凌晨一点，多次投诉未见改善，请核实处理。"


def sample_report(kind: str = "week", *, tickets: int = 120, area: str = "", seed: int = 1) -> Report:
    """Return an invented report.

    Args:
        kind: day, week, month or quarter.
        tickets: Tickets of the period; 0 makes an empty report.
        area: District it is about; empty for all.
        seed: Other numbers give other reports.
    """
    period = of(Kind(kind), DAY)
    request = Request(
        period=period, made_at=period.until + timedelta(hours=8), area=area, office="澜江市12345热线管理中心"
    )
    return build(sample_material(request, tickets=tickets, seed=seed), request)


def sample_material(request: Request, *, tickets: int, seed: int = 1) -> Material:
    """Return what a store might have held; about as many tickets in each of the three periods compared."""
    # Invented figures; nothing here needs a secret.
    chance = random.Random(seed)  # noqa: S311
    rows: list[tuple[int, Traced]] = []
    for slot, period in zip((NOW, BEFORE, YEAR), slots(request.period), strict=True):
        number = tickets if slot == NOW else int(tickets * chance.uniform(0.7, 1.2))
        moments = sorted(
            period.since + timedelta(seconds=chance.randrange(period.days * 86_400)) for _ in range(number)
        )
        rows.extend(
            (slot, _ticket(chance, at, f"LJ{at:%Y%m%d}-{place:05}", request.area)) for place, at in enumerate(moments)
        )
    now = [traced for slot, traced in rows if slot == NOW]
    events = _events(now, request)
    return Material(
        source="store",
        tables=tables_of(rows),
        first_day=request.period.year_before().start if rows else None,
        daily=Counter(traced.ticket.received_at.astimezone(CHINA).date() for _, traced in rows),
        tickets=now,
        appellants=len(now) or None,
        events=events,
        events_total=len(events),
        frequent=[one for one in events if one.facts.high_frequency],
        risk_new=_risks(now),
        handling=_handling(chance, now, request),
        remarks={"supplements": len(now) // 40},
    )


def _ticket(chance: random.Random, at: datetime, number: str, area: str) -> Traced:
    l1, l2 = chance.choices(MATTERS, weights=(8, 5, 3, 2, 1))[0]
    district = area or chance.choices((*DISTRICTS, ""), weights=(8, 5, 4, 3, 1, 1))[0]
    ticket = Ticket(
        id=number,
        number=number,
        received_at=at,
        channel=chance.choices(CHANNELS, weights=(6, 2, 2, 1))[0],
        district=district,
        street=chance.choice(STREETS) if district else "",
        unit=f"{district or '澜江市'}{chance.choices(UNITS, weights=(5, 4, 3, 2, 1))[0]}",
        l1=l1,
        l2=l2,
        type=chance.choices(TYPES, weights=(6, 3, 2, 1))[0],
        risk_level=chance.choices(range(5), weights=(50, 25, 15, 6, 2))[0],
        event=f"E-{chance.randrange(400)}",
    )
    return Traced(ticket=ticket, automatic=chance.random() < 0.5, closed=chance.random() < 0.6)


def _events(now: Sequence[Traced], request: Request) -> list[EventMaterial]:
    groups: defaultdict[str, list[Ticket]] = defaultdict(list)
    for traced in now:
        groups[traced.ticket.event].append(traced.ticket)
    several = sorted((members for members in groups.values() if len(members) > 1), key=len, reverse=True)
    return [_event(members, request) for members in several[:60]]


def _event(members: Sequence[Ticket], request: Request) -> EventMaterial:
    told = [
        EventMember(
            id=one.id,
            received_at=one.received_at,
            title=f"{one.street or '澜江大道'}夜间施工噪声扰民",
            content_masked=TEXT.format(place=one.street or "澜江大道"),
            district=one.district,
            street=one.street,
            unit=one.unit,
            l1=one.l1,
            l2=one.l2,
            risk_level=one.risk_level,
        )
        for one in members
    ]
    return EventMaterial(
        id=members[0].event,
        state="open",
        facts=event_facts(told, until=request.period.end),
        count=len(members),
        before=len(members) // 3,
        people=len(members),
        places=len({one.district for one in members} - {""}),
        quotes=tuple(
            QuoteSource(appeal=one.id, number=one.id, text=TEXT.format(place=one.street or "澜江大道"))
            for one in members[:3]
        ),
    )


def _risks(now: Sequence[Traced]) -> list[RiskRow]:
    risky = sorted(
        (traced.ticket for traced in now if traced.ticket.risk_level >= 3),
        key=lambda one: (one.risk_level, one.received_at),
        reverse=True,
    )
    return [
        RiskRow(
            appeal=one.id,
            number=one.number,
            received_at=one.received_at,
            level=one.risk_level,
            color=color(one.risk_level),
            district=one.district,
            unit=one.unit,
            category=one.l2,
            reason="群体性、欠薪",
            state="已派单",
            event="",
        )
        for one in risky[:30]
    ]


def _handling(chance: random.Random, now: Sequence[Traced], request: Request) -> Handling:
    items = []
    for traced in now:
        ticket = traced.ticket
        kinds = ["received", "dispatched", "due"]
        kinds += [
            name for name, share in (("closed", 0.6), ("on_time", 0.9), ("returned", 0.1)) if chance.random() < share
        ]
        if chance.random() < 0.3:
            kinds += ["satisfied_of", *(["satisfied"] if chance.random() < 0.8 else [])]
        items += [(kind, ticket.unit, ticket.district, ticket.id) for kind in kinds]
    risky = _risks(now)
    late = [traced.ticket for traced in now[:: max(1, len(now) // 15)]]
    return Handling(
        units=_works(items, 1),
        districts=_works(items, 2),
        items=items,
        escalations=[
            EscalationRow(
                at=row.received_at,
                event=row.appeal,
                title="桃溪路夜间施工噪声扰民",
                district=row.district,
                level_from=2,
                level_to=row.level,
                ground="多频",
                reason="3个自然日内3件不同诉求反映同一事件",
                number=row.number,
            )
            for row in risky[:5]
        ],
        escalations_total=min(5, len(risky)),
        open=list(reversed(risky[:8])),
        open_total=min(8, len(risky)),
        unacknowledged=min(2, len(risky)),
        overdue=[_late(one, request) for one in late],
        overdue_units=Counter(one.unit for one in late),
        overdue_items=[(one.unit, one.id) for one in late],
    )


def _works(items: Sequence[tuple[str, str, str, str]], place: int) -> list[Work]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        counts[item[place]][item[0]] += 1
    return [Work(name=name, **found) for name, found in sorted(counts.items())]


def _late(one: Ticket, request: Request) -> OverdueRow:
    return OverdueRow(
        appeal=one.id,
        number=one.number,
        district=one.district,
        unit=one.unit,
        category=one.l2,
        step="办结",
        due_at=one.received_at,
        days=(request.as_of - one.received_at).days,
        order="督办〔2026〕0012号" if one.risk_level >= 2 else "",
    )
