"""Until when an appeal must be accepted and finished, by the rules of the place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from triage.errors import InputError
from triage.rules.calendar import WorkCalendar
from triage.rules.shipped import DATA

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Chinese standard time; without summer time since 1991, so a fixed offset serves and no zone file is read."""

_TERM = re.compile(r"(\d{1,3}) ?(min|h|d|wd)")
_WORDS = {"min": "分钟", "h": "小时", "d": "日", "wd": "个工作日"}
_END_OF_DAY = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Deadline:
    """Two moments, in Chinese standard time, and the rule they come from, in Chinese."""

    accept_by: datetime
    finish_by: datetime
    rule: str


@dataclass(frozen=True, slots=True)
class _Term:
    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{_WORDS[self.unit]}"


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """One rule set: terms by urgency and type, counted on a calendar.

    Minutes and hours run through nights and holidays. A term in days (d, wd) ends at 23:59:59 of its last
    day; the day of receipt does not count, so what comes in on a Sunday with 1 wd is due on Monday, as if
    it came in on Friday.
    """

    title: str
    accept: Mapping[str, _Term]
    finish: Mapping[str, _Term]
    calendar: WorkCalendar

    @classmethod
    def load(cls, path: Path | None = None, *, preset: str = "default", holidays: Path | None = None) -> DeadlineRules:
        """Read a rule set.

        Args:
            path: A file like triage/data/deadlines.json, which is the default.
            preset: Which rule set of the file: default, GD, SD, TJ, HK, XF or a city's own.
            holidays: A file like triage/data/holidays.json, which is the default.

        Raises:
            InputError: If a file cannot be read, the preset is not in it or a term is not like ``15 min``
            or ``5 wd``.
        """
        name = path.name if path else "deadlines.json"
        try:
            source = path or DATA / "deadlines.json"
            rules = json.loads(source.read_text(encoding="utf-8"))["rules"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"时限规则 {name} 无法读取：应为含 rules 的 JSON 文件（UTF-8）") from error
        chain = _chain(rules, preset, name)
        return cls(
            title=str(chain[0].get("title", preset)),
            accept=_terms(chain, "accept", f"{name}“{preset}”"),
            finish=_terms(chain, "finish", f"{name}“{preset}”"),
            calendar=WorkCalendar.load(holidays),
        )

    def deadline(self, created_at: datetime | None, *, type_: str, emergency: bool, utilities: bool) -> Deadline | None:
        """Compute both moments.

        Args:
            created_at: When the appeal came in, with a time zone; None where the source does not say.
            type_: 咨询, 求助, 建议, 投诉, 举报 …
            emergency: Somebody must act within about two hours.
            utilities: Water, power, heat or gas has failed.
        """
        if created_at is None:
            return None
        kind = "emergency" if emergency else "utilities" if utilities else type_
        accept, finish = _term(self.accept, kind, type_), _term(self.finish, kind, type_)
        start = created_at.astimezone(CHINA)
        accept_by, finish_by = self._end(start, accept), self._end(start, finish)
        label = {"emergency": "紧急事项", "utilities": "水电气热"}.get(kind, type_ or "其他")
        rule = f"{self.title}：{label}{accept}内受理，{finish}内办结"
        unknown = self._unknown_year(start, accept, finish, finish_by)
        return Deadline(accept_by, finish_by, rule + unknown)

    def _end(self, start: datetime, term: _Term) -> datetime:
        if term.unit == "min":
            return start + timedelta(minutes=term.count)
        if term.unit == "h":
            return start + timedelta(hours=term.count)
        day = (
            start.date() + timedelta(days=term.count)
            if term.unit == "d"
            else self.calendar.after(start.date(), term.count)
        )
        return datetime.combine(day, _END_OF_DAY, CHINA)

    def _unknown_year(self, start: datetime, accept: _Term, finish: _Term, until: datetime) -> str:
        """Warn where working days were counted in a year whose holidays are not published."""
        if "wd" not in (accept.unit, finish.unit):
            return ""
        years = [year for year in range(start.year, until.year + 1) if not self.calendar.knows(year)]
        return f"（{years[0]}年放假安排未知，仅按周末推算，请更新节假日文件）" if years else ""


def _term(terms: Mapping[str, _Term], kind: str, type_: str) -> _Term:
    """Take the most special term: 紧急 before 水电气热 before the type before the rest."""
    return terms.get(kind) or terms.get(type_) or terms["*"]


def _chain(rules: Any, preset: str, name: str) -> list[Mapping[str, Any]]:
    """Collect the rule set and those it builds on, nearest first."""
    chain: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    current = preset
    while current:
        if current in seen or not isinstance(rules, dict) or not isinstance(rules.get(current), dict):
            known = "、".join(rules) if isinstance(rules, dict) else "无"
            raise InputError(f"时限规则 {name} 中没有可用的“{current}”：可选 {known}，且 base 不能循环")
        seen.add(current)
        chain.append(rules[current])
        current = str(rules[current].get("base", ""))
    return chain


def _terms(chain: list[Mapping[str, Any]], side: str, where: str) -> dict[str, _Term]:
    """Merge one side of the chain.

    A rule set that states ``*`` states everything but what it names: SD finishes all types in 5 wd,
    although the default it builds on knows 咨询 and 投诉; 紧急 and 水电气热 go on unless it names them,
    being about danger, not type.
    """
    merged: dict[str, Any] = {}
    for rules in reversed(chain):
        own = rules.get(side, {})
        if "*" in own:
            merged = {kind: term for kind, term in merged.items() if kind in ("emergency", "utilities")}
        merged |= own
    if "*" not in merged:
        raise InputError(f"时限规则 {where} 的 {side} 缺少“*”（其余类型）一项")
    return {kind: _parsed(str(term), f"{where} 的 {side}.{kind}") for kind, term in merged.items()}


@lru_cache(maxsize=64)
def _parsed(term: str, where: str) -> _Term:
    match = _TERM.fullmatch(term.strip())
    if match is None:
        raise InputError(f"时限规则 {where} 写作“{term[:20]}”：请写成 15 min、2 h、15 d 或 10 wd")
    return _Term(int(match[1]), match[2])
