"""What happens to an appeal after its dispatch: handling, objections, extensions, assistance, supervision, answers.

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.store.migrations import sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the states and columns of appeals, and the tables of the steps."""
    _appeals()
    for make in (_objections, _extensions, _assistance, _supervisions, _answers):
        make()
    sql.apply("lifecycle")


def _words(name: str, *, default: str = "", comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=sa.text(f"'{default}'"), nullable=False, comment=comment)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    default = None if null else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=null)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def _hanging(table: str) -> tuple[sa.Column[object], ...]:
    """Return the columns that every one of these tables begins with."""
    key = sa.ForeignKey("appeals.id", name=op.f(f"fk_{table}_appeal_id"), ondelete="CASCADE")
    return sa.Column("id", sa.Uuid(), nullable=False), sa.Column("appeal_id", sa.Uuid(), key, nullable=False)


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _one_of(table: str, column: str, *allowed: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in allowed)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))


def _appeals() -> None:
    op.add_column("appeals", _words("answer_state", default="none"))
    op.add_column("appeals", _words("first_unit"))
    key = sa.ForeignKey("appeals.id", name=op.f("fk_appeals_supplements"), ondelete="SET NULL")
    op.add_column("appeals", sa.Column("supplements", sa.Uuid(), key, nullable=True))
    op.add_column("appeals", _count("urged"))
    op.add_column("appeals", _count("reopened"))
    states = {
        "case_state": "'waiting', 'assigned', 'closed', 'joined'",
        "delivery_state": "'none', 'proposed', 'dispatched', 'accepted', 'handling', 'objected', 'returned'",
        "answer_state": "'none', 'called', 'evaluated'",
    }
    for column, allowed in states.items():
        if column != "answer_state":
            op.drop_constraint(op.f(f"ck_appeals_{column}"), "appeals", type_="check")
        op.create_check_constraint(op.f(f"ck_appeals_{column}"), "appeals", f"{column} IN ({allowed})")
    op.create_index(
        "ix_appeals_supplements", "appeals", ["supplements"], postgresql_where=sa.text("supplements IS NOT NULL")
    )


def _objections() -> None:
    op.create_table(
        "objections",
        *_hanging("objections"),
        sa.Column("unit", sa.Text(), nullable=False, comment="that says it is not its duty"),
        _words("proposed_unit"),
        _words("reason"),
        _words("state", default="open"),
        sa.Column("raised_by", sa.Text(), nullable=False),
        _moment("raised_at"),
        _words("decided_by"),
        _moment("decided_at", null=True),
        _words("ruling"),
        _one_of("objections", "state", "open", "upheld", "rejected"),
        _key("objections"),
    )
    op.create_index(
        "uq_objections_open", "objections", ["appeal_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    _index("objections", "appeal_id")
    _index("objections", "state", "raised_at")


def _extensions() -> None:
    op.create_table(
        "extensions",
        *_hanging("extensions"),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False, comment="working days asked for"),
        _words("reason"),
        _words("state", default="open"),
        sa.Column("asked_by", sa.Text(), nullable=False),
        _moment("asked_at"),
        _words("decided_by"),
        _moment("decided_at", null=True),
        _words("ruling"),
        _moment("due_before", null=True),
        _moment("due_after", null=True),
        _one_of("extensions", "state", "open", "approved", "refused"),
        _key("extensions"),
    )
    op.create_index(
        "uq_extensions_standing",
        "extensions",
        ["appeal_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'refused'"),
    )
    _index("extensions", "appeal_id")
    _index("extensions", "state", "asked_at")


def _assistance() -> None:
    mediation = ("people_mediation", "administrative_mediation", "judicial_mediation")
    kinds = ("assist", "whistle", *mediation, "grid_police", "legal_aid")
    op.create_table(
        "assistance",
        *_hanging("assistance"),
        sa.Column("unit", sa.Text(), nullable=False, comment="that is called in"),
        sa.Column("kind", sa.Text(), nullable=False),
        _words("caller", comment="street that calls departments in"),
        _words("reason"),
        _words("state", default="called"),
        sa.Column("called_by", sa.Text(), nullable=False),
        _moment("called_at"),
        _moment("reported_at", null=True),
        _moment("ended_at", null=True),
        _one_of("assistance", "kind", *kinds),
        _one_of("assistance", "state", "called", "reported", "done", "released"),
        _key("assistance"),
    )
    op.create_index(
        "uq_assistance_present",
        "assistance",
        ["appeal_id", "unit", "kind"],
        unique=True,
        postgresql_where=sa.text("state IN ('called', 'reported')"),
    )
    _index("assistance", "appeal_id")
    _index("assistance", "unit", "state")


def _supervisions() -> None:
    op.create_table(
        "supervisions",
        *_hanging("supervisions"),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False, comment="counted anew each year, without gaps"),
        sa.Column("unit", sa.Text(), nullable=False),
        _words("reason"),
        _words("state", default="open"),
        sa.Column("issued_by", sa.Text(), nullable=False),
        _moment("issued_at"),
        _moment("due_at"),
        _words("ended_by"),
        _moment("ended_at", null=True),
        _one_of("supervisions", "state", "open", "ended"),
        _key("supervisions"),
        sa.UniqueConstraint("year", "serial", name=op.f("uq_supervisions_year_serial")),
    )
    op.create_index(
        "uq_supervisions_open",
        "supervisions",
        ["appeal_id", "unit"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    _index("supervisions", "appeal_id")
    _index("supervisions", "state", "due_at")


def _answers() -> None:
    op.create_table(
        "answers",
        *_hanging("answers"),
        sa.Column("unit", sa.Text(), nullable=False, comment="whose work is judged"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column(
            "responded", sa.Boolean(), nullable=True, comment="the unit had contacted the appellant; null: not said"
        ),
        sa.Column("solved", sa.Boolean(), nullable=True, comment="null: not said"),
        _words("satisfaction"),
        sa.Column("actor", sa.Text(), nullable=False),
        _moment("at"),
        _one_of("answers", "kind", "call_back", "evaluation"),
        _one_of("answers", "satisfaction", "", "satisfied", "fairly", "dissatisfied"),
        _key("answers"),
    )
    _index("answers", "appeal_id")
    _index("answers", "at")
