"""Units that work along: 协办, 吹哨报到, and the joint handling of disputes (三调联动、警格联动、法律援助)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection

from triage.casework import terms
from triage.casework.cases import STEPS, Case, locked_case
from triage.casework.desk import Desk
from triage.casework.review import checked_reason
from triage.casework.rights import require
from triage.casework.stepping import take
from triage.casework.unit_names import known_unit
from triage.errors import InputError
from triage.store import lifecycle
from triage.store.access import Actor
from triage.store.errors import StateConflict
from triage.store.lifecycle import Assistance
from triage.store.schema.lifecycle import assistance

KINDS: Mapping[str, str] = {
    "assist": "协办",
    "whistle": "吹哨报到",
    "people_mediation": "人民调解",
    "administrative_mediation": "行政调解",
    "judicial_mediation": "司法调解",
    "grid_police": "警格联动",
    "legal_aid": "法律援助",
}
"""Kind of assistance → its name."""
MOST_UNITS = 20
"""Units that one call may bring in, and that may be at work on a case beside the responsible one."""
_PRESENT = ("called", "reported")


def call_in(
    desk: Desk, actor: Actor, appeal_id: UUID, *, units: Sequence[str], reason: str, kind: str = "assist"
) -> list[Assistance]:
    """Call units in to work along with the responsible one, which stays responsible (主办).

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal, at a unit.
        units: Names or aliases, at most `MOST_UNITS`.
        reason: Why, 2 … 500 characters.
        kind: One of `KINDS` but ``whistle``.

    Returns:
        Those that were called now, in the order given.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is at no unit, or a unit is at work on it already.
        InputError: The kind, a unit or the reason does not fit.
    """
    if kind not in KINDS or kind == "whistle":
        known = "、".join(name for name in KINDS if name != "whistle")
        raise InputError(f"协办方式应为 {known} 之一")
    return _call(desk, actor, appeal_id, units=units, reason=reason, kind=kind)


def whistle(
    desk: Desk, actor: Actor, appeal_id: UUID, *, street: str, departments: Sequence[str], reason: str
) -> list[Assistance]:
    """Let a street call departments in (街乡吹哨、部门报到); each has to report in.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal, at a unit.
        street: The street or township that calls; name or alias.
        departments: Whom it calls; names or aliases, at most `MOST_UNITS`.
        reason: Why, 2 … 500 characters.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is at no unit, or a department is at work on it already.
        InputError: The caller is no street, a unit is unknown, or the reason is missing.
    """
    return _call(desk, actor, appeal_id, units=departments, reason=reason, kind="whistle", street=street)


def report_in(desk: Desk, actor: Actor, appeal_id: UUID, assistance_id: UUID) -> Assistance:
    """Note that a unit that was called has come (报到).

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts, or no such assistance of it.
        StateConflict: It has come before, or was let go; or the case is at no unit.
    """
    require(actor, STEPS["report"].right)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        found = _held(connection, case, assistance_id, step="report", states=("called",))
        at = desk.clock()
        terms.meet(connection, case.id, terms.REPORT_IN, unit=found.unit, at=at)
        if found.kind == "whistle":
            terms.start(connection, desk, case.id, terms.ASSIST, unit=found.unit, at=at)
        lifecycle.change(connection, assistance, found.id, state="reported", reported_at=at)
        take(connection, desk, actor, case, "report", facts=_facts(found))
        return replace(found, state="reported", reported_at=at)


def end(desk: Desk, actor: Actor, appeal_id: UUID, assistance_id: UUID, *, done: bool) -> Assistance:
    """Note that a unit has done its part, or is not needed any more.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        assistance_id: Which assistance.
        done: Whether it did its part; else it is let go.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts, or no such assistance of it.
        StateConflict: It has ended before; or the case is at no unit.
    """
    require(actor, STEPS["release"].right)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        found = _held(connection, case, assistance_id, step="release", states=_PRESENT)
        at, state = desk.clock(), "done" if done else "released"
        for step in (terms.ASSIST, terms.REPORT_IN):
            if done:
                terms.meet(connection, case.id, step, unit=found.unit, at=at)
            else:
                terms.drop(connection, case.id, step=step, unit=found.unit, at=at)
        lifecycle.change(connection, assistance, found.id, state=state, ended_at=at)
        take(connection, desk, actor, case, "release", facts={**_facts(found), "done": done})
        return replace(found, state=state, ended_at=at)


def _call(
    desk: Desk, actor: Actor, appeal_id: UUID, *, units: Sequence[str], reason: str, kind: str, street: str = ""
) -> list[Assistance]:
    require(actor, STEPS["assist"].right)
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("assist")
        caller = _street(desk, connection, case, street) if kind == "whistle" else ""
        chosen = list(dict.fromkeys(known_unit(desk, connection, case, unit) for unit in units))
        _fitting(connection, case, chosen, kind=kind, caller=caller)
        for unit in chosen:
            _add(connection, desk, actor, case, unit=unit, kind=kind, caller=caller, reason=why)
        present = {found.unit: found for found in lifecycle.assistance_of(connection, case.id) if _at_work(found, kind)}
        return [present[unit] for unit in chosen]


def _add(
    connection: Connection, desk: Desk, actor: Actor, case: Case, *, unit: str, kind: str, caller: str, reason: str
) -> None:
    at = desk.clock()
    values = {"unit": unit, "kind": kind, "caller": caller, "reason": reason, "called_by": actor.name}
    row = lifecycle.add(connection, assistance, now=at, appeal_id=case.id, called_at=at, **values)
    step = terms.REPORT_IN if kind == "whistle" else terms.ASSIST
    terms.start(connection, desk, case.id, step, unit=unit, at=at)
    facts = {"assistance_id": str(row), "assisting": unit, "kind": kind, "caller": caller}
    take(connection, desk, actor, case, "assist", facts=facts)


def _fitting(connection: Connection, case: Case, chosen: Sequence[str], *, kind: str, caller: str) -> None:
    if not 1 <= len(chosen) <= MOST_UNITS:
        raise InputError(f"请给出 1 至 {MOST_UNITS} 个单位")
    if kind == "assist" and case.unit in chosen:
        raise InputError(f"{case.unit}是主办单位，不能同时协办")
    if caller and caller in chosen:
        raise InputError("吹哨的街道、乡镇不能吹哨自己")
    present = [found for found in lifecycle.assistance_of(connection, case.id) if found.state in _PRESENT]
    twice = [unit for unit in chosen if any(found.unit == unit and found.kind == kind for found in present)]
    if twice:
        raise StateConflict(f"{'、'.join(twice)}已在{KINDS[kind]}该诉求")
    if len(present) + len(chosen) > MOST_UNITS:
        raise StateConflict(f"同时协办的单位最多 {MOST_UNITS} 个")


def _street(desk: Desk, connection: Connection, case: Case, name: str) -> str:
    """Return the full name of the street that calls.

    Raises:
        InputError: It is not in the directory, or the directory says that it is something else.
    """
    full = known_unit(desk, connection, case, name)
    directory = desk.current().triage.directory
    listed = directory.get(full) if directory is not None else None
    if listed is not None and listed.level != "街镇":
        raise InputError(f"吹哨由街道、乡镇发起；{full}的层级是{listed.level or '未知'}")
    return full


def _held(connection: Connection, case: Case, assistance_id: UUID, *, step: str, states: Sequence[str]) -> Assistance:
    found = lifecycle.locked_assistance(connection, case.id, assistance_id)
    case.after(step)
    if found.state not in states:
        words = {"called": "尚未报到", "reported": "已报到", "done": "已完成", "released": "已结束"}
        raise StateConflict(f"{found.unit}的{KINDS[found.kind]}{words[found.state]}，不能再{STEPS[step].word}")
    return found


def _at_work(found: Assistance, kind: str) -> bool:
    return found.kind == kind and found.state in _PRESENT


def _facts(found: Assistance) -> dict[str, str]:
    return {"assistance_id": str(found.id), "assisting": found.unit, "kind": found.kind}
