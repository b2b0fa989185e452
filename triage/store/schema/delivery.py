"""The tables of messages that leave the house: who is told, and how far each message has come with each of them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from triage.store.schema.base import metadata, moment, one_of, words

TARGET_KINDS = ("webhook", "wecom", "dingtalk", "feishu", "email")
"""A program's address; robots of 企业微信, 钉钉, 飞书; people's mailboxes."""

DELIVERY_STEPS = ("pending", "sending", "sent", "dead", "uncertain", "closed")
"""dead: given up; uncertain: the process or the line broke after sending began, and the receiver cannot tell a repetition;
closed: a person has seen to a dead or uncertain one, or the target was removed."""

targets = Table(
    "targets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    words("host"),
    Column("topics", ARRAY(Text), nullable=False, comment="exact, prefix.* or *"),
    Column("districts", ARRAY(Text), nullable=False, comment="{*} is the whole city"),
    Column("least_level", SmallInteger, nullable=False, server_default=text("0")),
    Column("repeats", Boolean, nullable=False, server_default=text("false"), comment="rather twice than not at all"),
    Column("sealed", LargeBinary, nullable=False, comment="address and secrets, encrypted"),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="in a row"),
    Column("rest_seconds", Double, nullable=False, server_default=text("0")),
    moment("rested_at", null=True),
    words("last_error"),
    words("created_by"),
    moment("created_at"),
    moment("removed_at", null=True),
    one_of("kind", TARGET_KINDS),
    Index("uq_targets_name", "name", unique=True, postgresql_where=text("removed_at IS NULL")),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True, comment="what the receiver recognises a repetition by"),
    Column("outbox_id", BigInteger, ForeignKey("outbox.id", ondelete="CASCADE"), nullable=False),
    Column("target_id", Uuid, ForeignKey("targets.id"), nullable=False),
    words("state", default="pending"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("pause_seconds", Integer, nullable=False, server_default=text("0")),
    moment("tried_at", null=True),
    Column("worker", Integer, comment="number of the advisory lock that the sending process holds"),
    words("last_error"),
    words("settled_by"),
    moment("settled_at", null=True),
    moment("created_at"),
    one_of("state", DELIVERY_STEPS),
    UniqueConstraint("outbox_id", "target_id"),
    Index("ix_deliveries_open", "target_id", "outbox_id", postgresql_where=text("state IN ('pending', 'sending')")),
    Index("ix_deliveries_failed", "created_at", postgresql_where=text("state IN ('dead', 'uncertain')")),
)
