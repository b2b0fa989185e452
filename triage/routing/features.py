"""What speaks for a unit: named numbers per (appeal, unit), the only things the rankers see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage._functions import KEYWORDS
from triage.directory import Directory, Unit
from triage.document import Document
from triage.naming import LEVELS
from triage.routing.places import PlaceFinder, PlaceMention
from triage.text.phrases import PhraseMatcher

Floats = NDArray[np.float32]

FLOOR = -9.0
"""Natural logarithm below which a probability counts as "never seen" (about 1 in 8,000)."""

FEATURES: Mapping[str, str] = {
    "function": "log P(function of the unit | text), learned from the city's own tickets where there are any",
    "base_function": "the same by the base model, beside the city's own",
    "unit": "log P(unit | text) of the city's own model",
    "dense": "log P(unit | text) of the city's own network over dense vectors",
    "area": "log P(area of the unit | text) learned from the city's own tickets",
    "centroid": "cosine to the mean of the unit's own tickets",
    "prior": "log share of the unit in the city's own tickets",
    "place_named": "the text names an area the unit serves",
    "district_named": "the text names the unit's district or a place inside it",
    "other_district_named": "the text names districts, and the unit belongs to another one",
    "twin_named": "the unit serves the whole city although the named district has its own unit of the same function",
    "function_named": "the text holds a word for the unit's function",
    "unit_named": "the text holds the unit's name or alias",
    "duty_named": "log(1 + number of the unit's duty words in the text)",
    **{f"level_{level}": f"the unit stands at level {level}" for level in LEVELS if level != "网格"},
}
"""Every feature a ranker may use, with its meaning."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the texts name, for one batch.

    Attributes:
        places: Per appeal the areas it names, in reading order.
        phrases: Per appeal the names, aliases, function words and duties it holds.
    """

    places: list[list[PlaceMention]]
    phrases: list[set[str]]


class UnitFeatures:
    """Computes the features for all units of one directory."""

    def __init__(self, directory: Directory) -> None:
        self.units: tuple[Unit, ...] = directory.units
        self.places = PlaceFinder(directory)
        self._area_index = {area.name: i for i, area in enumerate(directory.areas())}
        self._serves = self._served_areas(directory)
        self._districts, self._in_district = _districts(directory)
        self._twins = _twins(self.units, self._districts, self._in_district.shape[1])
        names = [{unit.name, *unit.aliases} for unit in self.units]
        words: dict[str, set[str]] = {}
        for function, line in KEYWORDS:
            words.setdefault(function, set()).update(word for word in line.split() if len(word) >= 2)
        self._name_sets = names
        self._function_sets = [words.get(unit.function, set()) for unit in self.units]
        self._duty_sets = [{duty for duty in unit.duties if len(duty) >= 2} for unit in self.units]
        every = [phrase for sets in (names, self._function_sets, self._duty_sets) for s in sets for phrase in s]
        self._matcher = PhraseMatcher(every)
        self._owners = self._owners_by_phrase()
        self._levels = {f"level_{level}": self._level_flags(level) for level in LEVELS}

    def evidence(self, documents: Sequence[Document]) -> Evidence:
        """Find everything the texts name."""
        texts = [f"{d.text}\n{d.address}" if d.address else d.text for d in documents]
        return Evidence([self.places.find(text) for text in texts], [self._matcher.present(text) for text in texts])

    def compute(self, evidence: Evidence, scores: Mapping[str, Floats], names: Sequence[str]) -> Floats:
        """Return float32[n, units, len(names)].

        Args:
            evidence: Of the n appeals.
            scores: Model scores already spread over the units, float32[n, units]: ``function`` and, where the city
                has its own model, ``unit``, ``area``, ``centroid`` and ``prior``.
            names: Features wanted, keys of `FEATURES`.
        """
        n = len(evidence.places)
        found = {**self._place_features(evidence), **self._phrase_features(evidence), **scores}
        columns = [
            found[name] if name in found else np.broadcast_to(self._levels[name], (n, len(self.units)))
            for name in names
        ]
        return np.stack(columns, axis=2).astype(np.float32, copy=False)

    def _place_features(self, evidence: Evidence) -> dict[str, Floats]:
        areas = np.zeros((len(evidence.places), len(self._area_index)), dtype=np.float32)
        for row, mentions in enumerate(evidence.places):
            for mention in mentions:
                areas[row, self._area_index[mention.area]] = 1.0
        districts = np.minimum(areas @ self._in_district, 1.0)
        any_district = districts.max(axis=1, initial=0.0)[:, None]
        own = (
            districts[:, self._districts] if districts.shape[1] else np.zeros((len(areas), len(self.units)), np.float32)
        )
        bound = (self._districts >= 0).astype(np.float32)[None, :]
        own = own * bound
        return {
            "place_named": np.minimum(areas @ self._serves, 1.0),
            "district_named": own,
            "other_district_named": bound * any_district * (1.0 - own),
            "twin_named": np.minimum(districts @ self._twins, 1.0),
        }

    def _phrase_features(self, evidence: Evidence) -> dict[str, Floats]:
        counts = np.zeros((3, len(evidence.phrases), len(self.units)), dtype=np.float32)
        for row, phrases in enumerate(evidence.phrases):
            for phrase in phrases:
                for kind, owners in self._owners[phrase]:
                    counts[kind, row, owners] += 1.0
        return {
            "unit_named": np.minimum(counts[0], 1.0),
            "function_named": np.minimum(counts[1], 1.0),
            "duty_named": np.log1p(counts[2]),
        }

    def _owners_by_phrase(self) -> dict[str, list[tuple[int, NDArray[np.int64]]]]:
        owners: dict[tuple[str, int], list[int]] = {}
        for kind, sets in enumerate((self._name_sets, self._function_sets, self._duty_sets)):
            for unit, phrases in enumerate(sets):
                for phrase in phrases:
                    owners.setdefault((phrase, kind), []).append(unit)
        table: dict[str, list[tuple[int, NDArray[np.int64]]]] = {}
        for (phrase, kind), units in owners.items():
            table.setdefault(phrase, []).append((kind, np.array(units)))
        return table

    def _served_areas(self, directory: Directory) -> Floats:
        """Return float32[areas, units]: 1 where the unit serves exactly this area, below the city level."""
        serves = np.zeros((len(self._area_index), len(self.units)), dtype=np.float32)
        for column, unit in enumerate(self.units):
            for area in directory.areas_of(unit):
                known = directory.area(area)
                if known is not None and known.level != "市":
                    serves[self._area_index[area], column] = 1.0
        return serves

    def _level_flags(self, level: str) -> Floats:
        return np.array([[1.0 if unit.level == level else 0.0 for unit in self.units]], dtype=np.float32)


def _districts(directory: Directory) -> tuple[NDArray[np.int64], Floats]:
    """Return each unit's district (int64[units], −1 for none) and which areas lie where (float32[areas, districts])."""
    areas = directory.areas()
    names = [area.name for area in areas if area.level == "区县"]
    inside = np.array(
        [[1.0 if directory.contains(name, area.name) else 0.0 for name in names] for area in areas], dtype=np.float32
    ).reshape(len(areas), len(names))
    row = {area.name: i for i, area in enumerate(areas)}
    unit_district = np.full(len(directory.units), -1, dtype=np.int64)
    for column, unit in enumerate(directory.units):
        served = [row[area] for area in directory.areas_of(unit) if area in row]
        if served and inside[served[0]].any():
            unit_district[column] = int(inside[served[0]].argmax())
    return unit_district, inside


def _twins(units: Sequence[Unit], unit_district: NDArray[np.int64], districts: int) -> Floats:
    """Return float32[districts, units]: 1 where a city-wide unit has a counterpart of its function in the district."""
    twins = np.zeros((districts, len(units)), dtype=np.float32)
    local = {(units[i].function, int(d)) for i, d in enumerate(unit_district) if d >= 0 and units[i].function}
    for column, unit in enumerate(units):
        if unit_district[column] < 0:
            for district in range(districts):
                twins[district, column] = float((unit.function, district) in local)
    return twins
