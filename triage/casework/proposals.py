"""The next proposal for a case that goes back to the dispatcher, or into another district."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert, select

from triage.casework.cases import Case
from triage.casework.desk import Desk
from triage.decision import REVIEW
from triage.store.access import Actor
from triage.store.schema import decisions


def without_unit(case: Case, *, first: str) -> Case:
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
    return replace(case, version=case.version + 1, record=record, returned=returned)


def without_similar(case: Case) -> Case:
    """Return the case with its next proposal for the readers of another district: similar appeals of the former go."""
    record: dict[str, Any] = dict(case.record)
    if "event" in record:
        record["event"] = {**record["event"], "similar": []}
    return replace(case, version=case.version + 1, record=record)


def keep(desk: Desk, connection: Connection, actor: Actor, case: Case) -> None:
    """Record the proposal of a case as its next version; the models are those of the version before."""
    latest = select(decisions.c.bundle).where(decisions.c.appeal_id == case.id, decisions.c.version == case.version - 1)
    bundle = connection.execute(latest).scalar_one_or_none() or desk.current().bundle
    values = {"appeal_id": case.id, "version": case.version, "record": dict(case.record), "bundle": bundle}
    connection.execute(insert(decisions).values(**values, actor=actor.name, at=desk.clock()))


def _why(unit: str, first: str, remaining: list[dict[str, Any]]) -> str:
    if first:
        return f"{unit}退单并建议转{first}，请人工确认"
    if remaining:
        return f"{unit}已退单，请在其余候选单位中确认"
    return f"{unit}已退单，候选单位均已退回，请人工指定承办单位"
