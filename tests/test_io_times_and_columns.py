"""Times in every spelling, columns under every name."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.errors import InputError
from triage.io.columns import check_mapping, fold_header, map_columns
from triage.io.times import earliest, parse_time

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "text",
    [
        "2018-01-01 10:07:01",
        "2018/1/1 10:07:01",
        "2018.1.1 10:07:01",
        "2018年1月1日 10时7分1秒",
        "2018年01月01日10:07:01",
        "2018-01-01T10:07:01",
        "2018-01-01T10:07:01+08:00",
        "2018-01-01T02:07:01Z",
        "2018-01-01 10:07:01.123",
        "20180101100701",
        "20180101 10:07:01",
        "２０１８／１／１　１０：０７：０１",
        "2018/1/1 上午10:07:01",
        "2018/1/1 10:07:01 AM",
        "2018-01-01 星期一 10:07:01",
        "43101.421539351855",
        "1514772421",
        "1514772421000",
    ],
)
def test_the_same_moment_is_read_from_every_common_spelling(text: str) -> None:
    assert parse_time(text) == datetime(2018, 1, 1, 10, 7, 1, tzinfo=CHINA)


@pytest.mark.parametrize(
    "text", ["2018-01-01", "2018/1/1", "2018.01.01", "2018年1月1日", "20180101", "43101", " 2018-1-1 "]
)
def test_a_bare_date_is_midnight_in_china(text: str) -> None:
    found = parse_time(text)
    assert found == datetime(2018, 1, 1, tzinfo=CHINA)
    assert found is not None
    assert found.utcoffset() == datetime(2018, 1, 1, tzinfo=CHINA).utcoffset()


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2018-01-01 下午3:05", 15),
        ("2018-01-01 3:05 PM", 15),
        ("2018年1月1日晚上9点05分", 21),
        ("2018年1月1日中午12点05分", 12),
        ("2018年1月1日中午1点05分", 13),
        ("2018年1月1日凌晨12点05分", 0),
        ("2018-01-01 12:05 AM", 0),
        ("2018-01-01 15时05分", 15),
    ],
)
def test_halves_of_the_day_are_understood(text: str, hour: int) -> None:
    assert parse_time(text) == datetime(2018, 1, 1, hour, 5, tzinfo=CHINA)


def test_midnight_called_twelve_at_night_belongs_to_the_next_day() -> None:
    assert parse_time("2018年1月1日晚上12点") == datetime(2018, 1, 2, tzinfo=CHINA)
    assert parse_time("2018-01-01 24:00") == datetime(2018, 1, 2, tzinfo=CHINA)


@pytest.mark.parametrize(
    "text",
    ["", "昨天", "01/02/2018", "18/1/1", "2018-13-01", "2018-02-30", "2018-01-01 25:00", "0018-01-01", "1989-12-31",
     "2101-01-01", "2018", "2018-01", "12345", "99999999", "2018-01-01 10:07 +99:99", "2" * 100_000],
)  # fmt: skip
def test_what_is_ambiguous_impossible_or_out_of_range_is_no_time(text: str) -> None:
    assert parse_time(text) is None


@given(st.text(max_size=70))
def test_any_text_gives_a_zoned_time_or_none(text: str) -> None:
    found = parse_time(text)
    assert found is None or found.tzinfo is not None


def test_of_two_times_the_earlier_wins_and_within_a_day_the_one_with_a_clock() -> None:
    first = datetime(2018, 1, 1, tzinfo=CHINA)
    same_day = datetime(2018, 1, 1, 10, 7, 1, tzinfo=CHINA)
    later = datetime(2018, 1, 5, 9, 0, tzinfo=CHINA)
    assert earliest([later, first]) == first
    assert earliest([first, same_day]) == same_day
    assert earliest([]) is None


@pytest.mark.parametrize(
    "header", ["ticket_id", "Ticket ID", "ＴＩＣＫＥＴ＿ＩＤ", "\ufeffticket_id", "ticket-id *", "ticket_id（必填）"]
)
def test_headers_are_compared_without_case_width_space_or_remark(header: str) -> None:
    assert fold_header(header) == "ticketid"
    assert map_columns([header], {}).sources == {"id": header}


def test_chinese_headers_are_recognised() -> None:
    header = [
        "受理编号",
        "来电时间",
        "来电人",
        "问题描述",
        "事发地址",
        "受理渠道",
        "承办单位",
        "一级分类",
        "风险等级",
        "主题",
    ]
    assert map_columns(header, {}).sources == {
        "id": "受理编号", "created_at": "来电时间", "user": "来电人", "content": "问题描述", "address": "事发地址",
        "channel": "受理渠道", "unit": "承办单位", "l1": "一级分类", "risk": "风险等级", "title": "主题",
    }  # fmt: skip


@pytest.mark.parametrize(
    "header", ["reply", "closing_note", "last_update", "status", "dispatched_at", "办结时间", "回复内容", "reply_time"]
)
def test_what_is_known_only_later_has_no_canonical_name(header: str) -> None:
    found = map_columns([header], {})
    assert not found.sources
    assert not found.times


def test_of_several_candidates_the_more_specific_name_wins() -> None:
    assert map_columns(["编号", "内容", "工单编号", "诉求内容"], {}).sources == {
        "id": "工单编号",
        "content": "诉求内容",
    }


def test_a_mapped_column_wins_over_a_recognised_one() -> None:
    found = map_columns(["内容", "录音转写", "created_at", "入库"], {"content": "录音转写", "created_at": "入库"})
    assert found.source("content") == "录音转写"
    assert found.times == ("入库",)


def test_an_unknown_source_column_is_refused_with_the_columns_present() -> None:
    with pytest.raises(InputError, match=r"content=正文2：表中没有“正文2”列；现有的列：编号、文本内容"):
        check_mapping(["编号", "文本内容"], {"content": "正文2"}, ())


def test_an_unknown_canonical_name_is_refused_with_the_names_known() -> None:
    with pytest.raises(InputError, match=r"不认识“reply”；可用的名称：id、title、content"):
        check_mapping(["编号", "内容"], {"reply": "内容"}, ())
