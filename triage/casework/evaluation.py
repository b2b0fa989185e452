"""How a bundle does on what people recently confirmed.

The labels favour whoever was active: a dispatcher who sees a proposal confirms it more often than they would have thought
of the unit unasked. So a candidate that is as good by these figures is at least as good in truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from triage.appeal import Appeal
from triage.casework.desk import ActiveTriage, Desk
from triage.casework.privacy import TOMBSTONE
from triage.decision import AUTO
from triage.store import feedback
from triage.store.access import EVERYWHERE
from triage.store.schema import appeals

RECENT = timedelta(days=180)
MOST = 2_000
"""Appeals compared; some ten seconds for both bundles."""
ENOUGH = 30
"""Below so many confirmed decisions nothing is concluded."""
BOUND = 0.02
"""How much worse, in share of appeals, a candidate may be: about one standard error at 500 appeals."""
_CHUNK = 256
_SHOWN_UNITS = 50


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
    """A candidate beside the active bundle.

    Attributes:
        n: Confirmed appeals compared.
        candidate: The candidate's figures; None without any appeal.
        active: The active bundle's figures; None without any appeal.
        worse: In what the candidate is worse by more than `BOUND`, in Chinese; empty if in nothing.
        judged: Whether there was enough to conclude anything.
    """

    n: int
    candidate: Figures | None
    active: Figures | None
    worse: tuple[str, ...]
    judged: bool

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form, as it is kept with the bundle."""
        return asdict(self)


def compare(desk: Desk, candidate: ActiveTriage, active: ActiveTriage, *, most: int = MOST) -> Comparison:
    """Let both decide what people recently confirmed; nothing is written and no text leaves this function."""
    with desk.database.transaction(EVERYWHERE) as connection:
        truth = feedback.confirmed_since(connection, desk.clock() - RECENT, most=most)
        known = _appeals(connection, list(truth))
    pairs = [(appeal, truth[UUID(appeal.id)]) for appeal in known]
    if not pairs:
        return Comparison(n=0, candidate=None, active=None, worse=(), judged=False)
    ours, theirs = figures(candidate, pairs), figures(active, pairs)
    judged = len(pairs) >= ENOUGH
    return Comparison(
        n=len(pairs), candidate=ours, active=theirs, worse=_worse(ours, theirs) if judged else (), judged=judged
    )


def figures(active: ActiveTriage, pairs: Sequence[tuple[Appeal, str]]) -> Figures:
    """Decide appeals with one bundle and count.

    Args:
        active: The models.
        pairs: Appeals with the right unit, at least one.
    """
    count: Counter[str] = Counter()
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for at in range(0, len(pairs), _CHUNK):
        chunk = pairs[at : at + _CHUNK]
        decided = active.triage.decide_readings(active.triage.read([appeal for appeal, _ in chunk]))
        for decision, (_, unit) in zip(decided, chunk, strict=True):
            names = [candidate.name for candidate in decision.unit.candidates]
            hit = names[:1] == [unit]
            total[unit] += 1
            right[unit] += hit
            count["top1"] += hit
            count["top3"] += unit in names[:3]
            if decision.unit.decision == AUTO:
                count["auto"] += 1
                count["auto_right"] += hit
    n = len(pairs)
    return Figures(
        bundle=active.bundle,
        top1=count["top1"] / n,
        top3=count["top3"] / n,
        auto=count["auto"] / n,
        auto_precision=count["auto_right"] / count["auto"] if count["auto"] else None,
        units={unit: (seen, right[unit] / seen) for unit, seen in total.most_common(_SHOWN_UNITS)},
    )


def _worse(ours: Figures, theirs: Figures) -> tuple[str, ...]:
    found = [
        f"{name}由 {theirs_value:.1%} 降为 {ours_value:.1%}"
        for name, ours_value, theirs_value in (
            ("首选准确率", ours.top1, theirs.top1),
            ("前三命中率", ours.top3, theirs.top3),
        )
        if ours_value < theirs_value - BOUND
    ]
    mine, present = ours.auto_precision, theirs.auto_precision
    if mine is not None and present is not None and mine < present - BOUND:
        found.append(f"自动派单准确率由 {present:.1%} 降为 {mine:.1%}")
    return tuple(found)


def _appeals(connection: Connection, ids: Sequence[UUID]) -> list[Appeal]:
    """Read appeals as they were received, or masked where the raw text is gone by age; erased ones are left out."""
    columns = (appeals.c.id, appeals.c.title_raw, appeals.c.content_raw, appeals.c.title, appeals.c.content)
    more = (appeals.c.address_raw, appeals.c.created_at, appeals.c.channel)
    rows = connection.execute(
        select(*columns, *more).where(appeals.c.id.in_(ids), appeals.c.content != TOMBSTONE).order_by(appeals.c.id)
    )
    return [
        Appeal(
            id=str(row.id),
            title=row.title_raw or row.title,
            content=row.content_raw or row.content,
            created_at=row.created_at,
            address=row.address_raw,
            channel=row.channel,
        )
        for row in rows
    ]
