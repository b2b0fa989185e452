"""What the models do not read: courtesies and layout."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.text._tidy import without_layout
from triage.text.boilerplate import find_openers, strip_courtesies
from triage.text.normalise import normalise

MATTER = "楼下路灯坏了三天，没人修"


def read(text: str) -> str:
    return without_layout(strip_courtesies(normalise(text))).text


@pytest.mark.parametrize(
    "opening",
    [
        "您好！",
        "你好，",
        "领导好，打扰了。",
        "各位领导，大家好！",
        "尊敬的张市长：您好！",
        "尊敬的区长同志：您好！冒昧给您写信，请见谅。",
        "12345的工作人员，你们好！",
        "市长先生：见信好！",
        "早上好！占用您一点时间。",
        "你好，麻烦您了，我想反映一个情况。",
        "尊敬的领导，感谢您在百忙之中抽空看我的留言。",
        "Hello，大家好，",
        "领导：",
    ],
)
def test_a_polite_opening_is_not_read(opening: str) -> None:
    assert read(f"{opening}{MATTER}。") == MATTER


@pytest.mark.parametrize(
    "closing",
    [
        "谢谢！",
        "非常感谢您的关注与支持！",
        "麻烦你们了，谢谢。",
        "望尽快回复，谢谢！",
        "此致\n敬礼！",
        "祝您身体健康，工作愉快！",
        "顺祝商祺！",
        "给你们添麻烦了，万分感谢！",
        "期待您的回复。",
        "盼复。",
        "先谢过了，再见。",
    ],
)
def test_a_polite_closing_is_not_read(closing: str) -> None:
    assert read(f"{MATTER}。{closing}") == MATTER


@pytest.mark.parametrize(
    "text",
    [
        "我要投诉，楼下路灯坏了",
        "我想咨询一下，路灯怎么报修",
        "麻烦你们派人修路灯",
        "希望尽快处理路灯",
        "望尽快回复为什么不修路灯",
        "感谢信被退回了，没有说法",
        "祝某某是承包人，欠我工资",
        "好，我知道了",
        "最好，能修一下路灯",
        "这里的工作人员好凶",
        "说好的路灯没修",
        "城西派出所来电反馈，路灯坏了",
        "市民来电反映：路灯坏了",
    ],
)
def test_what_says_something_is_read(text: str) -> None:
    assert read(text) == text


def test_a_greeting_behind_a_colon_leaves_the_colon() -> None:
    assert read("市民来电反映：您好，路灯坏了") == "市民来电反映：路灯坏了"


def test_a_text_of_nothing_but_courtesy_stays() -> None:
    assert read("您好！谢谢！") == "您好！谢谢！"


def test_every_courtesy_is_an_opener_too() -> None:
    text = normalise(f"尊敬的领导，您好！打扰了。{MATTER}。望尽快回复，谢谢！此致敬礼").text
    hidden = {at for span in find_openers(text) for at in range(span.start, span.end)}
    assert not {at for at, character in enumerate(text) if character in "尊敬您好打扰谢致礼"} - hidden


@pytest.mark.parametrize(
    "text",
    ["路灯坏了。\n没人修。", "路灯坏了。\r\n\r\n　　没人修", "　　路灯坏了。 没人修。\n", "路灯坏了。没人修，"],
)
def test_paragraphs_and_the_last_mark_make_no_difference(text: str) -> None:
    assert read(text) == "路灯坏了。没人修"


def test_a_line_that_ends_without_a_mark_keeps_its_end() -> None:
    assert read("路灯报修\n三天没人修") == "路灯报修\n三天没人修"


@given(
    st.lists(
        st.sampled_from(["您好", "，", "。", "谢谢", "领导", "：", "\n", "祝", "路灯", " ", "好", "！"]), max_size=15
    )
)
def test_what_is_read_points_to_what_was_written(parts: list[str]) -> None:
    raw = "".join(parts)
    text = without_layout(strip_courtesies(normalise(raw)))
    for at, character in enumerate(text.text):
        span = text.raw_span(at, at + 1)
        assert normalise(raw[span.start : span.end]).text in {character, ""} or character == "。"


@pytest.mark.parametrize(
    "unit",
    ["您好，", "谢谢", "尊敬的", "祝", "我们有问题", "，。", "领导：", "百忙之中抽空", "打扰您一下", "。\n", "祝您、"],
)
def test_hostile_repetition_is_linear(unit: str) -> None:
    aligned = normalise((unit * (100_000 // len(unit)))[:100_000])
    began = time.perf_counter()
    without_layout(strip_courtesies(aligned))
    assert time.perf_counter() - began < 5
