"""How times, numbers, levels and states are put into words on pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from triage.casework.cases import STAGES, State
from triage.rules import color
from triage.rules.deadlines import CHINA

LEVEL_WORDS = ("无风险", "蓝色 Ⅳ级", "黄色 Ⅲ级", "橙色 Ⅱ级", "红色 Ⅰ级")
"""Level 0 … 4 in full; pages never show a level by its colour alone."""
VERDICTS: Mapping[str, str] = {"same": "同一事件", "unsure": "待核实", "similar": "相似", "apart": "已拆分"}
EVENT_STATES: Mapping[str, str] = {"open": "办理中", "watched": "关注中", "closed": "已办结", "merged": "已并入"}
ALERT_STATES: Mapping[str, str] = {"open": "待签收", "acknowledged": "已签收"}
REASON_KINDS: Mapping[str, str] = {
    "words": "依据词语",
    "place": "涉及地点",
    "similar": "相似案例",
    "duty": "职责条文",
    "rule": "规则",
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def moment(at: datetime | None, now: datetime | None = None) -> str:
    """Return a time as people write it: 11月22日 15:04; with the year where it is not the present one."""
    if at is None:
        return "—"
    local = at.astimezone(CHINA)
    year = f"{local.year}年" if now is not None and local.year != now.astimezone(CHINA).year else ""
    return f"{year}{local.month}月{local.day}日 {local:%H:%M}"


def day(at: datetime | None, now: datetime | None = None) -> str:
    """Return a day: 11月22日."""
    return moment(at, now).partition(" ")[0]


def clock(at: datetime) -> str:
    """Return the time of day: 15:04."""
    return f"{at.astimezone(CHINA):%H:%M}"


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago something was: 3 小时前; a day or more ago as 昨天 15:04 or the date."""
    if at is None:
        return "—"
    seconds = (now - at).total_seconds()
    if -_MINUTE <= seconds < _HOUR:
        return "刚刚" if seconds < _MINUTE else f"{int(seconds // _MINUTE)} 分钟前"
    local, today = at.astimezone(CHINA), now.astimezone(CHINA).date()
    if seconds >= 0 and local.date() == today:
        return f"{int(seconds // _HOUR)} 小时前"
    if local.date() == today - timedelta(days=1):
        return f"昨天 {local:%H:%M}"
    return moment(at, now)


def left(at: datetime | None, now: datetime) -> str:
    """Return how much time is left: 剩 3 小时, 剩 2 天, 超期 5 天."""
    if at is None:
        return "无时限"
    seconds = (at - now).total_seconds()
    return f"{'超期' if seconds < 0 else '剩'} {span(abs(seconds))}"


def span(seconds: float) -> str:
    """Return a duration in its largest sensible unit."""
    if seconds < _HOUR:
        return f"{max(1, int(seconds // _MINUTE))} 分钟"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} 小时"
    return f"{int(seconds // _DAY)} 天"


def pressing(at: datetime | None, now: datetime) -> str:
    """Return ``over``, ``soon`` (within a day) or nothing, for the look of a deadline."""
    if at is None:
        return ""
    seconds = (at - now).total_seconds()
    return "over" if seconds < 0 else "soon" if seconds < _DAY else ""


def percent(share: float | None) -> str:
    """Return a share of 0 … 1 as 83%; a certain-looking one is never rounded up to 100%."""
    if share is None:
        return "—"
    whole = round(100 * share)
    return f"{99 if whole == 100 and share < 0.9999 else whole}%"


def number(value: float | None) -> str:
    """Return a number with separators."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def stage(appeal: Any) -> str:
    """Return where a case stands, in one word."""
    if appeal.case_state == "waiting" and appeal.delivery_state == "held":
        return "自动派单待发"
    if appeal.case_state == "waiting" and appeal.delivery_state != "returned":
        return "待派单"
    return STAGES[State(appeal.case_state, appeal.delivery_state, appeal.answer_state).stage]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "moment": moment,
    "day": day,
    "clock": clock,
    "ago": ago,
    "left": left,
    "span": span,
    "pressing": pressing,
    "percent": percent,
    "number": number,
    "color": color,
    "stage": stage,
}
NAMES: Mapping[str, Any] = {
    "LEVEL_WORDS": LEVEL_WORDS,
    "VERDICTS": VERDICTS,
    "EVENT_STATES": EVENT_STATES,
    "ALERT_STATES": ALERT_STATES,
    "REASON_KINDS": REASON_KINDS,
}
