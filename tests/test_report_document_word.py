"""Reports as Word documents, and the templates that an office may put in the place of ours."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import docx
import pytest
from fontTools.ttLib import TTFont

from tests.report_pages import made, parts, words
from tests.report_samples import TITLES, empty_report, full_report
from triage.errors import InputError
from triage.reports.documents import render, write
from triage.reports.documents.docx import default_template
from triage.reports.documents.docx_fonts import obfuscated
from triage.reports.documents.docx_template import MOST_BYTES, TemplateRefusedError, check_template
from triage.reports.documents.font import SANS
from triage.reports.documents.templates.__main__ import DAY, REPORT, template

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
KINDS = ("day", "week", "month", "quarter")


def own_template(*lines: str, table: bool = False) -> bytes:
    """What an office makes in Word: some paragraphs with placeholders."""
    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    if table:
        document.add_table(1, 1).cell(0, 0).text = "共{{ total }}件"
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def changed(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The archive with one part changed or added."""
    files = parts(data)
    files[name] = change(files.get(name, b""))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in files.items():
            archive.writestr(each, content)
    return written.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", ["full", "empty", "hostile"])
def test_a_document_opens_and_every_part_of_it_is_well_formed(kind: str, content: str) -> None:
    data = made(kind, "docx", content=content)
    document = docx.Document(io.BytesIO(data))
    assert document.paragraphs
    for name, part in parts(data).items():
        if name.endswith((".xml", ".rels")):
            ET.fromstring(part)


def test_a_document_says_what_the_report_says() -> None:
    report = full_report("week")
    text = words(made("week", "docx"))
    for line in (
        report.title,
        f"（{report.issue}）",
        *report.summary,
        "一、总体情况",
        "（三）未办结红橙诉求",
        TITLES[0],
    ):
        assert line in text
    assert f"{report.office}\n" in text or report.office in text


def test_headings_are_headings_so_that_the_outline_shows_them() -> None:
    document = docx.Document(io.BytesIO(made("week", "docx")))
    first = [each.text for each in document.paragraphs if each.style and each.style.style_id == "Heading1"]
    assert first[0] == "一、总体情况"
    assert first[-1] == "十、数据说明"


def test_tables_repeat_their_header_and_fill_the_page_width() -> None:
    tree = ET.fromstring(parts(made("month", "docx"))["word/document.xml"])
    tables = list(tree.iter(f"{W}tbl"))
    assert len(tables) > 8
    for table in tables:
        first = table.find(f"{W}tr")
        assert first is not None
        assert first.find(f"{W}trPr/{W}tblHeader") is not None
        widths = [int(column.get(f"{W}w", "0")) for column in table.iter(f"{W}gridCol")]
        assert abs(sum(widths) - 160 * 1440 / 25.4) < 40


def test_pages_are_numbered_between_dashes() -> None:
    footers = [part.decode() for name, part in parts(made("week", "docx")).items() if "footer" in name]
    assert any("— " in each and " PAGE " in each and " —" in each for each in footers)


def test_the_fonts_of_official_documents_are_named_and_the_shipped_ones_come_along() -> None:
    files = parts(made("week", "docx"))
    table = files["word/fontTable.xml"].decode()
    styles = files["word/styles.xml"].decode()
    for name in ("方正小标宋简体", "仿宋", "黑体", "楷体", "宋体"):
        assert f'w:eastAsia="{name}"' in styles
        assert re.search(rf'<w:font w:name="{name}">.*?w:embedRegular', table)
    assert 'w:eastAsia="zh-CN"' in styles


def test_an_embedded_font_has_every_letter_of_the_document() -> None:
    data = made("week", "docx")
    files = parts(data)
    key = re.search(rf'w:name="{SANS.family}".*?w:fontKey="{{([^}}]+)}}"', files["word/fontTable.xml"].decode())
    assert key
    hidden = files[f"word/fonts/{SANS.postscript}.odttf"]
    assert hidden[:4] != b"\0\1\0\0"
    font = TTFont(io.BytesIO(obfuscated(hidden, uuid.UUID(key[1]))))
    assert {ord(letter) for letter in words(data) if letter != "\n"} <= set(font.getBestCmap())


@pytest.mark.parametrize("content", ["full", "hostile"])
def test_the_same_report_gives_the_same_document(content: str) -> None:
    from tests.report_pages import hostile

    again = full_report("week", say=hostile) if content == "hostile" else full_report("week")
    assert render(again, "docx") == made("week", "docx", content=content)


def test_hostile_words_stay_words() -> None:
    files = parts(made("week", "docx", content="hostile"))
    text = words(made("week", "docx", content="hostile"))
    assert "&lt;script&gt;" in text
    assert "{{ 7*7 }}" in text
    body = files["word/document.xml"].decode()
    assert "<script" not in body
    assert "instrText" not in body
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", body)
    assert not [name for name, part in files.items() if name.endswith(".rels") and b"evil.example" in part]


@pytest.mark.parametrize(("name", "page"), [("report.docx", REPORT), ("day.docx", DAY)])
def test_the_shipped_templates_are_what_their_program_writes(name: str, page: Any) -> None:
    shipped = default_template("day" if page is DAY else "week")
    assert parts(shipped) == parts(template(page)), name


