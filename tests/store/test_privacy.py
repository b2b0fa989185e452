"""Unmasked texts, erasure on request, retention: who reads is on record, who is forgotten leaves no trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import URL, insert

from tests.store.filing import (
    CLOCK,
    DISPATCHER,
    LONGHUA,
    StandingClock,
    add_units,
    count,
    file_appeal,
    file_event,
    person,
    rows,
)
from tests.store_fixtures import TestServer, both_ways
from triage.casework import events, privacy, receive, retention, review
from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal
from triage.errors import InputError
from triage.store import audit, jobs, schema
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.store.errors import NotFound, Refused
from triage.store.roles import SUPERUSER, conninfo
from triage.testing import fake_desk

WORDS = ("翡翠苑七栋", "13876543210", "垃圾堆在楼道三天没人管", "欧阳铁柱")
LETTER = NewAppeal(
    title="翡翠苑七栋垃圾问题",
    content="我叫欧阳铁柱，电话13876543210。翡翠苑七栋垃圾堆在楼道三天没人管，再不处理我们就去上访讨薪。",
    address="龙华区翡翠苑七栋302室",
    user="欧阳铁柱",
    district="龙华区",
    channel="热线",
    reference="R-1",
)
ADMIN = person("admin")
Dump = Callable[[], str]


@pytest.fixture
def desk(database: Database) -> Desk:
    add_units(database, "城管局", "住建局", "市交警支队")
    return fake_desk(database, clock=CLOCK)


@pytest.fixture
def dump(server: TestServer, database_url: URL) -> Dump:
    """All that is stored, every column of every table as text, bytes as they are."""
    assert database_url.database is not None
    url = conninfo(server.url(database_url.database, role=SUPERUSER))

    def read() -> str:
        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            found = []
            for (table,) in tables:
                cursor = connection.execute(f'SELECT * FROM public."{table}"'.encode())
                for row in cursor:
                    found += [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell) for cell in row]
        return "\n".join(found)

    return read


def received(desk: Desk, letter: NewAppeal = LETTER) -> UUID:
    return receive.receive(desk, SYSTEM, letter, idempotency_key=f"k{uuid4()}").appeal_id


def audited(desk: Desk, action: str) -> list[dict[str, Any]]:
    return rows(desk.database, "audit", action=action)


@both_ways()
def test_the_raw_text_is_shown_with_a_reason_and_on_record(database: Database) -> None:
    desk = fake_desk(database, clock=CLOCK)
    appeal = received(desk)
    shown = privacy.unmask(desk, LONGHUA, appeal, "回访需核对电话")
    assert (shown.title, shown.content, shown.address) == (LETTER.title, LETTER.content, LETTER.address)
    (row,) = audited(desk, "appeal.unmask")
    assert (row["id"], row["actor"], row["subject"]) == (shown.audit_row, LONGHUA.name, str(appeal))
    assert row["detail"] == {"reason": "回访需核对电话"}
    assert "13876543210" not in repr(shown) + repr(row)


@pytest.mark.parametrize("reason", ["", "   ", "看看吧", "x" * 501, "原因\x00说明", "原因\ud800说明"])
def test_without_a_reason_nothing_is_shown(desk: Desk, reason: str) -> None:
    with pytest.raises(InputError, match="查看未脱敏原文须写明理由（4 至 500 字）"):
        privacy.unmask(desk, DISPATCHER, received(desk), reason)
    assert audited(desk, "appeal.unmask") == []


def test_only_those_who_need_it_see_raw_text(desk: Desk) -> None:
    appeal = received(desk)
    for role in ("intake", "analyst"):
        with pytest.raises(Refused, match=f"角色 {role} 无权查看未脱敏原文；需要的角色：admin、dispatcher、officer"):
            privacy.unmask(desk, person(role), appeal, "回访需核对电话")
    for role in ("dispatcher", "officer", "admin"):
        assert privacy.unmask(desk, person(role), appeal, "回访需核对电话").content == LETTER.content


def test_another_districts_raw_text_does_not_exist_and_is_not_audited_as_read(desk: Desk) -> None:
    appeal = received(desk)
    with pytest.raises(NotFound, match=f"没有诉求 {appeal}，或不在可见区划内"):
        privacy.unmask(desk, person("dispatcher", "秀英区"), appeal, "回访需核对电话")
    assert audited(desk, "appeal.unmask") == []


def test_no_text_is_shown_when_the_record_cannot_be_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    appeal = received(desk)
    monkeypatch.setattr(audit, "append", lambda *_a, **_k: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        privacy.unmask(desk, DISPATCHER, appeal, "回访需核对电话")


def test_an_erased_person_leaves_no_trace(desk: Desk, dump: Dump, caplog: pytest.LogCaptureFixture) -> None:
    first, second = received(desk), received(desk, LETTER_AGAIN)
    other = received(desk, OTHERS)
    review.confirm(desk, DISPATCHER, second)
    review.send_back(desk, DISPATCHER, second, reason="欧阳铁柱反映的翡翠苑七栋不归我单位")
    leave_batch(desk)
    assert all(word in dump() for word in WORDS)
    who = desk.appellant_hash(LETTER.user)
    assert who is not None
    with caplog.at_level(logging.DEBUG):
        erasure = privacy.erase(desk, ADMIN, f" {LETTER.user} ")
    assert set(erasure.appeals) == {first, second}
    assert erasure.job_rows == 2
    left = dump()
    for trace in (*WORDS, "翡翠苑", "欧阳", "上访讨薪", who.hex(), who.decode("utf-8", "replace")):
        assert trace not in left, trace
    assert "R-1" in left  # the case number stays, so that the same ticket is not taken in again
    assert not any(word in caplog.text for word in WORDS)
    assert rows(desk.database, "appeals", id=other)[0]["content_raw"] == OTHERS.content


def test_an_erased_appeal_keeps_its_history_and_says_what_happened(desk: Desk) -> None:
    appeal = received(desk)
    review.confirm(desk, DISPATCHER, appeal)
    privacy.erase(desk, ADMIN, LETTER.user)
    (row,) = rows(desk.database, "appeals")
    assert (row["content"], row["content_raw"], row["title"], row["appellant"]) == (
        privacy.TOMBSTONE,
        privacy.TOMBSTONE,
        "",
        None,
    )
    assert row["anonymised_at"] is not None
    assert (row["unit"], row["case_state"], row["l1"], row["district"]) == ("城管局", "assigned", "城乡建设", "龙华区")
    (decision,) = rows(desk.database, "decisions")
    record: Any = decision["record"]
    assert record["unit"]["candidates"] == [{"name": "城管局", "probability": 0.9}]
    assert record["explanation"] == record["demands"] == record["risk"]["evidence"] == []
    assert record["risk"]["level"] == 4
    assert record["anonymised"] is True
    actions = [entry["action"] for entry in rows(desk.database, "history")]
    assert actions[0] == "received"
    assert actions[-1] == "appeal.erased"
    assert "appeal.confirmed" in actions
    for table in ("vectors", "signatures", "links", "idempotency", "outbox"):
        assert count(desk.database, table) == 0


def test_an_erasure_is_audited_without_naming_the_person(desk: Desk) -> None:
    received(desk)
    privacy.erase(desk, ADMIN, LETTER.user)
    (row,) = audited(desk, "appellant.erase")
    assert row["actor"] == ADMIN.name
    assert row["detail"] == {"appeals": 1, "job_rows": 0}
    assert LETTER.user not in repr(row)
    assert privacy.erase(desk, ADMIN, "从未来过的人").appeals == ()


def test_erasing_is_for_administrators_and_needs_a_name(desk: Desk) -> None:
    for role in ("intake", "dispatcher", "officer", "analyst"):
        with pytest.raises(Refused, match=f"角色 {role} 无权按申请删除个人信息"):
            privacy.erase(desk, person(role), LETTER.user)
    with pytest.raises(InputError, match="请写明要删除的诉求人"):
        privacy.erase(desk, ADMIN, "  ")


def test_an_event_named_after_an_erased_appeal_takes_another_name(desk: Desk) -> None:
    event = rows(desk.database, "appeals", id=received(desk))[0]["event_id"]
    file_appeal(desk.database, event_id=event)  # type: ignore[arg-type]
    privacy.erase(desk, ADMIN, LETTER.user)
    assert rows(desk.database, "events", id=event)[0]["title"] == "标题"


def test_an_erased_persons_words_do_not_stay_as_the_name_of_an_event_they_were_moved_from(
    desk: Desk, dump: Dump
) -> None:
    began = rows(desk.database, "appeals", id=received(desk))[0]["event_id"]
    assert isinstance(began, UUID)
    title = str(rows(desk.database, "events", id=began)[0]["title"])
    kept = file_appeal(desk.database, event_id=file_event(desk.database))
    into = rows(desk.database, "appeals", id=kept)[0]["event_id"]
    assert isinstance(into, UUID)
    events.merge(desk, DISPATCHER, into=into, others=[began])
    letter = next(row["id"] for row in rows(desk.database, "appeals", event_id=into) if row["id"] != kept)
    assert isinstance(letter, UUID)
    events.split(desk, DISPATCHER, into, appeal_ids=[letter])
    assert title in dump()
    privacy.erase(desk, ADMIN, LETTER.user)
    assert title not in dump()
    assert rows(desk.database, "events", id=began)[0]["title"] == ""
    assert rows(desk.database, "events", id=into)[0]["title"] == "标题"


def test_a_purged_appeal_does_not_stay_as_the_name_of_its_event(desk: Desk) -> None:
    event = file_event(desk.database, size=2)
    file_appeal(desk.database, event_id=event, days_ago=400)
    file_appeal(desk.database, event_id=event)
    assert rows(desk.database, "events", id=event)[0]["title"] == "路灯不亮"
    retention.run(desk, ADMIN, anonymise_after=None, purge_after=365)
    assert [(row["title"], row["size"]) for row in rows(desk.database, "events", id=event)] == [("标题", 1)]


def test_what_reaches_every_district_is_not_for_a_districts_administrator(desk: Desk) -> None:
    appeal = received(desk)
    with pytest.raises(Refused, match="按申请删除个人信息涉及全市，需要可见区划为全市"):
        privacy.erase(desk, person("admin", "秀英区"), LETTER.user)
    with pytest.raises(Refused, match="执行留存期限涉及全市"):
        retention.run(desk, person("admin", "龙华区"), anonymise_after=30, purge_after=None)
    assert rows(desk.database, "appeals", id=appeal)[0]["content_raw"] == LETTER.content


LETTER_AGAIN = NewAppeal(
    title=LETTER.title, content=LETTER.content + "再次反映。", user=LETTER.user, district="龙华区", channel="网站"
)
OTHERS = NewAppeal(content="路口红绿灯坏了，请交警来修。", user="另一人", district="龙华区")


def leave_batch(desk: Desk) -> None:
    """Rows of a batch that never became appeals: one waits, one failed; one is somebody else's."""
    posted = [{"user": LETTER.user, "content": LETTER.content}, {"user": LETTER.user, "content": LETTER.content}]
    with desk.database.transaction(EVERYWHERE) as connection:
        job = jobs.create(
            connection, kind="appeals.batch", inputs=[*posted, {"user": "另一人"}], actor=SYSTEM, at=CLOCK()
        )
        jobs.item_failed(connection, job.id, 2, "第2行缺少时间")


