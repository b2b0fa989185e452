"""When the level of an event rises, and why: the pure rules."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.rules.shipped import DATA
from triage.rules.warnings import (
    FREQUENT,
    GROUNDS,
    GROWTH,
    HEADS,
    LIKELY,
    OVERDUE,
    REPEAT,
    RETURNED,
    EventFacts,
    Likely,
    Step,
    WarningRules,
    densest,
    elsewhere_words,
    risk_words,
)

RULES = WarningRules(
    alert_from=3,
    window_days=30,
    frequent_days=3,
    likely=(Likely(1, 0.6), Likely(3, 0.3)),
    steps={
        REPEAT: Step(2, 0.1, 3),
        FREQUENT: Step(3, 0.1, 3),
        GROWTH: Step(5, 0.1, 3),
        RETURNED: Step(2, 0.0, 3),
        OVERDUE: Step(1, 0.0, 3),
    },
    growth=(5, 10),
    heads={3: 20, 4: 50},
)
YELLOW = EventFacts(risk_level=2, risk_score=0.2)


def codes(facts: EventFacts, rules: WarningRules = RULES) -> list[str]:
    return [ground.code for ground in rules.grounds(facts)]


def level(facts: EventFacts, rules: WarningRules = RULES) -> int:
    return rules.level(facts.risk_level, [ground.key for ground in rules.grounds(facts)])


def test_an_event_without_anything_particular_keeps_the_level_of_its_appeals() -> None:
    for risk in range(5):
        assert level(EventFacts(risk_level=risk, risk_score=0.2)) == risk
    assert codes(YELLOW) == []


@pytest.mark.parametrize(
    ("facts", "code", "reason"),
    [
        ({"repeats": 2}, REPEAT, "同一诉求人第2次反映"),
        ({"dense": 3}, FREQUENT, "多频：连续3个自然日内3件"),
        ({"people": 5}, GROWTH, "30天内5人反映，达到5人"),
        ({"returned": 2}, RETURNED, "同一诉求已退单2次"),
        ({"overdue": 1}, OVERDUE, "办理超期"),
    ],
)
def test_each_ground_raises_yellow_to_orange_and_says_why(facts: dict[str, int], code: str, reason: str) -> None:
    (ground,) = RULES.grounds(replace(YELLOW, **facts))
    assert (ground.code, ground.reason) == (code, reason)
    assert level(replace(YELLOW, **facts)) == 3


@pytest.mark.parametrize("facts", [{"repeats": 1}, {"dense": 2}, {"people": 4}, {"returned": 1}, {"overdue": 0}])
def test_one_less_than_the_threshold_raises_nothing(facts: dict[str, int]) -> None:
    assert codes(replace(YELLOW, **facts)) == []


def test_two_grounds_raise_by_two_but_not_beyond_their_cap() -> None:
    blue = EventFacts(risk_level=1, risk_score=0.1, repeats=2, dense=3)
    assert level(blue) == 3
    assert level(replace(blue, people=10, returned=2, overdue=1)) == 3
    assert level(replace(blue, risk_level=4)) == 4


def test_a_matter_in_which_no_danger_is_seen_is_not_raised_by_numbers_alone() -> None:
    harmless = EventFacts(risk_level=1, risk_score=0.05, repeats=3, dense=4, people=6)
    assert codes(harmless) == []
    assert codes(replace(harmless, returned=2)) == [RETURNED]  # has no least score


def test_each_number_of_people_raises_once() -> None:
    assert codes(replace(YELLOW, people=9)) == [GROWTH]
    assert [ground.key for ground in RULES.grounds(replace(YELLOW, people=10))] == [(GROWTH, 5), (GROWTH, 10)]


def test_head_counts_lift_to_orange_and_red_whatever_the_text_says() -> None:
    calm = EventFacts(risk_level=0, risk_score=0.0)
    assert level(replace(calm, people=19)) == 0
    assert level(replace(calm, people=20)) == 3
    assert level(replace(calm, people=50)) == 4
    assert RULES.grounds(replace(calm, people=50))[-1].reason == "30天内50人反映，达到红色预警人数50人"


def test_a_likely_danger_is_orange_and_the_more_people_the_sooner() -> None:
    assert codes(replace(YELLOW, risk_score=0.6)) == [LIKELY]
    assert codes(replace(YELLOW, risk_score=0.5, people=2)) == []
    assert codes(replace(YELLOW, risk_score=0.5, people=3)) == [LIKELY]
    assert level(replace(YELLOW, risk_score=0.5, people=3)) == 3
    assert codes(replace(YELLOW, risk_level=3, risk_score=0.6)) == []  # an appeal's own level says it already
    assert RULES.grounds(replace(YELLOW, risk_score=0.5, people=3))[0].reason == "3人反映，研判为3级以上的可能性为50%"


KEYS = st.lists(st.sampled_from([(REPEAT, 0), (FREQUENT, 0), (GROWTH, 5), (HEADS, 3), (HEADS, 4), (LIKELY, 3)]))
CAPS = st.dictionaries(st.sampled_from([REPEAT, FREQUENT, GROWTH]), st.integers(1, 4))


@given(st.integers(0, 4), KEYS, KEYS, CAPS)
def test_more_grounds_never_lower_a_level_and_their_order_does_not_matter(
    base: int, some: list[tuple[str, int]], more: list[tuple[str, int]], caps: dict[str, int]
) -> None:
    steps = {code: replace(step, up_to=caps.get(code, step.up_to)) for code, step in RULES.steps.items()}
    rules = replace(RULES, steps=steps)
    less, all_ = set(some), set(some) | set(more)
    assert base <= rules.level(base, less) <= rules.level(base, all_) <= 4
    assert rules.level(base, sorted(all_)) == rules.level(base, sorted(all_, reverse=True))
    assert rules.level(base, all_) <= rules.level(min(base + 1, 4), all_)


def test_high_frequency_is_counted_over_any_three_consecutive_natural_days() -> None:
    monday = date(2026, 3, 2)

    def days(*offsets: int) -> dict[date, int]:
        return {monday + timedelta(days=k): offsets.count(k) for k in offsets}

    assert densest(days(0, 1, 2), span=3) == 3
    assert densest(days(0, 2, 3), span=3) == 2  # the third comes on the fourth day
    assert densest(days(0, 0, 5, 6, 7, 7), span=3) == 4
    assert densest({}, span=3) == 0


def test_reasons_name_colours_and_factors_and_another_district_by_its_level_only() -> None:
    assert risk_words(4, ["群体性", "安全隐患"]) == "风险等级4级（红）：群体性、安全隐患"
    assert risk_words(2) == "风险等级2级（黄）"
    assert elsewhere_words(3) == "同一事件在其他区划的诉求为3级（橙）"


def shipped() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "warnings.json").read_text(encoding="utf-8"))
    return found


def test_the_shipped_thresholds_load_and_follow_the_definition_of_high_frequency() -> None:
    rules = WarningRules.load()
    assert (rules.alert_from, rules.steps[FREQUENT].count, rules.frequent_days) == (3, 3, 3)
    assert rules.steps[RETURNED].count == 2
    assert rules.heads[3] < rules.heads[4]
    assert set(rules.steps) | {"risk", "elsewhere", LIKELY, HEADS} == set(GROUNDS)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"alert_from": 5}, "alert_from 应为 1 到 4 的整数"),
        ({"alert_from": True}, "alert_from"),
        ({"window_days": 0}, "window_days"),
        ({"repeat": {"count": 2, "least_score": 1.5, "up_to": 3}}, "repeat.least_score 应为 0 到 1 的数"),
        ({"frequent": {"count": 3, "least_score": 0, "up_to": 3}}, "frequent.days"),
        ({"growth": {"counts": [5, 0], "least_score": 0, "up_to": 3}}, "growth.counts"),
        ({"head_counts": {"orange": 20}}, "head_counts.red"),
        ({"likely": [{"people": 1}]}, r"likely\[0\].score"),
        ({"likely": 3}, "likely 应为对象的列表"),
        ({"overdue": None}, "overdue 应为对象"),
    ],
)
def test_a_threshold_that_cannot_be_used_is_named(tmp_path: Path, change: dict[str, Any], where: str) -> None:
    path = tmp_path / "warnings.json"
    path.write_text(json.dumps(shipped() | change), encoding="utf-8")
    with pytest.raises(InputError, match=f"预警规则 warnings.json 的 {where}"):
        WarningRules.load(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "\ufeff{}"])
def test_a_file_that_is_no_object_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "warnings.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"预警规则 warnings\.json"):
        WarningRules.load(path)
    with pytest.raises(InputError, match=r"预警规则 nothing\.json"):
        WarningRules.load(tmp_path / "nothing.json")
