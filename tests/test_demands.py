"""Demands: how many matters an appeal holds, and where each of them stands in the raw text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.text.demands import MOST_DEMANDS, split_demands
from triage.text.instructions import strip_instructions
from triage.text.normalise import normalise

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "demands.jsonl").read_text(encoding="utf-8").splitlines()
]


def quotes(raw: str) -> list[str]:
    return [raw[demand.raw.start : demand.raw.end] for demand in split_demands(normalise(raw))]


def test_there_are_enough_cases_of_either_kind() -> None:
    assert sum(1 for case in CASES if len(case["demands"]) == 1) >= 45
    assert sum(1 for case in CASES if len(case["demands"]) > 1) >= 30


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_each_demand_of_a_case_is_found_once(case: dict[str, object]) -> None:
    raw, phrases = case["text"], case["demands"]
    assert isinstance(raw, str)
    assert isinstance(phrases, list)
    found = quotes(raw)
    assert len(found) == len(phrases)
    for phrase, quote in zip(phrases, found, strict=True):
        assert phrase in quote


def test_stripping_the_instructions_first_changes_no_quote() -> None:
    raw = "市民来电反映：路口红绿灯坏了。另外井盖也丢了，请交警核实处理！（请职能局按规定在30分钟内联系市民，响应处置）"
    demands = split_demands(strip_instructions(normalise(raw)))
    assert [raw[one.raw.start : one.raw.end] for one in demands] == ["路口红绿灯坏了", "井盖也丢了"]
    assert quotes(raw) == ["路口红绿灯坏了", "井盖也丢了"]


def test_greetings_and_instructions_are_no_part_of_a_demand() -> None:
    raw = "尊敬的领导，您好！楼道堆满杂物，希望清理。谢谢！请城管核实处理！"
    assert quotes(raw) == ["楼道堆满杂物，希望清理"]


def test_a_long_letter_is_narrowed_to_its_request() -> None:
    story = "我们村的水渠是八十年代修的，当年全村人一起出力，一锄头一锄头挖出来的。" * 8
    raw = f"{story}现在水渠塌了，下游三十亩田没有水。恳请水利部门在春耕前修好这条水渠。以上是我们的心里话。"
    (quote,) = quotes(raw)
    assert "修好这条水渠" in quote
    assert len(quote) <= 130


def test_an_official_answer_is_no_demand() -> None:
    answer = "2024-03-02 10:12:30云东区城管局答复：1、已派人清理；2、建议市民再次发现时拨打热线。"
    raw = f"市民来电反映：河边有人倒垃圾，希望清理。\n{answer}"
    assert quotes(raw) == ["河边有人倒垃圾，希望清理"]


def test_the_newest_words_count_when_they_say_what_is_wanted() -> None:
    raw = (
        "市民来电反映：河边有人倒垃圾。\n2024-03-02 10:12云东区城管局答复：已清理。\n"
        "市民再次来电反映：现在又堆满了建筑垃圾，希望在河边安装监控。"
    )
    assert quotes(raw) == ["现在又堆满了建筑垃圾，希望在河边安装监控"]


def test_no_more_than_the_limit_is_returned() -> None:
    raw = "诉求：" + "".join(f"{number}、要求修好第{number}盏路灯；" for number in range(1, 16))
    assert len(quotes(raw)) == MOST_DEMANDS


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\u200b"])
def test_a_blank_text_has_no_demand(blank: str) -> None:
    assert split_demands(normalise(blank)) == ()


PIECES = [
    *("1、", "2、", "（1）", "（2）", "①", "②", "首先，", "其次，", "另外", "此外，", "同时", "诉求：", "理由："),
    *("要求退款", "路灯坏了没人修", "。", "，", "\n", "谢谢！", "您好，", "请交警核实处理！", "工单内容："),
    *("市民再次来电反映：", "2024-01-01 10:10城管局答复："),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=6), st.sampled_from(PIECES)), max_size=30))
def test_spans_are_ordered_and_inside_and_never_missing(pieces: list[str]) -> None:
    raw = "".join(pieces)
    aligned = normalise(raw)
    demands = split_demands(aligned)
    assert bool(demands) == bool(aligned.text.strip())
    assert len(demands) <= MOST_DEMANDS
    end = raw_end = 0
    for demand in demands:
        assert end <= demand.span.start < demand.span.end <= len(aligned.text)
        assert raw_end <= demand.raw.start < demand.raw.end <= len(raw)
        end, raw_end = demand.span.end, demand.raw.end


@pytest.mark.parametrize(
    "unit",
    [
        "另外，希望修好路灯。",
        "1、",
        "1、希望修路2、",
        "，。",
        "谢谢！",
        "好",
        "同时希望",
        "2024-01-01 ",
        "市民再次",
        "（",
    ],
)
def test_hostile_repetition_is_linear(unit: str) -> None:
    aligned = normalise((unit * (100_000 // len(unit)))[:100_000])
    began = time.perf_counter()
    split_demands(aligned)
    assert time.perf_counter() - began < 5
