"""How far each message has come with each receiver.

``pending → sending → sent``; a refusal goes back to ``pending`` with a longer pause and in the end to ``dead``. A row is
``sending`` while a living process holds the advisory lock whose number stands in it. The lock ends with the process, so a
crash is recognised without any clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, insert, or_, select, text, true, tuple_, update

from triage.store import outbox
from triage.store.errors import NotFound, StateConflict
from triage.store.outbox import Message
from triage.store.schema import outbox as messages
from triage.store.schema.delivery import deliveries, targets

MOST_ATTEMPTS = 12
"""Refusals of one message after which it is given up; with doubled pauses that is about a day and a half."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)

PENDING, SENDING, SENT, DEAD, UNCERTAIN, CLOSED = "pending", "sending", "sent", "dead", "uncertain", "closed"
FAILED = (DEAD, UNCERTAIN)

LOCKS = 0x7472
"""First half of the advisory locks that sending processes hold."""

_ERROR_CHARS = 200
_d = deliveries.c
_DUE = or_(
    _d.tried_at.is_(None),
    _d.tried_at > func.clock_timestamp(),  # tried in the future: the clock has been put back
    _d.tried_at + _d.pause_seconds * text("interval '1 second'") <= func.clock_timestamp(),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A message for one receiver, taken to be sent.

    Attributes:
        id: The delivery; receivers recognise a repetition by it.
        attempts: Refusals so far.
        message: What is told.
    """

    id: UUID
    attempts: int
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryView:
    """A delivery as people see it.

    Attributes:
        id: The delivery.
        topic: What was told.
        key: What it was about.
        target_id: The receiver.
        target: The receiver's name.
        state: One of `triage.store.schema.delivery.DELIVERY_STEPS`.
        attempts: Refusals so far.
        last_error: Why it failed the last time.
        created_at: When it was made.
        tried_at: When it was tried last.
        settled_by: Who closed it.
        settled_at: When it ended.
    """

    id: UUID
    topic: str
    key: str
    target_id: UUID
    target: str
    state: str
    attempts: int
    last_error: str
    created_at: datetime
    tried_at: datetime | None
    settled_by: str
    settled_at: datetime | None


def add(connection: Connection, message_id: int, target_ids: Sequence[UUID]) -> None:
    """Make one delivery per receiver."""
    rows = [{"id": uuid4(), "outbox_id": message_id, "target_id": target} for target in target_ids]
    if rows:
        connection.execute(insert(deliveries), rows)


def waiting_targets(connection: Connection) -> list[UUID]:
    """Return the receivers for whom something is due."""
    return list(connection.scalars(select(_d.target_id).where(_d.state == PENDING, _DUE).distinct()))


def take(connection: Connection, target_id: UUID, *, worker: int, most: int) -> list[Parcel]:
    """Take what is due for a receiver, oldest first, and mark it as being sent; nothing while something is being sent.

    Args:
        connection: In a transaction that holds the receiver's row.
        target_id: The receiver.
        worker: Number of the advisory lock that this process holds.
        most: Most parcels.
    """
    busy = select(_d.id).where(_d.target_id == target_id, _d.state == SENDING).limit(1)
    if connection.execute(busy).first() is not None:
        return []
    chosen = (
        select(_d.id)
        .where(_d.target_id == target_id, _d.state == PENDING, _DUE)
        .order_by(_d.outbox_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(chosen))
    values = {"state": SENDING, "worker": worker, "tried_at": func.clock_timestamp()}
    connection.execute(update(deliveries).where(_d.id.in_(ids)).values(**values))
    columns = (_d.id, _d.attempts, messages.c.id.label("number"), messages.c.topic, messages.c.key)
    found = select(*columns, messages.c.payload, messages.c.created_at).join(messages, messages.c.id == _d.outbox_id)
    return [_parcel(row._mapping) for row in connection.execute(found.where(_d.id.in_(ids)).order_by(_d.outbox_id))]


def _parcel(row: Mapping[Any, Any]) -> Parcel:
    names = ("topic", "key", "payload", "created_at")
    message = Message(id=row["number"], **{name: row[name] for name in names})
    return Parcel(id=row["id"], attempts=row["attempts"], message=message)


def sent(connection: Connection, parcel: Parcel) -> None:
    """Note that the receiver took it; what was uncertain meanwhile is certain now."""
    _end(connection, parcel, SENT, "")


def uncertain(connection: Connection, parcel: Parcel, *, error: str) -> None:
    """Note that nobody knows whether the receiver took it, and that it must not be sent again unasked."""
    _end(connection, parcel, UNCERTAIN, error)


def refused(connection: Connection, parcel: Parcel, *, error: str) -> bool:
    """Note that the receiver would not take this message: the next attempt follows after a doubled pause.

    Returns:
        Whether it was given up, after `MOST_ATTEMPTS`.
    """
    attempts = parcel.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        _end(connection, parcel, DEAD, error, attempts=attempts)
        return True
    pause = min(FIRST_PAUSE * 2 ** min(parcel.attempts, 20), LONGEST_PAUSE)
    values = {"attempts": attempts, "pause_seconds": int(pause.total_seconds()), "last_error": error[:_ERROR_CHARS]}
    _put_back(connection, [parcel.id], **values, tried_at=func.clock_timestamp())
    return False


def put_back(connection: Connection, ids: Sequence[UUID], *, error: str = "") -> None:
    """Let parcels wait as before: they were not sent, or the receiver could not be reached at all."""
    more: dict[str, Any] = {"last_error": error[:_ERROR_CHARS]} if error else {}
    _put_back(connection, ids, pause_seconds=0, **more)


def give_up_waiting(connection: Connection, target_id: UUID, *, error: str) -> int:
    """Give up everything that waits for a receiver which has not been reached for too long; returns how many."""
    values = {"state": DEAD, "last_error": error[:_ERROR_CHARS], "settled_at": func.clock_timestamp()}
    return _end_waiting(connection, target_id, values)


def close_waiting(connection: Connection, target_id: UUID, *, by: str) -> int:
    """Close everything that waits for a receiver that is being removed; returns how many."""
    values = {"state": CLOSED, "last_error": "接收方已移除", "settled_by": by, "settled_at": func.clock_timestamp()}
    return _end_waiting(connection, target_id, values)


def abandoned(connection: Connection, *, mine: int, busy: Callable[[], Collection[UUID]]) -> list[tuple[UUID, UUID]]:
    """Return deliveries, and their receivers, that a process was sending when it ended.

    Args:
        connection: In a transaction; holds the locks of the dead until it ends.
        mine: This process's own lock.
        busy: Returns what this process is sending; asked after the rows are held, so that none can begin or end meanwhile.
    """
    held = select(_d.id, _d.target_id, _d.worker).where(_d.state == SENDING).with_for_update(skip_locked=True)
    rows = connection.execute(held).all()
    own = busy()
    ended = {worker: _is_free(connection, worker) for worker in {row.worker for row in rows} - {mine}}
    ended[mine] = True
    return [(row.id, row.target_id) for row in rows if ended[row.worker] and row.id not in own]


def _is_free(connection: Connection, worker: int | None) -> bool:
    if worker is None:
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(LOCKS, worker))))


def recover(connection: Connection, delivery_id: UUID, *, again: bool) -> None:
    """Settle what a dead process left behind.

    Args:
        connection: In the transaction of `abandoned`.
        delivery_id: The delivery.
        again: Whether the receiver recognises a repetition, or would rather have one; otherwise it becomes uncertain.
    """
    if again:
        _put_back(connection, [delivery_id], pause_seconds=0)
        return
    error = "发送过程中服务中断，不能确定是否送达"
    values = {"state": UNCERTAIN, "last_error": error, "settled_at": func.clock_timestamp()}
    statement = update(deliveries).where(_d.id == delivery_id, _d.state == SENDING).values(**values)
    message = connection.execute(statement.returning(_d.outbox_id)).scalar_one_or_none()
    if message is not None:
        outbox.settle(connection, message)


def retry(connection: Connection, delivery_id: UUID) -> DeliveryView:
    """Have a dead or uncertain delivery tried once more.

    Raises:
        NotFound: There is none.
        StateConflict: It is neither dead nor uncertain, or its receiver was removed.
    """
    _failed(connection, delivery_id, word="重发")
    fresh = {"state": PENDING, "attempts": 0, "pause_seconds": 0, "settled_at": None, "settled_by": ""}
    message = connection.execute(
        update(deliveries).where(_d.id == delivery_id).values(**fresh).returning(_d.outbox_id)
    ).scalar_one()
    outbox.reopen(connection, message)
    return get(connection, delivery_id)


def close(connection: Connection, delivery_id: UUID, *, by: str) -> DeliveryView:
    """Note that a person has seen to a dead or uncertain delivery.

    Raises:
        NotFound: There is none.
        StateConflict: It is neither dead nor uncertain.
    """
    _failed(connection, delivery_id, word="结清")
    values = {"state": CLOSED, "settled_by": by, "settled_at": func.clock_timestamp()}
    message = connection.execute(
        update(deliveries).where(_d.id == delivery_id).values(**values).returning(_d.outbox_id)
    ).scalar_one()
    outbox.settle(connection, message)
    return get(connection, delivery_id)


def get(connection: Connection, delivery_id: UUID) -> DeliveryView:
    """Return a delivery.

    Raises:
        NotFound: There is none.
    """
    row = connection.execute(_views().where(_d.id == delivery_id)).one_or_none()
    if row is None:
        raise NotFound(f"没有投递记录 {delivery_id}")
    return DeliveryView(**row._mapping)


def page(
    connection: Connection,
    *,
    states: Sequence[str] = FAILED,
    target_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[DeliveryView]:
    """Return deliveries, the latest first.

    Args:
        connection: In a transaction.
        states: Some of `triage.store.schema.delivery.DELIVERY_STEPS`; empty: any.
        target_id: Of this receiver only.
        after: The last one of the page before.
        limit: Most rows.
    """
    statement = _views().where(_d.state.in_(states) if states else true())
    if target_id is not None:
        statement = statement.where(_d.target_id == target_id)
    if after is not None:
        last = deliveries.alias("last")
        mark = select(last.c.created_at, last.c.id).where(last.c.id == after).scalar_subquery()
        statement = statement.where(tuple_(_d.created_at, _d.id) < mark)
    rows = connection.execute(statement.order_by(_d.created_at.desc(), _d.id.desc()).limit(limit))
    return [DeliveryView(**row._mapping) for row in rows]


def counts(connection: Connection) -> dict[str, int]:
    """Return how many deliveries wait and how many failed."""
    open_states = (PENDING, SENDING, *FAILED)
    rows = connection.execute(select(_d.state, func.count()).where(_d.state.in_(open_states)).group_by(_d.state))
    return {**dict.fromkeys(open_states, 0), **{row[0]: int(row[1]) for row in rows}}


def _views() -> Any:
    own = [_d[name] for name in DeliveryView.__slots__ if name not in ("topic", "key", "target")]
    return (
        select(*own, messages.c.topic, messages.c.key, targets.c.name.label("target"))
        .join(messages, messages.c.id == _d.outbox_id)
        .join(targets, targets.c.id == _d.target_id)
    )


def _failed(connection: Connection, delivery_id: UUID, *, word: str) -> None:
    statement = select(_d.state, targets.c.removed_at).join(targets, targets.c.id == _d.target_id)
    row = connection.execute(statement.where(_d.id == delivery_id).with_for_update(of=deliveries)).one_or_none()
    if row is None:
        raise NotFound(f"没有投递记录 {delivery_id}")
    if row.state not in FAILED:
        raise StateConflict(f"该投递不是失败或存疑状态，不能{word}")
    if row.removed_at is not None and word == "重发":
        raise StateConflict("其接收方已移除，不能重发；请结清该记录")


def _end(connection: Connection, parcel: Parcel, state: str, error: str, *, attempts: int | None = None) -> None:
    values: dict[str, Any] = {"state": state, "last_error": error[:_ERROR_CHARS], "settled_at": func.clock_timestamp()}
    values["attempts"] = parcel.attempts if attempts is None else attempts
    # Not what a person closed meanwhile; what another process took for abandoned is known better here.
    mine = (_d.id == parcel.id, _d.state.in_((SENDING, UNCERTAIN, PENDING)))
    if connection.execute(update(deliveries).where(*mine).values(**values)).rowcount:
        outbox.settle(connection, parcel.message.id)


def _put_back(connection: Connection, ids: Sequence[UUID], **values: Any) -> None:
    mine = (_d.id.in_(ids), _d.state == SENDING)
    connection.execute(update(deliveries).where(*mine).values(state=PENDING, worker=None, **values))


def _end_waiting(connection: Connection, target_id: UUID, values: Mapping[str, Any]) -> int:
    mine = (_d.target_id == target_id, _d.state == PENDING)
    ended = connection.scalars(update(deliveries).where(*mine).values(**values).returning(_d.outbox_id)).all()
    for message in ended:
        outbox.settle(connection, message)
    return len(ended)
