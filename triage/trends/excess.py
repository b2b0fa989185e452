"""Which series hold more appeals than their own history lets one expect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from triage.trends.chance import Floats, false_discovery_rates, log_ratio, pooled_dispersion, upper_tail
from triage.trends.series import LEAST, Matter, Node, SeriesTable

LEAST_STRETCHES = 4
"""With fewer stretches of history their scatter cannot be told; it is then taken to be `UNKNOWN_DISPERSION`."""
UNKNOWN_DISPERSION = 2.0
_OWN_WEIGHT = 10.0
"""So many stretches of its own a series needs before its own scatter counts as much as that of all series."""
_FAR = 2.58
_ROUNDS = 5
_MOST_OF_IT = 0.8
_LEVELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A series that is higher than expected.

    Attributes:
        matter: What is reported.
        node: From where.
        count: In the period.
        expected: As many as history and volume let one expect.
        p: Probability of as many by chance.
        q: False discovery rate at which it is found.
        ratio: Log-likelihood ratio over the dispersion.
    """

    matter: Matter
    node: Node
    count: int
    expected: float
    p: float
    q: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What the test says of a series; see `Excess`."""

    expected: float
    p: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came out of one kind of matter.

    Attributes:
        excesses: Those found, each at the place with the highest ratio; strongest first.
        tested: Series that were looked at.
    """

    excesses: tuple[Excess, ...]
    tested: int


def find_excesses(series: SeriesTable, *, fdr: float, unlisted: int = 0) -> Found:
    """Find the series beyond chance, with the false discovery rate controlled among those of all places.

    Args:
        series: Categories or keywords.
        fdr: Share of false ones among those found that is accepted, above 0 and below 1.
        unlisted: Further matters that the history holds and the period does not; they count as looked at.
    """
    if not series.volume or not len(series.volumes) or not series.keys:
        return Found(excesses=(), tested=0)
    listed = len({matter for matter, _ in series.keys})
    tested = round(len(series.keys) * (1 + unlisted / max(1, listed)))
    history = _History(series)
    high = list(history.judged(np.flatnonzero(series.now >= LEAST)))
    rates = false_discovery_rates([one.p for one in high], tested=tested)
    found = [replace(one, q=float(q)) for one, q in zip(high, rates, strict=True) if q <= fdr]
    field = _Field(series, history, max((one.p for one in found), default=0.0))
    chosen = [best for of_one in _by_matter(found) for best in field.lowest_places(of_one)]
    chosen.sort(key=lambda one: (-one.ratio, one.matter.keyword, one.matter.l2, one.node))
    return Found(excesses=tuple(chosen), tested=tested)


def _depth(node: Node) -> int:
    return sum(map(bool, node))


class _History:
    """What all series were like before."""

    def __init__(self, series: SeriesTable) -> None:
        self._series = series
        self._depths = np.array([_depth(node) for _, node in series.keys], dtype=np.int64)
        self._scatters = np.array([self._scatter(depth) for depth in range(_LEVELS)])

    def judged(self, which: NDArray[np.int64]) -> Iterator[Excess]:
        """Yield what the test says of some series."""
        series = self._series
        counts = np.asarray(series.earlier[which].toarray(), dtype=np.float64)
        now = series.now[which].astype(np.float64)
        verdicts = self.judge(now, counts, self._depths[which])
        for index, verdict in zip(which.tolist(), verdicts, strict=True):
            matter, node = series.keys[index]
            yield Excess(
                matter=matter,
                node=node,
                count=int(series.now[index]),
                expected=verdict.expected,
                p=verdict.p,
                q=1.0,
                ratio=verdict.ratio,
            )

    def judge(self, now: Floats, counts: Floats, depths: NDArray[np.int64]) -> list[_Verdict]:
        """Hold counts against their history; a series' own appeals are no part of the volume, lest a burst hide itself.

        Args:
            now: float64[k], counts of the period.
            counts: float64[k, b], counts of each stretch of history.
            depths: int64[k], level of place: 0 city, 1 district, 2 street.
        """
        usual, scatter = self._usual(counts, self._scatters[depths])
        earlier = usual.sum(axis=1)
        here = np.maximum(1.0, self._series.volume - now)
        there = np.maximum(1.0, self._series.volumes.sum() - earlier)
        expected = earlier * here / there
        # Far from any limit the exact probability is not worth its time: below one deviation it is above 0.1.
        near = now > expected + np.sqrt(expected * scatter)
        said = []
        for index in range(len(now)):
            share, total = float(here[index] / (here[index] + there[index])), float(now[index] + earlier[index])
            spread = float(scatter[index])
            p = upper_tail(int(now[index]), total, share, dispersion=spread) if near[index] else 1.0
            ratio = log_ratio(float(now[index]), total, share) / spread
            said.append(_Verdict(expected=float(expected[index]), p=p, ratio=ratio))
        return said

    def _usual(self, counts: Floats, common: Floats) -> tuple[Floats, Floats]:
        """Return what series were like before, float64[k, b], and how they scatter, float64[k].

        A stretch far above the others was a burst itself, and would hide the next one, or the same one going on. It counts
        only as much as chance allows: up to `_FAR` deviations above the mean, by Anscombe's residuals of a Poisson count (the
        idea is Farrington's; Noufaily et al. 2013), and says nothing about how the series scatters otherwise.
        """
        shares = self._series.volumes / self._series.volumes.sum()
        usual, means, plain = counts, np.zeros_like(counts), np.ones_like(counts, dtype=np.bool_)
        for _ in range(_ROUNDS):
            means = usual.sum(axis=1, keepdims=True) * shares
            highest = (means ** (2 / 3) + _FAR / 1.5 * means ** (1 / 6) * np.sqrt(common)[:, None]) ** 1.5
            usual, plain = np.minimum(counts, highest), counts <= highest
        return usual, _own_scatter(counts, means, plain, common)

    def _scatter(self, depth: int) -> float:
        """Return the dispersion that the series of one level share."""
        if len(self._series.volumes) < LEAST_STRETCHES:
            return UNKNOWN_DISPERSION
        counts = self._series.earlier[np.flatnonzero(self._depths == depth)]
        earlier = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
        # Pearson's chi-square of counts that are mostly 0, without writing the zeros out.
        squares = counts.multiply(counts) @ (1.0 / self._series.volumes) * self._series.volumes.sum()
        known = earlier > 0
        ratios = (squares[known] / earlier[known] - earlier[known]) / (len(self._series.volumes) - 1)
        return pooled_dispersion(np.maximum(0.0, ratios))


