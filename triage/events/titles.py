"""The title of an event: where and what, cut out of its masked texts.

Every clause of its appeals' titles, and every shorter form of it, is a candidate. The one wins that says most of what
the appeals have in common: each pair of neighbouring characters counts by the share of the appeals that hold it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from triage.events.names import find_names
from triage.events.title_clauses import (
    LENGTH,
    clauses,
    is_loose,
    is_plain,
    is_whole,
    matters,
    may_name_person,
    shorter_forms,
    tightened,
)
from triage.events.words import WordCutter

UNTITLED = "未写明事项"
"""Stands where no appeal says anything that could be a title."""

_MOST_SOURCES = 40
_TITLE = 120
_READ = 400
_CONTENT = 160
_OPENING = 60
_COMMON = 0.4
_PLACE = 1.5
_NO_MATTER = 3.0
_ROUGH = 1.0
_JOINED = 0.5
_LATER = 2.5
_SHORTEST = 4
_PERSON = 4.0
_FINALISTS = 6
_DANGLING = "的了和与被将把是在从因对为向及、，"
_LEAST_SHARE = 0.5
_NO_PLACE = re.compile(r"(?:[区县栋幢座]|号楼|街道|居委会|村委会)\Z")
_PLACE_END = re.compile(r"(?:小区|社区|大道|路|街|村|镇|公司|学校|市场)\Z")
_NO_FRONT = re.compile(r"(?:公司|集团|银行|物业|镇|乡|社区|村|市场)\Z")
"""Names that are rather who than where; they are not put in front of a matter that names no place."""
_FRONT = re.compile(r"(?:小区|花园|家园|公寓|花苑|新村|山庄|苑|府|小学|中学|幼儿园|学校|学院|大学)\Z")
"""Names that are put in front of a title that names no place; a road or a firm in the text may be beside the matter."""
_THIS = re.compile(r"\A该(?:小区|学校|医院|公司|路段|路口|项目|楼盘|市场|单位)?")
_SOMEWHERE = re.compile(r"[A-Z]\d{0,2}[市区县]|[\u4e00-\u9fff]{2}[市区县](?![场民])|[省镇乡村城园苑府湾]|中心|国际")
_ODD_NAME = re.compile(
    r"[去还能给往过来说看走想买住吗呢次都就很没不未也又再并已一我你他有]|通过|组织|开展|正在|期间|所有|书记|局长"
)
"""What a name read leftward from its suffix caught by mistake: ``间组织村民去现场``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TitleSource:
    """What of one appeal goes into the title and keywords of its event; all masked, all may be empty."""

    title: str = ""
    content: str = ""
    place: str = ""
    district: str = ""
    street: str = ""
    l2: str = ""


def event_title(sources: Sequence[TitleSource], *, cutter: WordCutter) -> str:
    """Return the title of an event.

    Args:
        sources: Its appeals in time order; of more than 40 the first and the last 20 are read.
        cutter: Tells words from what may be a personal name.

    Returns:
        At most 20 characters, never empty; pieces of the texts, at most two of them joined.
    """
    read = chosen_sources(sources)
    shares = _shares(read)
    places = _places(read)
    scores = {text: _score(text, shares, places) - cost for text, cost in _candidates(read, places).items()}
    best, best_score = "", 0.0
    for text in sorted(scores, key=lambda text: (-scores[text], text))[:_FINALISTS]:
        score = scores[text] - _PERSON * may_name_person(_loose(text, cutter))
        if not best or score > best_score:
            best, best_score = text, score
    return best or _fallback(read, cutter)


def chosen_sources(sources: Sequence[TitleSource]) -> list[TitleSource]:
    """Return the appeals that are read, all or the first and the last twenty, and of each the beginning."""
    half = _MOST_SOURCES // 2
    chosen = sources if len(sources) <= _MOST_SOURCES else (*sources[:half], *sources[-half:])
    return [replace(source, title=source.title[:_TITLE], content=source.content[:_READ]) for source in chosen]


def shared_places(sources: Sequence[TitleSource]) -> list[str]:
    """Return the names of places that at least half of the appeals begin with, as written, the most frequent first."""
    return [place.text for place in _places(sources) if sum(place.text in s.title + s.content for s in sources) > 1]


@dataclass(frozen=True, slots=True)
class _Shares:
    """How large a share of the appeals holds each pair of characters; pairs that none holds are left out."""

    pairs: dict[str, float]

    def worth(self, text: str) -> float:
        """Return what a text says of what they have in common; what few say counts against it."""
        return sum(self.pairs.get(pair, 0.0) - _COMMON for pair in _pairs(text))


@dataclass(frozen=True, slots=True)
class _Place:
    """A place that at least half of the appeals name: as written, and what of it tells it from others."""

    text: str
    core: str


def _pairs(text: str) -> set[str]:
    return {text[k : k + 2] for k in range(len(text) - 1)}


def _shares(sources: Sequence[TitleSource]) -> _Shares:
    """Count pairs of characters, half by titles and half by whole texts; equal texts count once."""
    whole = Counter[str]()
    leads = Counter[str]()
    texts = {(source.title, source.content[:_CONTENT]) for source in sources}
    for title, content in texts:
        lead = _pairs(title or content)
        leads.update(lead)
        whole.update(lead | _pairs(content))
    return _Shares({pair: (count + leads[pair]) / (2 * len(texts)) for pair, count in whole.items()})


