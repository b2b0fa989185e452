"""Brings messages from the outbox to their receivers, once each, or makes visible that one did not arrive.

A delivery goes through three transactions and the network in between: *taken* (``sending``, with the number of an advisory
lock that this process holds), *sent*, *settled*. What breaks in between is found by the lock, which ends with the process:

- a program recognises a repetition by its id, so the message is sent again;
- a robot or a mailbox cannot, so the delivery becomes ``uncertain`` and waits for a person, unless the receiver was
  added with "rather twice than not at all".

The same holds where the line broke after the message was handed over. What certainly did not arrive is tried again.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from triage.casework.targets import Mailroom
from triage.notify import Address, NotifyError, Outcome, Sent, Telling
from triage.notify.addresses import WEBHOOK
from triage.notify.sending import pace_of
from triage.store import deliveries, outbox
from triage.store import targets as store
from triage.store.access import EVERYWHERE
from triage.store.deliveries import LOCKS, Parcel
from triage.store.errors import StoreUnavailable
from triage.store.outbox import Message
from triage.store.schema import alerts, appeals, events
from triage.store.sealing import SealError
from triage.store.targets import Target

LOG = logging.getLogger(__name__)

AT_ONCE = 20
"""Messages that a program's address is given in one go; robots and mailboxes get one at a time."""
_ROUTED_AT_ONCE = 200
_SETTLE_TRIES = 60
_UNSEALED = "接收方的地址无法解密，请重新填写该接收方"


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What was taken for one receiver."""

    target: Target
    parcels: tuple[Parcel, ...]
    facts: Mapping[int, Mapping[str, Any]]


class Courier:
    """Delivers; its threads share one advisory lock that says this process is alive.

    Args:
        room: Database, keys and rules.
        go_on: Whether to go on; asked between messages.
        wait: Waits for some seconds, or until the service ends.
    """

    def __init__(self, room: Mailroom, *, go_on: Callable[[], bool], wait: Callable[[float], object]) -> None:
        self._room, self._go_on, self._wait = room, go_on, wait
        self._number = random.SystemRandom().randrange(1, 2**31 - 1)
        self._line: Connection | None = None
        self._busy: set[UUID] = set()
        self._guarding = threading.Lock()

    def close(self) -> None:
        """Let go of the lock."""
        if self._line is not None:
            # Not back into the pool: the lock belongs to the session and ends with it.
            self._line.invalidate()
            self._line.close()
            self._line = None

    def route(self) -> int:
        """Hand new messages to the receivers that want them; returns how many messages."""
        with self._room.database.transaction(EVERYWHERE) as connection:
            messages = outbox.due(connection, most=_ROUTED_AT_ONCE)
            receivers = store.listed(connection) if messages else []
            for message in messages:
                wanted = [target.id for target in _wanting(connection, message, receivers)]
                deliveries.add(connection, message.id, wanted)
                outbox.routed(connection, message.id, receivers=len(wanted))
        return len(messages)

    def recover(self) -> int:
        """Settle what processes that have ended were sending; returns how many deliveries."""
        self._hold()
        with self._room.database.transaction(EVERYWHERE) as connection:
            left = deliveries.abandoned(connection, mine=self._number, busy=self._sending)
            known = {target.id: target for target in store.listed(connection)}
            for delivery, target in left:
                deliveries.recover(connection, delivery, again=_may_repeat(known.get(target)))
        if left:
            LOG.warning("deliveries recovered", extra={"action": "delivery.recovered", "count": len(left)})
        return len(left)

    def waiting(self) -> list[UUID]:
        """Return the receivers that something is due for and that are not resting."""
        with self._room.database.transaction(EVERYWHERE) as connection:
            ids = deliveries.waiting_targets(connection)
            ready = store.rested(connection, ids) if ids else set()
        return [target for target in ids if target in ready]

    def deliver(self, target_id: UUID) -> int:
        """Send what is due for a receiver, one message after the other; returns how many arrived."""
        self._hold()
        batch = self._take(target_id)
        if batch is None:
            return 0
        try:
            return self._send_all(batch)
        finally:
            self._forget(batch.parcels)

    def _sending(self) -> frozenset[UUID]:
        with self._guarding:
            return frozenset(self._busy)

    def _forget(self, parcels: Sequence[Parcel]) -> None:
        with self._guarding:
            self._busy.difference_update(parcel.id for parcel in parcels)

    def _send_all(self, batch: Batch) -> int:
        arrived = 0
        try:
            address = self._room.address_of(batch.target)
        except (SealError, NotifyError):
            self._put_back(batch.parcels[1:])
            self._settle(batch, batch.parcels[0], Sent(Outcome.UNREACHED, _UNSEALED), pace=0.0)
            return 0
        for place, parcel in enumerate(batch.parcels):
            sent = self._attempt(address, batch, parcel)
            arrived += sent.outcome is Outcome.DELIVERED
            stops = sent.outcome in (Outcome.UNREACHED, Outcome.UNKNOWN) or not self._go_on()
            if stops:  # before it is settled: what waits may be given up then, and these wait too
                self._put_back(batch.parcels[place + 1 :])
            self._settle(batch, parcel, sent, pace=pace_of(address))
            if stops:
                break
        return arrived

    def _attempt(self, address: Address, batch: Batch, parcel: Parcel) -> Sent:
        message = parcel.message
        telling = Telling(
            id=parcel.id,
            topic=message.topic,
            key=message.key,
            payload=message.payload,
            at=message.created_at,
            facts=batch.facts.get(message.id, {}),
        )
        try:
            return self._room.send(address, telling)
        except Exception:
            # A fault of ours; whether something went out is not known, and the other receivers must not suffer.
            LOG.exception("sending failed", extra={"action": "delivery.fault", "delivery": str(parcel.id)})
            return Sent(Outcome.UNKNOWN, "发送时程序出错")

    def _hold(self) -> None:
        """Make sure that the lock which says "alive" is held, also after the database was away."""
        with self._guarding:
            try:
                if self._line is not None:
                    self._line.execute(select(1))
                    self._line.commit()
                    return
            except Exception:
                self._line.invalidate()  # type: ignore[union-attr]
                self._line.close()  # type: ignore[union-attr]
                self._line = None
            with self._room.database.transaction(EVERYWHERE) as probe:  # waits for a database that is coming back
                probe.execute(select(1))
            line = self._room.database.engine.connect()
            line.execute(select(func.pg_advisory_lock(LOCKS, self._number)))
            line.commit()
            self._line = line

    def _take(self, target_id: UUID) -> Batch | None:
        parcels: list[Parcel] = []
        try:
            with self._room.database.transaction(EVERYWHERE) as connection:
                target = store.take(connection, target_id)
                if target is None:
                    return None
                most = AT_ONCE if target.kind == WEBHOOK else 1
                parcels = deliveries.take(connection, target_id, worker=self._number, most=most)
                facts = {parcel.message.id: _facts(connection, parcel.message) for parcel in parcels}
                # Before the commit: once the rows are visible as being sent, they must not look abandoned.
                with self._guarding:
                    self._busy.update(parcel.id for parcel in parcels)
        except BaseException:
            self._forget(parcels)
            raise
        return Batch(target=target, parcels=tuple(parcels), facts=facts) if parcels else None

    def _settle(self, batch: Batch, parcel: Parcel, sent: Sent, *, pace: float) -> None:
        """Write down how it ended; what is known now must not be lost because the database is away for a while."""
        self._persist(lambda connection: _write(connection, batch.target, parcel, sent, pace=pace))
        if sent.outcome is not Outcome.DELIVERED:
            extra = {"action": "delivery.failed", "delivery": str(parcel.id), "target": str(batch.target.id)}
            LOG.warning("not delivered", extra={**extra, "state": sent.outcome.value})

    def _put_back(self, parcels: Sequence[Parcel]) -> None:
        if parcels:
            self._persist(lambda connection: deliveries.put_back(connection, [parcel.id for parcel in parcels]))

    def _persist(self, write: Callable[[Connection], None]) -> None:
        for _ in range(_SETTLE_TRIES):
            try:
                with self._room.database.transaction(EVERYWHERE) as connection:
                    write(connection)
            except StoreUnavailable:
                if not self._go_on():
                    raise
                self._wait(1.0)
            else:
                return
        LOG.error("outcome not stored", extra={"action": "delivery.unsettled"})


def _write(connection: Connection, target: Target, parcel: Parcel, sent: Sent, *, pace: float) -> None:
    if sent.outcome is Outcome.DELIVERED:
        deliveries.sent(connection, parcel)
        store.reached(connection, target.id, pause=pace, remark=sent.reason)
        return
    if sent.outcome is Outcome.REFUSED:
        deliveries.refused(connection, parcel, error=sent.reason)
        return
    failures = store.missed(connection, target.id, error=sent.reason, least_rest=sent.rest)
    if sent.outcome is Outcome.UNKNOWN and not _may_repeat(target):
        deliveries.uncertain(connection, parcel, error=sent.reason)
    else:
        deliveries.put_back(connection, [parcel.id], error=sent.reason)
    if failures >= store.MOST_FAILURES:
        given_up = deliveries.give_up_waiting(connection, target.id, error=f"接收方长时间不可达：{sent.reason}")
        LOG.error("deliveries given up", extra={"action": "delivery.dead", "count": given_up, "target": str(target.id)})


def _may_repeat(target: Target | None) -> bool:
    """Say whether a receiver recognises a repetition, or wants rather two messages than none."""
    return target is not None and (target.kind == WEBHOOK or target.repeats)


def _wanting(connection: Connection, message: Message, receivers: Sequence[Target]) -> list[Target]:
    """Return the receivers that want a message; its district and level are looked up only if somebody asks for them."""
    interested = [target for target in receivers if target.wants(message.topic, district="", level=None)]
    particular = [target for target in receivers if "*" not in target.districts or target.least_level]
    if not particular:
        return interested
    known = {**message.payload, **_facts(connection, message)}
    level = known.get("level") if message.topic.startswith("alert.") else None
    district = str(known.get("district") or "")
    return [target for target in receivers if target.wants(message.topic, district=district, level=level)]


def _facts(connection: Connection, message: Message) -> Mapping[str, Any]:
    """Return what the store says now about what a message is about: as of the sending, so that erasure reaches it."""
    alert, appeal = _id(message, "alert_id"), _id(message, "appeal_id")
    if alert is not None:
        columns = (alerts.c.reason, alerts.c.district, alerts.c.level, events.c.size)
        joined = select(*columns).join(events, events.c.id == alerts.c.event_id)
        row = connection.execute(joined.where(alerts.c.id == alert)).one_or_none()
        return {} if row is None else dict(row._mapping)
    event = _id(message, "event_id")
    about = select(events.c.district).where(events.c.id == event)
    if appeal is not None:
        about = select(appeals.c.district).where(appeals.c.id == appeal)
    district = connection.scalar(about) if appeal or event else None
    return {} if district is None else {"district": district}


def _id(message: Message, name: str) -> UUID | None:
    try:
        return UUID(str(message.payload[name]))
    except (KeyError, ValueError):
        return None
