"""Titles and keywords of events: place and matter, cut out of the texts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.document import masked_text
from triage.events.keywords import MOST, event_keywords
from triage.events.title_clauses import LENGTH, bare, clauses, may_name_person
from triage.events.titles import UNTITLED, TitleSource, event_title
from triage.events.words import WordCutter
from triage.testing import PairCutter


@pytest.fixture(scope="module")
def cutter() -> WordCutter:
    return WordCutter()


def titled(*titles: str, cutter: WordCutter) -> str:
    return event_title([TitleSource(title=title) for title in titles], cutter=cutter)


def told(*contents: str, cutter: WordCutter, district: str = "临澜区") -> str:
    return event_title([TitleSource(content=content, district=district) for content in contents], cutter=cutter)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("投诉临澜区枫桥花园楼下烧烤店油烟扰民！", "临澜区枫桥花园楼下烧烤店油烟扰民"),
        ("关于云溪路夜间施工噪音的投诉", "云溪路夜间施工噪音"),
        ("咨询桃溪小学学区划分的问题", "桃溪小学学区划分"),
        ("请问书院巷什么时候通天然气？", "书院巷什么时候通天然气"),
        ("再次举报临澜区桃溪街道柳岸新村小区3栋一楼棋牌室深夜扰民，没人管", "桃溪街道柳岸新村小区一楼棋牌室深夜扰民"),
        ("澜江市临澜区望江大道与云溪路交叉口旁边的御江湾小区消防通道被占用", "御江湾小区消防通道被占用"),
        ("外地户口可以办居住证吗", "外地户口可以办居住证吗"),
    ],
)
def test_a_title_loses_what_only_leads_to_the_matter(title: str, expected: str, cutter: WordCutter) -> None:
    assert titled(title, cutter=cutter) == expected


def test_the_clause_wins_that_most_appeals_share(cutter: WordCutter) -> None:
    found = titled(
        "御江湾二期交房后外墙渗水",
        "求助！家里又漏水了，谁来管",
        "御江湾二期外墙渗水开发商不修",
        "御江湾二期外墙渗水",
        cutter=cutter,
    )
    assert "御江湾二期" in found
    assert "外墙渗水" in found


def test_a_place_from_the_text_stands_before_a_matter_without_one(cutter: WordCutter) -> None:
    sources = [
        TitleSource(title="楼下烧烤店油烟扰民", content="我们是枫桥花园小区的业主，楼下开了烧烤店"),
        TitleSource(title="烧烤店油烟扰民", content="枫桥花园小区门口的烧烤店天天冒烟"),
    ]
    assert event_title(sources, cutter=cutter) == "枫桥花园楼下烧烤店油烟扰民"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("市民来电反映：桃溪路整条路段停电。请供电局核实处理！", "桃溪路整条路段停电"),
        (
            "市民来电反映: 临澜区桃溪镇云溪宾馆旁边书院巷几户停电（22:00左右）。请供电局核实处理。",
            "云溪宾馆旁边书院巷几户停电",
        ),
        ("市民来电咨询：车辆年检需要带什么材料", "车辆年检需要带什么材料"),
        ("网格上报：工单号20260301000123《关于云溪路井盖破损的问题》工单内容：市民来电反映……", "云溪路井盖破损"),
    ],
)
def test_a_ticket_without_a_title_gives_one_from_its_opening(content: str, expected: str, cutter: WordCutter) -> None:
    assert told(content, cutter=cutter).endswith(expected)


def test_who_writes_is_not_what_about(cutter: WordCutter) -> None:
    found = told("市民来电反映：其是云溪路海风花园小区的业主，该小区电梯坏了一周没人修。", cutter=cutter)
    assert found == "海风花园电梯坏了一周没人修"


def test_no_mask_and_no_name_reaches_a_title(cutter: WordCutter) -> None:
    raw = "举报村民组长王建国私自填鱼塘，电话13800138000"
    found = titled(masked_text(raw), cutter=cutter)
    assert "王建国" not in found
    assert "[" not in found
    assert "138" not in found
    assert "填鱼塘" in found


def test_a_clause_that_may_hold_a_name_gives_way(cutter: WordCutter) -> None:
    assert may_name_person(cutter.cut("徐玥岚霸占公共绿地"))
    assert not may_name_person(cutter.cut("小区公共绿地被占"))
    found = titled("枫桥花园徐玥岚霸占公共绿地", "枫桥花园公共绿地被占", cutter=cutter)
    assert found == "枫桥花园公共绿地被占"


def test_an_empty_appeal_is_called_by_its_kind_or_not_at_all(cutter: WordCutter) -> None:
    assert event_title([TitleSource(l2="噪声污染")], cutter=cutter) == "噪声污染"
    assert event_title([TitleSource(title="！！！", content="\u200b  ")], cutter=cutter) == UNTITLED


def test_a_title_that_cannot_be_shortened_is_cut_between_words(cutter: WordCutter) -> None:
    found = titled("关于进一步规范物业服务企业信用信息采集认定发布使用和监督管理工作流程", cutter=cutter)
    assert found.endswith("…")
    assert len(found) <= LENGTH


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=120)), min_size=1, max_size=4))
def test_any_text_gives_a_short_title_that_a_document_can_hold(texts: list[tuple[str, str]]) -> None:
    sources = [TitleSource(title=title, content=content) for title, content in texts]
    found = event_title(sources, cutter=PairCutter())
    assert 0 < len(found) <= LENGTH
    assert found.encode("utf-8", "replace")
    assert not any(ord(char) < 32 or 0x202A <= ord(char) <= 0x202E or 0xD800 <= ord(char) < 0xE000 for char in found)
    assert len(event_keywords(sources, cutter=PairCutter())) <= MOST


def test_every_piece_of_a_title_stands_in_a_text() -> None:
    sources = [
        TitleSource(title="投诉柳溪路枫桥花园小区楼下烧烤店油烟直排", content="每天营业到凌晨"),
        TitleSource(title="枫桥花园小区烧烤店油烟扰民", content="一直没人管"),
    ]
    found = event_title(sources, cutter=PairCutter())
    assert any(found in source.title for source in sources)


@pytest.mark.parametrize(
    "text", ["的" * 100_000, "关于" * 50_000, "（" * 100_000, "路" * 100_000, "1" * 100_000, "请问，" * 30_000]
)
def test_a_text_of_any_length_is_read_in_no_time(text: str) -> None:
    begun = time.perf_counter()
    event_title([TitleSource(title=text, content=text)], cutter=PairCutter())
    event_keywords([TitleSource(title=text[:200], content=text)], cutter=PairCutter())
    assert time.perf_counter() - begun < 1.0


def test_lead_ins_and_ends_go_but_words_that_only_look_like_them_stay() -> None:
    assert bare("关于就业补贴发放的问题") == "就业补贴发放"
    assert bare("请假制度") == "请假制度"
    assert bare("对面楼顶广告牌晃动") == "对面楼顶广告牌晃动"
    assert clauses("投诉", "市民来电反映：书院巷积水") == ["书院巷积水"]


def test_keywords_name_place_and_matter_and_no_everyday_words(cutter: WordCutter) -> None:
    sources = [
        TitleSource(
            title="投诉柳溪湖御江湾小区搅拌站噪音扰民", content="柳溪湖御江湾小区旁边的搅拌站夜里还在生产，请领导重视"
        ),
        TitleSource(title="御江湾小区附近搅拌站粉尘严重", content="柳溪湖旁的搅拌站粉尘很大，希望尽快处理"),
        TitleSource(title="柳溪湖搅拌站扰民", content="柳溪湖御江湾小区的居民，搅拌站噪音太大"),
    ]
    found = event_keywords(sources, cutter=cutter)
    assert "搅拌站" in found
    assert any("御江湾" in word for word in found)
    assert any("柳溪湖" in word for word in found)  # which no dictionary knows
    assert not {"投诉", "小区附近", "希望", "领导", "处理"} & set(found)
