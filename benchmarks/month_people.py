"""The people of a simulated month: what dispatchers and units do with a day's decisions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from benchmarks.month_texts import Told
from triage.casework import review
from triage.casework.desk import Desk
from triage.casework.learning.queue import review_queue
from triage.store.access import EVERYWHERE, Actor
from triage.store.errors import Conflict

DISPATCHER = Actor(name="user:dispatcher", role="dispatcher", scope=EVERYWHERE)

OVERLOOKED = 0.10
"""Of ten wrong proposals that a person looks at, one is confirmed all the same."""
MISTAKEN = 0.01
"""Of a hundred right ones, one is changed for a wrong unit."""
_WHY = "按职责分工调整"


@dataclass(slots=True)
class Work:
    """What people did on the days so far.

    Attributes:
        looked: Decisions that a person looked at.
        changed: Of these, sent to another unit than proposed.
        erred: Of these, decided wrongly.
        returned: Automatic dispatches that the unit sent back.
    """

    looked: int = 0
    changed: int = 0
    erred: int = 0
    returned: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One appeal of the day as it was decided: its story, first proposals, and whether the machine dispatched it."""

    told: Told
    candidates: tuple[str, ...]
    automatic: bool

    @property
    def right(self) -> bool:
        """Whether the first proposal is."""
        return self.candidates[:1] == (self.told.unit,)


@dataclass(slots=True)
class People:
    """Dispatchers with a share of the decisions they can look at, and units that send back what is not theirs.

    Attributes:
        desk: The desk.
        by_value: Share of their looks that go to the head of the queue of what teaches most; the rest is taken as it comes.
        rng: Their luck.
        work: What they did.
    """

    desk: Desk
    by_value: float
    rng: random.Random
    work: Work = field(default_factory=Work)

    def evening(self, day: Mapping[UUID, Seen], *, looks: int) -> None:
        """Look at so many of a day's decisions: returns first, then the queue of learning, then any."""
        left = looks - self._returns(day, most=looks)
        waiting = [id_ for id_, seen in day.items() if not seen.automatic]
        order = [item.appeal.id for item in review_queue(self.desk, DISPATCHER, limit=200) if item.appeal.id in day]
        by_value = round(left * self.by_value)
        self.rng.shuffle(waiting)
        chosen = list(dict.fromkeys([*order[:by_value], *waiting]))[:left]
        for id_ in chosen:
            self._decide(id_, day[id_])

    def _returns(self, day: Mapping[UUID, Seen], *, most: int) -> int:
        """Let units send back what the machine sent them wrongly; whoever takes it back sends it on."""
        wrong = [(id_, seen) for id_, seen in day.items() if seen.automatic and not seen.right][:most]
        for id_, seen in wrong:
            review.send_back(self.desk, DISPATCHER, id_, reason="不属于我单位职责")
            self._give(id_, seen.told.unit)
            self.work.returned += 1
            self.work.looked += 1
            self.work.changed += 1
        return len(wrong)

    def _decide(self, id_: UUID, seen: Seen) -> None:
        chosen = self._judgement(seen)
        self.work.looked += 1
        self.work.changed += chosen != seen.candidates[0]
        self.work.erred += chosen != seen.told.unit
        if chosen == seen.candidates[0]:
            self._confirm(id_, chosen)
        else:
            self._give(id_, chosen)

    def _confirm(self, id_: UUID, unit: str) -> None:
        try:
            review.confirm(self.desk, DISPATCHER, id_)
        except Conflict:  # not on the admission list of the grass roots: by an express word only
            self._give(id_, unit)

    def _judgement(self, seen: Seen) -> str:
        others: Sequence[str] = seen.candidates[1:]
        if seen.right:
            return self.rng.choice(others) if others and self.rng.random() < MISTAKEN else seen.told.unit
        return seen.candidates[0] if self.rng.random() < OVERLOOKED else seen.told.unit

    def _give(self, id_: UUID, unit: str) -> None:
        review.reassign(self.desk, DISPATCHER, id_, unit=unit, reason=_WHY, override=True)
