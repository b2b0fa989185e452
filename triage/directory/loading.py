"""Reads and checks a file of units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from triage.directory.table import Row, read_table
from triage.directory.unit import Unit
from triage.errors import DirectoryError
from triage.naming import FUNCTIONS, LEVELS, UnitName, parse_unit_name

COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("name", "单位名称", "名称", "单位", "部门", "部门名称", "承办单位", "unit"),
    "level": ("level", "层级", "级别", "单位层级", "行政层级"),
    "parent": ("parent", "上级单位", "上级", "主管单位", "上级部门"),
    "jurisdiction": ("jurisdiction", "管辖区域", "辖区", "管辖范围", "区域", "属地"),
    "function": ("function", "职能", "职能类别", "条线"),
    "duties": ("duties", "职责", "主要职责", "工作职责", "职责清单"),
    "aliases": ("aliases", "别名", "简称", "曾用名", "其他名称"),
    "contact": ("contact", "联系方式", "联系电话", "办公电话", "电话"),
    "valid_from": ("valid_from", "生效日期", "启用日期", "开始日期"),
    "valid_to": ("valid_to", "失效日期", "停用日期", "结束日期"),
}
"""Column → the headers it is recognised by; only ``name`` is required."""

_LEVEL_WORDS: dict[str, str] = {
    **{level: level for level in LEVELS},
    **dict.fromkeys(("省级", "省直", "province"), "省"),
    **dict.fromkeys(("市级", "市直", "地市", "city"), "市"),
    **dict.fromkeys(("区", "县", "区级", "县级", "区县级", "县区", "县市区", "district", "county"), "区县"),
    **dict.fromkeys(("街道", "乡镇", "镇", "乡", "镇街", "街镇级", "乡镇街道", "街道乡镇", "street", "town"), "街镇"),
    **dict.fromkeys(("社区", "村", "村社区", "村居", "社区村级", "community", "village"), "社区村"),
    **dict.fromkeys(("网格级", "基层网格", "grid"), "网格"),
    **dict.fromkeys(("公司", "国企", "国有企业", "公用企业", "company", "enterprise"), "企业"),
}
_DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"),
    *("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S"),
)
_MAX_PROBLEMS = 20
_MOST_CONTACT = 100
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
GRID = "网格"
"""Level, and function, of the units below a community."""


class _Problems:
    """Collects what is wrong, so that one run shows every mistake of a file."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, row: int, column: str, text: str) -> None:
        self._found.append(f"第{row}行“{column}”列：{text}")

    def raise_if_any(self, path: Path) -> None:
        if not self._found:
            return
        shown = self._found[:_MAX_PROBLEMS]
        more = len(self._found) - len(shown)
        tail = [f"……另有{more}处问题"] if more else []
        raise DirectoryError("\n".join([f"单位名录 {path.name} 有{len(self._found)}处问题：", *shown, *tail]))


def read_units(path: Path) -> list[Unit]:
    """Read all units of a csv or xlsx file, filling function and level from the name where they are missing.

    Raises:
        DirectoryError: With up to 20 problems, each naming row, column and remedy.
    """
    table = read_table(path)
    at = _columns(table.header, path)
    problems = _Problems()
    numbered = [(row.number, unit) for row in table.rows if (unit := _unit(row, at, problems)) is not None]
    _check_names(numbered, problems)
    _check_superiors(numbered, problems)
    problems.raise_if_any(path)
    if not numbered:
        raise DirectoryError(f"单位名录 {path.name} 没有任何单位：请在表头下至少填写一行")
    return [unit for _, unit in numbered]


def _columns(header: Sequence[str], path: Path) -> dict[str, int]:
    """Find the position of each known column."""
    cleaned = [name.strip().lower() for name in header]
    at = {}
    for column, names in COLUMNS.items():
        found = [cleaned.index(name) for name in names if name in cleaned]
        if found:
            at[column] = found[0]
    if "name" not in at:
        raise DirectoryError(f"单位名录 {path.name} 缺少“单位名称”列：请把表头写成“单位名称”或 name")
    return at


