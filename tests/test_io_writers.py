"""Writing decisions: whole files only, nothing a spreadsheet would run, every value where a person looks for it."""

from __future__ import annotations

import csv
import errno
import json
import os
import resource
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from triage.appeal import Appeal
from triage.errors import OutputError
from triage.io.cells import CELL_UNITS, clean, csv_cell, cut, is_formula
from triage.io.flatten import COLUMNS
from triage.io.spreadsheet import Spreadsheet
from triage.io.writers import open_writer

CHINA = ZoneInfo("Asia/Shanghai")
APPEAL = Appeal(id="T1", content="原文不应出现", created_at=datetime(2018, 1, 1, 10, 7, 1, tzinfo=CHINA))
SUFFIXES = (".jsonl", ".csv", ".xlsx")


def record(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "T1",
        "unit": {
            "candidates": [{"name": "龙华区城管局", "probability": 0.83}, {"name": "市城管局", "probability": 0.1}],
            "decision": "review",
            "reason": "概率未达到自动派单的要求",
        },
        "function": {"candidates": [{"name": "城管局", "probability": 0.9}]},
        "area": {"name": "龙华区", "evidence": "龙华区"},
        "category": {"candidates": [{"l1": "城乡建设", "l2": "市政管理", "probability": 0.7}]},
        "type": {"candidates": [{"name": "投诉", "probability": 0.9}]},
        "risk": {
            "level": 3,
            "color": "橙",
            "probabilities": [0.1, 0.1, 0.1, 0.5, 0.2],
            "score": 0.7,
            "emergency": 0.02,
            "factors": [{"name": "反复未决", "probability": 0.8}, {"name": "群体性", "probability": 0.6}],
            "evidence": [{"text": "多次投诉无果", "field": "content", "start": 31, "end": 37}],
        },
        "event": {"id": "E1", "size": 3, "similar": [{"id": "T0", "probability": 0.97}]},
        "explanation": [{"kind": "words", "text": "占道"}, {"kind": "duty", "text": "城管局负责占道经营"}],
        "demands": [{"text": "清理占道", "start": 0, "end": 4}, {"text": "=1+1", "start": 4, "end": 8}],
        "level": {"name": "街镇", "reason": "街镇可以办理"},
        "assisting": ["交警支队", "街道办"],
        "route_out": {"channel": "法院", "reason": "已进入诉讼"},
        "deadline": {
            "accept_by": "2018-01-02T10:00:00+08:00",
            "finish_by": "2018-01-20T10:00:00+08:00",
            "rule": "投诉",
        },
        "versions": {"bundle": "base-1", "normaliser": "1"},
    }
    return {**base, **changes}


def write(path: Path, *records: dict[str, Any]) -> Path:
    with open_writer(path) as writer:
        for each in records:
            writer.write(each, APPEAL)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines(keepends=True)))


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_jsonl_holds_exactly_the_record(tmp_path: Path) -> None:
    first, second = record(), record(id="T2\u2028\ud83d")
    lines = write(tmp_path / "o.jsonl", first, second).read_text("utf-8").splitlines()
    assert json.loads(lines[0]) == first
    assert json.loads(lines[1])["id"] == "T2\u2028\ufffd"
    assert len(lines) == 2


