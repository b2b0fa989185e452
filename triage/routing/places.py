"""Which places of the directory an appeal names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from triage.directory import Directory
from triage.naming import Place, parse_places
from triage.text.phrases import PhraseMatcher

_SUFFIX = re.compile(r"(?:街道办事处|街道|社区|开发区|新区|区|县|市|镇|乡|村)$")
_DEPTH = {"省": 0, "市": 1, "区县": 2, "街镇": 3, "社区村": 4, "网格": 5}
_NOT_A_NAME = re.compile(r"[小社片校园地城市辖管景全各该本我两郊老新东西南北中]$")

# Where a place name can begin when no directory tells the names: at the start, after a break, or after a word of place.
_CUE = re.compile(r"(?:^|[,，。:：;；、(（\s]|位于|家住|住在|居住在|地址[:：]?|[是在])(?=[一-鿿A-Z])")
_MAX_CUES = 200


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """An area the text names and the words that name it."""

    area: str
    level: str
    words: str


class PlaceFinder:
    """Finds the areas of a directory in texts, by full name or without the suffix (龙华区, 龙华)."""

    def __init__(self, directory: Directory) -> None:
        self._meaning: dict[str, str] = {}
        self._level = {area.name: area.level for area in directory.areas()}
        for area in sorted(directory.areas(), key=lambda a: _DEPTH.get(a.level, 9)):
            for name in (area.name, _SUFFIX.sub("", area.name)):
                if len(name) >= 2 and area.level != "市":
                    self._meaning.setdefault(name, area.name)
        self._matcher = PhraseMatcher(self._meaning)

    def find(self, text: str) -> list[PlaceMention]:
        """Return each named area once, in reading order, with the longest words that name it."""
        found: dict[str, PlaceMention] = {}
        end = 0
        for hit in self._matcher.find(text):
            if hit.start >= end:
                area = self._meaning[hit.phrase]
                known = found.get(area)
                if known is None or len(known.words) < len(hit.phrase):
                    found[area] = PlaceMention(area, self._level[area], hit.phrase)
                end = hit.end
        return list(found.values())


def consistent(mentions: Sequence[PlaceMention], directory: Directory) -> list[PlaceMention]:
    """Leave out short names that lie outside every district the text names in full.

    南汀区望江府 is an estate in 南汀区, not 望江街道 of another district; 望江街道 written out would count.
    """
    districts = [m.area for m in mentions if m.level == "区县" and m.words == m.area]
    return [
        mention
        for mention in mentions
        if not districts
        or mention.words == mention.area
        or any(directory.contains(district, mention.area) for district in districts)
    ]


def narrowest(mentions: Iterable[PlaceMention]) -> PlaceMention | None:
    """Return the mention of the narrowest area, the first of equals; None for none."""
    return max(mentions, key=lambda m: _DEPTH.get(m.level, 0), default=None)


def guess_place(text: str, address: str) -> PlaceMention | None:
    """Read an administrative name off the address field or the text where no directory is at hand."""
    for source in (address, *(text[at : at + 24] for at in _cues(text))):
        places = [place for place in parse_places(source)[0] if _plausible(place)]
        if places:
            return PlaceMention(places[-1].name, places[-1].level, places[-1].name)
    return None


def _cues(text: str) -> list[int]:
    return [found.end() for found, _ in zip(_CUE.finditer(text), range(_MAX_CUES), strict=False)]


def _plausible(place: Place) -> bool:
    stem = _SUFFIX.sub("", place.name)
    return _DEPTH.get(place.level, 0) >= 2 and 1 < len(place.name) <= 8 and bool(stem) and not _NOT_A_NAME.search(stem)
