"""Cutting stretches out of a text without leaving the punctuation that only led to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from triage.text.aligned import AlignedText, Replacement, Span

_BEFORE = frozenset("，、；： ")
_AFTER = frozenset("，。！；、： ")
_CLOSED = frozenset("\n。！？）")


def without(text: AlignedText, spans: Iterable[Span]) -> AlignedText:
    """Cut ``spans`` (sorted, not overlapping) out of ``text``.

    不合理，请交警核实处理！其表示 without the middle becomes 不合理。其表示. A text of which nothing but
    punctuation would remain stays as it is.
    """
    cut = text.replaced(_removals(text.text, spans))
    return cut if any(char.isalnum() for char in cut.text) else text


def _removals(text: str, spans: Iterable[Span]) -> Iterator[Replacement]:
    at = 0
    for span in spans:
        start, end = max(span.start, at), span.end
        while start > at and text[start - 1] in _BEFORE:
            start -= 1
        while end < len(text) and text[end] in _AFTER:
            end += 1
        closed = start == at or text[start - 1] in _CLOSED or end == len(text) or text[end] in "\n）"
        yield Replacement(start, end, "" if closed else "。")
        at = end
