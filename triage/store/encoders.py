"""Encoders in the store: which one is active, which stored appeals still lack its vector, and the files it consists of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import Connection, DateTime, Row, Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from models.errors import EncoderError
from triage.store import schema
from triage.store.errors import StoreError
from triage.store.schema.encoders import encoder_parts, encoders
from triage.store.vectors import Vectors

PART = 4 << 20
"""Bytes of one part: small enough to hold in memory, large enough for few rows."""

PREPARING, ACTIVE, LEAVING, RETIRED = "preparing", "active", "leaving", "retired"
HASHED, ONNX = "hashed", "onnx"
SLOTS = (0, 1)

_LOCK = func.pg_advisory_xact_lock(0x656E636F646572)
_TEXTS = (
    "a.id, a.anonymised_at, CASE WHEN a.anonymised_at IS NULL THEN a.title_raw ELSE a.title END AS title, "
    "CASE WHEN a.anonymised_at IS NULL THEN a.content_raw ELSE a.content END AS content"
)
_LACKING = (
    # Anonymised by age the masked text is left; what was erased on request has a tombstone in place of the raw text, and
    # nobody shall find it any more.
    "(a.anonymised_at IS NULL OR a.content_raw = '') AND NOT EXISTS ("
    "SELECT FROM vectors v JOIN encoders e ON e.fingerprint = v.encoder AND e.slot = v.slot "
    "WHERE v.appeal_id = a.id AND v.encoder = :encoder)"
)
_NEXT = text(
    f"SELECT {_TEXTS} FROM appeals a WHERE (CAST(:after AS uuid) IS NULL OR a.id > :after) AND {_LACKING} "  # noqa: S608
    "ORDER BY a.id LIMIT :most"
).bindparams(bindparam("after", type_=Uuid()), bindparam("encoder", type_=Text()))
_FILL = text("""
    INSERT INTO vectors (appeal_id, encoder, district, received_at, vector, slot)
    SELECT a.id, e.fingerprint, a.district, a.received_at, :vector, e.slot
    FROM appeals a JOIN encoders e ON e.fingerprint = :encoder AND e.state <> 'retired'
    WHERE a.id = :appeal_id AND a.anonymised_at IS NOT DISTINCT FROM :anonymised_at
    FOR SHARE OF a
    ON CONFLICT (appeal_id, encoder) DO UPDATE SET vector = excluded.vector, slot = excluded.slot
""").bindparams(
    bindparam("appeal_id", type_=Uuid()),
    bindparam("encoder", type_=Text()),
    bindparam("anonymised_at", type_=DateTime(timezone=True)),
    bindparam("vector", type_=HALFVEC(schema.DIMENSIONS)),
)
_FORGET = text("SELECT removed, reached FROM vectors_forget(CAST(:after AS uuid), :batch)").bindparams(
    bindparam("after", type_=Uuid())
)
_IS_OVER = text("""
    SELECT activated_at < now() - make_interval(secs => :seconds) FROM encoders WHERE fingerprint = :encoder
""")
_STRANGERS = text("""
    SELECT EXISTS (SELECT FROM vectors v WHERE NOT EXISTS (
        SELECT FROM encoders e WHERE e.fingerprint = v.encoder AND e.state <> 'retired'))
