"""The decision as the result record of triage has it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.common import Output

Share = float


class Candidate(Output):
    """One possible answer with its calibrated probability."""

    name: str
    probability: Share = Field(ge=0, le=1)


class CategoryCandidate(Output):
    """One possible category."""

    l1: str
    l2: str
    probability: Share = Field(ge=0, le=1)


class UnitPart(Output):
    """Which unit should handle it (承办单位)."""

    candidates: list[Candidate]
    decision: Literal["auto", "review"] = Field(description="auto 自动派单 / review 人工审核")
    reason: str


class Candidates(Output):
    """Candidates, best first."""

    candidates: list[Candidate]


class Categories(Output):
    """Categories, best first."""

    candidates: list[CategoryCandidate]


class Area(Output):
    """Where the matter is (属地)."""

    name: str
    evidence: str


class Quote(Output):
    """A verbatim stretch of the raw text; personal data is never part of it."""

    text: str
    field: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Risk(Output):
    """How likely the matter escalates: 0 无, 1 蓝, 2 黄, 3 橙, 4 红."""

    level: int = Field(ge=0, le=4)
    color: str
    probabilities: list[Share]
    score: Share = Field(description="P(level ≥ 3)")
    emergency: Share = Field(description="P(somebody must act within about two hours)")
    factors: list[Candidate]
    evidence: list[Quote]


class Similar(Output):
    """Another appeal about the same matter."""

    id: str
    probability: Share


class EventPart(Output):
    """The event (同类诉求) the appeal belongs to."""

    id: str
    size: int = Field(ge=1)
    similar: list[Similar]


class Span(Output):
    """Where words stand in the raw text."""

    field: str
    start: int
    end: int


class Explanation(Output):
    """One line of explanation."""

    kind: str = Field(description="words、place、similar、duty 或 rule")
    text: str
    spans: list[Span] = Field(default_factory=list)


class Demand(Output):
    """One demand of the appeal (诉求项), masked."""

    text: str
    start: int
    end: int


class Level(Output):
    """Level of handling (办理层级)."""

    name: str
    reason: str


class RouteOut(Output):
    """Another legal channel that is due."""

    channel: str
    reason: str


class Deadline(Output):
    """By when (期限)."""

    accept_by: str
    finish_by: str
    rule: str


class Versions(Output):
    """What decided."""

    model_config = ConfigDict(extra="allow")

    bundle: str
    normaliser: str


DECISION_EXAMPLE: dict[str, Any] = {
    "id": "2f1d6a34-7a53-4d0f-9d8e-0a6f3c1f6b11",
    "unit": {
        "candidates": [{"name": "云桥区城管局", "probability": 0.91}, {"name": "云桥区住建局", "probability": 0.04}],
        "decision": "review",
        "reason": "尚无本地历史证明准确率，由人工审核",
    },
    "function": {"candidates": [{"name": "城管局", "probability": 0.93}]},
    "area": {"name": "云桥区", "evidence": "云桥区"},
    "category": {"candidates": [{"l1": "城乡建设", "l2": "城市建设和市政管理", "probability": 0.7}]},
    "type": {"candidates": [{"name": "投诉", "probability": 0.9}]},
    "risk": {
        "level": 1,
        "color": "蓝",
        "probabilities": [0.3, 0.5, 0.15, 0.04, 0.01],
        "score": 0.05,
        "emergency": 0.01,
        "factors": [],
        "evidence": [],
    },
    "event": {"id": "7b0a6c1e-55a0-4a34-9a53-7e0f4a6c2d10", "size": 1, "similar": []},
    "explanation": [{"kind": "place", "text": "文中提到云桥区", "spans": []}],
    "demands": [{"text": "请尽快清理路口的垃圾", "start": 14, "end": 24}],
    "level": {"name": "区县", "reason": "区级部门职责"},
    "assisting": [],
    "route_out": None,
    "deadline": {
        "accept_by": "2026-03-02T09:30:00+08:00",
        "finish_by": "2026-03-20T18:00:00+08:00",
        "rule": "投诉 15 个工作日",
    },
    "versions": {"bundle": "base 2026-11-22", "normaliser": "normalise.v1"},
}


class DecisionRecord(Output):
    """Everything proposed for one appeal; the same record as `triage run` writes."""

    model_config = ConfigDict(json_schema_extra={"example": DECISION_EXAMPLE})

    id: str
    unit: UnitPart
    function: Candidates
    area: Area
    category: Categories
    type: Candidates
    risk: Risk
    event: EventPart
    explanation: list[Explanation]
    demands: list[Demand]
    level: Level
    assisting: list[str]
    route_out: RouteOut | None
    deadline: Deadline | None
    versions: Versions
