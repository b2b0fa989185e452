"""What people read: made of levels, names of units and districts, numbers and dates. No text of an appeal, no person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

CHINA = timezone(timedelta(hours=8))
COLORS = {4: "红", 3: "橙", 2: "黄", 1: "蓝"}
"""Level → colour of a warning (Ⅰ 红 … Ⅳ 蓝)."""

TEST = "system.test"

TITLES: Mapping[str, str] = {
    "alert.raised": "风险预警",
    "alert.acknowledged": "预警已签收",
    "alert.forwarded": "风险预警（转送）",
    "appeal.decided": "诉求已研判",
    "appeal.dispatched": "诉求已派单",
    "appeal.recalled": "自动派单已撤回",
    "appeal.passed_on": "诉求已转送其他途径",
    "appeal.accepted": "诉求已签收",
    "appeal.handling": "诉求办理中",
    "appeal.closed": "诉求已办结",
    "appeal.returned": "诉求已退单",
    "appeal.objected": "承办单位提出异议",
    "appeal.objection_rejected": "异议已驳回",
    "appeal.called_back": "诉求已回访",
    "appeal.evaluated": "诉求已评价",
    "appeal.urged": "催办",
    "appeal.supplemented": "诉求有补充",
    "appeal.extension_asked": "申请延期",
    "appeal.extension_decided": "延期已审批",
    "appeal.supervised": "督办",
    "appeal.supervision_ended": "督办已结束",
    "appeal.assistance_called": "请协办单位报到",
    "appeal.assistance_reported": "协办单位已报到",
    "appeal.assistance_ended": "协办已结束",
    "appeal.handed_over": "诉求已移交其他区划",
    "appeal.automation_refused": "诉求人不同意自动派单",
    "appeal.erased": "已按申请删除个人信息",
    "event.merged": "事件已并单",
    "event.split": "事件已拆分",
    "event.closed": "事件已办结",
    "event.reopened": "事件已重新打开",
    "event.undone": "并单或拆分已撤销",
    "event.parted": "已判定不是同一事件",
    "term.reminded": "时限提醒",
    "term.overdue": "逾期提醒",
    "dispatch.fallen": "自动派单已停用",
    "dispatch.resumed": "自动派单已恢复",
    TEST: "测试消息",
}
"""Topic → what it is called; another topic is called by its name."""

LABELS: Mapping[str, str] = {
    "district": "区划",
    "unit_from": "原承办单位",
    "unit": "承办单位",
    "assisting": "协办单位",
    "caller": "召集单位",
    "proposed_unit": "建议单位",
    "level": "等级",
    "risk_level": "风险等级",
    "size": "同一事件诉求数",
    "number": "督办单号",
    "name": "环节",
    "due_at": "期限",
    "mark": "时限已用（%）",
    "days": "延期工作日",
    "mode": "自动派单",
    "precision": "准确率下限",
    "target": "目标准确率",
    "event_id": "事件编号",
    "appeal_id": "诉求编号",
    "alert_id": "预警编号",
}
"""Fields of a message that people get to read, in this order; others stay with the programs."""

FOR_PEOPLE = ("alert.raised", "term.overdue", "appeal.supervised", "dispatch.*")
"""What groups and mailboxes hear unless they ask for something else: robots take twenty messages a minute."""
FOR_PROGRAMS = ("*",)

_MOST_CHARS = 200
_MOMENT_CHARS = len("2026-03-01T09:30+08:00")


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A message as people read it.

    Attributes:
        title: One line.
        lines: (label, value) in order; plain text.
        level: 4 红 … 1 蓝; 0 for what is no warning.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    level: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """A message on its way to one receiver.

    Attributes:
        id: The delivery; the same whenever it is repeated.
        topic: What it tells.
        key: What it is about.
        payload: Ids and states, for programs.
        at: When it happened.
        facts: What is known beyond the payload, for people: the reason of an alert, its district, the size of its event.
    """

    id: UUID
    topic: str
    key: str
    payload: Mapping[str, Any]
    at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)

    def notice(self) -> Notice:
        """Return it as people read it."""
        known = {**self.payload, **self.facts}
        level = known.get("level")
        level = level if isinstance(level, int) and not isinstance(level, bool) and 0 <= level <= 4 else 0
        title = TITLES.get(self.topic, f"诉求系统通知（{self.topic}）")
        if self.topic == "alert.raised" and level in COLORS:
            title = f"{COLORS[level]}色预警（{level}级）"
        reason = [("原因", _plain(self.facts["reason"]))] if self.facts.get("reason") else []
        listed = [(LABELS[name], _plain(known[name])) for name in LABELS if _says(known.get(name))]
        return Notice(title=title, lines=(*reason, *listed, ("时间", _plain(self.at))), level=level)


def _says(value: object) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""


def _plain(value: object) -> str:
    """Return a value on one line, without what a chat program or a terminal would obey; times as they are in China."""
    if isinstance(value, str) and len(value) >= _MOMENT_CHARS and value[10:11] == "T":
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
    text = "".join(" " if char < " " or char in "\x7f<>[]()`*_~#|\\" else char for char in str(value))
    return " ".join(text.split())[:_MOST_CHARS]


def as_lines(notice: Notice) -> Sequence[str]:
    """Return the lines of a notice, each ``label：value``."""
    return [f"{label}：{value}" for label, value in notice.lines]
