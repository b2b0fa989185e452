"""Writes one prepared appeal and everything that follows from it, inside a transaction that the caller opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from triage.casework.desk import ActiveTriage, Desk
from triage.casework.intake import Prepared, label
from triage.decision import AUTO, Decision, EventDecision
from triage.document import masked_text
from triage.service import Context
from triage.store import appeals, assignment, decisions, history, outbox, schema, signatures, vectors
from triage.store.access import Actor
from triage.store.assignment import SIMILAR, Assignment, EventChange, Link, Newcomer
from triage.store.ids import new_id

ALERT_FROM = 3
"""Risk level from which an alert is raised, once per event and level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What was recorded of an appeal.

    Attributes:
        record: The result record.
        event_id: Its event.
        links: To older appeals, of all districts.
    """

    record: Mapping[str, Any]
    event_id: UUID
    links: tuple[Link, ...]


def record(connection: Connection, desk: Desk, active: ActiveTriage, prepared: Prepared, *, actor: Actor) -> Recorded:
    """Record an appeal: event, appeal, signature, vector, decision, links, history, alert, messages.

    Args:
        connection: In a transaction of scope everywhere that holds the appeal's buckets.
        desk: Composition.
        active: The models that prepared the appeal.
        prepared: The appeal.
        actor: For whom.
    """
    now = desk.clock()
    newcomer = Newcomer(signature=prepared.signature, query=prepared.query(active.encoder.fingerprint))
    found = assignment.assign(connection, newcomer, scorer=desk.rarity.scorer(active.scorer), settings=desk.linking)
    event_id, size, links = _enter_event(connection, prepared, found, now=now)
    event = EventDecision(str(event_id), size, _shown(links, prepared.district, most=desk.linking.shown))
    decision = active.triage.decide_readings([prepared.reading], contexts=[Context(event)])[0]
    kept = decision.to_record()
    automatic = desk.auto_dispatch and decision.unit.decision == AUTO and bool(decision.unit.candidates)
    _add_appeal(connection, prepared, decision, event_id=event_id, automatic=automatic)
    _tell(connection, prepared, decision, event_id=event_id, actor=actor, now=now)
    _add_search(connection, prepared, encoder=active.encoder.fingerprint)
    decisions.add(
        connection,
        decisions.StoredDecision(
            appeal_id=prepared.id, version=1, record=kept, bundle=decision.bundle, actor=actor.name, at=now
        ),
    )
    assignment.add_links(connection, prepared.id, links, at=now)
    if automatic:
        detail = {"unit": decision.unit.candidates[0].name, "decision_version": 1}
        history.add(connection, prepared.id, actor="system", action="dispatched", at=now, detail=detail)
    return Recorded(record=kept, event_id=event_id, links=links)


def _enter_event(
    connection: Connection, prepared: Prepared, found: Assignment, *, now: datetime
) -> tuple[UUID, int, tuple[Link, ...]]:
    """Join the event or begin one; one that was closed or merged since the search is not joined any more."""
    at = prepared.received_at
    change = EventChange(
        event_id=found.event_id or new_id(now),
        title=label(prepared.decision, prepared.new),
        district=prepared.district,
        risk_level=prepared.decision.risk.level,
        at=at,
    )
    links = found.links
    if found.event_id is not None:
        size = assignment.join_event(connection, change)
        if size is not None:
            return found.event_id, size, links
        change = replace(change, event_id=new_id(now))
        links = tuple(replace(link, verdict=SIMILAR) if link.verdict == assignment.SAME else link for link in links)
    assignment.begin_event(connection, change, now=now)
    return change.event_id, 1, links


def _shown(links: tuple[Link, ...], district: str, *, most: int) -> tuple[tuple[str, float], ...]:
    """Return the similar appeals that the record names: those of the same district, whose readers are the record's."""
    mine = [(str(link.appeal_id), link.probability) for link in links if link.district == district]
    return tuple(mine[:most])