""")
_TAKEN = text("SELECT DISTINCT slot FROM vectors WHERE encoder <> :encoder").bindparams(
    bindparam("encoder", type_=Text())
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEncoder:
    """An encoder in the store.

    Attributes:
        fingerprint: What tells its vectors from those of any other.
        name: For people.
        kind: ``hashed`` (a hashed projection) or ``onnx``.
        state: One of `triage.store.schema.encoders.ENCODER_STATES`.
        slot: Its vector index, 0 or 1; None when retired.
        manifest: What it says about itself.
        sha256: Of its packed files, hex.
        size: Bytes of its packed files.
        job_id: The job that encodes stored appeals with it; None where none was needed.
        reached: The last appeal that the job has dealt with.
        added_by: Who added it.
        added_at: When.
        activated_at: When it last became active; None if never.
    """

    fingerprint: str
    name: str
    kind: str
    state: str
    slot: int | None
    manifest: Mapping[str, Any]
    sha256: str
    size: int
    job_id: UUID | None
    reached: UUID | None
    added_by: str
    added_at: datetime
    activated_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lacking:
    """A stored appeal that has no vector of an encoder yet.

    Attributes:
        id: The appeal.
        title: Raw; masked where it was anonymised.
        content: Raw; masked where it was anonymised.
        anonymised_at: When it was; if that changes meanwhile, a vector made of this text is not stored.
    """

    id: UUID
    title: str
    content: str
    anonymised_at: datetime | None


_FIELDS = tuple(StoredEncoder.__slots__)
_COLUMNS = tuple(encoders.c[field] for field in _FIELDS)


def lock(connection: Connection) -> None:
    """Let one change of what is active happen after the other."""
    connection.execute(select(_LOCK))


def add(
    connection: Connection,
    packed: bytes,
    *,
    fingerprint: str,
    name: str,
    kind: str,
    manifest: Mapping[str, Any],
    actor: str,
    at: datetime,
) -> StoredEncoder:
    """Store an encoder's files; one that is there already stays as it is."""
    values = {"fingerprint": fingerprint, "name": name, "kind": kind, "manifest": dict(manifest), "added_at": at}
    values |= {"sha256": hashlib.sha256(packed).hexdigest(), "size": len(packed), "added_by": actor}
    added = connection.execute(
        insert(encoders).values(**values).on_conflict_do_nothing().returning(encoders.c.fingerprint)
    ).scalar_one_or_none()
    if added is not None:
        for number, first in enumerate(range(0, len(packed), PART)):
            part = {"fingerprint": fingerprint, "part": number, "data": packed[first : first + PART]}
            connection.execute(insert(encoder_parts).values(part))
    return get(connection, fingerprint)


def fetch(connection: Connection, stored: StoredEncoder) -> bytes:
    """Return an encoder's packed files.

    Raises:
        EncoderError: The parts are not what was stored.
    """
    part = encoder_parts.c
    query = select(part.data).where(part.fingerprint == stored.fingerprint).order_by(part.part)
    packed = b"".join(connection.execute(query).scalars())
    if hashlib.sha256(packed).hexdigest() != stored.sha256:
        raise EncoderError(f"数据库中的编码器 {stored.name} 已损坏（sha256 不符），请重新启用")
    return packed


def get(connection: Connection, fingerprint: str) -> StoredEncoder:
    """Return the encoder of that fingerprint.

    Raises:
        StoreError: There is none.
    """
    row = connection.execute(select(*_COLUMNS).where(encoders.c.fingerprint == fingerprint)).one_or_none()
    if row is None:
        raise StoreError(f"没有编码器 {fingerprint[:80]}；用 triage encoder list 查看")
    return _encoder(row)


def of_job(connection: Connection, job_id: UUID) -> StoredEncoder | None:
    """Return the encoder that a job is about; None if another job has taken its place."""
    row = connection.execute(select(*_COLUMNS).where(encoders.c.job_id == job_id)).one_or_none()
    return _encoder(row) if row else None


def listed(connection: Connection) -> list[StoredEncoder]:
    """Return all encoders, the one added last first."""
    order = encoders.c.added_at.desc(), encoders.c.fingerprint
    return [_encoder(row) for row in connection.execute(select(*_COLUMNS).order_by(*order))]


def in_use(connection: Connection) -> tuple[StoredEncoder, ...]:
    """Return the encoders whose vectors are kept: the active one first, if there is one."""
    query = select(*_COLUMNS).where(encoders.c.state != RETIRED)
    found = [_encoder(row) for row in connection.execute(query)]
    return tuple(sorted(found, key=lambda one: (one.state != ACTIVE, one.fingerprint)))


