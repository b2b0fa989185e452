"""The city's list of units: read from a file and made the valid one."""

from __future__ import annotations

from pathlib import Path

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.directory.loading import read_units
from triage.store import audit, units
from triage.store.access import EVERYWHERE, Actor
from triage.store.units import ListedUnit, UnitImport


def import_units(desk: Desk, actor: Actor, path: Path) -> UnitImport:
    """Make the list of a file the valid one; rows of the former list are kept as withdrawn.

    Args:
        desk: The desk.
        actor: Administrator.
        path: csv or xlsx, as `triage.directory.loading.read_units` takes it.

    Raises:
        Refused: The actor may not.
        DirectoryError: The file contradicts itself or lacks a column; nothing is changed.
    """
    require(actor, "unit.change")
    fresh = read_units(path)
    with desk.database.transaction(EVERYWHERE) as connection:
        done = units.replace_all(connection, fresh, actor=actor.name, at=desk.clock())
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
