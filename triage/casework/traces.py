"""What a person's step leaves behind, all in the transaction of the step: feedback, history and a message to the outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from triage.store import feedback, outbox
from triage.store.feedback import Feedback
from triage.store.schema import history


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One person's step.

    Attributes:
        topic: What happened, e.g. ``appeal.returned``; topic of the message and action in the history.
        actor: Who did it.
        at: When.
        facts: Ids, names of units and numbers; no texts.
    """

    topic: str
    actor: str
    at: datetime
    facts: Mapping[str, Any]


def leave(connection: Connection, step: Step, labels: Sequence[Feedback]) -> None:
    """Record a step on each appeal that it labels, and one message per step.

    Args:
        connection: Inside the transaction of the step.
        step: What happened.
        labels: One per appeal; at least one.
    """
    numbers = feedback.add(connection, labels)
    note(connection, step, [label.appeal_id for label in labels])
    send(connection, step, key=f"{step.topic}:{numbers[0]}")


def note(connection: Connection, step: Step, appeals: Sequence[UUID]) -> None:
    """Add a step to the history of appeals."""
    rows = [
        {"appeal_id": appeal, "at": step.at, "actor": step.actor, "action": step.topic, "detail": dict(step.facts)}
        for appeal in appeals
    ]
    if rows:
        connection.execute(insert(history), rows)


def send(connection: Connection, step: Step, *, key: str, hold: timedelta = timedelta(0)) -> None:
    """Put a message into the outbox; it leaves after the commit, and not before ``hold`` is over."""
    payload = {**step.facts, "at": step.at.isoformat()}
    outbox.add(connection, step.topic, key=key, payload=payload, at=step.at, hold=hold)
