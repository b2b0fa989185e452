"""Which unit is meant by a name, and whose district it belongs to."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from triage.casework.cases import Case
from triage.casework.desk import Desk
from triage.casework.intake import enclosing_district, storable
from triage.errors import InputError
from triage.rules.deadlines import CHINA
from triage.service import Triage
from triage.store import units


def known_unit(desk: Desk, connection: Connection, case: Case, name: str) -> str:
    """Return the full name of a unit that exists today.

    Args:
        desk: The desk.
        connection: In any transaction.
        case: The case it is for; without a list of units its proposals are known.
        name: Name or alias.

    Raises:
        InputError: There is none; names the nearest ones.
    """
    wanted, day = storable(name.strip()[:100]), desk.clock().astimezone(CHINA).date()
    full = units.resolve(connection, wanted, day=day)
    if full:
        return full
    known = units.names(connection, day=day)
    remedy = "请用 triage units list 查看名录"
    if not known:
        # Without a list in the store, the models' own units and the proposals of this appeal are what is known.
        full, known = _known_to_models(desk, case, wanted, day)
        if full:
            return full
        remedy = "请先用 triage units import 导入单位名录"
    near = units.nearest(wanted, known)
    hint = f"相近的有：{'、'.join(near)}" if near else remedy
    raise InputError(f"单位“{wanted[:40]}”不在单位名录中或已停用；{hint}")


def district_of_unit(desk: Desk, unit: str) -> str:
    """Return the one district that a unit serves; empty for a unit of the whole city, of several districts, or unknown.

    高新区管理委员会 → 高新区; 桃溪街道办事处 → 临澜区, which the street lies in; 市城市管理局 → nothing.
    """
    directory = desk.current().triage.directory
    found = directory.get(unit) if directory is not None else None
    if directory is None or found is None:
        return ""
    districts = {enclosing_district(area, directory) for area in directory.areas_of(found)}
    return districts.pop() if len(districts) == 1 else ""


def _known_to_models(desk: Desk, case: Case, name: str, day: date) -> tuple[str, list[str]]:
    triage = desk.current().triage
    directory = triage.directory
    if directory is None and isinstance(triage, Triage) and triage.local is not None:
        directory = triage.local.directory  # the units that the city's own tickets name
    found = directory.get(name) if directory else None
    if found is not None and found.valid_on(day):
        return found.name, []
    proposed = [str(candidate["name"]) for candidate in case.record.get("unit", {}).get("candidates") or []]
    existing = [unit.name for unit in directory or () if unit.valid_on(day)]
    return (name if name in proposed else ""), [*proposed, *existing]
