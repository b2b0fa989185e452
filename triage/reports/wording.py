"""Words and sentences of reports, in the plain register of official Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from triage.reports.content import Count, Share
from triage.reports.period import CHINA, Kind

UNKNOWN = {
    "channel": "渠道不明",
    "type": "类型不明",
    "district": "区划不明",
    "street": "街镇不明",
    "unit": "未定单位",
    "l1": "未分类",
    "l2": "未细分",
}
"""What a missing value is called, by column."""

BEFORE = {Kind.DAY: "较前一日", Kind.WEEK: "环比", Kind.MONTH: "环比", Kind.QUARTER: "环比"}
THIS = {Kind.DAY: "本日", Kind.WEEK: "本周", Kind.MONTH: "本月", Kind.QUARTER: "本季度"}

EVENT_STATES = {"open": "处理中", "closed": "已办结", "merged": "已合并"}

CASE_STATES = {"waiting": "待派单", "assigned": "已派单", "closed": "已办结", "joined": "已并单"}

_SMALL = 10
"""Below this many tickets a relative change is noise, and the sentence gives the numbers instead."""


def called(column: str, value: str) -> str:
    """Return a value of a column, or what its absence is called."""
    return value or UNKNOWN.get(column, "不详")


def percent(rate: float) -> str:
    """Return a rate in percent with one decimal: 0.1234 → 12.3%."""
    return f"{rate * 100:.1f}%"


def share_words(share: Share) -> str:
    """Return a rate with its parts: 96.0%（24/25件）; 无 where nothing was asked."""
    return f"{percent(share.rate)}（{share.part}/{share.whole}件）" if share.rate is not None else "无"


def change_words(count: Count, kind: Kind) -> str:
    """Return how a figure compares: 环比上升12.3%，同比下降4.0%; empty where neither is known."""
    said = [
        _one_change(BEFORE[kind], count.count, count.previous),
        _one_change("同比", count.count, count.last_year),
    ]
    return "，".join(filter(None, said))


def _one_change(label: str, now: int, before: int | None) -> str:
    if before is None:
        return ""
    if now == before:
        return f"{label}持平"
    word = "上升" if now > before else "下降"
    if before < _SMALL:
        return f"{label}由{before}件{'增' if now > before else '减'}至{now}件"
    return f"{label}{word}{percent(abs(now - before) / before)}"


def listed(names: Iterable[str], *, most: int = 3) -> str:
    """Return names in a row, 等 after the last where there are more."""
    found = list(names)
    return "、".join(found[:most]) + (f"等{len(found)}个" if len(found) > most else "")


def counted(rows: Sequence[Count], *, most: int = 3) -> str:
    """Return the first figures in a row: 城乡建设35件（占29.2%）、劳动和社会保障12件（占10.0%）."""
    said = (
        f"{row.name}{row.count}件（占{percent(row.share)}）" if row.share is not None else f"{row.name}{row.count}件"
        for row in rows[:most]
    )
    return "、".join(said)


def one_line(text: str, *, most: int) -> str:
    """Return a text on one line, without control characters, cut at a full stop where there is one in its second half."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if len(flat) <= most:
        return flat
    cut = flat[: most - 1]
    end = max(cut.rfind(mark) for mark in "。！？；")
    return cut[: end + 1] if end >= most // 2 else f"{cut}…"


def day_words(day: date) -> str:
    """Return 9月2日."""
    return f"{day.month}月{day.day}日"


def moment_words(moment: datetime) -> str:
    """Return 2019年9月2日8时 in China's time."""
    local = moment.astimezone(CHINA)
    return f"{local.year}年{local.month}月{local.day}日{local.hour}时"
