"""Decided rows of a file, and the events that they form."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from triage.appeal import Appeal
from triage.document import masked_text
from triage.events import WordCutter
from triage.events.facts import EventFacts, EventMember, event_facts, frequent_days
from triage.reports.content import RiskRow, Ticket
from triage.reports.gathering import (
    EVENTS_LOOKED_AT,
    EVENTS_QUOTED,
    FREQUENT_LOOKED_AT,
    MEMBERS_READ,
    RISKS_LISTED,
    TEXT_READ,
    largest,
)
from triage.reports.material import EventMaterial, QuoteSource, Request, Traced
from triage.rules.color import color

_FACTORS = 3


@dataclass(slots=True, eq=False)
class FileItem:
    """One decided row."""

    appeal: Appeal
    at: datetime
    day: date
    record: Mapping[str, Any]
    district: str
    street: str
    linked: bool
    event: str = ""

    @property
    def unit(self) -> str:
        """Return the unit proposed first; empty where there is none."""
        candidates = self.record["unit"]["candidates"]
        return str(candidates[0]["name"]) if candidates else ""

    @property
    def category(self) -> Mapping[str, Any]:
        """Return the category proposed first, as ``l1`` and ``l2``."""
        candidates: Sequence[Mapping[str, Any]] = self.record["category"]["candidates"]
        return candidates[0] if candidates else {"l1": "", "l2": ""}

    @property
    def level(self) -> int:
        """Return its risk level, 0 to 4."""
        return int(self.record["risk"]["level"])

    def traced(self) -> Traced:
        """Return what the trace shows of it."""
        types = self.record["type"]["candidates"]
        ticket = Ticket(
            id=self.appeal.id,
            number=self.appeal.id,
            received_at=self.at,
            channel=self.appeal.channel,
            district=self.district,
            street=self.street,
            unit=self.unit,
            l1=self.category["l1"],
            l2=self.category["l2"],
            type=types[0]["name"] if types else "",
            risk_level=self.level,
            event=self.event,
        )
        automatic = self.record["unit"]["decision"] == "auto" if self.unit else None
        return Traced(ticket=ticket, automatic=automatic)

    def member(self, *, read: bool) -> EventMember:
        """Return it as a member of its event; ``read`` says whether its text is needed."""
        return EventMember(
            id=self.appeal.id,
            received_at=self.at,
            title=masked_text(self.appeal.title) if read else "",
            content_masked=masked_text(self.appeal.content[:TEXT_READ]) if read else "",
            district=self.district,
            street=self.street,
            unit=self.unit,
            l1=self.category["l1"],
            l2=self.category["l2"],
            risk_level=self.level,
            appellant=self.appeal.user.strip() or None,
        )


class FileEvents:
    """Events of at least two tickets with one in the period."""

    def __init__(self, items: Sequence[FileItem], request: Request, *, words: WordCutter) -> None:
        self._request, self._words = request, words
        groups: defaultdict[str, list[FileItem]] = defaultdict(list)
        for item in items:
            if item.event:
                groups[item.event].append(item)
        period = request.period
        self._groups = {
            event: members
            for event, members in groups.items()
            if len(members) > 1 and any(period.contains(item.day) for item in members)
        }
        self._facts: dict[str, EventFacts] = {}
        self.total = len(self._groups)

    def hot(self) -> list[EventMaterial]:
        """Return those with most tickets in the period, with texts to quote from."""
        counts = {event: len(self._now(event)) for event in self._groups}
        names = largest(counts, EVENTS_LOOKED_AT)
        return [self._told(event, quoted=place < 2 * EVENTS_QUOTED) for place, event in enumerate(names)]

    def frequent(self) -> list[EventMaterial]:
        """Return those that were of high frequency."""
        marked = {
            event: len(self._now(event))
            for event, members in self._groups.items()
            if frequent_days(Counter(item.day for item in members))
        }
        return [self._told(event, quoted=False) for event in largest(marked, FREQUENT_LOOKED_AT)]

    def title(self, event: str) -> str:
        """Return what an event is called; empty for a ticket alone."""
        return self._facts_of(event).title if event in self._groups else ""

    def _now(self, event: str) -> list[FileItem]:
        return [item for item in self._groups[event] if self._request.period.contains(item.day)]

    def _told(self, event: str, *, quoted: bool) -> EventMaterial:
        now, before = self._now(event), self._request.period.before()
        sources = [
            QuoteSource(
                appeal=item.appeal.id,
                number=item.appeal.id,
                text=masked_text(item.appeal.content[:TEXT_READ]) or masked_text(item.appeal.title),
            )
            for item in (now[:MEMBERS_READ] if quoted else ())
        ]
        known = {item.appeal.user.strip() for item in now} - {""}
        return EventMaterial(
            id=event,
            state="",
            facts=self._facts_of(event),
            count=len(now),
            before=sum(before.contains(item.day) for item in self._groups[event]),
            people=len(known) + sum(not item.appeal.user.strip() for item in now),
            places=len({item.street if self._request.area else item.district for item in now} - {""}),
            quotes=tuple(sources),
        )

    def _facts_of(self, event: str) -> EventFacts:
        if event not in self._facts:
            members = self._groups[event]
            read = {id(item) for item in members[-MEMBERS_READ:]}
            told = [item.member(read=id(item) in read) for item in members]
            self._facts[event] = event_facts(told, until=self._request.period.end, cutter=self._words)
        return self._facts[event]


def risks(now: Sequence[FileItem], events: FileEvents) -> list[RiskRow]:
    """Return the red and orange tickets of the period, reddest and newest first."""
    risky = [item for item in now if item.level >= 3]
    risky.sort(key=lambda item: (item.level, item.at, item.appeal.id), reverse=True)
    return [
        RiskRow(
            appeal=item.appeal.id,
            number=item.appeal.id,
            received_at=item.at,
            level=item.level,
            color=color(item.level),
            district=item.district,
            unit=item.unit,
            category=item.category["l2"] or item.category["l1"],
            reason="、".join(factor["name"] for factor in item.record["risk"]["factors"][:_FACTORS]),
            state="",
            event=events.title(item.event),
        )
        for item in risky[:RISKS_LISTED]
    ]
