"""模型: what decides, how it does on what people decided, and putting another one in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.console.charts import calibration_chart
from api.console.routing import page_router
from api.console.visit import Visit, visitor
from api.uploads import ARCHIVES, received
from triage.casework import bundles, model_figures
from triage.casework.dispatching import reporting
from triage.casework.dispatching.switching import panel_of
from triage.casework.evaluation import BOUND
from triage.errors import InputError
from triage.store import people
from triage.store.access import EVERYWHERE
from triage.store.bundles import StoredBundle

router = page_router()

Reader = Annotated[Visit, Depends(visitor("bundle.read"))]
Changer = Annotated[Visit, Depends(visitor("bundle.change"))]

DAYS = (7, 30, 90)
STATES = {"uploaded": "待启用", "active": "使用中", "retired": "已退役"}
KINDS = {"base": "通用模型", "local": "本地模型"}
MODES = {"off": "停用", "shadow": "试运行（只记录、不派出）", "on": "启用"}
_MOST_UNITS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of two figures that are compared, with what it is called."""

    name: str
    candidate: float | None
    active: float | None

    @property
    def change(self) -> float | None:
        """Return how much higher the candidate's is."""
        return None if self.candidate is None or self.active is None else self.candidate - self.active


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitSide:
    """One unit's appeals, and the share that each of two bundles has right."""

    unit: str
    n: int
    candidate: float | None
    active: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A comparison that was kept with a bundle, as it is shown.

    Attributes:
        at: When it was made, ISO form.
        n: Decisions compared.
        against: The bundle that was active then.
        judged: Whether there were enough to conclude anything.
        rehearsed: Whether a rehearsal of the training was compared.
        worse: In what the candidate is worse.
        sides: Figures of both.
        units: Units of both, the most frequent first.
        gained: Decisions that only the candidate has right.
        lost: Decisions that only the active one has right.
    """

    at: str
    n: int
    against: str
    judged: bool
    rehearsed: bool
    worse: Sequence[str]
    sides: Sequence[Side]
    units: Sequence[UnitSide]
    gained: int
    lost: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A bundle of the list; ``compared`` is None where it was never evaluated."""

    bundle: StoredBundle
    uploaded_by: str
    compared: Compared | None


@router.get("/models")
def show(visit: Reader, days: Annotated[int, Query(ge=1, le=model_figures.MOST_DAYS)] = 30) -> Response:
    """Show what decides and how it does."""
    figures = model_figures.figures(visit.desk, visit.actor, days=days)
    shown: dict[str, Any] = {
        "figures": figures,
        "chart": calibration_chart(figures.bins),
        "days": days,
        "choices": DAYS,
        "dispatching": reporting.status(panel_of(visit.desk), visit.actor),
        "modes": MODES,
    }
    return visit.page("models/index.html", title="模型", **shown, **_listed(visit))


@router.post("/models/upload")
async def upload(visit: Changer) -> Response:
    """Store a bundle for later; it decides nothing yet."""
    async with received(visit.request, ARCHIVES, suffix=False) as path:
        stored = await run_in_threadpool(_stored, visit, path)
    return await run_in_threadpool(_list, visit, f"模型 {stored.name} 已上传并通过校验，启用前请先评测")


@router.post("/models/{bundle_id}/evaluate")
def evaluate(bundle_id: UUID, visit: Changer) -> Response:
    """Compare a bundle with the active one."""
    found = bundles.evaluate(visit.service.shelf, visit.actor, bundle_id)
    enough = "" if found.judged else "；件数太少，不下结论"
    return _list(visit, f"已在最近 {found.n} 件人工处理的诉求上比较{enough}")


@router.post("/models/promote")
def promote(visit: Changer) -> Response:
    """Let a bundle decide from now on."""
    chosen = visit.posted.ids("bundle")
    if len(chosen) != 1:
        raise InputError("请选择一个模型")
    force, reason = visit.posted.flag("force"), visit.posted.text("reason")
    done = bundles.promote(visit.service.shelf, visit.actor, chosen[0], force=force, reason=reason)
    return visit.redirect("/console/models", f"模型 {done.active} 已启用")


@router.post("/models/rollback")
def roll_back(visit: Changer) -> Response:
    """Let the former bundle decide again."""
    done = bundles.roll_back(visit.service.shelf, visit.actor, reason=visit.posted.text("reason"))
    return visit.redirect("/console/models", f"已回退，现用模型 {done.active}")


def compared_of(metrics: Mapping[str, Any]) -> Compared | None:
    """Return the comparison that is kept with a bundle; None where there is none that can be read."""
    try:
        candidate, active = metrics["candidate"], metrics["active"]
        if not candidate or not active:
            return None
        names = (
            ("首选准确率", "top1"),
            ("前三命中率", "top3"),
            ("自动派单占比", "auto"),
            ("自动派单准确率", "auto_precision"),
        )
        return Compared(
            at=str(metrics.get("at", "")),
            n=int(metrics["n"]),
            against=str(active["bundle"]),
            judged=bool(metrics["judged"]),
            rehearsed=bool(metrics.get("rehearsed")),
            worse=[str(problem) for problem in metrics["worse"]],
            sides=[Side(name=name, candidate=candidate[key], active=active[key]) for name, key in names],
            units=_units(candidate["units"], active["units"]),
            gained=int(metrics.get("gained", 0)),
            lost=int(metrics.get("lost", 0)),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _units(candidate: Mapping[str, Any], active: Mapping[str, Any]) -> list[UnitSide]:
    found = [
        UnitSide(
            unit=unit, n=int(seen), candidate=float(share), active=float(active[unit][1]) if unit in active else None
        )
        for unit, (seen, share) in candidate.items()
    ]
    return sorted(found, key=lambda side: (-side.n, side.unit))[:_MOST_UNITS]


def _stored(visit: Visit, path: Path) -> StoredBundle:
    with path.open("rb") as archive:
        return bundles.upload(visit.service.shelf, visit.actor, archive)


def _list(visit: Visit, notice: str) -> Response:
    return visit.fragment("models/_list.html", notice=notice, **_listed(visit))


def _listed(visit: Visit) -> dict[str, Any]:
    found = bundles.listed(visit.service.shelf, visit.actor)
    with visit.desk.database.transaction(EVERYWHERE) as connection:
        names = people.names(connection, sorted({bundle.uploaded_by for bundle in found}))
    lines = [Line(bundle=one, uploaded_by=names[one.uploaded_by], compared=compared_of(one.metrics)) for one in found]
    return {
        "lines": lines,
        "active": next((line for line in lines if line.bundle.state == "active"), None),
        "deciding": visit.desk.current().bundle,
        "states": STATES,
        "kinds": KINDS,
        "bound": BOUND,
    }
