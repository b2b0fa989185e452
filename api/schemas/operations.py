"""Jobs, units, bundles, reports, audit and the state of the service."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import SOMETHING, Input, Output, Reason


class JobOut(Output):
    """A batch and how far it is."""

    id: UUID
    kind: str
    state: Literal["queued", "running", "done", "failed"]
    total: int = Field(ge=0)
    done: int = Field(ge=0)
    failed: int = Field(ge=0)
    error: str
    created_at: datetime
    finished_at: datetime | None


class JobItemOut(Output):
    """One row of a batch: the appeal it became, or why not."""

    row: int = Field(ge=1, description="在批次中的位置，从 1 起")
    appeal_id: UUID | None
    error: str


class JobList(Output):
    """Jobs, the latest first."""

    items: list[JobOut]


class JobDetail(JobOut):
    """A batch with its rows, in their order from ``after`` on."""

    items: list[JobItemOut]


class UnitOut(Output):
    """A unit of the city's directory (承办单位)."""

    name: str
    level: str
    parent: str
    jurisdiction: str
    function: str
    duties: list[str]
    aliases: list[str]
    contact: str
    valid_from: date | None
    valid_to: date | None


class UnitList(Output):
    """The directory."""

    items: list[UnitOut]


class UnitImportOut(Output):
    """What an import changed."""

    added: int
    changed: int
    withdrawn: int
    unchanged: int


class BundleOut(Output):
    """A set of models."""

    id: UUID
    name: str
    kind: str
    state: Literal["uploaded", "active", "retired"]
    metrics: dict[str, Any]
    sha256: str
    size: int
    uploaded_by: str
    uploaded_at: datetime
    promoted_at: datetime | None


class BundleList(Output):
    """All bundles, the latest first."""

    items: list[BundleOut]
    deciding: str = Field(description="现在研判所用的模型")


class FiguresOut(Output):
    """How one bundle did on decisions that people confirmed."""

    bundle: str
    top1: float = Field(description="首选即确认单位的比例")
    top3: float
    auto: float = Field(description="可自动派单的比例")
    auto_precision: float | None
    units: dict[str, tuple[int, float]] = Field(description="单位 → 件数、首选正确的比例")


class ComparisonOut(Output):
    """A bundle (challenger) beside the deciding one (champion)."""

    n: int = Field(ge=0, description="人工确认过、且两个模型训练时都未见过的诉求")
    candidate: FiguresOut | None
    active: FiguresOut | None
    worse: list[str]
    judged: bool = Field(description="件数足够，可以下结论")
    gained: int = Field(ge=0, description="只有新模型首选正确")
    lost: int = Field(ge=0, description="只有现用模型首选正确")
    difference: tuple[float, float] | None = Field(description="首选正确率变化的 95% 区间")
    rehearsed: bool = Field(description="以训练时留出最近诉求的试训模型作比较")


class PromoteIn(Input):
    """Lets a bundle decide."""

    force: bool = Field(False, description="即使不如现用模型；须写明理由")
    reason: Reason | None = None


class RollBackIn(Input):
    """Lets the former bundle decide again."""

    reason: Reason | None = None


class PromotionOut(Output):
    """What decides now."""

    active: str
    former: str
    comparison: ComparisonOut | None


class CountOut(Output):
    """How many appeals fall under a name."""

    name: str
    count: int = Field(ge=0)


class RiskCountOut(Output):
    """How many appeals have a risk level."""

    level: int = Field(ge=0, le=4)
    count: int = Field(ge=0)


class OverviewOut(Output):
    """Appeals of a day or week in figures; only what the caller may see is counted."""

    since: datetime
    until: datetime
    total: int = Field(ge=0)
    units: list[CountOut]
    categories: list[CountOut]
    districts: list[CountOut]
    risks: list[RiskCountOut]


class AuditRow(Output):
    """One row of the audit (审计)."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditPage(Output):
    """Rows of the audit, the latest first."""

    items: list[AuditRow]
    next: int | None = Field(description="下一页从此编号之前开始；没有更多时为 null")


class AuditCheck(Output):
    """Whether the chain holds."""

    intact: bool
    rows: int
    broken: int | None
    problem: str
    sealed: int


class EraseIn(Input):
    """Erases what is known of one appellant on their request."""

    user: str = Field(min_length=1, max_length=200, pattern=SOMETHING, description="登记时的诉求人")


class ErasedOut(Output):
    """What was erased."""

    appeals: list[UUID]
    job_rows: int


class Alive(Output):
    """The process answers."""

    status: Literal["ok"]


class Ready(Output):
    """Whether requests can be served."""

    status: Literal["ready", "starting", "unavailable"]