def _places(sources: Sequence[TitleSource]) -> list[_Place]:
    """Return the places that most appeals name in what they begin with, the most frequent first."""
    texts = [source.title + "\n" + source.content[:_OPENING] for source in sources]
    named = Counter[str]()
    for source, text in zip(sources, texts, strict=True):
        spans = find_names(text, primary=True).spans
        surfaces = {text[start:end] for start, end in spans} | ({source.place} if source.place else set())
        named.update(
            surface
            for surface in surfaces
            if not surface[0].isascii() and not _NO_PLACE.search(surface) and not _ODD_NAME.search(surface)
        )
    found = []
    for surface, _ in named.most_common(12):
        core = _PLACE_END.sub("", surface)
        share = sum(core in text for text in texts) / len(texts)
        if len(core) >= 2 and share >= _LEAST_SHARE:
            found.append((-share, -named[surface], surface, core))
    return [_Place(surface, core) for _, _, surface, core in sorted(found)]


def _candidates(sources: Sequence[TitleSource], places: Sequence[_Place]) -> dict[str, float]:
    """Return forms of the titles' clauses, or of the texts' openings where there are no titles, and what each costs."""
    districts = sorted({source.district for source in sources})
    titles = dict.fromkeys((source.title, "") for source in sources if source.title)
    front = next((place.text for place in places if _FRONT.search(place.text)), "")
    for shorten in (str, tightened):
        found = _fitting(_forms(titles, districts, front), shorten)
        if found:
            return found
    if any(clauses(*title) for title in titles):
        return {}
    front = front or next((place.text for place in places if not _NO_FRONT.search(place.text)), "")
    contents = dict.fromkeys(("", source.content) for source in sources)
    forms = [*_forms(contents, districts, front, later=_LATER), *_halves(contents, front)]
    return {**_fitting(forms, tightened), **_fitting(forms, str)}


def _fitting(forms: Iterable[tuple[str, float]], shorten: Callable[[str], str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for form, cost in forms:
        text = shorten(form)
        if _SHORTEST <= len(text) <= LENGTH:
            found[text] = min(cost, found.get(text, cost))
    return found


def _forms(
    texts: Iterable[tuple[str, str]], districts: Sequence[str], front: str, *, later: float = 0.0
) -> Iterator[tuple[str, float]]:
    """Yield the forms of the texts' clauses and what each costs: the later in the text, the less it is the matter."""
    for title, content in texts:
        for position, clause in enumerate(clauses(title, content)):
            for form in shorter_forms(clause, districts):
                yield form, position * later
                matter = _THIS.sub("", form)
                if front and not _SOMEWHERE.search(matter) and not find_names(matter, primary=True).spans:
                    yield front + matter, position * later + _JOINED


def _halves(texts: Iterable[tuple[str, str]], front: str) -> Iterator[tuple[str, float]]:
    """Yield the place and the end of each text's first clause, for one that is too long to be a title."""
    for title, content in texts:
        for clause in clauses(title, content)[:1]:
            if front and front in clause and len(clause) > LENGTH:
                for matter in matters(clause[clause.index(front) + len(front) :]):
                    yield front + matter, _JOINED


def _score(text: str, shares: _Shares, places: Sequence[_Place]) -> float:
    score = shares.worth(text)
    score += _PLACE * any(place.core in text for place in places)
    score -= _NO_MATTER * (len(_without_names(text)) < 3)
    score -= _ROUGH * (not is_plain(text)) + 2 * _ROUGH * is_loose(text)
    return score - _NO_MATTER * (not is_whole(text))


def _without_names(text: str) -> str:
    left = list(text)
    for start, end in find_names(text, primary=True).spans:
        left[start:end] = [""] * (end - start)
    return "".join(left)


def _loose(text: str, cutter: WordCutter) -> list[str]:
    """Return the words outside names of places and organisations, those apart from each other by a break."""
    spans = find_names(text, primary=True).spans
    hidden = list(text)
    for start, end in spans:
        hidden[start:end] = ["\n"] * (end - start)
    return cutter.cut("".join(hidden))


def _fallback(sources: Iterable[TitleSource], cutter: WordCutter) -> str:
    """Return the opening of the first clause there is, cut between words, else what kind of matter it is."""
    kinds = Counter[str]()
    for source in sources:
        for clause in clauses(source.title, source.content)[:1]:
            forms = [form for form in shorter_forms(clause, [source.district]) if len(form) > 1]
            return _opening(min(forms, key=len), cutter)
        kinds.update([source.l2] if source.l2 else [])
    return kinds.most_common(1)[0][0][:LENGTH] if kinds else UNTITLED


def _opening(clause: str, cutter: WordCutter) -> str:
    if len(clause) <= LENGTH:
        return clause
    kept = ""
    for word in cutter.cut(clause[: 2 * LENGTH]):
        if len(kept) + len(word) >= LENGTH:
            break
        kept += word
    return (kept.rstrip(_DANGLING) or clause[: LENGTH - 1]) + "…"
