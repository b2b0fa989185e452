"""Normalisation: one spelling, and every character knows where it came from."""

from __future__ import annotations

import re
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.text import _simplify
from triage.text._simplify import Simplifier
from triage.text.aligned import AlignedText, Span
from triage.text.normalise import NORMALISER_VERSION, normalise

AWKWARD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "，。！？；：、…～—-.,!?;:() \n\t\u3000\u200b\u200d\u0301\u3099\ufe0f"
            "👩👧🏽①½㎡陳昇於徵乾藉口瞭解回覆打坏か0129aZ好的"
        ),
    ),
    max_size=60,
)


def source(raw: str, part: str) -> str:
    """Return the raw stretch behind the first occurrence of ``part`` in the normalised text."""
    aligned = normalise(raw)
    at = aligned.text.index(part)
    span = aligned.raw_span(at, at + len(part))
    return raw[span.start : span.end]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ＡＢＣ１２３％", "ABC123%"),
        ("你好,请问?", "你好，请问？"),
        ("(东门)", "（东门）"),
        ("时间20：30,共1，000元", "时间20:30，共1,000元"),
        ("二选一12，3", "二选一12，3"),
        ("坏了.请修", "坏了。请修"),
        ("共3.5米", "共3.5米"),
        ("没人管......", "没人管。"),
        ("没人管……", "没人管…"),
        ("太吵了！！!！", "太吵了！"),
        ("「停车」『难』", "“停车”‘难’"),
        ("一\u3000\u3000二", "一 二"),
        ("一\r\n\r\n 二", "一\n二"),
        ("  两端 \n", "两端"),
        ("停\u200b车\u202e难\x00\ufeff", "停车难"),
        ("一\tb\x1fc", "一 b c"),
        ("30㎡", "30m2"),
        ("½", "1/2"),
        ("①路灯②井盖", "①路灯②井盖"),
        ("❶路灯", "①路灯"),
        ("㈠停车", "（一）停车"),
        ("cafe\u0301", "café"),
        ("か\u3099", "が"),
        ("x\u0302\u0303\u0304", "x"),
        ("\u0301a", "a"),
        ("赞👍🏽", "赞👍"),
        ("👩\u200d👩\u200d👧来了", "👩来了"),
        ("爱❤\ufe0f", "爱❤"),
        ("1\ufe0f\u20e3", "1"),
        ("\ud800孤", "\ufffd孤"),
        ("⼀⽇", "一日"),
        ("", ""),
        ("。", "。"),
    ],
)
def test_a_spelling_becomes_the_canonical_one(raw: str, expected: str) -> None:
    assert normalise(raw).text == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("龍華區違規停車，請處理", "龙华区违规停车，请处理"),
        ("乾坤與乾燥", "乾坤与干燥"),
        ("幹部家裡面，後面是皇后", "干部家里面，后面是皇后"),
        ("著名的書", "著名的书"),
        ("瞭解情況，瞭望塔", "了解情况，瞭望塔"),
        ("請答覆", "请答复"),
        ("藉口與慰藉", "借口与慰藉"),
        ("頭髮發現", "头发发现"),
    ],
)
def test_traditional_characters_become_simplified_by_their_context(raw: str, expected: str) -> None:
    aligned = normalise(raw)
    assert aligned.text == expected
    assert [raw[s:e] for s, e in zip(aligned.starts, aligned.ends, strict=True)] == list(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("門開著，著名的作家看著", "门开着，著名的作家看着"),
        ("顯著的問題擺著", "显著的问题摆着"),
        ("原著", "原著"),
        ("衞生局揹著責任", "卫生局背着责任"),
    ],
)
def test_spellings_of_taiwan_and_hong_kong_are_known(raw: str, expected: str) -> None:
    assert normalise(raw).text == expected


def test_one_traditional_character_does_not_change_simplified_neighbours() -> None:
    assert normalise("路灯於昨晚被打坏").text == "路灯于昨晚被打坏"


