"""Events of a period in the store. Texts are read for those that a report lists; the others are only counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from triage import trends
from triage.events.facts import EventMember, event_facts, local_day
from triage.events.words import WordCutter
from triage.reports.gathering import EVENTS_LOOKED_AT, EVENTS_QUOTED, FREQUENT_LOOKED_AT, TEXT_READ
from triage.reports.material import EventMaterial, QuoteSource, Request
from triage.store import report_events
from triage.store.report_counts import Window

TITLED_BY = 12
"""Tickets of one event whose texts its title and keywords are told from, the latest ones, where the store has none."""
QUOTED_FROM = 20
"""Tickets of one event that its quotes are chosen from, the latest of the period."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An event as counted: its tickets, and what its heat is made of."""

    id: UUID
    state: str
    rows: Sequence[Row[Any]]
    now: Sequence[Row[Any]]
    before: int
    people: int
    places: int
    heat: float


class StoredEvents:
    """Events of at least two visible tickets with one in the period.

    Args:
        connection: In a transaction of the reader's scope.
        window: The period as statements know it.
        request: The report.
        words: Cuts the keywords of events without a name.
        own_names: Whether events are named after the visible tickets alone.
        total: Tickets of the period.
    """

    def __init__(
        self,
        connection: Connection,
        window: Window,
        *,
        request: Request,
        words: WordCutter,
        own_names: bool,
        total: int,
    ) -> None:
        self._connection, self._window, self._request, self._words = connection, window, request, words
        self._own_names, self._all = own_names, total
        hot = report_events.hot(connection, window, most=EVENTS_LOOKED_AT)
        frequent = report_events.frequent(connection, window, most=FREQUENT_LOOKED_AT)
        self.total = hot[0].total if hot else 0
        states = {row.event_id: row.state for row in (*frequent, *hot)}
        members = self._read(list(states))
        told = {event: self._counted(event, state, members[event]) for event, state in states.items()}
        self._hot = sorted((told[row.event_id] for row in hot), key=lambda one: (-one.heat, -len(one.now), one.id))
        self._frequent = [told[row.event_id] for row in frequent]
        self._names = {} if own_names or not told else report_events.names(connection, list(told))

    def hot(self) -> list[EventMaterial]:
        """Return the hottest, with texts to quote from."""
        wanted = self._hot[: max(EVENTS_QUOTED, self._request.top or 0)]
        quoted = [row.id for one in wanted for row in one.now[-QUOTED_FROM:]]
        texts = self._texts([*quoted, *self._title_ids(wanted)])
        return [self._material(one, texts, quoted=True) for one in wanted]

    def frequent(self) -> list[EventMaterial]:
        """Return those of high frequency."""
        texts = self._texts(self._title_ids(self._frequent))
        return [self._material(one, texts, quoted=False) for one in self._frequent]

    def titles(self, events: Iterable[UUID]) -> dict[UUID, str]:
        """Return what events of several tickets are called."""
        members = {event: rows for event, rows in self._read(sorted(set(events))).items() if len(rows) > 1}
        counted = [self._counted(event, "", rows) for event, rows in members.items()]
        if members and not self._own_names:
            self._names = {**report_events.names(self._connection, list(members)), **self._names}
        texts = self._texts(self._title_ids(counted))
        return {one.id: self._material(one, texts, quoted=False).facts.title for one in counted}

    def _read(self, ids: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
        found: defaultdict[UUID, list[Row[Any]]] = defaultdict(list)
        for row in report_events.members(self._connection, self._window, ids) if ids else ():
            found[row.event_id].append(row)
        return found

    def _texts(self, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
        return report_events.texts(self._connection, ids, chars=TEXT_READ) if ids else {}

    def _title_ids(self, events: Iterable[_Told]) -> list[UUID]:
        """Return the tickets whose texts are needed to name events that the store has no name for."""
        return [row.id for one in events if one.id not in self._names for row in one.rows[-TITLED_BY:]]

    def _counted(self, event: UUID, state: str, rows: Sequence[Row[Any]]) -> _Told:
        period, previous = self._request.period, self._request.period.before()
        days = [local_day(row.received_at) for row in rows]
        now = [row for row, day in zip(rows, days, strict=True) if period.contains(day)]
        before = sum(previous.contains(day) for day in days)
        known = {row.appellant for row in now} - {None}
        people = len(known) + sum(row.appellant is None for row in now)
        places = len({row.street if self._request.area else row.district for row in now} - {""})
        risk = max((row.risk_level for row in rows), default=0)
        heat = trends.heat(
            count=len(now), before=before, people=people, risk_level=risk, places=places, total=self._all
        )
        return _Told(event, state, rows, now, before, people, places, heat.value)

    def _material(self, one: _Told, texts: dict[UUID, tuple[str, str]], *, quoted: bool) -> EventMaterial:
        name, keywords = self._names.get(one.id, ("", ()))
        members = [_member(row, ("", "") if name else texts.get(row.id, ("", ""))) for row in one.rows]
        facts = event_facts(members, until=self._request.period.end, cutter=self._words)
        if name:
            facts = replace(facts, title=name, keywords=keywords)
        sources = [
            QuoteSource(appeal=str(row.id), number=row.reference or str(row.id), text=content or title)
            for row in (one.now[-QUOTED_FROM:] if quoted else ())
            for title, content in (texts.get(row.id, ("", "")),)
            if (content or title) and row.anonymised_at is None
        ]
        return EventMaterial(
            id=str(one.id),
            state=one.state,
            facts=facts,
            count=len(one.now),
            before=one.before,
            people=one.people,
            places=one.places,
            quotes=tuple(sources),
        )


def _member(row: Row[Any], text: tuple[str, str]) -> EventMember:
    title, content = text
    return EventMember(
        id=str(row.id),
        received_at=row.received_at,
        title=title,
        content_masked=content,
        district=row.district,
        street=row.street,
        unit=row.unit,
        l1=row.l1,
        l2=row.l2,
        risk_level=row.risk_level,
        appellant=row.appellant.hex() if row.appellant else None,
    )
