"""Who is told: programs, chat groups and mailboxes, what each wants to hear, and whether it can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, or_, select, text, update

from triage.store.errors import Conflict, NotFound
from triage.store.schema.delivery import targets

SHORTEST_REST, LONGEST_REST = 5.0, 300.0
"""Seconds that a receiver is left alone after it could not be reached: doubled from the first to the second."""
MOST_FAILURES = 300
"""Failures in a row after which what waits for a receiver is given up: with these pauses about a day. Counted and not
measured, so that a clock that jumps by a day gives nothing up."""

_ERROR_CHARS = 200
_RESTED = or_(
    targets.c.rested_at.is_(None),
    # A rest that began in the future was noted by a clock that has been put back since.
    targets.c.rested_at > func.clock_timestamp(),
    targets.c.rested_at + targets.c.rest_seconds * text("interval '1 second'") <= func.clock_timestamp(),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A receiver.

    Attributes:
        id: Its row.
        name: What people call it; unique among those that are not removed.
        kind: One of `triage.store.schema.delivery.TARGET_KINDS`.
        host: Where messages go, without path and secrets.
        topics: What it wants to hear: exact topics, ``prefix.*`` or ``*``.
        districts: Whose messages it gets; ``*`` is the whole city.
        least_level: Least level of alerts it gets, 0 … 4.
        repeats: Whether it would rather get a message twice than not at all.
        sealed: Its address and secrets, encrypted.
        failures: How often in a row it could not be reached.
        last_error: Why, the last time; empty when it was reached.
        created_by: Who added it.
        created_at: When.
    """

    id: UUID
    name: str
    kind: str
    host: str
    topics: tuple[str, ...]
    districts: tuple[str, ...]
    least_level: int
    repeats: bool
    sealed: bytes = field(repr=False)
    failures: int
    last_error: str
    created_by: str
    created_at: datetime

    def wants(self, topic: str, *, district: str, level: int | None) -> bool:
        """Say whether a message is for this receiver.

        Args:
            topic: Of the message.
            district: Whose; empty: the whole city's, which receivers of single districts do not get.
            level: Of an alert; None where the message has none.
        """
        if not any(_fits(topic, wanted) for wanted in self.topics):
            return False
        if "*" not in self.districts and district not in self.districts:
            return False
        return level is None or level >= self.least_level


def _fits(topic: str, wanted: str) -> bool:
    return wanted in ("*", topic) or (wanted.endswith(".*") and topic.startswith(wanted[:-1]))


_COLUMNS = tuple(targets.c[name] for name in Target.__slots__)


def add(connection: Connection, target: Target) -> None:
    """Add a receiver.

    Raises:
        Conflict: The name is taken.
    """
    taken = select(targets.c.id).where(targets.c.name == target.name, targets.c.removed_at.is_(None))
    if connection.execute(taken).first() is not None:
        raise Conflict(f"已有名为“{target.name}”的接收方；请换一个名称，或先移除原有的")
    values = {name: getattr(target, name) for name in Target.__slots__}
    values.update(topics=list(target.topics), districts=list(target.districts))
    connection.execute(insert(targets).values(**values))


def listed(connection: Connection) -> list[Target]:
    """Return the receivers that are not removed, by name."""
    rows = connection.execute(select(*_COLUMNS).where(targets.c.removed_at.is_(None)).order_by(targets.c.name))
    return [_target(row._mapping) for row in rows]


def get(connection: Connection, target_id: UUID) -> Target:
    """Return a receiver.

    Raises:
        NotFound: There is none, or it was removed.
    """
    statement = select(*_COLUMNS).where(targets.c.id == target_id, targets.c.removed_at.is_(None))
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"没有接收方 {target_id}，或已移除")
    return _target(row._mapping)


def named(connection: Connection, name: str) -> Target:
    """Return a receiver by its name.

    Raises:
        NotFound: There is none, or it was removed.
    """
    statement = select(*_COLUMNS).where(targets.c.name == name, targets.c.removed_at.is_(None))
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"没有名为“{name[:50]}”的接收方；可用 triage targets list 查看")
    return _target(row._mapping)


def change_address(connection: Connection, target_id: UUID, *, host: str, sealed: bytes) -> None:
    """Give a receiver another address; it is tried at once."""
    fresh = {"host": host, "sealed": sealed, "failures": 0, "rest_seconds": 0.0, "last_error": ""}
    connection.execute(update(targets).where(targets.c.id == target_id).values(**fresh))


def remove(connection: Connection, target_id: UUID, *, at: datetime) -> None:
    """Remove a receiver; its row stays, since deliveries refer to it, its address goes."""
    connection.execute(update(targets).where(targets.c.id == target_id).values(removed_at=at, sealed=b""))


def rested(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of some receivers may be sent to now."""
    return set(connection.scalars(select(targets.c.id).where(targets.c.id.in_(ids), _RESTED)))


def take(connection: Connection, target_id: UUID) -> Target | None:
    """Hold a receiver until the transaction ends; None while another process has it, it rests, or it was removed."""
    statement = select(*_COLUMNS).where(targets.c.id == target_id, targets.c.removed_at.is_(None), _RESTED)
    row = connection.execute(statement.with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else _target(row._mapping)


def reached(connection: Connection, target_id: UUID, *, pause: float, remark: str = "") -> None:
    """Note that a receiver took a message; the next one goes after ``pause`` seconds.

    Args:
        connection: In a transaction.
        target_id: The receiver.
        pause: Seconds until the next message.
        remark: What was not in order all the same, such as a mailbox among several that was refused.
    """
    values = {"failures": 0, "last_error": remark, "rest_seconds": pause, "rested_at": func.clock_timestamp()}
    connection.execute(update(targets).where(targets.c.id == target_id).values(**values))


def missed(connection: Connection, target_id: UUID, *, error: str, least_rest: float = 0.0) -> int:
    """Note that a receiver could not be reached, and leave it alone for a while.

    Args:
        connection: In a transaction.
        target_id: The receiver.
        error: Why, without secrets; cut to 200 characters.
        least_rest: Seconds that it asked for.

    Returns:
        Failures in a row, this one included.
    """
    rest = func.greatest(least_rest, func.least(LONGEST_REST, SHORTEST_REST * func.power(2, targets.c.failures)))
    values = {"rest_seconds": rest, "rested_at": func.clock_timestamp(), "last_error": error[:_ERROR_CHARS]}
    # A power of a large number is no number of the database any more; it is cut off long before by the longest rest.
    values["failures"] = func.least(targets.c.failures + 1, 900)
    statement = update(targets).where(targets.c.id == target_id).values(**values).returning(targets.c.failures)
    return int(connection.execute(statement).scalar_one_or_none() or 0)


def _target(row: object) -> Target:
    values = dict(row)  # type: ignore[call-overload]
    return Target(**{**values, "topics": tuple(values["topics"]), "districts": tuple(values["districts"])})