def _own_scatter(counts: Floats, means: Floats, plain: NDArray[np.bool_], common: Floats) -> Floats:
    """Return each series' own variance over mean, drawn toward the common one where it says little.

    Pearson's statistic of a count of mean m has the variance 2 + 1 / m, so a rare series hardly counts.
    """
    if counts.shape[1] < LEAST_STRETCHES:
        return common
    safe = np.maximum(means, 1e-12)
    free = np.maximum(1.0, plain.sum(axis=1) - 1.0)
    own = np.where(plain, (counts - safe) ** 2 / safe, 0.0).sum(axis=1) / free
    weight = np.where(plain.sum(axis=1) >= LEAST_STRETCHES, free / (1.0 + 0.5 / safe.mean(axis=1)), 0.0)
    return np.asarray(np.maximum(1.0, (own * weight + common * _OWN_WEIGHT) / (weight + _OWN_WEIGHT)), dtype=np.float64)


def _by_matter(found: Sequence[Excess]) -> Iterator[list[Excess]]:
    matters: dict[Matter, list[Excess]] = defaultdict(list)
    for one in found:
        matters[one.matter].append(one)
    yield from matters.values()


class _Field:
    """Where the excesses of a matter are looked for."""

    def __init__(self, series: SeriesTable, history: _History, limit: float) -> None:
        """Keep all series, their history, and the highest probability that was found."""
        self._series, self._history, self._limit = series, history, limit
        self._at = {key: index for index, key in enumerate(series.keys)}

    def lowest_places(self, found: Sequence[Excess]) -> Iterator[Excess]:
        """Yield the places that hold the excess of one matter.

        The place with the highest likelihood ratio comes first (Kulldorff et al. 2003): a street that holds it all has a
        higher one than its district, where the street's appeals are mixed with quiet ones, and the district has the higher
        one when all its streets rise a little. From there it goes down as long as one place holds four fifths of the excess.
        What lies above a place so chosen is looked at again without it, what lies below is explained by it.
        """
        left = sorted(found, key=lambda one: (-one.ratio, -_depth(one.node), one.node))
        taken: list[Excess] = []
        while left:
            best = _holder(left[0], left)
            left.remove(best)
            if any(_within(best.node, one.node) for one in taken):
                continue
            parts = [one for one in taken if _within(one.node, best.node)]
            if parts and not self._high_without(best, parts):
                continue
            taken.append(best)
            yield best

    def _high_without(self, whole: Excess, parts: Sequence[Excess]) -> bool:
        """Return whether a place is beyond chance without the parts that are reported already."""
        outer = [one for one in parts if not any(one is not other and _within(one.node, other.node) for other in parts)]
        inside = [self._at[part.matter, part.node] for part in outer]
        all_of_it = self._at[whole.matter, whole.node]
        now = self._series.now[all_of_it] - self._series.now[inside].sum()
        if now < LEAST:
            return False
        counts = self._series.earlier[all_of_it].toarray() - self._series.earlier[inside].sum(axis=0)
        depths = np.array([_depth(whole.node)])
        (said,) = self._history.judge(np.array([float(now)]), np.asarray(counts, dtype=np.float64), depths)
        return said.p <= self._limit


def _holder(place: Excess, found: Sequence[Excess]) -> Excess:
    """Return the lowest of the places found that holds four fifths of a place's excess, perhaps that place itself."""
    wanted = _MOST_OF_IT * (place.count - place.expected)
    inside = [one for one in found if _within(one.node, place.node) and one.count - one.expected >= wanted]
    return max(inside, key=lambda one: (_depth(one.node), one.count - one.expected, one.node), default=place)


def _within(inner: Node, outer: Node) -> bool:
    return outer in (("", ""), inner, (inner[0], ""))
