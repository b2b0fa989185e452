"""How often the first proposal was right, now and before, with bounds that say what chance may have done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaln

from triage.store.labels import JudgedProposal

CHANCE = 0.05
"""A unit counts as falling where chance alone does as much more seldom, all units together (Holm 1979)."""
LEAST_NOW, LEAST_BEFORE = 5, 10
"""Judged proposals of a unit below which nothing is said about its change."""
FALLING, WATCHED, STEADY, UNKNOWN = "falling", "watched", "steady", "unknown"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of right proposals.

    Attributes:
        n: Proposals judged.
        right: Of these, right.
        share: 0 … 1; None without any.
        low: Lower bound, 95 % (Clopper and Pearson 1934, two-sided); 0 without any.
        high: Upper bound; 1 without any.
    """

    n: int
    right: int
    share: float | None
    low: float
    high: float

    @classmethod
    def of(cls, proposals: Sequence[JudgedProposal]) -> Share:
        """Count proposals."""
        return cls.counted(len(proposals), sum(one.right for one in proposals))

    @classmethod
    def counted(cls, n: int, right: int) -> Share:
        """Return the share with its bounds."""
        low = float(betaincinv(right, n - right + 1, 0.025)) if right else 0.0
        high = float(betaincinv(right + 1, n - right, 0.975)) if n > right else 1.0
        return cls(n, right, round(right / n, 4) if n else None, round(low, 4), round(high, 4))


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitChange:
    """How often it was right to propose a unit.

    Attributes:
        unit: Its name.
        before: In the time before.
        now: In the recent time.
        verdict: ``falling``: lower beyond chance; ``watched``: lower, chance may do that in one unit out of many;
            ``steady``; ``unknown``: too few.
    """

    unit: str
    before: Share
    now: Share
    verdict: str


def unit_changes(recent: Sequence[JudgedProposal], earlier: Sequence[JudgedProposal]) -> tuple[UnitChange, ...]:
    """Compare every unit that was proposed in the recent time: falling ones first, then by number."""
    now, before = _by_unit(recent), _by_unit(earlier)
    shares = {unit: (Share.of(before.get(unit, [])), Share.of(rows)) for unit, rows in now.items()}
    tested = {unit: _by_chance(*pair) for unit, pair in shares.items() if _enough(*pair)}
    verdicts = _verdicts(tested)
    found = [
        UnitChange(unit=unit, before=pair[0], now=pair[1], verdict=verdicts.get(unit, UNKNOWN))
        for unit, pair in shares.items()
    ]
    order = (FALLING, WATCHED, STEADY, UNKNOWN)
    return tuple(sorted(found, key=lambda change: (order.index(change.verdict), -change.now.n, change.unit)))


def _by_unit(proposals: Sequence[JudgedProposal]) -> dict[str, list[JudgedProposal]]:
    found: dict[str, list[JudgedProposal]] = defaultdict(list)
    for one in proposals:
        found[one.proposed].append(one)
    return found


def _enough(before: Share, now: Share) -> bool:
    return now.n >= LEAST_NOW and before.n >= LEAST_BEFORE


def _by_chance(before: Share, now: Share) -> float:
    """Return how often so few of the recent ones are right where nothing has changed (Fisher, one-sided)."""
    total, right = before.n + now.n, before.right + now.right
    found = np.arange(max(0, now.n - (total - right)), now.right + 1)
    logs = _choices(right, found) + _choices(total - right, now.n - found) - _choices(total, np.array([now.n]))
    return float(min(1.0, np.exp(logs).sum()))


def _choices(among: int, taken: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logarithm of in how many ways so many can be taken."""
    return np.asarray(gammaln(among + 1) - gammaln(taken + 1) - gammaln(among - taken + 1))


def _verdicts(tested: dict[str, float]) -> dict[str, str]:
    """Judge from the least likely on; the first that chance explains ends the falling ones (Holm)."""
    found: dict[str, str] = {}
    holds = True
    for place, (unit, chance) in enumerate(sorted(tested.items(), key=lambda pair: pair[1])):
        holds = holds and chance * (len(tested) - place) < CHANCE
        found[unit] = FALLING if holds else WATCHED if chance < CHANCE else STEADY
    return found
