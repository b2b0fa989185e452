"""Which words of an appeal made the difference: quotes for the risk, highlights for the route."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from triage.decision import Quote, Reason
from triage.document import Document
from triage.text.aligned import Span
from triage.text.sentences import clauses

Credit = NDArray[np.float32]

_TOKEN = re.compile(r"\[(?:手机号|电话|证件号|银行卡|车牌|邮箱|微信|QQ|姓名|住址)\]")
_EDGE = " ，。！？；：、,.!?;:\n"
_MIN_QUOTE = 3
_MAX_HIGHLIGHTS = 4
_MIN_HIGHLIGHT, _MAX_HIGHLIGHT = 2, 8


def joint_credit(document: Document, title: Credit, content: Credit) -> Credit:
    """Return float32[characters of `Document.text`] from the credit of the two fields."""
    if not document.title.text:
        return content
    return np.concatenate([title, np.zeros(1, np.float32), content])


def risk_quotes(document: Document, credit: Credit, *, most: int = 2) -> tuple[Quote, ...]:
    """Quote the clauses that raise the risk most, in reading order.

    Args:
        document: The appeal.
        credit: float32[characters of its text], what each adds to the risk.
        most: Number of quotes at the most.

    Quotes never hold masked personal data: a clause is cut at such a token and its better part is taken.
    """
    running = np.concatenate([[0.0], np.cumsum(credit)])
    parts = [part for clause in clauses(document.text) for part in _without_tokens(document.text, clause)]
    ranked = sorted(parts, key=lambda p: (running[p.start] - running[p.end], p.start))
    chosen = [part for part in ranked[:most] if running[part.end] - running[part.start] > 0]
    quotes = (document.quote(part.start, part.end) for part in sorted(chosen, key=lambda p: p.start))
    return tuple(quote for quote in quotes if quote is not None)


def highlighted_words(document: Document, credit: Credit) -> Reason | None:
    """Name the few words that speak most for the first candidate; None where nothing does."""
    spans = _runs(document.text, credit)
    quotes = [quote for span in spans if (quote := document.quote(span.start, span.end)) is not None]
    if not quotes:
        return None
    text = "、".join(dict.fromkeys(quote.text for quote in quotes))
    return Reason("words", text, tuple((quote.field, quote.start, quote.end) for quote in quotes))


def _without_tokens(text: str, clause: Span) -> list[Span]:
    parts = []
    at = clause.start
    for token in _TOKEN.finditer(text, clause.start, clause.end):
        parts.append(Span(at, token.start()))
        at = token.end()
    parts.append(Span(at, clause.end))
    trimmed = (_trimmed(text, part) for part in parts)
    return [part for part in trimmed if part.end - part.start >= _MIN_QUOTE]


def _trimmed(text: str, span: Span) -> Span:
    start, end = span.start, span.end
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return Span(start, end)


def _runs(text: str, credit: Credit) -> list[Span]:
    """Cut out the stretches with the most credit: start at the best character, grow while the neighbours help."""
    left = credit.copy()
    left[[i for i, character in enumerate(text) if not character.isalnum()]] = 0.0
    for token in _TOKEN.finditer(text):
        left[token.start() : token.end()] = 0.0
    least = 0.25 * float(left.max(initial=0.0))
    found: list[Span] = []
    while len(found) < _MAX_HIGHLIGHTS and least > 0.0:
        best = int(left.argmax())
        if left[best] < least:
            break
        span = _grown(left, best, least)
        left[span.start : span.end] = 0.0
        if span.end - span.start >= _MIN_HIGHLIGHT:
            found.append(span)
    return sorted(found, key=lambda span: span.start)


def _grown(credit: Credit, at: int, least: float) -> Span:
    start, end = at, at + 1
    while end - start < _MAX_HIGHLIGHT:
        before = float(credit[start - 1]) if start else 0.0
        after = float(credit[end]) if end < len(credit) else 0.0
        if max(before, after) < 0.4 * least:
            break
        if before > after:
            start -= 1
        else:
            end += 1
    return Span(start, end)
