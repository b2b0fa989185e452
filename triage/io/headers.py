"""Which row of a table is its header, and what its columns are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from triage.errors import InputError
from triage.io.columns import check_mapping, fold_header, map_columns

HEADER_ROWS = 10
"""A title (某市工单表) may stand above the header; so many rows are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a table must have to be the right one.

    Attributes:
        columns: Canonical name → source column, as the user mapped them.
        required: Canonical names without which the table is useless.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    required: Collection[str] = ()

    def is_header(self, cells: Sequence[str]) -> bool:
        """Say whether a row names every mapped and every required column."""
        if not self.columns and not self.required:
            return any(cell.strip() for cell in cells)
        present = {fold_header(cell) for cell in cells}
        if not all(fold_header(source) in present for source in self.columns.values()):
            return False
        found = map_columns(cells, self.columns).sources
        return all(name in found for name in self.required)


def find_header(rows: Sequence[Sequence[str]], wanted: Wanted) -> int | None:
    """Return the position of the first row that is a header, None where none is."""
    return next((position for position, cells in enumerate(rows) if wanted.is_header(cells)), None)


def choose_header(rows: Sequence[Sequence[str]], wanted: Wanted, name: str) -> int:
    """Return the position of the header among the first rows of a table.

    Raises:
        InputError: No row is a header; names what is missing and what the fullest row holds.
    """
    position = find_header(rows, wanted)
    if position is None:
        fullest = max(rows, key=lambda cells: sum(bool(cell.strip()) for cell in cells), default=[])
        if not any(cell.strip() for cell in fullest):
            raise InputError(f"{name} 中没有内容；请检查导出是否完整")
        check_mapping(fullest, wanted.columns, wanted.required)
        raise InputError(f"{name} 的前 {HEADER_ROWS} 行中没有可用的表头；请在首行写明列名")
    return position


def distinct(cells: Sequence[str], most: int, name: str) -> tuple[str, ...]:
    """Give every column its own name: a blank header becomes ``列3``, a second ``备注`` becomes ``备注_2``.

    Raises:
        InputError: The table has more than ``most`` columns.
    """
    width = max((position for position, cell in enumerate(cells, 1) if cell.strip()), default=0)
    if width > most:
        raise InputError(f"{name} 有 {width} 列，超过 {most} 列的上限；请删除无用的列，或检查分隔符")
    names: dict[str, None] = {}
    for position, cell in enumerate(cells[:width], 1):
        base = cell.strip().strip("\ufeff") or f"列{position}"
        unique, count = base, 1
        while unique in names:
            count += 1
            unique = f"{base}_{count}"
        names[unique] = None
    return tuple(names)
