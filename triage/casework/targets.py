"""Who is told of what: added, tried, changed and removed by administrators of the whole city; and what became of messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from triage.casework.rights import require
from triage.errors import InputError
from triage.notify import Address, Guard, Sent, Telling, WebhookAddress, address_from, checked_address, send
from triage.notify.addresses import WEBHOOK, pack
from triage.notify.messages import FOR_PEOPLE, FOR_PROGRAMS, TEST
from triage.notify.sending import Sender
from triage.store import audit, deliveries
from triage.store import targets as store
from triage.store.access import EVERYWHERE, Actor
from triage.store.database import Database
from triage.store.deliveries import DeliveryView
from triage.store.ids import new_id
from triage.store.schema.delivery import DELIVERY_STEPS
from triage.store.sealing import Seal
from triage.store.targets import Target

MOST_TOPICS, MOST_DISTRICTS = 30, 100
_HIGHEST_LEVEL = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailroom:
    """What telling others needs; one per process.

    Attributes:
        database: The store.
        seal: Opens the addresses of receivers.
        guard: What the operator lets go out.
        clock: Returns now, with a time zone.
        sender: Sends; None: over the network.
    """

    database: Database
    seal: Seal = field(repr=False)
    guard: Guard
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sender: Sender | None = None

    def send(self, address: Address, telling: Telling) -> Sent:
        """Send a message and say how that ended."""
        if self.sender is not None:
            return self.sender(address, telling)
        return send(self.guard, address, telling)

    def address_of(self, target: Target) -> Address:
        """Return where a receiver is.

        Raises:
            SealError: It was sealed with another key.
        """
        return address_from(target.kind, self.seal.open(target.sealed, about=target.id.bytes))


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A receiver as an administrator describes it.

    Attributes:
        name: What people call it, 1 … 50 characters.
        kind: One of `triage.notify.addresses.KINDS`.
        address: ``url``, ``secret`` or the fields of a mail server; see `triage.notify.checked_address`.
        topics: What it wants to hear; empty: everything for programs, warnings for groups and mailboxes.
        districts: Whose messages; ``*`` is the whole city.
        least_level: Least level of alerts.
        repeats: Whether it would rather get a message twice than not at all; programs always recognise a repetition.
    """

    name: str
    kind: str
    address: Mapping[str, Any] = field(repr=False)
    topics: Sequence[str] = ()
    districts: Sequence[str] = ("*",)
    least_level: int = 0
    repeats: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTarget:
    """A receiver that was just added or changed.

    Attributes:
        target: As stored.
        secret: The secret that signs a webhook's messages, shown this once; empty for other kinds.
    """

    target: Target
    secret: str = field(repr=False)


