"""Figures as cells of tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from triage.reports.content import Count, Share
from triage.reports.documents.blocks import UNKNOWN, Cell
from triage.reports.documents.text import cut, shown
from triage.reports.period import CHINA

LEVELS = ("无", "蓝", "黄", "橙", "红")
DEPTHS = 6
"""Shades of a heat table above white."""


def text(value: str, limit: int = 40) -> Cell:
    """Return a text, short enough for its column; the workbook holds it whole."""
    line = shown(value)
    return Cell(text=cut(line, limit) or UNKNOWN, value=value or None)


def joined(counts: Sequence[Count], limit: int) -> Cell:
    """Return the largest of some counts on one line: 噪声污染12、道路破损9."""
    line = "、".join(f"{shown(each.name, 12)}{each.count}" for each in counts[:limit])
    return Cell(text=line or UNKNOWN, value=line or None)


def number(value: int | None, key: str = "", *, heat: int = 0) -> Cell:
    """Return a whole number."""
    return Cell(text=UNKNOWN if value is None else str(value), value=value, kind="number", key=key, heat=heat)


def decimal(value: float | None) -> Cell:
    """Return a score with one decimal."""
    return Cell(text=UNKNOWN if value is None else f"{value:.1f}", value=value, kind="score")


def fraction(value: float | None, key: str = "") -> Cell:
    """Return a fraction in percent."""
    return Cell(text=percent(value), value=value, kind="share", key=key)


def share(value: Share | None) -> Cell:
    """Return a rate, traced by its part."""
    return fraction(value.rate, value.key) if value else fraction(None)


def percent(value: float | None) -> str:
    """Return a fraction in percent with one decimal."""
    return UNKNOWN if value is None else f"{100 * value:.1f}%"


def change(count: Count) -> Cell:
    """Return the change from the period before; a notable one has a star."""
    cell = _changed(count.change, count.count, count.previous)
    if not count.notable or count.previous is None:
        return cell
    tone = "up" if count.count > count.previous else "down"
    return Cell(text=cell.text + "*", value=cell.value, kind="change", tone=tone)


def year_change(count: Count) -> Cell:
    """Return the change from the year before."""
    return _changed(count.year_change, count.count, count.last_year)


def growth(value: float | None) -> Cell:
    """Return a growth that is given as a fraction."""
    return Cell(text=_arrow(value) if value is not None else UNKNOWN, value=value, kind="change")


def level(value: int) -> Cell:
    """Return a level of risk with its colour, whose name is written too."""
    name = LEVELS[min(max(value, 0), 4)]
    return Cell(text=name, value=name, tone=name if value > 0 else "")


def day(value: date | None) -> Cell:
    """Return a date."""
    return Cell(text=f"{value.month}月{value.day}日" if value else UNKNOWN, value=value, kind="day")


def moment(value: datetime) -> Cell:
    """Return a time of day in China."""
    local = value.astimezone(CHINA)
    return Cell(text=f"{local:%m-%d %H:%M}", value=local.replace(tzinfo=None, microsecond=0), kind="time")


def spark(counts: Sequence[int]) -> Cell:
    """Return a small line; a workbook holds the numbers."""
    return Cell(text="", value=" ".join(map(str, counts)), spark=tuple(counts))


def depth(count: int, most: int) -> int:
    """Return the shade of a count in a table whose largest is ``most``: 0 for none, 1 to `DEPTHS` else."""
    return 0 if count <= 0 or most <= 0 else max(1, -(-DEPTHS * count // most))


def _changed(relative: float | None, now: int, before: int | None) -> Cell:
    if relative is not None:
        return Cell(text=_arrow(relative), value=relative, kind="change")
    if before is None:
        return Cell(text=UNKNOWN, kind="change")
    return Cell(text="新增" if now else "持平", value="新增" if now else None, kind="change")


def _arrow(relative: float) -> str:
    if abs(relative) < 0.0005:
        return "持平"
    if relative >= 10:
        return f"↑{relative:.0f}倍"
    return f"{'↑' if relative > 0 else '↓'}{abs(100 * relative):.1f}%"
