"""Receiving appeals: each is scored, given its event and recorded with everything that follows, in one transaction.

Scoring needs no database and comes first. Then one transaction holds the buckets of the appeal (its text, its places), so
that two appeals about one event which arrive at the same instant see each other, while all others go on undisturbed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from triage.casework.desk import ActiveTriage, Desk
from triage.casework.intake import NewAppeal, Prepared, prepare, storable
from triage.casework.lifecycle import supplements
from triage.casework.recording import record
from triage.casework.rights import require
from triage.errors import TriageError
from triage.events.signature import hash_text
from triage.store import appeals, assignment, idempotency
from triage.store.access import EVERYWHERE, Actor, Scope
from triage.store.assignment import Link
from triage.store.errors import DuplicateReference, StoreUnavailable
from triage.store.signatures import buckets

CHUNK = 100
"""Appeals recorded in one transaction by `receive_many`: long enough to be fast, short enough not to hold others up."""

_LATER = frozenset(("no_automation", "supplements"))
"""Fields that appeals did not have in the first release."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkView:
    """A link to an older appeal that the actor may see."""

    appeal_id: UUID
    probability: float
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The answer to an appeal.

    Attributes:
        appeal_id: Its id in the store.
        created: Whether it was recorded now; False repeats the first answer to the same idempotency key.
        decision_record: The first decision about it, as `triage.decision.Decision.to_record`.
        event_id: The event it was given.
        links: To older appeals of the actor's districts, most probable first.
        supplements: The ticket that it adds to; None for a case of its own.
        dispatch: What automatic dispatch made of it now; empty for a repeated answer.
    """

    appeal_id: UUID
    created: bool
    decision_record: Mapping[str, Any]
    event_id: UUID
    links: tuple[LinkView, ...]
    supplements: UUID | None = None
    dispatch: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An appeal that was not recorded.

    Attributes:
        error: Why; a `DuplicateReference` names the appeal that is stored already.
    """

    error: TriageError


def receive(desk: Desk, actor: Actor, appeal: NewAppeal, *, idempotency_key: str | None = None) -> Receipt:
    """Receive an appeal.

    Args:
        desk: Composition.
        actor: Who delivers it.
        appeal: As delivered.
        idempotency_key: Chosen by whoever delivers; repeating it with the same appeal gives the first answer again.

    Raises:
        IdempotencyConflict: The key was used for another appeal.
        DuplicateReference: The channel has delivered this reference before.
        NotFound: The ticket that it adds to is not there, or not visible to the actor.
        StateConflict: The ticket that it adds to is closed.
        Refused: The actor may not, or the appeal belongs to a district outside the scope.
        StoreUnavailable: The database cannot be reached; with a key it is safe to try again.
    """
    require(actor, "appeal.post")
    active = desk.current()
    request = _request(actor, appeal, idempotency_key)
    (prepared,) = prepare(desk, active, supplements.addressed(desk, actor, [appeal]), scope=actor.scope)
    with desk.database.transaction(EVERYWHERE) as connection:
        assignment.lock(connection, _buckets(prepared, request))
        receipt = _receive(connection, desk, active, prepared, actor=actor, request=request)
    _log(receipt)
    return receipt


def receive_many(desk: Desk, actor: Actor, new: Sequence[NewAppeal]) -> list[Receipt | Failure]:
    """Receive appeals in order, a chunk per transaction; the answers are those of `receive`, one by one.

    An appeal that cannot be recorded is a `Failure` and spoils no other. Where a whole chunk fails, its appeals are tried
    one by one.

    Raises:
        StoreUnavailable: The database cannot be reached; the chunks before were recorded.
    """
    require(actor, "appeal.post")
    found: list[Receipt | Failure] = []
    for at in range(0, len(new), CHUNK):
        found += _receive_chunk(desk, actor, new[at : at + CHUNK])
    return found


def _receive_chunk(desk: Desk, actor: Actor, new: Sequence[NewAppeal]) -> list[Receipt | Failure]:
    active = desk.current()
    try:
        prepared = prepare(desk, active, supplements.addressed(desk, actor, new), scope=actor.scope)
        with desk.database.transaction(EVERYWHERE) as connection:
            assignment.lock(connection, [bucket for one in prepared for bucket in _buckets(one, None)])
            receipts = [_receive_or_fail(connection, desk, active, one, actor=actor) for one in prepared]
    except StoreUnavailable as error:
        # A chunk touches many events; where it and another writer wait for each other, the one that gave way goes on singly.
        if error.uncertain or len(new) == 1:
            raise
    except Exception as error:  # a flaw met by one appeal of 100 must not cost the other 99
        if len(new) == 1:
            return [_failure(error)]
    else:
        for receipt in receipts:
            if isinstance(receipt, Receipt):
                _log(receipt)
        return receipts
    return [found for one in new for found in _receive_chunk(desk, actor, [one])]


