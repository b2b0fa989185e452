"""Who assists the leading unit (协办单位)."""

from __future__ import annotations

from collections.abc import Mapping

from triage.directory import Directory

MIN_PROBABILITY = 0.15
MIN_PROBABILITY_NAMED = 0.05
MAX_UNITS = 2

# 街道 or 城管 in the text lowers the bar: the caller sees that function's part in the matter.
_NAMED = {
    "城管局": ("城管", "占道", "违建"),
    "公安局": ("派出所", "公安", "报警"),
    "交警": ("交警", "红绿灯", "违停"),
    "住建局": ("住建", "物业", "开发商"),
    "消防救援": ("消防",),
    "生态环境局": ("环保", "污染", "噪音"),
    "市场监管局": ("工商", "食药监", "市监"),
    "人社局": ("劳动局", "劳动监察", "工资", "社保"),
    "街道乡镇": ("街道", "镇政府"),
    "社区村委": ("居委会", "村委会", "社区"),
    "自然资源局": ("国土", "规划局", "不动产"),
}


def assisting_units(
    text: str,
    *,
    lead_function: str,
    function_probabilities: Mapping[str, float],
    directory: Directory | None,
    area: str,
) -> tuple[str, ...]:
    """Name up to two units beside the lead whose function the model also sees in the matter.

    Args:
        text: The normalised text.
        lead_function: The function that leads; it never assists itself.
        function_probabilities: Calibrated P(function), 0 … 1.
        directory: Names the units; without it, or where it has none for the area, the function's own name
        stands.
        area: Where the matter is; empty where unknown.

    Returns:
        Names, most probable first; a function counts from 0.15, or from 0.05 if the text names its business.
    """
    names: dict[str, None] = {}
    for function, probability in sorted(function_probabilities.items(), key=lambda item: (-item[1], item[0])):
        if probability < MIN_PROBABILITY_NAMED or len(names) == MAX_UNITS:
            break
        if function in (lead_function, "其他"):
            continue
        if probability >= MIN_PROBABILITY or any(word in text for word in _NAMED.get(function, ())):
            unit = directory.unit_for(function, area) if directory is not None else None
            names[unit.name if unit else function] = None
    return tuple(names)
