"""The charts of a report as drawings: the daily line, bars by category, small lines in tables."""

from __future__ import annotations

from collections.abc import Sequence

from triage.reports.content import Count, DayCount
from triage.reports.documents.drawing import Dot, Drawing, Label, Path, Point, Shape, box
from triage.reports.documents.text import cut, shown, width

INK, SOFT, GRID = "#222222", "#666666", "#dddddd"
NOW, BEFORE, AREA = "#b3261e", "#7a8794", "#f7e6e4"
"""This period is red and solid, the one before grey and dashed: told apart in black print too."""

CHART_WIDTH = 442.0
"""Points: the 156 mm of the text column of GB/T 9704."""

_SIZE = 9.0


def trend_chart(
    daily: Sequence[DayCount], before: Sequence[DayCount], *, names: tuple[str, str], height: float
) -> Drawing:
    """Return the daily numbers as a line, with the days before as a second one.

    Args:
        daily: One entry per day.
        before: As many days before; may be empty or shorter.
        names: What both lines are called.
        height: In points.
    """
    left, right, top, bottom = 34.0, CHART_WIDTH - 8, 32.0, height - 20
    most = _ceiling(max([entry.count for entry in (*daily, *before)], default=0))
    inset = 14.0 if len(daily) <= 14 else 4.0
    step = (right - left - 2 * inset) / max(1, len(daily) - 1)

    def at(index: int, count: int) -> Point:
        return (left + inset + index * step if len(daily) > 1 else (left + right) / 2), bottom - (
            bottom - top
        ) * count / most

    now = tuple(at(index, entry.count) for index, entry in enumerate(daily))
    then = tuple(at(index, entry.count) for index, entry in enumerate(before[: len(daily)]))
    shapes: list[Shape] = []
    if len(now) > 1:
        shapes.append(Path(points=((now[0][0], bottom), *now, (now[-1][0], bottom)), fill=AREA))
    shapes += _grid(left, right, top, bottom, most)
    if len(then) > 1:
        shapes.append(Path(points=then, stroke=BEFORE, width=1.2, dashed=True))
    if len(now) > 1:
        shapes.append(Path(points=now, stroke=NOW, width=1.8))
    if len(now) <= 31:
        shapes += [Dot(at=point, radius=2.2, fill=NOW) for point in now]
    if len(now) <= 14:
        shapes += [
            Label(at=(x, y - 5), text=str(entry.count), size=_SIZE, fill=INK, anchor="middle")
            for (x, y), entry in zip(now, daily, strict=True)
        ]
    shapes += _days(daily, now, bottom)
    shapes += _legend(names if then else names[:1], left)
    title = f"{names[0]}每日诉求量：" + "，".join(f"{_day(entry)}{entry.count}件" for entry in daily)
    return Drawing(width=CHART_WIDTH, height=height, title=cut(title, 400), shapes=tuple(shapes))


def bar_chart(counts: Sequence[Count], *, names: tuple[str, str]) -> Drawing:
    """Return horizontal bars, each with a thin grey one for the period before.

    Args:
        counts: Largest first.
        names: What both bars are called.
    """
    pitch, left, top = 18.0, 104.0, 20.0
    most = max([max(each.count, each.previous or 0) for each in counts], default=0) or 1
    room = CHART_WIDTH - left - 44
    shapes: list[Shape] = []
    for index, each in enumerate(counts):
        y = top + index * pitch
        name = shown(each.name, 30)
        while width(name) * _SIZE > left - 8:
            name = cut(name, len(name) - 1)
        shapes.append(Label(at=(left - 6, y + 10), text=name, size=_SIZE, fill=INK, anchor="end"))
        shapes.append(box(left, y + 2, max(1.0, room * each.count / most), 9, fill=NOW))
        if each.previous is not None:
            shapes.append(box(left, y + 11.5, max(0.6, room * each.previous / most), 3.5, fill="#b9c1c9"))
        number = (left + room * each.count / most + 5, y + 10.5)
        shapes.append(Label(at=number, text=str(each.count), size=_SIZE, fill=INK))
    compared = any(each.previous is not None for each in counts)
    shapes += _legend(names if compared else names[:1], left, bars=True)
    title = f"{names[0]}各类诉求：" + "，".join(f"{shown(each.name, 20)}{each.count}件" for each in counts)
    height = top + pitch * len(counts) + 4
    return Drawing(width=CHART_WIDTH, height=height, title=cut(title, 400), shapes=tuple(shapes))


def sparkline(counts: Sequence[int]) -> Drawing:
    """Return a small line for a table's cell; its last point has a dot. Of more than 31 days each point is a week."""
    if len(counts) > 31:
        counts = [sum(counts[start : start + 7]) for start in range(0, len(counts), 7)]
    wide, high, edge = 60.0, 14.0, 2.5
    most = max(counts, default=0) or 1
    step = (wide - 2 * edge) / max(1, len(counts) - 1)
    points = tuple(
        (edge + index * step, high - edge - (high - 2 * edge) * count / most) for index, count in enumerate(counts)
    )
    shapes: list[Shape] = [Path(points=((edge, high - edge), (wide - edge, high - edge)), stroke=GRID, width=0.5)]
    if len(points) > 1:
        shapes.append(Path(points=points, stroke=NOW, width=1.1))
    shapes += [Dot(at=point, radius=1.6, fill=NOW) for point in points[-1:]]
    title = "走势：" + "、".join(map(str, counts))
    return Drawing(width=wide, height=high, title=cut(title, 200), shapes=tuple(shapes))


def _ceiling(most: int) -> int:
    """Return the top of the axis: the next of 4, 8, 12, 20, 40 … so that quarters of it are whole numbers."""
    unit = 4
    while True:
        for times in (1, 2, 3, 5):
            if most <= unit * times:
                return unit * times
        unit *= 10


def _grid(left: float, right: float, top: float, bottom: float, most: int) -> list[Shape]:
    shapes: list[Shape] = []
    for quarter in range(5):
        y = bottom - (bottom - top) * quarter / 4
        shapes.append(Path(points=((left, y), (right, y)), stroke=SOFT if quarter == 0 else GRID, width=0.6))
        text = str(most * quarter // 4)
        shapes.append(Label(at=(left - 5, y + 3), text=text, size=_SIZE, fill=SOFT, anchor="end"))
    return shapes


def _days(daily: Sequence[DayCount], points: Sequence[Point], bottom: float) -> list[Shape]:
    every = max(1, -(-len(daily) // 14))
    return [
        Label(at=(x, bottom + 13), text=_day(entry), size=_SIZE, fill=SOFT, anchor="middle")
        for (x, _), entry in list(zip(points, daily, strict=True))[::every]
    ]


def _day(entry: DayCount) -> str:
    return f"{entry.day.month}/{entry.day.day}"


def _legend(names: Sequence[str], left: float, *, bars: bool = False) -> list[Shape]:
    shapes: list[Shape] = []
    x = left
    for index, name in enumerate(names):
        colour = BEFORE if index else NOW
        if bars:
            shapes.append(box(x, 5, 16, 7 if not index else 3.5, fill="#b9c1c9" if index else NOW))
        else:
            shapes.append(Path(points=((x, 9), (x + 16, 9)), stroke=colour, width=1.8, dashed=bool(index)))
        shapes.append(Label(at=(x + 21, 12), text=name, size=_SIZE, fill=INK))
        x += 21 + width(name) * _SIZE + 18
    return shapes
