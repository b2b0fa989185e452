"""Which words of an appeal made the difference: quotes for the risk, highlights for the route."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.decision import Quote, Reason
from triage.document import Document
from triage.events.words import WordCutter
from triage.text.aligned import Span
from triage.text.boilerplate import find_openers

Credit = NDArray[np.float32]

_TOKEN = re.compile(r"\[(?:手机号|电话|证件号|银行卡|车牌|邮箱|微信|QQ|姓名|住址)\]")
_EDGE = " ，。！？；：、,.!?;:\n"
_MIN_QUOTE = 3
_LONGEST_JOINED = 40
_SERIOUS = 3
_MAX_HIGHLIGHTS = 5
_MIN_HIGHLIGHT = 2
_LEAST_SHARE = 0.2
"""Words with less than this share of the best one's credit are not shown."""

_SEARCHED = 1500
"""Characters in which telling words are looked for: what the matter is, a letter says early."""


@dataclass(frozen=True, slots=True)
class Clauses:
    """The clauses of one appeal.

    Attributes:
        starts: int64[m], first character of each clause in `Document.text`, ascending.
        ends: int64[m], one past its last character.
        scores: float32[m, 2], log-odds that it proves a level ≥ 3, a level ≥ 2.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    scores: Credit


def joint_credit(document: Document, title: Credit, content: Credit) -> Credit:
    """Return float32[characters of `Document.text`] from the credit of the two fields."""
    if not document.title.text:
        return content
    return np.concatenate([title, np.zeros(1, np.float32), content])


def risk_quotes(document: Document, clauses: Clauses, *, level: int, most: int = 2) -> tuple[Quote, ...]:
    """Quote the clauses that prove the risk, in reading order.

    Args:
        document: The appeal.
        clauses: Its clauses with their scores.
        level: The risk level to prove; for 2 the clause need only be notable, above it serious too.
        most: Number of quotes at the most.

    A clause is quoted with its better neighbour where both together stay short: 工资拖欠半年 alone says less than
    工资拖欠半年，准备集体上访. Quotes never hold masked personal data: a clause is cut at such a token and its longer part
    is taken.
    """
    scores = clauses.scores[:, 1] if level < _SERIOUS else clauses.scores.sum(axis=1)
    chosen: list[Span] = []
    for clause in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) == most:
            break
        if any(span.start <= clauses.starts[clause] < span.end for span in chosen):
            continue
        parts = _without_tokens(document.text, _with_neighbour(document, clauses, scores, clause))
        if parts:
            chosen.append(max(parts, key=lambda part: part.end - part.start))
    quotes = (document.quote(part.start, part.end) for part in sorted(chosen, key=lambda p: p.start))
    return tuple(quote for quote in quotes if quote is not None)


def _with_neighbour(document: Document, clauses: Clauses, scores: Credit, clause: int) -> Span:
    alone = Span(int(clauses.starts[clause]), int(clauses.ends[clause]))
    beside = [other for other in (clause - 1, clause + 1) if 0 <= other < len(scores)]
    if not beside:
        return alone
    other = max(beside, key=lambda at: float(scores[at]))
    both = Span(min(alone.start, int(clauses.starts[other])), max(alone.end, int(clauses.ends[other])))
    border = len(document.title.text)
    crosses = both.start < border < both.end
    return alone if crosses or both.end - both.start > _LONGEST_JOINED else both


def open_quote(document: Document, span: Span) -> Quote | None:
    """Quote a stretch of `Document.text`, unless it holds masked personal data."""
    if _TOKEN.search(document.text, span.start, span.end):
        return None
    return document.quote(span.start, span.end)


def highlighted_words(document: Document, credit: Credit, words: WordCutter) -> Reason | None:
    """Name the few words that speak most for the first candidate; None where nothing does.

    Args:
        document: The appeal.
        credit: float32[characters of its text], what each adds to the first candidate over the second.
        words: Cuts the text, so that whole words are shown.
    """
    spans = _telling_words(document.text, credit, words)
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


def _telling_words(text: str, credit: Credit, words: WordCutter) -> list[Span]:
    """Choose the words with the most credit, in reading order; neighbours are shown as one."""
    open_credit = credit[:_SEARCHED].copy()
    masks = (Span(*found.span()) for found in _TOKEN.finditer(text, 0, _SEARCHED))
    for hidden in (*masks, *find_openers(text[:_SEARCHED])):
        open_credit[hidden.start : hidden.end] = 0.0
    running = np.concatenate([[0.0], np.cumsum(open_credit)])
    spans = []
    at = 0
    for word in words.cut(text[:_SEARCHED]):
        if len(word) >= _MIN_HIGHLIGHT and word.isalnum():
            spans.append(Span(at, at + len(word)))
        at += len(word)
    spans.sort(key=lambda span: running[span.start] - running[span.end])
    gains = [float(running[span.end] - running[span.start]) for span in spans[:_MAX_HIGHLIGHTS]]
    best = [span for span, gain in zip(spans, gains, strict=False) if gain > _LEAST_SHARE * gains[0] and gain > 0.0]
    return _joined(sorted(best, key=lambda span: span.start))


def _joined(spans: list[Span]) -> list[Span]:
    """Join spans that touch."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end == span.start:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined
