"""Which event a new appeal belongs to, decided inside the transaction that records it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, case, func, insert, select, text, update

from models.pairs import PairScorer
from triage.events import LinkSettings, Signature
from triage.events.arrival import APPELLANT, Scored, choose_group, score_arrival
from triage.store import event_counts, event_steps, schema, search, signatures

SAME, UNSURE, APART, SIMILAR = "same", "unsure", "apart", "similar"
"""Verdicts of a link: one event; perhaps; different places though alike; alike, but the other's event is closed."""

COMPARED = 12
"""Candidates that the pair scorer reads, as many as when a whole file is linked. Of 82 sample pairs that it holds for one
event at 0.4 or more, none stood farther back."""

MEMBERS = 8
"""Members of a candidate's event that are compared: the first four and the last four."""

EVENTS = 6
"""Events whose members are compared, those of the most probable candidates."""

Row = TypeVar("Row")

_NAMESPACE = 0x747269 << 32
"""Keeps these advisory locks apart from those of other programs in one database; the lower 32 bits are the bucket."""

_BUCKETS = (1 << 16) - 1
"""Buckets are folded into 65,536, so that a large transaction cannot exhaust the server's table of locks."""

_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(:keys) AS key").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Newcomer:
    """A new appeal as assignment sees it.

    Attributes:
        signature: For the pair scorer.
        query: For the search of candidates.
    """

    signature: Signature
    query: search.Query


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link from a new appeal to an older one.

    Attributes:
        appeal_id: The older one.
        district: Its district.
        probability: Of the same event, 0 to 1.
        verdict: `SAME`, `UNSURE`, `APART` or `SIMILAR`.
    """

    appeal_id: UUID
    district: str
    probability: float
    verdict: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """The event of a new appeal.

    Attributes:
        event_id: An existing event; None: it begins one.
        links: To older appeals, most probable first.
    """

    event_id: UUID | None
    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventChange:
    """What a new appeal brings to its event.

    Attributes:
        event_id: The event.
        title: What the event is called if the appeal begins it.
        keywords: Likewise.
        unit: Proposed for the appeal; empty when none is.
        l1: Its first-level category.
        l2: Its second-level category.
        district: Whose it is.
        risk_level: 0 … 4.
        at: When it was received.
    """

    event_id: UUID
    title: str = ""
    keywords: tuple[str, ...] = ()
    unit: str = ""
    l1: str = ""
    l2: str = ""
    district: str
    risk_level: int
    at: datetime


@dataclass(frozen=True, slots=True, order=True)
class _Group:
    """Members of an event that are compared together: all, or a part of an event that a person made of several."""

    event_id: UUID
    part: UUID


@dataclass(frozen=True, slots=True)
class _Known:
    """Where a candidate stands, and its signature as stored."""

    event_id: UUID
    district: str
    open: bool
    packed: bytes


def lock(connection: Connection, buckets: Sequence[int]) -> None:
    """Wait until no other transaction holds one of these buckets, and hold them until this one ends.

    They are taken in ascending order, so that two transactions cannot wait for each other. A transaction calls this once,
    before it reads or writes anything that depends on them.
    """
    keys = sorted({_NAMESPACE | (bucket & _BUCKETS) for bucket in buckets})
    connection.execute(_LOCK, {"keys": keys})


def assign(connection: Connection, newcomer: Newcomer, *, scorer: PairScorer, settings: LinkSettings) -> Assignment:
    """Find the event of a new appeal; writes nothing.

    The transaction must see the whole city, since events span districts, and hold the appeal's buckets (`lock`).

    Args:
        connection: In a transaction of scope everywhere.
        newcomer: The new appeal.
        scorer: Trained pair scorer.
        settings: Thresholds.
    """
    hits = search.candidates(connection, newcomer.query, wanted=COMPARED, least=search.LEAST_CLOSENESS)
    known = _known(connection, [hit.appeal_id for hit in hits])
    read = signatures.unpack_all({id_: one.packed for id_, one in known.items()})
    own = signatures.of_appellant(connection, newcomer.query.appellant, most=APPELLANT)
    compare = partial(score_arrival, newcomer.signature, scorer=scorer, settings=settings, appellant=own)
    scored = compare(list(read.values()))
    probable = sorted((s for s in scored if s.probability >= settings.consider_at), key=lambda s: -s.probability)
    groups = _scored_members(connection, scored, _open_events(probable, known), compare)
    link_at = settings.link_at if settings.link_at is not None else scorer.link_at
    allowed = _allowed(connection, groups, scored, link_at=link_at)
    chosen = choose_group(allowed, link_at=link_at)
    joined = chosen.event_id if chosen is not None else None
    # The same words about no particular place are no event, yet whoever reads the one should know of the other.
    copies = {str(hit.appeal_id) for hit in hits if "text" in hit.kinds}
    shown = [s for s in probable if s.probability >= settings.show_at or known[UUID(s.id)].event_id == joined]
    seen = {s.id for s in shown}
    shown += [s for s in scored if s.id in copies - seen]
    links = tuple(_link(s, known[UUID(s.id)], joined) for s in shown[: 2 * settings.shown])
    return Assignment(event_id=joined, links=links)


def begin_event(connection: Connection, change: EventChange, *, now: datetime) -> None:
    """Add the event that a new appeal begins."""
    connection.execute(
        insert(schema.events),
        {
            "id": change.event_id,
            "title": change.title,
            "keywords": list(change.keywords),
            "titled": 1,
            "unit": change.unit,
            "l1": change.l1,
            "l2": change.l2,
            "hot": event_counts.warmth(change.at, change.risk_level),
            "district": change.district,
            "risk_level": change.risk_level,
            "first_at": change.at,
            "last_at": change.at,
            "created_at": now,
        },
    )


def join_event(connection: Connection, change: EventChange) -> int | None:
    """Count a new appeal into its event and return the event's size; None if the event is not open any more.

    What else is told of the event follows when the appeal is in it (`event_counts.recount`). The district of an event
    becomes empty when it spans several.
    """
    event = schema.events.c
    row = connection.execute(
        update(schema.events)
        .where(event.id == change.event_id, event.state == "open")
        .values(
            size=event.size + 1,
            first_at=func.least(event.first_at, change.at),
            last_at=func.greatest(event.last_at, change.at),
            risk_level=func.greatest(event.risk_level, change.risk_level),
            district=case((event.district == change.district, event.district), else_=""),
        )
        .returning(event.size)
    ).one_or_none()
    return None if row is None else int(row.size)


def add_links(connection: Connection, appeal_id: UUID, links: Sequence[Link], *, at: datetime) -> None:
    """Record the links of a new appeal."""
    if links:
        rows = [
            {
                "appeal_id": appeal_id,
                "other_id": link.appeal_id,
                "probability": link.probability,
                "verdict": link.verdict,
                "at": at,
            }
            for link in links
        ]
        connection.execute(insert(schema.links), rows)


def links_of(connection: Connection, appeal_id: UUID) -> list[Link]:
    """Return the links that were recorded with an appeal, to older ones of any district the transaction sees."""
    link, other = schema.links.c, schema.appeals.c
    rows = connection.execute(
        select(link.other_id, other.district, link.probability, link.verdict)
        .join(schema.appeals, other.id == link.other_id)
        .where(link.appeal_id == appeal_id)
    )
    return [
        Link(appeal_id=row.other_id, district=row.district, probability=row.probability, verdict=row.verdict)
        for row in rows
    ]


def _known(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, _Known]:
    if not ids:
        return {}
    appeal, event, signature = schema.appeals.c, schema.events.c, schema.signatures.c
    rows = connection.execute(
        select(appeal.id, appeal.event_id, appeal.district, event.state, signature.packed)
        .join(schema.events, event.id == appeal.event_id)
        .join(schema.signatures, signature.appeal_id == appeal.id)
        .where(appeal.id.in_(ids))
    )
    return {row.id: _Known(row.event_id, row.district, row.state == "open", row.packed) for row in rows}


def _open_events(probable: Sequence[Scored], known: Mapping[UUID, _Known]) -> list[UUID]:
    found = (known[UUID(s.id)] for s in probable if not s.vetoed)
    return list(dict.fromkeys(k.event_id for k in found if k.open))[:EVENTS]


def _scored_members(
    connection: Connection,
    scored: Sequence[Scored],
    events: Sequence[UUID],
    compare: Callable[[Sequence[Signature]], list[Scored]],
) -> dict[_Group, list[Scored]]:
    """Return the newcomer's scores with members of each event; only those that were no candidates are scored anew."""
    members = _members(connection, events)
    by_id = {UUID(s.id): s for s in scored}
    merged = event_steps.joined_by_person(connection, events)
    if merged:
        _add_alike(connection, members, merged, by_id)
    missing = [id_ for ids in members.values() for id_ in ids if id_ not in by_id]
    if missing:
        read = signatures.load(connection, missing)
        by_id.update((UUID(s.id), s) for s in compare(list(read.values())))
    parts = event_steps.parts(connection, [id_ for event in merged for id_ in members[event]])
    found: dict[_Group, list[Scored]] = {}
    for event, ids in members.items():
        for id_ in ids:
            if id_ in by_id:
                found.setdefault(_Group(event, parts.get(id_, event)), []).append(by_id[id_])
    return found


