"""A report as PDF, laid out by WeasyPrint from the same page as the HTML file."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Any

from triage.errors import TriageError
from triage.reports.content import Report
from triage.reports.documents.html import page
from triage.reports.documents.outline import outline


class PdfUnavailableError(TriageError):
    """PDF needs the system library Pango, which is not installed."""


def render_pdf(report: Report) -> bytes:
    """Return the PDF, fonts inside, the same bytes for the same report.

    Raises:
        PdfUnavailableError: The libraries that lay out text are missing.
    """
    weasyprint = _weasyprint()
    # The page brings its fonts as data; whatever else a text might make it ask for is refused.
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols={"data"}, allow_redirects=False)
    html = weasyprint.HTML(string=page(outline(report), screen=False), url_fetcher=fetcher)
    return bytes(html.write_pdf(pdf_identifier=hashlib.sha256(report.period.code.encode()).digest()[:16]))


def _weasyprint() -> Any:
    try:
        return import_module("weasyprint")
    except OSError as error:  # cffi found no libpango, libgobject …
        raise PdfUnavailableError(
            "生成 PDF 需要系统库 Pango，本机未安装；请安装后重试（Debian、Ubuntu、麒麟、统信：apt install libpango-1.0-0 "
            "libpangoft2-1.0-0 libharfbuzz-subset0；openEuler、RHEL：dnf install pango），或改用 .docx、.html"
        ) from error
