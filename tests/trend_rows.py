"""Invented appeals for the tests of trends: a quiet city, in which something may happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone

import numpy as np

from triage.trends import Span, TrendRow

CHINA = timezone(timedelta(hours=8))
MONDAY = date(2024, 9, 2)
WEEK = Span(start=MONDAY, end=MONDAY + timedelta(days=6))

PLACES = (("南汀区", "柳溪街道"), ("南汀区", "云渡街道"), ("北汀区", "石桥镇"), ("北汀区", "江口镇"))
MATTERS = (
    ("城乡建设", "市政管理", ("路灯", "井盖", "积水")),
    ("环境保护", "环境污染", ("噪音", "油烟", "异味")),
    ("交通运输", "交通管理", ("停车", "信号灯", "拥堵")),
    ("劳动保障", "劳动关系", ("工资", "社保", "加班")),
)


def appeal(number: int, day: date, **known: object) -> TrendRow:
    """Make one appeal of a day."""
    at = datetime(day.year, day.month, day.day, 10, tzinfo=CHINA) + timedelta(seconds=number % 3600)
    return TrendRow(**{"id": f"a{number}", "received_at": at, **known})  # type: ignore[arg-type]


def quiet_city(*, weeks: int, per_day: int = 12, seed: int = 0, until: date = WEEK.end) -> list[TrendRow]:
    """Make appeals whose matters and places are drawn by chance, up to a day."""
    draw = np.random.default_rng(seed)
    first = until - timedelta(days=7 * weeks - 1)
    rows: list[TrendRow] = []
    for day in range(7 * weeks):
        for _ in range(int(draw.poisson(per_day))):
            district, street = PLACES[draw.integers(len(PLACES))]
            l1, l2, words = MATTERS[draw.integers(len(MATTERS))]
            word = words[draw.integers(len(words))]
            rows.append(
                appeal(
                    len(rows),
                    first + timedelta(days=day),
                    l1=l1,
                    l2=l2,
                    keywords=(word, "扰民"),
                    district=district,
                    street=street,
                    risk_level=int(draw.integers(3)),
                )
            )
    return rows


def outbreak(
    count: int,
    *,
    first: date = MONDAY,
    keywords: Sequence[str] = ("搅拌站", "粉尘"),
    place: tuple[str, str] = ("南汀区", "柳溪街道"),
    start: int = 900_000,
    days: int = 5,
    **known: object,
) -> list[TrendRow]:
    """Make appeals of many people about one new matter."""
    return [
        appeal(
            start + index,
            first + timedelta(days=index % days),
            l1="环境保护",
            l2="环境污染",
            keywords=tuple(keywords),
            district=place[0],
            street=place[1],
            **known,
        )
        for index in range(count)
    ]
