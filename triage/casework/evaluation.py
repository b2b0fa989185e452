"""Champion against challenger: how two bundles do on what people recently confirmed.

The labels favour whoever was active: a dispatcher who sees a proposal confirms it more often than they would have thought
of the unit unasked. So a challenger that is as good by these figures is at least as good in truth. A bundle that learned
from an appeal would look wiser on it than it is: only decisions that neither of the two has learned from count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from scipy.special import betainc, betaincinv, ndtri

from triage.appeal import Appeal
from triage.casework.desk import ActiveTriage, Desk
from triage.casework.learning.texts import appeals_of
from triage.decision import AUTO
from triage.service import Triage
from triage.store import labels
from triage.store.access import EVERYWHERE

RECENT = timedelta(days=180)
MOST = 2_000
"""Appeals compared; some ten seconds for both bundles."""
ENOUGH = 30
"""Below so many confirmed decisions nothing is concluded."""
BOUND = 0.02
"""How much worse, in share of appeals, a candidate may be: about one standard error at 500 appeals."""
DOUBT = 0.2
"""A loss beyond `BOUND` counts where chance alone does as much more seldom than this: of few appeals, one or two are nothing."""
CHANCE = 0.05
"""A unit counts as served worse where chance alone does so more seldom, all units taken together (Bonferroni)."""
_CHUNK = 256
_SHOWN_UNITS = 50
_FIRST, _THIRD = 0, 1

Case = tuple[Appeal, str]
"""An appeal and the unit that a person confirmed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How one bundle did.

    Attributes:
        bundle: Its name, as decisions quote it.
        top1: Share of appeals whose first proposal is the confirmed unit, 0 … 1.
        top3: Share with it among the first three.
        auto: Share that would have been dispatched without a person.
        auto_precision: Share of those that were right; None without any.
        units: Unit → (appeals, share with the right first proposal), the 50 most frequent.
    """

    bundle: str
    top1: float
    top3: float
    auto: float
    auto_precision: float | None
    units: Mapping[str, tuple[int, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A candidate (challenger) beside the active bundle (champion).

    Attributes:
        n: Confirmed appeals compared, from which neither has learned.
        candidate: The candidate's figures; None without any appeal.
        active: The active bundle's figures; None without any appeal.
        gained: Appeals whose first proposal only the candidate got right.
        lost: Appeals whose first proposal only the active bundle got right.
        difference: Bounds of the change of the first proposal's share of right ones, 95 %, by those two counts.
        worse: In what the candidate is worse by more than `BOUND`, and units that it serves worse, in Chinese; empty if
            in nothing.
        judged: Whether there was enough to conclude anything.
        rehearsed: Whether a rehearsal was compared: a bundle trained the same way without the appeals compared.
    """

    n: int
    candidate: Figures | None
    active: Figures | None
    worse: tuple[str, ...]
    judged: bool
    gained: int = 0
    lost: int = 0
    difference: tuple[float, float] | None = None
    rehearsed: bool = False

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form, as it is kept with the bundle."""
        return asdict(self)


def compare(desk: Desk, candidate: ActiveTriage, active: ActiveTriage, *, most: int = MOST) -> Comparison:
    """Let both decide what people recently confirmed; nothing is written and no text leaves this function."""
    learned = max((until for one in (candidate, active) if (until := learned_until(one))), default=None)
    with desk.database.transaction(EVERYWHERE) as connection:
        found = labels.units(connection, since=desk.clock() - RECENT, unseen=learned, most=most)
        truth = {label.appeal_id: label.unit for label in found if label.unit}
        known = appeals_of(connection, list(truth))
    return compare_on(candidate, active, [(appeal, truth[id_]) for id_, appeal in sorted(known.items())])


def compare_on(candidate: ActiveTriage, active: ActiveTriage, cases: Sequence[Case]) -> Comparison:
    """Let both decide the same appeals; see `compare`."""
    if not cases:
        return Comparison(n=0, candidate=None, active=None, worse=(), judged=False)
    ours, our_hits = _decided(candidate, cases)
    theirs, their_hits = _decided(active, cases)
    first, third = (_Changed.of(our_hits[place], their_hits[place]) for place in (_FIRST, _THIRD))
    gained, lost = first.gained, first.lost
    judged = len(cases) >= ENOUGH
    units = _units_worse(cases, our_hits[_FIRST], their_hits[_FIRST])
    worse = (*_worse(ours, theirs, len(cases), first, third), *units) if judged else ()
    return Comparison(
        n=len(cases),
        candidate=ours,
        active=theirs,
        worse=worse,
        judged=judged,
        gained=gained,
        lost=lost,
        difference=_bounds(gained, lost, len(cases)),
    )


def rehearsal_of(metrics: Mapping[str, Any], *, against: str) -> Comparison | None:
    """Return the rehearsal that a bundle brings along, where it was held against the bundle named.

    A bundle that was trained on everything people have decided so far has nothing left to be compared on. The training
    therefore rehearses: the same training without the latest decisions, compared on them (`training.from_store`).

    Args:
        metrics: Of the bundle's manifest; written by whoever made it.
        against: Name of the bundle that is active now; a rehearsal against another one says nothing.
    """
    record = metrics.get("rehearsal")
    if not isinstance(record, Mapping):
        return None
    try:
        candidate, active = (_figures_from(record[side]) for side in ("candidate", "active"))
        n, gained, lost = (int(record[name]) for name in ("n", "gained", "lost"))
        said = tuple(str(problem) for problem in record["worse"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if active.bundle != against or n < ENOUGH:
        return None
    worse = tuple(dict.fromkeys((*_worse(candidate, active, n, _Changed(gained, lost)), *said)))
    bounds = _bounds(gained, lost, n)
    return Comparison(
        n=n,
        candidate=candidate,
        active=active,
        worse=worse,
        judged=True,
        gained=gained,
        lost=lost,
        difference=bounds,
        rehearsed=True,
    )


def _figures_from(record: Mapping[str, Any]) -> Figures:
    precision = record["auto_precision"]
    return Figures(
        bundle=str(record["bundle"]),
        top1=float(record["top1"]),
        top3=float(record["top3"]),
        auto=float(record["auto"]),
        auto_precision=None if precision is None else float(precision),
        units={str(unit): (int(seen), float(share)) for unit, (seen, share) in record["units"].items()},
    )


def learned_until(active: ActiveTriage) -> datetime | None:
    """Return up to when people's decisions in the store taught a bundle; None where it learned from none of them."""
    triage = active.triage
    return triage.local.learned_until if isinstance(triage, Triage) and triage.local is not None else None


