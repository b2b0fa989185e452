"""What leaves the hotline for another channel, and what only sounds like it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.rules import route_out


def channel(text: str, type_: str = "投诉", emergency: float = 0.0) -> str | None:
    found = route_out(text, type_=type_, emergency=emergency)
    return found.channel if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我和女儿现在被困在2号楼电梯里，快来人", "119"),
        ("隔壁单元正在着火，楼道全是浓烟", "119"),
        ("楼下餐馆煤气泄漏，味道很大，现在住户都跑出来了", "119"),
        ("小区门口有人持刀，现在正在追人", "110"),
        ("楼下正在打架，已经有人动手了", "110"),
        ("三岁的孩子刚刚在公园走失了", "110"),
        ("他站在天台上要跳楼，快来人", "110"),
        ("我真的不想活了", "110"),
        ("父亲突然晕倒，现在没有呼吸", "120"),
        ("路口刚刚发生车祸，骑车的老人受伤躺在地上", "122"),
    ],
)
def test_a_life_in_danger_now_goes_to_the_emergency_number(text: str, expected: str) -> None:
    assert channel(text, "求助") == expected


@pytest.mark.parametrize(
    "text",
    [
        "去年楼下着火，消防通道至今仍被占用",
        "上次电梯被困四十分钟，物业一直没换配件",
        "如果着火怎么办，现在消防通道全被堵死",
        "电动车在楼道充电，现在大家都担心着火",
        "现在小区里每天有人打架，没人管",
        "火灾现在已被扑灭，请清理路面",
        "并未着火，只是现在烟味大",
        "工单20200101《关于煤气泄漏的问题》现在处理得怎么样",
        "110来电反映：工人正在跳楼，请劳动监察到场",
        "昨天被打，派出所没有立案",
    ],
)
def test_past_feared_denied_or_quoted_danger_stays(text: str) -> None:
    assert channel(text, "求助") is None


def test_no_model_score_is_needed_for_a_life_in_danger() -> None:
    assert channel("住户被困在望江大厦的电梯里", emergency=0.0) == "119"


def test_a_doubtful_danger_in_thanks_counts_only_with_the_models_word() -> None:
    text = "再不解决我就要跳楼了"

    assert channel(text, "投诉") == "110"
    assert channel(text, "感谢", emergency=0.1) is None
    assert channel(text, "感谢", emergency=0.9) == "110"


@pytest.mark.parametrize(
    ("text", "type_", "expected"),
    [
        ("申请公开：某道路改造工程的中标价和结算价", "其他", "信息公开"),
        ("对罚款决定不服，请问行政复议找谁", "咨询", "行政复议"),
        ("工资官司去年就判了，公司一直不给钱，想问怎么申请强制执行", "咨询", "诉讼"),
        ("邻里案子一审二审都输了，要追究法官责任", "投诉", "诉讼"),
        ("拿到劳动仲裁裁决，公司搬走了不给钱", "咨询", "仲裁"),
        ("公司不给补偿金，我想申请劳动仲裁", "咨询", "仲裁"),
        ("校长摆酒，老师人人随礼五百", "举报", "纪检监察"),
        ("纪委领导：我实名反映村里的账目", "举报", "纪检监察"),
    ],
)
def test_ones_own_decided_matter_is_sent_to_its_channel_even_as_a_question(
    text: str, type_: str, expected: str
) -> None:
    assert channel(text, type_) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不服中级人民法院的二审判决，要求改判", "诉讼"),
        ("请督促法院尽快判决我们的物业纠纷案", "诉讼"),
        ("区法院执行局拖延执行，至今未收到赔偿款", "诉讼"),
        ("对劳动仲裁裁决不服，不认可仲裁结果", "仲裁"),
        ("举报某局副局长收受贿赂", "纪检监察"),
        ("举报村支书侵吞征地补偿款", "纪检监察"),
        ("我对处罚不服，要求行政复议", "行政复议"),
        ("向贵局申请政府信息公开，请公开该地块的规划文件", "信息公开"),
        ("信访局已受理我的信访件，现在催一下结果", "信访"),
    ],
)
def test_a_matter_with_its_own_legal_channel_is_sent_there(text: str, expected: str) -> None:
    assert channel(text) == expected


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("咨询如何申请政府信息公开", "咨询"),
        ("请问不服法院判决怎么上诉", "求助"),
        ("公司拖欠三个月工资，请劳动部门处理", "投诉"),
        ("公司拖欠工资，劳动监察建议申请劳动仲裁，请帮忙讨薪", "投诉"),
        ("老师收家长红包", "举报"),
        ("没有发现局长受贿，只是办事慢", "投诉"),
        ("开发商让我们去法院起诉，请住建局督促交房", "投诉"),
        ("再不解决我们就去上访", "投诉"),
        ("路灯不亮", "投诉"),
    ],
)
def test_enquiries_and_passing_remarks_stay_with_the_hotline(text: str, type_: str) -> None:
    assert channel(text, type_) is None


def test_the_reason_quotes_the_words_that_decided() -> None:
    text = "举报某局副局长收受贿赂"
    found = route_out(text, type_="举报", emergency=0.0)

    assert found is not None
    quote = text[found.span.start : found.span.end]
    assert quote.startswith("副局长")
    assert f"“{quote}”" in found.reason


@given(st.text(alphabet="现在着火有人持刀法院判决不服局长受贿，。没如果a1 ", max_size=200))
def test_the_span_always_lies_in_the_text(text: str) -> None:
    found = route_out(text, type_="投诉", emergency=1.0)

    assert found is None or 0 <= found.span.start < found.span.end <= len(text)


@pytest.mark.parametrize("piece", ["法院", "不服", "局长", "现在着火如果", "被困在", "。", "我想", "信访局", "孩子"])
def test_a_hundred_thousand_characters_take_linear_time(piece: str) -> None:
    began = time.perf_counter()
    route_out(piece * (100_000 // len(piece)), type_="投诉", emergency=1.0)

    assert time.perf_counter() - began < 2.0