def test_old_appeals_lose_the_person_and_later_go_altogether(desk: Desk, dump: Dump) -> None:
    old, older, fresh = (
        file_appeal(desk.database, days_ago=d, appellant=b"x" * 32, raw="原文甲") for d in (40, 400, 5)
    )
    report = retention.run(desk, ADMIN, anonymise_after=30, purge_after=365)
    assert report == retention.RetentionReport(anonymised=1, purged=1, dry=False)
    left = {row["id"]: row for row in rows(desk.database, "appeals")}
    assert set(left) == {old, fresh}
    assert (left[old]["content_raw"], left[old]["appellant"], left[old]["content"]) == ("", None, "路灯不亮")
    assert left[fresh]["content_raw"] == "原文甲"
    assert str(older) not in dump()
    assert count(desk.database, "events") == 2
    record: Any = rows(desk.database, "decisions", appeal_id=old)[0]["record"]
    assert record["explanation"] == []
    (row,) = audited(desk, "retention.run")
    assert row["detail"] == {"anonymise_after": 30, "purge_after": 365, "anonymised": 1, "purged": 1}
    assert retention.run(desk, ADMIN, anonymise_after=30, purge_after=365).anonymised == 0


def test_a_dry_run_counts_and_changes_nothing(desk: Desk) -> None:
    for days in (40, 50, 400):
        file_appeal(desk.database, days_ago=days)
    report = retention.run(desk, ADMIN, anonymise_after=30, purge_after=365, dry=True)
    assert report == retention.RetentionReport(anonymised=2, purged=1, dry=True)
    assert count(desk.database, "appeals") == 3
    assert count(desk.database, "audit") == 0
    assert retention.run(desk, ADMIN, anonymise_after=30, purge_after=None, dry=True).anonymised == 3


