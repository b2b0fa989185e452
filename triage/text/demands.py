"""The distinct demands of one appeal (一单多诉): what each of them asks for, without greetings and background.

Precision comes first: an appeal is one demand unless it numbers several matters or joins a second one with
另外, 此外, 还有 and the like. Numbered reasons, evidence and legal provisions are no demands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from triage.text import _demand_words as cues
from triage.text._lists import NumberedList, numbered_lists
from triage.text.aligned import AlignedText, Span
from triage.text.boilerplate import find_openers
from triage.text.instructions import find_instructions
from triage.text.sentences import clause_starts, clauses

MOST_DEMANDS = 10
"""At most so many demands of one appeal are returned."""
_CORE_LENGTH = 120
_SHORT_CORE = 40
_LEAD_LENGTH = 40
_DATE = re.compile(r"20[0-9]{2}[-./年]")
_EDGE = "，。！；：、… \n"
_BEFORE = _EDGE + "”）"
_AFTER = _EDGE + "“（"
_MOST_JOINTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One thing that the citizen wants.

    Attributes:
        span: Its stretch of the aligned text it was found in.
        raw: The same stretch in the raw text; quote this one.
    """

    span: Span
    raw: Span


def split_demands(text: AlignedText) -> tuple[Demand, ...]:
    """Find the distinct demands of an appeal.

    Args:
        text: A normalised text, call-taker instructions included or stripped.

    Returns:
        One to `MOST_DEMANDS` demands in reading order, not overlapping; none for a blank text only.
        Linear in ``len(text.text)``.
    """
    body = text.text
    if not body.strip():
        return ()
    page = _Page.of(body)
    whole = Span(0, len(body))
    region = page.trimmed(_current_round(body)) or page.trimmed(whole) or whole
    parts = _numbered(body, region) or _joined(page, region)
    kept = [trimmed for part in parts if (trimmed := page.trimmed(part)) is not None]
    cores = [_core(page, part) for part in kept or [region]]
    return tuple(Demand(span=core, raw=text.raw_span(core.start, core.end)) for core in cores[:MOST_DEMANDS])


@dataclass(frozen=True, slots=True)
class _Page:
    """A text and, for every character, whether a greeting, closing or instruction covers it."""

    text: str
    noise: bytes

    @classmethod
    def of(cls, text: str) -> _Page:
        noise = bytearray(len(text))
        for span in (*find_openers(text), *find_instructions(text)):
            noise[span.start : span.end] = b"\1" * (span.end - span.start)
        return cls(text, bytes(noise))

    def trimmed(self, part: Span) -> Span | None:
        """Return ``part`` without noise and punctuation at either end; None where nothing is left."""
        start, end = part.start, part.end
        while start < end and (self.noise[start] or self.text[start] in _BEFORE):
            start += 1
        while start < end and (self.noise[end - 1] or self.text[end - 1] in _AFTER):
            end -= 1
        return Span(start, end) if any(map(str.isalnum, self.text[start:end])) else None


def _current_round(body: str) -> Span:
    """Leave out official answers; the citizen's newest words count when they say what is wanted."""
    bodies = list(cues.TICKET_BODY.finditer(body))
    start = bodies[-1].end() if bodies and bodies[-1].end() < len(body) else 0
    rounds = list(cues.ROUND.finditer(body, start))
    answers = list(cues.ANSWER.finditer(body, start)) if _DATE.search(body, start) else []
    if rounds:
        newest = _until(body, rounds[-1].end(), answers)
        said = body[newest.start : newest.end]
        if len(said) >= 15 and cues.WISH.search(said) and not cues.SAME_MATTER.match(said):
            return newest
    return _until(body, start, [*rounds, *answers])


def _until(body: str, start: int, stops: Iterable[re.Match[str]]) -> Span:
    """Return the stretch from ``start`` to the first of ``stops`` behind it."""
    return Span(start, min((stop.start() for stop in stops if stop.start() > start), default=len(body)))


def _numbered(body: str, region: Span) -> list[Span]:
    ranked = [(_standing(body, region, one), one) for one in numbered_lists(body, region)]
    best = max((standing for standing, _ in ranked), default=0)
    if best == 0:
        return []
    chosen = next(one for standing, one in ranked if standing == best)
    last = chosen.items[-1]
    tail = cues.TAIL.search(body, last.start + 1, last.end)
    return [*chosen.items[:-1], Span(last.start, tail.start() if tail else last.end)]


