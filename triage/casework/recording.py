"""Writes one prepared appeal and everything that follows from it, inside a transaction that the caller opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from triage.casework import terms, warnings
from triage.casework.desk import ActiveTriage, Desk
from triage.casework.dispatching import planning
from triage.casework.intake import Prepared
from triage.casework.lifecycle import supplements
from triage.casework.lifecycle.supplements import Ticket
from triage.decision import Decision, EventDecision
from triage.document import masked_text
from triage.events.keywords import event_keywords
from triage.events.titles import TitleSource, event_title
from triage.service import Context
from triage.store import appeals, assignment, decisions, event_counts, history, outbox, signatures, vectors
from triage.store.access import Actor
from triage.store.assignment import SIMILAR, Assignment, EventChange, Link, Newcomer
from triage.store.ids import new_id

_OPENING = 400
"""Characters of a text that its event's title may be cut from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What was recorded of an appeal.

    Attributes:
        record: The result record.
        event_id: Its event.
        links: To older appeals, of all districts.
        outcome: What automatic dispatch made of it, see `triage.casework.dispatching.planning.Plan.outcome`.
    """

    record: Mapping[str, Any]
    event_id: UUID
    links: tuple[Link, ...]
    outcome: str


def record(connection: Connection, desk: Desk, active: ActiveTriage, prepared: Prepared, *, actor: Actor) -> Recorded:
    """Record an appeal: event, appeal, signature, vector, links, terms, warnings, decision, dispatch, history, messages.

    Args:
        connection: In a transaction of scope everywhere that holds the appeal's buckets.
        desk: Composition.
        active: The models that prepared the appeal.
        prepared: The appeal.
        actor: For whom.
    """
    now = desk.clock()
    ticket = supplements.ticket_of(connection, prepared.new)
    found = _assigned(connection, desk, active, prepared, ticket=ticket)
    event_id, size, links = _enter_event(connection, desk, prepared, found, now=now)
    event = EventDecision(str(event_id), size, _shown(links, prepared.district, most=desk.linking.shown))
    decision = active.triage.decide_readings([prepared.reading], contexts=[Context(event)])[0]
    refused = planning.refuses(connection, prepared)
    _add_appeal(connection, prepared, decision, event_id=event_id, refused=refused)
    if size > 1:
        event_counts.after_arrival(connection, event_id, size, cutter=desk.words)
    _note_arrival(connection, prepared, decision, event_id=event_id, actor=actor, now=now)
    _add_search(connection, prepared, encoder=active.encoder.fingerprint)
    assignment.add_links(connection, prepared.id, links, at=now)
    if ticket is None:  # what adds to a ticket is done when the ticket is
        terms.begin(connection, desk, prepared.id, deadline=decision.deadline, started_at=prepared.received_at, at=now)
    warnings.on_arrival(connection, desk, _arrival(prepared, decision, event_id=event_id, size=size, now=now))
    # After its warnings, which may make the event one that no machine may dispatch.
    planned = planning.plan(connection, desk, prepared, decision, event_id=event_id, refused=refused)
    kept = planned.decision.to_record()
    decisions.add(
        connection,
        decisions.StoredDecision(
            appeal_id=prepared.id, version=1, record=kept, bundle=decision.bundle, actor=actor.name, at=now
        ),
    )
    _tell(connection, prepared, planned.decision, event_id=event_id, now=now)
    planning.carry_out(connection, desk, planned, prepared.id)
    if ticket is not None:
        supplements.join(connection, desk, actor, ticket, prepared.id, risk_level=decision.risk.level)
    return Recorded(record=kept, event_id=event_id, links=links, outcome=planned.outcome)


def _assigned(
    connection: Connection, desk: Desk, active: ActiveTriage, prepared: Prepared, *, ticket: Ticket | None
) -> Assignment:
    """Return the event of an appeal: that of the ticket which it adds to, since a person said so, else what is found."""
    if ticket is not None:
        link = Link(appeal_id=ticket.id, district=ticket.district, probability=1.0, verdict=assignment.SAME)
        return Assignment(event_id=ticket.event_id, links=(link,))
    query = prepared.query(active.encoder.fingerprint, unrelated=active.encoder.unrelated)
    newcomer = Newcomer(signature=prepared.signature, query=query)
    return assignment.assign(connection, newcomer, scorer=desk.rarity.scorer(active.scorer), settings=desk.linking)


def _arrival(prepared: Prepared, decision: Decision, *, event_id: UUID, size: int, now: datetime) -> warnings.Arrival:
    return warnings.Arrival(
        appeal_id=prepared.id,
        event_id=event_id,
        size=size,
        district=prepared.district,
        appellant=prepared.appellant,
        received_at=prepared.received_at,
        decision=decision,
        now=now,
    )


def _enter_event(
    connection: Connection, desk: Desk, prepared: Prepared, found: Assignment, *, now: datetime
) -> tuple[UUID, int, tuple[Link, ...]]:
    """Join the event or begin one; one that was closed or merged since the search is not joined any more."""
    change = _change(prepared, found.event_id or new_id(now))
    links = found.links
    if found.event_id is not None:
        size = assignment.join_event(connection, change)
        if size is not None:
            return found.event_id, size, links
        change = replace(change, event_id=new_id(now))
        links = tuple(replace(link, verdict=SIMILAR) if link.verdict == assignment.SAME else link for link in links)
    assignment.begin_event(connection, _named(desk, prepared, change), now=now)
    return change.event_id, 1, links


def _change(prepared: Prepared, event_id: UUID) -> EventChange:
    decision = prepared.decision
    category = decision.categories[0] if decision.categories else None
    return EventChange(
        event_id=event_id,
        unit=decision.unit.candidates[0].name if decision.unit.candidates else "",
        l1=category.l1 if category else "",
        l2=category.l2 if category else "",
        district=prepared.district,
        risk_level=decision.risk.level,
        at=prepared.received_at,
    )


def _named(desk: Desk, prepared: Prepared, change: EventChange) -> EventChange:
    """Add what an event that an appeal begins is called."""
    new = prepared.new
    source = TitleSource(
        title=masked_text(new.title),
        content=masked_text(new.content[: 2 * _OPENING])[:_OPENING],
        district=change.district,
        l2=change.l2,
    )
    title, keywords = event_title([source], cutter=desk.words), event_keywords([source], cutter=desk.words)
    return replace(change, title=title, keywords=keywords)


def _shown(links: tuple[Link, ...], district: str, *, most: int) -> tuple[tuple[str, float], ...]:
    """Return the similar appeals that the record names: those of the same district, whose readers are the record's."""
    mine = [(str(link.appeal_id), link.probability) for link in links if link.district == district]
    return tuple(mine[:most])


