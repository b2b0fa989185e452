"""Files that are broken, hostile or not what their name says: each is answered, none of its good rows is lost."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.errors import InputError, OutputError
from triage.io.readers import Limits, Reject, Row, read_rows
from triage.io.writers import RejectWriter

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def read(path: Path, limits: Limits | None = None) -> tuple[list[Row], list[Reject]]:
    rejects: list[Reject] = []
    return list(read_rows(path, on_reject=rejects.append, limits=limits or Limits())), rejects


def small_workbook() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["编号", "内容"])
    book.active.append(["1", "漏水"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def with_part(name: str, content: bytes) -> bytes:
    """A small workbook with one part replaced or added."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(small_workbook())) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.namelist():
            if entry != name:
                target.writestr(entry, source.read(entry))
        target.writestr(name, content)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SHEET_XML = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "是空文件"),
        ("a.csv", b"\n \n", "是空文件"),
        ("a.csv", b"\xef\xbb\xbf", "没有内容"),
        ("a.jsonl", b"", "是空文件"),
        ("a.xlsx", b"", "是空文件"),
        ("a.csv", "编号,内容\n".encode(), "只有表头，没有数据行"),
        ("a.csv", "编号,备注\n1,漏水\n".encode(), "没有找到诉求内容列；请用 --column content=列名 .*：编号、备注"),
        ("a.jsonl", '{"编号":1,"备注":"漏水"}\n'.encode(), "没有找到诉求内容列"),
        ("a.txt", b"x", "不支持 .txt 文件，可读 .csv、.tsv、.xlsx"),
        ("a.xls", b"x", "请在 Excel 中另存为 .xlsx"),
        ("a", b"x", "不支持 无扩展名的 文件"),
        ("a.csv", small_workbook(), "内容是 Excel 工作簿（或压缩包）；请把扩展名改为 .xlsx"),
        ("a.xlsx", "编号,内容\n1,漏水\n".encode(), "内容不是 Excel 工作簿；若是文本请把扩展名改为 .csv"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "旧版或加密的 Excel"),
        ("a.csv", bytes(range(256)) * 8 + bytes(4000), "不是文本文件"),
        ("a.csv", "编号,内容\n1,漏水\n".encode("utf-16-le"), "不是文本文件"),
        ("a.xlsx", small_workbook()[:-200], "工作簿已损坏"),
        ("a.xlsx", small_workbook()[:40], "工作簿已损坏"),
        ("a.xlsx", with_part(SHEET, b"<worksheet><sheetData>"), "工作簿已损坏"),
        ("a.xlsx", with_part(SHEET, b"no xml"), "工作簿已损坏"),
        ("a.xlsx", with_part("xl/workbook.xml", b"<workbook/>"), "工作簿已损坏|没有内容"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_the_remedy(
    write: Write, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(write(name, content))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dir.csv").mkdir()
    for name in ("none.csv", "dir.csv"):
        with pytest.raises(InputError, match="找不到文件"):
            read(tmp_path / name)


@pytest.mark.parametrize("newline", ["", "\n"])
def test_a_cell_of_a_megabyte_rejects_its_row_only(write: Write, newline: str) -> None:
    cell = ("漏水" * 50 + newline) * 10_000
    rows, rejects = read(write("a.csv", f'编号,内容\n1,甲\n2,"{cell}"\n3,乙\n'))
    assert [row.appeal.id for row in rows] == ["1", "3"]
    (reject,) = rejects
    assert (reject.number, reject.field, reject.id) == (3, "内容", "2")
    assert "超过 100000 的上限" in reject.reason
    assert "漏水" not in reject.reason
    assert "漏水" not in repr(reject)


def test_a_row_longer_than_any_record_is_skipped_unread(write: Write) -> None:
    limits = Limits(record_bytes=1 << 20)
    for content in ("编号,内容\n1,{}\n2,乙\n", '{{"id":1,"content":"{}"}}\n{{"id":2,"content":"乙"}}\n'):
        name = "a.csv" if content[0] == "编" else "a.jsonl"
        rows, rejects = read(write(name, content.format("x" * 3_000_000)), limits)
        assert [row.appeal.id for row in rows] == ["2"]
        assert "超过 1 MB" in rejects[0].reason


def test_ten_thousand_emoji_are_an_ordinary_text(write: Write) -> None:
    rows, rejects = read(write("a.csv", f"编号,内容\n1,{'😡' * 10_000}\n"))
    assert not rejects
    assert rows[0].appeal.content == "😡" * 10_000


def test_nul_bytes_are_removed_with_a_warning(write: Write) -> None:
    rows, rejects = read(write("a.csv", "编号,内容\n1,漏\0水\n2,停电\n"))
    assert not rejects
    assert [row.appeal.content for row in rows] == ["漏水", "停电"]
    assert rows[0].warnings == ("已去除空字符（NUL）",)


def test_rows_of_another_encoding_are_read_by_their_own(write: Write) -> None:
    good = "".join(f"{n},望江路漏水\n" for n in range(5)).encode()
    strange = "90,龙华区停电,路灯\n".replace(",路灯", "").encode("gb18030")
    rows, rejects = read(write("a.csv", "编号,内容\n".encode() + good + strange + "91,乙\n".encode()))
    assert not rejects
    assert [row.appeal.content for row in rows[-2:]] == ["龙华区停电", "乙"]
    assert rows[-2].warnings == ("编码与全文不一致，已按该行自身的编码读取",)
    assert rows[-1].warnings == ()
    mostly_gb = "编号,内容\n".encode("gb18030") + "1,龙华区停电\n2,望江路\n".encode("gb18030") + "3,漏水了\n".encode()
    rows, rejects = read(write("b.csv", mostly_gb))
    assert not rejects
    assert [row.appeal.content for row in rows] == ["龙华区停电", "望江路", "漏水了"]
    assert rows[2].warnings


def test_a_cell_with_lost_bytes_is_rejected_and_not_turned_into_nonsense(write: Write) -> None:
    damaged = b"2," + "望江路漏水三天了".encode()[:-1] + b"\n"
    rows, rejects = read(write("a.csv", "编号,内容\n1,甲\n".encode() + damaged + "3,乙\n".encode()))
    assert [row.appeal.id for row in rows] == ["1", "3"]
    assert rejects[0].reason == "第 3 行「内容」含有无法解码的字节；请以 UTF-8 重新导出该行"


def test_the_later_of_two_equal_ids_is_rejected(write: Write) -> None:
    rows, rejects = read(write("a.csv", "编号,内容\nT1,甲\n T1 ,乙\nT1,甲\n"))
    assert [row.appeal.content for row in rows] == ["甲"]
    assert [(reject.number, reject.id) for reject in rejects] == [(3, "T1"), (4, "T1")]
    assert "编号重复" in rejects[0].reason


def test_an_id_that_excel_has_rounded_is_pointed_out(write: Write) -> None:
    rows, _ = read(write("a.csv", "编号,内容\n2.01801E+14,甲\n"))
    assert rows[0].warnings == ("编号呈科学计数法，可能已被 Excel 截断",)


def test_a_row_without_any_text_is_rejected_unless_it_has_a_title(write: Write) -> None:
    rows, rejects = read(write("a.csv", "编号,标题,内容\n1,,\n2,漏水,\n3,　,\u200b\n"))
    assert [row.appeal.id for row in rows] == ["2"]
    assert [reject.reason for reject in rejects] == [
        "第 2 行「内容」为空，标题也为空；请至少填写一项",
        "第 4 行「内容」为空，标题也为空；请至少填写一项",
    ]


def test_a_row_with_too_many_or_too_few_cells_is_rejected_but_trailing_delimiters_are_not(write: Write) -> None:
    rows, rejects = read(write("a.csv", "编号,内容\n1,甲,乙\n2\n3,丙,,\n"))
    assert [row.appeal.id for row in rows] == ["3"]
    assert [reject.reason for reject in rejects] == [
        "第 2 行有 3 个单元格，表头有 2 个；请检查分隔符和引号",
        "第 3 行有 1 个单元格，表头有 2 个；请检查分隔符和引号",
    ]
    assert rejects[0].cells == ("1", "甲", "乙")


def test_a_quote_that_never_closes_costs_its_own_row_only(write: Write) -> None:
    rows, rejects = read(write("a.csv", '编号,内容\n1,甲\n2,"没有闭合\n3,乙\n4,丙\n'))
    assert [row.appeal.id for row in rows] == ["1", "3", "4"]
    assert rejects[0].reason == "第 3 行的引号没有闭合；请补上引号，或把单元格内的引号写成两个"


def test_a_stray_quote_does_not_swallow_the_next_row(write: Write) -> None:
    rows, rejects = read(write("a.csv", '编号,内容,备注\n1,"开头,x\n2,"乙",y\n3,丙,z\n'))
    assert [row.appeal.id for row in rows] == ["2", "3"]
    assert rejects[0].reason.startswith("第 2 行的引号没有闭合")


def test_rows_joined_by_quotes_are_named_together(write: Write) -> None:
    rows, rejects = read(write("a.csv", '编号,内容\n1,"开头,x\n2,乙",y\n3,丙\n'))
    assert [row.appeal.id for row in rows] == ["3"]
    assert "文件第 2 至 3 行因引号连成一行" in rejects[0].reason


def test_a_file_of_open_quotes_is_given_up_instead_of_read_for_ever(write: Write) -> None:
    lines = ('1,"没有闭合\n' + "2,乙\n" * 100) * 50
    with pytest.raises(InputError, match="多处引号没有闭合"):
        read(write("a.csv", "编号,内容\n" + lines), Limits(record_bytes=10_000))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": 1, "content": "漏水"', "不是有效的 JSON"),
        ("[1, 2]", "不是 JSON 对象"),
        ('"漏水"', "不是 JSON 对象"),
        ("[" * 100_000, "不是有效的 JSON"),
        ('{"id":1,"content":' + "9" * 10_000 + "}", "不是有效的 JSON"),
        ('{"id": 1, "content": ["漏水"]}', "「content」不是文本"),
        ('{"id": 1, "title": "", "content": null}', "为空，标题也为空"),
    ],
)
def test_a_bad_line_of_jsonl_is_rejected_with_its_raw_text(write: Write, line: str, message: str) -> None:
    rows, rejects = read(write("a.jsonl", '{"id":0,"content":"甲"}\n' + line + '\n{"id":9,"content":"乙"}\n'))
    assert [row.appeal.id for row in rows] == ["0", "9"]
    (reject,) = rejects
    assert reject.number == 2
    assert message in reject.reason
    assert "漏水" not in reject.reason
    assert reject.header == ("原始行",)


