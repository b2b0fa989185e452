"""Messages that leave the store only after the transaction that wrote them; hold ids and states, never texts.

A message is *routed* once: for every receiver that wants it a delivery is made (`triage.store.deliveries`), which is
tried again on its own. Times are the database's, never the caller's: with several machines, and with a clock that jumps,
there is one time at least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Interval, delete, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from triage.store import schema

APPEAL_DECIDED = "appeal.decided"
ALERT_RAISED = "alert.raised"

LONGEST_HOLD = timedelta(days=1)
"""No message is held longer."""

_outbox = schema.outbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message to deliver.

    Attributes:
        id: Its number; later messages have higher ones.
        topic: What it tells, e.g. `APPEAL_DECIDED`.
        key: Unique; receivers drop what they have seen.
        payload: Ids and states.
        created_at: When it was written.
    """

    id: int
    topic: str
    key: str
    payload: Mapping[str, Any]
    created_at: datetime


def add(
    connection: Connection,
    topic: str,
    *,
    key: str,
    payload: Mapping[str, Any],
    at: datetime,
    hold: timedelta = timedelta(0),
) -> None:
    """Add a message; a second one of the same key is left out, since that has been told.

    Args:
        connection: In the transaction of what is told.
        topic: What it tells.
        key: What it is about, e.g. ``appeal.decided:<id>:1``.
        payload: Ids and states; must be JSON.
        at: Now, as the caller tells it to receivers.
        hold: How long it may still be withdrawn before it leaves, at most `LONGEST_HOLD`.

    Raises:
        ValueError: The message is to be held longer than that.
    """
    if not timedelta(0) <= hold < LONGEST_HOLD:
        raise ValueError(f"hold is {hold}; give less than {LONGEST_HOLD}")
    row: dict[str, Any] = {"topic": topic, "key": key, "payload": dict(payload), "created_at": at}
    row["hold_seconds"] = round(hold.total_seconds())
    free_at = func.clock_timestamp() + literal(hold, Interval)
    statement = insert(_outbox).values(**row, next_attempt_at=free_at)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["key"]))


def withdraw(connection: Connection, key: str) -> bool:
    """Take back a message that is still held; says whether nobody has been told and nobody will be."""
    statement = delete(_outbox).where(_outbox.c.key == key, _outbox.c.state == "pending")
    return bool(connection.execute(statement).rowcount)


def withdraw_of(connection: Connection, appeal_id: UUID, *, topics: Sequence[str], since: datetime) -> bool:
    """Take back the held messages about one appeal; says whether the first topic's was among them.

    Args:
        connection: In the transaction of the step that takes it back.
        appeal_id: Whose messages.
        topics: Of which topics; the first one is what must not have been told.
        since: Written by its step at this time or later.
    """
    table = _outbox.c
    about = table.payload["appeal_id"].as_string() == str(appeal_id)
    statement = delete(_outbox).where(
        table.state == "pending", table.topic.in_(topics), about, table.created_at >= since
    )
    gone = connection.execute(statement.returning(table.topic)).scalars().all()
    return topics[0] in gone


def due(connection: Connection, *, most: int = 100) -> list[Message]:
    """Take messages that may leave, oldest first, and hold them until the transaction ends; other takers get other ones."""
    table = _outbox.c
    left = table.next_attempt_at - func.clock_timestamp()
    # What has longer to wait than it was to be held was written by a clock that has been put back since.
    free = or_(left <= timedelta(0), left > table.hold_seconds * text("interval '1 second'"))
    rows = connection.execute(
        select(table.id, table.topic, table.key, table.payload, table.created_at)
        .where(table.state == "pending", free)
        .order_by(table.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [Message(**row._mapping) for row in rows]


def routed(connection: Connection, message_id: int, *, receivers: int) -> None:
    """Note that a message was handed to its receivers; one that nobody wants is done."""
    _set(connection, message_id, "routed" if receivers else "sent")


def settle(connection: Connection, message_id: int) -> None:
    """Note how a message ended, once none of its deliveries is under way any more."""
    # Held first: of two deliveries that end at the same time each would see the other one still under way.
    connection.execute(select(_outbox.c.id).where(_outbox.c.id == message_id).with_for_update())
    deliveries = schema.delivery.deliveries.c
    states = connection.scalars(select(deliveries.state).where(deliveries.outbox_id == message_id)).all()
    if not {"pending", "sending"} & set(states):
        _set(connection, message_id, "dead" if {"dead", "uncertain"} & set(states) else "sent")


def reopen(connection: Connection, message_id: int) -> None:
    """Note that a message is under way again, because somebody had a delivery of it tried once more."""
    _set(connection, message_id, "routed")


def _set(connection: Connection, message_id: int, state: str) -> None:
    connection.execute(update(_outbox).where(_outbox.c.id == message_id).values(state=state))
