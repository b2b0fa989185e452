"""The heat of an event or theme: one number to rank by, and the parts that it is the sum of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

MOST: Mapping[str, float] = {"数量": 25.0, "增长": 20.0, "人数": 25.0, "风险": 20.0, "范围": 10.0}
"""Points that each part can give at the most; 100 together. Chosen by judgement: what many people report weighs half, what is
new and what is dangerous a fifth each, how far it spreads a tenth."""
LEAST_HALF = 5.0
"""The fewest appeals, and people, that give half of the points, however quiet the city is."""
_PLACES_HALF = 2.0
_HIGHEST_RISK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatPart:
    """One part of a heat index.

    Attributes:
        name: In Chinese, a key of `MOST`.
        value: What was measured: appeals, growth from 0 to 1, people, risk level, further places.
        points: What it gives, 0 to ``most``, one decimal.
        most: What it could give.
    """

    name: str
    value: float
    points: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """How hot an event or theme is.

    Attributes:
        value: 0 to 100, one decimal; the sum of the parts' points.
        parts: In the order of `MOST`.
    """

    value: float
    parts: tuple[HeatPart, ...]


def heat(*, count: int, before: int, people: int, risk_level: int, places: int, total: int) -> Heat:
    """Return the heat of an event or theme in a period.

    数量 and 人数 are n / (n + h), where h = max(5, √total): as many as all the appeals of the period fluctuate by mere chance
    give half of the points, so that figures of a small town and of a large city can be compared. 增长 is
    (count − before) / (count + before + 2), not below 0: a third for a doubling, towards 1 for what is new and large; the 2
    keeps a single appeal from being called growth. 风险 is the highest level over 4, 范围 (places − 1) / (places + 1).

    Args:
        count: Appeals of the period, at least 0.
        before: Appeals of the equally long time before.
        people: Distinct people of the period; where nobody is known, give ``count``.
        risk_level: The highest of its appeals, 0 to 4.
        places: Districts (of a report on one district: streets) that it was reported from; unknown places do not count.
        total: All appeals of the period.

    Raises:
        ValueError: A number is negative, or the risk level above 4.
    """
    if min(count, before, people, risk_level, places, total) < 0 or risk_level > _HIGHEST_RISK:
        raise ValueError("heat: counts are 0 or more, and the risk level is 0 to 4")
    half = max(LEAST_HALF, sqrt(total))
    growth = max(0.0, (count - before) / (count + before + 2.0))
    further = max(0, places - 1)
    measured = {
        "数量": (float(count), count / (count + half)),
        "增长": (round(growth, 3), growth),
        "人数": (float(people), people / (people + half)),
        "风险": (float(risk_level), risk_level / _HIGHEST_RISK),
        "范围": (float(places), further / (further + _PLACES_HALF)),
    }
    parts = tuple(
        HeatPart(name=name, value=value, points=round(MOST[name] * share, 1), most=MOST[name])
        for name, (value, share) in measured.items()
    )
    return Heat(value=round(sum(part.points for part in parts), 1), parts=parts)
