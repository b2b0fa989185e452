"""What automatic dispatch did, or would have done, with each appeal, and how people judged it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Connection, case, func, insert, select, text, update

from triage.store import schema

if TYPE_CHECKING:
    from triage.store.feedback import Feedback  # which calls `judge`

SHADOW, SAMPLED, HELD, SENT, RECALLED, OVERTAKEN = schema.dispatching.DISPATCH_OUTCOMES

_JUDGING = ("confirm", "reassign", "return")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatch:
    """What automatic dispatch did with one appeal.

    Attributes:
        appeal_id: The appeal.
        unit: The unit proposed first.
        bundle: The models that proposed it.
        probability: Theirs, 0 … 1.
        outcome: One of `triage.store.schema.dispatching.DISPATCH_OUTCOMES`.
        at: When.
        release_at: When the unit is told; None where the machine did not dispatch.
    """

    appeal_id: UUID
    unit: str
    bundle: str
    probability: float
    outcome: str
    at: datetime
    release_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Checked decisions of one kind: how many, and how many of them people agreed with."""

    n: int
    agreed: int


_table = schema.dispatching.dispatches
_COLUMNS = tuple(_table.c[field.name] for field in fields(Dispatch))

# Shadow and sample are judged by people who had to decide anyway; what was sent is judged only where somebody objects.
_TALLIES = text(
    """
    WITH audited AS (
      SELECT bundle, agreed FROM dispatches
      WHERE judged_at IS NOT NULL AND judged_at >= :since AND release_at IS NULL
      ORDER BY judged_at DESC, appeal_id DESC LIMIT :most
    ), settled AS (
      SELECT agreed FROM dispatches
      WHERE release_at IS NOT NULL AND at >= :since AND at < :mature ORDER BY at DESC, appeal_id DESC LIMIT :most
    ), recent AS (
      SELECT agreed FROM dispatches
      WHERE release_at IS NOT NULL AND at >= :since ORDER BY at DESC, appeal_id DESC LIMIT :most
    )
    SELECT 'audited' AS name, count(*) AS n, count(*) FILTER (WHERE agreed) AS agreed FROM audited
    UNION ALL
    SELECT 'audited_present', count(*), count(*) FILTER (WHERE agreed) FROM audited WHERE bundle = :bundle
    UNION ALL
    SELECT 'settled', count(*), count(*) FILTER (WHERE agreed IS NOT FALSE) FROM settled
    UNION ALL
    SELECT 'recent', count(*), count(*) FILTER (WHERE agreed IS NOT FALSE) FROM recent
    """
)
_NO_AUTOMATION = text("SELECT EXISTS (SELECT FROM appeals WHERE appellant = :appellant AND no_automation)")


def add(connection: Connection, dispatch: Dispatch) -> None:
    """Note what was done with a new appeal."""
    connection.execute(insert(_table), {field.name: getattr(dispatch, field.name) for field in fields(Dispatch)})


def of_appeal(connection: Connection, appeal_id: UUID) -> Dispatch | None:
    """Return what was done with a visible appeal; None where nothing could have been."""
    row = connection.execute(select(*_COLUMNS).where(_table.c.appeal_id == appeal_id)).one_or_none()
    return None if row is None else Dispatch(**row._mapping)


def is_judged(connection: Connection, appeal_id: UUID) -> bool:
    """Say whether people have judged what was done with an appeal."""
    statement = select(_table.c.judged_at.is_not(None)).where(_table.c.appeal_id == appeal_id)
    return bool(connection.execute(statement).scalar())


def set_outcome(connection: Connection, appeal_id: UUID, outcome: str) -> None:
    """Note how a held dispatch ended; the caller holds the appeal's row and has looked at the outcome under it."""
    connection.execute(update(_table).where(_table.c.appeal_id == appeal_id).values(outcome=outcome))