def listed(room: Mailroom, actor: Actor) -> list[Target]:
    """Return the receivers by name.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "target.change")
    with room.database.transaction(EVERYWHERE) as connection:
        return store.listed(connection)


def add(room: Mailroom, actor: Actor, wish: Wish) -> NewTarget:
    """Add a receiver; it hears of what happens from now on.

    Raises:
        Refused: The actor may not.
        NotifyError: The address cannot be used, or the operator does not allow its host.
        InputError: The name, topics, districts or level are not acceptable.
        Conflict: The name is taken.
    """
    require(actor, "target.change")
    _check(wish)
    address = checked_address(wish.kind, wish.address, room.guard.rules)
    now = room.clock()
    target_id = new_id(now)
    target = Target(
        id=target_id,
        name=wish.name.strip(),
        kind=wish.kind,
        host=address.host,
        topics=tuple(wish.topics) or (FOR_PROGRAMS if wish.kind == WEBHOOK else FOR_PEOPLE),
        districts=tuple(dict.fromkeys(wish.districts)),
        least_level=wish.least_level,
        repeats=wish.repeats,
        sealed=room.seal.close(pack(address), about=target_id.bytes),
        failures=0,
        last_error="",
        created_by=actor.name,
        created_at=now,
    )
    with room.database.transaction(EVERYWHERE) as connection:
        store.add(connection, target)
        detail = {"kind": target.kind, "host": target.host, "topics": list(target.topics)}
        audit.append(connection, actor=actor.name, action="target.add", subject=str(target_id), detail=detail)
    return NewTarget(target=target, secret=_shown_once(address))


def change_address(room: Mailroom, actor: Actor, target_id: UUID, given: Mapping[str, Any]) -> NewTarget:
    """Give a receiver another address or secret; what waits for it goes there, at once.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such receiver.
        NotifyError: The address cannot be used, or the operator does not allow its host.
    """
    require(actor, "target.change")
    with room.database.transaction(EVERYWHERE) as connection:
        kind = store.get(connection, target_id).kind
        address = checked_address(kind, given, room.guard.rules)
        sealed = room.seal.close(pack(address), about=target_id.bytes)
        store.change_address(connection, target_id, host=address.host, sealed=sealed)
        detail = {"host": address.host}
        audit.append(connection, actor=actor.name, action="target.change", subject=str(target_id), detail=detail)
        return NewTarget(target=store.get(connection, target_id), secret=_shown_once(address))


def remove(room: Mailroom, actor: Actor, target_id: UUID) -> int:
    """Remove a receiver with its address; returns how many messages waited for it, which are closed.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such receiver.
    """
    require(actor, "target.change")
    with room.database.transaction(EVERYWHERE) as connection:
        store.get(connection, target_id)
        store.remove(connection, target_id, at=room.clock())
        waiting = deliveries.close_waiting(connection, target_id, by=actor.name)
        detail = {"waiting": waiting}
        audit.append(connection, actor=actor.name, action="target.remove", subject=str(target_id), detail=detail)
    return waiting


def try_out(room: Mailroom, actor: Actor, target_id: UUID) -> Sent:
    """Send a test message now and say how that ended; nothing is recorded but that it was done.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such receiver.
        SealError: Its address cannot be opened.
    """
    require(actor, "target.change")
    with room.database.transaction(EVERYWHERE) as connection:
        target = store.get(connection, target_id)
        audit.append(connection, actor=actor.name, action="target.test", subject=str(target_id))
    number = uuid4()
    telling = Telling(
        id=number, topic=TEST, key=f"{TEST}:{number}", payload={"target": str(target_id)}, at=room.clock()
    )
    return room.send(room.address_of(target), telling)


def failed(
    room: Mailroom,
    actor: Actor,
    *,
    states: Sequence[str] = deliveries.FAILED,
    target_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[DeliveryView]:
    """Return deliveries in some states, by default those that failed, the latest first.

    Raises:
        Refused: The actor may not.
        InputError: There is no such state.
    """
    require(actor, "target.change")
    if not set(states) <= set(DELIVERY_STEPS):
        raise InputError(f"状态应为 {'、'.join(DELIVERY_STEPS)} 之一")
    with room.database.transaction(EVERYWHERE) as connection:
        return deliveries.page(connection, states=states, target_id=target_id, after=after, limit=limit)


def retry(room: Mailroom, actor: Actor, delivery_id: UUID) -> DeliveryView:
    """Have a dead or uncertain delivery sent once more.

    Raises:
        Refused: The actor may not.
        NotFound: There is none.
        StateConflict: It is neither dead nor uncertain, or its receiver was removed.
    """
    require(actor, "target.change")
    with room.database.transaction(EVERYWHERE) as connection:
        view = deliveries.retry(connection, delivery_id)
        audit.append(connection, actor=actor.name, action="delivery.retry", subject=str(delivery_id))
    return view


def close(room: Mailroom, actor: Actor, delivery_id: UUID) -> DeliveryView:
    """Note that a person has seen to a dead or uncertain delivery, for instance by telephone.

    Raises:
        Refused: The actor may not.
        NotFound: There is none.
        StateConflict: It is neither dead nor uncertain.
    """
    require(actor, "target.change")
    with room.database.transaction(EVERYWHERE) as connection:
        view = deliveries.close(connection, delivery_id, by=actor.name)
        audit.append(connection, actor=actor.name, action="delivery.close", subject=str(delivery_id))
    return view


def _check(wish: Wish) -> None:
    name = wish.name.strip()
    if not 1 <= len(name) <= 50 or not name.isprintable():
        raise InputError("接收方名称应为 1 至 50 个可显示的字符")
    if len(wish.topics) > MOST_TOPICS or not all(_is_topic(topic) for topic in wish.topics):
        raise InputError(f"消息主题应形如 alert.raised、appeal.* 或 *，最多 {MOST_TOPICS} 个")
    districts = list(wish.districts)
    named = all(district.strip() and len(district) <= 50 and district.isprintable() for district in districts)
    if not 1 <= len(districts) <= MOST_DISTRICTS or not named:
        raise InputError(f"区划应有 1 至 {MOST_DISTRICTS} 个，* 为全市")
    if not 0 <= wish.least_level <= _HIGHEST_LEVEL:
        raise InputError(f"最低等级应为 0 至 {_HIGHEST_LEVEL}")


def _is_topic(text: str) -> bool:
    plain = text.removesuffix(".*") if text != "*" else "all"
    return 0 < len(text) <= 60 and all(part.replace("_", "").isalnum() and part.isascii() for part in plain.split("."))


def _shown_once(address: Address) -> str:
    return address.secret if isinstance(address, WebhookAddress) else ""