def test_csv_has_flat_chinese_columns_and_no_text_of_the_appeal(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", record())
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "原文不应出现" not in path.read_text("utf-8-sig")
    (row,) = read_csv(path)
    expected = {
        "编号": "T1", "时间": "2018-01-01 10:07:01", "建议单位1": "龙华区城管局", "建议单位1概率": "0.83",
        "建议单位2": "市城管局", "建议单位3": "", "处置方式": "人工审核", "理由": "概率未达到自动派单的要求",
        "职能1": "城管局", "区域": "龙华区", "一级类别": "城乡建设", "二级类别": "市政管理", "诉求类型": "投诉",
        "风险等级": "3", "风险颜色": "橙", "风险分": "0.7",
        "紧急": "0.02", "风险因素": "反复未决、群体性", "风险依据": "多次投诉无果", "事件编号": "E1", "同事件件数": "3",
        "相似工单": "T0（97%）", "诉求项": "1. 清理占道\n2. =1+1", "层级": "街镇", "协办单位": "交警支队、街道办",
        "转其他渠道": "法院（已进入诉讼）", "受理期限": "2018-01-02 10:00:00", "办结期限": "2018-01-20 10:00:00",
        "说明": "占道；城管局负责占道经营", "模型版本": "base-1",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert len(row) == len(COLUMNS) == len({column.header for column in COLUMNS})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parts_that_are_missing_leave_empty_cells(tmp_path: Path, suffix: str) -> None:
    bare: dict[str, Any] = {
        "id": "T1",
        "unit": {"candidates": []},
        "route_out": None,
        "deadline": None,
        "risk": None,
        "event": {},
    }
    path = write(tmp_path / f"o{suffix}", bare)
    if suffix == ".csv":
        assert {name: value for name, value in read_csv(path)[0].items() if value} == {
            "编号": "T1",
            "时间": "2018-01-01 10:07:01",
        }
    assert path.stat().st_size > 0


def test_a_workbook_opens_with_header_frozen_filter_types_and_risk_in_colour_and_word(tmp_path: Path) -> None:
    path = write(tmp_path / "o.xlsx", record(), record(id="T2", risk={"level": 0, "color": "无", "score": 0.01}))
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    cells = {str(cell.value): number for number, cell in enumerate(sheet[1], 1)}
    assert list(cells) == [column.header for column in COLUMNS]
    assert sheet.title == "分析结果"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:{get_column_letter(len(COLUMNS))}3"
    assert sheet.column_dimensions["A"].width == 20

    def cell(name: str, row: int = 2) -> Any:
        return sheet.cell(row, cells[name])

    assert cell("建议单位1概率").value == 0.83
    assert cell("建议单位1概率").number_format == "0%"
    assert cell("时间").value == datetime(2018, 1, 1, 10, 7, 1)  # noqa: DTZ001
    assert cell("时间").is_date
    assert cell("理由").alignment.wrap_text
    assert (cell("风险等级").value, cell("风险颜色").value) == (3, "橙")
    assert cell("风险等级").fill.fgColor.rgb == cell("风险颜色").fill.fgColor.rgb == "FFFAD2A8"
    assert cell("风险等级", 3).fill.fill_type is None
    assert cell("编号", 3).value == "T2"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-5度没有暖气", "@SUM(A1)", "\t=1", "\r=1", " \n=1", "＝1", "－1", "\u200f=1", "\ufeff\u3000+1"],
)
def test_text_that_a_spreadsheet_might_run_is_made_text(tmp_path: Path, text: str) -> None:
    assert str(csv_cell(text)).startswith("'")
    row = read_csv(write(tmp_path / "o.csv", record(id=text)))[0]
    assert row["编号"].startswith("'")
    book = openpyxl.load_workbook(write(tmp_path / "o.xlsx", record(id=text)))
    assert book.active is not None
    cell = book.active["A2"]
    assert cell.data_type == "s"
    assert cell.quotePrefix
    assert cell.value == clean(text)


def test_numbers_stay_numbers_and_ordinary_text_stays_as_it_is() -> None:
    assert csv_cell(-0.5) == -0.5
    assert csv_cell("望江路-3号 = 空置") == "望江路-3号 = 空置"
    assert not is_formula("")


def test_control_characters_and_escapes_survive_xml(tmp_path: Path) -> None:
    text = "a\0\x0b\x1f\ufffe\ud800<&>_x0041_\r\nb  "
    path = write(tmp_path / "o.xlsx", record(id=text))
    with zipfile.ZipFile(path) as archive:
        tree = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    values = [node.text for node in tree.iter("{http://schemas.openxmlformats.org/spreadsheetml/2006/main}t")]
    assert "a<&>_x005F_x0041_\nb  " in values


def test_a_cell_is_cut_at_excels_limit_and_never_through_an_emoji() -> None:
    assert clean("字" * CELL_UNITS) == "字" * CELL_UNITS
    assert clean("字" * 40_000) == "字" * (CELL_UNITS - 1) + "…"
    shortened = clean("😡" * 20_000)
    assert shortened == "😡" * 16_383 + "…"
    assert len(shortened.encode("utf-16-le")) // 2 <= CELL_UNITS


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_cut_text_never_exceeds_its_units(text: str, units: int) -> None:
    assert len(cut(text, units).encode("utf-16-le", "surrogatepass")) // 2 <= units


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(tmp_path: Path) -> None:
    path = tmp_path / "o.xlsx"
    with path.open("wb") as handle:
        sheet = Spreadsheet(handle, COLUMNS[:1], title="结果", most_rows=3)
        sheet.begin()
        for number in range(5):
            sheet.append([f"T{number}"])
        sheet.finish()
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["结果", "结果2", "结果3"]
    assert [[cell.value for cell in table["A"]] for table in book] == [
        ["编号", "T0", "T1"],
        ["编号", "T2", "T3"],
        ["编号", "T4"],
    ]


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        first = write(tmp_path / f"a{suffix}", record(), record(id="T2"))
        assert first.read_bytes() == write(tmp_path / f"b{suffix}", record(), record(id="T2")).read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_interrupted_run_leaves_the_old_file_and_no_part(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"o{suffix}"
    path.write_text("old")

    def interrupted() -> None:
        with open_writer(path) as writer:
            writer.write(record())
            assert len(parts(tmp_path)) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert parts(tmp_path) == [path.name]
    assert path.read_text() == "old"


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let the system refuse to write files beyond a size, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_fills_up_while_writing_is_reported_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    def fill() -> None:
        with open_writer(tmp_path / f"o{suffix}") as writer:
            for number in range(5_000):
                writer.write(record(id=os.urandom(50).hex(), area={"name": os.urandom(50).hex()}, number=number))

    with room_for(100_000), pytest.raises(OutputError, match=r"无法写入 .*请换一个位置"):
        fill()
    assert parts(tmp_path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_is_full_at_the_last_moment_is_reported(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match="磁盘空间不足；请清理磁盘或换一个位置"):
        write(tmp_path / f"o{suffix}", record())
    assert parts(tmp_path) == []


def test_a_folder_that_disappears_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    writer = open_writer(folder / "o.csv")
    writer.__enter__()
    writer.write(record())
    folder.rename(tmp_path / "moved")
    with pytest.raises(OutputError, match="所在文件夹不存在"):
        writer.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("none/o.csv", "所在文件夹不存在；请先建立文件夹"),
        ("file/o.csv", "上级路径不是文件夹；请检查路径"),
        ("folder.csv", "不是普通文件；请写明文件名"),
        ("n" * 300 + ".csv", "文件名过长；请缩短"),
        ("o.docx", "不支持的扩展名；请改用 .jsonl、.ndjson、.csv、.xlsx"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path, target: str, message: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match=message):
        write(tmp_path / target, record())


def test_a_missing_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OutputError, match="没有写入权限；请换一个文件夹或调整权限"):
        open_writer(tmp_path / "o.csv").__enter__()


def test_a_second_run_into_the_same_output_is_refused_and_the_first_is_unharmed(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    with open_writer(path) as first:
        first.write(record())
        with pytest.raises(OutputError, match="另一个程序正在写"):
            write(path, record(id="T2"))
        first.write(record(id="T3"))
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["T1", "T3"]
    write(path, record(id="T4"))
    assert json.loads(path.read_text())["id"] == "T4"


def test_a_part_left_by_a_killed_run_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".o.jsonl.part").write_text("half a line" * 1000)
    assert json.loads(write(tmp_path / "o.jsonl", record()).read_text())["id"] == "T1"
    assert parts(tmp_path) == ["o.jsonl"]


def test_a_link_in_place_of_the_part_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (tmp_path / ".o.jsonl.part").symlink_to(victim)
    with pytest.raises(OutputError):
        write(tmp_path / "o.jsonl", record())
    assert victim.read_text() == "keep"


def test_permissions_follow_the_umask_or_the_file_that_is_replaced(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = write(tmp_path / "o.csv", record())
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        write(path, record())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_linked_output_keeps_its_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "o.jsonl").symlink_to(tmp_path / "real" / "o.jsonl")
    write(tmp_path / "o.jsonl", record())
    assert (tmp_path / "o.jsonl").is_symlink()
    assert json.loads((tmp_path / "real" / "o.jsonl").read_text())["id"] == "T1"
