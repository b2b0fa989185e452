"""The tables of encoders, and an index of vectors for each of two encoders at a time.

Vectors of two encoders in one graph would make each other harder to find, so each encoder in use has a graph of its own. The
graph of the vectors that exist is built anew here: 40,000 vectors took half a minute on two busy cores.

Revision: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from triage.store.migrations import sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    _encoders()
    op.create_table(
        "encoder_parts",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fingerprint"],
            ["encoders.fingerprint"],
            name=op.f("fk_encoder_parts_fingerprint"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("fingerprint", "part", name=op.f("pk_encoder_parts")),
    )
    op.add_column(
        "vectors",
        sa.Column(
            "slot",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="which index it is in; see encoders.slot",
        ),
    )
    # A graph that does not fit is built many times slower. One process: containers often share too little memory for more.
    op.execute("SET LOCAL maintenance_work_mem = '512MB'")
    op.execute("SET LOCAL max_parallel_maintenance_workers = 0")
    op.drop_index("ix_vectors_vector", table_name="vectors")
    for slot in (0, 1):
        op.create_index(
            f"ix_vectors_vector_{slot}",
            "vectors",
            ["vector"],
            postgresql_using="hnsw",
            postgresql_with={"m": 16, "ef_construction": 64},
            postgresql_ops={"vector": "halfvec_ip_ops"},
            postgresql_where=sa.text(f"slot = {slot}"),
        )
    sql.apply("encoders")


def _encoders() -> None:
    op.create_table(
        "encoders",
        sa.Column("fingerprint", sa.Text(), nullable=False, comment="as vectors.encoder names it"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'retired'"), nullable=False),
        sa.Column(
            "slot",
            sa.SmallInteger(),
            nullable=True,
            comment="which of the two vector indexes is its own; null when retired",
        ),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the packed files"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True, comment="what encodes stored appeals with it"),
        sa.Column("reached", sa.Uuid(), nullable=True, comment="the job has dealt with appeals up to this one"),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('hashed', 'onnx')", name=op.f("ck_encoders_kind")),
        sa.CheckConstraint("state IN ('preparing', 'active', 'leaving', 'retired')", name=op.f("ck_encoders_state")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_encoders_job_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_encoders")),
    )
    op.create_index(
        "uq_encoders_active",
        "encoders",
        [sa.literal_column("(state = 'active')")],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index("uq_encoders_slot", "encoders", ["slot"], unique=True, postgresql_where=sa.text("slot IS NOT NULL"))
