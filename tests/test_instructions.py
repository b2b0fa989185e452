"""The call-taker's instructions go, the citizen's words and the units' answers stay; greetings likewise."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.text._tidy import without
from triage.text.boilerplate import find_openers
from triage.text.instructions import find_instructions, strip_instructions
from triage.text.normalise import normalise

MATTER = "市民来电反映：柳荫路18号有人摆摊，影响出行"

INSTRUCTIONS = [
    "请交警核实处理！",
    "请城管核实处理，谢谢！",
    "请云东区政府核实处理,谢谢！",
    "请职能局按规定在30分钟内联系市民，响应处置",
    "（30分钟紧急办件）",
    "（30分钟办件）",
    "（30分钟内到现场处理）",
    "请相关部门尽快处理回复",
    "请住建局核实并回复市民",
    "请水务局协助处理",
    "请供电部门牵头处理！（30分钟办件）",
    "请交警核实处理！（请职能局按规定在30分钟内联系市民，响应处置）",
    "请交警核实处理!谢谢!(请职能局按照规定30分钟内联系市民，响应处置！)",
    "请市公安局交通警察支队核实处理！（请职能局在三十分钟内联系市民，响应处置）",
    "请人社局核实处理。（请职能局按规定在30分钟内，响应处置）",
    "请市民政局核实处理！",
    "请春江燃气股份有限公司核实处理（请30分钟响应处置）",
    "请蓝水源核实处理，请职能局在规定30分钟内联系市民，并响应处置",
    "请城管、环保部门核实处理！",
    "请市教育局给予核实回复。",
    "请清河街道办核实协调处理！",
    "请职能局核实处理！（请职能局按规定在30分钟，联系市民并响应处置）",
    "请工商局实处理，谢谢（请职能局按照规定30分钟响应处处置！）",
    "请交通局核实处理！\n（请职能局按规定在30分钟内核实处理，响应处置）",
    "请交警部门联系车主挪车。请交警核实处理！",
    "请核实处理！",
    "请教育局核实处理！",
    "请不动产登记中心核实处理。",
    "请客运管理处核实处理！",
    "请人防办尽快处理！",
    "请自行车公司核实处理！",
]

CITIZEN = [
    "请问交警队电话是多少？",
    "市民请城管不要没收他的工具",
    "请求政府发放补偿款",
    "希望交警通知车主移车",
    "希望有关部门尽快处理",
    "恳请政府出面协调解决",
    "要求城管部门核实处理结果并公开",
    "其向街道办申请核实处理",
    "请病假三天被扣工资",
    "请城管部门加大执法力度",
    "请住建局督促开发商缴纳尾款",
    "请大家想办法解决噪音",
    "请您尽快处理",
    "请客吃饭被打",
    "请教一下如何处理",
    "请不要再派人处理",
    "柳荫派出所来电反馈：电话打不通",
    "等了30分钟还没有人来",
    "15分钟内免费停车",
    "市民要求30分钟内与其联系对接处理",
    "停车30分钟收费5元",
    "非常感谢网格员",
    "谢谢！",
]

ANSWERS = [
    "2024-03-02 10:12:30云东区城管局答复：经核实，已责令整改，请市民耐心等待。",
    "如有异议请向上级机关反映",
    "请当事人携带身份证到窗口办理",
    "请转市政部门再次对该路段进行核实",
    "请提供照片方便城管部门核实处理",
    "我镇及时响应，已安排人员",
    "民警已在30分钟内联系到诉求人",
]


def stripped(text: str) -> str:
    return strip_instructions(normalise(text)).text


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_nothing_of_an_instruction_remains(instruction: str) -> None:
    assert stripped(f"{MATTER}。{instruction}").rstrip("。") == MATTER
    assert stripped(f"{MATTER}，{instruction}") == MATTER


@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_an_instruction_of_an_earlier_round_goes_and_the_history_stays(instruction: str) -> None:
    history = "2024-03-02 10:12:30云东区城管局答复：已现场劝离。\n市民再次来电反映：问题依旧"
    assert stripped(f"{MATTER}。{instruction}\n{history}") == f"{MATTER}。\n{history}"


@pytest.mark.parametrize("words", CITIZEN + ANSWERS)
def test_words_of_citizens_and_units_stay(words: str) -> None:
    assert find_instructions(normalise(words).text) == ()
    assert stripped(f"{MATTER}。{words}") == normalise(f"{MATTER}。{words}").text


def test_a_sentence_around_an_instruction_stays_readable() -> None:
    assert stripped("其认为不合理，请交警核实处理！其表示很急") == "其认为不合理。其表示很急"


def test_thanks_beside_an_instruction_go_and_others_stay() -> None:
    assert stripped("谢谢网格员帮忙。路灯坏了，请住建局核实处理，谢谢！") == "谢谢网格员帮忙。路灯坏了"


def test_an_instruction_cut_off_by_the_end_of_the_text_goes() -> None:
    assert stripped(f"{MATTER}。（请职能局按规定在30分钟内联系市民，响应处置") == f"{MATTER}。"


def test_a_text_of_nothing_but_an_instruction_stays() -> None:
    assert stripped("请交警核实处理！") == "请交警核实处理！"


def test_the_rest_of_the_text_keeps_its_way_back() -> None:
    raw = "路灯壞了,請住建局核實處理！另外井盖也坏了。"
    aligned = strip_instructions(normalise(raw))
    at = aligned.text.index("井盖也坏了")
    span = aligned.raw_span(at, at + 5)
    assert raw[span.start : span.end] == "井盖也坏了"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*INSTRUCTIONS, *CITIZEN, *ANSWERS, MATTER, "，", "。", "\n", "（", "）", "请", "谢谢"]),
        max_size=12,
    )
)
def test_spans_are_ordered_inside_the_text_and_stripping_survives(pieces: list[str]) -> None:
    aligned = normalise("".join(pieces))
    end = 0
    for span in find_instructions(aligned.text):
        assert end <= span.start < span.end <= len(aligned.text)
        end = span.end
    assert len(strip_instructions(aligned).text) <= len(aligned.text)


@pytest.mark.parametrize(
    "unit",
    [
        "请",
        "请工商局",
        "（30分钟",
        "请局局局局局局局局局局局局局局局",
        "谢谢。",
        "请交警核实处理，",
        "请30分30分30分30分30分a",
        "（",
        "）",
    ],
)
def test_hostile_repetition_is_linear(unit: str) -> None:
    aligned = normalise((unit * (100_000 // len(unit)))[:100_000])
    began = time.perf_counter()
    find_instructions(aligned.text)
    find_openers(aligned.text)
    assert time.perf_counter() - began < 5


def without_openers(text: str) -> str:
    aligned = normalise(text)
    return without(aligned, find_openers(aligned.text)).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("市民来电反映：路灯坏了", "路灯坏了"),
        ("A市民来电反映：路灯坏了", "路灯坏了"),
        ("来电人咨询：营业时间", "营业时间"),
        ("市民再次通过市民云反映: 路灯坏了", "路灯坏了"),
        ("市民来电反映路灯坏了", "路灯坏了"),
        ("尊敬的张书记，您好！路灯坏了。此致敬礼", "路灯坏了。"),
        ("尊敬的各位领导：你们好！路灯坏了，望领导重视。谢谢！", "路灯坏了。"),
        ("尊敬的领导我是一名教师，路灯坏了", "我是一名教师，路灯坏了"),
        ("领导您好，路灯坏了，非常感谢！", "路灯坏了"),
        ("路灯坏了，故来电反映。", "路灯坏了"),
        ("路灯坏了，望有关部门引起高度重视！", "路灯坏了"),
    ],
)
def test_greetings_and_closings_go(text: str, expected: str) -> None:
    assert without_openers(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "柳荫派出所来电反馈：电话打不通",
        "网格员王姐帮助送药，感谢她",
        "您好超市卖过期食品",
        "希望领导重视消防通道被占的问题",
        "市民中心的停车场收费太贵",
        "感谢信被退回",
        "你好！",
    ],
)
def test_words_with_content_are_no_boilerplate(text: str) -> None:
    assert without_openers(text) == text
