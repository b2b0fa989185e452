"""Appeals of a simulated month: the shipped samples told again by other people, from other districts, in other writing.

An original is moved to another district where the directory has the counterpart of its unit, so that the right answer moves
along; its numbers change; and it is written again with slips, courtesies and line breaks of `training.augment`. Matters that
nobody has heard of before keep coming: half of the originals are told from the beginning, the others begin one by one on a
day of their own, and some are put aside and never told: what they are about is new to a bundle whatever it has learned.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from training.augment import vary
from triage.appeal import Appeal
from triage.directory import Directory, Unit
from triage.samples import sample_path
from triage.samples.__main__ import labelled

ASIDE_EVERY = 5
"""Every fifth event of the samples is put aside."""

DAYS = 28
"""Length of the month."""
PAST = 56
"""Days before it from which tickets are told, for a city that has some."""

_DISTRICT, _STREET = "区县", "街镇"
_SUFFIXES = ("街道", "镇", "区", "县")
_WRITINGS: Mapping[str, float] = {
    "typos": 0.25,
    "homophones": 0.25,
    "greetings": 0.4,
    "paragraphs": 0.2,
    "traditional": 0.05,
    "full_width": 0.05,
}
"""Variant → how often it happens to an appeal."""

_DIGIT = re.compile(r"(?<![0-9])[1-9](?=[0-9]?(?:栋|号|楼|层|期|个|天|户|人|元|米))")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One appeal of the month.

    Attributes:
        appeal: As it arrives; its id is unique within the month.
        unit: Whose duty it is.
        original: Number of the sample it was told after.
        risk: Its right risk level, 0 … 4.
    """

    appeal: Appeal
    unit: str
    original: str
    risk: int


class Storyteller:
    """Tells samples again; the same seed tells the same month."""

    def __init__(self, *, seed: int) -> None:
        """Read the samples and the directory."""
        self.directory = Directory.load(sample_path("units.csv"))
        self._rng = random.Random(seed)
        self._places = _Places(self.directory)
        known = [record for record in labelled() if record["unit"]]
        events = sorted({record["event"] for record in known})
        self._rng.shuffle(events)
        aside = set(events[::ASIDE_EVERY])
        days = range(-PAST + 1, DAYS)
        begins = {event: self._rng.choice(days) if self._rng.random() < 0.5 else -PAST for event in events}
        self.aside = tuple(_told(record) for record in known if record["event"] in aside)
        heard = [(begins[record["event"]], _told(record)) for record in known if record["event"] not in aside]
        # Some matters come every day and most come seldom: the weight of the k-th is 1/√k.
        self._rng.shuffle(heard)
        self._heard = [(begin, told, (rank + 1) ** -0.5) for rank, (begin, told) in enumerate(heard)]

    def tell(self, number: int, *, day: int) -> Told:
        """Return the next appeal of the month.

        Args:
            number: Counts the appeals; becomes the id.
            day: Of the month, 0 … `DAYS` − 1; −`PAST` … −1 before it.
        """
        choices = [(told, weight) for begin, told, weight in self._heard if begin <= day]
        told = self._rng.choices([told for told, _ in choices], [weight for _, weight in choices])[0]
        told = self._moved(told)
        appeal = replace(told.appeal, id=f"M{number:06d}")
        title, content = (_DIGIT.sub(self._digit, text) for text in (appeal.title, appeal.content))
        appeal = replace(appeal, title=title, content=content)
        for writing, share in _WRITINGS.items():
            if self._rng.random() < share:
                appeal = vary(appeal, writing, seed=number)
        return replace(told, appeal=appeal)

    def _digit(self, _found: re.Match[str]) -> str:
        return str(self._rng.randint(1, 9))

    def _moved(self, told: Told) -> Told:
        """Move an appeal to another district, where its unit has a counterpart; half of the time it stays."""
        choices = self._places.moves(told) if self._rng.random() < 0.5 else []
        if not choices:
            return told
        move = self._rng.choice(choices)
        appeal = told.appeal
        title, content, address = map(move.apply, (appeal.title, appeal.content, appeal.address))
        return replace(told, appeal=replace(appeal, title=title, content=content, address=address), unit=move.unit)


@dataclass(frozen=True, slots=True)
class _Move:
    """Which names become which, and whose duty the matter is there."""

    names: Mapping[str, str]
    unit: str

    def apply(self, text: str) -> str:
        for name in sorted(self.names, key=len, reverse=True):
            text = text.replace(name, self.names[name])
        return text


class _Places:
    """Districts with their streets, and which unit does in one what another does elsewhere."""

    def __init__(self, directory: Directory) -> None:
        self._units = directory.units
        self._by_name = {unit.name: unit for unit in directory.units}
        governments = [unit for unit in directory.units if unit.level == _DISTRICT and unit.function == "区县政府"]
        self._districts = [unit.jurisdiction for unit in governments]
        self._streets = {
            unit.jurisdiction: [one for one in directory.units if one.level == _STREET and one.parent == unit.name]
            for unit in governments
        }

    def moves(self, told: Told) -> list[_Move]:
        """Return the moves that an appeal allows: it names one district, and the unit has a counterpart elsewhere."""
        text = f"{told.appeal.title}\n{told.appeal.content}\n{told.appeal.address}"
        named = [district for district in self._districts if self._names(district, text)]
        if len(named) != 1:
            return []
        here = named[0]
        found = []
        for there in self._districts:
            if there == here:
                continue
            names = self._renamed(here, there)
            unit = self._counterpart(self._by_name[told.unit], here, there, names)
            if unit:
                found.append(_Move(names, unit))
        return found

    def _names(self, district: str, text: str) -> bool:
        streets = self._streets[district]
        return any(_stem(name) in text for name in (district, *(street.jurisdiction for street in streets)))

    def _renamed(self, here: str, there: str) -> dict[str, str]:
        """Return old name → new name of the district and its streets, whole and as stems (桃溪街道, 桃溪)."""
        pairs = [(here, there)]
        targets = self._streets[there]
        pairs += [
            (street.jurisdiction, targets[place % len(targets)].jurisdiction)
            for place, street in enumerate(self._streets[here])
            if targets
        ]
        return {old: new for pair in pairs for old, new in (pair, (_stem(pair[0]), _stem(pair[1])))}

    def _counterpart(self, unit: Unit, here: str, there: str, names: Mapping[str, str]) -> str:
        if unit.level == _STREET:
            target = names.get(unit.jurisdiction, "")
            return next((one.name for one in self._units if one.jurisdiction == target and one.level == _STREET), "")
        if unit.jurisdiction == here:
            return self._of(unit.function, there)
        # A city's unit stays responsible where neither district has one of its own for the matter.
        alone = not self._of(unit.function, here) and not self._of(unit.function, there)
        return unit.name if alone and unit.level in ("市", "企业") else ""

    def _of(self, function: str, district: str) -> str:
        mine = (one for one in self._units if one.jurisdiction == district and one.function == function)
        return next((one.name for one in mine if one.level == _DISTRICT), "")


def _stem(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


def _told(record: Mapping[str, object]) -> Told:
    """Read a sample with its answer."""
    appeal = Appeal(
        id=str(record["id"]),
        title=str(record["标题"]),
        content=str(record["诉求内容"]),
        address=str(record["诉求地址"]),
        user=str(record["用户"]),
        channel=str(record["渠道"]),
    )
    risk = record["risk"]
    assert isinstance(risk, int)
    return Told(appeal=appeal, unit=str(record["unit"]), original=appeal.id, risk=risk)


def originals(told: Sequence[Told]) -> int:
    """Return after how many samples appeals were told."""
    return len({one.original for one in told})
