"""Receiving an appeal: everything about it in one transaction, once."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, event, func, select

from tests.store_fixtures import both_ways
from triage.casework.intake import NewAppeal
from triage.casework.receive import CHUNK, Failure, Receipt, receive, receive_many
from triage.store import appeals, decisions, history, outbox, schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.errors import DuplicateReference, IdempotencyConflict, Refused, StoreError, StoreUnavailable
from triage.store.roles import conninfo
from triage.testing import FakeDecider, dispatch_at_once, fake_active, fake_desk

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WASTE = "青石大道农贸市场门口垃圾堆放无人清理，夏天气味很大，附近居民多次反映一直没有结果，请尽快安排清运"
WAGES = "我们在云溪路工地干活，讨薪三个月没有结果，包工头电话13800138000一直不接，请帮助我们"
TABLES = (
    "events",
    "appeals",
    "signatures",
    "vectors",
    "decisions",
    "links",
    "history",
    "alerts",
    "outbox",
    "idempotency",
)
NORTH, SOUTH = Scope(("北屏区",)), Scope(("南汀区",))


def actor(scope: Scope, name: str = "key:1") -> Actor:
    return Actor(name=name, role="intake", scope=scope)


def counts(database: Database) -> dict[str, int]:
    with database.transaction(EVERYWHERE) as connection:
        return {
            name: connection.execute(select(func.count()).select_from(schema.metadata.tables[name])).scalar_one()
            for name in TABLES
        }


@contextmanager
def failing_at(database: Database, statement: str) -> Iterator[None]:
    """The database breaks as soon as a statement of this beginning is to be executed."""

    def break_(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.lstrip().startswith(statement):
            raise RuntimeError("broken")

    event.listen(database.engine, "before_cursor_execute", break_)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", break_)


@both_ways()
def test_everything_about_an_appeal_is_recorded(database: Database) -> None:
    desk = fake_desk(database, clock=lambda: NOON)
    found = receive(
        desk, SYSTEM, NewAppeal(content=WAGES, title="讨薪", channel="热线", reference="7"), idempotency_key="k"
    )
    assert counts(database) == {**dict.fromkeys(TABLES, 1), "links": 0, "outbox": 2}
    with database.transaction(EVERYWHERE) as connection:
        view = appeals.get(connection, found.appeal_id)
        (version,) = decisions.versions(connection, found.appeal_id)
        steps = [step.action for step in history.of(connection, found.appeal_id)]
        topics = connection.scalars(select(schema.outbox.c.topic).order_by(schema.outbox.c.id)).all()
    assert (view.case_state, view.delivery_state, view.unit) == ("waiting", "proposed", "")
    assert (view.risk_level, view.function, view.received_at) == (4, "住建局", NOON)
    assert version.record == found.decision_record
    assert version.bundle == "fake"
    assert found.decision_record["event"] == {"id": str(found.event_id), "size": 1, "similar": []}
    assert steps == ["received"]
    assert topics == [outbox.ALERT_RAISED, outbox.APPEAL_DECIDED]


def test_a_certain_proposal_waits_for_a_person_all_the_same(database: Database) -> None:
    found = receive(fake_desk(database), SYSTEM, NewAppeal(content=WASTE))
    with database.transaction(EVERYWHERE) as connection:
        view = appeals.get(connection, found.appeal_id)
    assert found.decision_record["unit"]["decision"] == "auto"
    assert (view.case_state, view.delivery_state, view.unit) == ("waiting", "proposed", "")


def test_a_desk_that_may_dispatch_assigns_the_unit_of_a_certain_proposal(database: Database) -> None:
    found = receive(fake_desk(database, dispatch=dispatch_at_once()), SYSTEM, NewAppeal(content=WASTE))
    with database.transaction(EVERYWHERE) as connection:
        view = appeals.get(connection, found.appeal_id)
        steps = [step.action for step in history.of(connection, found.appeal_id)]
    assert (view.case_state, view.delivery_state, view.unit) == ("assigned", "dispatched", "城管局")
    assert steps == ["received", "appeal.dispatched"]


@pytest.mark.parametrize(
    "step",
    [*(f"INSERT INTO {table}" for table in TABLES if table != "links"), "SELECT kind, appeal_id", "SELECT pg_advisory"],
)
def test_a_failure_at_any_step_leaves_nothing_behind(database: Database, step: str) -> None:
    desk = fake_desk(database)
    with failing_at(database, step), pytest.raises(RuntimeError, match="broken"):
        receive(desk, SYSTEM, NewAppeal(content=WAGES, channel="热线", reference="7"), idempotency_key="k")
    assert counts(database) == dict.fromkeys(TABLES, 0)
    assert receive(desk, SYSTEM, NewAppeal(content=WAGES, channel="热线", reference="7"), idempotency_key="k").created


@pytest.mark.parametrize("step", ["INSERT INTO links", "UPDATE events"])
def test_a_failure_while_joining_an_event_leaves_the_event_as_it_was(database: Database, step: str) -> None:
    desk = fake_desk(database)
    first = receive(desk, SYSTEM, NewAppeal(content=WASTE))
    before = counts(database)
    with failing_at(database, step), pytest.raises(RuntimeError, match="broken"):
        receive(desk, SYSTEM, NewAppeal(content=WASTE))
    assert counts(database) == before
    again = receive(desk, SYSTEM, NewAppeal(content=WASTE))
    assert again.decision_record["event"]["size"] == 2
    assert again.event_id == first.event_id


def test_repeating_a_key_gives_the_first_answer_to_the_byte(database: Database) -> None:
    desk = fake_desk(database)
    receive(desk, SYSTEM, NewAppeal(content=WASTE))
    new = NewAppeal(content=WASTE, title="垃圾", user="张三", created_at=NOON)
    first = receive(desk, SYSTEM, new, idempotency_key="k")
    receive(desk, SYSTEM, NewAppeal(content=WASTE))
    again = receive(desk, SYSTEM, new, idempotency_key="k")
    assert (first.created, again.created) == (True, False)
    assert json.dumps(again.decision_record) == json.dumps(first.decision_record)
    assert (again.appeal_id, again.event_id, again.links) == (first.appeal_id, first.event_id, first.links)
    assert len(first.links) == 1
    assert counts(database)["appeals"] == 3


def test_a_key_with_another_body_is_a_conflict(database: Database) -> None:
    desk = fake_desk(database)
    receive(desk, SYSTEM, NewAppeal(content=WASTE), idempotency_key="k")
    with pytest.raises(IdempotencyConflict, match="幂等键") as caught:
        receive(desk, SYSTEM, NewAppeal(content=WAGES), idempotency_key="k")
    assert WAGES not in str(caught.value)
    assert counts(database)["appeals"] == 1


def test_keys_of_different_principals_never_meet(database: Database) -> None:
    desk = fake_desk(database)
    one = receive(desk, actor(EVERYWHERE, "key:1"), NewAppeal(content=WASTE), idempotency_key="k")
    two = receive(desk, actor(EVERYWHERE, "key:2"), NewAppeal(content=WASTE), idempotency_key="k")
    assert one.appeal_id != two.appeal_id


def test_two_threads_with_one_key_record_one_appeal(database: Database) -> None:
    desk = fake_desk(database)
    for number in range(10):
        gate = threading.Barrier(2)

        def post(_i: int, gate: threading.Barrier = gate, number: int = number) -> Receipt:
            gate.wait()
            return receive(desk, SYSTEM, NewAppeal(content=f"{WASTE}{number}"), idempotency_key=f"k{number}")

        with ThreadPoolExecutor(2) as pool:
            one, two = pool.map(post, range(2))
        assert one.appeal_id == two.appeal_id
        assert sorted((one.created, two.created)) == [False, True]
    assert counts(database)["appeals"] == 10


def test_a_reference_is_recorded_once_per_channel(database: Database) -> None:
    desk = fake_desk(database)
    first = receive(desk, SYSTEM, NewAppeal(content=WASTE, channel="热线", reference="7"))
    with pytest.raises(DuplicateReference, match="已登记过") as caught:
        receive(desk, SYSTEM, NewAppeal(content=WAGES, channel="热线", reference="7"))
    assert caught.value.appeal_id == str(first.appeal_id)
    assert receive(desk, SYSTEM, NewAppeal(content=WAGES, channel="网站", reference="7")).created
    assert receive(desk, SYSTEM, NewAppeal(content=WAGES, channel="热线")).created
    assert receive(desk, SYSTEM, NewAppeal(content=WAGES, channel="热线")).created


def test_a_duplicate_reference_of_another_district_is_not_named(database: Database) -> None:
    desk = fake_desk(database)
    receive(desk, actor(NORTH), NewAppeal(content=WASTE, channel="热线", reference="7"))
    with pytest.raises(DuplicateReference) as caught:
        receive(desk, actor(SOUTH), NewAppeal(content=WASTE, channel="热线", reference="7"))
    assert caught.value.appeal_id == ""


def test_an_actor_of_one_district_records_for_that_district(database: Database) -> None:
    desk = fake_desk(database)
    found = receive(desk, actor(NORTH), NewAppeal(content=WASTE))
    with database.transaction(NORTH) as connection:
        assert appeals.get(connection, found.appeal_id).district == "北屏区"


def test_a_district_outside_the_scope_is_refused(database: Database) -> None:
    desk = fake_desk(database)
    with pytest.raises(Refused, match="南汀区"):
        receive(desk, actor(NORTH), NewAppeal(content=WASTE, district="南汀区"))
    with pytest.raises(Refused, match="请填写 district"):
        receive(desk, actor(Scope(("北屏区", "南汀区"))), NewAppeal(content=WASTE))
    assert counts(database) == dict.fromkeys(TABLES, 0)


def test_an_analyst_may_not_record(database: Database) -> None:
    analyst = Actor(name="user:1", role="analyst", scope=EVERYWHERE)
    with pytest.raises(Refused):
        receive(fake_desk(database), analyst, NewAppeal(content=WASTE))


def test_the_answer_names_no_appeal_of_another_district(database: Database) -> None:
    desk = fake_desk(database)
    other = receive(desk, actor(SOUTH), NewAppeal(content=WASTE))
    mine = receive(desk, actor(NORTH), NewAppeal(content=WASTE), idempotency_key="k")
    assert mine.event_id == other.event_id
    assert mine.decision_record["event"] == {"id": str(mine.event_id), "size": 2, "similar": []}
    assert mine.links == receive(desk, actor(NORTH), NewAppeal(content=WASTE), idempotency_key="k").links == ()
    city = receive(desk, SYSTEM, NewAppeal(content=WASTE))
    assert {link.appeal_id for link in city.links} == {mine.appeal_id, other.appeal_id}


def test_views_hold_masked_text_and_the_appellant_is_a_keyed_hash(database: Database) -> None:
    desk = fake_desk(database)
    found = receive(
        desk, SYSTEM, NewAppeal(content=WAGES, title="请致电13800138000", user=" 李四 ", address="云溪路8号3栋201室")
    )
    with database.transaction(EVERYWHERE) as connection:
        view = appeals.get(connection, found.appeal_id)
        row = connection.execute(select(schema.appeals)).one()
        packed = connection.execute(select(schema.signatures.c.packed)).scalar_one()
    assert "13800138000" not in repr(view) + json.dumps(found.decision_record)
    assert row.content_raw == WAGES
    assert row.appellant == desk.appellant_hash("李四")
    assert len(row.appellant) == 32
    assert desk.appellant_hash("王五") != row.appellant
    assert b"13800138000" not in packed


def test_characters_the_store_cannot_hold_become_others_of_the_same_length(database: Database) -> None:
    found = receive(
        fake_desk(database), SYSTEM, NewAppeal(content="垃圾\0成堆\ud800没人管", user="\0"), idempotency_key="\0"
    )
    with database.transaction(EVERYWHERE) as connection:
        raw = connection.execute(select(schema.appeals.c.content_raw)).scalar_one()
    assert raw == "垃圾\ufffd成堆\ufffd没人管"
    assert found.created


def test_a_text_of_a_hundred_thousand_characters_is_recorded(database: Database) -> None:
    assert receive(fake_desk(database), SYSTEM, NewAppeal(content="路灯不亮。" * 20_000)).created


def test_an_alert_is_raised_once_per_event_and_level(database: Database) -> None:
    desk = fake_desk(database)
    for _ in range(3):
        receive(desk, SYSTEM, NewAppeal(content=WAGES))
    assert counts(database)["alerts"] == 1
    with database.transaction(EVERYWHERE) as connection:
        reason = connection.execute(select(schema.alerts.c.reason)).scalar_one()
    assert reason == "风险等级4级（红）"


def test_no_error_or_log_of_a_failing_database_quotes_the_appeal(
    database: Database, owner_url: URL, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(conninfo(owner_url), autocommit=True) as owner:
        owner.execute("""
            CREATE FUNCTION spill() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'row % %', NEW.record, (SELECT string_agg(content_raw, ' ') FROM appeals); END $$
        """)
        owner.execute("CREATE TRIGGER spill BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION spill()")
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        receive(fake_desk(database), SYSTEM, NewAppeal(content=WAGES))
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.args)
    assert "P0001" in told
    for secret in ("13800138000", "包工头", "云溪路"):
        assert secret not in told
    assert counts(database) == dict.fromkeys(TABLES, 0)


def test_logs_hold_ids_only(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="triage"):
        found = receive(fake_desk(database), SYSTEM, NewAppeal(content=WAGES, user="李四"))
    (record,) = [r for r in caplog.records if getattr(r, "action", "") == "appeal.received"]
    assert vars(record)["appeal_id"] == str(found.appeal_id)
    assert "包工头" not in repr(vars(record))
    assert "李四" not in repr(vars(record))


def test_the_models_are_replaced_for_the_next_appeal(database: Database) -> None:
    desk = fake_desk(database)
    former = desk.current.replace(fake_active("fake-2"))
    assert former.bundle == "fake"
    assert receive(desk, SYSTEM, NewAppeal(content=WASTE)).decision_record["versions"]["bundle"] == "fake-2"


def test_many_give_the_answers_of_one_by_one(database: Database) -> None:
    desk = fake_desk(database)
    new = [
        NewAppeal(content=f"{WASTE}{n % 7}", channel="热线", reference=str(n), received_at=NOON)
        for n in range(CHUNK + 20)
    ]
    many = [answer for answer in receive_many(desk, SYSTEM, new) if isinstance(answer, Receipt)]
    alone = [receive(desk, SYSTEM, NewAppeal(content=f"{WAGES}{n % 7}", received_at=NOON)) for n in range(20)]
    assert len(many) == len(new)
    assert [answer.decision_record["event"]["size"] for answer in many[:20]] == [
        answer.decision_record["event"]["size"] for answer in alone
    ]
    assert len({answer.event_id for answer in many}) == 7


class Choosy(FakeDecider):
    """Cannot read one word."""

    def read(self, appeals: Any) -> Any:
        if any("坏行" in appeal.content for appeal in appeals):
            raise ValueError("cannot read")
        return super().read(appeals)


def test_one_bad_appeal_spoils_no_other_of_its_chunk(database: Database) -> None:
    fake = fake_active()
    active = type(fake)(triage=Choosy(), bundle=fake.bundle, scorer=fake.scorer, encoder=fake.encoder)
    desk = fake_desk(database, active=active)
    answers = receive_many(
        desk,
        SYSTEM,
        [
            NewAppeal(content="甲"),
            NewAppeal(content="坏行"),
            NewAppeal(content="乙", channel="热线", reference="1"),
            NewAppeal(content="丙", channel="热线", reference="1"),
        ],
    )
    assert [type(answer) for answer in answers] == [Receipt, Failure, Receipt, Failure]
    bad, repeated = answers[1], answers[3]
    assert isinstance(bad, Failure)
    assert "坏行" not in str(bad.error)
    assert isinstance(repeated, Failure)
    assert isinstance(repeated.error, DuplicateReference)
    assert counts(database)["appeals"] == 2


def test_a_chunk_that_gave_way_to_another_writer_goes_on_singly(database: Database) -> None:
    desk = fake_desk(database)
    told: list[str] = []

    def give_way(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.lstrip().startswith("INSERT INTO vectors") and not told:
            told.append(sql)
            raise StoreUnavailable("与其他操作冲突")

    event.listen(database.engine, "before_cursor_execute", give_way)
    answers = receive_many(desk, SYSTEM, [NewAppeal(content=f"{WASTE}{n}") for n in range(3)])
    assert told
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert counts(database)["appeals"] == 3


def test_an_import_ends_where_the_database_is_gone(database: Database) -> None:
    desk = fake_desk(database)

    def gone(*_all: Any) -> None:
        raise StoreUnavailable("连接不上")

    event.listen(database.engine, "before_cursor_execute", gone)
    with pytest.raises(StoreUnavailable):
        receive_many(desk, SYSTEM, [NewAppeal(content=WASTE)] * 3)


def test_sixteen_threads_share_one_desk(database: Database) -> None:
    desk = fake_desk(database)

    def post(number: int) -> Receipt:
        return receive(desk, SYSTEM, NewAppeal(content=f"{WASTE}{number % 10}", user=f"用户{number}"))

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(post, range(160)))
    assert len({receipt.appeal_id for receipt in found}) == 160
    assert len({receipt.event_id for receipt in found}) == 10
    with database.transaction(EVERYWHERE) as connection:
        assert sorted(connection.execute(select(schema.events.c.size)).scalars()) == [16] * 10


def test_times_need_a_zone() -> None:
    with pytest.raises(ValueError, match="created_at has no time zone"):
        NewAppeal(content=WASTE, created_at=datetime(2026, 11, 20))  # noqa: DTZ001


def test_an_old_key_is_forgotten(database: Database) -> None:
    from triage.store import idempotency

    desk = fake_desk(database, clock=lambda: NOON)
    receive(desk, SYSTEM, NewAppeal(content=WASTE), idempotency_key="k")
    with database.transaction(EVERYWHERE) as connection:
        assert idempotency.forget(connection, before=NOON) == 0
        assert idempotency.forget(connection, before=NOON + timedelta(seconds=1)) == 1
    assert receive(desk, SYSTEM, NewAppeal(content=WAGES), idempotency_key="k").created


def test_a_broken_cursor_names_itself() -> None:
    with pytest.raises(StoreError, match="cursor"):
        appeals.Cursor.parse("不是游标")