def _add_appeal(
    connection: Connection, prepared: Prepared, decision: Decision, *, event_id: UUID, automatic: bool
) -> None:
    new, risk = prepared.new, decision.risk
    category = decision.categories[0] if decision.categories else None
    proposed = "proposed" if decision.unit.candidates else "none"
    appeals.add(
        connection,
        appeals.NewRow(
            id=prepared.id,
            reference=new.reference,
            channel=new.channel,
            received_at=prepared.received_at,
            created_at=new.created_at,
            title_raw=new.title,
            content_raw=new.content,
            address_raw=new.address,
            title=masked_text(new.title),
            content=masked_text(new.content),
            address=masked_text(new.address),
            appellant=prepared.appellant,
            district=prepared.district,
            unit=decision.unit.candidates[0].name if automatic else "",
            case_state="assigned" if automatic else "waiting",
            delivery_state="dispatched" if automatic else proposed,
            risk_level=risk.level,
            risk_score=risk.score,
            l1=category.l1 if category else "",
            l2=category.l2 if category else "",
            function=decision.functions[0].name if decision.functions else "",
            type=decision.types[0].name if decision.types else "",
            event_id=event_id,
            finish_by=decision.deadline[1] if decision.deadline else None,
        ),
    )


def _add_search(connection: Connection, prepared: Prepared, *, encoder: str) -> None:
    signatures.add(
        connection,
        signatures.NewSignature(
            appeal_id=prepared.id,
            district=prepared.district,
            received_at=prepared.received_at,
            signature=prepared.signature,
            keys=prepared.keys,
        ),
    )
    vectors.add(
        connection,
        vectors.NewVector(
            appeal_id=prepared.id,
            encoder=encoder,
            district=prepared.district,
            received_at=prepared.received_at,
            vector=prepared.vector,
        ),
    )


def _tell(
    connection: Connection, prepared: Prepared, decision: Decision, *, event_id: UUID, actor: Actor, now: datetime
) -> None:
    """Write history, alert and messages."""
    id_, unit = prepared.id, decision.unit
    facts = {"event_id": str(event_id), "bundle": decision.bundle, "risk_level": decision.risk.level}
    history.add(connection, id_, actor=actor.name, action="received", at=now, detail=facts)
    payload = {
        **facts,
        "appeal_id": str(id_),
        "decision_version": 1,
        "decision": unit.decision,
        "unit": unit.candidates[0].name if unit.candidates else "",
        "district": prepared.district,
    }
    outbox.add(connection, outbox.APPEAL_DECIDED, key=f"{outbox.APPEAL_DECIDED}:{id_}:1", payload=payload, at=now)
    if decision.risk.level >= ALERT_FROM:
        _raise_alert(connection, prepared, decision, event_id=event_id, now=now)


def _raise_alert(
    connection: Connection, prepared: Prepared, decision: Decision, *, event_id: UUID, now: datetime
) -> None:
    level, table = decision.risk.level, schema.alerts
    row = {
        "id": new_id(now),
        "event_id": event_id,
        "appeal_id": prepared.id,
        "district": prepared.district,
        "level": level,
        "reason": _reason(decision),
        "at": now,
    }
    added = connection.execute(
        insert(table).values(row).on_conflict_do_nothing(index_elements=["event_id", "level"]).returning(table.c.id)
    ).scalar_one_or_none()
    if added is not None:
        payload = {"alert_id": str(added), "event_id": str(event_id), "appeal_id": str(prepared.id), "level": level}
        outbox.add(connection, outbox.ALERT_RAISED, key=f"{outbox.ALERT_RAISED}:{added}", payload=payload, at=now)


def _reason(decision: Decision) -> str:
    """Say why, in words of the rules and the factors; never in those of the appeal."""
    factors = "、".join(factor.name for factor in decision.risk.factors)
    words = f"风险等级{decision.risk.level}级（{decision.risk.color}）"
    return f"{words}：{factors}" if factors else words
