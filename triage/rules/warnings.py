"""When the level of an event rises, and why: pure functions of what is known about the event (早发现、早预警).

The level of an event begins with the highest risk of its appeals. Grounds raise it: the same appellant comes again, many
come within three days, their number grows, a unit sends the matter back twice, a deadline is missed. What each of them takes
is configuration, since cities set it differently.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from triage.errors import InputError
from triage.rules.color import color
from triage.rules.shipped import DATA

RISK, ELSEWHERE, LIKELY, HEADS = "risk", "elsewhere", "likely", "heads"
REPEAT, FREQUENT, GROWTH, RETURNED, OVERDUE = "repeat", "frequent", "growth", "returned", "overdue"

GROUNDS: Mapping[str, str] = {
    RISK: "诉求风险等级",
    ELSEWHERE: "其他区划的诉求",
    LIKELY: "研判可能性",
    HEADS: "反映人数",
    REPEAT: "同一诉求人再次反映",
    FREQUENT: "多频",
    GROWTH: "事件扩大",
    RETURNED: "多次退单",
    OVERDUE: "办理超期",
}
"""Code of a ground → what it is called. The first four lift to a level, the others raise by one."""

ORANGE, RED = 3, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFacts:
    """What is known about an event, over all its districts.

    Attributes:
        risk_level: Highest level of its appeals, 0 … 4.
        risk_score: Highest P(level ≥ 3) of its appeals.
        people: Appellants within the window; an appeal without a known one counts as one.
        repeats: How often the most persistent appellant came, 1 if everybody came once.
        dense: Most distinct tickets within `Frequent.days` consecutive natural days.
        returned: How often that one of its appeals was sent back by a unit that was sent back most.
        overdue: Deadlines missed.
    """

    risk_level: int
    risk_score: float
    people: int = 1
    repeats: int = 1
    dense: int = 1
    returned: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a level rises.

    Attributes:
        code: One of `GROUNDS`.
        mark: Which of several thresholds it reached: the level that is lifted to, or a number of people; else 0.
        reason: In Chinese, with the figures.
    """

    code: str
    mark: int
    reason: str

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same ground when it is found again."""
        return self.code, self.mark


@dataclass(frozen=True, slots=True)
class Likely:
    """So many people and so likely a serious risk make an event orange."""

    people: int
    score: float


@dataclass(frozen=True, slots=True)
class Step:
    """A ground that raises the level by one.

    Attributes:
        count: From how many on.
        least_score: What the highest P(level ≥ 3) of the event must reach.
        up_to: The level it raises to at most.
    """

    count: int
    least_score: float
    up_to: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WarningRules:
    """Thresholds.

    Attributes:
        alert_from: Level from which an alert goes out.
        window_days: Days over which people are counted.
        frequent_days: Consecutive natural days of high frequency.
        likely: In any order; each of them suffices.
        steps: Code → what raises by one; growth has its first count here.
        growth: Numbers of people, each of which raises by one.
        heads: Level → number of people that lifts to it.
    """

    alert_from: int
    window_days: int
    frequent_days: int
    likely: tuple[Likely, ...]
    steps: Mapping[str, Step]
    growth: tuple[int, ...]
    heads: Mapping[int, int]

    @classmethod
    def load(cls, path: Path | None = None) -> WarningRules:
        """Read the thresholds from a JSON file, by default the shipped one (triage/data/warnings.json).

        Raises:
            InputError: If the file is missing, is no JSON, or a threshold is missing or out of range.
        """
        source = path or DATA / "warnings.json"
        try:
            stored = json.loads(source.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"预警规则 {source.name} 无法读取：应为 JSON 文件（UTF-8）") from error
        if not isinstance(stored, dict):
            raise InputError(f"预警规则 {source.name} 应为一个 JSON 对象，可照内置的 warnings.json 修改")
        return _rules(_Reader(source.name, stored))

    def grounds(self, facts: EventFacts) -> tuple[Ground, ...]:
        """Return every ground that holds, the risk of the appeals themselves left out."""
        return (*self._lifting(facts), *self._raising(facts))

    def level(self, base: int, grounds: Collection[tuple[str, int]]) -> int:
        """Return the level of an event.

        Adding a ground never lowers it, and the order does not matter.

        Args:
            base: Highest risk level of its appeals.
            grounds: `Ground.key` of all that hold or ever held.
        """
        level = base
        for cap in sorted(self.steps[code].up_to for code, _ in grounds if code in self.steps):
            level = min(level + 1, max(cap, level))
        return max([level, *(mark for code, mark in grounds if code not in self.steps)])

    def _lifting(self, facts: EventFacts) -> list[Ground]:
        found = []
        met = any(facts.people >= one.people and facts.risk_score >= one.score for one in self.likely)
        if met and facts.risk_level < ORANGE:  # else an appeal's own level has said so
            share = f"{facts.risk_score:.0%}"
            found.append(Ground(LIKELY, ORANGE, f"{facts.people}人反映，研判为3级以上的可能性为{share}"))
        for level, people in sorted(self.heads.items()):
            if facts.people >= people:
                words = f"{self.window_days}天内{facts.people}人反映，达到{color(level)}色预警人数{people}人"
                found.append(Ground(HEADS, level, words))
        return found

    def _raising(self, facts: EventFacts) -> list[Ground]:
        found = []
        days = self.frequent_days
        for code, count, words in (
            (REPEAT, facts.repeats, f"同一诉求人第{facts.repeats}次反映"),
            (FREQUENT, facts.dense, f"多频：连续{days}个自然日内{facts.dense}件"),
            (RETURNED, facts.returned, f"同一诉求已退单{facts.returned}次"),
            (OVERDUE, facts.overdue, "办理超期"),
        ):
            if self._holds(code, count, facts):
                found.append(Ground(code, 0, words))
        for people in self.growth:
            if facts.people >= people and facts.risk_score >= self.steps[GROWTH].least_score:
                words = f"{self.window_days}天内{facts.people}人反映，达到{people}人"
                found.append(Ground(GROWTH, people, words))
        return found

    def _holds(self, code: str, count: int, facts: EventFacts) -> bool:
        step = self.steps[code]
        return count >= step.count and facts.risk_score >= step.least_score


def densest(days: Mapping[date, int], *, span: int) -> int:
    """Return the most tickets within any ``span`` consecutive natural days.

    Args:
        days: Day → tickets; days without any may be missing.
        span: 1 or more.
    """
    windows = (sum(days.get(day + timedelta(days=k), 0) for k in range(span)) for day in days)
    return max(windows, default=0)


def risk_words(level: int, factors: Collection[str] = ()) -> str:
    """Say in words of the rules how high the risk of an appeal is; never in those of the appeal."""
    words = f"风险等级{level}级（{color(level)}）"
    return f"{words}：{'、'.join(factors)}" if factors else words


def elsewhere_words(level: int) -> str:
    """Say that the danger was seen in another district, and nothing else about it."""
    return f"同一事件在其他区划的诉求为{level}级（{color(level)}）"


class _Reader:
    """Reads numbers out of a parsed file and names what is wrong."""

    def __init__(self, name: str, stored: Mapping[str, Any], *, where: str = "") -> None:
        self._name, self._stored, self._where = name, stored, where

    def part(self, key: str) -> _Reader:
        value = self._stored.get(key)
        if not isinstance(value, dict):
            raise self._error(key, "应为对象")
        return _Reader(self._name, value, where=f"{self._where}{key}.")

    def parts(self, key: str) -> list[_Reader]:
        value = self._stored.get(key)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self._error(key, "应为对象的列表")
        return [_Reader(self._name, one, where=f"{self._where}{key}[{at}].") for at, one in enumerate(value)]

    def whole(self, key: str, *, least: int = 1, most: int = 1_000_000) -> int:
        return self._checked(key, self._stored.get(key), least, most)

    def wholes(self, key: str) -> tuple[int, ...]:
        value = self._stored.get(key)
        if not isinstance(value, list):
            raise self._error(key, "应为整数的列表")
        return tuple(sorted({self._checked(key, one, 1, 1_000_000) for one in value}))

    def share(self, key: str) -> float:
        value = self._stored.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self._error(key, "应为 0 到 1 的数")
        return float(value)

    def _checked(self, key: str, value: object, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._error(key, f"应为 {least} 到 {most} 的整数")
        return value

    def _error(self, key: str, wanted: str) -> InputError:
        return InputError(f"预警规则 {self._name} 的 {self._where}{key} {wanted}")


def _rules(stored: _Reader) -> WarningRules:
    frequent, growth, heads = stored.part(FREQUENT), stored.part(GROWTH), stored.part("head_counts")
    counts = growth.wholes("counts")
    steps = {code: _step(stored.part(code)) for code in (REPEAT, FREQUENT, RETURNED, OVERDUE)}
    steps[GROWTH] = _step(growth, count=counts[0] if counts else 1)
    likely = [Likely(one.whole("people"), one.share("score")) for one in stored.parts(LIKELY)]
    return WarningRules(
        alert_from=stored.whole("alert_from", most=RED),
        window_days=stored.whole("window_days", most=3_650),
        frequent_days=frequent.whole("days", most=366),
        likely=tuple(likely),
        steps=steps,
        growth=counts,
        heads={ORANGE: heads.whole("orange"), RED: heads.whole("red")},
    )


def _step(stored: _Reader, *, count: int | None = None) -> Step:
    return Step(
        stored.whole("count") if count is None else count,
        stored.share("least_score"),
        stored.whole("up_to", most=RED),
    )
