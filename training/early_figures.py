"""How early the warnings would have been: thresholds applied to recorded arrivals, and what came of it.

Not every message is annotated. An event in which some are, and none as 3 or 4, was warned of wrongly; one without any
annotation is counted apart, as nobody has judged it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from training.early_replay import Arrived
from training.event_metrics import GoldEvent
from triage.rules.durations import CHINA
from triage.rules.warnings import EventFacts, WarningRules, densest

SERIOUS = 3
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """The first alert about an event.

    Attributes:
        event: Number of the event.
        at: When.
        message: The message whose arrival brought it about.
        grounds: Codes of what raised the level; empty where it was the risk of the message itself.
    """

    event: int
    at: datetime
    message: str
    grounds: tuple[str, ...]


@dataclass(slots=True)
class _Running:
    """An event as it grows."""

    level: int = 0
    score: float = 0.0
    times: list[datetime] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    came: Counter[int] = field(default_factory=Counter)

    def add(self, one: Arrived) -> None:
        self.level, self.score = max(self.level, one.level), max(self.score, one.score)
        self.times.append(one.at)
        self.people.append(one.person)
        self.came[one.person] += 1

    def facts(self, *, window_days: int, frequent_days: int) -> EventFacts:
        since = self.times[-1] - timedelta(days=window_days)
        inside = [at for at, when in enumerate(self.times) if when >= since]
        days: Counter[date] = Counter(self.times[at].astimezone(CHINA).date() for at in inside)
        return EventFacts(
            risk_level=self.level,
            risk_score=self.score,
            people=len({self.people[at] for at in inside}),
            repeats=max(self.came.values()),
            dense=densest(days, span=frequent_days),
        )


class Run:
    """The stream as it came, with what was known about each event at each arrival.

    Attributes:
        arrivals: In the order of time.
        members: Event → its messages, in the order of time.
    """

    def __init__(self, arrivals: Sequence[Arrived]) -> None:
        """Store the arrivals, in the order of time."""
        self.arrivals = arrivals
        self.members: dict[int, list[str]] = defaultdict(list)
        for one in arrivals:
            self.members[one.event].append(one.id)
        self._by_id = {one.id: one for one in arrivals}
        self._facts: dict[tuple[int, int], list[EventFacts]] = {}

    def of(self, message: str) -> Arrived:
        """Return the arrival of a message."""
        return self._by_id[message]

    def facts(self, rules: WarningRules) -> list[EventFacts]:
        """Return the facts at each arrival; computed once for all rules with the same windows."""
        windows = (rules.window_days, rules.frequent_days)
        if windows not in self._facts:
            events: dict[int, _Running] = defaultdict(_Running)
            found = self._facts[windows] = []
            for one in self.arrivals:
                events[one.event].add(one)
                found.append(events[one.event].facts(window_days=windows[0], frequent_days=windows[1]))
        return self._facts[windows]

    def warnings(self, rules: WarningRules) -> dict[int, Warned]:
        """Return event → its first alert, as the service would have raised it.

        Returns and deadlines do not occur in a message board.
        """
        ever: dict[int, set[tuple[str, int]]] = defaultdict(set)
        found: dict[int, Warned] = {}
        for one, facts in zip(self.arrivals, self.facts(rules), strict=True):
            if one.event in found:
                continue
            holding, known = rules.grounds(facts), ever[one.event]
            new = tuple(ground.code for ground in holding if ground.key not in known)
            known |= {ground.key for ground in holding}
            if rules.level(facts.risk_level, known) >= rules.alert_from:
                codes = () if facts.risk_level >= rules.alert_from else new
                found[one.event] = Warned(event=one.event, at=one.at, message=one.id, grounds=codes)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """An event that holds a serious message, as judged.

    Attributes:
        name: Its annotated or linked event.
        fold: Fold of its messages.
        serious: Its first message of risk ≥ 3.
        serious_at: When that arrived.
        earlier: Its messages before that.
    """

    name: str
    fold: int
    serious: str
    serious_at: datetime
    earlier: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stream:
    """Everything that warnings are judged by.

    Attributes:
        run: The arrivals.
        folds: Message → fold; what belongs together is in one.
        risks: Annotated message → risk.
        gold: Message → annotated event.
    """

    run: Run
    folds: Mapping[str, int]
    risks: Mapping[str, int]
    gold: Mapping[str, str]

    @classmethod
    def of(
        cls,
        arrivals: Sequence[Arrived],
        folds: Mapping[str, int],
        risks: Mapping[str, int],
        events: Sequence[GoldEvent],
    ) -> Stream:
        """Put the parts together; messages that annotators could not place stay with the linker."""
        gold = {event.id: event.event for event in events if not event.ambiguous}
        return cls(Run(arrivals), folds, risks, gold)

    @property
    def weeks(self) -> float:
        """Length of the stream, without the few messages long before the rest."""
        times = sorted(one.at for one in self.run.arrivals)
        return (times[-1] - times[len(times) // 100]) / _WEEK

    def matters(self, *, annotated: bool) -> list[Matter]:
        """Return the events that hold a serious message, each once.

        Args:
            annotated: Take what annotators joined within their batches; else what the linker joined in the whole stream.
        """
        members: dict[str, list[Arrived]] = defaultdict(list)
        for one in self.run.arrivals:
            members[self.gold.get(one.id, "") if annotated else f"linked {one.event}"].append(one)
        members.pop("", None)
        found = (self._matter(name, mine) for name, mine in members.items())
        return [matter for matter in found if matter is not None]

    def _matter(self, name: str, members: Sequence[Arrived]) -> Matter | None:
        serious = [one for one in members if self.risks.get(one.id, 0) >= SERIOUS]
        if not serious:
            return None
        first = serious[0]
        return Matter(
            name=name,
            fold=self.folds[members[0].id],
            serious=first.id,
            serious_at=first.at,
            earlier=frozenset(one.id for one in members if one.at < first.at),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyFigures:
    """How early, and at what cost.

    Attributes:
        matters: Events with a serious message.
        with_earlier: Of these, those with a message before it: only they can be warned of.
        warned: Of these, those that were, before the serious message arrived.
        told: Of all matters, those whose serious message was warned of at the latest when it arrived.
        leads: Days between warning and serious message, of those warned of.
        right: Warned events that hold a serious message.
        wrong: Warned events with annotated messages, none of them serious.
        unjudged: Warned events without any annotated message.
        weeks: Length of the stream.
    """

    matters: int
    with_earlier: int
    warned: int
    told: int
    leads: tuple[float, ...]
    right: int
    wrong: int
    unjudged: int
    weeks: float

    @property
    def share(self) -> float:
        """Of the events that can be warned of, those that were."""
        return self.warned / max(self.with_earlier, 1)

    @property
    def median_lead(self) -> float:
        """Days; 0 without any."""
        return median(self.leads) if self.leads else 0.0

    @property
    def wrong_per_week(self) -> float:
        """Warnings known to be wrong, per week."""
        return self.wrong / self.weeks

    @property
    def estimated_wrong_per_week(self) -> float:
        """The same, with those not judged wrong as often as those judged."""
        judged = self.wrong + self.right
        return (self.wrong + self.unjudged * (self.wrong / judged if judged else 1.0)) / self.weeks

    @property
    def most_wrong_per_week(self) -> float:
        """The same, as if every warning that nobody judged were wrong."""
        return (self.wrong + self.unjudged) / self.weeks


def judge(
    stream: Stream, rules: WarningRules, matters: Sequence[Matter], *, folds: Collection[int] | None = None
) -> EarlyFigures:
    """Apply thresholds to a stream.

    Args:
        stream: The stream.
        rules: Thresholds.
        matters: What is to be warned of, of `Stream.matters`.
        folds: Folds to judge; None: all.
    """
    mine = [matter for matter in matters if folds is None or matter.fold in folds]
    warned = stream.run.warnings(rules)
    leads, told = [], 0
    for matter in mine:
        about = _about(stream.run, warned, matter)
        leads += [(matter.serious_at - about) / _DAY] if about is not None and about < matter.serious_at else []
        told += about is not None and about <= matter.serious_at
    verdicts = Counter(_verdicts(stream, warned, folds))
    return EarlyFigures(
        matters=len(mine),
        with_earlier=sum(bool(matter.earlier) for matter in mine),
        warned=len(leads),
        told=told,
        leads=tuple(sorted(leads)),
        right=verdicts["right"],
        wrong=verdicts["wrong"],
        unjudged=verdicts["unjudged"],
        weeks=stream.weeks,
    )


def _about(run: Run, warned: Mapping[int, Warned], matter: Matter) -> datetime | None:
    """Return when an event was first warned of that held a message of the matter by then, its serious one included."""
    mine = (run.of(id_) for id_ in matter.earlier | {matter.serious})
    times = [max(warned[one.event].at, one.at) for one in mine if one.event in warned]
    return min(times, default=None)


def _verdicts(stream: Stream, warned: Mapping[int, Warned], folds: Collection[int] | None) -> list[str]:
    """Say of each warned event whether the warning was right; an event is of the fold of its first message."""
    serious = {stream.gold[id_] for id_, risk in stream.risks.items() if risk >= SERIOUS and id_ in stream.gold}
    found = []
    for event in warned:
        mine = stream.run.members[event]
        if folds is not None and stream.folds[mine[0]] not in folds:
            continue
        judged = [stream.risks[id_] for id_ in mine if id_ in stream.risks]
        if any(risk >= SERIOUS for risk in judged) or any(stream.gold.get(id_) in serious for id_ in mine):
            found.append("right")
        else:
            found.append("wrong" if judged else "unjudged")
    return found
