"""Sentences and clauses of Chinese text: every character belongs to exactly one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.text.aligned import Span

LONGEST_CLAUSE = 60
"""Characters after which a clause without punctuation is cut at the next best place."""

# Closing quotes and brackets belong to the sentence that they end: 他说“不退。”
_SENTENCE = re.compile(r"[^。！？…\n]*(?:[。！？…\n]+[”’）》】 \n]*|\Z)")
_ENUMERATOR = (
    r"(?:[0-9]{1,2}(?:[、)）]|\.(?![0-9]))|（[0-9一二三四五六七八九十]{1,2}）|[①-⑳]"
    r"|[一二三四五六七八九十]{1,2}、)"
)
_CLAUSE_END = re.compile(rf"[，。！？；…\n]+[”’）》】 \n]*|[：、 ](?={_ENUMERATOR})")
_CIRCLED = re.compile(r"[①-⑳]")
_START = re.compile(r"[，。！？；：、）… \n]+")
# Words that open a new thought when speech was typed without a single comma.
_JOINT = re.compile(
    r"[：、 ]|(?=但是?|而且|因为|所以|因此|并且|然后|现在|目前|希望|要求|建议|导致|由于|如果|虽然|另外"
    r"|还有|请|故|其表示)"
)


def sentences(text: str) -> tuple[Span, ...]:
    """Cut after 。！？… and line feeds.

    Args:
        text: A normalised text of any length.

    Returns:
        Stretches that follow one another without a gap and cover the whole text; none for an empty text.
    """
    return tuple(Span(m.start(), m.end()) for m in _SENTENCE.finditer(text) if m.end() > m.start())


def clause_starts(text: str, start: int = 0, end: int | None = None) -> list[int]:
    """Return where a clause may start: ``start`` itself and every place after punctuation, in order."""
    stop = len(text) if end is None else end
    return [start, *(match.end() for match in _START.finditer(text, start, stop))]


def clauses(text: str) -> tuple[Span, ...]:
    """Cut after ，；。！？ and line feeds, before enumerators, and in runs without any of them.

    Args:
        text: A normalised text of any length.

    Returns:
        Stretches of at most about ``2 * LONGEST_CLAUSE`` characters that cover the whole text without a gap.
    """
    return tuple(_clauses(text))


def _clauses(text: str) -> Iterator[Span]:
    cuts = [match.end() for match in _CLAUSE_END.finditer(text)]
    circled = [match.start() for match in _CIRCLED.finditer(text)]
    start = 0
    for cut in sorted({*cuts, *circled}) if circled else cuts:
        if cut > start:
            yield from _short(text, start, cut)
            start = cut
    if start < len(text):
        yield from _short(text, start, len(text))


def _short(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > LONGEST_CLAUSE + LONGEST_CLAUSE // 2:
        cut = _joint_near(text, start)
        yield Span(start, cut)
        start = cut
    yield Span(start, end)


def _joint_near(text: str, start: int) -> int:
    """Return the last joint between a third of the longest clause and its end, else the hard limit."""
    limit = start + LONGEST_CLAUSE
    joints = [m.end() for m in _JOINT.finditer(text, start + LONGEST_CLAUSE // 3, limit)]
    return joints[-1] if joints else limit
