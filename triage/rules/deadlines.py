"""Until when each step of an appeal must be done, by the rules of the place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from triage.errors import InputError
from triage.rules.calendar import WorkCalendar
from triage.rules.durations import CHINA, HALF, MOST, Duration, share
from triage.rules.shipped import DATA

__all__ = ["CHINA", "STEPS", "UTILITIES", "WINDOWS", "Deadline", "DeadlineRules", "Due", "Facts"]

ACCEPT, FINISH = "accept", "finish"
SIGN, CONTACT, REPLY, RETURN, OBJECTION, REVIEW = "sign", "contact", "reply", "return", "objection", "review"
EXTENSION, ASSIST, REPORT_IN, CALLBACK, SUPERVISE = "extension", "assist", "report_in", "callback", "supervise"
EXTENDED = "extended"
"""Under this name `DeadlineRules.basis` says by which rule a term may be extended; no step of its own."""
TRANSFER, NOTICE = "transfer", "notice"
REQUEST_REVIEW, REVIEW_OPINION = "request_review", "review_opinion"
REQUEST_RECHECK, RECHECK_OPINION = "request_recheck", "recheck_opinion"

STEPS: Mapping[str, str] = {
    ACCEPT: "受理",
    FINISH: "办结",
    SIGN: "接单",
    CONTACT: "联系诉求人",
    REPLY: "首次回应",
    RETURN: "退单",
    OBJECTION: "提出职责异议",
    REVIEW: "异议审核",
    EXTENSION: "延期审批",
    ASSIST: "协办",
    REPORT_IN: "部门报到",
    CALLBACK: "回访",
    SUPERVISE: "督办",
    TRANSFER: "登记转送",
    NOTICE: "书面告知是否受理",
    REQUEST_REVIEW: "申请复查",
    REVIEW_OPINION: "复查意见",
    REQUEST_RECHECK: "申请复核",
    RECHECK_OPINION: "复核意见",
}
"""Step → what it is called. The last six are those of 信访工作条例 art. 22, 23, 35 and 36."""

WINDOWS = frozenset((RETURN, OBJECTION, REQUEST_REVIEW, REQUEST_RECHECK))
"""Steps that somebody may take until then and need not: nobody is reminded, and after it they are refused."""

UTILITIES = frozenset(("供水公司", "供电公司", "燃气公司"))
"""Functions whose failures are urgent: water, power, gas and, with it, heat."""

_KINDS = {"emergency": "紧急事项", "utilities": "水电气热"}


@dataclass(frozen=True, slots=True)
class Deadline:
    """Two moments, in Chinese standard time, and the rule they come from, in Chinese."""

    accept_by: datetime
    finish_by: datetime
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a term depends on.

    Attributes:
        type: 咨询, 求助, 建议, 投诉, 举报 …
        channel: 热线, 市长信箱 …; some rules bind a channel.
        emergency: Somebody must act within about two hours.
        utilities: Water, power, heat or gas has failed.
    """

    type: str = ""
    channel: str = ""
    emergency: bool = False
    utilities: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of a rule that apply, the most special first: 紧急, 水电气热, channel, type, the rest."""
        urgent = ("emergency",) * self.emergency + ("utilities",) * self.utilities
        # An emergency that is a power cut too is an emergency first.
        return (*urgent[:1], self.channel, self.type, "*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """One term.

    Attributes:
        due_at: Its end.
        half_at: When half of it is used up; the first reminder.
        most_at: When 80 % of it is used up; the second reminder.
        rule: Where it comes from, in Chinese.
    """

    due_at: datetime
    half_at: datetime
    most_at: datetime
    rule: str


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """One rule set: terms by urgency, channel and type, counted on a calendar.

    Attributes:
        title: What it is called.
        accept: Terms of acceptance, by key of `Facts.keys`.
        finish: Terms of finishing.
        calendar: Working days.
        steps: Terms of the other steps; a step that is absent has none.
        extension: The longest extension at a time; None: there are none.
        extensions: How often a term may be extended.
        basis: Step → rule that prescribes it, e.g. ``XF-DISPUTE 第23条``.
    """

    title: str
    accept: Mapping[str, Duration]
    finish: Mapping[str, Duration]
    calendar: WorkCalendar
    steps: Mapping[str, Mapping[str, Duration]] = field(default_factory=dict)
    extension: Duration | None = None
    extensions: int = 1
    basis: Mapping[str, str] = field(default_factory=dict)

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
        chain, where = _chain(rules, preset, name), f"{name}“{preset}”"
        most, times = _extension(chain, where)
        return cls(
            title=str(chain[0].get("title", preset)),
            accept=_terms(chain, ACCEPT, where),
            finish=_terms(chain, FINISH, where),
            calendar=WorkCalendar.load(holidays),
            steps=_steps(chain, where),
            extension=most,
            extensions=times,
            basis={step: str(text) for rule in reversed(chain) for step, text in rule.get("basis", {}).items()},
        )

    def deadline(self, created_at: datetime | None, *, type_: str, emergency: bool, utilities: bool) -> Deadline | None:
        """Compute when an appeal must be accepted and finished.

        Args:
            created_at: When the appeal came in, with a time zone; None where the source does not say.
            type_: 咨询, 求助, 建议, 投诉, 举报 …
            emergency: Somebody must act within about two hours.
            utilities: Water, power, heat or gas has failed.
        """
        if created_at is None:
            return None
        facts = Facts(type=type_, emergency=emergency, utilities=utilities)
        accept, finish = _first(self.accept, facts), _first(self.finish, facts)
        start = created_at.astimezone(CHINA)
        accept_by, finish_by = accept.end(start, self.calendar), finish.end(start, self.calendar)
        label = next((_KINDS[key] for key in facts.keys if key in _KINDS), type_ or "其他")
        rule = f"{self.title}：{label}{accept}内受理，{finish}内办结"
        counted = "wd" in (accept.unit, finish.unit)
        return Deadline(accept_by, finish_by, rule + (self._warning(start, finish_by) if counted else ""))

    def due(self, step: str, start: datetime, facts: Facts) -> Due | None:
        """Compute the term of a step; None where the rules state none.

        Args:
            step: One of `STEPS`.
            start: When it begins, with a time zone.
            facts: What it depends on.
        """
        terms = {ACCEPT: self.accept, FINISH: self.finish, **self.steps}.get(step, {})
        term = next((terms[key] for key in facts.keys if key in terms), None)
        if term is None:
            return None
        due_at = term.end(start, self.calendar)
        rule = f"{self.title}：{term}内{STEPS[step]}"
        rule += f"（{self.basis[step]}）" if step in self.basis else ""
        if term.unit == "wd":
            rule += self._warning(start, due_at)
        return self._marked(start, due_at, rule, worked=term.unit == "wd")

    def until(self, step: str, start: datetime, due_at: datetime, rule: str) -> Due:
        """Return a term whose end is known already; reminders count working days where the rules of the step do."""
        terms = {ACCEPT: self.accept, FINISH: self.finish, **self.steps}.get(step, {})
        worked = any(term.unit == "wd" for term in terms.values()) and (due_at - start).total_seconds() > 86_400
        return self._marked(start, due_at.astimezone(CHINA), rule, worked=worked)

    def extended(self, start: datetime, due_at: datetime, by: Duration) -> Due:
        """Return a term that was extended: counted from its present end; reminded anew by its whole length."""
        later = by.end(due_at, self.calendar)
        rule = f"{self.title}：延期{by}" + (f"（{self.basis[EXTENDED]}）" if EXTENDED in self.basis else "")
        rule += self._warning(due_at, later) if by.unit == "wd" else ""
        return self._marked(start, later, rule, worked=by.unit == "wd")

    def _marked(self, start: datetime, due_at: datetime, rule: str, *, worked: bool) -> Due:
        calendar = self.calendar if worked else None
        half_at, most_at = (share(start, due_at, part, calendar=calendar) for part in (HALF, MOST))
        return Due(due_at=due_at, half_at=half_at, most_at=most_at, rule=rule)

    def _warning(self, start: datetime, until: datetime) -> str:
        """Warn where working days were counted in a year whose holidays are not published."""
        years = self.calendar.unknown_years(start.astimezone(CHINA).date(), until.date())
        return f"（{years[0]}年放假安排未知，仅按周末推算，请更新节假日文件）" if years else ""


def _first(terms: Mapping[str, Duration], facts: Facts) -> Duration:
    return next(terms[key] for key in facts.keys if key in terms)


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


def _terms(chain: list[Mapping[str, Any]], side: str, where: str) -> dict[str, Duration]:
    """Merge one side of the chain.

    A rule set that states ``*`` states everything but what it names: SD finishes all types in 5 wd,
    although the default it builds on knows 咨询 and 投诉; 紧急 and 水电气热 go on unless it names them,
    being about danger, not type.
    """
    merged = _merged([rules.get(side, {}) for rules in chain])
    if "*" not in merged:
        raise InputError(f"时限规则 {where} 的 {side} 缺少“*”（其余类型）一项")
    return {kind: _parsed(term, f"{where} 的 {side}.{kind}") for kind, term in merged.items()}


def _steps(chain: list[Mapping[str, Any]], where: str) -> dict[str, dict[str, Duration]]:
    """Merge the terms of the other steps; a bare ``2 wd`` is that of all appeals."""
    stated: list[dict[str, Any]] = [
        {step: terms if isinstance(terms, dict) else {"*": terms} for step, terms in rules.get("steps", {}).items()}
        for rules in chain
    ]
    found: dict[str, dict[str, Duration]] = {}
    for step in dict.fromkeys(name for own in reversed(stated) for name in own):
        if step not in STEPS or step in (ACCEPT, FINISH):
            known = "、".join(name for name in STEPS if name not in (ACCEPT, FINISH))
            raise InputError(f"时限规则 {where} 的 steps 不认识“{step[:20]}”；可用的环节：{known}")
        merged = _merged([own.get(step, {}) for own in stated])
        found[step] = {kind: _parsed(term, f"{where} 的 steps.{step}.{kind}") for kind, term in merged.items()}
    return found


def _merged(chain: list[Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for own in reversed(chain):
        if "*" in own:
            merged = {kind: term for kind, term in merged.items() if kind in _KINDS}
        merged |= own
    return merged


def _extension(chain: list[Mapping[str, Any]], where: str) -> tuple[Duration | None, int]:
    stated = next((rules["extension"] for rules in chain if "extension" in rules), None)
    if not stated:
        return None, 0
    try:
        times, most = int(stated["times"]), str(stated["most"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f'时限规则 {where} 的 extension 应写成 {{"times": 1, "most": "10 wd"}}') from error
    return _parsed(most, f"{where} 的 extension.most"), times


def _parsed(term: Any, where: str) -> Duration:
    found = Duration.parse(str(term))
    if found is None:
        raise InputError(f"时限规则 {where} 写作“{str(term)[:20]}”：请写成 15 min、2 h、15 d 或 10 wd")
    return found
