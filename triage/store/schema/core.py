"""The tables of appeals, decisions, events, people and models."""

from __future__ import annotations

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
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
from sqlalchemy.dialects.postgresql import JSONB

from triage.store.schema.base import metadata, moment, one_of, words

DIMENSIONS = 256
"""Length of a stored vector; encoders with other lengths are projected or refused."""

CASE_STATES = ("waiting", "assigned", "closed", "joined")
"""waiting: for a person or for automatic dispatch; assigned: a unit is responsible; closed: done or passed on; joined: a
supplement, handled with the appeal it belongs to."""
DELIVERY_STATES = ("none", "proposed", "held", "dispatched", "accepted", "handling", "objected", "returned")
ANSWER_STATES = ("none", "called", "evaluated")
"""What the appellant said after the close: not asked, called back, evaluated."""
EVENT_STATES = ("open", "closed", "merged")
ALERT_STATES = ("open", "acknowledged")
OUTBOX_STATES = ("pending", "routed", "sent", "dead")
"""pending: not yet handed to its receivers; routed: with some of them still under way; dead: one of them was not reached."""
FEEDBACK_KINDS = ("confirm", "reassign", "return", "merge", "split", "acknowledge")
BUNDLE_STATES = ("uploaded", "active", "retired")
JOB_STATES = ("queued", "running", "done", "failed")
ROLES = ("intake", "dispatcher", "officer", "analyst", "admin")

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    words("title"),
    words("state", default="open"),
    Column("merged_into", Uuid, ForeignKey("events.id")),
    Column("size", Integer, nullable=False, server_default=text("1")),
    words("district"),
    Column("risk_level", SmallInteger, nullable=False, server_default=text("0")),
    moment("first_at"),
    moment("last_at"),
    moment("created_at"),
    Column("keywords", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column(
        "titled", Integer, nullable=False, server_default=text("0"), comment="its size when title and keywords were cut"
    ),
    Column("unit", Text, nullable=False, server_default=text("''"), comment="proposed for its first appeal"),
    words("l1"),
    words("l2"),
    Column("appellants", Integer, nullable=False, server_default=text("1"), comment="people; each unknown one counts"),
    Column(
        "hot", Double, nullable=False, server_default=text("0"), comment="order of recent appeals; see events_recounted"
    ),
    Column("frequent_since", Date, comment="first day on which it was of high frequency"),
    Column("frequent_last", Date, comment="last day on which it was"),
    Column("watched", Boolean, nullable=False, server_default=text("false")),
    one_of("state", EVENT_STATES),
    Index(None, "last_at"),
    Index(None, "hot", "id"),
    Index(None, "size", "id"),
    Index("ix_events_frequent_last", "frequent_last", postgresql_where=text("frequent_last IS NOT NULL")),
    Index("ix_events_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
)

appeals = Table(
    "appeals",
    metadata,
    Column("id", Uuid, primary_key=True),
    words("reference"),
    words("channel"),
    moment("received_at"),
    moment("created_at", null=True),
    Column("title_raw", Text, nullable=False, server_default=text("''")),
    Column("content_raw", Text, nullable=False, server_default=text("''")),
    Column("address_raw", Text, nullable=False, server_default=text("''")),
    words("title"),
    Column("content", Text, nullable=False, comment="masked"),
    words("address"),
    Column("appellant", LargeBinary, comment="keyed hash of the appellant; null when unknown or erased"),
    words("district"),
    words("unit"),
    words("case_state", default="waiting"),
    words("delivery_state", default="none"),
    Column("risk_level", SmallInteger, nullable=False, server_default=text("0")),
    Column("risk_score", Double, nullable=False, server_default=text("0")),
    words("l1"),
    words("l2"),
    words("function"),
    words("type"),
    Column("event_id", Uuid, ForeignKey("events.id"), nullable=False),
    Column("decision_version", Integer, nullable=False, server_default=text("1")),
    moment("finish_by", null=True),
    moment("anonymised_at", null=True),
    words("answer_state", default="none"),
    words("first_unit"),
    Column("supplements", Uuid, ForeignKey("appeals.id", ondelete="SET NULL")),
    Column("urged", Integer, nullable=False, server_default=text("0")),
    Column("reopened", Integer, nullable=False, server_default=text("0")),
    Column(
        "no_automation",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="the appellant objects to a decision by machine alone (PIPL art. 24)",
    ),
    one_of("case_state", CASE_STATES),
    one_of("delivery_state", DELIVERY_STATES),
    one_of("answer_state", ANSWER_STATES),
    Index(
        "uq_appeals_channel_reference", "channel", "reference", unique=True, postgresql_where=text("reference <> ''")
    ),
    Index(None, "received_at", "id"),
    Index(None, "district", "received_at"),
    Index(None, "case_state", "received_at"),
    Index(None, "unit", "received_at"),
    Index(None, "event_id", "received_at"),
    Index(
        "ix_appeals_delivery_state", "delivery_state", "received_at", postgresql_where=text("case_state <> 'closed'")
    ),
    Index("ix_appeals_appellant", "appellant", "received_at", postgresql_where=text("appellant IS NOT NULL")),
    Index("ix_appeals_supplements", "supplements", postgresql_where=text("supplements IS NOT NULL")),
    Index("ix_appeals_no_automation", "received_at", postgresql_where=text("no_automation")),
    Index("ix_appeals_risky", "received_at", postgresql_where=text("risk_level >= 3")),
    # The dispatcher's queue, in the orders of `triage.store.inbox`.
    Index("ix_appeals_queue_risk", "risk_level", "received_at", "id", postgresql_where=text("case_state = 'waiting'")),
    Index(
        "ix_appeals_queue_due",
        text("coalesce(finish_by, 'infinity'::timestamptz)"),
        "id",
        postgresql_where=text("case_state = 'waiting'"),
    ),
)

vectors = Table(
    "vectors",
    metadata,
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("encoder", Text, primary_key=True),
    words("district"),
    moment("received_at"),
    Column("vector", HALFVEC(DIMENSIONS), nullable=False, comment="of unit length"),
    Index(None, "district", "received_at"),
    Column(
        "slot",
        SmallInteger,
        nullable=False,
        server_default=text("0"),
        comment="which index it is in; see encoders.slot",
    ),
    Index(None, "received_at"),
    *(
        Index(
            f"ix_vectors_vector_{slot}",
            "vector",
            postgresql_using="hnsw",
            postgresql_with={"m": 16, "ef_construction": 64},
            postgresql_ops={"vector": "halfvec_ip_ops"},
            postgresql_where=text(f"slot = {slot}"),
        )
        for slot in (0, 1)
    ),
)

signatures = Table(
    "signatures",
    metadata,
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    words("district"),
    moment("received_at"),
    Column("text_hash", BigInteger, nullable=False),
    Column("terms", ARRAY(Integer), nullable=False, comment="rarest strings and cited tickets, hashed"),
    Column("places", ARRAY(Integer), nullable=False, comment="names of places, firms, lines, hashed"),
    Column("packed", LargeBinary, nullable=False, comment="the whole signature, for the pair scorer"),
    Index(None, "text_hash", "received_at"),
    # A pending list (fastupdate) would be read through at every search.
    Index("ix_signatures_terms", "terms", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    Index("ix_signatures_places", "places", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)

term_counts = Table(
    "term_counts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("terms", LargeBinary, nullable=False, comment="uint32, sorted hashes of strings and words"),
    Column("documents", LargeBinary, nullable=False, comment="int32, in how many of the counted appeals each occurs"),
    Column("total", Integer, nullable=False, comment="appeals counted"),
    Column("stored", BigInteger, nullable=False, comment="appeals in the store at the time"),
    moment("counted_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("record", JSON, nullable=False, comment="as text: a repeated post is answered with the same bytes"),
    Column("bundle", Text, nullable=False),
    Column("actor", Text, nullable=False),
    moment("at"),
    Column("unit", Text, Computed("(record #>> '{unit,candidates,0,name}'::text[])", persisted=True)),
    Column("automatic", Boolean, Computed("((record #>> '{unit,decision}'::text[]) = 'auto'::text)", persisted=True)),
)

links = Table(
    "links",
    metadata,
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), primary_key=True),
    Column("probability", Double, nullable=False),
    Column("verdict", Text, nullable=False),
    words("reason"),
    moment("at"),
    one_of("verdict", ("same", "unsure", "similar", "apart")),
    Index(None, "other_id"),
    Index("ix_links_unsure", "at", "appeal_id", "other_id", postgresql_where=text("verdict = 'unsure'")),
)

history = Table(
    "history",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), nullable=False),
    moment("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Index(None, "appeal_id", "id"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), nullable=False),
    Column("decision_version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    words("unit_from"),
    words("unit_to"),
    Column("event_from", Uuid),
    Column("event_to", Uuid),
    words("reason"),
    Column("risk_from", SmallInteger, comment="level that was warned of; of kind acknowledge only"),
    Column("risk_to", SmallInteger, comment="level in the person's judgement; 0 is a false alarm, null: not said"),
    Column("actor", Text, nullable=False),
    moment("at"),
    one_of("kind", FEEDBACK_KINDS),
    Index(None, "appeal_id"),
    Index(None, "at"),
    Index(None, "kind", "at"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", Uuid, ForeignKey("events.id"), nullable=False),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), nullable=False),
    words("district"),
    Column("level", SmallInteger, nullable=False),
    Column("reason", Text, nullable=False),
    words("state", default="open"),
    moment("at"),
    words("acknowledged_by"),
    moment("acknowledged_at", null=True),
    one_of("state", ALERT_STATES),
    UniqueConstraint("event_id", "level", "district"),
    Index(None, "state", "at"),
    Index(None, "appeal_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True, comment="what it is about; a second row of one key is refused"),
    Column("payload", JSONB, nullable=False),
    words("state", default="pending"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    moment("created_at"),
    moment("next_attempt_at"),
    words("last_error"),
    Column("hold_seconds", Integer, nullable=False, server_default=text("0")),
    one_of("state", OUTBOX_STATES),
    Index("ix_outbox_due", "next_attempt_at", postgresql_where=text("state = 'pending'")),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("principal", Text, primary_key=True, comment="who posted: key:<id> or user:<id>"),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="CASCADE"), nullable=False),
    moment("at"),
    Index(None, "at"),
    Index(None, "appeal_id"),
)

units = Table(
    "units",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    words("level"),
    words("parent"),
    words("jurisdiction"),
    words("function"),
    words("duties"),
    Column("aliases", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("valid_from", Date),
    Column("valid_to", Date),
    words("recorded_by"),
    moment("recorded_at"),
    Column("withdrawn_at", DateTime(timezone=True), comment="replaced by a later import; the row is kept"),
    words("contact"),
    Index(
        "uq_units_name_valid_from",
        "name",
        "valid_from",
        unique=True,
        postgresql_where=text("withdrawn_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    ),
)

bundles = Table(
    "bundles",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True, comment="name-version as decisions quote it"),
    Column("kind", Text, nullable=False),
    words("state", default="uploaded"),
    Column("manifest", JSONB, nullable=False),
    Column("metrics", JSONB, nullable=False, server_default=text("'{}'"), comment="on recent confirmed decisions"),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    moment("uploaded_at"),
    moment("promoted_at", null=True),
    Column("previous", Uuid, ForeignKey("bundles.id"), comment="what was active before; roll back goes there"),
    one_of("state", BUNDLE_STATES),
    Index("uq_bundles_active", text("(state = 'active')"), unique=True, postgresql_where=text("state = 'active'")),
)

bundle_parts = Table(
    "bundle_parts",
    metadata,
    Column("bundle_id", Uuid, ForeignKey("bundles.id", ondelete="CASCADE"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("password", Text, nullable=False, comment="argon2id"),
    Column("role", Text, nullable=False),
    Column("districts", ARRAY(Text), nullable=False, comment="{*} is the whole city"),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    moment("locked_until", null=True),
    moment("created_at"),
    one_of("role", ROLES),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token", LargeBinary, primary_key=True, comment="sha256 of the cookie"),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    moment("created_at"),
    moment("expires_at"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("label", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False, unique=True, comment="sha256 of a 256-bit random secret"),
    Column("role", Text, nullable=False),
    Column("districts", ARRAY(Text), nullable=False),
    moment("created_at"),
    moment("expires_at", null=True),
    moment("revoked_at", null=True),
    moment("used_at", null=True),
    one_of("role", ROLES),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    moment("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    words("subject"),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    words("state", default="queued"),
    Column("total", Integer, nullable=False, server_default=text("0")),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    words("error"),
    Column("created_by", Text, nullable=False),
    Column("districts", ARRAY(Text), nullable=False),
    moment("created_at"),
    moment("finished_at", null=True),
    one_of("state", JOB_STATES),
)

job_items = Table(
    "job_items",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("input", JSONB, comment="the appeal as posted; null once it is recorded"),
    Column("appeal_id", Uuid, ForeignKey("appeals.id", ondelete="SET NULL")),
    words("error"),
    Index("ix_job_items_appeal_id", "appeal_id", postgresql_where=text("appeal_id IS NOT NULL")),
)
