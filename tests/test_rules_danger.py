"""Life in danger is found without a model's score, and what only sounds like it is left alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.rules import Danger, life_danger
from triage.rules.danger_cues import DANGERS, SUICIDE
from triage.text.normalise import normalise

CASES = Path(__file__).parent / "cases" / "danger.jsonl"


def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def found(text: str) -> Danger | None:
    return life_danger(normalise(text).text)


def test_nearly_every_danger_of_the_cases_is_found() -> None:
    positives = [case for case in cases() if case["channels"]]
    missed = [case["id"] for case in positives if found(case["text"]) is None]

    assert len(positives) >= 200
    assert len(missed) <= 0.08 * len(positives), missed


def test_hardly_any_harmless_case_is_taken_for_a_danger() -> None:
    harmless = [case for case in cases() if not case["channels"]]
    taken = [case["id"] for case in harmless if found(case["text"]) is not None]

    assert len(harmless) >= 150
    assert len(taken) <= 0.03 * len(harmless), taken


def test_the_first_cases_go_to_a_number_that_fits() -> None:
    wrong = []
    for case in cases():
        danger = found(case["text"])
        if case["set"] == "first" and danger is not None and danger.channel not in case["channels"]:
            wrong.append(case["id"])

    assert wrong == []


@pytest.mark.parametrize("text", ["再不解决我就要跳楼了", "你们不给钱我只能自焚"])
def test_a_rhetorical_threat_of_suicide_counts_but_is_not_certain(text: str) -> None:
    danger = found(text)

    assert danger is not None
    assert danger.channel == "110"
    assert not danger.certain


@pytest.mark.parametrize("text", ["遗书写好放在桌上了", "他站在天台上要跳，快来人", "老人突然晕倒，叫不醒，快来"])
def test_words_of_the_present_make_a_danger_certain(text: str) -> None:
    danger = found(text)

    assert danger is not None
    assert danger.certain


@pytest.mark.parametrize(
    "text",
    [
        "去年楼下着火，消防通道至今被占",
        "商场跳楼价清仓，喇叭太吵",
        "砖厂整天浓烟滚滚，污染严重",
        "如果着火怎么办，通道全被堵死",
        "工单编号《关于燃气泄漏的问题》处理结果：已修复，现场有人打架",
        "网传有人跳楼，请澄清",
    ],
)
def test_past_trade_supposed_quoted_or_hearsay_words_are_no_danger(text: str) -> None:
    assert found(text) is None


def test_the_span_holds_the_words_the_reason_quotes() -> None:
    text = "煤气泄漏，快来人"
    danger = life_danger(text)

    assert danger is not None
    assert f"“{text[danger.span.start : danger.span.end]}”" in danger.reason


@given(st.text(alphabet="我要跳楼着火了电梯困人煤气味血，。没如果快来a1 ", max_size=200))
def test_any_text_is_survived_and_the_span_lies_in_it(text: str) -> None:
    danger = life_danger(text)

    assert danger is None or 0 <= danger.span.start < danger.span.end <= len(text)


@pytest.mark.parametrize("piece", ["我想跳楼", "站爬栏杆", "着火", "再不", "电梯困", "人", "药已经", "传销", "。"])
def test_a_hundred_thousand_characters_take_linear_time(piece: str) -> None:
    began = time.perf_counter()
    life_danger(piece * (100_000 // len(piece)))

    assert time.perf_counter() - began < 2.0


def test_a_hint_is_a_plain_alternative_or_the_joint_look_would_lose_it() -> None:
    for cue in (SUICIDE, *DANGERS):
        for hint in cue.hint.pattern.split("|"):
            assert hint, cue.because
            assert not set("()") & set(hint), hint
            assert hint[0] not in "[.", hint
