"""The city's units in the store: one list is valid at a time, rows of earlier lists are kept as withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, any_, func, insert, literal, or_, select, update

from triage.directory import Directory, Unit
from triage.store import schema

_units: Table = schema.units
_current = _units.c.withdrawn_at.is_(None)
_JOINT = "、"
_FIELDS = ("level", "parent", "jurisdiction", "function", "duties", "aliases", "valid_from", "valid_to", "contact")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitImport:
    """What an import did, in units.

    Attributes:
        added: Names that were not there before.
        changed: Names that were there with other facts; the old row is kept as withdrawn.
        withdrawn: Names that are no longer in the list.
        unchanged: Names with the same facts.
    """

    added: int
    changed: int
    withdrawn: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """A unit with its life in the store."""

    unit: Unit
    recorded_by: str
    recorded_at: datetime
    withdrawn_at: datetime | None


def replace_all(connection: Connection, fresh: Sequence[Unit], *, actor: str, at: datetime) -> UnitImport:
    """Make a list the valid one.

    Args:
        connection: Inside a transaction.
        fresh: The whole list, with unique names, as `triage.directory.loading.read_units` returns it.
        actor: Who imported it.
        at: When.
    """
    hold(connection)
    present = {row.name: row for row in connection.execute(select(_units).where(_current))}
    wanted = {unit.name: _values(unit) for unit in fresh}
    gone = [name for name in present if name not in wanted]
    changed = [name for name, values in wanted.items() if name in present and _differs(present[name], values)]
    added = [name for name in wanted if name not in present]
    if gone or changed:
        ids = [present[name].id for name in (*gone, *changed)]
        connection.execute(update(_units).where(_units.c.id.in_(ids)).values(withdrawn_at=at))
    if added or changed:
        rows = [
            {"name": n, **wanted[n], "recorded_by": actor, "recorded_at": at} for n in wanted if n in {*added, *changed}
        ]
        connection.execute(insert(_units), rows)
    unchanged = len(wanted) - len(added) - len(changed)
    return UnitImport(added=len(added), changed=len(changed), withdrawn=len(gone), unchanged=unchanged)


def hold(connection: Connection) -> None:
    """Keep other imports waiting until the transaction ends: two at once would both withdraw the same rows."""
    connection.execute(select(func.pg_advisory_xact_lock(0x756E697473)))


def list_units(connection: Connection, *, day: date | None = None, withdrawn: bool = False) -> list[ListedUnit]:
    """Return units in the order of their import.

    Args:
        connection: Any.
        day: Only those that exist on that day; None: whatever their dates.
        withdrawn: Rows of earlier lists as well.
    """
    statement = select(_units).order_by(_units.c.id)
    if not withdrawn:
        statement = statement.where(_current)
    if day is not None:
        statement = statement.where(*_valid_on(day))
    return [
        ListedUnit(_unit(row), row.recorded_by, row.recorded_at, row.withdrawn_at)
        for row in connection.execute(statement)
    ]


def directory(connection: Connection) -> Directory | None:
    """Return the valid list as routing uses it, with units of all days; None without any unit."""
    found = [_unit(row) for row in connection.execute(select(_units).where(_current).order_by(_units.c.id))]
    return Directory(found) if found else None


def resolve(connection: Connection, name: str, *, day: date) -> str | None:
    """Return the full name of the unit that exists on that day under a name or an alias of its own; None if none does."""
    statement = select(_units.c.name).where(_current, *_valid_on(day))
    if connection.execute(statement.where(_units.c.name == name)).first():
        return name
    called = connection.execute(statement.where(literal(name) == any_(_units.c.aliases)).limit(2)).scalars().all()
    return called[0] if len(called) == 1 else None


def names(connection: Connection, *, day: date) -> list[str]:
    """Return the names of the units that exist on that day."""
    return list(
        connection.execute(select(_units.c.name).where(_current, *_valid_on(day)).order_by(_units.c.id)).scalars()
    )


def nearest(name: str, among: Iterable[str], *, most: int = 3) -> list[str]:
    """Return the names that share most pairs of characters with a name, best first; those that share none are left out."""
    wanted = _pairs(name)
    scored = []
    for other in among:
        pairs = _pairs(other)
        shared = len(wanted & pairs)
        if shared:
            scored.append((-shared / len(wanted | pairs), other))
    return [other for _, other in sorted(scored)[:most]]


def stamp(connection: Connection) -> tuple[datetime | None, datetime | None]:
    """Return when the list last changed: the latest recording and the latest withdrawal."""
    row = connection.execute(select(func.max(_units.c.recorded_at), func.max(_units.c.withdrawn_at))).one()
    return row[0], row[1]


def _valid_on(day: date) -> tuple[Any, Any]:
    begun = or_(_units.c.valid_from.is_(None), _units.c.valid_from <= day)
    return begun, or_(_units.c.valid_to.is_(None), _units.c.valid_to >= day)


def _values(unit: Unit) -> dict[str, Any]:
    values = {field: getattr(unit, field) for field in _FIELDS}
    return {**values, "duties": _JOINT.join(unit.duties), "aliases": list(unit.aliases)}


def _differs(row: Row[Any], values: dict[str, Any]) -> bool:
    return any(getattr(row, field) != value for field, value in values.items())


def _unit(row: Row[Any]) -> Unit:
    values = {field: getattr(row, field) for field in _FIELDS}
    duties = tuple(duty for duty in row.duties.split(_JOINT) if duty)
    return Unit(name=row.name, **{**values, "duties": duties, "aliases": tuple(row.aliases)})


def _pairs(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(len(name[:60]) - 1)} or {name}
