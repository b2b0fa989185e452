"""What a district's user sees and may change, enforced by the database and not by any query of ours."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import (
    URL,
    Executable,
    Insert,
    NullPool,
    Table,
    create_engine,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from tests.store_fixtures import both_ways
from triage.store import schema
from triage.store.access import EVERYWHERE, Scope
from triage.store.database import Database, joined
from triage.store.errors import StoreError

NORTH, SOUTH = Scope(("北区",)), Scope(("南区",))
BY_DISTRICT = {
    "appeals", "vectors", "signatures", "decisions", "links", "history", "feedback", "alerts", "events", "escalations",
    "idempotency",
    "terms", "jobs", "job_items", "objections", "extensions", "assistance", "supervisions", "answers",
    "appeal_facets", "reports", "report_quotes",
    "dispatches", "event_steps", "event_moves", "event_verdicts",
}  # fmt: skip
FOR_ALL = {
    "admission",
    "outbox",
    "units",
    "bundles",
    "bundle_parts",
    "users",
    "sessions",
    "keys",
    "audit",
    "term_counts",
    "dispatch_switch",
    "targets",
    "deliveries",
    "encoders",
    "encoder_parts",
}
"""Tables without rows of one district; only the service's own code looks into them."""


@pytest.fixture
def ids(database: Database) -> dict[str, list[uuid.UUID]]:
    """Two appeals of one event in each of two districts, with a row in every table that hangs on them."""
    event, lonely = uuid.uuid4(), uuid.uuid4()
    appeals = {"北区": [uuid.uuid4(), uuid.uuid4()], "南区": [uuid.uuid4(), uuid.uuid4()]}
    now = datetime(2026, 1, 5, tzinfo=UTC)
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.events).values(id=event, size=3))
        connection.execute(insert(schema.events).values(id=lonely, size=1, district="南区"))
        for district, (first, second) in appeals.items():
            for appeal in (first, second):
                own = lonely if appeal == appeals["南区"][1] else event
                row = {"id": appeal, "content": district, "district": district, "event_id": own, "received_at": now}
                connection.execute(insert(schema.appeals).values(row))
                _hang(connection.execute, appeal, district)
            connection.execute(_link(first, second))
            job = uuid.uuid4()
            connection.execute(
                insert(schema.jobs).values(id=job, kind="batch", created_by="key:1", districts=[district])
            )
            connection.execute(insert(schema.job_items).values(job_id=job, row=1, appeal_id=first))
            _report(connection.execute, first, district)
        connection.execute(_link(appeals["北区"][0], appeals["南区"][0]))
        for level, district in ((3, "北区"), (4, "南区")):
            alert = {"event_id": event, "appeal_id": appeals[district][0], "district": district, "level": level}
            connection.execute(insert(schema.alerts).values(id=uuid.uuid4(), reason="r", **alert))
            risen = {"event_id": event, "appeal_id": appeals[district][0], "district": district, "level_to": level}
            connection.execute(insert(schema.warnings.escalations).values(level_from=2, ground="risk", **risen))
            _decide(connection.execute, event, appeals[district])
    return {**appeals, "event": [event], "lonely": [lonely]}


def _decide(execute: Callable[[Insert], object], event: uuid.UUID, appeals: list[uuid.UUID]) -> None:
    tables, step = schema.event_steps, uuid.uuid4()
    values = {"id": step, "event_id": event, "kind": "merge", "moved": 2, "actor": "a"}
    execute(insert(tables.event_steps).values(values))
    for appeal in appeals:
        moved = {"appeal_id": appeal, "event_from": uuid.uuid4(), "event_to": event}
        execute(insert(tables.event_moves).values(step_id=step, **moved))
    execute(insert(tables.event_verdicts).values(step_id=step, appeal_id=appeals[0], other_id=appeals[1]))


def _report(execute: Callable[[Insert], object], appeal: uuid.UUID, district: str) -> None:
    tables, report = schema.reports, uuid.uuid4()
    days = {"first_day": date(2026, 1, 5), "last_day": date(2026, 1, 5)}
    values = {"id": report, "kind": "day", "code": "2026-01-05", "districts": [district], "created_by": "key:1", **days}
    execute(insert(tables.reports).values(values))
    execute(insert(tables.report_quotes).values(report_id=report, place=0, appeal_id=appeal, text="t"))
    execute(insert(tables.appeal_facets).values(appeal_id=appeal, district=district))


def _link(one: uuid.UUID, other: uuid.UUID) -> Insert:
    return insert(schema.links).values(appeal_id=one, other_id=other, probability=0.9, verdict="same")


