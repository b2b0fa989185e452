"""What a case can go through: its stages, and the one table of steps that lead from stage to stage.

A stage is what the three states of an appeal say together: ``case_state`` what it is, ``delivery_state`` how its way to
the unit went, ``answer_state`` what the appellant said afterwards. A step that the table does not list is refused with a
word that says what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select, update

from triage.store import feedback
from triage.store.errors import NotFound, StateConflict
from triage.store.schema import appeals, decisions

WAITING, ASSIGNED, CLOSED, JOINED = "waiting", "assigned", "closed", "joined"
NONE, PROPOSED, DISPATCHED, ACCEPTED, RETURNED = "none", "proposed", "dispatched", "accepted", "returned"
HANDLING, OBJECTED, HELD = "handling", "objected", "held"
RECEIVED, CALLED_BACK, EVALUATED = "received", "called_back", "evaluated"

STAGES: Mapping[str, str] = {
    RECEIVED: "受理",
    DISPATCHED: "派单",
    ACCEPTED: "接单",
    HANDLING: "办理",
    CLOSED: "办结",
    CALLED_BACK: "回访",
    EVALUATED: "评价",
    RETURNED: "退单",
    OBJECTED: "异议审查",
    JOINED: "并入补充",
}
"""Stage → its name; the first seven are the way of a case that meets no objection."""

_AT_UNIT = (DISPATCHED, ACCEPTED, HANDLING)
_OPEN = (RECEIVED, RETURNED, *_AT_UNIT, OBJECTED)
_DONE = (CLOSED, CALLED_BACK, EVALUATED)
STAYS = ""


class Step(NamedTuple):
    """A step of a case.

    Attributes:
        word: What it is called.
        at: The stages at which it is possible.
        to: The stage it leads to; `STAYS` where it leads nowhere.
        right: Who may do it (`triage.casework.rights`).
        action: What history calls it.
        topic: Of the message to other systems; empty: the action.
    """

    word: str
    at: tuple[str, ...]
    to: str
    right: str
    action: str
    topic: str = ""


DISPATCH_TOPIC, RETURN_TOPIC = "appeal.dispatched", "appeal.returned"

STEPS: Mapping[str, Step] = {
    # The way to a unit. An automatic dispatch may be confirmed by a person afterwards; a second confirmation is refused.
    "confirm": Step(
        "确认", (RECEIVED, RETURNED, DISPATCHED), DISPATCHED, "appeal.review", "appeal.confirmed", DISPATCH_TOPIC
    ),
    "reassign": Step(
        "改派", (RECEIVED, RETURNED, *_AT_UNIT), DISPATCHED, "appeal.review", "appeal.reassigned", DISPATCH_TOPIC
    ),
    # By the service itself; while it is held (delivery state) people may take it back before the unit is told.
    "dispatch": Step("自动派单", (RECEIVED,), DISPATCHED, "appeal.review", "appeal.dispatched", DISPATCH_TOPIC),
    "recall": Step("撤回", (RECEIVED,), RECEIVED, "appeal.review", "appeal.recalled"),
    "keep": Step("维持派单", _AT_UNIT, STAYS, "appeal.review", "appeal.dispatch_kept"),
    "pass_on": Step("转送其他途径", (RECEIVED, RETURNED), CLOSED, "appeal.review", "appeal.passed_on"),
    # The unit's work.
    "accept": Step("签收", (DISPATCHED,), ACCEPTED, "appeal.handle", "appeal.accepted"),
    "handle": Step("开始办理", (ACCEPTED,), HANDLING, "appeal.handle", "appeal.handling"),
    "close": Step("办结", _AT_UNIT, CLOSED, "appeal.handle", "appeal.closed"),
    # Not its duty: sent back at once, or objected to and decided by a review.
    "return": Step("退单", _AT_UNIT, RETURNED, "appeal.handle", RETURN_TOPIC),
    "object": Step("提出异议", (DISPATCHED, ACCEPTED), OBJECTED, "appeal.handle", "appeal.objected"),
    "uphold": Step("支持异议", (OBJECTED,), RETURNED, "appeal.rule", "appeal.objection_upheld", RETURN_TOPIC),
    "reject": Step("驳回异议", (OBJECTED,), DISPATCHED, "appeal.rule", "appeal.objection_rejected"),
    # After the work.
    "call_back": Step("回访", (CLOSED, CALLED_BACK), CALLED_BACK, "appeal.answer", "appeal.called_back"),
    "evaluate": Step("评价", (CLOSED, CALLED_BACK), EVALUATED, "appeal.answer", "appeal.evaluated"),
    "reopen": Step("重新办理", _DONE, DISPATCHED, "appeal.review", "appeal.reopened", DISPATCH_TOPIC),
    # Beside the way: the stage stays.
    "urge": Step("催办", _OPEN, STAYS, "appeal.urge", "appeal.urged"),
    "supplement": Step("补充", _OPEN, STAYS, "appeal.post", "appeal.supplemented"),
    "extend": Step("申请延期", _AT_UNIT, STAYS, "appeal.handle", "appeal.extension_asked"),
    "rule_extension": Step("审批延期", _AT_UNIT, STAYS, "appeal.rule", "appeal.extension_decided"),
    "supervise": Step("督办", (*_AT_UNIT, OBJECTED), STAYS, "appeal.rule", "appeal.supervised"),
    "assist": Step("增加协办", (*_AT_UNIT, OBJECTED), STAYS, "appeal.handle", "appeal.assistance_called"),
    "report": Step("报到", (*_AT_UNIT, OBJECTED), STAYS, "appeal.handle", "appeal.assistance_reported"),
    "release": Step("结束协办", (*_AT_UNIT, OBJECTED), STAYS, "appeal.handle", "appeal.assistance_ended"),
}
"""Step → what it is; the names are those that terms are started by (`triage.casework.terms.start`)."""


class State(NamedTuple):
    """The three states that an appeal's row holds."""

    case: str
    delivery: str
    answer: str = NONE

    @property
    def stage(self) -> str:
        """Return the stage they stand for."""
        if self.case == CLOSED:
            return {"called": CALLED_BACK, "evaluated": EVALUATED}.get(self.answer, CLOSED)
        if self.case == WAITING:
            return RETURNED if self.delivery == RETURNED else RECEIVED
        return JOINED if self.case == JOINED else self.delivery

    def at(self, stage: str) -> State:
        """Return the states of another stage; how the way to the unit went stays on record after the close."""
        if stage in _DONE:
            way = PROPOSED if self.delivery == HELD else self.delivery  # nobody is to be told of it any more
            return State(CLOSED, way, {CALLED_BACK: "called", EVALUATED: "evaluated"}.get(stage, NONE))
        if stage in (RECEIVED, RETURNED):
            return State(WAITING, RETURNED if stage == RETURNED else PROPOSED)
        return State(ASSIGNED, stage)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An appeal as a decision about it needs it, locked for the transaction.

    Attributes:
        id: The appeal.
        state: What its row says.
        unit: The responsible unit (主办); empty while it waits.
        first_unit: The unit that took it on first (首接); empty until one did.
        district: Its district.
        version: Number of the present proposal.
        event_id: Its event.
        record: The present proposal.
        returned: Units that sent it back.
    """

    id: UUID
    state: State
    unit: str
    first_unit: str
    district: str
    version: int
    event_id: UUID
    record: Mapping[str, Any]
    returned: tuple[str, ...]

    @property
    def stage(self) -> str:
        """Return the stage, one of `STAGES`."""
        return self.state.stage

    def candidates(self) -> list[dict[str, Any]]:
        """Return the proposed units, best first, without those that sent it back; as in the record."""
        proposed = self.record.get("unit", {}).get("candidates") or []
        return [dict(candidate) for candidate in proposed if candidate["name"] not in self.returned]

    def after(self, step: str) -> State:
        """Return the states after a step.

        Raises:
            StateConflict: The step is not possible now.
        """
        wanted = STEPS[step]
        if self.stage in wanted.at:
            return self.state.at(wanted.to) if wanted.to else self.state
        raise StateConflict(self._refusal(wanted))

    def _refusal(self, wanted: Step) -> str:
        """Say why a step is not possible at this stage, and what is."""
        word, stage = wanted.word, self.stage
        afterwards = wanted.at[0] == CLOSED
        reasons = (
            (stage in _DONE and afterwards, f"该诉求已{STAGES[stage]}，不能再{word}"),
            (stage in _DONE, f"该诉求已办结，不能再{word}；确需继续请先重新办理"),
            (stage == JOINED, f"该件是补充件，随主单办理，不能单独{word}"),
            (afterwards, f"该诉求尚未办结，不能{word}"),
            (stage in (RECEIVED, RETURNED), f"该诉求尚未派单，不能{word}；请先确认或改派承办单位"),
            (stage == OBJECTED, f"{self.unit}的异议正在审查，不能{word}；请先作出审查决定"),
            (wanted.at == (OBJECTED,), f"{self.unit}没有待审查的异议，无需{word}"),
            (wanted.at == (ACCEPTED,) and stage == DISPATCHED, f"{self.unit}尚未签收该诉求，请先签收"),
            (wanted.at[0] == RECEIVED and wanted.to == CLOSED, f"该诉求已派往{self.unit}，不能{word}；请先退单"),
        )
        fallback = f"{self.unit}已签收该诉求，不能再{word}；如需更换单位请改派"
        return next((reason for holds, reason in reasons if holds), fallback)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseView:
    """A case after a step.

    Attributes:
        appeal_id: The appeal.
        stage: Where it stands, one of `STAGES`.
        case_state: What it is now.
        delivery_state: How its way to the unit stands.
        answer_state: What the appellant said.
        unit: The responsible unit (主办); empty while it waits.
        first_unit: The unit that took it on first (首接).
        district: Its district now; a dispatch into another district moves it there.
        decision_version: Number of the present proposal; send it along with the next step.
        candidates: Units proposed now, best first, as (name, probability 0 … 1).
        returned: Units that sent it back; never proposed again.
        event_id: Its event.
    """

    appeal_id: UUID
    stage: str
    case_state: str
    delivery_state: str
    answer_state: str
    unit: str
    first_unit: str
    district: str
    decision_version: int
    candidates: tuple[tuple[str, float], ...]
    returned: tuple[str, ...]
    event_id: UUID


def locked_case(connection: Connection, appeal_id: UUID, *, seen: int | None = None) -> Case:
    """Read a case and hold it until the transaction ends.

    Args:
        connection: Inside a transaction of the actor's scope.
        appeal_id: The appeal.
        seen: The version of the proposal that the person looked at; None if they did not say.

    Raises:
        NotFound: There is none, or the actor may not see it.
        StateConflict: The proposal has changed since.
    """
    states = (appeals.c.case_state, appeals.c.delivery_state, appeals.c.answer_state)
    columns = (appeals.c.unit, appeals.c.first_unit, appeals.c.district, appeals.c.event_id, appeals.c.decision_version)
    statement = select(*states, *columns).where(appeals.c.id == appeal_id)
    row = connection.execute(statement.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise NotFound(f"没有诉求 {appeal_id}，或不在可见区划内")
    if seen is not None and seen != row.decision_version:
        raise StateConflict(f"该诉求已有新的研判（第{row.decision_version}版，所见为第{seen}版），请刷新后再操作")
    record = connection.execute(
        select(decisions.c.record).where(
            decisions.c.appeal_id == appeal_id, decisions.c.version == row.decision_version
        )
    ).scalar_one_or_none()
    return Case(
        id=appeal_id,
        state=State(row.case_state, row.delivery_state, row.answer_state),
        unit=row.unit,
        first_unit=row.first_unit,
        district=row.district,
        version=row.decision_version,
        event_id=row.event_id,
        record=record or {},
        returned=feedback.returned_units(connection, appeal_id),
    )


def move(connection: Connection, case: Case, state: State, *, unit: str, version: int | None = None) -> CaseView:
    """Write the new states and return the case as it is then; the caller has checked the step.

    The first unit that takes a case on is kept for good, whoever has it later (首接负责).
    """
    taken_on = state.case == CLOSED or state.delivery in (ACCEPTED, HANDLING)
    moved = replace(
        case,
        state=state,
        unit=unit,
        version=version or case.version,
        first_unit=case.first_unit or (unit if taken_on else ""),
    )
    values = {"case_state": state.case, "delivery_state": state.delivery, "answer_state": state.answer}
    statement = update(appeals).where(appeals.c.id == case.id)
    connection.execute(
        statement.values(**values, unit=unit, first_unit=moved.first_unit, decision_version=moved.version)
    )
    return view_of(moved)


def view_of(case: Case) -> CaseView:
    """Return a case as it is answered."""
    return CaseView(
        appeal_id=case.id,
        stage=case.stage,
        case_state=case.state.case,
        delivery_state=case.state.delivery,
        answer_state=case.state.answer,
        unit=case.unit,
        first_unit=case.first_unit,
        district=case.district,
        decision_version=case.version,
        candidates=tuple((c["name"], float(c["probability"])) for c in case.candidates()),
        returned=case.returned,
        event_id=case.event_id,
    )
