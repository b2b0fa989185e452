"""A second call about an open ticket (补充): an appeal of its own, masked and kept like any other, that joins the ticket.

It is scored as every appeal is, so that a danger which the second call tells of raises the ticket's and the event's level,
but it is given to no unit and has no terms: it goes where the ticket goes, into other districts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from triage.casework import terms
from triage.casework.cases import JOINED, locked_case
from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal
from triage.casework.stepping import take
from triage.store.access import Actor
from triage.store.errors import NotFound, StateConflict
from triage.store.schema import appeals

_LOOKED_AT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """The open case that a supplement joins.

    Attributes:
        id: Its appeal.
        event_id: Its event, which becomes the supplement's too.
        district: Its district, which becomes the supplement's too.
    """

    id: UUID
    event_id: UUID
    district: str


def addressed(desk: Desk, actor: Actor, new: Sequence[NewAppeal]) -> list[NewAppeal]:
    """Return appeals with their tickets named by id, and with the tickets' districts; others as they are.

    Args:
        desk: The desk.
        actor: Who delivers them.
        new: As delivered; ``supplements`` names the ticket by id or by reference.

    Raises:
        NotFound: There is no such ticket in the actor's districts.
        StateConflict: Several tickets have that reference.
    """
    if not any(appeal.supplements for appeal in new):
        return list(new)
    with desk.database.transaction(actor.scope) as connection:
        return [_addressed(connection, desk, appeal) if appeal.supplements else appeal for appeal in new]


def ticket_of(connection: Connection, new: NewAppeal) -> Ticket | None:
    """Return the ticket that an appeal joins, held for the transaction; None for a new matter.

    Args:
        connection: In the transaction that records the appeal.
        new: As `addressed` returned it.

    Raises:
        NotFound: The ticket is gone.
        StateConflict: It is closed.
    """
    if not new.supplements:
        return None
    case = locked_case(connection, UUID(new.supplements))
    case.after("supplement")
    return Ticket(id=case.id, event_id=case.event_id, district=case.district)


def join(connection: Connection, desk: Desk, actor: Actor, ticket: Ticket, appeal_id: UUID, *, risk_level: int) -> None:
    """Let a recorded appeal join its ticket, whose history and unit are told; the higher risk of the two holds.

    Args:
        connection: In the transaction that recorded the appeal.
        desk: The desk.
        actor: Who delivered it.
        ticket: As `ticket_of` returned it.
        appeal_id: The supplement.
        risk_level: What the supplement was scored, 0 … 4.
    """
    states = {"case_state": JOINED, "delivery_state": "none", "unit": "", "finish_by": None}
    terms.drop(connection, appeal_id, at=desk.clock())
    connection.execute(update(appeals).where(appeals.c.id == appeal_id).values(**states))
    raised = func.greatest(appeals.c.risk_level, risk_level)
    connection.execute(update(appeals).where(appeals.c.id == ticket.id).values(risk_level=raised))
    case = locked_case(connection, ticket.id)
    facts = {"supplement_id": str(appeal_id), "risk_level": risk_level, "district": ticket.district}
    take(connection, desk, actor, case, "supplement", facts=facts)


def _addressed(connection: Connection, desk: Desk, appeal: NewAppeal) -> NewAppeal:
    row = _found(connection, replace(appeal, channel=desk.channels.canonical(appeal.channel)))
    if row.supplements is not None:  # a supplement was named: its ticket, which is none itself, is meant
        row = connection.execute(_COLUMNS.where(appeals.c.id == row.supplements)).one_or_none() or row
    return replace(appeal, supplements=str(row.id), district=row.district)


_COLUMNS = select(appeals.c.id, appeals.c.district, appeals.c.supplements)


def _found(connection: Connection, appeal: NewAppeal) -> Any:
    """Find a ticket by its id, else by the reference of the same channel, else by a reference that only one has."""
    named = appeal.supplements.strip()
    try:
        rows = connection.execute(_COLUMNS.where(appeals.c.id == UUID(named))).all()
    except ValueError:
        same = _COLUMNS.where(appeals.c.reference == named)
        rows = connection.execute(same.where(appeals.c.channel == appeal.channel)).all()
        rows = rows or connection.execute(same.limit(_LOOKED_AT)).all()
    if not rows:
        raise NotFound("没有要补充的工单，或不在可见区划内；请核对工单编号")
    if len(rows) > 1:
        raise StateConflict("有多个渠道的工单使用这个编号，请改用系统内的诉求编号")
    return rows[0]
