"""Where in a masked text stands what a decision rests on: quotes of risk, telling words, places, and what was masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

RISK, WORDS, PLACE, MASKED = "risk", "words", "place", "masked"
_BITS = {RISK: 1, WORDS: 2, PLACE: 4, MASKED: 8}
_TOKEN = re.compile(r"\[[一-鿿]{2,8}\]")
"""What masking leaves behind, e.g. ``[手机号]``."""
_MOST_PLACES = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text and what it is: any of ``risk``, ``words``, ``place``, ``masked``; nothing for plain text."""

    text: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkedTexts:
    """Title and content in pieces; joined, the pieces are the texts."""

    title: tuple[Piece, ...]
    content: tuple[Piece, ...]


def marked(title: str, content: str, record: Mapping[str, Any]) -> MarkedTexts:
    """Mark what a decision quotes.

    The offsets of a record point into the raw text, which masking makes longer or shorter: a quote is looked for near its
    offset, and one that masking has changed is not marked.

    Args:
        title: Masked.
        content: Masked.
        record: The result record of the decision.
    """
    texts = {"title": title, "content": content}
    flags = {field: bytearray(len(text)) for field, text in texts.items()}
    for field, quote, near, kind in _quotes(record):
        text = texts.get(field, "")
        at = _nearest(text, quote, near)
        if at is not None:
            _set(flags[field], at, at + len(quote), kind)
    place = str((record.get("area") or {}).get("evidence") or "")
    for field, text in texts.items():
        for at in _all(text, place):
            _set(flags[field], at, at + len(place), PLACE)
        for token in _TOKEN.finditer(text):
            flags[field][token.start() : token.end()] = bytes([_BITS[MASKED]]) * (token.end() - token.start())
    return MarkedTexts(*(tuple(_pieces(texts[field], flags[field])) for field in ("title", "content")))


def _quotes(record: Mapping[str, Any]) -> Iterator[tuple[str, str, int, str]]:
    """Give field, quoted text, offset in the raw text and kind of everything that is quoted."""
    for quote in (record.get("risk") or {}).get("evidence") or ():
        yield str(quote["field"]), str(quote["text"]), int(quote["start"]), RISK
    for reason in record.get("explanation") or ():
        if reason.get("kind") != WORDS:
            continue
        words = str(reason.get("text", "")).split("、")
        # One span per word, in the same order; where the counts differ the words are looked for from the beginning.
        spans: Sequence[Mapping[str, Any]] = reason.get("spans") or ()
        for number, word in enumerate(words):
            span: Mapping[str, Any] = spans[number] if len(spans) == len(words) else _BEGINNING
            yield str(span["field"]), word, int(span["start"]), WORDS


_BEGINNING: Mapping[str, Any] = {"field": "content", "start": 0}


def _nearest(text: str, quote: str, near: int) -> int | None:
    """Return where a quote stands, as near as can be to an offset; None where it does not."""
    if not quote:
        return None
    after, before = text.find(quote, near), text.rfind(quote, 0, near + len(quote))
    found = [at for at in (before, after) if at >= 0]
    return min(found, key=lambda at: abs(at - near)) if found else None


def _all(text: str, quote: str) -> Iterator[int]:
    at, given = text.find(quote) if quote else -1, 0
    while at >= 0 and given < _MOST_PLACES:
        yield at
        given += 1
        at = text.find(quote, at + len(quote))


def _set(flags: bytearray, start: int, end: int, kind: str) -> None:
    bit = _BITS[kind]
    for at in range(start, min(end, len(flags))):
        flags[at] |= bit


def _pieces(text: str, flags: bytearray) -> Iterator[Piece]:
    at = 0
    for flag, run in groupby(flags):
        end = at + sum(1 for _ in run)
        yield Piece(text[at:end], tuple(kind for kind, bit in _BITS.items() if flag & bit))
        at = end
