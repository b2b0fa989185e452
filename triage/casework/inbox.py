"""The dispatcher's queue, and everything that is needed to decide one appeal of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from triage.casework import undoing
from triage.casework.cases import State
from triage.casework.desk import Desk
from triage.casework.marking import MarkedTexts, marked
from triage.casework.rights import require
from triage.store import appeals, events, feedback, inbox, search, vectors
from triage.store.access import Actor
from triage.store.appeals import AppealView, SimilarView
from triage.store.errors import NotFound
from triage.store.events import EventView
from triage.store.inbox import TRAYS, InboxFilter, InboxPage

LEAST_CLOSENESS = 0.3
"""Handled appeals that are less alike than this say nothing about where a new one belongs."""
_LOOKED_AT = 24
_HANDLED = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """A dispatched or handled appeal that reads alike.

    Attributes:
        appeal: Masked.
        closeness: Of the texts, 0 … 1.
    """

    appeal: AppealView
    closeness: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """One appeal as somebody who decides about it sees it.

    Attributes:
        appeal: Masked.
        stage: One of `triage.casework.cases.STAGES`.
        record: The present proposal.
        candidates: Proposed units that did not send it back, best first, as in the record.
        returned: Units that sent it back.
        texts: Title and content with what the proposal rests on marked.
        similar: Appeals linked to it, most probable first.
        alike: Handled appeals that read alike, and which units had them.
        event: Its event; None where nothing of it may be seen.
        undoable: Whether the actor may still take the dispatch back.
    """

    appeal: AppealView
    stage: str
    record: Mapping[str, Any]
    candidates: tuple[Mapping[str, Any], ...]
    returned: tuple[str, ...]
    texts: MarkedTexts
    similar: tuple[SimilarView, ...]
    alike: tuple[Alike, ...]
    event: EventView | None
    undoable: bool


def queue(desk: Desk, actor: Actor, wanted: InboxFilter, *, after: UUID | None = None, limit: int = 40) -> InboxPage:
    """Return appeals of the actor's districts in the wanted order.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        return inbox.page(connection, wanted, after=after, limit=limit)


def trays(desk: Desk, actor: Actor) -> dict[str, int]:
    """Return how many appeals each tray holds, at most `inbox.COUNTED`.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        return {tray: inbox.count(connection, InboxFilter(tray=tray)) for tray in TRAYS}


def dossier(desk: Desk, actor: Actor, appeal_id: UUID) -> Dossier:
    """Return everything that is needed to decide about one appeal.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        view = appeals.get(connection, appeal_id)
        record = appeals.record(connection, appeal_id, version=view.decision_version)
        returned = feedback.returned_units(connection, appeal_id)
        proposed = (record.get("unit") or {}).get("candidates") or ()
        return Dossier(
            appeal=view,
            stage=State(view.case_state, view.delivery_state, view.answer_state).stage,
            record=record,
            candidates=tuple(one for one in proposed if one["name"] not in returned),
            returned=returned,
            texts=marked(view.title, view.content, record),
            similar=tuple(appeals.similar(connection, appeal_id)),
            alike=_alike(connection, desk, view),
            event=_event(connection, actor, view),
            undoable=undoing.possible(connection, desk, actor, view),
        )


def _alike(connection: Connection, desk: Desk, view: AppealView) -> tuple[Alike, ...]:
    """Return handled appeals that read alike; none while another encoder takes over and this appeal waits for it."""
    encoder = desk.encoder
    vector = vectors.of(connection, view.id, encoder=encoder.fingerprint)
    if vector is None:
        return ()
    near = search.nearest(connection, vector, encoder=encoder.fingerprint, wanted=_LOOKED_AT)
    views = appeals.get_many(connection, [hit.appeal_id for hit in near if hit.appeal_id != view.id])
    found = []
    for hit in near:
        closeness = search.closeness_of(hit.cosine, unrelated=encoder.unrelated)
        other = views.get(hit.appeal_id)
        if other is not None and other.unit and closeness >= LEAST_CLOSENESS:
            found.append(Alike(appeal=other, closeness=min(1.0, closeness)))
    return tuple(found[:_HANDLED])


def _event(connection: Connection, actor: Actor, view: AppealView) -> EventView | None:
    try:
        return events.get(connection, view.event_id, scope=actor.scope)
    except NotFound:
        return None
