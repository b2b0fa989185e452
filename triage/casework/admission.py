"""The admission list (准入清单): what may go down to street, community and grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, select

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.rules import CityRules
from triage.rules.levels import COMMUNITY, GRID, AdmissionItem, AdmissionList
from triage.store import admission, audit
from triage.store.access import EVERYWHERE, Actor
from triage.store.admission import AdmissionImport
from triage.store.database import Database
from triage.store.errors import StateConflict
from triage.store.schema import appeals, units


@dataclass(frozen=True, kw_only=True, slots=True)
class AdmissionView:
    """The list in force.

    Attributes:
        items: In the order in which they are tried.
        imported: Whether it was imported into the store; otherwise it is that of the rules' files.
    """

    items: Sequence[AdmissionItem]
    imported: bool


def in_force(database: Database, actor: Actor, *, rules: CityRules) -> AdmissionView:
    """Return the list in force.

    Args:
        database: The store.
        actor: Who asks.
        rules: Those of the city's files, in force where nothing was imported.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "unit.read")
    with database.transaction(EVERYWHERE) as connection:
        stored = admission.valid(connection)
    return AdmissionView(items=stored or rules.admission.items, imported=bool(stored))


def apply_admission(database: Database, actor: Actor, path: Path, *, at: datetime) -> AdmissionImport:
    """Make the list of a file the valid one; items of the former list are kept as withdrawn.

    Args:
        database: The store.
        actor: Administrator.
        path: JSON, as `AdmissionList.load` takes it.
        at: Now.

    Raises:
        Refused: The actor may not.
        InputError: The file cannot be used; nothing is changed.
    """
    require(actor, "unit.change")
    fresh = AdmissionList.load(path).items
    with database.transaction(EVERYWHERE) as connection:
        done = admission.replace_all(connection, fresh, actor=actor.name, at=at)
        detail = {"added": done.added, "changed": done.changed, "withdrawn": done.withdrawn}
        audit.append(connection, actor=actor.name, action="admission.import", detail=detail)
    return done


def require_admitted(connection: Connection, desk: Desk, appeal_id: UUID, unit: str) -> None:
    """Go on only where a matter may be handled at the level of a unit: grids and communities take listed matters only.

    Args:
        connection: Inside a transaction that sees the appeal.
        desk: Composition.
        appeal_id: The appeal.
        unit: Name of the unit it is to be dispatched to.

    Raises:
        StateConflict: It is not on the list; a reassignment with an override and a reason is the way around.
    """
    statement = select(units.c.level).where(units.c.name == unit, units.c.withdrawn_at.is_(None)).limit(1)
    level = connection.execute(statement).scalar() or ""
    if level not in (GRID, COMMUNITY):
        return
    listed = AdmissionList(admission.valid(connection) or desk.rules.admission.items)
    text = connection.execute(select(appeals.c.title_raw, appeals.c.content_raw).where(appeals.c.id == appeal_id)).one()
    if not listed.admits("\n".join(text), level):
        raise StateConflict(
            f"{unit}为{level}级单位，该诉求不在准入清单内，不能下沉；确需下沉请改派，写明理由并选择“仍派该单位”"
        )