def judge(connection: Connection, labels: Sequence[Feedback]) -> None:
    """Note what people's decisions say about the machine's; the latest decision counts.

    A dispatch that is still held is over with it: the person's own step tells the unit.
    """
    for label in labels:
        if label.kind not in _JUDGING:
            continue
        changed: dict[str, Any] = {
            "agreed": _table.c.unit == label.unit_to,
            "judged_at": label.at,
            "outcome": case((_table.c.outcome == HELD, OVERTAKEN), else_=_table.c.outcome),
        }
        statement = update(_table).where(_table.c.appeal_id == label.appeal_id)
        if label.kind == "return":  # by a later unit it says nothing about the one that the machine proposed
            statement = statement.where(_table.c.unit == label.unit_from)
        connection.execute(statement.values(changed))


def unjudge(connection: Connection, appeal_id: UUID, *, at: datetime) -> None:
    """Forget what a decision of that moment said about the machine's, because it was taken back."""
    statement = update(_table).where(_table.c.appeal_id == appeal_id, _table.c.judged_at == at)
    connection.execute(statement.values(agreed=None, judged_at=None))


def due(connection: Connection, *, now: datetime, most: int) -> list[UUID]:
    """Return the held dispatches whose time to be recalled is over, the oldest first."""
    statement = select(_table.c.appeal_id).where(_table.c.outcome == HELD, _table.c.release_at <= now)
    return list(connection.execute(statement.order_by(_table.c.release_at).limit(most)).scalars())


def tallies(
    connection: Connection, *, since: datetime | None, mature: datetime, bundle: str, most: int
) -> dict[str, Tally]:
    """Count the latest checked decisions.

    Args:
        connection: In a transaction of scope everywhere.
        since: Only what happened since then; None: everything.
        mature: A dispatch made before counts as settled: a unit that does not want it would have said so.
        bundle: The models of ``audited_present``.
        most: Decisions that count, the latest ones.

    Returns:
        ``audited`` (shadow and sample, judged by people), ``audited_present`` (those of the bundle), ``settled`` and
        ``recent`` (dispatches, right unless somebody objected).
    """
    earliest = since or datetime.fromisoformat("0001-01-01T00:00:00+00:00")
    given = {"since": earliest, "mature": mature, "bundle": bundle, "most": most}
    return {row.name: Tally(row.n, row.agreed) for row in connection.execute(_TALLIES, given)}


def counts(connection: Connection, *, since: datetime) -> dict[str, int]:
    """Return outcome → appeals decided since."""
    statement = select(_table.c.outcome, func.count().label("n")).where(_table.c.at >= since).group_by(_table.c.outcome)
    return {row.outcome: row.n for row in connection.execute(statement)}


def latest_bundle(connection: Connection) -> str:
    """Return the models of the latest decision; empty before the first."""
    statement = select(_table.c.bundle).order_by(_table.c.at.desc()).limit(1)
    return connection.execute(statement).scalar_one_or_none() or ""


def held(connection: Connection, *, now: datetime) -> tuple[int, int]:
    """Return how many dispatches are held, and for how many of them the time to be told is over."""
    late = func.count().filter(_table.c.release_at <= now)
    row = connection.execute(select(func.count(), late).where(_table.c.outcome == HELD)).one()
    return row[0], row[1]


def contested(connection: Connection, *, most: int) -> list[UUID]:
    """Return the visible appeals that a machine alone sent to their unit although the appellant objects, oldest first."""
    appeal = schema.appeals.c
    statement = (
        select(appeal.id)
        .join(_table, _table.c.appeal_id == appeal.id)
        .where(appeal.no_automation, appeal.case_state == "assigned")
        .where(_table.c.outcome == SENT, _table.c.agreed.is_(None))
        .order_by(appeal.received_at, appeal.id)
        .limit(most)
    )
    return list(connection.execute(statement).scalars())


def has_objected(connection: Connection, appellant: bytes) -> bool:
    """Say whether an appellant has objected to automated decisions with an earlier appeal that is still theirs."""
    return bool(connection.execute(_NO_AUTOMATION, {"appellant": appellant}).scalar())


def object_to_automation(connection: Connection, appeal_id: UUID) -> bool:
    """Note that the appellant objects; returns whether that is new."""
    appeal = schema.appeals.c
    statement = update(schema.appeals).where(appeal.id == appeal_id, appeal.no_automation.is_(False))
    return connection.execute(statement.values(no_automation=True)).rowcount > 0
