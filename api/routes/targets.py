"""Receivers of messages and what became of messages; for administrators of the whole city."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.targets import (
    DeliveryOut,
    DeliveryPage,
    DeliveryState,
    NewTargetOut,
    RemovedOut,
    TargetAddress,
    TargetIn,
    TargetList,
    TargetOut,
    TriedOut,
)
from api.security import ServiceDep, allowed
from triage.casework import targets as use_cases
from triage.casework.targets import NewTarget, Wish
from triage.store.access import Actor
from triage.store.deliveries import FAILED

targets = APIRouter(prefix="/v1/targets", tags=["targets 消息接收方"], route_class=JsonRoute)
deliveries = APIRouter(prefix="/v1/deliveries", tags=["deliveries 消息投递"], route_class=JsonRoute)

Keeper = Annotated[Actor, Depends(allowed("target.change"))]
_ONE = documented(401, 403, 404, 422, 429)
_CHANGE = documented(401, 403, 404, 409, 422, 429)


@targets.get("", responses=documented(401, 403, 429), summary="接收方列表 / list receivers")
def list_targets(service: ServiceDep, actor: Keeper) -> TargetList:
    """Return all receivers by name, with how long they have not been reached."""
    found = use_cases.listed(service.mailroom, actor)
    return TargetList(items=[TargetOut.model_validate(target) for target in found])


@targets.post(
    "", status_code=201, responses=documented(401, 403, 409, 415, 422, 429), summary="新增接收方 / add a receiver"
)
def add_target(body: TargetIn, service: ServiceDep, actor: Keeper) -> NewTargetOut:
    """Add a receiver. Its host must be on the operator's list (``TRIAGE_NOTIFY_HOSTS``)."""
    wish = Wish(
        name=body.name,
        kind=body.kind,
        address=body.address.model_dump(),
        topics=body.topics,
        districts=body.districts,
        least_level=body.least_level,
        repeats=body.repeats,
    )
    return _new(use_cases.add(service.mailroom, actor, wish))


@targets.put(
    "/{target_id}/address",
    responses=documented(401, 403, 404, 415, 422, 429),
    summary="更换地址或密钥 / change the address",
)
def change_address(target_id: UUID, body: TargetAddress, service: ServiceDep, actor: Keeper) -> NewTargetOut:
    """Give a receiver another address or secret; what waits for it goes there, at once."""
    return _new(use_cases.change_address(service.mailroom, actor, target_id, body.model_dump()))


@targets.delete("/{target_id}", responses=_ONE, summary="移除接收方 / remove a receiver")
def remove_target(target_id: UUID, service: ServiceDep, actor: Keeper) -> RemovedOut:
    """Remove a receiver with its address; what waits for it is closed."""
    return RemovedOut(waiting=use_cases.remove(service.mailroom, actor, target_id))


@targets.post("/{target_id}/test", responses=_ONE, summary="发送测试消息 / send a test message")
def try_target(target_id: UUID, service: ServiceDep, actor: Keeper) -> TriedOut:
    """Send a test message now and say how that ended; takes up to half a minute."""
    sent = use_cases.try_out(service.mailroom, actor, target_id)
    return TriedOut(outcome=sent.outcome.value, reason=sent.reason)


@deliveries.get("", responses=documented(401, 403, 422, 429), summary="投递记录 / list deliveries")
def list_deliveries(
    service: ServiceDep,
    actor: Keeper,
    *,
    state: Annotated[
        list[DeliveryState] | None, Query(max_length=6, description="缺省为失败（dead）和存疑（uncertain）")
    ] = None,
    target: Annotated[UUID | None, Query(description="只看该接收方 / of this receiver")] = None,
    cursor: Annotated[UUID | None, Query(description="上一页返回的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeliveryPage:
    """Return deliveries, the latest first; by default those that failed and wait for a person."""
    states = tuple(state) if state else FAILED
    found = use_cases.failed(service.mailroom, actor, states=states, target_id=target, after=cursor, limit=limit + 1)
    items = [DeliveryOut.model_validate(view) for view in found[:limit]]
    return DeliveryPage(items=items, next=items[-1].id if len(found) > limit else None)


@deliveries.post("/{delivery_id}/retry", responses=_CHANGE, summary="重发 / try once more")
def retry(delivery_id: UUID, service: ServiceDep, actor: Keeper) -> DeliveryOut:
    """Have a dead or uncertain delivery sent once more; a receiver may then get an uncertain one twice."""
    return DeliveryOut.model_validate(use_cases.retry(service.mailroom, actor, delivery_id))


@deliveries.post("/{delivery_id}/close", responses=_CHANGE, summary="结清 / close")
def close(delivery_id: UUID, service: ServiceDep, actor: Keeper) -> DeliveryOut:
    """Note that a person has seen to a dead or uncertain delivery, for instance by telephone."""
    return DeliveryOut.model_validate(use_cases.close(service.mailroom, actor, delivery_id))


def _new(made: NewTarget) -> NewTargetOut:
    return NewTargetOut(**TargetOut.model_validate(made.target).model_dump(), secret=made.secret)
