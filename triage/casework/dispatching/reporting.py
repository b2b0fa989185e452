"""How automatic dispatch stands, for people and for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from triage.casework.dispatch_policy import ON, Policy
from triage.casework.dispatching.bounds import MARGIN, Judgement
from triage.casework.dispatching.switching import Panel, effective_mode, standing
from triage.casework.rights import require
from triage.store import dispatches
from triage.store.access import EVERYWHERE, Actor
from triage.store.dispatch_switch import Switch

COUNTED = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How automatic dispatch stands; figures of the whole city, nothing of a single appeal.

    Attributes:
        policy: What the operator set.
        mode: What is in force: `shadow` after a fall, whatever was set.
        switch: How the switch stands.
        floor: Least lower bound, 0 … 1.
        judgements: The series of checked decisions.
        counts: Outcome → appeals of the last `COUNTED`.
        held: Dispatches whose unit is not told yet.
        late: Those of them whose unit should have been told; more than a few say that no worker runs.
    """

    policy: Policy
    mode: str
    switch: Switch
    floor: float
    judgements: tuple[Judgement, ...]
    counts: Mapping[str, int]
    held: int
    late: int


def gauges(connection: Connection, panel: Panel) -> dict[str, float]:
    """Return the numbers for monitoring, by name; the scope must be everywhere."""
    present = standing(connection, panel)
    held, late = dispatches.held(connection, now=panel.clock())
    found: dict[str, float] = {
        "dispatching_on": effective_mode(panel.policy, present.switch) == ON,
        "dispatching_fallen": present.switch.fallen,
        "dispatching_held": held,
        "dispatching_late": late,
    }
    for one in present.judgements:
        found[f"dispatching_{one.series.name}_checked"] = one.series.n
        found[f"dispatching_{one.series.name}_bound"] = one.low
    return found


def status(panel: Panel, actor: Actor) -> Status:
    """Return how automatic dispatch stands.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "dispatching.read")
    now = panel.clock()
    with panel.database.transaction(EVERYWHERE) as connection:
        present = standing(connection, panel)
        counts = dispatches.counts(connection, since=now - COUNTED)
        held, late = dispatches.held(connection, now=now)
    return Status(
        policy=panel.policy,
        mode=effective_mode(panel.policy, present.switch),
        switch=present.switch,
        floor=panel.policy.target - MARGIN,
        judgements=present.judgements,
        counts=counts,
        held=held,
        late=late,
    )