def _standing(body: str, region: Span, numbered: NumberedList) -> int:
    """Rate a list: 3 it lists wishes, 2 problems, 1 its items sound like demands, 0 it lists something else."""
    items = [body[item.start : item.end].strip(_EDGE) for item in numbered.items]
    if any(len(item) < 4 or cues.THANKS_ITEM.match(item) for item in items):
        return 0
    if sum(1 for item in items if cues.GROUND_ITEM.match(item)) * 2 > len(items):
        return 0
    before = body[max(region.start, numbered.start - _LEAD_LENGTH) : numbered.start].rstrip(_EDGE)
    lead = max(before.rfind(mark) for mark in "。！？；\n")
    lead_text = before[lead + 1 :]
    wish, matter = _last(cues.WISH_LEAD, lead_text), _last(cues.MATTER_LEAD, lead_text)
    if _last(cues.GROUND_LEAD, lead_text) > max(wish, matter):
        return 0
    if wish >= 0:
        return 3
    if matter >= 0 or cues.LIST_LEAD.search(lead_text):
        return 2
    asking = sum(1 for item in items if _asks(item))
    # A text that opens with its list is a list of matters; inside a story the items must speak for themselves.
    needed = 0.6 if lead_text else 0.5
    return 1 if asking >= needed * len(items) else 0


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def _asks(text: str) -> bool:
    return any(cue.search(text) for cue in (cues.REQUEST, cues.QUESTION, cues.COMPLAINT))


def _joined(page: _Page, region: Span) -> list[Span]:
    """Cut before 另外, 此外, 还想咨询 … where a matter of its own follows."""
    starts = clause_starts(page.text, region.start, region.end)
    found = (cues.JOINT.match(page.text, start) for start in starts if start < region.end and not page.noise[start])
    joints = list(islice(filter(None, found), _MOST_JOINTS))
    ends = [*(joint.start() for joint in joints), region.end][1:]
    parts: list[Span] = []
    start = region.start
    for joint, end in zip(joints, ends, strict=True):
        before = page.trimmed(Span(start, joint.start()))
        after = page.trimmed(Span(joint.end(), end))
        if before and after and _opens_matter(page.text, before, joint, after):
            parts.append(Span(start, joint.start()))
            start = joint.end()
    return [*parts, Span(start, region.end)]


def _opens_matter(body: str, before: Span, joint: re.Match[str], after: Span) -> bool:
    said = body[after.start : after.end]
    if min(before.end - before.start, len(said)) < 5 or cues.SAME_MATTER.match(said):
        return False
    opening = said[:60]
    if joint["own"]:
        return True
    if cues.HISTORY.search(opening):
        return False
    if joint["strong"]:
        return _asks(opening)
    at_sentence = joint.start() == 0 or body[joint.start() - 1] in "。！？；\n"
    wished = cues.WISH.search(body, before.start, before.end) or cues.QUESTION.search(body, before.start, before.end)
    return at_sentence and wished is not None and cues.WISH.search(opening) is not None


def _core(page: _Page, part: Span) -> Span:
    """Narrow a long part to the clauses around its clearest request."""
    if part.end - part.start <= _CORE_LENGTH:
        return part
    body = page.text
    pieces = [Span(part.start + one.start, part.start + one.end) for one in clauses(body[part.start : part.end])]
    first = last = _anchor(body, pieces)
    while last + 1 < len(pieces) and not _ends_sentence(body, pieces[last]) and _fits(pieces[first], pieces[last + 1]):
        last += 1
    while first and _fits(pieces[first - 1], pieces[last]):
        enough = pieces[last].end - pieces[first].start >= _SHORT_CORE
        if enough and _ends_sentence(body, pieces[first - 1]):
            break
        first -= 1
    core = Span(pieces[first].start, pieces[last].end)
    return page.trimmed(core) or core


def _anchor(body: str, pieces: list[Span]) -> int:
    """Return the last clear wish, which letters end with, or else the first question or complaint."""
    weights = [_weight(body, piece) for piece in pieces]
    best = max(weights)
    return len(weights) - 1 - weights[::-1].index(best) if best >= 3 else weights.index(best)


def _ends_sentence(body: str, clause: Span) -> bool:
    return body[clause.end - 1] in "。！？\n"


def _fits(first: Span, last: Span) -> bool:
    return last.end - first.start <= _CORE_LENGTH


def _weight(body: str, clause: Span) -> int:
    said = body[clause.start : clause.end]
    weight = 3 if cues.WISH.search(said) else 2 if cues.QUESTION.search(said) else 1 if _asks(said) else 0
    return weight - (len(said) < 8 or cues.SAME_MATTER.match(said) is not None)
