"""The dispatcher's queue: appeals with what a person needs to see of each at a glance, in an order of urgency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, select, text, tuple_

from triage.store import schema
from triage.store.appeals import AppealView

MOST = 200
"""Most appeals of one page."""
COUNTED = 1_000
"""No count goes further: whether 1,000 or 50,000 wait makes no difference to what is done next."""

WAITING, RETURNED, HELD, ASSIGNED = "waiting", "returned", "held", "assigned"
TRAYS: Mapping[str, str] = {WAITING: "待派单", RETURNED: "退回待派", HELD: "自动派单待发", ASSIGNED: "已派单"}
"""Tray → its name."""
RISK, LATEST, DUE = "risk", "latest", "due"
ORDERS: Mapping[str, str] = {RISK: "风险优先", LATEST: "最新在前", DUE: "时限优先"}
"""Order → its name."""

_appeals, _decisions, _events = schema.appeals, schema.decisions, schema.events
_record = _decisions.c.record
_NEVER = text("'infinity'::timestamptz")


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxFilter:
    """Which appeals; empty fields mean: any.

    Attributes:
        tray: One of `TRAYS`.
        order: One of `ORDERS`.
        district: The district.
        channel: Where it came from.
        l1: First-level category.
        unit: The responsible unit.
        level_at_least: Least risk level.
    """

    tray: str = WAITING
    order: str = RISK
    district: str = ""
    channel: str = ""
    l1: str = ""
    unit: str = ""
    level_at_least: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxItem:
    """An appeal of the queue.

    Attributes:
        appeal: Masked.
        unit: The unit proposed first; empty where none is.
        probability: Its probability.
        route_out: The other channel that it belongs to; empty for none.
        demands: How many demands it holds.
        size: Appeals of its event, in all districts.
    """

    appeal: AppealView
    unit: str
    probability: float
    route_out: str
    demands: int
    size: int


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of the queue, and its last appeal where more follow."""

    items: tuple[InboxItem, ...]
    next: UUID | None


def page(connection: Connection, wanted: InboxFilter, *, after: UUID | None = None, limit: int = 40) -> InboxPage:
    """Return visible appeals in the wanted order.

    Args:
        connection: In a transaction with a scope.
        wanted: Which, and in which order.
        after: `InboxPage.next` of the page before; its place stays known when somebody has dispatched it meanwhile.
        limit: Most appeals, 1 to `MOST`.
    """
    limit = max(1, min(limit, MOST))
    conditions = _conditions(wanted)
    if after is not None:
        conditions.append(_behind(wanted.order, after))
    key, descending = _key(wanted.order, _appeals.c)
    order = [column.desc() if descending else column for column in key]
    chosen = select(_appeals.c.id).where(*conditions).order_by(*order).limit(limit + 1)
    ids = list(connection.execute(chosen).scalars())
    rows = {row.id: row for row in connection.execute(_shown(ids[:limit]))}
    items = tuple(_item(rows[id_]) for id_ in ids[:limit] if id_ in rows)
    return InboxPage(items, ids[limit - 1] if len(ids) > limit else None)


def count(connection: Connection, wanted: InboxFilter) -> int:
    """Return how many appeals a tray holds, at most `COUNTED`."""
    some = select(literal(1)).select_from(_appeals).where(*_conditions(wanted)).limit(COUNTED).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _conditions(wanted: InboxFilter) -> list[ColumnElement[bool]]:
    appeal = _appeals.c
    found: list[ColumnElement[bool]] = [_TRAY[wanted.tray]]
    for name in ("district", "channel", "l1", "unit"):
        if getattr(wanted, name):
            found.append(appeal[name] == getattr(wanted, name))
    if wanted.level_at_least is not None:
        found.append(appeal.risk_level >= wanted.level_at_least)
    return found


_waiting = _appeals.c.case_state == "waiting"
_TRAY: Mapping[str, ColumnElement[bool]] = {
    WAITING: and_(_waiting, _appeals.c.delivery_state.not_in(("held", "returned"))),
    RETURNED: and_(_waiting, _appeals.c.delivery_state == "returned"),
    HELD: and_(_waiting, _appeals.c.delivery_state == "held"),
    ASSIGNED: _appeals.c.case_state == "assigned",
}


def _key(order: str, columns: Any) -> tuple[list[ColumnElement[Any]], bool]:
    """Return what an order sorts by, and whether the highest comes first; the indexes of migration 0012 are the same."""
    if order == RISK:
        return [columns.risk_level, columns.received_at, columns.id], True
    if order == DUE:
        return [func.coalesce(columns.finish_by, _NEVER), columns.id], False
    return [columns.received_at, columns.id], True


def _behind(order: str, after: UUID) -> ColumnElement[bool]:
    last = _appeals.alias("last")
    mark = select(*_key(order, last.c)[0]).where(last.c.id == after).scalar_subquery()
    key, descending = _key(order, _appeals.c)
    return tuple_(*key) < mark if descending else tuple_(*key) > mark


_VIEW = tuple(_appeals.c[name] for name in AppealView.__dataclass_fields__)


def _shown(ids: Sequence[UUID]) -> Select[Any]:
    first = _record["unit"]["candidates"][0]
    here = (_decisions.c.appeal_id == _appeals.c.id) & (_decisions.c.version == _appeals.c.decision_version)
    return (
        select(
            *_VIEW,
            first["name"].as_string().label("proposed"),
            first["probability"].as_float().label("probability"),
            _record["route_out"]["channel"].as_string().label("route_out"),
            func.json_array_length(_record["demands"]).label("demands"),
            _events.c.size.label("event_size"),
        )
        .join_from(_appeals, _decisions, here, isouter=True)
        .join(_events, _events.c.id == _appeals.c.event_id, isouter=True)
        .where(_appeals.c.id.in_(ids))
    )


def _item(row: Any) -> InboxItem:
    found: Mapping[str, Any] = row._mapping
    return InboxItem(
        appeal=AppealView(**{name: found[name] for name in AppealView.__dataclass_fields__}),
        unit=row.proposed or "",
        probability=row.probability or 0.0,
        route_out=row.route_out or "",
        demands=row.demands or 0,
        size=row.event_size or 1,
    )
