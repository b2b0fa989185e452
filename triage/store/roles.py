"""The roles of the database: who owns the tables, who the service is, and the DBA's part of setting them up."""

from __future__ import annotations

import psycopg
from psycopg import sql
from sqlalchemy import URL

DATABASE = "triage"
OWNER = "triage_owner"
"""Owns tables and functions and runs migrations; row-level security does not hold it."""

APP = "triage_app"
"""What the service logs in as: no table is its own, and it sees the rows of the transaction's scope only."""

SUPERUSER = "postgres"

PREPARE = f"""\
-- 由数据库管理员（超级用户）执行一次 / Run once by the DBA, as a superuser.
-- 先把两处密码换成自己的 / Replace both passwords first.
-- psql -v ON_ERROR_STOP=1 -f prepare.sql postgres
CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '请改-owner';
CREATE ROLE {APP} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '请改-app';
CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT ON DATABASE {DATABASE} TO {APP};
\\connect {DATABASE}
CREATE EXTENSION IF NOT EXISTS vector;  -- pgvector >= 0.8.4
-- 之后 / Then: TRIAGE_DATABASE_OWNER_URL=postgresql://{OWNER}:…@服务器/{DATABASE} triage db upgrade
"""
"""What ``triage db prepare-sql`` prints."""


def set_up(url: URL, *, owner: str, app: str) -> None:
    """Make roles and database of an embedded server where they are missing; a second call finds nothing to do.

    Args:
        url: Where its superuser reaches the database ``postgres``.
        owner: Password of `OWNER`.
        app: Password of `APP`.
    """
    with _connect(url) as connection:
        for role, password in ((OWNER, owner), (APP, app)):
            if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", role):
                create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
                connection.execute(create)
        if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
            create_database(connection, DATABASE)
    with _connect(url.set(database=DATABASE)) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")


def create_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Make an empty database that belongs to `OWNER` and that only `APP` may enter."""
    database = sql.Identifier(name)
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER triage_owner TEMPLATE template0").format(database))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO triage_app").format(database))


def _connect(url: URL) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(conninfo(url), autocommit=True)


def conninfo(url: URL) -> str:
    """Return a URL as libpq reads it, for psycopg, procrastinate and pg_dump."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _exists(connection: psycopg.Connection[tuple[object, ...]], query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None
