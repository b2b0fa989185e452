"""Reports as web page and PDF: what they contain, and that no text can break out of its place."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zlib
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.report_pages import made
from tests.report_samples import DISTRICTS, TITLES, empty_report, full_report
from triage.errors import OutputError
from triage.reports.documents import pdf, render, write

KINDS = ("day", "week", "month", "quarter")


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, source: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(source.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_says_what_the_report_says(kind: str) -> None:
    page = Page(made(kind, "html"))
    report = full_report(kind)
    for text in (report.title, report.issue, report.office, "2026年10月9日", TITLES[0], *report.summary):
        assert text in page.text


def test_a_week_has_every_section_numbered_in_order() -> None:
    headings = re.findall(r"<h2>([一二三四五六七八九十]+)、([^<]+)</h2>", made("week", "html").decode())
    assert [number for number, _ in headings] == list("一二三四五六七八九十")
    assert [title for _, title in headings] == [
        "总体情况",
        "诉求类别分析",
        "区域分布",
        "承办单位情况",
        "热点事件",
        "话题与苗头",
        "高频诉求",
        "风险预警",
        "督办事项",
        "数据说明",
    ]
    assert "（一）新增红橙诉求" in made("week", "html").decode()


@pytest.mark.parametrize("kind", ["month", "quarter"])
def test_month_and_quarter_have_the_assessment_with_its_formula(kind: str) -> None:
    text = Page(made(kind, "html")).text
    assert "考核情况" in text
    assert "得分＝响应率×10" in text
    assert "不足10件，不参与排名"[:8] in text


def test_every_district_stands_in_the_heat_table() -> None:
    page = made("week", "html").decode()
    heat = page[page.index("热力表") :]
    heat = heat[: heat.index("</table>")]
    assert all(f">{name}</td>" in heat for name in DISTRICTS)
    assert set(re.findall(r"heat-(\d)", heat)) == set("123456")


@pytest.mark.parametrize("content", ["full", "empty", "hostile"])
def test_a_page_loads_nothing_and_runs_nothing(content: str) -> None:
    source = made("week", "html", content=content)
    page = Page(source)
    assert not {"script", "img", "iframe", "link", "object", "embed", "form", "a"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("style", "href", "src")]
    assert b"url(http" not in source
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', source.decode())
    assert policy
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_the_style_has_the_hash_that_the_policy_allows() -> None:
    source = made("week", "html").decode()
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    allowed = re.search(r"style-src 'sha256-([^']+)'", source)
    assert style
    assert allowed
    assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() == allowed[1]


def test_columns_fill_the_width_and_no_more() -> None:
    groups = re.findall(r"<colgroup>(.*?)</colgroup>", made("month", "html").decode())
    assert groups
    assert {sum(map(int, re.findall(r"w(\d+)", group))) for group in groups} == {100}


def test_hostile_words_are_shown_as_words() -> None:
    text = Page(made("week", "html", content="hostile")).text
    assert "{{ 7*7 }}" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_period_gives_a_short_document_without_tables(kind: str) -> None:
    page = Page(render(empty_report(kind), "html"))
    assert "table" not in page.tags
    assert "没有受理诉求" in page.text


def test_the_same_report_gives_the_same_page() -> None:
    assert render(full_report("week"), "html") == made("week", "html")


@pytest.fixture(scope="module")
def typesetter() -> None:
    """PDF needs the system library Pango; with CI set its absence is a failure."""
    try:
        render(empty_report("day"), "pdf")
    except pdf.PdfUnavailableError:
        reason = "Pango is missing: apt install libpango-1.0-0 libpangoft2-1.0-0"
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            pytest.fail(reason)
        pytest.skip(reason)


def objects(data: bytes) -> bytes:
    """A PDF with the streams that hold its objects unpacked."""
    found = [data]
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        with suppress(zlib.error):
            found.append(zlib.decompress(packed))
    return b"\n".join(found)


def pages(data: bytes) -> int:
    return len(re.findall(rb"/Type ?/Page\b", objects(data)))


def fonts(data: bytes) -> set[str]:
    """The base fonts, without the six letters that mark a subset: what ``pdffonts`` lists."""
    return {name.decode() for name in re.findall(rb"/BaseFont ?/[A-Z]{6}\+([^\s/>]+)", objects(data))}


@pytest.mark.usefixtures("typesetter")
@pytest.mark.parametrize("content", ["full", "hostile", "empty"])
def test_a_pdf_holds_the_shipped_simplified_fonts_and_no_other(content: str) -> None:
    found = fonts(made("day", "pdf", content=content))
    assert "Noto-Sans-SC" in found
    assert found <= {"Noto-Sans-SC", "Noto-Serif-SC"}


@pytest.mark.usefixtures("typesetter")
@pytest.mark.parametrize("content", ["full", "hostile", "wordy", "empty"])
def test_a_day_report_is_one_page(content: str) -> None:
    assert pages(made("day", "pdf", content=content)) == 1


@pytest.mark.usefixtures("typesetter")
def test_a_week_report_has_three_to_five_pages_and_is_the_same_twice() -> None:
    data = made("week", "pdf")
    assert 3 <= pages(data) <= 5
    assert data == render(full_report("week"), "pdf")


def test_without_pango_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise OSError(f"cannot load library {name}")

    monkeypatch.setattr(pdf, "import_module", missing)
    with pytest.raises(pdf.PdfUnavailableError, match=r"Pango.*apt install libpango-1\.0-0"):
        render(empty_report("day"), "pdf")


@pytest.mark.usefixtures("typesetter")
def test_a_pdf_is_refused_everything_but_what_it_brings_along(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    weasyprint: Any = pytest.importorskip("weasyprint")
    fetch = weasyprint.urls.URLFetcher.fetch

    def watched(self: Any, url: str, headers: Any = None) -> Any:
        asked.append(url[:30])
        return fetch(self, url, headers)

    monkeypatch.setattr(weasyprint.urls.URLFetcher, "fetch", watched)
    monkeypatch.setattr(
        pdf, "page", lambda *_, **__: '<img src="file:///etc/passwd"><link rel=stylesheet href="http://127.0.0.1:9/x">'
    )
    data = render(empty_report("day"), "pdf")
    assert data.startswith(b"%PDF")
    assert set(asked) == {"file:///etc/passwd", "http://127.0.0.1:9/x"}
    assert not re.search(rb"/Subtype ?/Image", objects(data))


def test_an_unknown_suffix_names_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.doc.*\.docx、\.html、\.xlsx、\.pdf"):
        write(empty_report(), tmp_path / "周报.doc")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    write(empty_report(), tmp_path / "周报.HTML")
    assert (tmp_path / "周报.HTML").read_bytes() == render(empty_report(), "html")