def test_an_office_can_put_its_own_template_in_place() -> None:
    own = own_template(
        "某市热线中心", "{{ title }} {{ issue }}", "{{p section.events }}", "抄送：市政府办公室", table=True
    )
    text = words(render(full_report("week"), "docx", template=own))
    assert text.index("某市热线中心") < text.index("2026年第38期") < text.index("五、热点事件") < text.index("抄送")
    assert "共486件" in text
    assert "风险预警" not in text


def test_a_template_may_show_a_line_only_where_there_is_something_to_say() -> None:
    own = own_template("{%p if office %}", "编制单位：{{ office }}", "{%p endif %}", "{{p body }}")
    assert "编制单位：南汀市" in words(render(full_report("week"), "docx", template=own))
    assert "编制单位" not in words(render(empty_report("week"), "docx", template=own))


def test_a_template_without_our_styles_gets_them_and_keeps_its_own() -> None:
    styles = parts(render(full_report("week"), "docx", template=own_template("{{p body }}")))[
        "word/styles.xml"
    ].decode()
    assert 'w:styleId="ReportCell"' in styles
    assert styles.count('w:styleId="Heading1"') == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{{ titel }}", "titel"),
        ("{{ title.__class__ }}", "__class__"),
        ("{{ section.secrets }}", "secrets"),
        ("{{ ''.__class__.__mro__ }}", "__mro__|名称"),
        ("{% for a in title %}x{% endfor %}", "循环"),
        ("{{ 'a' * 1000000000 }}", "运算"),
        ("{{ 9**9**9 }}", "运算"),
        ("{{ range(999999999) }}", "调用"),
        ("{{ lipsum() }}", "调用"),
        ("{{ cycler.__init__.__globals__ }}", "__globals__|调用|名称"),
        ("{% include '/etc/passwd' %}", "循环|运算"),
        ("{% import 'os' as os %}", "循环|运算"),
        ("{% set title = 1 %}", "运算"),
        ("{% macro a() %}{% endmacro %}", "运算"),
        ("{{ title|attr('x') }}", "花括号|运算"),
        ("{{ title", "花括号"),
        ("{% if title %}", "花括号"),
        ("{{ title[0] }}", "运算"),
    ],
)
def test_a_template_can_name_things_and_do_nothing_else(line: str, told: str) -> None:
    with pytest.raises(TemplateRefusedError, match=told):
        render(empty_report("week"), "docx", template=own_template(line, "{{p body }}"))


DOCTYPE = b'<!DOCTYPE a [<!ENTITY x "y">]>'
REMOTE = (
    b'<Relationship Id="r9" Type="x/image" Target="http://evil.example/a.png" TargetMode="External"/></Relationships>'
)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("word/vbaProject.bin", lambda _: b"macro", "宏"),
        ("word/embeddings/oleObject1.bin", lambda _: b"object", "嵌入对象"),
        ("word/activeX/activeX1.xml", lambda _: b"<a/>", "控件"),
        ("word/document.xml", lambda text: text.replace(b"<w:document", DOCTYPE + b"<w:document", 1), "DOCTYPE"),
        ("word/_rels/document.xml.rels", lambda text: text.replace(b"</Relationships>", REMOTE), "网络地址"),
        (
            "word/document.xml",
            lambda text: text.replace(
                b"<w:body>", b"<w:body><w:p><w:r><w:instrText>DDEAUTO c:\\\\x</w:instrText></w:r></w:p>"
            ),
            "DDE",
        ),
        ("word/big.xml", lambda _: b"0" * (50 << 20), "压缩炸弹"),
        ("word/document.xml", lambda _: b"<w:document", "损坏"),
    ],
)
def test_a_hostile_template_is_refused_with_a_clear_word(
    name: str, change: Callable[[bytes], bytes], told: str
) -> None:
    hostile = changed(own_template("{{p body }}"), name, change)
    with pytest.raises(TemplateRefusedError, match=told):
        render(empty_report("week"), "docx", template=hostile)


@pytest.mark.parametrize("data", [b"", b"not a document", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_word_document_is_refused(data: bytes) -> None:
    with pytest.raises(TemplateRefusedError, match="另存为"):
        check_template(data)


def test_a_template_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(TemplateRefusedError, match="20 MB"):
        check_template(b"0" * (MOST_BYTES + 1))


def test_a_link_in_a_template_is_harmless_and_stays() -> None:
    link = (
        b'<Relationship Id="r9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" '
        b'Target="https://www.gov.cn/" TargetMode="External"/></Relationships>'
    )
    own = own_template("{{p body }}")
    check_template(changed(own, "word/_rels/document.xml.rels", lambda text: text.replace(b"</Relationships>", link)))


def test_a_template_that_is_not_there_is_named(tmp_path: Any) -> None:
    with pytest.raises(InputError, match=r"无法读取模板 .*缺失\.docx"):
        write(empty_report(), tmp_path / "a.docx", template=tmp_path / "缺失.docx")
