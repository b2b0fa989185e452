"""Messages that leave the store only after the transaction that wrote them; hold ids and states, never texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from triage.store import schema

APPEAL_DECIDED = "appeal.decided"
ALERT_RAISED = "alert.raised"

MOST_ATTEMPTS = 12
"""Failed deliveries after which a message is given up; with doubled pauses that is about a day and a half."""

_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=6)
_ERROR_CHARS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message to deliver.

    Attributes:
        id: Its number; later messages have higher ones.
        topic: What it tells, e.g. `APPEAL_DECIDED`.
        key: Unique; receivers drop what they have seen.
        payload: Ids and states.
        attempts: Failed deliveries so far.
    """

    id: int
    topic: str
    key: str
    payload: Mapping[str, Any]
    attempts: int


def add(connection: Connection, topic: str, *, key: str, payload: Mapping[str, Any], at: datetime) -> None:
    """Add a message; a second one of the same key is left out, since that has been told.

    Args:
        connection: In the transaction of what is told.
        topic: What it tells.
        key: What it is about, e.g. ``appeal.decided:<id>:1``.
        payload: Ids and states; must be JSON.
        at: Now.
    """
    row = {"topic": topic, "key": key, "payload": dict(payload), "created_at": at, "next_attempt_at": at}
    connection.execute(insert(schema.outbox).values(row).on_conflict_do_nothing(index_elements=["key"]))


def due(connection: Connection, *, now: datetime, most: int = 100) -> list[Message]:
    """Take due messages, oldest first, and hold them until the transaction ends; other takers get other ones."""
    table = schema.outbox.c
    rows = connection.execute(
        select(table.id, table.topic, table.key, table.payload, table.attempts)
        .where(table.state == "pending", or_(table.next_attempt_at.is_(None), table.next_attempt_at <= now))
        .order_by(table.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [Message(id=r.id, topic=r.topic, key=r.key, payload=r.payload, attempts=r.attempts) for r in rows]


def mark_sent(connection: Connection, message_id: int) -> None:
    """Note that a message was delivered."""
    _set(connection, message_id, {"state": "sent", "last_error": ""})


def mark_failed(connection: Connection, message: Message, *, error: str, now: datetime) -> None:
    """Note a failed delivery: the next attempt follows after a pause that doubles, the last failure makes it ``dead``.

    Args:
        connection: In the transaction that took the message.
        message: As taken.
        error: What went wrong, without personal data; cut to 200 characters.
        now: The time of the failure.
    """
    attempts = message.attempts + 1
    pause = min(_FIRST_PAUSE * 2 ** min(message.attempts, 20), _LONGEST_PAUSE)
    state = "dead" if attempts >= MOST_ATTEMPTS else "pending"
    changed = {"attempts": attempts, "state": state, "next_attempt_at": now + pause, "last_error": error[:_ERROR_CHARS]}
    _set(connection, message.id, changed)


def _set(connection: Connection, message_id: int, changed: Mapping[str, object]) -> None:
    connection.execute(update(schema.outbox).where(schema.outbox.c.id == message_id).values(changed))
