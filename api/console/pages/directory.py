"""目录: the city's units, and a new list whose difference is looked at before it applies."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.console.routing import page_router
from api.console.visit import Visit, visitor
from api.uploads import TABLES, received
from triage.casework import unit_lists
from triage.casework.unit_lists import UnitDiff
from triage.directory import Unit
from triage.directory.changes import FieldChange
from triage.io.cells import csv_cell
from triage.rules.deadlines import CHINA
from triage.store.units import ListedUnit

router = page_router()

Reader = Annotated[Visit, Depends(visitor("unit.read"))]
Changer = Annotated[Visit, Depends(visitor("unit.change"))]

JOINT = "、"
NOW, COMING, OVER = "now", "coming", "over"
STATES = {NOW: "现行", COMING: "未生效", OVER: "已停用"}
HEADERS = {
    "name": "单位名称",
    "level": "层级",
    "parent": "上级单位",
    "jurisdiction": "管辖区域",
    "function": "职能",
    "duties": "职责",
    "aliases": "别名",
    "contact": "联系方式",
    "valid_from": "生效日期",
    "valid_to": "失效日期",
}
"""Field of a unit → its column, as `triage.directory.loading` reads it back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A unit of the list as it is shown."""

    unit: Unit
    recorded_at: datetime
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What of the list is shown.

    Attributes:
        lines: Units that fit the search.
        total: All units of the valid list.
        states: State → units.
        levels: Levels that occur, the most frequent first.
        recorded_at: When the list last changed; None for an empty one.
    """

    lines: Sequence[Line]
    total: int
    states: dict[str, int]
    levels: Sequence[str]
    recorded_at: datetime | None


def listing(rows: Sequence[ListedUnit], *, day: date, words: str = "", level: str = "", state: str = "") -> Listing:
    """Choose units.

    Args:
        rows: The valid list.
        day: Today.
        words: Blank-separated; each must stand in a name, an alias, a duty, a function or a place.
        level: Only this level; empty: all.
        state: One of `STATES`; empty: all.
    """
    lines = [Line(unit=row.unit, recorded_at=row.recorded_at, state=state_of(row.unit, day)) for row in rows]
    wanted = words.lower().split()
    kept = [
        line
        for line in lines
        if (not level or line.unit.level == level)
        and (not state or line.state == state)
        and all(word in _said(line.unit) for word in wanted)
    ]
    counts = Counter(line.state for line in lines)
    return Listing(
        lines=kept,
        total=len(lines),
        states={name: counts[name] for name in STATES},
        levels=[name for name, _ in Counter(line.unit.level for line in lines).most_common() if name],
        recorded_at=max((line.recorded_at for line in lines), default=None),
    )


def told(change: FieldChange) -> tuple[str, str]:
    """Return what goes and what comes with a change; of a list only the items that do."""
    if change.field not in ("duties", "aliases"):
        return change.old, change.new
    old, new = (dict.fromkeys(filter(None, side.split(JOINT))) for side in (change.old, change.new))
    return JOINT.join(item for item in old if item not in new), JOINT.join(item for item in new if item not in old)


def state_of(unit: Unit, day: date) -> str:
    """Return whether a unit exists on a day, not yet, or no more."""
    if unit.valid_on(day):
        return NOW
    return COMING if unit.valid_from is not None and day < unit.valid_from else OVER


@router.get("/directory")
def show(
    visit: Reader,
    q: Annotated[str, Query(max_length=100)] = "",
    level: Annotated[str, Query(max_length=20)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show the valid list."""
    found = listing(
        unit_lists.valid_units(visit.desk, visit.actor), day=_today(visit), words=q, level=level, state=state
    )
    chosen = {"q": q, "level": level, "state": state}
    if visit.partial:
        return visit.fragment("directory/_list.html", found=found, chosen=chosen, states=STATES)
    return visit.page("directory/index.html", title="目录", found=found, chosen=chosen, states=STATES)


@router.get("/directory/units.csv")
def download(visit: Reader) -> Response:
    """Send the valid list as a file that can be edited and imported again."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADERS.values())
    for row in unit_lists.valid_units(visit.desk, visit.actor):
        writer.writerow([csv_cell(_cell(getattr(row.unit, field))) for field in HEADERS])
    headers = {"Content-Disposition": 'attachment; filename="units.csv"', "Cache-Control": "no-store"}
    return Response(text.getvalue().encode("utf-8-sig", "replace"), media_type="text/csv", headers=headers)


@router.post("/directory/diff")
async def diff(visit: Changer) -> Response:
    """Say what a file would change."""
    async with received(visit.request, TABLES) as path:
        found = await run_in_threadpool(_compared, visit, path)
    return await run_in_threadpool(visit.fragment, "directory/_diff.html", diff=found, headers=HEADERS, told=told)


@router.post("/directory/import")
async def apply(visit: Changer, seen: Annotated[str, Query(max_length=64)]) -> Response:
    """Make the file that was looked at the valid list."""
    async with received(visit.request, TABLES) as path:
        done = await run_in_threadpool(unit_lists.import_units, visit.desk, visit.actor, path, seen=seen)
    await run_in_threadpool(visit.service.shelf.watcher.poll)
    said = (
        f"名录已更新：新增 {done.added} 个、变更 {done.changed} 个、停用 {done.withdrawn} 个，{done.unchanged} 个未变"
    )
    return await run_in_threadpool(visit.redirect, "/console/directory", said)


def _compared(visit: Visit, path: Path) -> UnitDiff:
    return unit_lists.diff_units(visit.desk.database, visit.actor, path)


def _today(visit: Visit) -> date:
    return visit.desk.clock().astimezone(CHINA).date()


def _said(unit: Unit) -> str:
    parts = (unit.name, *unit.aliases, *unit.duties, unit.function, unit.jurisdiction, unit.parent)
    return "\n".join(parts).lower()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return JOINT.join(map(str, value)) if isinstance(value, tuple) else str(value)
