"""A report as a Word document, through a template that an office can replace with its own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC
from importlib.resources import files
from typing import Any

from docx import Document
from docxtpl import DocxTemplate
from jinja2.exceptions import TemplateError

from triage.reports.content import Report
from triage.reports.documents.blocks import Block, Outline
from triage.reports.documents.cells import change, year_change
from triage.reports.documents.docx_fonts import embed_fonts
from triage.reports.documents.docx_markup import Markup, paragraph
from triage.reports.documents.docx_template import (
    SECTIONS,
    Placeholders,
    TemplateRefusedError,
    check_template,
    reason,
)
from triage.reports.documents.outline import outline
from triage.reports.documents.text import shown

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def default_template(kind: str) -> bytes:
    """Return the shipped template: that of day reports is narrower set, to stay on one page."""
    name = "day.docx" if kind == "day" else "report.docx"
    return files("triage.reports.documents.templates").joinpath(name).read_bytes()


def render_docx(report: Report, template: bytes | None = None) -> bytes:
    """Return the document, the same bytes for the same report and template.

    Args:
        report: What it says.
        template: A ``.docx`` with placeholders; None takes the shipped one.

    Raises:
        TemplateRefusedError: The template is broken, hostile, or has placeholders that do not exist.
    """
    source = default_template(report.kind) if template is None else template
    check_template(source)
    document = _opened(source)
    _add_styles(document.docx, report.kind)
    try:
        document.render(_context(document.docx, report), Placeholders(), autoescape=True)
    except TemplateError as error:
        raise reason(error) from error
    _sign(document.docx, report)
    embed_fonts(document.docx, title=shown(report.title))
    packed = io.BytesIO()
    document.docx.save(packed)
    return _fixed(packed.getvalue())


def _opened(source: bytes) -> Any:
    try:
        document = DocxTemplate(io.BytesIO(source))
        document.init_docx()
    except Exception as error:  # python-docx meets damage with KeyError, ValueError, XMLSyntaxError …
        raise TemplateRefusedError("模板已损坏或不是 .docx；请在 Word 中打开后另存为 .docx 再试") from error
    return document


def _context(document: Any, report: Report) -> dict[str, Any]:
    content = outline(report)
    section = document.sections[0]
    width = (section.page_width - section.left_margin - section.right_margin) / 12_700
    markup = Markup(document.part, width)
    parts = {each.name: _Part(markup, each.blocks) for each in content.sections}
    sections = {name: parts.get(name, _Part(markup, ())) for name in SECTIONS}
    body = _Part(markup, [block for section in content.sections for block in section.blocks])
    return {**_words(report, content), "section": sections, "body": body}


class _Part:
    """Blocks that are set, and their pictures added to the document, only where a template places them."""

    def __init__(self, markup: Markup, blocks: Sequence[Block]) -> None:
        self._markup = markup
        self._blocks = blocks

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def __html__(self) -> str:
        return self._markup.blocks(self._blocks) or paragraph("", "ReportGap")


def _words(report: Report, content: Outline) -> dict[str, str]:
    total = report.overview.total
    risks = {each.name: each.count for each in report.overview.risks}
    return {
        "title": content.title,
        "issue": content.issue,
        "office": content.office,
        "area": content.area,
        "date": content.date,
        "period": content.period,
        "summary": "".join(content.summary),
        "kind": content.kind,
        "total": str(total.count),
        "previous": "—" if total.previous is None else str(total.previous),
        "change": change(total).text.rstrip("*"),
        "last_year": "—" if total.last_year is None else str(total.last_year),
        "year_change": year_change(total).text,
        "red": str(risks.get("红", 0)),
        "orange": str(risks.get("橙", 0)),
        "overdue_total": str(report.overdue.total) if report.overdue else "—",
    }


def _add_styles(document: Any, kind: str) -> None:
    """Give a template the styles of ours that it lacks; those it has stay as the office made them."""
    ours = Document(io.BytesIO(default_template(kind)))
    present = {style.style_id for style in document.styles}
    for style in ours.styles:
        if style.style_id not in present and style.style_id.startswith(("Report", "Heading")):
            document.styles.element.append(deepcopy(style.element))


def _sign(document: Any, report: Report) -> None:
    made = report.made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties = document.core_properties
    properties.created = properties.modified = made
    properties.author = properties.last_modified_by = ""
    properties.revision = 1


def _fixed(data: bytes) -> bytes:
    """Return the archive with fixed times and order, so that the same content has the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        # Programs that look at the first bytes expect the list of types first.
        names = sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name != "_rels/.rels", name))
        for name in names:
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, source.read(name))
    return packed.getvalue()
