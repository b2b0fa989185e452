"""The switch of automatic dispatch: an epoch begins when people turn it on again and ends when it falls, once each.

Rows are only ever added and every (epoch, state) exists once, so that of several processes which see the same fall only the
first one records and tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from triage.store import schema

ON, FALLEN = schema.dispatching.SWITCH_STATES


@dataclass(frozen=True, kw_only=True, slots=True)
class Switch:
    """How the switch stands.

    Attributes:
        epoch: Number of the present epoch, from 0.
        fallen: Whether automatic dispatch fell back in it.
        since: Checked decisions count from then on; None: all.
        at: When it was turned last; None: never.
        actor: Who turned it last; empty: nobody.
        reason: Why.
        figures: The figures then.
    """

    epoch: int
    fallen: bool
    since: datetime | None
    at: datetime | None
    actor: str
    reason: str
    figures: Mapping[str, Any]


_table = schema.dispatching.dispatch_switch


def read(connection: Connection) -> Switch:
    """Return how the switch stands; one that was never turned is on."""
    rows = connection.execute(select(_table).order_by(_table.c.epoch.desc(), _table.c.state).limit(2)).all()
    epoch = rows[0].epoch if rows else 0
    present = {row.state: row for row in rows if row.epoch == epoch}
    last = present.get(FALLEN) or present.get(ON)
    begun = present.get(ON)
    return Switch(
        epoch=epoch,
        fallen=FALLEN in present,
        since=begun.since if begun else None,
        at=last.at if last else None,
        actor=last.actor if last else "",
        reason=last.reason if last else "",
        figures=last.figures if last else {},
    )


def turn(
    connection: Connection,
    *,
    epoch: int,
    state: str,
    at: datetime,
    actor: str,
    reason: str,
    since: datetime | None = None,
    figures: Mapping[str, Any] | None = None,
) -> bool:
    """Add a row; returns False where somebody was quicker.

    Args:
        connection: In any transaction.
        epoch: The epoch that begins or ends.
        state: `ON` or `FALLEN`.
        at: Now.
        actor: Who.
        reason: Why, without anything about an appeal.
        since: With `ON`: from when checked decisions count.
        figures: The figures now.
    """
    row = {"epoch": epoch, "state": state, "at": at, "actor": actor, "reason": reason, "since": since}
    values = {**row, "figures": dict(figures or {})}
    statement = insert(_table).values(values).on_conflict_do_nothing().returning(_table.c.epoch)
    return connection.execute(statement).scalar_one_or_none() is not None