def test_half_an_emoji_in_jsonl_is_replaced_with_a_warning(write: Write) -> None:
    rows, _ = read(write("a.jsonl", '{"id":1,"content":"漏水\\ud83d"}\n'))
    assert rows[0].appeal.content == "漏水\ufffd"
    assert rows[0].warnings == ("含有半个字符，已用“\ufffd”代替",)
    json.dumps(rows[0].appeal.content, ensure_ascii=False).encode()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(write: Write) -> None:
    with pytest.raises(InputError, match="疑似压缩炸弹"):
        read(write("a.xlsx", with_part(SHEET, b"<worksheet>" + b" " * 30_000_000)))
    with pytest.raises(InputError, match="解压后有 2 MB，超过 1 MB 的上限"):
        read(write("a.xlsx", with_part("xl/media/x.bin", os.urandom(2 << 20))), Limits(xlsx_uncompressed=1 << 20))
    with pytest.raises(InputError, match="个部件，超过 5 个的上限"):
        read(write("a.xlsx", small_workbook()), Limits(xlsx_entries=5))


def test_an_entity_bomb_in_a_sheet_is_refused_in_any_encoding(write: Write) -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "漏水"><!ENTITY b "&a;&a;&a;">]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row>'
    for encoding in ("utf-8", "utf-16"):
        xml = f'<?xml version="1.0" encoding="{encoding}"?><!-- -->{entities}' + SHEET_XML.format(cell)
        with pytest.raises(InputError, match="DOCTYPE"):
            read(write("a.xlsx", with_part(SHEET, xml.encode(encoding))))