def figures(active: ActiveTriage, cases: Sequence[Case]) -> Figures:
    """Decide appeals with one bundle and count.

    Args:
        active: The models.
        cases: Appeals with the right unit, at least one.
    """
    return _decided(active, cases)[0]


def _decided(active: ActiveTriage, cases: Sequence[Case]) -> tuple[Figures, tuple[list[bool], list[bool]]]:
    """Return the figures, and for each appeal whether the unit is the first proposal, and whether it is of the first three."""
    count: Counter[str] = Counter()
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    hits, among = list[bool](), list[bool]()
    for at in range(0, len(cases), _CHUNK):
        chunk = cases[at : at + _CHUNK]
        decided = active.triage.decide_readings(active.triage.read([appeal for appeal, _ in chunk]))
        for decision, (_, unit) in zip(decided, chunk, strict=True):
            names = [candidate.name for candidate in decision.unit.candidates]
            hits.append(names[:1] == [unit])
            total[unit] += 1
            right[unit] += hits[-1]
            among.append(unit in names[:3])
            if decision.unit.decision == AUTO:
                count["auto"] += 1
                count["auto_right"] += hits[-1]
    n = len(cases)
    found = Figures(
        bundle=active.bundle,
        top1=sum(hits) / n,
        top3=sum(among) / n,
        auto=count["auto"] / n,
        auto_precision=count["auto_right"] / count["auto"] if count["auto"] else None,
        units={unit: (seen, right[unit] / seen) for unit, seen in total.most_common(_SHOWN_UNITS)},
    )
    return found, (hits, among)


class _Changed(NamedTuple):
    """Appeals that only the candidate, and that only the active bundle has right."""

    gained: int
    lost: int

    @classmethod
    def of(cls, ours: Sequence[bool], theirs: Sequence[bool]) -> _Changed:
        outcomes = Counter(zip(ours, theirs, strict=True))
        return cls(outcomes[True, False], outcomes[False, True])

    @property
    def by_chance(self) -> float:
        return _by_chance(self.lost, self.lost + self.gained)


def _worse(ours: Figures, theirs: Figures, n: int, first: _Changed, third: _Changed | None = None) -> tuple[str, ...]:
    """Name the averages that are lower by more than `BOUND`, and hardly by chance."""
    compared = [("首选准确率", ours.top1, theirs.top1, first)]
    if third is not None:
        compared.append(("前三命中率", ours.top3, theirs.top3, third))
    found = [
        f"{name}由 {theirs_value:.1%} 降为 {ours_value:.1%}"
        for name, ours_value, theirs_value, changed in compared
        if ours_value < theirs_value - BOUND and changed.by_chance < DOUBT
    ]
    mine, present = ours.auto_precision, theirs.auto_precision
    if mine is not None and present is not None and _at_most(mine, round(ours.auto * n)) < present - BOUND:
        found.append(f"自动派单准确率由 {present:.1%} 降为 {mine:.1%}")
    return tuple(found)


def _at_most(share: float, n: int) -> float:
    """Return the upper bound of a share that `DOUBT` allows (Clopper and Pearson, one-sided)."""
    right = round(share * n)
    return float(betaincinv(right + 1, n - right, 1.0 - DOUBT)) if n > right else 1.0


def _units_worse(cases: Sequence[Case], ours: Sequence[bool], theirs: Sequence[bool]) -> tuple[str, ...]:
    """Name units that lose: a better average must not be paid for by one unit's appeals."""
    total: Counter[str] = Counter(unit for _, unit in cases)
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for (_, unit), our, their in zip(cases, ours, theirs, strict=True):
        gained[unit] += our and not their
        lost[unit] += their and not our
    return tuple(
        f"{unit}的 {seen} 件中首选正确的减少 {lost[unit] - gained[unit]} 件"
        for unit, seen in total.most_common()
        if lost[unit] > gained[unit] and _by_chance(lost[unit], lost[unit] + gained[unit]) * len(total) < CHANCE
    )


def _by_chance(lost: int, changed: int) -> float:
    """Return how often at least so many of the changed ones are lost where losing is as likely as gaining (McNemar)."""
    return float(betainc(lost, changed - lost + 1, 0.5)) if lost else 1.0


def _bounds(gained: int, lost: int, n: int) -> tuple[float, float]:
    """Return the 95 % bounds of the change, with half a count added to both sides so that none is certain (Agresti, Min)."""
    more, less, total = gained + 0.5, lost + 0.5, n + 2
    change = (more - less) / total
    spread = float(ndtri(0.975)) * ((more + less) / total - change**2) ** 0.5 / total**0.5
    return max(-1.0, change - spread), min(1.0, change + spread)
