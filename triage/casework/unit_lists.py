"""The city's list of units: compared with a file, and replaced by it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.directory import Unit
from triage.directory.changes import FIELDS, UnitChanges, compare
from triage.directory.loading import read_units
from triage.store import audit, units
from triage.store.access import EVERYWHERE, Actor
from triage.store.database import Database
from triage.store.errors import StateConflict
from triage.store.schema import appeals
from triage.store.units import ListedUnit, UnitImport


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitDiff:
    """What a file would change.

    Attributes:
        changes: Units that come, change and go.
        open_at: Unit that goes → open appeals that it still has.
        seen: Stands for the present list and the file together; given to the import, nothing else is applied.
    """

    changes: UnitChanges
    open_at: Mapping[str, int]
    seen: str


def diff_units(database: Database, actor: Actor, path: Path) -> UnitDiff:
    """Compare a file with the valid list; nothing is changed.

    Args:
        database: The store.
        actor: Administrator.
        path: csv or xlsx, as `triage.directory.loading.read_units` takes it.

    Raises:
        Refused: The actor may not.
        DirectoryError: The file contradicts itself or lacks a column.
    """
    require(actor, "unit.change")
    fresh = read_units(path)
    with database.transaction(EVERYWHERE) as connection:
        present = _present(connection)
        changes = compare(present, fresh)
        open_at = _open_at(connection, [unit.name for unit in changes.withdrawn])
    return UnitDiff(changes=changes, open_at=open_at, seen=_seen(present, fresh))


def import_units(desk: Desk, actor: Actor, path: Path, *, seen: str | None = None) -> UnitImport:
    """Make the list of a file the valid one; see `apply_units`."""
    return apply_units(desk.database, actor, path, at=desk.clock(), seen=seen)


def apply_units(database: Database, actor: Actor, path: Path, *, at: datetime, seen: str | None = None) -> UnitImport:
    """Make the list of a file the valid one; rows of the former list are kept as withdrawn.

    Args:
        database: The store.
        actor: Administrator.
        path: csv or xlsx, as `triage.directory.loading.read_units` takes it.
        at: Now.
        seen: Of the difference that a person looked at; None: they did not look.

    Raises:
        Refused: The actor may not.
        StateConflict: The list or the file is not the one that was looked at.
        DirectoryError: The file contradicts itself or lacks a column; nothing is changed.
    """
    require(actor, "unit.change")
    fresh = read_units(path)
    with database.transaction(EVERYWHERE) as connection:
        units.hold(connection)
        if seen is not None and seen != _seen(_present(connection), fresh):
            raise StateConflict("单位名录或文件在查看差异之后已变动；请重新查看差异再导入")
        done = units.replace_all(connection, fresh, actor=actor.name, at=at)
        detail = {"added": done.added, "changed": done.changed, "withdrawn": done.withdrawn}
        audit.append(connection, actor=actor.name, action="unit.import", detail=detail)
    return done


def valid_units(desk: Desk, actor: Actor) -> list[ListedUnit]:
    """Return the valid list in the order of its import.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "unit.read")
    with desk.database.transaction(EVERYWHERE) as connection:
        return units.list_units(connection)


def _present(connection: Connection) -> list[Unit]:
    return [listed.unit for listed in units.list_units(connection)]


def _open_at(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    if not names:
        return {}
    counted = (
        select(appeals.c.unit, func.count())
        .where(appeals.c.unit.in_(names), appeals.c.case_state == "assigned")
        .group_by(appeals.c.unit)
    )
    found = {row[0]: row[1] for row in connection.execute(counted)}
    return {name: found[name] for name in names if name in found}


def _seen(present: Sequence[Unit], fresh: Sequence[Unit]) -> str:
    """Return 32 hex digits that change with either list."""
    found = hashlib.sha256()
    for units_of in (present, fresh):
        for unit in units_of:
            facts = [unit.name, *(str(getattr(unit, field)) for field in FIELDS)]
            found.update("\x1f".join(facts).encode("utf-8", "replace") + b"\x1e")
        found.update(b"\x1d")
    return found.hexdigest()[:32]
