"""Whether automatic dispatch may go on: the figures, the fall back to shadow, and how people turn it off and on again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from triage.casework.desk import Desk
from triage.casework.dispatch_policy import ON, SHADOW, Policy
from triage.casework.dispatching.bounds import MARGIN, WINDOW, Judgement, Series, first_failing, judge
from triage.casework.rights import require
from triage.errors import InputError
from triage.store import audit, dispatch_switch, dispatches, outbox
from triage.store.access import EVERYWHERE, SYSTEM, Actor
from triage.store.database import Database
from triage.store.dispatch_switch import Switch
from triage.store.errors import StateConflict

TOPIC_FALLEN = "dispatch.fallen"
TOPIC_RESUMED = "dispatch.resumed"

SETTLED_AFTER = timedelta(days=4)
"""A unit returns what is not its duty within 2 working days (RULES: SD), 4 natural ones with a weekend between them."""

LEAST_REASON, MOST_REASON = 2, 500

NAMES = {
    "audited": "人工核对",
    "audited_present": "人工核对（现用模型）",
    "settled": "已过退单时限的自动派单",
    "recent": "近期自动派单",
}
"""Series → its name, in the order in which they are judged."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """What the switch needs to know; a command makes one without loading any model.

    Attributes:
        database: The store.
        policy: What the operator set.
        bundle: The models that decide; empty: those of the latest decision.
        clock: Returns now, with a time zone.
    """

    database: Database
    policy: Policy
    clock: Callable[[], datetime]
    bundle: str = ""


def panel_of(desk: Desk) -> Panel:
    """Return the panel of a desk."""
    return Panel(database=desk.database, policy=desk.dispatch, clock=desk.clock, bundle=desk.current().bundle)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How automatic dispatch stands.

    Attributes:
        switch: What is stored.
        judgements: One per series of `NAMES`.
    """

    switch: Switch
    judgements: tuple[Judgement, ...]

    @property
    def failing(self) -> Judgement | None:
        """Return the first series that does not hold."""
        return first_failing(self.judgements)


def standing(connection: Connection, panel: Panel) -> Standing:
    """Read the switch and judge the figures since it was turned on; the scope must be everywhere."""
    now, switch = panel.clock(), dispatch_switch.read(connection)
    bundle = panel.bundle or dispatches.latest_bundle(connection)
    found = dispatches.tallies(connection, since=switch.since, mature=now - SETTLED_AFTER, bundle=bundle, most=WINDOW)
    series = [Series(name=name, n=found[name].n, agreed=found[name].agreed) for name in NAMES]
    return Standing(switch=switch, judgements=tuple(judge(one, target=panel.policy.target) for one in series))


def may_dispatch(connection: Connection, panel: Panel) -> bool:
    """Say whether the next appeal may be dispatched by machine; where the figures forbid it, the switch falls now.

    It is asked before each automatic dispatch, so that no correction is overlooked, whether or not a worker runs.
    """
    if panel.policy.mode != ON:
        return False
    now = standing(connection, panel)
    if now.switch.fallen:
        return False
    if now.failing is None:
        return True
    fall(connection, panel, now, now.failing)
    return False


def fall(connection: Connection, panel: Panel, now: Standing, failing: Judgement) -> bool:
    """Fall back to shadow, tell the administrators, and return whether this process was the first to see it."""
    target, series = panel.policy.target, failing.series
    reason = (
        f"{NAMES[series.name]}{series.n}件中{series.agreed}件与人工一致，准确率下限{failing.low:.1%}，"
        f"不足以达到目标{target:.1%}（容许低{MARGIN:.0%}），已自动转为试运行"
    )
    return _turn_off(connection, panel, now, actor=SYSTEM.name, reason=reason, failing=failing)


def suspend(panel: Panel, actor: Actor, *, reason: str) -> bool:
    """Stop automatic dispatch at once, in all processes; returns False where it was stopped already.

    Raises:
        Refused: The actor may not.
        InputError: The reason is missing.
    """
    require(actor, "dispatching.change")
    why = _checked(reason)
    with panel.database.transaction(EVERYWHERE) as connection:
        return _turn_off(connection, panel, standing(connection, panel), actor=actor.name, reason=why)


