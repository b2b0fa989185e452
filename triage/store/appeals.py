"""Appeals: recording them, and reading them masked. Raw texts are written here and read only by `privacy.unmask`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, tuple_

from triage.store import decisions, schema
from triage.store.errors import NotFound, StoreError

MOST = 200
"""Most appeals of one page."""

SHOWN_LINKS = 20
"""Most similar appeals listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRow:
    """A row of the table of appeals; the fields are its columns."""

    id: UUID
    reference: str
    channel: str
    received_at: datetime
    created_at: datetime | None
    title_raw: str
    content_raw: str
    address_raw: str
    title: str
    content: str
    address: str
    appellant: bytes | None
    district: str
    unit: str
    case_state: str
    delivery_state: str
    risk_level: int
    risk_score: float
    l1: str
    l2: str
    function: str
    type: str
    event_id: UUID
    finish_by: datetime | None
    no_automation: bool = False
    supplements: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AppealView:
    """An appeal as people see it: masked.

    Attributes:
        id: The appeal.
        reference: The channel's own number; may be empty.
        channel: Where it came from.
        received_at: When it was recorded.
        created_at: When it was written; None when unknown.
        title: Masked.
        content: Masked.
        address: Masked.
        district: The district it belongs to; empty for none or unknown.
        unit: The responsible unit; empty while it waits.
        case_state: One of `schema.CASE_STATES`.
        delivery_state: One of `schema.DELIVERY_STATES`.
        risk_level: 0 … 4.
        risk_score: P(level ≥ 3).
        l1: First-level category.
        l2: Second-level category.
        function: Most probable function.
        type: Most probable type.
        event_id: Its event.
        decision_version: Number of the present proposal.
        finish_by: When it must be finished; None without a rule.
        anonymised_at: When its texts were removed; None while they are there.
        answer_state: One of `schema.ANSWER_STATES`.
        first_unit: The unit that took it on first (首接); empty until one did.
        supplements: The ticket that it adds to; None for a case of its own.
        no_automation: Whether the appellant objects to a decision by machine alone.
    """

    id: UUID
    reference: str
    channel: str
    received_at: datetime
    created_at: datetime | None
    title: str
    content: str
    address: str
    district: str
    unit: str
    case_state: str
    delivery_state: str
    risk_level: int
    risk_score: float
    l1: str
    l2: str
    function: str
    type: str
    event_id: UUID
    decision_version: int
    finish_by: datetime | None
    anonymised_at: datetime | None
    answer_state: str
    first_unit: str
    supplements: UUID | None
    no_automation: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarView:
    """A visible appeal that is linked to another one.

    Attributes:
        appeal: Masked.
        probability: Of the same event, 0 to 1.
        verdict: ``same``, ``unsure``, ``apart`` or ``similar``.
    """

    appeal: AppealView
    probability: float
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AppealFilter:
    """Which appeals are listed; None and empty mean: any.

    Attributes:
        case_state: One of `schema.CASE_STATES`.
        delivery_state: One of `schema.DELIVERY_STATES`.
        answer_state: One of `schema.ANSWER_STATES`.
        unit: The responsible unit.
        district: The district.
        channel: Where it came from.
        risk_at_least: Least risk level.
        event_id: The event.
        since: Received at this time or later.
        until: Received before this time.
        words: Blank-separated words that must all stand in the masked title or text.
    """

    case_state: str = ""
    delivery_state: str = ""
    answer_state: str = ""
    unit: str = ""
    district: str = ""
    channel: str = ""
    risk_at_least: int | None = None
    event_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last appeal of a page; the next page goes on behind it, whatever was added meanwhile."""

    received_at: datetime
    id: UUID

    def to_text(self) -> str:
        """Return it for a URL."""
        return base64.urlsafe_b64encode(f"{self.received_at.isoformat()} {self.id}".encode("ascii")).decode("ascii")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `to_text` wrote.

        Raises:
            StoreError: It was not written by `to_text`.
        """
        try:
            moment, _, id_ = (
                base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True).decode("ascii").partition(" ")
            )
            received_at, last = datetime.fromisoformat(moment), UUID(id_)
        except (ValueError, UnicodeError, binascii.Error) as error:
            raise StoreError("翻页参数 cursor 无效；请使用上一页返回的值") from error
        if received_at.tzinfo is None:
            raise StoreError("翻页参数 cursor 无效；请使用上一页返回的值")
        return cls(received_at, last)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of appeals, newest first, and where the next one begins; None after the last."""

    items: tuple[AppealView, ...]
    next: Cursor | None


_VIEW = tuple(schema.appeals.c[field.name] for field in fields(AppealView))


def add(connection: Connection, row: NewRow) -> None:
    """Record an appeal."""
    connection.execute(insert(schema.appeals), {field.name: getattr(row, field.name) for field in fields(NewRow)})


def get(connection: Connection, appeal_id: UUID) -> AppealView:
    """Return an appeal.

    Raises:
        NotFound: There is none, or it is not visible.
    """
    row = connection.execute(select(*_VIEW).where(schema.appeals.c.id == appeal_id)).one_or_none()
    if row is None:
        raise NotFound(f"没有诉求 {appeal_id}，或不在可见区划内")
    return _view(row)


def get_many(connection: Connection, appeal_ids: Sequence[UUID]) -> dict[UUID, AppealView]:
    """Return those of the appeals that are visible."""
    if not appeal_ids:
        return {}
    rows = connection.execute(select(*_VIEW).where(schema.appeals.c.id.in_(appeal_ids)))
    return {row.id: _view(row) for row in rows}


def record(connection: Connection, appeal_id: UUID, *, version: int | None = None) -> Mapping[str, Any]:
    """Return the record of the present decision about an appeal, or of another version.

    Raises:
        NotFound: There is none, or it is not visible.
    """
    number = version if version is not None else get(connection, appeal_id).decision_version
    found = decisions.record(connection, appeal_id, number)
    if found is None:
        raise NotFound(f"没有诉求 {appeal_id} 的第{number}版研判，或不在可见区划内")
    return found


def page(
    connection: Connection, wanted: AppealFilter | None = None, *, after: Cursor | None = None, limit: int = 50
) -> Page:
    """Return visible appeals, newest first.

    Args:
        connection: In a transaction with a scope.
        wanted: Which ones.
        after: `Page.next` of the page before.
        limit: Most appeals, 1 to `MOST`.
    """
    appeal = schema.appeals.c
    limit = max(1, min(limit, MOST))
    conditions = _conditions(wanted or AppealFilter())
    if after is not None:
        conditions.append(tuple_(appeal.received_at, appeal.id) < (after.received_at, after.id))
    order = (appeal.received_at.desc(), appeal.id.desc())
    rows = connection.execute(select(*_VIEW).where(and_(True, *conditions)).order_by(*order).limit(limit + 1)).all()
    items = tuple(_view(row) for row in rows[:limit])
    return Page(items, Cursor(items[-1].received_at, items[-1].id) if len(rows) > limit else None)


def of_reference(connection: Connection, channel: str, reference: str) -> UUID | None:
    """Return the visible appeal that a channel delivered under a reference."""
    appeal = schema.appeals.c
    found: UUID | None = connection.execute(
        select(appeal.id).where(appeal.channel == channel, appeal.reference == reference, appeal.reference != "")
    ).scalar_one_or_none()
    return found


def references(connection: Connection, channel: str, wanted: Sequence[str]) -> set[str]:
    """Return those of the references that a channel has delivered."""
    appeal = schema.appeals.c
    if not wanted:
        return set()
    rows = connection.execute(
        select(appeal.reference).where(appeal.channel == channel, appeal.reference.in_(wanted), appeal.reference != "")
    )
    return {row.reference for row in rows}


def similar(connection: Connection, appeal_id: UUID) -> list[SimilarView]:
    """Return the visible appeals that are linked to an appeal, in either direction, most probable first.

    Raises:
        NotFound: The appeal is not there or not visible.
    """
    get(connection, appeal_id)
    link = schema.links.c
    rows = connection.execute(
        select(link.appeal_id, link.other_id, link.probability, link.verdict)
        .where(or_(link.appeal_id == appeal_id, link.other_id == appeal_id))
        .order_by(link.probability.desc(), link.appeal_id, link.other_id)
        .limit(10 * SHOWN_LINKS)
    ).all()
    others = {row: row.other_id if row.appeal_id == appeal_id else row.appeal_id for row in rows}
    views = get_many(connection, list(others.values()))
    found = [
        SimilarView(appeal=views[other], probability=row.probability, verdict=row.verdict)
        for row, other in others.items()
        if other in views
    ]
    return found[:SHOWN_LINKS]


def _view(row: Row[Any]) -> AppealView:
    return AppealView(**row._mapping)


def _conditions(wanted: AppealFilter) -> list[ColumnElement[bool]]:
    appeal = schema.appeals.c
    exact = ("case_state", "delivery_state", "answer_state", "unit", "district", "channel")
    found: list[ColumnElement[bool]] = [
        appeal[name] == getattr(wanted, name) for name in exact if getattr(wanted, name)
    ]
    if wanted.risk_at_least is not None:
        found.append(appeal.risk_level >= wanted.risk_at_least)
    if wanted.event_id is not None:
        found.append(appeal.event_id == wanted.event_id)
    if wanted.since is not None:
        found.append(appeal.received_at >= wanted.since)
    if wanted.until is not None:
        found.append(appeal.received_at < wanted.until)
    for word in wanted.words.split():
        found.append(or_(appeal.title.contains(word, autoescape=True), appeal.content.contains(word, autoescape=True)))
    return found
