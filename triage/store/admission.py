"""The admission list (准入清单) in the store: one list is valid at a time, items of earlier ones are kept as withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, insert, select, update

from triage.rules.levels import AdmissionItem
from triage.store import schema

_items: Table = schema.admission
_current = _items.c.withdrawn_at.is_(None)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdmissionImport:
    """What an import did, in items.

    Attributes:
        added: Items that were not there before.
        changed: Items that were there with other words or another level; the old row is kept.
        withdrawn: Items that are no longer in the list.
        unchanged: Items that stay.
    """

    added: int
    changed: int
    withdrawn: int
    unchanged: int


def valid(connection: Connection) -> list[AdmissionItem]:
    """Return the valid list in the order in which its items are tried; empty where the store has none."""
    columns = (_items.c.item, _items.c.lowest, _items.c.words, _items.c.barred)
    rows = connection.execute(select(*columns).where(_current).order_by(_items.c.id))
    return [
        AdmissionItem(name=row.item, lowest=row.lowest, words=tuple(row.words), barred=tuple(row.barred))
        for row in rows
    ]


def replace_all(connection: Connection, fresh: Sequence[AdmissionItem], *, actor: str, at: datetime) -> AdmissionImport:
    """Make a list the valid one; its order is kept, so everything from the first difference on is written anew.

    Args:
        connection: Inside a transaction.
        fresh: The whole list, with unique names.
        actor: Who imported it.
        at: When.
    """
    # Two imports at once would both withdraw the same rows and add theirs; the second waits and sees the first.
    connection.execute(select(func.pg_advisory_xact_lock(0x61646D6974)))
    present = valid(connection)
    old = {item.name: item for item in present}
    same = next((at for at, pair in enumerate(zip(present, fresh, strict=False)) if pair[0] != pair[1]), None)
    keep = min(len(present), len(fresh)) if same is None else same
    gone = [item.name for item in present[keep:]]
    if gone:
        connection.execute(update(_items).where(_current, _items.c.item.in_(gone)).values(withdrawn_at=at))
    if fresh[keep:]:
        rows = [
            {"item": i.name, "lowest": i.lowest, "words": list(i.words), "barred": list(i.barred)} for i in fresh[keep:]
        ]
        connection.execute(insert(_items), [{**row, "recorded_by": actor, "recorded_at": at} for row in rows])
    names = {item.name for item in fresh}
    changed = sum(item.name in old and old[item.name] != item for item in fresh)
    added = sum(item.name not in old for item in fresh)
    return AdmissionImport(
        added=added,
        changed=changed,
        withdrawn=sum(item.name not in names for item in present),
        unchanged=len(fresh) - added - changed,
    )


def stamp(connection: Connection) -> tuple[datetime | None, datetime | None]:
    """Return when the list last changed: the latest recording and the latest withdrawal."""
    row = connection.execute(select(func.max(_items.c.recorded_at), func.max(_items.c.withdrawn_at))).one()
    return row[0], row[1]