def _add_appeal(
    connection: Connection, prepared: Prepared, decision: Decision, *, event_id: UUID, refused: bool
) -> None:
    new, risk = prepared.new, decision.risk
    category = decision.categories[0] if decision.categories else None
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
            unit="",
            case_state="waiting",
            delivery_state="proposed" if decision.unit.candidates else "none",
            risk_level=risk.level,
            risk_score=risk.score,
            l1=category.l1 if category else "",
            l2=category.l2 if category else "",
            function=decision.functions[0].name if decision.functions else "",
            type=decision.types[0].name if decision.types else "",
            event_id=event_id,
            finish_by=decision.deadline[1] if decision.deadline else None,
            no_automation=refused,
            supplements=UUID(new.supplements) if new.supplements else None,
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
    for fingerprint, vector in {encoder: prepared.vector, **prepared.others}.items():
        vectors.add(
            connection,
            vectors.NewVector(
                appeal_id=prepared.id,
                encoder=fingerprint,
                district=prepared.district,
                received_at=prepared.received_at,
                vector=vector,
            ),
        )


def _note_arrival(
    connection: Connection, prepared: Prepared, decision: Decision, *, event_id: UUID, actor: Actor, now: datetime
) -> None:
    detail = _facts(decision, event_id)
    if prepared.new.no_automation:
        detail["no_automation"] = True
    history.add(connection, prepared.id, actor=actor.name, action="received", at=now, detail=detail)


def _tell(connection: Connection, prepared: Prepared, decision: Decision, *, event_id: UUID, now: datetime) -> None:
    id_, unit = prepared.id, decision.unit
    payload = {
        **_facts(decision, event_id),
        "appeal_id": str(id_),
        "decision_version": 1,
        "decision": unit.decision,
        "unit": unit.candidates[0].name if unit.candidates else "",
        "district": prepared.district,
    }
    outbox.add(connection, outbox.APPEAL_DECIDED, key=f"{outbox.APPEAL_DECIDED}:{id_}:1", payload=payload, at=now)


def _facts(decision: Decision, event_id: UUID) -> dict[str, Any]:
    return {"event_id": str(event_id), "bundle": decision.bundle, "risk_level": decision.risk.level}
