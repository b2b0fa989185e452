"""The first tables, their rights and functions.

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from triage.store.migrations import sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make tables, the queue's tables, functions, policies and rights."""
    for make in _TABLES:
        make()
    sql.run(SchemaManager.get_schema())
    for topic in ("access", "search", "audit", "retention"):
        sql.apply(topic)
    sql.apply("rights")


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )


def _bundles() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="name-version as decisions quote it"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'uploaded'"), nullable=False),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "metrics",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="on recent confirmed decisions",
        ),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("previous", sa.Uuid(), nullable=True, comment="what was active before; roll back goes there"),
        sa.CheckConstraint("state IN ('uploaded', 'active', 'retired')", name=op.f("ck_bundles_state")),
        sa.ForeignKeyConstraint(["previous"], ["bundles.id"], name=op.f("fk_bundles_previous")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundles")),
        sa.UniqueConstraint("name", name=op.f("uq_bundles_name")),
    )
    op.create_index(
        "uq_bundles_active",
        "bundles",
        [sa.literal_column("(state = 'active')")],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("size", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("district", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("risk_level", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed', 'merged')", name=op.f("ck_events_state")),
        sa.ForeignKeyConstraint(["merged_into"], ["events.id"], name=op.f("fk_events_merged_into")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_last_at"), "events", ["last_at"], unique=False)
    op.create_index(
        "ix_events_merged_into",
        "events",
        ["merged_into"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("districts", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_jobs_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False, comment="sha256 of a 256-bit random secret"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("districts", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('intake', 'dispatcher', 'officer', 'analyst', 'admin')", name=op.f("ck_keys_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("secret", name=op.f("uq_keys_secret")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="what it is about; a second row of one key is refused"),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'sent', 'dead')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(
        "ix_outbox_due", "outbox", ["next_attempt_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )


def _term_counts() -> None:
    op.create_table(
        "term_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False, comment="uint32, sorted hashes of strings and words"),
        sa.Column(
            "documents",
            sa.LargeBinary(),
            nullable=False,
            comment="int32, in how many of the counted appeals each occurs",
        ),
        sa.Column("total", sa.Integer(), nullable=False, comment="appeals counted"),
        sa.Column("stored", sa.BigInteger(), nullable=False, comment="appeals in the store at the time"),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term_counts")),
    )


def _units() -> None:
    op.create_table(
        "units",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("parent", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("jurisdiction", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("function", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("duties", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("aliases", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "withdrawn_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="replaced by a later import; the row is kept",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
    )
    op.create_index(
        "uq_units_name_valid_from",
        "units",
        ["name", "valid_from"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False, comment="argon2id"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("districts", sa.ARRAY(sa.Text()), nullable=False, comment="{*} is the whole city"),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('intake', 'dispatcher', 'officer', 'analyst', 'admin')", name=op.f("ck_users_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )


def _appeals() -> None:
    op.create_table(
        "appeals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("channel", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("title_raw", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("content_raw", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("address_raw", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("title", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="masked"),
        sa.Column("address", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "appellant",
            sa.LargeBinary(),
            nullable=True,
            comment="keyed hash of the appellant; null when unknown or erased",
        ),
        sa.Column("district", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("unit", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("case_state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("delivery_state", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column("risk_level", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("risk_score", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("l1", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("l2", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("function", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("type", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("decision_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("finish_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("anonymised_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("case_state IN ('waiting', 'assigned', 'closed')", name=op.f("ck_appeals_case_state")),
        sa.CheckConstraint(
            "delivery_state IN ('none', 'proposed', 'dispatched', 'accepted', 'returned')",
            name=op.f("ck_appeals_delivery_state"),
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_appeals_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
    )
    op.create_index(
        "ix_appeals_appellant",
        "appeals",
        ["appellant", "received_at"],
        unique=False,
        postgresql_where=sa.text("appellant IS NOT NULL"),
    )
    op.create_index(op.f("ix_appeals_case_state_received_at"), "appeals", ["case_state", "received_at"], unique=False)
    op.create_index(op.f("ix_appeals_district_received_at"), "appeals", ["district", "received_at"], unique=False)
    op.create_index(op.f("ix_appeals_event_id_received_at"), "appeals", ["event_id", "received_at"], unique=False)
    op.create_index(op.f("ix_appeals_received_at_id"), "appeals", ["received_at", "id"], unique=False)
    op.create_index(
        "ix_appeals_risky", "appeals", ["received_at"], unique=False, postgresql_where=sa.text("risk_level >= 3")
    )
    op.create_index(op.f("ix_appeals_unit_received_at"), "appeals", ["unit", "received_at"], unique=False)
    op.create_index(
        "uq_appeals_channel_reference",
        "appeals",
        ["channel", "reference"],
        unique=True,
        postgresql_where=sa.text("reference <> ''"),
    )


def _bundle_parts() -> None:
    op.create_table(
        "bundle_parts",
        sa.Column("bundle_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bundle_id"], ["bundles.id"], name=op.f("fk_bundle_parts_bundle_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bundle_id", "part", name=op.f("pk_bundle_parts")),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token", sa.LargeBinary(), nullable=False, comment="sha256 of the cookie"),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sessions")),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("district", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("acknowledged_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'acknowledged')", name=op.f("ck_alerts_state")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_alerts_appeal_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_alerts_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("event_id", "level", name=op.f("uq_alerts_event_id_level")),
    )
    op.create_index(op.f("ix_alerts_appeal_id"), "alerts", ["appeal_id"], unique=False)
    op.create_index(op.f("ix_alerts_state_at"), "alerts", ["state", "at"], unique=False)


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "record", sa.JSON(), nullable=False, comment="as text: a repeated post is answered with the same bytes"
        ),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_decisions_appeal_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("appeal_id", "version", name=op.f("pk_decisions")),
    )


def _feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("decision_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit_from", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("unit_to", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("event_from", sa.Uuid(), nullable=True),
        sa.Column("event_to", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('confirm', 'reassign', 'return', 'merge', 'split', 'acknowledge')", name=op.f("ck_feedback_kind")
        ),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_feedback_appeal_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_appeal_id"), "feedback", ["appeal_id"], unique=False)
    op.create_index(op.f("ix_feedback_at"), "feedback", ["at"], unique=False)


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_history_appeal_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index(op.f("ix_history_appeal_id_id"), "history", ["appeal_id", "id"], unique=False)


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("principal", sa.Text(), nullable=False, comment="who posted: key:<id> or user:<id>"),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_idempotency_appeal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_appeal_id"), "idempotency", ["appeal_id"], unique=False)
    op.create_index(op.f("ix_idempotency_at"), "idempotency", ["at"], unique=False)


def _job_items() -> None:
    op.create_table(
        "job_items",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column(
            "input",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the appeal as posted; null once it is recorded",
        ),
        sa.Column("appeal_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_job_items_appeal_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_items_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "row", name=op.f("pk_job_items")),
    )
    op.create_index(
        "ix_job_items_appeal_id",
        "job_items",
        ["appeal_id"],
        unique=False,
        postgresql_where=sa.text("appeal_id IS NOT NULL"),
    )


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("verdict IN ('same', 'unsure', 'similar', 'apart')", name=op.f("ck_links_verdict")),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_links_appeal_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["other_id"], ["appeals.id"], name=op.f("fk_links_other_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("appeal_id", "other_id", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_other_id"), "links", ["other_id"], unique=False)


def _signatures() -> None:
    op.create_table(
        "signatures",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("district", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("text_hash", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.ARRAY(sa.Integer()), nullable=False, comment="rarest strings and cited tickets, hashed"),
        sa.Column("places", sa.ARRAY(sa.Integer()), nullable=False, comment="names of places, firms, lines, hashed"),
        sa.Column("packed", sa.LargeBinary(), nullable=False, comment="the whole signature, for the pair scorer"),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeals.id"], name=op.f("fk_signatures_appeal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_signatures")),
    )
    op.create_index(
        "ix_signatures_places",
        "signatures",
        ["places"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_signatures_terms",
        "signatures",
        ["terms"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        op.f("ix_signatures_text_hash_received_at"), "signatures", ["text_hash", "received_at"], unique=False
    )


def _vectors() -> None:
    op.create_table(
        "vectors",
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("vector", HALFVEC(256), nullable=False, comment="of unit length"),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"], name=op.f("fk_vectors_appeal_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("appeal_id", "encoder", name=op.f("pk_vectors")),
    )
    op.create_index(op.f("ix_vectors_district_received_at"), "vectors", ["district", "received_at"], unique=False)
    op.create_index(op.f("ix_vectors_received_at"), "vectors", ["received_at"], unique=False)
    op.create_index(
        "ix_vectors_vector",
        "vectors",
        ["vector"],
        unique=False,
        postgresql_using="hnsw",
        postgresql_with={"m": 16, "ef_construction": 64},
        postgresql_ops={"vector": "halfvec_ip_ops"},
    )


_TABLES = (
    _audit,
    _bundles,
    _events,
    _jobs,
    _keys,
    _outbox,
    _term_counts,
    _units,
    _users,
    _appeals,
    _bundle_parts,
    _sessions,
    _alerts,
    _decisions,
    _feedback,
    _history,
    _idempotency,
    _job_items,
    _links,
    _signatures,
    _vectors,
)
