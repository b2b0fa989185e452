"""Tables and migrations say the same, and an upgrade keeps what is stored."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from procrastinate.schema import SchemaManager
from sqlalchemy import URL, Connection, NullPool, create_engine, insert, select, text

from tests.store_fixtures import TestServer
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import MigrationNeeded, StoreError
from triage.store.migrations.running import owner_engine, read_level, script, upgrade
from triage.store.roles import OWNER, SUPERUSER

CATALOGUE = {
    "columns": """SELECT c.relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
                         pg_get_expr(adbin, adrelid), col_description(c.oid, attnum)
                  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
                  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
                      WHERE connamespace = 'public'::regnamespace AND conrelid <> 0""",
}


def owned(url: URL) -> Connection:
    return create_engine(url, poolclass=NullPool).connect()


def catalogue(url: URL) -> dict[str, set[tuple[object, ...]]]:
    with owned(url) as connection:
        found = {name: {tuple(row) for row in connection.execute(text(query))} for name, query in CATALOGUE.items()}
    return {name: {row for row in rows if row[0] in schema.metadata.tables} for name, rows in found.items()}


def test_alembic_finds_no_difference_between_schema_and_migrations(owner_url: URL) -> None:
    def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in schema.metadata.tables

    with owned(owner_url) as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_server_default": True, "compare_type": True}
        )
        assert compare_metadata(context, schema.metadata) == []


def test_the_catalogue_is_the_same_whether_schema_or_migrations_made_it(server: TestServer, owner_url: URL) -> None:
    with server.empty() as name:
        made = server.url(name, role=OWNER)
        with owned(made) as connection:
            schema.metadata.create_all(connection)
            connection.commit()
        by_schema, by_migrations = catalogue(made), catalogue(owner_url)
    for kind, rows in by_schema.items():
        assert len(rows) > 20
        assert rows ^ by_migrations[kind] == set(), kind


def test_an_upgrade_from_the_first_migration_keeps_what_is_stored(server: TestServer) -> None:
    event, appeal = uuid.uuid4(), uuid.uuid4()
    with server.empty() as name:
        url = server.url(name, role=OWNER)
        assert upgrade(url, target="0001").current == "0001"
        with owned(url) as connection:
            connection.execute(insert(schema.events).values(id=event, title="路灯", size=1))
            connection.execute(
                insert(schema.appeals).values(id=appeal, content="路灯不亮", event_id=event, district="龙华区")
            )
            connection.execute(
                insert(schema.decisions).values(appeal_id=appeal, version=1, record={}, bundle="b", actor="a")
            )
            vector = [1.0] + [0.0] * (schema.DIMENSIONS - 1)
            connection.execute(insert(schema.vectors).values(appeal_id=appeal, encoder="e", vector=vector))
            connection.commit()
        assert upgrade(url).fits
        database = Database(server.url(name))
        with database.transaction(EVERYWHERE) as connection:
            assert connection.scalar(select(schema.appeals.c.content)) == "路灯不亮"
            assert connection.scalar(select(schema.decisions.c.version)) == 1
            assert connection.scalar(text("SELECT count(*) FROM vectors")) == 1
            assert connection.scalar(text("SELECT to_regclass('ix_appeals_delivery_state') IS NOT NULL"))
        database.close()


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(owner_url: URL) -> None:
    before = catalogue(owner_url)
    assert upgrade(owner_url).fits
    assert catalogue(owner_url) == before


def test_a_migration_that_fails_leaves_nothing_behind(server: TestServer) -> None:
    with server.empty() as name:
        url = server.url(name, role=OWNER)
        with owned(url) as connection:
            connection.execute(text("CREATE TABLE vectors (of_another_program integer)"))
            connection.commit()
        with pytest.raises(StoreError, match='升级失败，这一步已全部撤销：relation "vectors" already exists'):
            upgrade(url)
        assert read_level(url).current is None
        with owned(url) as connection:
            tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        assert tables == ["vectors"]


def test_a_database_of_a_newer_program_is_refused(owner_url: URL) -> None:
    with owned(owner_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    with pytest.raises(MigrationNeeded, match=r"表结构版本 9999 比本程序.*新；请升级本程序"):
        upgrade(owner_url)


def test_a_missing_extension_names_what_the_dba_must_run(server: TestServer) -> None:
    with server.empty() as name:
        with owned(server.url(name, role=SUPERUSER)) as connection:
            connection.execute(text("DROP EXTENSION vector"))
            connection.commit()
        with pytest.raises(StoreError, match=r"没有 vector 扩展.*CREATE EXTENSION vector;"):
            upgrade(server.url(name, role=OWNER))


def test_numbers_of_migrations_form_one_line() -> None:
    changes = list(script().walk_revisions())
    assert [change.revision for change in changes] == [f"{number:04}" for number in range(len(changes), 0, -1)]


def test_the_vectors_index_is_the_one_that_was_measured(owner_url: URL) -> None:
    with owner_engine(owner_url) as engine, engine.connect() as connection:
        found = connection.scalar(text("SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%hnsw%'"))
    assert "USING hnsw (vector halfvec_ip_ops) WITH (m='16', ef_construction='64')" in str(found)


def test_the_queues_tables_are_those_this_program_was_written_for() -> None:
    """A newer procrastinate with new tables needs a migration of ours for databases that exist already."""
    steps = sorted(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    assert steps[-1] == "03.04.00_50_post_add_retry_failed_job_procedure.sql"