def test_a_sheet_that_claims_a_row_beyond_excel_is_refused_and_not_padded(write: Write) -> None:
    def row(number: int, *cells: str) -> str:
        inline = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
        return f'<row r="{number}">{inline}</row>'

    body = row(1, "编号", "内容") + row(2, "1", "漏水") + row(10**12, "2", "停电")
    with pytest.raises(InputError, match="超过 1048576 行"):
        read(write("a.xlsx", with_part(SHEET, SHEET_XML.format(body).encode())))


def test_a_wrong_dimension_hides_no_rows(write: Write) -> None:
    with zipfile.ZipFile(io.BytesIO(small_workbook())) as source:
        xml = source.read(SHEET).replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1"')
    assert b'ref="A1"' in xml
    rows, _ = read(write("a.xlsx", with_part(SHEET, xml)))
    assert [row.appeal.content for row in rows] == ["漏水"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.binary(max_size=300), name=st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.xlsx"]))
def test_any_bytes_give_rows_rejects_or_an_input_error(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((b"id,content\n" if name.endswith("sv") else b"") + data)
    try:
        rows, rejects = read(path)
    except InputError:
        return
    assert rows or rejects
    for row in rows:
        row.appeal.content.encode()
    for reject in rejects:
        "".join((reject.reason, *reject.cells)).encode()


def test_the_rejects_file_can_be_mended_and_read_again(write: Write, tmp_path: Path) -> None:
    source = write("a.csv", "编号,标题,内容,时间\n1,漏水,甲,2018-01-01\n1,停电,=乙,2018-01-02\n2,,,2018-01-03\n")
    target = tmp_path / "rejects.csv"
    with RejectWriter(target) as writer:
        rows = list(read_rows(source, on_reject=writer.write))
    assert (len(rows), writer.count) == (1, 2)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    text = target.read_text("utf-8-sig").splitlines()
    assert text[0] == '"行号","字段","原因","原编号","编号","标题","内容","时间"'
    assert text[1].startswith('3,"编号","第 3 行「编号」与前面的行重复')
    assert text[1].endswith('"1","1","停电","\'=乙","2018-01-02"')
    target.write_text(target.read_text("utf-8-sig").replace('"1","1","停电"', '"1","3","停电"'), "utf-8")
    mended, rejects = read(target)
    assert [(row.appeal.id, row.appeal.title) for row in mended] == [("3", "停电")]
    assert len(rejects) == 1


def test_a_rejects_file_of_a_clean_run_is_a_header_and_other_suffixes_are_refused(tmp_path: Path) -> None:
    with RejectWriter(tmp_path / "rejects.csv"):
        pass
    assert (tmp_path / "rejects.csv").read_text("utf-8-sig").strip() == '"行号","字段","原因","编号"'
    with pytest.raises(OutputError, match="退回清单只能是"):
        RejectWriter(tmp_path / "rejects.xlsx")
