"""Handing a warning on to registered receivers: the police's program, the duty group of a district, a leader's mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import select

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.casework.traces import Step, note
from triage.errors import InputError
from triage.store import deliveries, outbox, targets
from triage.store.access import EVERYWHERE, Actor
from triage.store.errors import NotFound
from triage.store.schema import alerts
from triage.store.schema import outbox as messages
from triage.store.targets import Target

TOPIC = "alert.forwarded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """Somebody a warning can be handed on to; without the address, which is an administrator's business.

    Attributes:
        id: The receiver.
        name: What it is called.
        kind: One of `triage.store.schema.delivery.TARGET_KINDS`.
        districts: Whose messages it may get; ``*`` is the whole city.
    """

    id: UUID
    name: str
    kind: str
    districts: tuple[str, ...]

    def takes(self, district: str) -> bool:
        """Say whether warnings of a district may go there."""
        return "*" in self.districts or district in self.districts


def receivers(desk: Desk, actor: Actor) -> list[Receiver]:
    """Return whom the actor can hand warnings on to, by name: receivers of the whole city or of the actor's districts.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "alert.acknowledge")
    with desk.database.transaction(EVERYWHERE) as connection:
        found = [_receiver(target) for target in targets.listed(connection)]
    return [one for one in found if actor.scope.everywhere or any(map(one.takes, actor.scope.districts))]


def forward(desk: Desk, actor: Actor, alert_id: UUID, *, to: Sequence[UUID]) -> list[Receiver]:
    """Send a warning to some receivers, whatever else they asked to hear; returns them.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        alert_id: The warning.
        to: The receivers; at least one.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such warning in the actor's districts, or no such receiver for its district.
        InputError: No receiver is given.
    """
    require(actor, "alert.acknowledge")
    wanted = list(dict.fromkeys(to))
    if not wanted:
        raise InputError("请至少选择一个接收方")
    known = {one.id: one for one in receivers(desk, actor)}
    now = desk.clock()
    with desk.database.transaction(actor.scope) as connection:
        alert = connection.execute(select(alerts).where(alerts.c.id == alert_id)).one_or_none()
        if alert is None:
            raise NotFound(f"没有预警 {alert_id}，或不在可见区划内")
        if any(one not in known or not known[one].takes(alert.district) for one in wanted):
            raise NotFound("所选接收方不存在，或不接收该区划的预警；请刷新后重新选择")
        facts = {"alert_id": str(alert_id), "event_id": str(alert.event_id), "level": alert.level}
        key = f"{TOPIC}:{uuid4()}"
        payload = {**facts, "appeal_id": str(alert.appeal_id), "by": actor.name, "at": now.isoformat()}
        outbox.add(connection, TOPIC, key=key, payload=payload, at=now)
        number = connection.execute(select(messages.c.id).where(messages.c.key == key)).scalar_one()
        # To those chosen and nobody else: the message is routed here and not by what receivers subscribed to.
        deliveries.add(connection, number, wanted)
        outbox.routed(connection, number, receivers=len(wanted))
        named = {**facts, "receivers": [known[one].name for one in wanted]}
        note(connection, Step(topic=TOPIC, actor=actor.name, at=now, facts=named), [alert.appeal_id])
    return [known[one] for one in wanted]


def _receiver(target: Target) -> Receiver:
    return Receiver(id=target.id, name=target.name, kind=target.kind, districts=tuple(target.districts))
