"""The tables of encoders: which one makes the vectors that searches compare, which ones are written besides."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from triage.store.schema.base import metadata, moment, one_of, words

ENCODER_KINDS = ("hashed", "onnx")
ENCODER_STATES = ("preparing", "active", "leaving", "retired")
"""preparing: stored appeals are being encoded with it; active: searches compare its vectors; leaving: it was active until just
now, other processes may still search with it; retired: no vector of it is kept. All but retired ones encode new appeals."""

encoders = Table(
    "encoders",
    metadata,
    Column("fingerprint", Text, primary_key=True, comment="as vectors.encoder names it"),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    words("state", default="retired"),
    Column("slot", SmallInteger, comment="which of the two vector indexes is its own; null when retired"),
    Column("manifest", JSONB, nullable=False, server_default=text("'{}'")),
    Column("sha256", Text, nullable=False, comment="of the packed files"),
    Column("size", BigInteger, nullable=False),
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="SET NULL"), comment="what encodes stored appeals with it"),
    Column("reached", Uuid, comment="the job has dealt with appeals up to this one"),
    Column("added_by", Text, nullable=False),
    moment("added_at"),
    moment("activated_at", null=True),
    one_of("kind", ENCODER_KINDS),
    one_of("state", ENCODER_STATES),
    Index("uq_encoders_active", text("(state = 'active')"), unique=True, postgresql_where=text("state = 'active'")),
    Index("uq_encoders_slot", "slot", unique=True, postgresql_where=text("slot IS NOT NULL")),
)

encoder_parts = Table(
    "encoder_parts",
    metadata,
    Column("fingerprint", Text, ForeignKey("encoders.fingerprint", ondelete="CASCADE"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
