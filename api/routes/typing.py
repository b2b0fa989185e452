"""While a call-taker writes, and when somebody looks for something: nothing is stored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.problems import documented
from api.routes.appeals import new_appeal
from api.routing import JsonRoute
from api.schemas.appeals import AppealOut, DraftIn, FoundList, FoundOut, HintOut, SimilarHintOut
from api.schemas.common import SOMETHING
from api.schemas.decisions import DecisionRecord
from api.security import ServiceDep, allowed
from triage.casework import finding, typing
from triage.store.access import Actor

router = APIRouter(tags=["typing 录入与查找"], route_class=JsonRoute)

Writer = Annotated[Actor, Depends(allowed("appeal.hint"))]
Reader = Annotated[Actor, Depends(allowed("appeal.read"))]


@router.post("/v1/triage", responses=documented(401, 403, 415, 422, 429), summary="录入时提示 / decide only")
def hint(body: DraftIn, service: ServiceDep, actor: Writer) -> HintOut:
    """Suggest units, risk and possible duplicates for a draft. Nothing is stored; call it as often as the writer pauses."""
    found = typing.hint(service.desk, actor, new_appeal(body))
    similar = [
        SimilarHintOut(
            appeal=AppealOut.model_validate(one.appeal), probability=one.probability, different_place=one.vetoed
        )
        for one in found.similar
    ]
    return HintOut(decision=DecisionRecord.model_validate(found.decision.to_record()), similar=similar)


@router.get("/v1/search", responses=documented(401, 403, 422, 429), summary="查找诉求 / search")
def search(
    service: ServiceDep,
    actor: Reader,
    q: Annotated[str, Query(min_length=1, max_length=200, pattern=SOMETHING, description="词语或一段话")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> FoundList:
    """Return appeals of the last half year that hold every word, then those of any time that read alike."""
    found = finding.find(service.desk, actor, q, limit=limit)
    items = [
        FoundOut(appeal=AppealOut.model_validate(one.appeal), words=one.words, closeness=one.closeness) for one in found
    ]
    return FoundList(items=items)
