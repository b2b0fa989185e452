"""The directory as the decisions use it: look up, climb, find the unit of a function at a place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from triage._functions import GOVERNMENT_OF_LEVEL
from triage.directory.areas import Area, AreaTree
from triage.directory.loading import read_units
from triage.directory.unit import Unit
from triage.naming import parse_unit_name

_GOVERNMENTS = frozenset(GOVERNMENT_OF_LEVEL.values())
_BUREAU = re.compile(r"(?:局|委|委员会|政府|办事处|支队|大队|街道办)$")


class Directory:
    """A list of units with their places; immutable.

    Where several units of one function serve one place, the authority comes before companies and affiliated
    bodies (城管局 before 环卫公司), then the order of the list decides.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        """Index the units.

        Args:
            units: With unique names; `Directory.load` checks a file, `from_names` drops repetitions.
        """
        self._units = tuple(units)
        self._tree = AreaTree(self._units)
        self._by_name = {unit.name: unit for unit in self._units}
        self._by_alias = _unique_aliases(self._units)
        self._by_function: dict[str, tuple[Unit, ...]] = {}
        served: dict[tuple[str, str], list[Unit]] = defaultdict(list)
        for unit in self._units:
            self._by_function[unit.function] = (*self._by_function.get(unit.function, ()), unit)
            for area in self._tree.served_by(unit):
                served[unit.function, area].append(unit)
        self._served = {key: tuple(sorted(several, key=_precedence)) for key, several in served.items()}

    @classmethod
    def load(cls, path: Path) -> Directory:
        """Read a directory from a csv or xlsx file (columns: see `triage.directory.loading.COLUMNS`).

        Args:
            path: At most 20 MB and 50,000 rows; csv in UTF-8 (with or without BOM) or GB18030.

        Raises:
            DirectoryError: If the file cannot be read or contradicts itself; the message lists up to 20
            problems with
                row, column and remedy.
        """
        return cls(read_units(path))

    @classmethod
    def from_names(cls, names: Iterable[str]) -> Directory:
        """Build a directory from bare names, e.g. the units that occur in a city's ticket history."""
        units = []
        for name in dict.fromkeys(name.strip() for name in names):
            if name:
                read = parse_unit_name(name)
                units.append(Unit(name=name, level=read.level, function=read.function))
        return cls(units)

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units, in the order of the list."""
        return self._units

    def areas(self) -> tuple[Area, ...]:
        """Return every area that is served, wider ones first."""
        return tuple(self._tree)

    def area(self, name: str) -> Area | None:
        """Return the area of that name, or None."""
        return self._tree.get(name)

    @property
    def city(self) -> str:
        """The city's name; empty if no entry names it."""
        return self._tree.city

    def __len__(self) -> int:
        return len(self._units)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units)

    def at(self, day: date) -> Directory:
        """Return the directory as it stood on that day (valid_from and valid_to inclusive)."""
        return Directory(unit for unit in self._units if unit.valid_on(day))

    def get(self, name: str) -> Unit | None:
        """Return the unit of that name or alias; None if there is none or the alias belongs to several."""
        return self._by_name.get(name) or self._by_alias.get(name)

    def by_function(self, function: str) -> tuple[Unit, ...]:
        """Return all units of that function, in the order of the list."""
        return self._by_function.get(function, ())

    def contains(self, area: str, inner_area: str) -> bool:
        """Say whether ``inner_area`` lies in ``area`` or is the same; an empty name means the whole city."""
        return self._tree.contains(area, inner_area)

    def areas_of(self, unit: Unit) -> tuple[str, ...]:
        """Return the names of the areas the unit serves; empty if its place is not known."""
        return self._tree.served_by(unit)

    def candidates(self, function: str, area: str) -> tuple[Unit, ...]:
        """Return every unit of the function that covers the area, nearest jurisdiction first.

        Args:
            function: One of `triage.naming.FUNCTIONS`.
            area: Name of an area of this directory; empty for the whole city. Unknown areas have no
            candidates.
        """
        found = (unit for name in self._tree.upward(area) for unit in self._served.get((function, name), ()))
        return tuple(dict.fromkeys(found))

    def unit_for(self, function: str, area: str) -> Unit | None:
        """Return the unit of the function for the area or the nearest area around it that has one."""
        return next(iter(self.candidates(function, area)), None)

    def superior_of(self, unit: Unit) -> Unit | None:
        """Return the stated superior, else the same function one area up, else the government.

        龙华区城管局 → 市城管局; where the city has none → 龙华区政府; 龙华区政府 → 市政府; 市政府 → None.
        """
        if unit.parent in self._by_name:
            return self._by_name[unit.parent]
        own = self.areas_of(unit)
        chain = list(self._tree.upward(own[0] if own else ""))
        above = [name for name in chain if name not in own]
        for name in above:
            same = [other for other in self._served.get((unit.function, name), ()) if other is not unit]
            if unit.function and same:
                return same[0]
        for name in above if unit.function in _GOVERNMENTS else chain:
            area = self._tree.get(name)
            government = GOVERNMENT_OF_LEVEL[area.level if area else "市"]
            for other in self._served.get((government, name), ()):
                if other is not unit:
                    return other
        return None


def _precedence(unit: Unit) -> tuple[bool, bool, bool]:
    """Order units that share function and place: the authority itself, then other offices, companies last."""
    itself = unit.name.endswith(("政府" if unit.function in _GOVERNMENTS else unit.function, "政府"))
    return unit.level == "企业", not itself, not _BUREAU.search(unit.name)


def _unique_aliases(units: tuple[Unit, ...]) -> dict[str, Unit]:
    """Map the aliases that belong to one unit only; 城管局, claimed by every district, identifies nobody."""
    owners: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        for alias in dict.fromkeys(unit.aliases):
            owners[alias].append(unit)
    return {alias: several[0] for alias, several in owners.items() if len(several) == 1}
