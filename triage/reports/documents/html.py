"""A report as one self-contained web page: style, charts and fonts inside, no script, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import accumulate, pairwise

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from triage.reports.content import Report
from triage.reports.documents.blocks import Heading, Outline, Table
from triage.reports.documents.charts import sparkline
from triage.reports.documents.drawing import Drawing, svg
from triage.reports.documents.font import SANS, SERIF, Face, covered, subset, title_face
from triage.reports.documents.outline import outline

_TONES = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue", "up": "up", "down": "down"}
_TAGS = re.compile(r"<(style|meta)\b.*?(?:</style>|>)|<[^>]*>", re.DOTALL)


def render_html(report: Report) -> bytes:
    """Return the page in UTF-8, the same bytes for the same report."""
    return page(outline(report), screen=True).encode("utf-8")


def page(document: Outline, *, screen: bool) -> str:
    """Return the page of an outline.

    Args:
        document: What it says.
        screen: For a browser, with rules for small screens and packed fonts; else for the typesetter, which would stamp packed
            fonts with the moment of unpacking.
    """
    bare = _filled(document, style="")
    letters = _TAGS.sub("", bare) + "—"  # the style sheet writes page numbers between dashes
    headings = [block.text for section in document.sections for block in section.blocks if isinstance(block, Heading)]
    titles = [document.title, "内容提要", *headings]
    faces = _face(SANS, letters, packed=screen)
    if title_face(titles) == SERIF:  # else the rule below names a face that is not there, and the text face serves
        faces += _face(SERIF, "".join(titles), packed=screen)
    widths = "".join(
        f".w{share}{{width:{share}%}}" for share in sorted(set(map(int, re.findall(r'col class="w(\d+)"', bare))))
    )
    return _filled(document, style=faces + _source("report.css") + (_source("screen.css") if screen else "") + widths)


def _filled(document: Outline, *, style: str) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string(_source("report.html.j2"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template.render(
        document=document,
        style=Markup(style),  # noqa: S704  # our own file and font, no text of a report
        style_hash=Markup(digest),  # noqa: S704
        shares=_shares,
        tones=_TONES,
        spark=_spark,
        drawing=_drawing,
    )


def _shares(table: Table) -> Sequence[int]:
    """Return the columns' widths in percent, which add up to 100."""
    whole = sum(column.width for column in table.columns) or 1
    ends = [round(100 * end / whole) for end in accumulate(column.width for column in table.columns)]
    return [end - start for start, end in pairwise([0, *ends])]


def _spark(counts: Sequence[int]) -> Markup:
    return Markup(svg(sparkline(counts), css_class="spark"))  # noqa: S704  # `svg` escapes its texts


def _drawing(drawing: Drawing) -> Markup:
    return Markup(svg(drawing))  # noqa: S704  # `svg` escapes its texts


def _face(face: Face, letters: str, *, packed: bool) -> str:
    """Return the style rule that brings a font along, cut down to the letters of this page."""
    known = [letter for letter in sorted(set(letters)) if ord(letter) in covered(face)]
    data = base64.b64encode(subset(face, known, packed=packed)).decode()
    kind, name = ("woff", "woff") if packed else ("ttf", "truetype")
    return (
        f'@font-face{{font-family:"{face.family}";src:url(data:font/{kind};base64,{data}) format("{name}");'
        "font-weight:normal;font-style:normal}"
    )


def _source(name: str) -> str:
    return files("triage.reports.documents.templates").joinpath(name).read_text(encoding="utf-8")
