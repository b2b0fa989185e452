"""Rows of what happens after the dispatch: objections, extensions, assistance, supervision orders, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Table, insert, select, text, update

from triage.store.errors import NotFound
from triage.store.ids import new_id
from triage.store.schema import appeals
from triage.store.schema.lifecycle import answers, assistance, extensions, objections, supervisions

_SERIAL = text("SELECT supervision_serial(:year)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Objection:
    """A unit says that an appeal is not its duty; a review decides.

    Attributes:
        id: The objection.
        appeal_id: The appeal.
        unit: That objects.
        proposed_unit: Whose duty it is according to the unit; may be empty.
        reason: The unit's.
        state: ``open``, ``upheld`` or ``rejected``.
        raised_by: Who put it down.
        raised_at: When.
        decided_by: Who reviewed it; empty while it is open.
        decided_at: When; None while it is open.
        ruling: The review's reason.
    """

    id: UUID
    appeal_id: UUID
    unit: str
    proposed_unit: str
    reason: str
    state: str
    raised_by: str
    raised_at: datetime
    decided_by: str
    decided_at: datetime | None
    ruling: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """A request for more time.

    Attributes:
        id: The request.
        appeal_id: The appeal.
        unit: That asks.
        days: Working days.
        reason: The unit's.
        state: ``open``, ``approved`` or ``refused``.
        asked_by: Who put it down.
        asked_at: When.
        decided_by: Who decided; ``system`` where the unit lost the case before anybody did.
        decided_at: When; None while it is open.
        ruling: Why.
        due_before: When the case was due.
        due_after: When it is due since the approval.
    """

    id: UUID
    appeal_id: UUID
    unit: str
    days: int
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    ruling: str
    due_before: datetime | None
    due_after: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Assistance:
    """A unit that works along (协办).

    Attributes:
        id: The assignment.
        appeal_id: The appeal.
        unit: That is called in.
        kind: One of `triage.store.schema.lifecycle.ASSISTANCE_KINDS`.
        caller: The street that calls departments in (吹哨); else empty.
        reason: Why.
        state: ``called``, ``reported`` (报到), ``done`` or ``released``.
        called_by: Who put it down.
        called_at: When.
        reported_at: When it reported in.
        ended_at: When it was done or let go.
    """

    id: UUID
    appeal_id: UUID
    unit: str
    kind: str
    caller: str
    reason: str
    state: str
    called_by: str
    called_at: datetime
    reported_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervision:
    """A supervision order (督办单).

    Attributes:
        id: The order.
        appeal_id: The appeal.
        year: Of its number.
        serial: Of its number, from 1 on.
        unit: That it goes to.
        reason: Why.
        state: ``open`` or ``ended``.
        issued_by: Who issued it.
        issued_at: When.
        due_at: Until when the unit must have finished.
        ended_by: Who ended it; ``system`` with the close of the case.
        ended_at: When.
    """

    id: UUID
    appeal_id: UUID
    year: int
    serial: int
    unit: str
    reason: str
    state: str
    issued_by: str
    issued_at: datetime
    due_at: datetime
    ended_by: str
    ended_at: datetime | None

    @property
    def number(self) -> str:
        """Return the number as it stands on the order: 督办〔2026〕0012号."""
        return f"督办〔{self.year}〕{self.serial:04}号"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an appellant said after the close.

    Attributes:
        id: The answer.
        appeal_id: The appeal.
        unit: Whose work is judged.
        kind: ``call_back`` or ``evaluation``.
        reached: Whether the appellant was reached.
        responded: Whether the unit had contacted the appellant; None: not said.
        solved: Whether the matter is solved; None: not said.
        satisfaction: ``satisfied``, ``fairly``, ``dissatisfied`` or empty.
        actor: Who put it down.
        at: When.
    """

    id: UUID
    appeal_id: UUID
    unit: str
    kind: str
    reached: bool
    responded: bool | None
    solved: bool | None
    satisfaction: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a unit was urged about an appeal, and how often the case was opened again."""

    urged: int
    reopened: int


def counts(connection: Connection, appeal: UUID) -> Counts:
    """Return the counts of a visible appeal; zeros for any other."""
    row = connection.execute(select(appeals.c.urged, appeals.c.reopened).where(appeals.c.id == appeal)).one_or_none()
    return Counts(row.urged, row.reopened) if row else Counts(0, 0)


def add(connection: Connection, table: Table, *, now: datetime, **values: Any) -> UUID:
    """Add a row and return its id, made of the moment; the row's own moments are among the values."""
    id_ = new_id(now)
    connection.execute(insert(table).values(id=id_, **values))
    return id_


def change(connection: Connection, table: Table, row: UUID, **values: Any) -> None:
    """Change a row."""
    connection.execute(update(table).where(table.c.id == row).values(**values))


def objections_of(connection: Connection, appeal: UUID) -> list[Objection]:
    """Return the objections to the dispatches of an appeal, oldest first."""
    return [Objection(**row) for row in _of(connection, objections, Objection, appeal)]


def extensions_of(connection: Connection, appeal: UUID) -> list[Extension]:
    """Return the requests for more time, oldest first."""
    return [Extension(**row) for row in _of(connection, extensions, Extension, appeal)]


