"""An appeal made ready for the models: normalised, stripped, masked, and still tied to its raw text."""

from __future__ import annotations

from dataclasses import dataclass

from triage.appeal import FIELDS, Appeal
from triage.decision import Quote
from triage.privacy import mask
from triage.text._tidy import without_layout
from triage.text.aligned import AlignedText, Replacement, Span
from triage.text.boilerplate import strip_courtesies
from triage.text.instructions import strip_instructions
from triage.text.normalise import normalise

MAX_CHARS = 20_000
"""Longer texts are judged by their first 20,000 characters: sixty times the average letter, and bounded work."""

_JOINT = "\n"


@dataclass(frozen=True, slots=True)
class Document:
    """One appeal as the models read it.

    Attributes:
        appeal: As received.
        title: Normalised and masked, aligned with the raw title.
        content: Normalised, masked and (if asked for) without call-takers' instructions, aligned with the raw content.
        address: Normalised address field.
        text: Title and content, one under the other; what the models see.
    """

    appeal: Appeal
    title: AlignedText
    content: AlignedText
    address: str
    text: str

    def quote(self, start: int, end: int) -> Quote | None:
        """Quote the raw text behind a stretch of `text`; None for a stretch of both title and content, or an empty one."""
        border = len(self.title.text)
        if end <= border:
            field, aligned, shift = "title", self.title, 0
        elif start > border or not border:
            shift = border + len(_JOINT) if border else 0
            field, aligned = "content", self.content
        else:
            return None
        span = aligned.raw_span(start - shift, end - shift)
        if span.start >= span.end:
            return None
        return Quote(self.appeal.field(field)[span.start : span.end], field, span.start, span.end)


def read_document(appeal: Appeal, *, strip: bool = True) -> Document:
    """Prepare an appeal.

    Args:
        appeal: As received.
        strip: Drop call-takers' instructions such as 「请交警核实处理」, which name the answer.
    """
    title, content = (_masked(normalise(appeal.field(field)[:MAX_CHARS]), strip=strip) for field in FIELDS)
    address = normalise(appeal.address[:200]).text
    text = f"{title.text}{_JOINT}{content.text}" if title.text else content.text
    return Document(appeal, title, content, address, text)


def masked_text(raw: str, span: Span | None = None) -> str:
    """Return a stretch of a raw text, or all of it, with personal data masked; for people to read."""
    return mask(raw[span.start : span.end] if span else raw).text


def _masked(text: AlignedText, *, strip: bool) -> AlignedText:
    # A polite letter is to be judged like a curt one; instructions go first, since their thanks belong to them.
    stripped = without_layout(strip_courtesies(strip_instructions(text) if strip else text))
    spans = mask(stripped.text).spans
    return stripped.replaced(Replacement(span.start, span.end, span.token) for span in spans) if spans else stripped
