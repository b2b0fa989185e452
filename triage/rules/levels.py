"""At which level an appeal is handled: the lowest that can and may (小事不出网格，大事不出社区，难事不出街道)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.directory import Directory
from triage.errors import InputError
from triage.rules.shipped import DATA

GRID, COMMUNITY, STREET = "网格", "社区村", "街镇"

_RANK = {GRID: 0, COMMUNITY: 1, STREET: 2, "区县": 3, "市": 4, "省": 5, "企业": 3}
_UNIT_OF_LEVEL = {GRID: "网格", COMMUNITY: "社区村委", STREET: "街道乡镇"}
LOWEST = tuple(_UNIT_OF_LEVEL)
"""Levels to which the admission list can let a matter down, the lowest first."""

_SERIOUS = 3
_POLICY = re.compile(
    r"(?:咨询|请问|想了解|想知道|想问)[^。！？\n]{0,40}(?:政策|条例|规定|标准|补贴|条件|办法|细则|流程|材料|比例|资格)"
)
_LOCAL = re.compile(r"物业|小区|楼道|邻居|我家|门口|路口")


@dataclass(frozen=True, slots=True)
class Level:
    """A level of handling and why, in Chinese."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AdmissionItem:
    """One small matter that may go down.

    Attributes:
        name: What it is, e.g. 楼道堆物.
        lowest: The lowest level that may handle it, one of `LOWEST`.
        words: Any of these in the text makes it this matter …
        barred: … unless one of these is there too.
    """

    name: str
    lowest: str
    words: tuple[str, ...]
    barred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """An item that applies to a text, and the words that say so."""

    item: AdmissionItem
    words: str


class AdmissionList:
    """The small matters that may go down to street, community and grid (准入清单), and nothing else may."""

    def __init__(self, items: Iterable[AdmissionItem] = ()) -> None:
        """Prepare the search.

        Args:
            items: In the order in which they are tried.
        """
        self.items = tuple(items)
        self._patterns = [(item, _any_of(item.words), _any_of(item.barred)) for item in self.items]

    @classmethod
    def load(cls, path: Path | None = None) -> AdmissionList:
        """Read the list from a JSON file, by default the shipped one (triage/data/admission.json).

        Raises:
            InputError: If the file is missing, is no JSON, or an item is incomplete; the message names the
            item.
        """
        name = path.name if path else "admission.json"
        try:
            source = path or DATA / "admission.json"
            stored = json.loads(source.read_text(encoding="utf-8"))["items"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"准入清单 {name} 无法读取：应为含 items 的 JSON 文件（UTF-8）") from error
        items = [_item(entry, number, name) for number, entry in enumerate(stored, 1)]
        double = next((item for at, item in enumerate(items) if item.name in [i.name for i in items[:at]]), None)
        if double is not None:
            raise InputError(f"准入清单 {name} 中“{double.name[:20]}”出现两次，请合并")
        return cls(items)

    def find(self, text: str) -> Admitted | None:
        """Return the first item that applies to a text, or None."""
        for item, words, barred in self._patterns:
            match = words.search(text) if words else None
            if match and not (barred and barred.search(text)):
                return Admitted(item, match[0])
        return None

    def admits(self, text: str, level: str) -> bool:
        """Say whether a matter may be handled at a level; from 街镇 upwards, and by companies, any may."""
        if _RANK.get(level, _RANK[STREET]) >= _RANK[STREET]:
            return True
        found = self.find(text)
        return found is not None and _RANK[level] >= _RANK[found.item.lowest]


def _any_of(words: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, words))) if words else None


_INCOMPLETE = "准入清单 {name} 第{number}项不完整：需要 item、words（至少一个词）和 lowest（网格、社区村 或 街镇）"


def _item(entry: Any, number: int, name: str) -> AdmissionItem:
    try:
        words, barred = (tuple(str(w).strip() for w in entry.get(key, ())) for key in ("words", "not"))
        item = str(entry["item"]).strip()
        lowest = str(entry["lowest"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(_INCOMPLETE.format(name=name, number=number)) from error
    if lowest not in LOWEST or not item or not words or not all((*words, *barred)):
        raise InputError(_INCOMPLETE.format(name=name, number=number))
    return AdmissionItem(name=item, lowest=lowest, words=words, barred=barred)


def handling_level(
    text: str, *, function: str, area: str, directory: Directory | None, risk_level: int, admission: AdmissionList
) -> Level:
    """Choose the lowest level whose directory entry covers the matter.

    Args:
        text: The normalised text.
        function: The leading function.
        area: Name of an area of the directory; empty where unknown.
        directory: None where the city gave no list of units: then the place alone decides.
        risk_level: 0 … 4; from 3 on the matter stays at 区县 or above.
        admission: What may go down to street, community and grid.
    """
    if _POLICY.search(text) and not _LOCAL.search(text):
        return Level("市", "咨询全市性政策，由市级部门解答")
    if risk_level < _SERIOUS:
        small = _small_matter(text, area=area, directory=directory, admission=admission)
        if small is not None:
            return small
    level = _covering(function, area=area, directory=directory)
    if risk_level >= _SERIOUS and _RANK[level.name] < _RANK["区县"]:
        return Level("区县", f"风险等级{risk_level}级，不下沉到{level.name}")
    return level


def _small_matter(text: str, *, area: str, directory: Directory | None, admission: AdmissionList) -> Level | None:
    """Send a matter of the admission list to the lowest allowed level that has a unit for the area."""
    found = admission.find(text)
    if found is None or directory is None:
        return None
    for level in LOWEST[LOWEST.index(found.item.lowest) :]:
        unit = directory.unit_for(_UNIT_OF_LEVEL[level], area)
        if unit is not None:
            return Level(level, f"“{found.words}”属准入清单“{found.item.name}”，{unit.name}可就近办理")
    return None


def _covering(function: str, *, area: str, directory: Directory | None) -> Level:
    """Read the level off the unit that covers the area, or off the area where there is no such unit."""
    unit = directory.unit_for(function, area) if directory is not None else None
    if unit is not None and unit.level in _RANK:
        return Level(unit.level, f"名录中负责该事项的最低层级单位是{unit.name}")
    place = directory.area(area) if directory is not None else None
    if place is not None and place.level == "市":
        return Level("市", "事项涉及全市或地点不明")
    if place is not None or area:
        return Level("区县", f"事项在{area}，职能部门最低设在区县")
    return Level("市", "地点不明，由市级部门判定")