def test_a_clean_text_is_its_own_source() -> None:
    raw = "市民反映小区门口20:30后有人摆摊，价格1,000元。\n希望处理！"
    aligned = normalise(raw)
    assert aligned.text == raw
    assert aligned.raw_span(5, 9) == Span(5, 9)


def test_every_character_of_an_expanded_one_points_to_it() -> None:
    raw = "约½㎡坏了"
    aligned = normalise(raw)
    assert aligned.text == "约1/2m2坏了"
    assert {(int(s), int(e)) for s, e in zip(aligned.starts[1:4], aligned.ends[1:4], strict=True)} == {(1, 2)}
    assert source(raw, "m2") == "㎡"
    assert source(raw, "坏了") == "坏了"


def test_quotes_after_dropped_and_collapsed_characters_stay_exact() -> None:
    raw = " \u200b尊敬的\u3000\u3000領導！！！路燈\x00不亮,請處理👍🏽。。。謝謝 "
    assert source(raw, "路灯不亮") == "路燈\x00不亮"
    assert source(raw, "请处理") == "請處理"
    assert source(raw, "谢谢") == "謝謝"
    assert source(raw, "领导") == "領導"


def test_the_version_is_a_word_that_a_bundle_can_store() -> None:
    assert re.fullmatch(r"[0-9]+", NORMALISER_VERSION)


@settings(max_examples=400, deadline=None)
@given(AWKWARD)
def test_any_text_keeps_its_way_back(raw: str) -> None:
    aligned = normalise(raw)
    size = len(aligned.text)
    assert len(aligned.starts) == len(aligned.ends) == size
    assert aligned.starts.dtype == aligned.ends.dtype == np.int32
    if size:
        assert (np.diff(aligned.starts) >= 0).all()
        assert (np.diff(aligned.ends) >= 0).all()
        assert (aligned.starts < aligned.ends).all()
        assert aligned.starts[0] >= 0
        assert aligned.ends[-1] <= len(raw)


@settings(max_examples=400, deadline=None)
@given(AWKWARD)
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = normalise(raw).text
    assert normalise(once).text == once


@settings(max_examples=200, deadline=None)
@given(AWKWARD)
def test_the_result_has_no_invisible_or_doubled_characters(raw: str) -> None:
    text = normalise(raw).text
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\u200b-\u200f\u202a-\u202e\ud800-\udfff]|[ \n]{2}|^[ \n]|[ \n]$|([，！？；：、])\1", text
    )


def test_every_basic_character_is_stable() -> None:
    for start in range(0, 0x11000, 64):
        block = "好".join(map(chr, range(start, start + 64)))
        once = normalise(block).text
        assert normalise(once).text == once


@pytest.mark.parametrize("unit", ["好", "！", " ", "\u0301", "於", "。.", "a:", "\u200d👩", "1,000"])
def test_a_megabyte_takes_seconds_not_minutes(unit: str) -> None:
    raw = unit * (300_000 // len(unit))
    began = time.perf_counter()
    normalise(raw)
    assert time.perf_counter() - began < 10


def test_threads_load_the_converter_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    load = _simplify._load

    def counted() -> Simplifier:
        loads.append(1)
        return load()

    monkeypatch.setattr(_simplify, "_loaded", [])
    monkeypatch.setattr(_simplify, "_load", counted)
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(normalise("違規停車").text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["违规停车"] * 8
    assert len(loads) == 1


class Widening:
    """A converter whose one character becomes two, as a future dictionary might do."""

    def convert(self, text: str, /) -> str:
        return text.replace("甲", "乙乙").replace("龍", "龙")


def test_a_conversion_that_changes_the_length_keeps_offsets() -> None:
    simplifier = Simplifier(Widening(), re.compile("[甲龍]"))
    raw = "龍一。有甲在龍。龍"
    aligned = simplifier.simplify(AlignedText.identity(raw))
    assert aligned.text == "龙一。有乙乙在龙。龙"
    at = aligned.text.index("在")
    assert aligned.raw_span(at, at + 2) == Span(5, 7)
    assert aligned.raw_span(4, 5) == Span(4, 5)
    assert aligned.raw_span(5, 6) == Span(4, 5)
