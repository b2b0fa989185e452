"""The tree of areas that a list of units implies: 市 > 区县 > 街镇 > 社区村 > 网格."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from triage.directory.unit import Unit
from triage.naming import Place, parse_places, parse_unit_name

WIDTH = {"省": 0, "市": 1, "区县": 2, "街镇": 3, "社区村": 4, "网格": 5}
"""Rank of a level on the administrative ladder; the higher, the narrower."""

Path = tuple[Place, ...]
"""Places from the widest to the narrowest, without province and own city; () is the whole city."""

_SEPARATORS = re.compile(r"[、,，;；\s]+")
_WHOLE_CITY = frozenset(("", "全市", "市", "全域", "全辖区", "全区", "全县", "市级", "市辖区", "本市"))


@dataclass(frozen=True, slots=True)
class Area:
    """A place that units serve.

    Attributes:
        name: Unique in the tree; where two districts have a street of one name, the district stands in front.
        level: 省, 市, 区县, 街镇, 社区村 or 网格.
        parent: Name of the enclosing area; empty for the widest.
    """

    name: str
    level: str
    parent: str


class AreaTree:
    """Which areas there are, which lies in which, and which ones each unit serves.

    Attributes:
        city: Name of the city the directory belongs to; empty if no entry names it.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        """Derive the tree from the names, jurisdictions and superiors of the units."""
        reader = _PathReader(tuple(units))
        self.city = reader.city
        keys = _keys(path for paths in reader.paths.values() for path in paths)
        self._areas = _areas(keys, self.city)
        self._served = {
            name: tuple(dict.fromkeys(keys[path] if path else self.city for path in paths))
            for name, paths in reader.paths.items()
        }

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas.values())

    def get(self, name: str) -> Area | None:
        """Return the area of that name, or None."""
        return self._areas.get(name)

    def served_by(self, unit: Unit) -> tuple[str, ...]:
        """Return the names of the areas the unit serves.

        A unit of the whole city serves the city's name (perhaps empty), one of the province "", a local
        office whose place is not known (城南派出所) nothing.
        """
        if unit.level == "省" and not unit.jurisdiction:
            return ("",)
        return self._served.get(unit.name, ())

    def upward(self, name: str) -> Iterator[str]:
        """Yield the area and every area around it, nearest first; "" (above the city) ends the row.

        An unknown name yields nothing: guessing the city for a place outside it would send the appeal to a
        wrong unit.
        """
        name = name or self.city
        area = self._areas.get(name)
        while area is not None:
            yield area.name
            area = self._areas.get(area.parent) if area.parent else None
        if not name or name in self._areas:
            yield ""

    def contains(self, outer: str, inner: str) -> bool:
        """Say whether ``inner`` lies in ``outer`` or is the same; an empty name means the whole city."""
        return (outer or self.city) in self.upward(inner)


class _PathReader:
    """Finds the path of every unit: from its jurisdiction, else its name, else its superior."""

    def __init__(self, units: tuple[Unit, ...]) -> None:
        self._units = {unit.name: unit for unit in units}
        self._named = {unit.name: parse_unit_name(unit.name).places for unit in units}
        self.city = self._find_city()
        raw = {unit.name: self._read(unit) for unit in units}
        self.paths = _completed(raw)

    def _find_city(self) -> str:
        """Return the city named most often; a neighbouring city may be mentioned once or twice."""
        places = [place for named in self._named.values() for place in named]
        for unit in self._units.values():
            for part in _SEPARATORS.split(unit.jurisdiction):
                places += parse_places(part)[0]
        counts = Counter(place.name for place in places if place.level == "市")
        return counts.most_common(1)[0][0] if counts else ""

    def _read(self, unit: Unit) -> tuple[Path, ...]:
        if unit.jurisdiction:
            parts = [part for part in _SEPARATORS.split(unit.jurisdiction) if part not in _WHOLE_CITY]
            return tuple(self._around(unit, _stated(part, unit.level)) for part in parts) or ((),)
        named = self._named[unit.name]
        # A grid has no administrative name to read: its whole name is the place (桥头社区第一网格).
        path = self._around(unit, (*named, Place(unit.name, "网格")) if unit.level == "网格" else named)
        if WIDTH.get(unit.level, 0) >= WIDTH["街镇"] and (not path or WIDTH[path[-1].level] < WIDTH[unit.level]):
            return ()
        return (path,)

    def _around(self, unit: Unit, places: Path) -> Path:
        """Put the wider places that the unit's name and its superiors' entries state before ``places``."""
        seen = {unit.name}
        current: Unit | None = unit
        while current is not None:
            stated = _SEPARATORS.split(current.jurisdiction) if current is not unit else []
            for wider in (parse_places(stated[0])[0] if len(stated) == 1 else (), self._named[current.name]):
                places = (*_wider(wider, places), *places)
            current = self._units.get(current.parent) if current.parent not in seen else None
            seen.add(current.name if current else "")
        return tuple(place for place in places if place.level != "省" and place.name != self.city)


def _stated(part: str, level: str) -> Path:
    """Read one stated jurisdiction; words that are no administrative name (高新片区) stay as they are."""
    places, rest = parse_places(part)
    return places if places and not rest else (Place(part, level if level in WIDTH else "区县"),)


def _wider(candidates: Path, places: Path) -> Path:
    """Keep the candidates that are wider than the widest of ``places``."""
    limit = WIDTH[places[0].level] if places else len(WIDTH)
    return tuple(place for place in candidates if WIDTH[place.level] < limit)


def _completed(raw: dict[str, tuple[Path, ...]]) -> dict[str, tuple[Path, ...]]:
    """Put paths that lack their beginning or a suffix under the only longer path they can mean.

    城西镇政府 beside 龙华区城西镇司法所 is in 龙华区; 市公安局龙华分局 names 龙华, which only 龙华区 begins
    with.
    """
    known = {path[: depth + 1] for paths in raw.values() for path in paths for depth in range(len(path))}
    by_tail: dict[str, set[Path]] = defaultdict(set)
    for path in known:
        by_tail[path[-1].name].add(path)
        by_tail[path[-1].name[:-1]].add(path)

    def complete(path: Path) -> Path:
        if not path:
            return path
        level = path[0].level
        longer = [other for other in by_tail[path[0].name] if other != path[:1] and other[-1].level == level]
        return (*longer[0], *path[1:]) if len(longer) == 1 else path

    return {name: tuple(complete(path) for path in paths) for name, paths in raw.items()}


def _keys(paths: Iterable[Path]) -> dict[Path, str]:
    """Name a path by its last place, or by its last two where two paths end alike (two streets)."""
    prefixes = dict.fromkeys(path[: depth + 1] for path in paths for depth in range(len(path)))
    every = sorted(prefixes, key=len)
    tails = Counter(path[-1].name for path in every)
    return {
        path: path[-1].name if tails[path[-1].name] == 1 else "".join(place.name for place in path[-2:])
        for path in every
    }


def _areas(keys: dict[Path, str], city: str) -> dict[str, Area]:
    areas = {city: Area(city, "市", "")} if city else {}
    for path, name in keys.items():
        parent = keys[path[:-1]] if len(path) > 1 else city if path[-1].level != "市" else ""
        areas[name] = Area(name, path[-1].level, parent)
    return areas
