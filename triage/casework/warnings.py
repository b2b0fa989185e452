"""Early warning: raises the level of an event, each time with a stated reason, and tells once per event, level and district.

What raises a level is said in `triage.rules.warnings`. Here the facts are read, what is new is written down for every district
that has a part in the event, and alerts go out. An event's level never falls: what was handled is closed, and a new
appeal about it begins a new event.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from triage.casework.desk import Desk
from triage.decision import Decision
from triage.rules.warnings import (
    ELSEWHERE,
    RISK,
    EventFacts,
    Ground,
    WarningRules,
    densest,
    elsewhere_words,
    risk_words,
)
from triage.store import escalations, outbox
from triage.store.access import EVERYWHERE
from triage.store.errors import StoreUnavailable
from triage.store.escalations import Escalation, EventState, Known, Part
from triage.store.ids import new_id

MOST_EVENTS = 10_000
"""Events looked at in one sweep, those with the latest appeals; older ones were looked at when their appeals came."""

_BATCH = 200
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """An appeal that was just recorded, in the same transaction.

    Attributes:
        appeal_id: The appeal.
        event_id: The event it joined or began.
        size: Appeals of the event, this one included.
        district: Whose it is.
        appellant: Keyed hash of the appellant; None when unknown.
        received_at: When it came in.
        decision: What is proposed, with its risk.
        now: The desk's time of the recording.
    """

    appeal_id: UUID
    event_id: UUID
    size: int
    district: str
    appellant: bytes | None
    received_at: datetime
    decision: Decision
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """What a sweep did, in events.

    Attributes:
        looked_at: Open events of two or more appeals that were looked at.
        raised: Those that something new was written about.
        failed: Those that could not be worked on; the next sweep tries them again.
    """

    looked_at: int = 0
    raised: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cause:
    """What brings about a look at an event.

    Attributes:
        appeal_id: The appeal; None: nothing in particular.
        district: Whose it is.
        reason: What its risk is; empty where that is not the point.
        returned: How often it was sent back.
        overdue: Whether it missed a deadline just now.
        now: When.
    """

    appeal_id: UUID | None = None
    district: str = ""
    reason: str = ""
    returned: int = 0
    overdue: bool = False
    now: datetime


def on_arrival(connection: Connection, desk: Desk, arrival: Arrival) -> None:
    """Warn of what an arriving appeal says or makes of its event.

    Args:
        connection: In the transaction that recorded the appeal, scope everywhere, holding the event's row.
        desk: Composition.
        arrival: The appeal.
    """
    rules, risk = desk.rules.warnings, arrival.decision.risk
    cause = _Cause(
        appeal_id=arrival.appeal_id,
        district=arrival.district,
        reason=risk_words(risk.level, [factor.name for factor in risk.factors]),
        now=arrival.now,
    )
    if arrival.size > 1:
        _look(connection, rules, arrival.event_id, cause)
        return
    # Alone in a new event: all that is to be known is at hand, and most appeals give no reason for a word.
    part = Part(level=risk.level, level_before=0, latest=arrival.appeal_id)
    state = EventState(parts={arrival.district: part}, risk_score=risk.score)
    if risk.level >= rules.alert_from or rules.grounds(_facts(rules, state, cause)):
        _write(connection, rules, arrival.event_id, state, cause)


def on_return(connection: Connection, desk: Desk, appeal_id: UUID) -> None:
    """Raise the level where units keep sending an appeal back; called when the return is on record.

    Args:
        connection: In the transaction of the return, of any scope that holds the appeal.
        desk: Composition.
        appeal_id: The appeal.
    """
    with escalations.everywhere(connection):
        times = escalations.returns(connection, appeal_id)
        _look_at_appeal(connection, desk, appeal_id, _Cause(returned=times, now=desk.clock()))


def on_overdue(connection: Connection, desk: Desk, appeal_id: UUID) -> None:
    """Raise the level where a deadline was missed.

    Args:
        connection: In a transaction of any scope that holds the appeal.
        desk: Composition.
        appeal_id: The appeal.
    """
    with escalations.everywhere(connection):
        _look_at_appeal(connection, desk, appeal_id, _Cause(overdue=True, now=desk.clock()))


def on_change(connection: Connection, desk: Desk, events: Iterable[UUID]) -> None:
    """Look at events that people joined or parted.

    Args:
        connection: In the transaction of the change, of any scope that holds the events.
        desk: Composition.
        events: Their ids.
    """
    with escalations.everywhere(connection):
        for event_id in sorted(events):
            _look(connection, desk.rules.warnings, event_id, _Cause(now=desk.clock()))


def sweep(desk: Desk, now: datetime, *, go_on: Callable[[], bool] = lambda: True) -> Swept:
    """Look at all events with recent appeals: high frequency, growth, the same appellant again.

    Arrivals see to that themselves; the sweep finds what thresholds that were changed, imported histories or a failure
    have left. Repeating it writes nothing twice.

    Args:
        desk: Composition.
        now: The present moment.
        go_on: Asked before each batch; False ends the sweep.

    Raises:
        StoreUnavailable: The database cannot be reached.
    """
    rules = desk.rules.warnings
    window = timedelta(days=rules.window_days)
    with desk.database.transaction(EVERYWHERE) as connection:
        waiting = escalations.active(connection, since=now - window)[-MOST_EVENTS:]
    done = Swept()
    for at in range(0, len(waiting), _BATCH):
        if not go_on():
            break
        batch = waiting[at : at + _BATCH]
        with desk.database.transaction(EVERYWHERE) as connection:
            found = escalations.states(connection, batch, window=window)
        cause = _Cause(now=now)
        new = [event for event, state in found.items() if _news(rules, event, state, cause)]
        raised = [_raised(desk, event, cause) for event in new]
        done = replace(
            done,
            looked_at=done.looked_at + len(batch),
            raised=done.raised + raised.count(True),
            failed=done.failed + raised.count(False),
        )
    if done.raised or done.failed:
        counts = {"count": done.looked_at, "raised": done.raised, "failed": done.failed}
        _LOG.info("warnings swept", extra={"action": "warning.sweep", **counts})
    return done


def _raised(desk: Desk, event_id: UUID, cause: _Cause) -> bool:
    """Raise one event in a transaction of its own; say whether that went well."""
    try:
        with desk.database.transaction(EVERYWHERE) as connection:
            _look(connection, desk.rules.warnings, event_id, cause)
    except StoreUnavailable:
        raise
    except Exception:  # one event that cannot be worked on must not silence the others
        _LOG.exception("warning failed", extra={"action": "warning.failed", "event_id": str(event_id)})
        return False
    return True


def _look_at_appeal(connection: Connection, desk: Desk, appeal_id: UUID, cause: _Cause) -> None:
    found = escalations.event_of(connection, appeal_id)
    if found is not None:
        event_id, district = found
        named = replace(cause, appeal_id=appeal_id, district=district)
        _look(connection, desk.rules.warnings, event_id, named)


def _look(connection: Connection, rules: WarningRules, event_id: UUID, cause: _Cause) -> None:
    """Read an event and write what is new; the connection sees everywhere."""
    escalations.lock(connection, event_id)
    window = timedelta(days=rules.window_days)
    arrived = cause.appeal_id if cause.reason else None
    found = escalations.states(connection, [event_id], window=window, cause=arrived)
    if event_id in found:
        _write(connection, rules, event_id, found[event_id], cause)


def _write(connection: Connection, rules: WarningRules, event_id: UUID, state: EventState, cause: _Cause) -> None:
    for rises in _news(rules, event_id, state, cause).values():
        escalations.add(connection, rises)
        reached = rises[-1].level_to
        if reached >= rules.alert_from and reached > rises[0].level_from:
            _alert(connection, rises, latest=state.parts[rises[0].district].latest)


def _alert(connection: Connection, rises: list[Escalation], *, latest: UUID) -> None:
    """Tell a district that an event has reached a level; a second time about the same level nobody is told."""
    last = rises[-1]
    about = {"event_id": last.event_id, "appeal_id": last.appeal_id or latest}
    values = {"id": new_id(last.at), **about, "district": last.district, "level": last.level_to, "at": last.at}
    reason = "；".join(rise.reason for rise in rises)
    added = escalations.add_alert(connection, {**values, "reason": reason})
    if added is not None:
        payload = {
            "alert_id": str(added),
            **{name: str(id_) for name, id_ in about.items()},
            "level": last.level_to,
            "district": last.district,
            "grounds": [rise.ground for rise in rises],
        }
        outbox.add(connection, outbox.ALERT_RAISED, key=f"{outbox.ALERT_RAISED}:{added}", payload=payload, at=last.at)


def _facts(rules: WarningRules, state: EventState, cause: _Cause) -> EventFacts:
    return EventFacts(
        risk_level=max(part.level for part in state.parts.values()),
        risk_score=state.risk_score,
        people=state.people,
        repeats=state.repeats,
        dense=densest(state.days, span=rules.frequent_days),
        returned=cause.returned,
        overdue=int(cause.overdue),
    )


def _news(rules: WarningRules, event_id: UUID, state: EventState, cause: _Cause) -> dict[str, list[Escalation]]:
    """Return what is to be written about an event: district → its rises, in order; districts without any left out."""
    facts = _facts(rules, state, cause)
    holding = rules.grounds(facts)
    ever = {key for known in state.known.values() for key in known.grounds} | {ground.key for ground in holding}
    target = rules.level(facts.risk_level, ever)
    found: dict[str, list[Escalation]] = {}
    for district in state.parts:
        ladder = _Ladder(rules, event_id, cause, district=district, state=state)
        rises = ladder.climb(facts.risk_level, holding, target)
        if rises:
            found[district] = rises
    return found


class _Ladder:
    """The level of an event in the eyes of one of its districts, rung by rung."""

    def __init__(self, rules: WarningRules, event_id: UUID, cause: _Cause, *, district: str, state: EventState) -> None:
        self._rules, self._event_id, self._cause, self._district = rules, event_id, cause, district
        self._part = state.parts[district]
        self._known = state.known.get(district) or Known(level=self._part.level_before, grounds=frozenset())
        self._level = self._known.level
        self._held: set[tuple[str, int]] = set(self._known.grounds)
        self._rises: list[Escalation] = []

    def climb(self, base: int, holding: tuple[Ground, ...], target: int) -> list[Escalation]:
        """Return the new rises.

        Args:
            base: Highest risk level of the event's appeals.
            holding: Grounds that hold now.
            target: The level that the event reaches by all that ever held.
        """
        own = self._part.level
        if own > self._level:
            self._rise(self._own_risk(own), base=own)
        # What another district's appeals say is told only where all must be warned, and then no more than the level.
        shared = base if base >= self._rules.alert_from else own
        if shared > max(own, self._level):
            self._rise(Ground(ELSEWHERE, shared, elsewhere_words(shared)), base=shared)
        for ground in holding:
            if ground.key not in self._known.grounds:
                self._rise(ground, base=shared)
        if target > self._level and target >= self._rules.alert_from:
            last = self._own_risk(target) if own == base else Ground(ELSEWHERE, target, elsewhere_words(target))
            self._rise(last, base=target)
        return self._rises

    def _own_risk(self, reached: int) -> Ground:
        mine = self._cause.district == self._district and self._cause.reason
        return Ground(RISK, reached, mine or risk_words(self._part.level))

    def _rise(self, ground: Ground, *, base: int) -> None:
        self._held.add(ground.key)
        reached = max(self._level, self._rules.level(base, self._held))
        self._rises.append(
            Escalation(
                event_id=self._event_id,
                appeal_id=self._cause.appeal_id if self._cause.district == self._district else None,
                district=self._district,
                level_from=self._level,
                level_to=reached,
                ground=ground.code,
                mark=ground.mark,
                reason=ground.reason,
                at=self._cause.now,
            )
        )
        self._level = reached
