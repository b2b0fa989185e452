"""What is kept of an event beside its appeals: counts, mark and order by one function of the database, title and keywords."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Uuid, bindparam, select, text, update

from triage.events.facts import title_source
from triage.events.keywords import event_keywords
from triage.events.titles import TitleSource, event_title
from triage.events.words import WordCutter
from triage.store import schema
from triage.store.events import READ, members

_RECOUNT = text("SELECT events_recounted(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_HALVING_SECONDS = 259_200
_LARGE, _STEPS = 500, 250
_GROWTH = 1.25
"""A title is cut anew when the event has grown by a quarter: 2, 3, 4, 5, 7, 9, 12 … appeals."""


def warmth(at: datetime, risk_level: int) -> float:
    """Return what one appeal brings to the order of recent events, as ``events_recounted`` computes it."""
    return at.timestamp() / _HALVING_SECONDS + math.log2(1 + risk_level)


def recount(connection: Connection, ids: Collection[UUID]) -> None:
    """Write what the appeals of events say about them now; an event without appeals stays as it is.

    Args:
        connection: In a transaction that sees all appeals of the events.
        ids: The events.
    """
    connection.execute(_RECOUNT, {"ids": sorted(ids)})


def retitle(connection: Connection, ids: Collection[UUID], *, cutter: WordCutter) -> None:
    """Cut title and keywords of events out of their first twenty appeals.

    Args:
        connection: In a transaction that sees all appeals of the events.
        ids: The events.
        cutter: Cuts words.
    """
    sources: dict[UUID, list[TitleSource]] = {}
    for event, member in members(connection, ids):
        sources.setdefault(event, []).append(title_source(member))
    for event, read in sorted(sources.items()):
        values = {
            "title": event_title(read[:READ], cutter=cutter),
            "keywords": event_keywords(read[:READ], cutter=cutter),
        }
        connection.execute(update(schema.events).where(schema.events.c.id == event).values(**values, titled=len(read)))


def after_arrival(connection: Connection, event_id: UUID, size: int, *, cutter: WordCutter) -> None:
    """Tell of an event what an appeal brought that has just joined it.

    Counts read every appeal of the event. Above 500 appeals they are written at one arrival in ``size // 250`` only, so
    that a flood of letters stays cheap: people and order may then lag by a few in a thousand; size and times never do. Title
    and keywords are cut anew where the event has grown by a quarter.

    Args:
        connection: In a transaction that sees all appeals of the event and holds its row.
        event_id: The event.
        size: Its appeals now.
        cutter: Cuts words.
    """
    if size <= _LARGE or size % (size // _STEPS) == 0:
        recount(connection, [event_id])
    titled = connection.scalar(select(schema.events.c.titled).where(schema.events.c.id == event_id)) or 0
    if size >= _GROWTH * titled:
        retitle(connection, [event_id], cutter=cutter)
