"""Appeals into a file that an office can open: masked, within the actor's districts, on record."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, tuple_

from triage.appeal import Appeal
from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.errors import InputError
from triage.io.cells import Cell, csv_cell
from triage.io.flatten import COLUMNS, Column, risk_colour
from triage.io.spreadsheet import Spreadsheet
from triage.io.times import china
from triage.store import appeals, audit
from triage.store.access import Actor
from triage.store.appeals import AppealFilter, AppealView
from triage.store.schema import decisions

MOST = 50_000
"""Most appeals of one file; a larger one is exported in parts, by date."""

Record = Mapping[str, Any]

_CASE = {"waiting": "待派单", "assigned": "办理中", "closed": "已办结", "joined": "并入工单"}
_DELIVERY = {
    "none": "未建议",
    "proposed": "已建议",
    "held": "待自动派出",
    "dispatched": "已派发",
    "accepted": "已签收",
    "handling": "办理中",
    "objected": "异议审查",
    "returned": "已退单",
}


def export(desk: Desk, actor: Actor, wanted: AppealFilter, path: Path) -> int:
    """Write appeals, newest first, and return how many; who exported how many is in the audit.

    Args:
        desk: The desk.
        actor: Officer, analyst or administrator.
        wanted: Which ones.
        path: A file that is made; .csv or .xlsx.

    Raises:
        Refused: The actor may not.
        InputError: There are more than `MOST`.
    """
    require(actor, "appeal.export")
    write = _write_xlsx if path.suffix == ".xlsx" else _write_csv
    with desk.database.transaction(actor.scope) as connection:
        count = write(path, _records(connection, wanted))
        audit.append(
            connection, actor=actor.name, action="appeal.export", detail={"appeals": count, "format": path.suffix[1:]}
        )
    return count


def _records(connection: Connection, wanted: AppealFilter) -> Iterator[Record]:
    after, count = None, 0
    while True:
        page = appeals.page(connection, wanted, after=after, limit=appeals.MOST)
        count += len(page.items)
        if count > MOST:
            raise InputError(f"符合条件的诉求超过 {MOST:,} 件；请缩小时间范围，分几次导出")
        yield from _joined(connection, page.items)
        if page.next is None:
            return
        after = page.next


def _joined(connection: Connection, views: Sequence[AppealView]) -> Iterator[Record]:
    keys = [(view.id, view.decision_version) for view in views]
    columns = (decisions.c.appeal_id, decisions.c.record)
    statement = select(*columns).where(tuple_(decisions.c.appeal_id, decisions.c.version).in_(keys))
    records = {row.appeal_id: row.record for row in connection.execute(statement)} if keys else {}
    for view in views:
        yield {**records.get(view.id, {}), "view": asdict(view)}


def _write_csv(path: Path, records: Iterator[Record]) -> int:
    count = 0
    with path.open("wb") as raw, TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        rows.writerow([column.header for column in EXPORT_COLUMNS])
        for count, record in enumerate(records, 1):  # noqa: B007 - how many there were is the answer
            rows.writerow([csv_cell(column.value(record, None)) for column in EXPORT_COLUMNS])
    return count


def _write_xlsx(path: Path, records: Iterator[Record]) -> int:
    count = 0
    with path.open("wb") as file:
        sheet = Spreadsheet(file, EXPORT_COLUMNS, title="诉求")
        try:
            sheet.begin()
            for count, record in enumerate(records, 1):  # noqa: B007 - how many there were is the answer
                cells = [column.value(record, None) for column in EXPORT_COLUMNS]
                sheet.append(cells, colour=risk_colour(record))
            sheet.finish()
        finally:
            sheet.close()
    return count


def _of_view(name: str, words: Mapping[str, str] | None = None) -> Callable[[Record, Appeal | None], Cell]:
    def read(record: Record, appeal: Appeal | None) -> Cell:
        value = record["view"][name]
        if isinstance(value, datetime):
            return value.astimezone(china())
        if value is None or isinstance(value, (int, float)):
            return value
        return (words or {}).get(str(value), str(value))

    return read


def _column(
    header: str, width: int, name: str, *, style: str = "text", words: Mapping[str, str] | None = None
) -> Column:
    return Column(header=header, width=width, style=style, value=_of_view(name, words))


_OWN = (
    _column("编号", 38, "id"),
    _column("来源编号", 20, "reference"),
    _column("渠道", 10, "channel"),
    _column("收到时间", 18, "received_at", style="time"),
    _column("区划", 12, "district"),
    _column("标题", 30, "title"),
    _column("内容", 60, "content"),
    _column("承办单位", 20, "unit"),
    _column("办理状态", 10, "case_state", words=_CASE),
    _column("派单状态", 10, "delivery_state", words=_DELIVERY),
)
_REPEATED = frozenset({"编号", "时间"})
EXPORT_COLUMNS: tuple[Column, ...] = (*_OWN, *(column for column in COLUMNS if column.header not in _REPEATED))
"""The case first, then what was proposed."""