def _add_alike(
    connection: Connection, members: Mapping[UUID, list[UUID]], merged: set[UUID], scored: Mapping[UUID, Scored]
) -> None:
    """Add the candidates to the members of events that a person made of several, whose ends may all be of another part."""
    appeal = schema.appeals.c
    rows = connection.execute(
        select(appeal.id, appeal.event_id)
        .where(appeal.id.in_(list(scored)), appeal.event_id.in_(merged))
        .order_by(appeal.received_at, appeal.id)
    )
    for row in rows:
        if row.id not in members[row.event_id]:
            members[row.event_id].append(row.id)


def _allowed(
    connection: Connection, groups: Mapping[_Group, Sequence[Scored]], candidates: Sequence[Scored], *, link_at: float
) -> dict[_Group, Sequence[Scored]]:
    """Leave out events from which a person took an appeal that the newcomer is more like than what is left there.

    A person parted 甲 from an event; a later copy of 甲 is no part of that event either, even if 甲's own was closed since.
    """
    everyone = {s.id: s for s in candidates} | {s.id: s for members in groups.values() for s in members}
    parted = event_steps.parted(connection, [UUID(id_) for id_ in everyone])
    if not parted:
        return dict(groups)
    alike = [s for s in everyone.values() if not s.vetoed and s.probability >= link_at]
    found = {}
    for group, members in groups.items():
        nearest = max((s.probability for s in members if not s.vetoed), default=0.0)
        taken = (
            s.probability > nearest and any(frozenset((UUID(s.id), UUID(m.id))) in parted for m in members)
            for s in alike
        )
        if not any(taken):
            found[group] = members
    return found


