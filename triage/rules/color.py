"""Warning colours."""

from __future__ import annotations

COLORS = ("无", "蓝", "黄", "橙", "红")


def color(level: int) -> str:
    """Return the colour word of a risk level: 0 无, 1 蓝 (Ⅳ), 2 黄 (Ⅲ), 3 橙 (Ⅱ), 4 红 (Ⅰ).

    Raises:
        ValueError: If the level is not 0 … 4.
    """
    if not 0 <= level < len(COLORS):
        raise ValueError(f"risk level {level} is not one of 0 … 4")
    return COLORS[level]
