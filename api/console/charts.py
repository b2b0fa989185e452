"""Charts as options of ECharts: plain data, drawn by ``static/charts.js``. Beside each stand the same figures as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from triage.casework.model_figures import Bin

Option = dict[str, Any]
_GRID = {"left": 8, "right": 16, "top": 28, "bottom": 8, "containLabel": True}


def day_name(day: date) -> str:
    """Return a day as it stands at an axis: 11-22."""
    return f"{day:%m-%d}"


def days_chart(days: Sequence[tuple[date, int, str]], *, name: str = "件数") -> Option:
    """Draw appeals per day; every day leads to its list.

    Args:
        days: Day, count and the address of the list, empty for none.
        name: Of the line.
    """
    points = [{"value": count, **({"href": href} if href else {})} for _, count, href in days]
    return {
        "grid": _GRID,
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [day_name(day) for day, _, _ in days]},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [{"type": "line", "name": name, "data": points, "symbolSize": 6, "areaStyle": {"opacity": 0.08}}],
    }


def growth_chart(daily: Mapping[date, int], days: Sequence[date]) -> Option:
    """Draw how an event grew: appeals per day as bars, and all until then as a line."""
    total, sums = 0, []
    for day in days:
        total += daily.get(day, 0)
        sums.append(total)
    return {
        "grid": {**_GRID, "right": 8},
        "legend": {"top": 0, "data": ["当日", "累计"]},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [day_name(day) for day in days]},
        "yAxis": [
            {"type": "value", "minInterval": 1},
            {"type": "value", "minInterval": 1, "splitLine": {"show": False}},
        ],
        "series": [
            {"type": "bar", "name": "当日", "data": [daily.get(day, 0) for day in days], "barMaxWidth": 18},
            {"type": "line", "name": "累计", "data": sums, "yAxisIndex": 1, "symbol": "none"},
        ],
    }


def calibration_chart(bins: Sequence[Bin]) -> Option:
    """Draw how often proposals of some stated probability were right, with the line on which both agree."""
    seen = [one for one in bins if one.share.n]
    points = [[round(100 * (one.stated or 0), 1), round(100 * (one.share.share or 0), 1)] for one in seen]
    bounds = [
        {
            "type": "line",
            "data": [
                [points[place][0], round(100 * one.share.low, 1)],
                [points[place][0], round(100 * one.share.high, 1)],
            ],
            "symbol": "none",
            "silent": True,
            "lineStyle": {"width": 1, "opacity": 0.6},
            "color": "#5b6b7c",
            "tooltip": {"show": False},
        }
        for place, one in enumerate(seen)
    ]
    return {
        "grid": {**_GRID, "bottom": 20},
        "tooltip": {"trigger": "item"},
        "xAxis": {"type": "value", "min": 0, "max": 100, "name": "所报把握 %", "nameLocation": "middle", "nameGap": 26},
        "yAxis": {"type": "value", "min": 0, "max": 100, "name": "实际正确 %"},
        "series": [
            {
                "type": "line",
                "name": "二者相符",
                "data": [[0, 0], [100, 100]],
                "symbol": "none",
                "silent": True,
                "lineStyle": {"type": "dashed", "width": 1},
                "color": "#8a97a5",
                "tooltip": {"show": False},
            },
            *bounds,
            {"type": "line", "name": "实际正确", "data": points, "symbolSize": 9},
        ],
    }
