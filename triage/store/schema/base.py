"""What all tables share: names of constraints, and the usual columns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Text, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    """Return the check that a column holds one of a few words."""
    listed = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def moment(name: str, *, null: bool = False) -> Column[datetime]:
    """Return a column for a moment, with its time zone; now unless it may be null."""
    default = None if null else text("now()")
    return Column(name, DateTime(timezone=True), nullable=null, server_default=default)


def words(name: str, *, default: str = "") -> Column[str]:
    """Return a column for words; never null, empty where nothing is known."""
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))
