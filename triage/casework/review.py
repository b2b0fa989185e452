"""What people decide about a proposal: confirm it, send it elsewhere, take it back; and what units do with it.

Each step is one transaction with its feedback (the label of the next training), history and message. A unit that
returned an appeal is not proposed for it again.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, insert, select

from triage.casework.cases import Case, CaseView, locked_case, move
from triage.casework.desk import Desk
from triage.casework.intake import storable
from triage.casework.rights import require
from triage.casework.traces import Step, leave, note, send
from triage.decision import REVIEW
from triage.errors import InputError
from triage.rules.deadlines import CHINA
from triage.service import Triage
from triage.store import units
from triage.store.access import Actor
from triage.store.errors import StateConflict
from triage.store.feedback import Feedback
from triage.store.schema import decisions, feedback

LEAST_REASON, MOST_REASON = 2, 500
_JUDGED = ("confirm", "reassign")


def confirm(desk: Desk, actor: Actor, appeal_id: UUID, *, unit: str | None = None, seen: int | None = None) -> CaseView:
    """Dispatch an appeal to the proposed unit, or to another one of the person's choice.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        unit: Name or alias; None: the first proposal.
        seen: Version of the proposal that the person looked at; a newer one is a conflict.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The case is not open, was confirmed before, the proposal changed, or the unit returned it.
        InputError: The unit is not in the directory, or there is no proposal to confirm.
    """
    require(actor, "appeal.review")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id, seen=seen)
        state = case.after("confirm")
        if case.unit and (_judged(connection, case) or (unit and _known(desk, connection, case, unit) != case.unit)):
            raise StateConflict(f"该诉求已派往{case.unit}，如需更换请改派")
        chosen = _known(desk, connection, case, unit) if unit else case.unit or _first(case)
        if chosen in case.returned:
            raise StateConflict(f"{chosen}已退回该诉求；确需再派请改派，写明理由并选择“仍派该单位”")
        return _dispatch(desk, connection, actor, case, kind="confirm", state=state, unit=chosen, reason="")


def reassign(
    desk: Desk,
    actor: Actor,
    appeal_id: UUID,
    *,
    unit: str,
    reason: str,
    override: bool = False,
    seen: int | None = None,
) -> CaseView:
    """Dispatch an appeal to another unit than the proposed or the responsible one.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        unit: Name or alias.
        reason: Why, 2 … 500 characters.
        override: Send it even to a unit that returned it.
        seen: Version of the proposal that the person looked at; a newer one is a conflict.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The case is closed, has that unit already, the proposal changed, or the unit returned it.
        InputError: The unit is not in the directory, or the reason is missing.
    """
    require(actor, "appeal.review")
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id, seen=seen)
        state = case.after("reassign")
        chosen = _known(desk, connection, case, unit)
        if chosen == case.unit:
            raise StateConflict(f"该诉求已在{chosen}，无需改派")
        if chosen in case.returned and not override:
            raise StateConflict(f"{chosen}已退回该诉求；确需再派请写明理由并选择“仍派该单位”")
        return _dispatch(desk, connection, actor, case, kind="reassign", state=state, unit=chosen, reason=why)


def send_back(
    desk: Desk,
    actor: Actor,
    appeal_id: UUID,
    *,
    reason: str,
    proposed_unit: str | None = None,
    seen: int | None = None,
) -> CaseView:
    """Return an appeal as not the unit's duty (退单); a new proposal without that unit takes the old one's place.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        reason: The unit's reason, 2 … 500 characters.
        proposed_unit: Whose duty it is according to the unit; comes first in the new proposal.
        seen: Version of the proposal that the person looked at; a newer one is a conflict.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The appeal is at no unit, or the proposal changed.
        InputError: The proposed unit is not in the directory or is the returning one, or the reason is missing.
    """
    require(actor, "appeal.review")
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id, seen=seen)
        state = case.after("return")
        proposed = _known(desk, connection, case, proposed_unit) if proposed_unit else ""
        if proposed and proposed in (*case.returned, case.unit):
            raise InputError(f"{proposed}已退回该诉求，不能作为建议单位")
        renewed = _without(case, first=proposed)
        _record_proposal(desk, connection, actor, renewed)
        view = move(connection, renewed, state, unit="", version=renewed.version)
        facts = {"appeal_id": str(case.id), "unit_from": case.unit, "unit": "", "decision_version": renewed.version}
        label = Feedback(
            appeal_id=case.id,
            decision_version=case.version,
            kind="return",
            actor=actor.name,
            at=desk.clock(),
            unit_from=case.unit,
            reason=why,
        )
        leave(connection, Step(topic="appeal.returned", actor=actor.name, at=label.at, facts=facts), [label])
        return view


def accept(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Note that the unit has taken the appeal on (签收).

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The appeal is at no unit.
    """
    return _advance(desk, actor, appeal_id, step="accept", topic="appeal.accepted")


