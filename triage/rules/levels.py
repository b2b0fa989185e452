"""At which level an appeal is handled: the lowest that can (小事不出网格，大事不出社区，难事不出街道)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.directory import Directory
from triage.errors import InputError
from triage.rules.shipped import DATA

_RANK = {"社区村": 0, "街镇": 1, "区县": 2, "市": 3, "省": 4, "企业": 2}
_UNIT_OF_LEVEL = {"社区村": "社区村委", "街镇": "街道乡镇"}
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


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    lowest: str
    words: re.Pattern[str]
    barred: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class AdmissionList:
    """The small matters that may go down to street or community (准入清单), and nothing else may."""

    items: tuple[_Item, ...]

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
        return cls(tuple(_item(entry, number, name) for number, entry in enumerate(stored, 1)))

    def find(self, text: str) -> tuple[str, str, str] | None:
        """Return (item, lowest level, the words that matched) of the first item that applies, or None."""
        for item in self.items:
            match = item.words.search(text)
            if match and not (item.barred and item.barred.search(text)):
                return item.name, item.lowest, match[0]
        return None


def _item(entry: Any, number: int, name: str) -> _Item:
    try:
        _ = _UNIT_OF_LEVEL[entry["lowest"]], entry["words"][0]
        barred = "|".join(map(re.escape, entry.get("not", ())))
        words = re.compile("|".join(map(re.escape, entry["words"])))
        return _Item(entry["item"], entry["lowest"], words, re.compile(barred) if barred else None)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(
            f"准入清单 {name} 第{number}项不完整：需要 item、words（至少一个词）和 lowest（社区村 或 街镇）"
        ) from error


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
        admission: What may go down to street and community.
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
    item, lowest, words = found
    for level in ("社区村", "街镇"):
        unit = directory.unit_for(_UNIT_OF_LEVEL[level], area) if _RANK[level] >= _RANK[lowest] else None
        if unit is not None:
            return Level(level, f"“{words}”属准入清单“{item}”，{unit.name}可就近办理")
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
