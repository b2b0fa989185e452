"""Everything about one case: where it stands, who did what when, readable, and what is asked of whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from triage.casework import terms
from triage.casework.cases import STAGES, STEPS, State
from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.store import appeals, history, lifecycle, people
from triage.store.access import Actor
from triage.store.appeals import AppealView
from triage.store.lifecycle import Answer, Assistance, Extension, Objection, Supervision
from triage.store.terms import Term

ACTIONS: Mapping[str, str] = {
    **{step.action: step.word for step in STEPS.values()},
    "received": "受理登记",
    "dispatched": "自动派单",
    "appeal.dispatched": "自动派单",
    "dispatch.held": "自动派单（撤回时限内）",
    "dispatch.shadow": "自动派单试运行（未派出）",
    "dispatch.sampled": "抽检交人工派单",
    "dispatch.barred": "不得自动派单",
    "appeal.automation_refused": "诉求人不同意自动化决定",
    "appeal.handed_over": "移交区划",
    "appeal.undone": "撤销派单",
    "appeal.supervision_ended": "结束督办",
    "appeal.erased": "按申请删除个人信息",
    "event.merged": "并单",
    "event.split": "拆分",
    "event.closed": "事件办结",
    "event.reopened": "事件重新打开",
    "event.undone": "撤销并单或拆分",
    "event.parted": "判定不是同一事件",
    "alert.acknowledged": "签收预警",
    "alert.forwarded": "转送预警",
}
"""Action of the history → its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEntry:
    """One entry of the history, readable.

    Attributes:
        at: When.
        actor: Who: ``user:<id>``, ``key:<id>`` or ``system``.
        actor_name: The user's name, the key's label, or 系统.
        action: What.
        action_name: What, in Chinese.
        detail: Ids, states and names of units.
    """

    at: datetime
    actor: str
    actor_name: str
    action: str
    action_name: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """A case with everything that hangs on it.

    Attributes:
        appeal_id: The appeal.
        stage: One of `triage.casework.cases.STAGES`.
        stage_name: Its name.
        unit: The responsible unit (主办).
        first_unit: The unit that took it on first (首接).
        urged: How often the unit was urged.
        reopened: How often it was opened again.
        ticket: The ticket that it adds to; None where it is a case of its own.
        supplements: Visible appeals that add to it, oldest first; masked.
        entries: Who did what, oldest first.
        terms: What is due when.
        objections: Oldest first.
        extensions: Oldest first.
        assistance: Units that work along, oldest first.
        supervisions: Oldest first.
        answers: What the appellant said, oldest first.
        names: Actor → readable name, of all who appear in the lists.
    """

    appeal_id: UUID
    stage: str
    stage_name: str
    unit: str
    first_unit: str
    urged: int
    reopened: int
    ticket: UUID | None
    supplements: tuple[AppealView, ...]
    entries: tuple[TimelineEntry, ...]
    terms: tuple[Term, ...]
    objections: tuple[Objection, ...]
    extensions: tuple[Extension, ...]
    assistance: tuple[Assistance, ...]
    supervisions: tuple[Supervision, ...]
    answers: tuple[Answer, ...]
    names: Mapping[str, str]


def timeline(desk: Desk, actor: Actor, appeal_id: UUID) -> Timeline:
    """Return everything about one case.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        view = appeals.get(connection, appeal_id)
        steps = history.of(connection, appeal_id)
        lists: dict[str, Any] = {
            "objections": tuple(lifecycle.objections_of(connection, appeal_id)),
            "extensions": tuple(lifecycle.extensions_of(connection, appeal_id)),
            "assistance": tuple(lifecycle.assistance_of(connection, appeal_id)),
            "supervisions": tuple(lifecycle.supervisions_of(connection, appeal_id)),
            "answers": tuple(lifecycle.answers_of(connection, appeal_id)),
        }
        names = people.names(connection, [step.actor for step in steps] + _actors(lists))
        joined = lifecycle.supplements_of(connection, appeal_id)
        views = appeals.get_many(connection, joined)
        facts = lifecycle.counts(connection, appeal_id)
        stage = State(view.case_state, view.delivery_state, view.answer_state).stage
        return Timeline(
            appeal_id=appeal_id,
            stage=stage,
            stage_name=STAGES[stage],
            unit=view.unit,
            first_unit=view.first_unit,
            urged=facts.urged,
            reopened=facts.reopened,
            ticket=view.supplements,
            supplements=tuple(views[id_] for id_ in joined if id_ in views),
            entries=readable(connection, steps, names=names),
            terms=tuple(terms.of(connection, appeal_id)),
            names=names,
            **lists,
        )


def readable(
    connection: Connection, steps: Sequence[history.Step], *, names: Mapping[str, str] | None = None
) -> tuple[TimelineEntry, ...]:
    """Return entries of a history with names instead of ids; an unknown action keeps its own name."""
    known = names if names is not None else people.names(connection, [step.actor for step in steps])
    return tuple(
        TimelineEntry(
            at=step.at,
            actor=step.actor,
            actor_name=known[step.actor],
            action=step.action,
            action_name=ACTIONS.get(step.action, step.action),
            detail=step.detail,
        )
        for step in steps
    )


def _actors(lists: Mapping[str, Sequence[Any]]) -> list[str]:
    fields = ("raised_by", "asked_by", "called_by", "issued_by", "decided_by", "ended_by", "actor")
    rows = [row for several in lists.values() for row in several]
    return [name for row in rows for field in fields if (name := getattr(row, field, ""))]
