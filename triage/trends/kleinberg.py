"""Since when a matter bursts: two states, after Kleinberg (2002), "Bursty and Hierarchical Structure in Streams", section 4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

FACTOR = 2.0
"""In a burst the matter's share of all appeals is this many times its usual one."""
GAMMA = 1.0
"""How dear it is to enter the burst, in units of ln(number of days seen)."""
_MOST_SHARE = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A burst.

    Attributes:
        first: Index of its first day.
        last: Index of its last day.
        weight: By how much the burst explains these days better than the usual share, in nats; above 0.
    """

    first: int
    last: int
    weight: float


class TwoStates:
    """Follows a matter day by day: each day costs the same little work, whatever came before.

    Args:
        usual: The matter's usual share of all appeals, above 0 and below 1.
        factor: Its share in a burst over the usual one, above 1.
        gamma: Price of entering the burst.
    """

    def __init__(self, usual: float, *, factor: float = FACTOR, gamma: float = GAMMA) -> None:
        if not 0.0 < usual < 1.0 or factor <= 1.0:
            raise ValueError("two states: the usual share lies between 0 and 1, and a burst is above it")
        self._low = usual
        self._high = min(_MOST_SHARE, max(usual * factor, usual + 1e-9))
        self._gamma = gamma
        self._costs = (0.0, float("inf"))
        self._came: list[tuple[bool, bool]] = []
        self._gains: list[float] = []

    def push(self, relevant: float, total: float) -> None:
        """Take the next day.

        Args:
            relevant: Appeals about the matter, 0 to ``total``.
            total: All appeals; a day without any changes nothing.
        """
        days = len(self._came) + 1
        low = _cost(relevant, total, self._low)
        high = _cost(relevant, total, self._high)
        climb = self._gamma * log(days + 1)
        quiet, loud = self._costs
        enter = quiet + climb
        self._came.append((loud < quiet, loud <= enter))
        self._gains.append(low - high)
        self._costs = (min(quiet, loud) + low, min(loud, enter) + high)

    def stretches(self) -> tuple[Stretch, ...]:
        """Return the bursts of the cheapest course of states, in order."""
        state = self._costs[1] < self._costs[0]
        states = []
        for came in reversed(self._came):
            states.append(state)
            state = came[state]
        return _runs(states[::-1], self._gains)


def burst_stretches(
    days: Iterable[tuple[float, float]], usual: float, *, factor: float = FACTOR
) -> tuple[Stretch, ...]:
    """Return the bursts in a series of (relevant, total) per day, against a usual share; see `TwoStates`."""
    course = TwoStates(usual, factor=factor)
    for relevant, total in days:
        course.push(relevant, total)
    return course.stretches()


def _cost(relevant: float, total: float, share: float) -> float:
    return -(relevant * log(share) + (total - relevant) * log(1.0 - share))


def _runs(states: Sequence[bool], gains: Sequence[float]) -> tuple[Stretch, ...]:
    found = []
    first = -1
    for index, state in enumerate([*states, False]):
        if state and first < 0:
            first = index
        elif not state and first >= 0:
            weight = sum(gains[first:index])
            found.append(Stretch(first=first, last=index - 1, weight=weight))
            first = -1
    return tuple(found)