def assistance_of(connection: Connection, appeal: UUID) -> list[Assistance]:
    """Return the units that work or worked along, oldest first."""
    return [Assistance(**row) for row in _of(connection, assistance, Assistance, appeal)]


def supervisions_of(connection: Connection, appeal: UUID) -> list[Supervision]:
    """Return the supervision orders about an appeal, oldest first."""
    return [Supervision(**row) for row in _of(connection, supervisions, Supervision, appeal)]


def answers_of(connection: Connection, appeal: UUID) -> list[Answer]:
    """Return what the appellant said, oldest first."""
    return [Answer(**row) for row in _of(connection, answers, Answer, appeal)]


def supplements_of(connection: Connection, appeal: UUID) -> list[UUID]:
    """Return the supplements of a ticket, oldest first."""
    statement = (
        select(appeals.c.id).where(appeals.c.supplements == appeal).order_by(appeals.c.received_at, appeals.c.id)
    )
    return list(connection.scalars(statement))


def next_serial(connection: Connection, year: int) -> int:
    """Return the next number of a supervision order; others wait for it until the transaction ends."""
    return int(connection.execute(_SERIAL, {"year": year}).scalar_one())


def lapse(connection: Connection, appeal: UUID, *, unit: str, done: bool, at: datetime) -> None:
    """End what was asked of a unit, or by it, when it loses a case.

    Args:
        connection: In the transaction of the step.
        appeal: The appeal.
        unit: The unit that loses it.
        done: Whether the case is closed: those who work along are done then, else they stay.
        at: When.
    """
    asked, ordered = extensions.c, supervisions.c
    connection.execute(
        update(extensions)
        .where(asked.appeal_id == appeal, asked.state == "open")
        .values(state="refused", decided_by="system", decided_at=at)
    )
    connection.execute(
        update(supervisions)
        .where(ordered.appeal_id == appeal, ordered.unit == unit, ordered.state == "open")
        .values(state="ended", ended_by="system", ended_at=at)
    )
    if done:
        along = assistance.c
        connection.execute(
            update(assistance)
            .where(along.appeal_id == appeal, along.state.in_(("called", "reported")))
            .values(state="done", ended_at=at)
        )


def leads_now(connection: Connection, appeal: UUID, *, unit: str, at: datetime) -> bool:
    """End the assistance (协办) of a unit that becomes the responsible one (主办); False where it did not assist."""
    along = assistance.c
    ended = connection.execute(
        update(assistance)
        .where(along.appeal_id == appeal, along.unit == unit, along.kind == "assist")
        .where(along.state.in_(("called", "reported")))
        .values(state="released", ended_at=at)
    )
    return ended.rowcount > 0


def raise_count(connection: Connection, appeal: UUID, column: str) -> int:
    """Count one more ``urged`` or ``reopened`` and return how many there are."""
    counted = appeals.c[column]
    statement = update(appeals).where(appeals.c.id == appeal).values({column: counted + 1}).returning(counted)
    return int(connection.execute(statement).scalar_one())


def open_supervisions(connection: Connection, *, unit: str = "", most: int = 200) -> list[Supervision]:
    """Return open supervision orders of visible appeals, the most pressing first."""
    table = supervisions.c
    wanted = [table.state == "open", *([table.unit == unit] if unit else [])]
    columns = [table[field.name] for field in fields(Supervision)]
    rows = connection.execute(
        select(*columns).where(*wanted).order_by(table.due_at, table.year, table.serial).limit(most)
    )
    return [Supervision(**row._mapping) for row in rows]


def open_objections(connection: Connection, *, most: int = 200) -> list[Objection]:
    """Return objections of visible appeals that wait for a review, oldest first."""
    table = objections.c
    columns = [table[field.name] for field in fields(Objection)]
    rows = connection.execute(
        select(*columns).where(table.state == "open").order_by(table.raised_at, table.id).limit(most)
    )
    return [Objection(**row._mapping) for row in rows]


def open_extensions(connection: Connection, *, most: int = 200) -> list[Extension]:
    """Return requests for more time of visible appeals that wait for a decision, oldest first."""
    table = extensions.c
    columns = [table[field.name] for field in fields(Extension)]
    rows = connection.execute(
        select(*columns).where(table.state == "open").order_by(table.asked_at, table.id).limit(most)
    )
    return [Extension(**row._mapping) for row in rows]


def locked_assistance(connection: Connection, appeal: UUID, row: UUID) -> Assistance:
    """Read one assignment of an appeal and hold it.

    Raises:
        NotFound: The appeal has none of that id.
    """
    table = assistance.c
    columns = [table[field.name] for field in fields(Assistance)]
    statement = select(*columns).where(table.id == row, table.appeal_id == appeal)
    found = connection.execute(statement.with_for_update()).one_or_none()
    if found is None:
        raise NotFound(f"诉求 {appeal} 没有协办 {row}，请刷新后再操作")
    return Assistance(**found._mapping)


def _of(connection: Connection, table: Table, kind: Any, appeal: UUID) -> Sequence[Mapping[str, Any]]:
    columns = [table.c[field.name] for field in fields(kind)]
    rows: Sequence[Row[Any]] = connection.execute(
        select(*columns).where(table.c.appeal_id == appeal).order_by(table.c.id)
    ).all()
    return [dict(row._mapping) for row in rows]
