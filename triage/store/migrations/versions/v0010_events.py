"""What is told of an event, and what people decided about events.

Events that exist get their counts here; their titles and keywords are cut anew when their next appeal comes.

Revision: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from triage.store.migrations import sql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    _facts()
    _steps()
    _moves()
    _verdicts()
    op.create_index(
        "ix_links_unsure",
        "links",
        ["at", "appeal_id", "other_id"],
        postgresql_where=sa.text("verdict = 'unsure'"),
    )
    sql.apply("events")
    op.execute("SELECT events_recounted(ARRAY(SELECT id FROM events WHERE state <> 'merged' AND size > 0))")


def _facts() -> None:
    for column in (
        sa.Column("keywords", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        _number("titled", default=0, comment="its size when title and keywords were cut"),
        _words("unit", comment="proposed for its first appeal"),
        _words("l1"),
        _words("l2"),
        _number("appellants", default=1, comment="people; each unknown one counts"),
        sa.Column(
            "hot",
            sa.Double(),
            server_default=sa.text("0"),
            nullable=False,
            comment="order of recent appeals; see events_recounted",
        ),
        sa.Column("frequent_since", sa.Date(), nullable=True, comment="first day on which it was of high frequency"),
        sa.Column("frequent_last", sa.Date(), nullable=True, comment="last day on which it was"),
        sa.Column("watched", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ):
        op.add_column("events", column)
    op.create_index(op.f("ix_events_hot_id"), "events", ["hot", "id"])
    op.create_index(op.f("ix_events_size_id"), "events", ["size", "id"])
    op.create_index(
        "ix_events_frequent_last",
        "events",
        ["frequent_last"],
        postgresql_where=sa.text("frequent_last IS NOT NULL"),
    )


def _steps() -> None:
    kinds = ("merge", "split", "close", "reopen", "watch", "unwatch", "undo", "same", "apart")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_table(
        "event_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False, comment="that was acted on"),
        sa.Column(
            "other_id",
            sa.Uuid(),
            nullable=True,
            comment="split: the new event; a verdict: the event of the second appeal",
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        _number("moved", default=0, comment="rows of event_moves"),
        _words("reason"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undoes", sa.Uuid(), nullable=True, comment="the step that an undo takes back"),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"kind IN ({listed})", name=op.f("ck_event_steps_kind")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_steps_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_steps")),
    )
    op.create_index(op.f("ix_event_steps_event_id_at"), "event_steps", ["event_id", "at"])
    op.create_index(
        "ix_event_steps_other_id",
        "event_steps",
        ["other_id"],
        postgresql_where=sa.text("other_id IS NOT NULL"),
    )


def _moves() -> None:
    op.create_table(
        "event_moves",
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("event_from", sa.Uuid(), nullable=False),
        sa.Column("event_to", sa.Uuid(), nullable=False),
        *_owners("event_moves", "appeal_id"),
        sa.PrimaryKeyConstraint("step_id", "appeal_id", name=op.f("pk_event_moves")),
    )
    op.create_index(op.f("ix_event_moves_appeal_id"), "event_moves", ["appeal_id"])
    op.create_index(op.f("ix_event_moves_event_from"), "event_moves", ["event_from"])


def _verdicts() -> None:
    op.create_table(
        "event_verdicts",
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column(
            "verdict", sa.Text(), nullable=True, comment="of the link before the step; null: the step made the link"
        ),
        _words("reason"),
        *_owners("event_verdicts", "appeal_id", "other_id"),
        sa.PrimaryKeyConstraint("step_id", "appeal_id", "other_id", name=op.f("pk_event_verdicts")),
    )
    for column in ("appeal_id", "other_id"):
        op.create_index(op.f(f"ix_event_verdicts_{column}"), "event_verdicts", [column])


def _words(name: str, *, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False, comment=comment)


def _number(name: str, *, default: int, comment: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text(str(default)), nullable=False, comment=comment)


def _owners(table: str, *appeals: str) -> list[sa.ForeignKeyConstraint]:
    """Return the keys of a table whose rows go with their step and with their appeals."""
    owners = [("step_id", "event_steps.id"), *((column, "appeals.id") for column in appeals)]
    return [
        sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")
        for column, target in owners
    ]