def set_state(connection: Connection, fingerprint: str, state: str, **values: Any) -> None:
    """Change an encoder's state; the caller holds `lock`. A retired one gives its slot back."""
    if state == RETIRED:
        values |= {"slot": None, "reached": None}
    connection.execute(update(encoders).where(encoders.c.fingerprint == fingerprint).values(state=state, **values))


def free_slot(connection: Connection, fingerprint: str) -> int:
    """Return a slot for the first active encoder: one without vectors of others, so that its graph is its own."""
    taken = set(connection.execute(_TAKEN, {"encoder": fingerprint}).scalars())
    return next((slot for slot in SLOTS if slot not in taken), SLOTS[0])


def lacking(connection: Connection, fingerprint: str, *, after: UUID | None, most: int) -> list[Lacking]:
    """Return the next appeals without a vector of an encoder, in the order of their ids."""
    rows = connection.execute(_NEXT, {"encoder": fingerprint, "after": after, "most": most})
    return [Lacking(id=x.id, title=x.title, content=x.content, anonymised_at=x.anonymised_at) for x in rows]


def fill(connection: Connection, fingerprint: str, appeals: Sequence[Lacking], vectors: Vectors) -> None:
    """Store vectors of appeals that lacked them.

    Appeals that were erased or anonymised since they were read get none; an erasure that begins now waits and removes it.

    Args:
        connection: In a transaction of the whole city.
        fingerprint: The encoder.
        appeals: As `lacking` returned them.
        vectors: float32[n, 256], a row per appeal.
    """
    rows = [
        {"appeal_id": one.id, "encoder": fingerprint, "anonymised_at": one.anonymised_at, "vector": HalfVector(vector)}
        for one, vector in zip(appeals, vectors, strict=True)
    ]
    if rows:
        connection.execute(_FILL, rows)


def reach(connection: Connection, fingerprint: str, *, before: UUID | None, after: UUID | None) -> bool:
    """Note how far the work is; False if somebody else has done this piece meanwhile."""
    mine = (encoders.c.fingerprint == fingerprint) & encoders.c.reached.is_not_distinct_from(before)
    return connection.execute(update(encoders).where(mine).values(reached=after)).rowcount == 1


def is_followed(connection: Connection, fingerprint: str, *, within: float) -> bool:
    """Tell whether an encoder became active longer ago than other processes take to notice.

    Args:
        connection: In a transaction.
        fingerprint: The encoder.
        within: Seconds, by the database's clock, which all processes share.
    """
    return bool(connection.execute(_IS_OVER, {"encoder": fingerprint, "seconds": within}).scalar_one())


def has_strangers(connection: Connection) -> bool:
    """Tell whether there are vectors that no encoder in use has made."""
    return bool(connection.execute(_STRANGERS).scalar_one())


def forget(connection: Connection, *, after: UUID | None, batch: int) -> tuple[int, UUID | None]:
    """Remove vectors that no encoder in use has made, among the next ``batch``.

    Returns:
        How many were removed, and the last appeal that was looked at; None at the end.
    """
    row = connection.execute(_FORGET, {"after": after, "batch": batch}).one()
    return row.removed, row.reached


def set_total(connection: Connection, job_id: UUID, total: int) -> None:
    """Note how much a job has to do."""
    connection.execute(update(schema.jobs).where(schema.jobs.c.id == job_id).values(total=total))


def advance(connection: Connection, job_id: UUID, count: int) -> None:
    """Note that a job has done more; appeals that came in meanwhile let its total grow."""
    column = schema.jobs.c
    done = column.done + count
    values = {"done": done, "total": func.greatest(column.total, done)}
    connection.execute(update(schema.jobs).where(column.id == job_id).values(**values))


def count_appeals(connection: Connection) -> int:
    """Return how many appeals there are."""
    return int(connection.execute(select(func.count()).select_from(schema.appeals)).scalar_one())


def _encoder(row: Row[Any]) -> StoredEncoder:
    return StoredEncoder(**{field: getattr(row, field) for field in _FIELDS})
