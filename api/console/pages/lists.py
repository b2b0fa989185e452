"""诉求清单: the appeals behind a figure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework import slices
from triage.casework.slices import KINDS, UNKNOWN, Slice
from triage.errors import InputError
from triage.store.appeals import Cursor

router = page_router()

Reader = Annotated[Visit, Depends(visitor("appeal.read"))]
Words = Annotated[str, Field(max_length=100)]

PATH = "/console/list"
PAGE = 50
LONGEST = timedelta(days=400)
NAMES = {"district": "区划", "l1": "类别", "unit": "单位", "level": "风险等级", "state": "办理状态"}
CASE_STATES = {"waiting": "待派单", "assigned": "办理中", "closed": "已办结", "joined": "并入主件"}


def address(wanted: Slice) -> str:
    """Return the address of the list of a slice."""
    fields: dict[str, str] = {"kind": wanted.kind, "since": wanted.since.isoformat(), "until": wanted.until.isoformat()}
    fields |= {name: getattr(wanted, name) for name in ("district", "l1", "unit", "state")}
    fields["level"] = "" if wanted.level is None else str(wanted.level)
    return f"{PATH}?{urlencode({name: value for name, value in fields.items() if value})}"


class Asked(BaseModel):
    """The address of a list; empty fields mean: any."""

    since: Words
    until: Words
    kind: Words = slices.RECEIVED
    district: Words = ""
    l1: Words = ""
    unit: Words = ""
    level: Annotated[int | None, Field(ge=0, le=4)] = None
    state: Words = ""
    cursor: Annotated[str, Field(max_length=200)] = ""


@router.get("/list")
def show(visit: Reader, asked: Annotated[Asked, Query()]) -> Response:
    """Show the appeals of a slice, newest first."""
    begin, end = _moment(asked.since), _moment(asked.until)
    if not timedelta(0) <= end - begin <= LONGEST:
        raise InputError(f"清单的起止时间应先后相接，且不超过 {LONGEST.days} 天")
    named = {name: getattr(asked, name) for name in ("kind", "district", "l1", "unit", "level")}
    wanted = Slice(since=begin, until=end, state=_state(asked.state), **named)
    after = Cursor.parse(asked.cursor) if asked.cursor else None
    page, total = slices.listed(visit.desk, visit.actor, wanted, after=after, limit=PAGE)
    following = f"{address(wanted)}&{urlencode({'cursor': page.next.to_text()})}" if page.next else ""
    shown: dict[str, Any] = {"page": page, "next": following}
    if visit.partial:
        return visit.fragment("lists/_rows.html", **shown)
    return visit.page("lists/index.html", title="诉求清单", total=total, chips=_chips(wanted), slice=wanted, **shown)


def _chips(wanted: Slice) -> list[tuple[str, str]]:
    """Return what restricts the list, in words."""
    values: Mapping[str, str] = {
        "district": wanted.district,
        "l1": wanted.l1,
        "unit": wanted.unit,
        "level": "" if wanted.level is None else f"{wanted.level}级",
        "state": CASE_STATES.get(wanted.state, ""),
    }
    named = [(NAMES[name], "不明" if value == UNKNOWN else value) for name, value in values.items() if value]
    return [("情形", KINDS[wanted.kind]), *named]


def _state(text: str) -> str:
    if text and text not in CASE_STATES:
        raise InputError(f"办理状态应为 {'、'.join(CASE_STATES)} 之一")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("清单的起止时间应形如 2026-03-02T00:00:00+08:00") from error
    if moment.tzinfo is None or not 1990 <= moment.year <= 2099:
        raise InputError("清单的起止时间应带时区，且在 1990 年至 2099 年之间")
    return moment