def test_retention_works_in_batches_and_can_be_broken_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        file_appeal(desk.database, days_ago=40)
    seen: list[tuple[int, int]] = []

    def stop_after_two(done: int, total: int) -> bool:
        seen.append((done, total))
        return len(seen) < 2

    first = retention.run(desk, ADMIN, anonymise_after=30, purge_after=None, progress=stop_after_two)
    assert first.anonymised == 4
    assert seen == [(2, 5), (4, 5)]
    assert retention.run(desk, ADMIN, anonymise_after=30, purge_after=None).anonymised == 1


@pytest.mark.parametrize(
    ("anonymise", "purge", "problem"),
    [
        (None, None, "请写明 --anonymise-after 或 --purge-after 的天数"),
        (29, None, "天数应在 30 至 36500 之间"),
        (30, 99999, "天数应在 30 至 36500 之间"),
        (90, 90, "清除天数（--purge-after）应大于匿名天数（--anonymise-after）"),
    ],
)
def test_days_that_make_no_sense_are_refused(
    desk: Desk, anonymise: int | None, purge: int | None, problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        retention.run(desk, ADMIN, anonymise_after=anonymise, purge_after=purge)
    with pytest.raises(Refused, match="角色 officer 无权执行留存期限"):
        retention.run(desk, person("officer"), anonymise_after=30, purge_after=None)


def test_what_lies_around_appeals_goes_with_age(database: Database) -> None:
    clock = StandingClock()
    desk = fake_desk(database, clock=clock)
    leave_batch(desk)
    received(desk)
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(schema.outbox.update().values(state="sent"))
        values = {"topic": "t", "key": "pending", "payload": {}, "created_at": clock()}
        connection.execute(insert(schema.outbox).values(**values))
    clock.pass_(days=31)
    retention.run(desk, ADMIN, anonymise_after=30, purge_after=None)
    assert [row["input"] for row in rows(database, "job_items")] == [None] * 3
    assert [row["key"] for row in rows(database, "outbox")] == ["pending"]
    assert count(database, "idempotency") == 0
