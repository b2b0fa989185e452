"""Channels: one name for all spellings, numbers in the channel's form, columns as its files have them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from triage.casework.channels import ChannelBook, ReferenceForm
from triage.errors import InputError


@pytest.fixture(scope="module")
def shipped() -> ChannelBook:
    return ChannelBook.load()


def book(tmp_path: Path, *channels: dict[str, Any], **more: Any) -> ChannelBook:
    path = tmp_path / "channels.json"
    path.write_text(json.dumps({"channels": list(channels), **more}, ensure_ascii=False), encoding="utf-8")
    return ChannelBook.load(path)


def test_the_shipped_channels_are_those_of_a_city(shipped: ChannelBook) -> None:
    names = [channel.name for channel in shipped.channels]
    assert names == ["热线", "网站", "微信", "网格", "信访", "市长信箱", "留言板", "文件导入"]
    assert all(channel.columns.get("content") for channel in shipped.channels[:-1])


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("热线", "热线"),
        ("12345热线", "热线"),
        ("１２３４５热线", "热线"),
        (" 电话 ", "热线"),
        ("微信公众号", "微信"),
        ("网格员", "网格"),
        ("信访局", "信访"),
        ("别的渠道", "别的渠道"),
        ("", ""),
    ],
)
def test_all_spellings_of_a_channel_are_stored_under_one_name(shipped: ChannelBook, written: str, name: str) -> None:
    assert shipped.canonical(written) == name
    assert shipped.checked(written, "A-1") == name


@pytest.mark.parametrize(
    ("form", "fits", "fails"),
    [
        ("12345-{日期}-{数字:6}", "12345-20260228-000017", "12345-20260229-000017"),
        ("{字母:2}{数字:4-8}", "XF20260", "X20260"),
        ("信访〔{数字:4}〕{数字:1-5}号", "信访〔2026〕17号", "信访(2026)17号"),
        ("{字母数字:1-20}", "a1B2", "a1 B2"),
        ("a.b{数字:1}", "a.b7", "axb7"),
    ],
)
def test_a_number_is_written_in_the_form_of_its_channel(form: str, fits: str, fails: str) -> None:
    parsed = ReferenceForm.parse(form, "x")
    assert parsed.fits(fits)
    assert not parsed.fits(fails)
    assert not parsed.fits(fits + "\n")


def test_a_number_of_another_form_is_refused_with_the_form(tmp_path: Path) -> None:
    found = book(tmp_path, {"name": "热线", "aliases": ["电话"], "reference": ["12345-{日期}-{数字:6}", "RX{数字:8}"]})

    assert found.checked("电话", "RX00000017") == "热线"
    assert found.checked("电话", "") == "热线"
    assert found.checked("电话", "0123456789abcdef:17") == "热线"  # made by an import for a row without a number
    with pytest.raises(InputError) as caught:
        found.checked("电话", "身份证460100199001010011")
    assert str(caught.value) == "渠道“热线”的编号应写成 12345-{日期}-{数字:6} 或 RX{数字:8}，请核对编号和渠道"


def test_a_closed_book_refuses_other_channels(tmp_path: Path) -> None:
    found = book(tmp_path, {"name": "热线"}, {"name": "信访"}, unknown="refuse")

    assert found.checked("", "7") == ""
    with pytest.raises(InputError, match="不受理渠道“微博”；可用的渠道：热线、信访"):
        found.checked("微博", "7")


def test_a_channels_columns_are_found_in_the_order_of_preference(shipped: ChannelBook) -> None:
    assert shipped.columns("信访局", ["序号", "信访编号", "反映内容", "信访人"]) == {
        "id": "信访编号",
        "content": "反映内容",
        "user": "信访人",
    }
    assert shipped.columns("别的渠道", ["信访编号"]) == {}


@pytest.mark.parametrize(
    ("channels", "problem"),
    [
        ([{"aliases": []}], "第1项不完整"),
        ([{"name": " "}], "name 为空"),
        ([{"name": "甲", "columns": {"内容": "x"}}], "columns 不认识“内容”；可用 id、title、content"),
        ([{"name": "甲", "aliases": ["丙"]}, {"name": "乙", "aliases": [" 丙 "]}], "“乙”与“甲”有相同的名称或别名"),
        ([{"name": "甲", "reference": ["{数字}"]}], "“{数字}”无法识别；应写成"),
        ([{"name": "甲", "reference": ["{数字:9-2}"]}], "“{数字:9-2}”无法识别"),
        ([{"name": "甲", "reference": ["{星座:3}"]}], "“{星座:3}”无法识别"),
        ([{"name": "甲", "reference": ["{数字:3"]}], "编号写法“{数字:3”无法识别"),
        ([{"name": "甲", "reference": ["{数字:1-3}" * 4]}], "无法识别"),
        ([{"name": "甲", "aliases": [7]}], "第1项不完整"),
        (["甲"], "第1项不完整"),
    ],
)
def test_a_broken_file_is_refused_with_the_remedy(tmp_path: Path, channels: list[Any], problem: str) -> None:
    with pytest.raises(InputError) as caught:
        book(tmp_path, *channels)
    assert problem in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"channels": 7}', '{"channels": [], "unknown": "perhaps"}'])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "channels.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"channels\.json"):
        ChannelBook.load(path)


def test_a_hostile_number_is_judged_at_once() -> None:
    parsed = ReferenceForm.parse("{编号:1-200}x{编号:1-200}x{编号:1-200}y", "x")
    start = time.perf_counter()
    assert not parsed.fits("x" * 200)
    assert time.perf_counter() - start < 1.0