def close(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Note that the unit has answered and nothing is left to do (办结).

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The appeal is at no unit.
    """
    return _advance(desk, actor, appeal_id, step="close", topic="appeal.closed")


def checked_reason(reason: str) -> str:
    """Return a reason without outer blanks.

    Raises:
        InputError: It is missing, too long, or holds what cannot be stored (NUL, half a surrogate pair).
    """
    text = reason.strip()
    if not LEAST_REASON <= len(text) <= MOST_REASON or storable(text) != text:
        raise InputError(f"请写明理由（{LEAST_REASON} 至 {MOST_REASON} 字）")
    return text


def optional_reason(reason: str) -> str:
    """Return a reason without outer blanks, or nothing where none was given; see `checked_reason`."""
    return checked_reason(reason) if reason.strip() else ""


def _advance(desk: Desk, actor: Actor, appeal_id: UUID, *, step: str, topic: str) -> CaseView:
    require(actor, "appeal.review")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        view = move(connection, case, case.after(step), unit=case.unit)
        trace = Step(
            topic=topic, actor=actor.name, at=desk.clock(), facts={"appeal_id": str(case.id), "unit": case.unit}
        )
        note(connection, trace, [case.id])
        send(connection, trace, key=f"{topic}:{case.id}:{trace.at.isoformat()}")
        return view


def _dispatch(
    desk: Desk,
    connection: Connection,
    actor: Actor,
    case: Case,
    *,
    kind: str,
    state: tuple[str, str],
    unit: str,
    reason: str,
) -> CaseView:
    view = move(connection, case, state, unit=unit)
    candidates = case.candidates()
    former = case.unit or (candidates[0]["name"] if candidates else "")
    label = Feedback(
        appeal_id=case.id,
        decision_version=case.version,
        kind=kind,
        actor=actor.name,
        at=desk.clock(),
        unit_from=former,
        unit_to=unit,
        reason=reason,
    )
    facts = {"appeal_id": str(case.id), "unit_from": former, "unit": unit, "decision_version": case.version}
    topic = "appeal.confirmed" if kind == "confirm" else "appeal.reassigned"
    leave(connection, Step(topic=topic, actor=actor.name, at=label.at, facts=facts), [label])
    return view


def _judged(connection: Connection, case: Case) -> bool:
    """Say whether a person has confirmed or chosen the unit that has the appeal now."""
    statement = select(
        exists().where(
            feedback.c.appeal_id == case.id,
            feedback.c.decision_version == case.version,
            feedback.c.kind.in_(_JUDGED),
        )
    )
    return bool(connection.execute(statement).scalar())


def _first(case: Case) -> str:
    candidates = case.candidates()
    if not candidates:
        raise InputError("该诉求没有可确认的建议单位，请指定承办单位")
    return str(candidates[0]["name"])


def _known(desk: Desk, connection: Connection, case: Case, name: str) -> str:
    """Return the full name of a unit that exists today.

    Raises:
        InputError: There is none; names the nearest ones.
    """
    wanted, day = storable(name.strip()[:100]), desk.clock().astimezone(CHINA).date()
    full = units.resolve(connection, wanted, day=day)
    if full:
        return full
    known = units.names(connection, day=day)
    remedy = "请用 triage units list 查看名录"
    if not known:
        # Without a list in the store, the models' own units and the proposals of this appeal are what is known.
        full, known = _known_to_models(desk, case, wanted, day)
        if full:
            return full
        remedy = "请先用 triage units import 导入单位名录"
    near = units.nearest(wanted, known)
    hint = f"相近的有：{'、'.join(near)}" if near else remedy
    raise InputError(f"单位“{wanted[:40]}”不在单位名录中或已停用；{hint}")


def _known_to_models(desk: Desk, case: Case, name: str, day: date) -> tuple[str, list[str]]:
    triage = desk.current().triage
    directory = triage.directory
    if directory is None and isinstance(triage, Triage) and triage.local is not None:
        directory = triage.local.directory  # the units that the city's own tickets name
    found = directory.get(name) if directory else None
    if found is not None and found.valid_on(day):
        return found.name, []
    proposed = [str(candidate["name"]) for candidate in case.record.get("unit", {}).get("candidates") or []]
    existing = [unit.name for unit in directory or () if unit.valid_on(day)]
    return (name if name in proposed else ""), [*proposed, *existing]


def _without(case: Case, *, first: str) -> Case:
    """Return the case with its next proposal: without the returning unit, led by the one it names."""
    returned = (*case.returned, case.unit) if case.unit not in case.returned else case.returned
    remaining = [candidate for candidate in case.candidates() if candidate["name"] != case.unit]
    if first:
        known = [candidate for candidate in remaining if candidate["name"] == first]
        others = [candidate for candidate in remaining if candidate["name"] != first]
        remaining = [*(known or [{"name": first, "probability": 0.0}]), *others]
    record: dict[str, Any] = dict(case.record)
    record["unit"] = {"candidates": remaining, "decision": REVIEW, "reason": _why(case.unit, first, remaining)}
    record["explanation"] = [
        *(record.get("explanation") or []),
        {"kind": "rule", "text": f"{case.unit}已退单，不再建议"},
    ]
    return Case(
        id=case.id,
        case_state=case.case_state,
        delivery_state=case.delivery_state,
        unit="",
        version=case.version + 1,
        event_id=case.event_id,
        record=record,
        returned=returned,
    )


def _why(unit: str, first: str, remaining: list[dict[str, Any]]) -> str:
    if first:
        return f"{unit}退单并建议转{first}，请人工确认"
    if remaining:
        return f"{unit}已退单，请在其余候选单位中确认"
    return f"{unit}已退单，候选单位均已退回，请人工指定承办单位"


def _record_proposal(desk: Desk, connection: Connection, actor: Actor, case: Case) -> None:
    latest = select(decisions.c.bundle).where(decisions.c.appeal_id == case.id, decisions.c.version == case.version - 1)
    bundle = connection.execute(latest).scalar_one_or_none() or desk.current().bundle
    values = {"appeal_id": case.id, "version": case.version, "record": dict(case.record), "bundle": bundle}
    connection.execute(insert(decisions).values(**values, actor=actor.name, at=desk.clock()))