def end_members(members: Sequence[Row]) -> list[Row]:
    """Return the members of an event that are compared, of all of them in the order of time: the first and the last."""
    half = MEMBERS // 2
    return list(members) if len(members) <= MEMBERS else [*members[:half], *members[-half:]]


def _members(connection: Connection, events: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return the first and the last members of each event, in time order."""
    appeal = schema.appeals.c
    columns = (appeal.id, appeal.received_at)
    found: dict[UUID, list[UUID]] = {}
    half = MEMBERS // 2
    for event in events:
        mine = select(*columns).where(appeal.event_id == event)
        first = mine.order_by(appeal.received_at, appeal.id).limit(half).subquery()
        last = mine.order_by(appeal.received_at.desc(), appeal.id.desc()).limit(half).subquery()
        rows = connection.execute(select(first).union(select(last))).all()
        found[event] = [row.id for row in sorted(rows, key=lambda row: (row.received_at, row.id))]
    return found


def _link(scored: Scored, known: _Known, joined: UUID | None) -> Link:
    if scored.vetoed:
        verdict = APART
    elif known.event_id == joined:
        verdict = SAME
    else:
        verdict = UNSURE if known.open else SIMILAR
    return Link(
        appeal_id=UUID(scored.id),
        district=known.district,
        probability=round(scored.probability, 4),
        verdict=verdict,
    )
