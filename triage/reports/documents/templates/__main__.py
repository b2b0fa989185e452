"""``python -m triage.reports.documents.templates FOLDER``: writes the default Word templates.

They are ordinary documents: an office opens one in Word, changes fonts, margins, letterhead and texts, keeps the placeholders
it wants, and gives the file to ``triage report --template``.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

_RED = RGBColor(0xC8, 0x10, 0x2E)
_GREY = RGBColor(0x55, 0x55, 0x55)
_LATIN = "Times New Roman"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One paragraph style.

    Attributes:
        name: As Word shows it.
        font: East Asian font.
        size: In points.
        lead: Line spacing in points; 0 for single.
        before: Space above in points.
        after: Space below in points.
        indent: First line, in characters.
        align: ``left``, ``center`` or ``both``.
        keep: Stays with the next paragraph.
    """

    name: str
    font: str
    size: float
    lead: float = 0
    before: float = 0
    after: float = 0
    indent: int = 0
    align: str = "left"
    keep: bool = False
    colour: RGBColor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Margins in millimetres, and by how much all sizes differ from those of a week report."""

    top: float
    bottom: float
    left: float
    right: float
    factor: float


REPORT = Page(top=25, bottom=23, left=26, right=24, factor=1.0)
DAY = Page(top=14, bottom=14, left=22, right=22, factor=0.86)


def looks(page: Page) -> dict[str, Look]:
    """Return the styles by their ids."""
    f = page.factor
    return {
        "ReportTitle": Look(
            name="报告标题", font="方正小标宋简体", size=round(28 * f), after=2, align="center", colour=_RED
        ),
        "ReportIssue": Look(name="报告期号", font="仿宋", size=round(14 * f), after=4 * f, align="center"),
        "ReportPeriod": Look(
            name="报告周期", font="仿宋", size=11 * f, before=4 * f, after=5 * f, align="center", colour=_GREY
        ),
        "ReportSummary": Look(name="报告提要", font="楷体", size=12 * f, lead=19 * f, indent=2, align="both"),
        "Heading1": Look(name="Heading 1", font="黑体", size=14.5 * f, before=9 * f, after=3 * f, keep=True),
        "Heading2": Look(name="Heading 2", font="楷体", size=12.5 * f, before=5 * f, after=3 * f, keep=True),
        "Heading3": Look(name="Heading 3", font="仿宋", size=12 * f, before=4 * f, after=2 * f, keep=True),
        "ReportBody": Look(name="报告正文", font="仿宋", size=12 * f, lead=20 * f, after=2, indent=2, align="both"),
        "ReportCaption": Look(
            name="报告表题", font="黑体", size=10.5 * f, before=4 * f, after=2 * f, align="center", keep=True
        ),
        "ReportChart": Look(name="报告图", font="宋体", size=9 * f, before=2, align="center", keep=True),
        "ReportChartCaption": Look(name="报告图题", font="黑体", size=10.5 * f, after=5 * f, align="center"),
        "ReportCell": Look(name="报告表格", font="宋体", size=9.5 * f, before=0.6, after=0.6),
        "ReportCellSmall": Look(name="报告表格小字", font="宋体", size=8.5 * f, before=0.6, after=0.6),
        "ReportDetail": Look(name="报告明细", font="楷体", size=9 * f),
        "ReportNote": Look(name="报告注", font="宋体", size=9 * f, before=1, after=1, colour=_GREY),
        "ReportGap": Look(name="报告间隔", font="宋体", size=4, lead=5),
    }


def template(page: Page) -> bytes:
    """Return a template, the same bytes every time."""
    document: Any = Document()
    _set_page(document.sections[0], page)
    _set_fonts(document.styles["Normal"], "仿宋", 12 * page.factor)
    _set_language(document)
    for identifier, look in looks(page).items():
        _add_style(document, identifier, look)
    _write_head(document, page)
    document.add_paragraph("{{p body }}", style=document.styles["报告正文"])
    _write_footer(document.sections[0])
    properties = document.core_properties
    properties.author = properties.last_modified_by = properties.comments = ""
    properties.title = "{{ title }}　{{ issue }}"
    properties.created = properties.modified = datetime(2026, 1, 1)  # noqa: DTZ001  # Word's times carry no zone
    written = io.BytesIO()
    document.save(written)
    return _fixed(written.getvalue())


def _set_page(section: Any, page: Page) -> None:
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(page.top), Mm(page.bottom)
    section.left_margin, section.right_margin = Mm(page.left), Mm(page.right)
    section.header_distance, section.footer_distance = Mm(10), Mm(9 if page is DAY else 13)


def _set_fonts(style: Any, font: str, size: float, *, latin: str = _LATIN) -> None:
    style.font.name, style.font.size = latin, Pt(round(2 * size) / 2)
    style.font.bold = style.font.italic = False
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for script, name in (("ascii", latin), ("hAnsi", latin), ("cs", latin), ("eastAsia", font)):
        fonts.set(qn(f"w:{script}"), name)


def _set_language(document: Any) -> None:
    """Say that the text is simplified Chinese, or programs choose Japanese forms of the characters."""
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-US")
        language.set(qn("w:eastAsia"), "zh-CN")
    settings = document.settings.element
    for language in settings.findall(qn("w:themeFontLang")):
        language.set(qn("w:eastAsia"), "zh-CN")


def _add_style(document: Any, identifier: str, look: Look) -> None:
    if look.name in [style.name for style in document.styles]:
        style = document.styles[look.name]
    else:
        style = document.styles.add_style(look.name, WD_STYLE_TYPE.PARAGRAPH)
        style.element.set(qn("w:styleId"), identifier)
        style.base_style = document.styles["Normal"]
        style.quick_style = True
    _set_fonts(style, look.font, look.size, latin=look.font if identifier == "ReportTitle" else _LATIN)
    style.font.color.rgb = look.colour or RGBColor(0x1C, 0x1C, 0x1C)
    shape = style.paragraph_format
    shape.space_before, shape.space_after = Pt(round(2 * look.before) / 2), Pt(round(2 * look.after) / 2)
    shape.keep_with_next = look.keep
    shape.alignment = {
        "left": WD_ALIGN_PARAGRAPH.LEFT,
        "center": WD_ALIGN_PARAGRAPH.CENTER,
        "both": WD_ALIGN_PARAGRAPH.JUSTIFY,
    }[look.align]
    if look.lead:
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(round(look.lead))
    else:
        shape.line_spacing = 1.0
    if look.indent:
        shape.first_line_indent = Pt(look.size * look.indent)
        style.element.pPr.ind.set(qn("w:firstLineChars"), str(100 * look.indent))


def _write_head(document: Any, page: Page) -> None:
    document.add_paragraph("{{ title }}", style=document.styles["报告标题"])
    document.add_paragraph("{%p if issue %}", style=document.styles["报告期号"])
    document.add_paragraph("（{{ issue }}）", style=document.styles["报告期号"])
    document.add_paragraph("{%p endif %}", style=document.styles["报告期号"])
    line = document.add_paragraph("{{ office }}\t{{ date }}")
    width = round((210 - page.left - page.right) * 1440 / 25.4)
    properties = line._p.get_or_add_pPr()  # python-docx has no way to borders and tab stops from the right
    for xml in (
        f'<w:pBdr {nsdecls("w")}><w:bottom w:val="single" w:sz="18" w:space="4" w:color="C8102E"/></w:pBdr>',
        f'<w:tabs {nsdecls("w")}><w:tab w:val="right" w:pos="{width}"/></w:tabs>',
    ):
        properties.append(parse_xml(xml))
    document.add_paragraph("统计周期：{{ period }}　　范围：{{ area }}", style=document.styles["报告周期"])
    document.add_paragraph("{%p if summary %}", style=document.styles["报告提要"])
    summary = document.add_paragraph(style=document.styles["报告提要"])
    head = summary.add_run("内容提要：")
    head.font.color.rgb = _RED
    summary.add_run("{{ summary }}")
    sides = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="4" w:color="E3C7C3"/>'
        for side in ("top", "left", "bottom", "right")
    )
    for xml in (
        f"<w:pBdr {nsdecls('w')}>{sides}</w:pBdr>",
        f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="FDF7F6"/>',
    ):
        summary._p.get_or_add_pPr().append(parse_xml(xml))
    document.add_paragraph("{%p endif %}", style=document.styles["报告提要"])


def _write_footer(section: Any) -> None:
    """Write — 1 — at the foot of the page (GB/T 9704-2012, 7.5)."""
    line = section.footer.paragraphs[0]
    line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    line.add_run("— ").font.size = Pt(10.5)
    field = line.add_run()
    field.font.size = Pt(10.5)
    for kind, text in (("begin", ""), ("", " PAGE "), ("separate", ""), ("text", "1"), ("end", "")):
        if kind in ("begin", "separate", "end"):
            xml = f'<w:fldChar {nsdecls("w")} w:fldCharType="{kind}"/>'
        elif kind == "text":
            xml = f"<w:t {nsdecls('w')}>{text}</w:t>"
        else:
            xml = f'<w:instrText {nsdecls("w")} xml:space="preserve">{text}</w:instrText>'
        field._r.append(parse_xml(xml))
    line.add_run(" —").font.size = Pt(10.5)


def _fixed(data: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return written.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both templates."""
    parser = argparse.ArgumentParser(prog="python -m triage.reports.documents.templates", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    (folder / "report.docx").write_bytes(template(REPORT))
    (folder / "day.docx").write_bytes(template(DAY))


if __name__ == "__main__":
    main()