def _receive_or_fail(
    connection: Connection, desk: Desk, active: ActiveTriage, prepared: Prepared, *, actor: Actor
) -> Receipt | Failure:
    try:
        return _receive(connection, desk, active, prepared, actor=actor, request=None)
    except DuplicateReference as error:  # found by reading, so the transaction is still good
        return Failure(error)


def _receive(
    connection: Connection,
    desk: Desk,
    active: ActiveTriage,
    prepared: Prepared,
    *,
    actor: Actor,
    request: idempotency.Request | None,
) -> Receipt:
    if request is not None:
        earlier = idempotency.answered(connection, request)
        if earlier is not None:
            return _repeated(connection, earlier, scope=actor.scope)
    _refuse_duplicate(connection, prepared, scope=actor.scope)
    recorded = record(connection, desk, active, prepared, actor=actor)
    if request is not None:
        idempotency.add(connection, request, prepared.id, at=desk.clock())
    return Receipt(
        appeal_id=prepared.id,
        created=True,
        decision_record=recorded.record,
        event_id=recorded.event_id,
        links=_visible(recorded.links, actor.scope),
        supplements=UUID(prepared.new.supplements) if prepared.new.supplements else None,
        dispatch=recorded.outcome,
    )


def _repeated(connection: Connection, appeal_id: UUID, *, scope: Scope) -> Receipt:
    """Read the first answer: the first decision, its event and the links found then."""
    kept = appeals.record(connection, appeal_id, version=1)
    return Receipt(
        appeal_id=appeal_id,
        created=False,
        decision_record=kept,
        event_id=UUID(kept["event"]["id"]),
        links=_visible(assignment.links_of(connection, appeal_id), scope),
        supplements=appeals.get(connection, appeal_id).supplements,
    )


def _visible(links: Sequence[Link], scope: Scope) -> tuple[LinkView, ...]:
    seen = (link for link in links if scope.everywhere or link.district in scope.districts)
    ordered = sorted(seen, key=lambda link: (-link.probability, link.appeal_id))
    return tuple(LinkView(appeal_id=x.appeal_id, probability=x.probability, verdict=x.verdict) for x in ordered)


def _refuse_duplicate(connection: Connection, prepared: Prepared, *, scope: Scope) -> None:
    new = prepared.new
    if not new.reference:
        return
    stored = appeals.of_reference(connection, new.channel, new.reference)
    if stored is not None:
        seen = scope.everywhere or appeals.get(connection, stored).district in scope.districts
        message = "该渠道已登记过这个编号的诉求；重复投递无需处理，新的诉求请换用新的编号"
        raise DuplicateReference(message, appeal_id=str(stored) if seen else "")


def _request(actor: Actor, appeal: NewAppeal, key: str | None) -> idempotency.Request | None:
    if key is None:
        return None
    # What an appeal did not have when the key was first used must not make its repetition another appeal.
    said = {name: value for name, value in asdict(appeal).items() if value or name not in _LATER}
    return idempotency.Request(principal=actor.name, key=storable(key), hash=idempotency.request_hash(said))


def _buckets(prepared: Prepared, request: idempotency.Request | None) -> list[int]:
    found = buckets(prepared.signature)
    if prepared.new.reference:
        found.append(hash_text(f"reference {prepared.new.channel}\0{prepared.new.reference}"))
    if request is not None:
        found.append(hash_text(f"request {request.principal}\0{request.key}"))
    return found


def _failure(error: Exception) -> Failure:
    if isinstance(error, TriageError):
        return Failure(error)
    name = type(error).__name__
    kind = "数据库拒绝" if isinstance(error, SQLAlchemyError) else "处理失败"
    _LOG.error("appeal not received", extra={"action": "appeal.failed", "error": name})
    return Failure(TriageError(f"{kind}（{name}）；其余各件不受影响，请把此说明告知维护人员"))


def _log(receipt: Receipt) -> None:
    ids = {"appeal_id": str(receipt.appeal_id), "event_id": str(receipt.event_id)}
    action = "appeal.received" if receipt.created else "appeal.repeated"
    _LOG.info("appeal received", extra={"action": action, **ids})
