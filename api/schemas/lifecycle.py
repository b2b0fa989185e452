"""The steps of a case after its dispatch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.appeals import AppealOut, HistoryEntry, Stage
from api.schemas.common import Input, Moment, Output, Reason, UnitName

Satisfaction = Literal["satisfied", "fairly", "dissatisfied"]
AssistanceKind = Literal[
    "assist",
    "people_mediation",
    "administrative_mediation",
    "judicial_mediation",
    "grid_police",
    "legal_aid",
]
_SEEN = Field(None, ge=1, le=1_000_000, description="所见研判的版本；若已更新则返回 409")
_UNITS = Annotated[list[UnitName], Field(min_length=1, max_length=20)]


class FinishIn(Input):
    """The unit has answered (办结)."""

    outcome: Literal["solved", "explained", "agreed", "unfounded"] | None = Field(
        None, description="solved 已解决、explained 已解释说明、agreed 已商定分期解决、unfounded 查无此事"
    )


class PassOnIn(Input):
    """Another channel must handle it (转送其他途径)."""

    channel: Literal["诉讼", "仲裁", "纪检监察", "行政复议", "信息公开", "信访", "110", "119", "120", "122", "不予受理"]


class ReopenIn(Input):
    """Handles a closed case again (重新办理)."""

    reason: Reason
    unit: UnitName | None = Field(None, description="缺省仍由原单位办理")


class ObjectIn(Input):
    """The unit says that it is not its duty (职责异议)."""

    reason: Reason
    proposed_unit: UnitName | None = Field(None, description="单位建议的承办单位")
    seen: int | None = _SEEN


class ObjectionRulingIn(Input):
    """Decides an objection (异议审查)."""

    uphold: bool = Field(description="true 支持：退回重新派单；false 驳回：仍由该单位办理")
    reason: Reason
    proposed_unit: UnitName | None = Field(None, description="支持异议时，审查认定的承办单位；缺省为单位所建议的")


class ExtendIn(Input):
    """Asks for more time (延期)."""

    days: int = Field(ge=1, le=60, description="工作日；上限由时限规则规定，默认 10")
    reason: Reason


class ExtensionRulingIn(Input):
    """Decides a request for more time (延期审批)."""

    approve: bool
    reason: Reason


class AssistIn(Input):
    """Calls units in beside the responsible one (协办)."""

    units: _UNITS
    reason: Reason
    kind: AssistanceKind = Field(
        "assist",
        description="assist 协办、people_mediation 人民调解、administrative_mediation 行政调解、judicial_mediation 司法调解、"
        "grid_police 警格联动、legal_aid 法律援助",
    )


class WhistleIn(Input):
    """A street calls departments in (吹哨报到)."""

    street: UnitName = Field(description="吹哨的街道、乡镇")
    departments: _UNITS = Field(description="须报到的部门")
    reason: Reason


class AssistanceEndIn(Input):
    """Ends an assistance."""

    done: bool = Field(description="true 已完成；false 不再需要")


class SuperviseIn(Input):
    """Issues a supervision order (督办单)."""

    reason: Reason
    due_at: Moment | None = Field(None, description="督办时限；缺省按时限规则")


class CallBackIn(Input):
    """What was said at a call back (回访)."""

    reached: bool = Field(description="是否联系上诉求人；未联系上时其余各项不填")
    responded: bool | None = Field(None, description="承办单位是否联系过诉求人（响应）")
    solved: bool | None = Field(None, description="true 已解决，false 未解决")
    satisfaction: Satisfaction | None = Field(None, description="satisfied 满意、fairly 基本满意、dissatisfied 不满意")


class EvaluateIn(Input):
    """The appellant's own evaluation (评价)."""

    satisfaction: Satisfaction
    solved: bool | None = None


class ObjectionOut(Output):
    """An objection to a dispatch."""

    id: UUID
    appeal_id: UUID
    unit: str
    proposed_unit: str
    reason: str
    state: Literal["open", "upheld", "rejected"]
    raised_by: str
    raised_at: datetime
    decided_by: str
    decided_at: datetime | None
    ruling: str


class ExtensionOut(Output):
    """A request for more time."""

    id: UUID
    appeal_id: UUID
    unit: str
    days: int
    reason: str
    state: Literal["open", "approved", "refused"]
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    ruling: str
    due_before: datetime | None
    due_after: datetime | None


class AssistanceOut(Output):
    """A unit that works along."""

    id: UUID
    appeal_id: UUID
    unit: str
    kind: AssistanceKind | Literal["whistle"]
    caller: str = Field(description="吹哨的街道、乡镇")
    reason: str
    state: Literal["called", "reported", "done", "released"]
    called_by: str
    called_at: datetime
    reported_at: datetime | None
    ended_at: datetime | None


class SupervisionOut(Output):
    """A supervision order."""

    id: UUID
    appeal_id: UUID
    number: str = Field(description="督办单文号", examples=["督办〔2026〕0012号"])
    unit: str
    reason: str
    state: Literal["open", "ended"]
    issued_by: str
    issued_at: datetime
    due_at: datetime
    ended_by: str
    ended_at: datetime | None


class AnswerOut(Output):
    """What the appellant said."""

    id: UUID
    unit: str
    kind: Literal["call_back", "evaluation"]
    reached: bool
    responded: bool | None
    solved: bool | None
    satisfaction: Literal["", "satisfied", "fairly", "dissatisfied"]
    actor: str
    at: datetime


class TermOut(Output):
    """What is due when."""

    step: str
    state: Literal["open", "met", "dropped"]
    unit: str
    rule: str
    started_at: datetime
    due_at: datetime
    ended_at: datetime | None


class ObjectionList(Output):
    """Objections that wait for a review, oldest first."""

    items: list[ObjectionOut]


class ExtensionList(Output):
    """Requests that wait for a decision, oldest first."""

    items: list[ExtensionOut]


class AssistanceList(Output):
    """Units that were called in."""

    items: list[AssistanceOut]


class SupervisionList(Output):
    """Open supervision orders, the most pressing first."""

    items: list[SupervisionOut]


class TimelineOut(Output):
    """Everything about one case; all texts are masked but the officials' reasons, which no other district sees."""

    appeal_id: UUID
    stage: Stage
    stage_name: str
    unit: str
    first_unit: str
    urged: int = Field(ge=0)
    reopened: int = Field(ge=0)
    ticket: UUID | None
    supplements: list[AppealOut]
    entries: list[HistoryEntry]
    terms: list[TermOut]
    objections: list[ObjectionOut]
    extensions: list[ExtensionOut]
    assistance: list[AssistanceOut]
    supervisions: list[SupervisionOut]
    answers: list[AnswerOut]
    names: dict[str, str] = Field(description="经办者编号 → 名称")


class RatesOut(Output):
    """响应率、解决率、满意率; null where nobody said anything."""

    unit: str = Field(description="空为全部单位合计")
    asked: int
    reached: int
    responded_of: int
    responded: int
    solved_of: int
    solved: int
    satisfied_of: int
    satisfied: int
    fairly: int
    response_rate: float | None
    solution_rate: float | None
    satisfaction_rate: float | None


class RatesList(Output):
    """Rates of a stretch of time: first all units together, then each, the most cases first."""

    since: datetime
    until: datetime
    items: list[RatesOut]
