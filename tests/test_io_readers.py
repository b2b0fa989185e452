"""Reading appeals out of csv, xlsx and jsonl files."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.errors import InputError
from triage.io.readers import Limits, Reject, Row, read_records, read_rows

CHINA = ZoneInfo("Asia/Shanghai")
HEADER = "工单编号,标题,诉求内容,来电时间,承办单位\n"
Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def read(path: Path, **options: object) -> tuple[list[Row], list[Reject]]:
    rejects: list[Reject] = []
    rows = list(read_rows(path, on_reject=rejects.append, **options))  # type: ignore[arg-type]
    return rows, rejects


def test_a_csv_with_chinese_headers_gives_appeals_and_keeps_every_column(write: Write) -> None:
    rows, rejects = read(write("a.csv", HEADER + "T1,路灯不亮,望江路路灯坏了三天,2018/1/1 10:07:01,市城管局\n"))
    assert not rejects
    (row,) = rows
    assert (row.number, row.appeal.id, row.appeal.title, row.appeal.content) == (
        2,
        "T1",
        "路灯不亮",
        "望江路路灯坏了三天",
    )
    assert row.appeal.created_at == datetime(2018, 1, 1, 10, 7, 1, tzinfo=CHINA)
    assert row.fields["承办单位"] == "市城管局"
    assert row.value("unit") == row.value("承办单位") == row.text("unit") == "市城管局"
    assert row.value("risk") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be-bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_office_encoding_and_line_end_is_recognised(write: Write, encoding: str, newline: str) -> None:
    text = (HEADER + "T1,路灯不亮,望江路路灯坏了,2018-01-01,市城管局\nT2,噪音,半夜施工,2018-01-02,住建局\n").replace(
        "\n", newline
    )
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-bom" else text.encode(encoding)
    rows, rejects = read(write("a.csv", data))
    assert not rejects
    assert [row.appeal.content for row in rows] == ["望江路路灯坏了", "半夜施工"]
    assert [row.warnings for row in rows] == [(), ()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_recognised_even_when_the_text_is_full_of_commas(write: Write, delimiter: str) -> None:
    rows, rejects = read(write("a.csv", f'编号{delimiter}内容\n1{delimiter}"a,b,c;d,e"\n'))
    assert not rejects
    assert rows[0].appeal.content == "a,b,c;d,e"


def test_numbers_count_rows_and_the_physical_line_is_kept_beside(write: Write) -> None:
    rows, rejects = read(write("a.csv", '编号,内容\n1,"第一行\n第二行"\n\n2,乙\n2,丙\n'))
    assert [(row.number, row.line, row.appeal.content) for row in rows] == [(2, 2, "第一行\n第二行"), (4, 5, "乙")]
    assert rejects[0].number == 5
    assert rejects[0].reason.startswith("第 5 行（文件第 6 行起）「编号」与前面的行重复（编号重复）")


def test_a_title_row_above_the_header_is_tolerated(write: Write) -> None:
    rows, rejects = read(write("a.csv", "某市热线工单表,,\n编号,内容,时间\n1,漏水,2018-01-01\n"))
    assert not rejects
    assert rows[0].number == 3
    assert rows[0].appeal.content == "漏水"


def test_a_row_without_id_gets_one_from_its_number_and_the_texts_stay_raw(write: Write) -> None:
    rows, _ = read(write("a.csv", "编号,内容\n,  漏水　\nNULL,停电\n"))
    assert [row.appeal.id for row in rows] == ["row-2", "row-3"]
    assert rows[0].appeal.content == "  漏水　"


def test_a_made_id_never_collides_with_a_given_one(write: Write) -> None:
    rows, rejects = read(write("a.csv", "编号,内容\nrow-3,漏水\n,停电\n"))
    assert not rejects
    assert [row.appeal.id for row in rows] == ["row-3", "row-3-1"]


def test_the_earlier_of_two_times_wins(write: Write) -> None:
    lines = ["1,a,2018/1/5 9:00:00,2018-01-01", "2,b,2018/1/1 9:00:00,2018-01-01", "3,c,,2018-01-01"]
    rows, _ = read(write("a.csv", "\n".join(["id,content,created_at,created_date", *lines])))
    assert [row.appeal.created_at for row in rows] == [
        datetime(2018, 1, 1, tzinfo=CHINA),
        datetime(2018, 1, 1, 9, tzinfo=CHINA),
        datetime(2018, 1, 1, tzinfo=CHINA),
    ]


def test_an_unreadable_time_costs_a_warning_not_the_row(write: Write) -> None:
    rows, rejects = read(write("a.csv", "编号,内容,时间\n1,漏水,01/02/2018\n"))
    assert not rejects
    assert rows[0].appeal.created_at is None
    assert rows[0].warnings == ("时间无法识别，按无时间处理",)


def test_replies_and_status_are_never_input(write: Write) -> None:
    rows, _ = read(write("a.csv", "id,content,reply,closing_note,status,last_update\n1,漏水,已修,满意,办结,昨日\n"))
    assert rows[0].appeal.content == "漏水"
    assert rows[0].appeal.title == rows[0].appeal.address == ""
    assert rows[0].fields["reply"] == "已修"


def test_a_column_can_be_mapped_by_hand(write: Write) -> None:
    rows, _ = read(write("a.csv", "k,v\n1,漏水\n"), columns={"content": "v", "id": "k"})
    assert (rows[0].appeal.id, rows[0].appeal.content) == ("1", "漏水")


def test_repeated_and_blank_headers_lose_no_column(write: Write) -> None:
    rows, _ = read(write("a.csv", "编号,内容,备注,,备注\n1,漏水,a,b,c\n"))
    assert dict(rows[0].fields) == {"编号": "1", "内容": "漏水", "备注": "a", "列4": "b", "备注_2": "c"}


def test_jsonl_values_come_back_decoded_and_as_json_text(write: Write) -> None:
    line = {"id": 7, "content": "漏水", "factors": ["反复未决"], "emergency": True, "unit": None, "time": "2018-01-01"}
    rows, rejects = read(write("a.jsonl", "\ufeff" + json.dumps(line, ensure_ascii=False) + "\n\n"))
    assert not rejects
    (row,) = rows
    assert row.appeal.id == "7"
    assert row.fields["factors"] == '["反复未决"]'
    assert row.value("factors") == ["反复未决"]
    assert row.value("emergency") is True
    assert row.fields["unit"] == ""


def test_jsonl_objects_may_leave_fields_out(write: Write) -> None:
    rows, rejects = read(
        write("a.ndjson", '{"id":"1","text":"漏水"}\n{"ticket_id":"2","content":"停电","address":"望江路"}\n')
    )
    assert not rejects
    assert [(row.appeal.id, row.appeal.content, row.appeal.address) for row in rows] == [
        ("1", "漏水", ""),
        ("2", "停电", "望江路"),
    ]


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        assert sheet is not None
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_with_typed_cells_and_a_title_row(tmp_path: Path) -> None:
    table: list[list[object]] = [
        ["热线工单表"],
        ["工单编号", "诉求内容", "来电时间", "风险等级"],
        [20180101001.0, "漏水", datetime(2018, 1, 1, 10, 7, 1), 3],  # noqa: DTZ001
        [None, None, None, None],
        ["T2", "停电", 43101, None],
    ]
    rows, rejects = read(workbook(tmp_path / "a.xlsx", [["封面"]], table))
    assert not rejects
    assert [(row.number, row.appeal.id, row.appeal.content, row.text("risk")) for row in rows] == [
        (3, "20180101001", "漏水", "3"),
        (5, "T2", "停电", ""),
    ]
    assert rows[0].appeal.created_at == datetime(2018, 1, 1, 10, 7, 1, tzinfo=CHINA)
    assert rows[1].appeal.created_at == datetime(2018, 1, 1, tzinfo=CHINA)


def test_rows_and_rejects_together_are_all_rows(write: Write) -> None:
    lines = [f"{n % 90},{'漏水' if n % 7 else ''}" + (",多余" if n % 11 == 0 else "") for n in range(200)]
    rows, rejects = read(write("a.csv", "编号,内容\n" + "\n".join(lines) + "\n"))
    assert sorted([row.number for row in rows] + [reject.number for reject in rejects]) == list(range(2, 202))


def test_any_table_can_be_read_without_a_content_column(write: Write) -> None:
    path = write("units.csv", "名称;层级;职责\n城管局;市;占道,路灯,井盖\n")
    assert [dict(record.fields) for record in read_records(path)] == [
        {"名称": "城管局", "层级": "市", "职责": "占道,路灯,井盖"}
    ]
    with pytest.raises(InputError, match="没有找到承办单位列"):
        list(read_records(path, required=("unit",)))


CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(table=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back_exactly(tmp_path: Path, table: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("编号", "内容", "备注"), *((str(n), *cells) for n, cells in enumerate(table))])
    path = tmp_path / "a.csv"
    path.write_bytes(text.getvalue().encode())
    assert [tuple(record.fields.values())[1:] for record in read_records(path)] == table


def test_a_large_csv_never_sits_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8") as handle:
        handle.write("编号,内容\n")
        for number in range(12_000):
            handle.write(f'T{number},"{"望江路积水，" * 140}"\n')
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_rows(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 12_000
    assert peak < 6_000_000


def test_a_cell_limit_can_be_set(write: Write) -> None:
    rows, rejects = read(write("a.csv", "编号,内容\n1,漏水漏水\n2,漏\n"), limits=Limits(cell_chars=3))
    assert [row.appeal.id for row in rows] == ["2"]
    assert rejects[0].reason == "第 2 行「内容」有 4 个字符，超过 3 的上限；请截短或拆成几件"
    assert (rejects[0].field, rejects[0].id) == ("内容", "1")