def resume(panel: Panel, actor: Actor, *, reason: str) -> Switch:
    """Turn automatic dispatch on again after a fall or a stop.

    What was checked before the fall does not count any more; what people checked in shadow since then does, and must hold.

    Raises:
        Refused: The actor may not.
        InputError: The reason is missing.
        StateConflict: It did not fall, or what was checked since then forbids it.
    """
    require(actor, "dispatching.change")
    why = _checked(reason)
    with panel.database.transaction(EVERYWHERE) as connection:
        switch = dispatch_switch.read(connection)
        if not switch.fallen:
            raise StateConflict("自动派单没有停用，无需恢复")
        at, epoch = panel.clock(), switch.epoch + 1
        turned = dispatch_switch.turn(
            connection, epoch=epoch, state=dispatch_switch.ON, at=at, actor=actor.name, reason=why, since=switch.at
        )
        if not turned:
            raise StateConflict("他人刚刚恢复了自动派单")
        failing = standing(connection, panel).failing
        if failing is not None:
            raise StateConflict(
                f"停用以来{NAMES[failing.series.name]}{failing.series.n}件，一致{failing.series.agreed}件，仍不足以恢复；"
                "请先改进模型或继续试运行"
            )
        facts = {"epoch": epoch, "at": at.isoformat(), "actor": actor.name, "mode": "由人工恢复"}
        audit.append(connection, actor=actor.name, action=TOPIC_RESUMED, detail={"epoch": epoch})
        outbox.add(connection, TOPIC_RESUMED, key=f"{TOPIC_RESUMED}:{epoch}", payload=facts, at=at)
        found = dispatch_switch.read(connection)
    _LOG.warning("automatic dispatch resumed", extra={"action": TOPIC_RESUMED})
    return found


def effective_mode(policy: Policy, switch: Switch) -> str:
    """Return the mode that is in force: the operator's, but shadow after a fall."""
    return SHADOW if policy.mode == ON and switch.fallen else policy.mode


def figures_of(standing_: Standing, *, target: float) -> dict[str, Any]:
    """Return the figures as they are stored and sent: numbers only."""
    series = {
        one.series.name: {"n": one.series.n, "agreed": one.series.agreed, "low": round(one.low, 4), "holds": one.holds}
        for one in standing_.judgements
    }
    return {"target": target, "series": series}


def _turn_off(
    connection: Connection, panel: Panel, now: Standing, *, actor: str, reason: str, failing: Judgement | None = None
) -> bool:
    at, epoch = panel.clock(), now.switch.epoch
    figures = figures_of(now, target=panel.policy.target)
    turned = dispatch_switch.turn(
        connection, epoch=epoch, state=dispatch_switch.FALLEN, at=at, actor=actor, reason=reason, figures=figures
    )
    if not turned:
        return False
    facts: dict[str, Any] = {"epoch": epoch, "actor": actor, "at": at.isoformat(), "figures": figures}
    if failing is None:  # a person's words stay in the store
        facts["mode"] = "由人工停用，转为试运行"
    else:
        shares = {"precision": f"{failing.low:.1%}", "target": f"{panel.policy.target:.1%}"}
        facts |= {"mode": "未达目标，已自动转为试运行", "reason": reason, **shares}
    outbox.add(connection, TOPIC_FALLEN, key=f"{TOPIC_FALLEN}:{epoch}", payload=facts, at=at)
    audit.append(connection, actor=actor, action=TOPIC_FALLEN, detail={"epoch": epoch, **figures})
    _LOG.warning("automatic dispatch fell back to shadow", extra={"action": TOPIC_FALLEN})
    return True


def _checked(reason: str) -> str:
    text = reason.strip()
    if not LEAST_REASON <= len(text) <= MOST_REASON or "\0" in text:
        raise InputError(f"请写明理由（{LEAST_REASON} 至 {MOST_REASON} 字）")
    return text
