"""How the models do on what people recently decided: how often right, how sure, and whether the two agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from triage.casework.desk import Desk
from triage.casework.evaluation import learned_until
from triage.casework.learning.precision import Share
from triage.casework.rights import require
from triage.store import labels, schema
from triage.store.access import Actor
from triage.store.labels import JudgedProposal

MOST = 50_000
"""Decisions looked at, the latest ones."""
MOST_UNITS = 50
BINS = 10
"""Equal steps of stated probability."""
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Bin:
    """Proposals of about the same stated probability.

    Attributes:
        low: Least probability, 0 … 1.
        high: Highest.
        stated: Their mean probability; None without any.
        share: How many of them were right, with bounds.
    """

    low: float
    high: float
    stated: float | None
    share: Share


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitShare:
    """How often it was right to propose a unit."""

    unit: str
    share: Share


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFigures:
    """What people made of the proposals of some days; of the districts that the actor may see.

    Attributes:
        since: From then on.
        until: Until then.
        bundle: What decides now.
        learned_until: Up to when people's decisions taught it; None where it learned from none in this store.
        overall: First proposals that were right.
        received: Appeals received in the time.
        automatic: Those of them that were good for a dispatch without a person, whether or not it was switched on.
        checked: Those of them that people judged, and how many they sent to the same unit.
        bins: Right ones by stated probability.
        error: Expected calibration error over the bins, 0 … 1; None without any stated probability.
        units: By proposed unit, the most frequent first.
    """

    since: datetime
    until: datetime
    bundle: str
    learned_until: datetime | None
    overall: Share
    received: int
    automatic: int
    checked: Share
    bins: tuple[Bin, ...]
    error: float | None
    units: tuple[UnitShare, ...]

    @property
    def coverage(self) -> float | None:
        """Return the share of appeals that was good for a dispatch without a person; None without any appeal."""
        return self.automatic / self.received if self.received else None


def figures(desk: Desk, actor: Actor, *, days: int = 30) -> ModelFigures:
    """Count what people made of the proposals of the last days.

    Args:
        desk: The desk.
        actor: Officer, analyst or administrator of the whole city.
        days: 1 … `MOST_DAYS`.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "bundle.read")
    until = desk.clock()
    since = until - timedelta(days=max(1, min(days, MOST_DAYS)))
    active = desk.current()
    appeal, dispatch = schema.appeals.c, schema.dispatching.dispatches.c
    with desk.database.transaction(actor.scope) as connection:
        judged = labels.proposals(connection, since=since, most=MOST)
        received = connection.execute(select(func.count()).where(appeal.received_at >= since)).scalar_one()
        agreed = func.count().filter(dispatch.agreed)
        known = func.count().filter(dispatch.agreed.is_not(None))
        joined = schema.dispatching.dispatches.join(schema.appeals, appeal.id == dispatch.appeal_id)
        counted = select(func.count(), known, agreed).select_from(joined)
        # An appeal is dispatched when it comes or later, never before; the second bound is what finds them by an index.
        counted = counted.where(appeal.received_at >= since, dispatch.at >= since)
        row = connection.execute(counted).one()
    bins = bins_of(judged)
    return ModelFigures(
        since=since,
        until=until,
        bundle=active.bundle,
        learned_until=learned_until(active),
        overall=Share.of(judged),
        received=received,
        automatic=row[0],
        checked=Share.counted(row[1], row[2]),
        bins=bins,
        error=calibration_error(bins),
        units=_units(judged),
    )


def bins_of(judged: Sequence[JudgedProposal]) -> tuple[Bin, ...]:
    """Sort proposals whose probability is known into `BINS` equal steps; a probability of 1 belongs to the last one."""
    found: list[list[JudgedProposal]] = [[] for _ in range(BINS)]
    for one in judged:
        if one.confidence is not None:
            found[max(0, min(int(one.confidence * BINS), BINS - 1))].append(one)
    return tuple(
        Bin(
            low=place / BINS,
            high=(place + 1) / BINS,
            stated=sum(one.confidence or 0.0 for one in mine) / len(mine) if mine else None,
            share=Share.of(mine),
        )
        for place, mine in enumerate(found)
    )


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the mean distance of stated and observed, weighted by number (Naeini et al. 2015); None without any."""
    total = sum(one.share.n for one in bins)
    if not total:
        return None
    return sum(one.share.n * abs((one.stated or 0.0) - (one.share.share or 0.0)) for one in bins) / total


def _units(judged: Sequence[JudgedProposal]) -> tuple[UnitShare, ...]:
    mine: dict[str, list[JudgedProposal]] = defaultdict(list)
    for one in judged:
        mine[one.proposed].append(one)
    order = sorted(mine, key=lambda unit: (-len(mine[unit]), unit))[:MOST_UNITS]
    return tuple(UnitShare(unit=unit, share=Share.of(mine[unit])) for unit in order)