def _hang(execute: Callable[[Insert], object], appeal: uuid.UUID, district: str) -> None:
    vector = [1.0] + [0.0] * (schema.DIMENSIONS - 1)
    execute(insert(schema.vectors).values(appeal_id=appeal, encoder="e", district=district, vector=vector))
    signature = {"terms": [1], "places": [2], "packed": b"", "text_hash": 1, "district": district}
    execute(insert(schema.signatures).values(appeal_id=appeal, **signature))
    execute(insert(schema.decisions).values(appeal_id=appeal, version=1, record={}, bundle="b", actor="a"))
    execute(insert(schema.history).values(appeal_id=appeal, actor="a", action="received"))
    execute(insert(schema.feedback).values(appeal_id=appeal, decision_version=1, kind="confirm", actor="a"))
    life = schema.lifecycle
    execute(insert(life.objections).values(id=uuid.uuid4(), appeal_id=appeal, unit="u", raised_by="a"))
    execute(insert(life.extensions).values(id=uuid.uuid4(), appeal_id=appeal, unit="u", days=1, asked_by="a"))
    called = {"unit": "u", "kind": "assist", "called_by": "a"}
    execute(insert(life.assistance).values(id=uuid.uuid4(), appeal_id=appeal, **called))
    order = {"year": 2026, "serial": appeal.int % 1_000_000_007, "unit": "u", "issued_by": "a"}
    execute(insert(life.supervisions).values(id=uuid.uuid4(), appeal_id=appeal, **order))
    answer = {"unit": "u", "kind": "call_back", "reached": True, "actor": "a"}
    execute(insert(life.answers).values(id=uuid.uuid4(), appeal_id=appeal, **answer))
    execute(insert(schema.terms).values(appeal_id=appeal, step="finish"))
    sent = {"unit": "u", "bundle": "b", "probability": 0.9, "outcome": "sampled"}
    execute(insert(schema.dispatching.dispatches).values(appeal_id=appeal, **sent))
    execute(insert(schema.idempotency).values(principal="key:1", key=str(appeal), request_hash=b"", appeal_id=appeal))


def count(database: Database, table: Table, scope: Scope) -> int:
    with database.transaction(scope) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_every_table_is_either_closed_by_district_or_known_to_be_for_all(owner_url: URL) -> None:
    with create_engine(owner_url, poolclass=NullPool).connect() as connection:
        query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity"
        closed = set(connection.scalars(text(query)))
    assert closed == BY_DISTRICT
    assert closed | FOR_ALL == set(schema.metadata.tables)


@both_ways()
@pytest.mark.usefixtures("ids")
def test_a_district_sees_half_of_what_belongs_to_two_in_every_table(database: Database) -> None:
    for name in sorted(BY_DISTRICT - {"events", "links"}):
        table = schema.metadata.tables[name]
        everything = count(database, table, EVERYWHERE)
        assert everything >= 2, name
        assert count(database, table, NORTH) == count(database, table, SOUTH) == everything // 2, name
        assert count(database, table, Scope(("北区", "南区"))) == everything, name
        assert count(database, table, Scope(("东区",))) == 0, name
        assert count(database, table, Scope(())) == 0, name


def test_an_event_across_districts_shows_its_size_and_the_own_appeals_only(
    database: Database, ids: dict[str, list[uuid.UUID]]
) -> None:
    with database.transaction(NORTH) as connection:
        assert connection.execute(select(schema.events.c.id, schema.events.c.size)).all() == [(ids["event"][0], 3)]
        assert set(connection.scalars(select(schema.appeals.c.id))) == set(ids["北区"])
    with database.transaction(SOUTH) as connection:
        assert set(connection.scalars(select(schema.events.c.id))) == {ids["event"][0], ids["lonely"][0]}


def test_a_link_is_seen_where_both_of_its_ends_are(database: Database, ids: dict[str, list[uuid.UUID]]) -> None:
    with database.transaction(NORTH) as connection:
        assert connection.execute(select(schema.links.c.appeal_id, schema.links.c.other_id)).all() == [
            tuple(ids["北区"])
        ]
    assert count(database, schema.links, EVERYWHERE) == 3


def test_an_appeal_without_a_district_belongs_to_the_whole_city_only(
    database: Database, ids: dict[str, list[uuid.UUID]]
) -> None:
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.appeals).values(id=uuid.uuid4(), content="x", event_id=ids["event"][0]))
    assert count(database, schema.appeals, EVERYWHERE) == 5
    assert count(database, schema.appeals, Scope(("",))) == 0
    assert count(database, schema.appeals, Scope(("北区", ""))) == 2


