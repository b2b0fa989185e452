"""Finding stored appeals by what somebody types: first those that hold the words, then those that read alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from triage.appeal import Appeal
from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.document import read_document
from triage.store import appeals, search
from triage.store.access import Actor
from triage.store.appeals import AppealFilter, AppealView
from triage.store.search import Window

RECENT = timedelta(days=180)
"""Words are looked for in appeals of the last half year: that reads every text of the time, some seconds for a million."""
_LONGEST_NUMBER = 60
LEAST_CLOSENESS = 0.25
"""Appeals that are less alike than this have nothing to do with what was typed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An appeal that was found.

    Attributes:
        appeal: Masked.
        words: Whether it holds every word that was typed.
        closeness: Of the texts, 0 (nothing in common) … 1; 1 where the words stand in it.
    """

    appeal: AppealView
    words: bool
    closeness: float


def of_number(desk: Desk, actor: Actor, typed: str) -> UUID | None:
    """Return the visible appeal whose own number or whose channel's number was typed; None where there is none, or several.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    number = typed.strip()
    if not number or len(number) > _LONGEST_NUMBER or len(number.split()) > 1:
        return None
    with desk.database.transaction(actor.scope) as connection:
        try:
            return next(iter(appeals.get_many(connection, [UUID(number)])), None)
        except ValueError:
            found = [
                id_
                for channel in desk.channels.channels
                if (id_ := appeals.of_reference(connection, channel.name, number))
            ]
    return found[0] if len(found) == 1 else None


def find(desk: Desk, actor: Actor, typed: str, *, limit: int = 20) -> list[Found]:
    """Return appeals that the actor may see.

    Args:
        desk: The desk.
        actor: Who looks.
        typed: Words, separated by blanks, or a piece of text.
        limit: Most appeals, 1 … 100.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    limit = max(1, min(limit, 100))
    if not typed.strip():
        return []
    text = read_document(Appeal(id="query", content=typed)).text
    encoder = desk.encoder
    (vector,) = encoder.encode_queries([text])
    now = desk.clock()
    wanted = AppealFilter(words=typed, since=now - RECENT)
    with desk.database.transaction(actor.scope) as connection:
        exact = appeals.page(connection, wanted, limit=limit).items
        near = search.nearest(connection, vector, encoder=encoder.fingerprint, wanted=limit, window=Window())
        views = appeals.get_many(connection, [hit.appeal_id for hit in near])
    found = [Found(appeal=view, words=True, closeness=1.0) for view in exact]
    known = {view.id for view in exact}
    for hit in near:
        closeness = search.closeness_of(hit.cosine, unrelated=encoder.unrelated)
        if closeness >= LEAST_CLOSENESS and hit.appeal_id in views and hit.appeal_id not in known:
            found.append(Found(appeal=views[hit.appeal_id], words=False, closeness=round(min(1.0, closeness), 4)))
    return found[:limit]
