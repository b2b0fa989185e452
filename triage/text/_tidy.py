"""Cutting stretches out of a text without leaving the punctuation that only led to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from triage.text.aligned import AlignedText, Replacement, Span

_BEFORE = frozenset("，、；： ")
_AFTER = frozenset("，。！；、： ")
_CLOSED = frozenset("\n。！？）")

# The mark says already that something ends; a line feed or blank behind it is layout.
_LAYOUT = re.compile(r"(?<=[，。！？；：、…])[ \n]+")
_LAST_MARKS = "，。；、 \n"


def without_layout(text: AlignedText) -> AlignedText:
    """Drop line feeds and blanks behind punctuation, and the full stop or comma at the end.

    One paragraph or two, with or without the last full stop: it is the same appeal, and the models shall read the same.
    A text of nothing but such marks stays as it is.
    """
    end = len(text.text.rstrip(_LAST_MARKS))
    if not end:
        return text
    return text.replaced(_layout(text.text, end))


def _layout(text: str, end: int) -> Iterator[Replacement]:
    for match in _LAYOUT.finditer(text, 0, end):
        yield Replacement(match.start(), match.end())
    if end < len(text):
        yield Replacement(end, len(text))


def without(text: AlignedText, spans: Iterable[Span], *, kept: str = "") -> AlignedText:
    """Cut ``spans`` (sorted, not overlapping) out of ``text``.

    不合理，请交警核实处理！其表示 without the middle becomes 不合理。其表示. A text of which nothing but
    punctuation would remain stays as it is.

    Args:
        text: Any normalised text.
        spans: What to cut.
        kept: Marks that stay where they stand before a cut and join what is left.
    """
    cut = text.replaced(_removals(text.text, spans, kept))
    return cut if any(char.isalnum() for char in cut.text) else text


def _removals(text: str, spans: Iterable[Span], kept: str) -> Iterator[Replacement]:
    before, joints = _BEFORE.difference(kept), _CLOSED.union(kept)
    at = 0
    for span in spans:
        start, end = max(span.start, at), span.end
        while start > at and text[start - 1] in before:
            start -= 1
        while end < len(text) and text[end] in _AFTER:
            end += 1
        closed = start == at or text[start - 1] in joints or end == len(text) or text[end] in "\n）"
        yield Replacement(start, end, "" if closed else "。")
        at = end