def test_a_district_cannot_write_into_another_one(database: Database, ids: dict[str, list[uuid.UUID]]) -> None:
    with database.transaction(NORTH) as connection:
        changed = connection.execute(
            update(schema.appeals).values(unit="u").where(schema.appeals.c.id.in_(ids["南区"]))
        )
        assert changed.rowcount == 0
    row = {"id": uuid.uuid4(), "content": "x", "event_id": ids["event"][0], "district": "南区"}
    with pytest.raises(DBAPIError, match="42501"), database.transaction(NORTH) as connection:
        connection.execute(insert(schema.appeals).values(row))
    with pytest.raises(DBAPIError, match="42501"), database.transaction(NORTH) as connection:
        connection.execute(update(schema.appeals).values(district="南区"))
    late = insert(schema.decisions).values(appeal_id=ids["南区"][0], version=2, record={}, bundle="b", actor="a")
    with pytest.raises(DBAPIError, match="42501"), database.transaction(NORTH) as connection:
        connection.execute(late)


def test_without_a_scope_nothing_is_seen_and_none_is_left_over_from_before(database: Database, ids: object) -> None:
    assert ids
    assert count(database, schema.appeals, EVERYWHERE) == 4
    with database.engine.connect() as connection:  # most likely the very same session
        assert connection.scalar(select(func.count()).select_from(schema.appeals)) == 0


def test_a_district_with_a_separator_in_its_name_is_refused() -> None:
    with pytest.raises(StoreError, match="控制字符"):
        joined(Scope(("北区\x1f南区",)))


@both_ways()
@pytest.mark.usefixtures("ids")
def test_the_service_cannot_change_or_remove_what_is_only_added(database: Database) -> None:
    for table in (schema.decisions, schema.history, schema.feedback, schema.audit):
        for statement in (update(table).values(actor="b"), delete(table), text(f"TRUNCATE {table.name}")):
            assert is_forbidden(database, statement), statement


def test_not_even_the_owner_changes_the_audit(owner_url: URL) -> None:
    with create_engine(owner_url, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT audit_append('system', 'test', '', '{}')"))
        connection.commit()
        for statement in ("UPDATE audit SET actor = 'b'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(DBAPIError, match="never changed or removed"):
                connection.execute(text(statement))
            connection.rollback()


def test_the_service_has_no_rights_beyond_its_work(database: Database) -> None:
    for statement in (
        "SET ROLE triage_owner",
        "CREATE TABLE mine (a integer)",
        "ALTER TABLE appeals DISABLE ROW LEVEL SECURITY",
        "DROP POLICY scope ON appeals",
        "INSERT INTO audit (id, actor, action, previous, hash) VALUES (1, 'a', 'b', '', '')",
        "DELETE FROM appeals",
        "UPDATE alembic_version SET version_num = '0'",
        "COPY appeals TO PROGRAM 'cat'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT appeals_without_person('{}', '')",
    ):
        assert is_forbidden(database, text(statement)), statement


@pytest.mark.parametrize(
    "call",
    [
        "appellant_erase('x', 'y')",
        "retention_due(now(), now())",
        "retention_anonymise('-infinity', now(), 9)",
        "retention_purge('-infinity', now(), 9)",
        "retention_sweep(now())",
    ],
)
def test_erasing_and_purging_work_in_the_scope_of_the_whole_city_only(database: Database, call: str) -> None:
    statement = text(f"SELECT {call}")
    assert is_forbidden(database, statement, scope=NORTH)
    assert is_forbidden(database, statement, scope=Scope(()))
    assert not is_forbidden(database, statement)


def is_forbidden(database: Database, statement: Executable, *, scope: Scope = EVERYWHERE) -> bool:
    try:
        with database.transaction(scope) as connection:
            connection.execute(statement)
    except DBAPIError as error:
        return getattr(error.orig, "sqlstate", "") == "42501"
    return False


def test_functions_with_the_owners_rights_have_a_fixed_search_path_and_are_closed_to_others(owner_url: URL) -> None:
    query = """SELECT proname, array_to_string(proconfig, ' ') FROM pg_proc
               WHERE pronamespace = 'public'::regnamespace AND prosecdef"""
    open_to_all = """SELECT proname FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) AS granted
                     WHERE pronamespace = 'public'::regnamespace AND proowner = 'triage_owner'::regrole AND grantee = 0"""
    with create_engine(owner_url, poolclass=NullPool).connect() as connection:
        found = {row[0]: row[1] for row in connection.execute(text(query))}
        assert len(found) > 3
        assert {
            name for name, settings in found.items() if "search_path=public, pg_temp" not in (settings or "")
        } == set()
        assert connection.scalars(text(open_to_all)).all() == []