def _unit(row: Row, at: dict[str, int], problems: _Problems) -> Unit | None:
    """Build the unit of one row; None if the row has no name (reported) or is empty."""
    cell = {column: row.cells[index].strip() for column, index in at.items() if index < len(row.cells)}
    if not any(row.cells):
        return None
    name = cell.get("name", "")
    if not name:
        problems.add(row.number, "单位名称", "为空，请填写单位名称或删除该行")
        return None
    read = parse_unit_name(name)
    valid_from = _date(cell.get("valid_from", ""), row.number, "生效日期", problems)
    valid_to = _date(cell.get("valid_to", ""), row.number, "失效日期", problems)
    if valid_from and valid_to and valid_to < valid_from:
        problems.add(row.number, "失效日期", f"{valid_to} 早于生效日期 {valid_from}，请核对两个日期")
    level = _level(cell.get("level", ""), GRID if name.endswith(GRID) else read.level, row.number, problems)
    return Unit(
        name=name,
        level=level,
        parent=cell.get("parent", ""),
        jurisdiction=cell.get("jurisdiction", ""),
        function=GRID if level == GRID and not cell.get("function") else _function(cell.get("function", ""), read),
        duties=_list(cell.get("duties", "")),
        aliases=_list(cell.get("aliases", "")),
        valid_from=valid_from,
        valid_to=valid_to,
        contact=_contact(cell.get("contact", ""), row.number, problems),
    )


def _contact(text: str, row: int, problems: _Problems) -> str:
    """Take an office's number; a mobile number is a person's, and this list is shown to everybody."""
    if len(text) > _MOST_CONTACT or _MOBILE.search(text):
        problems.add(row, "联系方式", f"请填写单位的办公电话或地址（不超过{_MOST_CONTACT}字），不要填个人手机号")
        return ""
    return text


def _level(text: str, by_name: str, row: int, problems: _Problems) -> str:
    if not text:
        return by_name
    level = _LEVEL_WORDS.get(text.lower())
    if level is None:
        problems.add(row, "层级", f"“{text[:20]}”不是已知层级，请填写：{'、'.join(LEVELS)}")
        return by_name
    return level


def _function(text: str, read: UnitName) -> str:
    """Take a stated function of the list, map other words onto it (城市管理 → 城管局), else read the name.

    A function of the user's own that maps onto nothing is kept: units can still be found by it.
    """
    if not text:
        return read.function
    return text if text in FUNCTIONS else parse_unit_name(text).function or text


def _list(text: str) -> tuple[str, ...]:
    """Split a cell with several values."""
    for separator in ("；", ";", "|", "，", ",", "\n"):
        text = text.replace(separator, "、")
    return tuple(dict.fromkeys(part.strip() for part in text.split("、") if part.strip()))


def _date(text: str, row: int, column: str, problems: _Problems) -> date | None:
    if not text:
        return None
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 (a calendar day has no zone)
        except ValueError:
            continue
    problems.add(row, column, f"“{text[:20]}”无法识别为日期，请写成 2024-01-31")
    return None


def _check_names(numbered: Iterable[tuple[int, Unit]], problems: _Problems) -> None:
    first: dict[str, int] = {}
    for row, unit in numbered:
        if unit.name in first:
            problems.add(row, "单位名称", f"“{unit.name[:40]}”与第{first[unit.name]}行重复，请合并或改名")
        first.setdefault(unit.name, row)


def _check_superiors(numbered: Sequence[tuple[int, Unit]], problems: _Problems) -> None:
    """Report superiors that are not in the list and chains of superiors that come back to their start."""
    parents = {unit.name: unit.parent for _, unit in numbered}
    on_cycle = _cycles(parents)
    for row, unit in numbered:
        if unit.parent and unit.parent not in parents:
            problems.add(row, "上级单位", f"“{unit.parent[:40]}”不在名录中，请补充该单位或清空此格")
        elif unit.name in on_cycle:
            problems.add(row, "上级单位", f"“{unit.name[:40]}”的上级关系成环，请改正其中一个上级单位")


def _cycles(parents: dict[str, str]) -> set[str]:
    """Return the names that are their own superior, directly or through others; in linear time."""
    settled: set[str] = set()
    cycles: set[str] = set()
    for start in parents:
        walked: dict[str, int] = {}
        name = start
        while name in parents and name not in settled and name not in walked:
            walked[name] = len(walked)
            name = parents[name]
        if name in walked:
            cycles |= {other for other, place in walked.items() if place >= walked[name]}
        settled |= walked.keys()
    return cycles
