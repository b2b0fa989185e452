"""Every message reaches each receiver once, or it can be seen that it did not: down, slow, crashed, clocks gone wrong."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, text, update

from tests.store.filing import CLOCK, count, file_appeal, file_event, person, rows
from triage.casework import targets
from triage.casework.delivering import Courier
from triage.casework.targets import Mailroom, Wish
from triage.errors import InputError
from triage.notify import Address, Guard, NetworkRules, Outcome, Sent, Telling
from triage.store import deliveries, outbox, schema
from triage.store import targets as store
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.deliveries import LOCKS, MOST_ATTEMPTS
from triage.store.errors import Conflict, NotFound, Refused, StateConflict, StoreUnavailable
from triage.store.schema.delivery import deliveries as rows_of
from triage.store.schema.delivery import targets as receivers
from triage.store.sealing import Seal

ADMIN = person("admin")
KEY = b"k" * 32
HOOK = {"url": "https://hook.city.gov.cn/geheim-pfad"}
ROBOT = {"url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=geheim-schluessel"}
RULES = NetworkRules(hosts=frozenset({"hook.city.gov.cn", "mail.city.gov.cn"}))
ARRIVED = Sent(Outcome.DELIVERED)
DOWN = Sent(Outcome.UNREACHED, "无法建立连接")
REFUSED = Sent(Outcome.REFUSED, "对方拒收此消息（HTTP 400）")
UNKNOWN = Sent(Outcome.UNKNOWN, "消息已交出，对方没有答复")


@dataclass(slots=True)
class Line:
    """Takes the place of the network: answers as it was told and keeps what was sent."""

    answer: Callable[[Telling], Sent] = lambda _telling: ARRIVED
    sent: list[Telling] = field(default_factory=list)

    def __call__(self, _address: Address, telling: Telling) -> Sent:
        self.sent.append(telling)
        return self.answer(telling)


@dataclass(slots=True)
class Office:
    """A mailroom whose network is a `Line`."""

    room: Mailroom
    line: Line

    def courier(self) -> Courier:
        return Courier(self.room, go_on=lambda: True, wait=lambda _seconds: None)

    def add(self, name: str = "协同平台", kind: str = "webhook", **more: Any) -> UUID:
        address = more.pop("address", HOOK if kind == "webhook" else ROBOT)
        return targets.add(self.room, ADMIN, Wish(name=name, kind=kind, address=address, **more)).target.id

    def tell(self, topic: str = "alert.raised", *, number: int = 1, **payload: Any) -> None:
        with self.room.database.transaction(EVERYWHERE) as connection:
            outbox.add(connection, topic, key=f"{topic}:{number}", payload=payload, at=CLOCK())

    def deliver(self) -> Courier:
        """Do what the worker does in one round."""
        courier = self.courier()
        try:
            courier.recover()
            courier.route()
            for target in courier.waiting():
                courier.deliver(target)
        finally:
            courier.close()
        return courier

    def states(self) -> list[str]:
        with self.room.database.transaction(EVERYWHERE) as connection:
            return list(connection.scalars(select(rows_of.c.state).order_by(rows_of.c.outbox_id)))

    def let_pass(self, **time_: float) -> None:
        """Move everything that was noted into the past: for the database time has passed."""
        with self.room.database.transaction(EVERYWHERE) as connection:
            connection.execute(update(rows_of).values(tried_at=rows_of.c.tried_at - timedelta(**time_)))
            connection.execute(update(receivers).values(rested_at=receivers.c.rested_at - timedelta(**time_)))
            later = schema.outbox.c.next_attempt_at - timedelta(**time_)
            connection.execute(update(schema.outbox).values(next_attempt_at=later))


@pytest.fixture
def office(database: Database) -> Office:
    line = Line()
    room = Mailroom(database=database, seal=Seal(KEY), guard=Guard(rules=RULES), clock=CLOCK, sender=line)
    return Office(room, line)


def test_a_message_reaches_every_receiver_that_wants_it_once(office: Office) -> None:
    office.add("甲", topics=["alert.*"])
    office.add("乙", topics=["alert.raised"])
    office.add("丙", topics=["appeal.*"])
    office.tell("alert.raised")
    for _ in range(3):
        office.deliver()
    assert len(office.line.sent) == 2
    assert len({telling.id for telling in office.line.sent}) == 2  # each receiver has an id of its own
    assert office.states() == ["sent", "sent"]
    assert [row["state"] for row in rows(office.room.database, "outbox")] == ["sent"]


def test_a_message_that_nobody_wants_is_done(office: Office) -> None:
    office.tell()
    office.deliver()
    assert [row["state"] for row in rows(office.room.database, "outbox")] == ["sent"]
    office.add()
    office.deliver()  # who comes later hears of what happens later
    assert office.line.sent == []


def test_a_district_hears_of_its_own_alerts_from_its_level_on(office: Office) -> None:
    database = office.room.database
    office.add("全市", "wecom", topics=["*"])
    office.add("龙华", topics=["*"], districts=["龙华区"], least_level=4)
    for number, (district, level) in enumerate([("龙华区", 3), ("龙华区", 4), ("秀英区", 4), ("", 4)]):
        appeal = file_appeal(database, district=district)
        alert = {"id": uuid4(), "event_id": file_event(database), "appeal_id": appeal, "district": district}
        with database.transaction(EVERYWHERE) as connection:
            connection.execute(insert(schema.alerts).values(**alert, level=level, reason="风险等级"))
        office.tell(number=number, alert_id=str(alert["id"]), level=level)
    office.tell("appeal.returned", number=9, appeal_id=str(appeal))
    office.tell("event.merged", number=10, event_id=str(file_event(database, district="龙华区")))
    courier = office.courier()
    courier.route()
    courier.close()
    names = {row["id"]: row["name"] for row in rows(database, "targets")}
    wanted = [names[row["target_id"]] for row in rows(database, "deliveries")]
    assert sorted(str(name) for name in wanted) == ["全市"] * 6 + ["龙华"] * 2


def test_people_read_the_reason_and_the_district_and_programs_the_ids(office: Office) -> None:
    database = office.room.database
    appeal, event = file_appeal(database), file_event(database, size=3)
    alert = uuid4()
    with database.transaction(EVERYWHERE) as connection:
        values = {"id": alert, "event_id": event, "appeal_id": appeal, "district": "龙华区", "level": 4}
        connection.execute(insert(schema.alerts).values(**values, reason="风险等级4级（红）：人员被困"))
    office.add(topics=["*"])
    office.tell(alert_id=str(alert), appeal_id=str(appeal), level=4)
    office.deliver()
    (telling,) = office.line.sent
    assert telling.payload == {"alert_id": str(alert), "appeal_id": str(appeal), "level": 4}
    lines = dict(telling.notice().lines)
    assert (lines["原因"], lines["区划"]) == ("风险等级4级（红）：人员被困", "龙华区")
    assert lines["同一事件诉求数"] == "3"


def test_a_receiver_that_is_down_is_left_alone_for_a_while_and_gets_everything_when_it_is_back(office: Office) -> None:
    office.add()
    for number in range(3):
        office.tell(number=number)
    office.line.answer = lambda _telling: DOWN
    office.deliver()
    office.deliver()
    assert len(office.line.sent) == 1  # the first attempt told enough
    (target,) = targets.listed(office.room, ADMIN)
    assert (target.failures, target.last_error) == (1, "无法建立连接")
    office.line.answer = lambda _telling: ARRIVED
    office.let_pass(seconds=6)
    office.deliver()
    assert office.states() == ["sent"] * 3
    assert [telling.key for telling in office.line.sent[1:]] == [f"alert.raised:{number}" for number in range(3)]
    assert targets.listed(office.room, ADMIN)[0].failures == 0


def test_pauses_grow_from_five_seconds_to_five_minutes(office: Office) -> None:
    target = office.add()
    rests = []
    with office.room.database.transaction(EVERYWHERE) as connection:
        for _ in range(9):
            store.missed(connection, target, error="x" * 500)
            rests.append(connection.scalar(select(receivers.c.rest_seconds)))
        assert store.missed(connection, target, error="", least_rest=3_600) == 10
        assert connection.scalar(select(receivers.c.rest_seconds)) == 3_600
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_what_waits_for_a_receiver_that_is_gone_for_a_day_is_dead_and_visible(office: Office) -> None:
    office.add()
    office.tell(number=1)
    office.tell(number=2)
    office.line.answer = lambda _telling: DOWN
    with office.room.database.transaction(EVERYWHERE) as connection:
        connection.execute(update(receivers).values(failures=store.MOST_FAILURES - 1))
    office.deliver()
    assert office.states() == ["dead", "dead"]
    assert {row["state"] for row in rows(office.room.database, "outbox")} == {"dead"}
    (one, _other) = targets.failed(office.room, ADMIN)
    assert (one.target, one.state, one.last_error) == ("协同平台", "dead", "接收方长时间不可达：无法建立连接")


def test_one_message_that_is_refused_again_and_again_is_given_up_and_the_others_pass(office: Office) -> None:
    office.add()
    office.tell(number=1)
    office.tell(number=2)
    office.line.answer = lambda telling: REFUSED if telling.key.endswith(":1") else ARRIVED
    office.deliver()
    assert office.states() == ["pending", "sent"]
    for _ in range(MOST_ATTEMPTS):
        office.let_pass(hours=7)
        office.deliver()
    assert office.states() == ["dead", "sent"]
    refused = [telling for telling in office.line.sent if telling.key.endswith(":1")]
    assert len(refused) == MOST_ATTEMPTS
    assert len({telling.id for telling in refused}) == 1  # repetitions carry the same id


def test_a_refused_message_waits_longer_each_time(office: Office) -> None:
    office.add()
    office.tell()
    office.line.answer = lambda _telling: REFUSED
    pauses = []
    for _ in range(MOST_ATTEMPTS - 1):
        office.deliver()
        (row,) = rows(office.room.database, "deliveries")
        pauses.append(row["pause_seconds"])
        office.deliver()
        office.let_pass(hours=7)
    assert len(office.line.sent) == MOST_ATTEMPTS - 1
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600]


def test_a_robot_that_gave_no_answer_is_not_told_twice_and_the_doubt_is_visible(office: Office) -> None:
    office.add(kind="wecom", name="值班群")
    office.tell()
    office.line.answer = lambda _telling: UNKNOWN
    office.deliver()
    office.let_pass(hours=1)
    office.deliver()
    assert len(office.line.sent) == 1
    (doubt,) = targets.failed(office.room, ADMIN)
    assert (doubt.state, doubt.last_error) == ("uncertain", "消息已交出，对方没有答复")
    assert [row["state"] for row in rows(office.room.database, "outbox")] == ["dead"]


@pytest.mark.parametrize(("kind", "repeats"), [("webhook", False), ("wecom", True)])
def test_who_can_tell_repetitions_apart_or_wants_them_is_told_again(office: Office, kind: str, repeats: bool) -> None:
    office.add(kind=kind, topics=["*"], repeats=repeats)
    office.tell()
    answers = [UNKNOWN, ARRIVED]
    office.line.answer = lambda _telling: answers.pop(0)
    office.deliver()
    office.let_pass(hours=1)
    office.deliver()
    assert office.states() == ["sent"]
    assert len({telling.id for telling in office.line.sent}) == 1


@pytest.mark.parametrize(("kind", "state"), [("webhook", "pending"), ("wecom", "uncertain")])
def test_what_a_process_was_sending_when_it_was_killed_is_sent_again_or_in_doubt(
    office: Office, kind: str, state: str
) -> None:
    class Killed(BaseException):
        pass

    def die(_telling: Telling) -> Sent:
        raise Killed

    office.add(kind=kind, topics=["*"])
    office.tell()
    office.line.answer = die
    courier = office.courier()
    courier.route()
    with pytest.raises(Killed):
        courier.deliver(courier.waiting()[0])
    assert office.states() == ["sending"]

    other = office.courier()
    assert other.recover() == 0  # the lock of the first is still held: it may be alive
    assert other.waiting() == []
    courier.close()  # a session ends with its process
    assert other.recover() == 1
    assert office.states() == [state]
    other.close()


def test_a_process_finds_its_own_abandoned_work_and_leaves_alone_what_it_is_doing(office: Office) -> None:
    office.add()
    office.tell()
    courier = office.courier()
    courier.route()
    recovered: list[int] = []

    def look(_telling: Telling) -> Sent:
        recovered.append(courier.recover())
        return ARRIVED

    office.line.answer = look
    courier.deliver(courier.waiting()[0])
    assert recovered == [0]
    with office.room.database.transaction(EVERYWHERE) as connection:
        connection.execute(update(rows_of).values(state="sending", worker=courier._number))
    assert courier.recover() == 1
    courier.close()


def test_what_was_taken_for_lost_counts_as_arrived_when_that_is_learnt_later(office: Office) -> None:
    office.add(kind="wecom", topics=["*"])
    office.tell()
    courier = office.courier()
    courier.route()

    def slow(_telling: Telling) -> Sent:
        # Meanwhile the database was away, the lock with it, and another worker looked.
        with office.room.database.transaction(EVERYWHERE) as connection:
            connection.execute(update(rows_of).values(worker=12345))
        other = office.courier()
        assert other.recover() == 1
        other.close()
        assert office.states() == ["uncertain"]
        return ARRIVED

    office.line.answer = slow
    courier.deliver(courier.waiting()[0])
    courier.close()
    assert office.states() == ["sent"]
    assert [row["state"] for row in rows(office.room.database, "outbox")] == ["sent"]


def test_a_receiver_is_served_by_one_process_at_a_time(office: Office) -> None:
    office.add()
    for number in range(30):
        office.tell(number=number)
    couriers = [office.courier() for _ in range(4)]
    couriers[0].route()

    def slow(_telling: Telling) -> Sent:
        time.sleep(0.002)
        return ARRIVED

    office.line.answer = slow

    def work(courier: Courier) -> None:
        until = time.monotonic() + 10
        while min(office.states()) != "sent" and time.monotonic() < until:
            for target in courier.waiting():
                courier.deliver(target)

    threads = [threading.Thread(target=work, args=(courier,)) for courier in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for courier in couriers:
        courier.close()
    assert [telling.key for telling in office.line.sent] == [f"alert.raised:{number}" for number in range(30)]


def test_a_clock_that_was_put_back_holds_nothing_up(office: Office) -> None:
    office.add()
    office.tell()
    office.line.answer = lambda _telling: REFUSED
    office.deliver()
    office.let_pass(days=-1)  # as far as the database knows, all that happened tomorrow
    office.line.answer = lambda _telling: ARRIVED
    office.deliver()
    assert office.states() == ["sent"]
    for number, seconds in ((2, 2), (3, 86_000)):
        office.tell(number=number)
        office.let_pass(seconds=-seconds)
        office.deliver()
    assert office.states() == ["sent"] * 3


def test_a_clock_that_was_put_forward_doubles_nothing_and_gives_nothing_up(office: Office) -> None:
    office.add()
    office.tell()
    seen: list[int] = []

    def jump(_telling: Telling) -> Sent:
        office.let_pass(days=400)  # in the middle of sending
        other = office.courier()
        seen.append(other.recover())
        other.close()
        return DOWN

    office.line.answer = jump
    office.deliver()
    assert seen == [0]
    assert office.states() == ["pending"]
    office.line.answer = lambda _telling: ARRIVED
    office.let_pass(days=400)
    office.deliver()
    assert office.states() == ["sent"]
    assert len(office.line.sent) == 2


def test_a_message_may_be_held_and_withdrawn(office: Office) -> None:
    office.add()
    with office.room.database.transaction(EVERYWHERE) as connection:
        outbox.add(connection, "appeal.dispatched", key="d:1", payload={}, at=CLOCK(), hold=timedelta(minutes=10))
        outbox.add(connection, "appeal.dispatched", key="d:2", payload={}, at=CLOCK(), hold=timedelta(minutes=10))
    office.deliver()
    assert office.line.sent == []
    with office.room.database.transaction(EVERYWHERE) as connection:
        assert outbox.withdraw(connection, "d:1")
    office.let_pass(minutes=11)
    office.deliver()
    assert [telling.key for telling in office.line.sent] == ["d:2"]
    with office.room.database.transaction(EVERYWHERE) as connection:
        assert not outbox.withdraw(connection, "d:2")  # too late
        with pytest.raises(ValueError, match="hold"):
            outbox.add(connection, "t", key="t", payload={}, at=CLOCK(), hold=timedelta(days=2))


def test_a_result_is_kept_while_the_database_is_away(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.add(kind="wecom", topics=["*"])
    office.tell()
    real, away = Database.transaction, [0]

    def transaction(self: Database, scope: Any) -> Any:
        if away[0]:
            away[0] -= 1
            raise StoreUnavailable("数据库暂不可用")
        return real(self, scope)

    monkeypatch.setattr(Database, "transaction", transaction)

    def cut(_telling: Telling) -> Sent:
        away[0] = 3
        return ARRIVED

    office.line.answer = cut
    office.deliver()
    assert office.states() == ["sent"]
    assert len(office.line.sent) == 1


def test_a_fault_of_ours_hits_one_message_and_no_other_receiver(office: Office) -> None:
    office.add("甲", topics=["*"])
    office.add("乙", "wecom", topics=["*"])
    office.tell()

    def fail(_telling: Telling) -> Sent:
        raise ZeroDivisionError

    office.line.answer = fail
    office.deliver()
    assert sorted(office.states()) == ["pending", "uncertain"]


def test_robots_are_told_no_faster_than_they_allow(office: Office) -> None:
    office.add(kind="wecom", topics=["*"])
    for number in range(3):
        office.tell(number=number)
    office.deliver()
    office.deliver()
    assert len(office.line.sent) == 1
    office.let_pass(seconds=4)
    office.deliver()
    assert len(office.line.sent) == 2


def test_a_dead_delivery_is_tried_once_more_or_closed_by_a_person(office: Office) -> None:
    office.add(kind="wecom", topics=["*"])
    office.tell(number=1)
    office.line.answer = lambda _telling: UNKNOWN
    office.deliver()
    (doubt,) = targets.failed(office.room, ADMIN)
    assert targets.retry(office.room, ADMIN, doubt.id).state == "pending"
    with pytest.raises(StateConflict, match="不是失败或存疑状态，不能重发"):
        targets.retry(office.room, ADMIN, doubt.id)
    office.let_pass(hours=1)
    office.deliver()
    assert targets.close(office.room, ADMIN, doubt.id).settled_by == ADMIN.name
    assert targets.failed(office.room, ADMIN) == []
    assert [row["state"] for row in rows(office.room.database, "outbox")] == ["sent"]
    with pytest.raises(NotFound):
        targets.close(office.room, ADMIN, uuid4())
    actions = [row["action"] for row in rows(office.room.database, "audit")]
    assert actions == ["target.add", "delivery.retry", "delivery.close"]


def test_failed_deliveries_come_in_pages_latest_first(office: Office) -> None:
    office.add(topics=["*"])
    for number in range(5):
        office.tell(number=number)
    office.deliver()
    with office.room.database.transaction(EVERYWHERE) as connection:
        connection.execute(
            update(rows_of).values(state="dead", created_at=func.now() - rows_of.c.outbox_id * timedelta(1))
        )
    first = targets.failed(office.room, ADMIN, limit=3)
    rest = targets.failed(office.room, ADMIN, limit=3, after=first[-1].id)
    assert [view.key for view in (*first, *rest)] == [f"alert.raised:{number}" for number in range(5)]
    assert targets.failed(office.room, ADMIN, states=["sent"]) == []
    with pytest.raises(InputError, match="状态应为"):
        targets.failed(office.room, ADMIN, states=["lost"])


def test_erasing_an_appellant_takes_back_what_has_not_left(office: Office) -> None:
    who = b"x" * 32
    appeal = file_appeal(office.room.database, appellant=who)
    office.add(topics=["*"])
    office.tell(appeal_id=str(appeal))
    courier = office.courier()
    courier.route()
    courier.close()
    with office.room.database.transaction(EVERYWHERE) as connection:
        connection.execute(text("SELECT appellant_erase(:who, :words)"), {"who": who, "words": "已删除"})
    assert count(office.room.database, "deliveries") == 0


def test_a_removed_receiver_hears_nothing_more_and_its_address_is_gone(office: Office) -> None:
    target = office.add()
    office.tell(number=1)
    courier = office.courier()
    courier.route()
    courier.close()
    assert targets.remove(office.room, ADMIN, target) == 1
    office.tell(number=2)
    office.deliver()
    assert office.line.sent == []
    assert office.states() == ["closed"]
    (row,) = rows(office.room.database, "targets")
    assert row["sealed"] == b""
    with pytest.raises(NotFound, match="或已移除"):
        targets.remove(office.room, ADMIN, target)
    office.add()  # the name is free again


def test_addresses_and_secrets_lie_encrypted_and_are_in_no_audit(office: Office) -> None:
    office.add("甲", address={**HOOK, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    office.add("乙", "wecom")
    everything = repr(rows(office.room.database, "targets")) + repr(rows(office.room.database, "audit"))
    for secret in ("geheim", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec"):
        assert secret not in everything
    assert "hook.city.gov.cn" in everything


def test_with_another_key_nothing_is_sent_or_lost_until_the_address_is_given_anew(office: Office) -> None:
    target = office.add()
    office.tell()
    restored = Office(
        Mailroom(
            database=office.room.database,
            seal=Seal(b"o" * 32),
            guard=office.room.guard,
            clock=CLOCK,
            sender=office.line,
        ),
        office.line,
    )
    restored.deliver()
    assert office.line.sent == []
    assert restored.states() == ["pending"]
    assert "无法解密" in targets.listed(restored.room, ADMIN)[0].last_error
    changed = targets.change_address(restored.room, ADMIN, target, HOOK)
    assert changed.secret.startswith("whsec_")
    restored.deliver()
    assert restored.states() == ["sent"]


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        ({"name": " "}, "接收方名称"),
        ({"topics": ["alert raised"]}, "消息主题"),
        ({"topics": ["警报"]}, "消息主题"),
        ({"topics": ["a..b"]}, "消息主题"),
        ({"districts": []}, "区划应有"),
        ({"least_level": 5}, "最低等级"),
        ({"address": {"url": "https://evil.cn/"}}, "TRIAGE_NOTIFY_HOSTS"),
    ],
)
def test_a_receiver_that_makes_no_sense_is_refused(office: Office, wish: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        targets.add(office.room, ADMIN, Wish(**{"name": "甲", "kind": "webhook", "address": HOOK, **wish}))
    assert count(office.room.database, "targets") == 0


def test_a_name_is_used_once(office: Office) -> None:
    office.add()
    with pytest.raises(Conflict, match="已有名为“协同平台”的接收方"):
        office.add()


def test_only_administrators_of_the_whole_city_deal_with_receivers(office: Office) -> None:
    target = office.add()
    for actor in (person("officer"), person("admin", "龙华区")):
        for step in (
            lambda: targets.listed(office.room, actor),  # noqa: B023
            lambda: targets.remove(office.room, actor, target),  # noqa: B023
            lambda: targets.try_out(office.room, actor, target),  # noqa: B023
            lambda: targets.failed(office.room, actor),  # noqa: B023
            lambda: targets.retry(office.room, actor, uuid4()),  # noqa: B023
        ):
            with pytest.raises(Refused):
                step()


def test_a_test_message_is_sent_at_once_and_its_end_told(office: Office) -> None:
    target = office.add()
    assert targets.try_out(office.room, ADMIN, target) == ARRIVED
    (telling,) = office.line.sent
    assert telling.notice().title == "测试消息"
    assert count(office.room.database, "deliveries") == 0


def test_nothing_that_is_logged_names_an_address(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    office.add("甲")
    office.add("乙", "wecom", topics=["*"])
    office.tell()
    office.line.answer = lambda _telling: UNKNOWN
    office.deliver()
    assert "not delivered" in caplog.text
    assert "geheim" not in caplog.text + repr([record.__dict__ for record in caplog.records])


def test_the_lock_that_says_alive_is_taken_again_after_the_database_was_away(office: Office) -> None:
    office.add()
    courier = office.courier()
    courier.recover()
    with office.room.database.transaction(EVERYWHERE) as connection:
        held = text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = :number")
        (session,) = connection.execute(held, {"number": LOCKS}).scalars()
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": session})
    time.sleep(0.2)
    office.tell()
    courier.recover()
    courier.route()
    assert courier.deliver(courier.waiting()[0]) == 1
    with office.room.database.transaction(EVERYWHERE) as connection:
        assert len(connection.execute(held, {"number": LOCKS}).scalars().all()) == 1
    courier.close()


def test_counts_say_how_much_waits_and_how_much_failed(office: Office) -> None:
    office.add(topics=["*"])
    office.tell()
    courier = office.courier()
    courier.route()
    courier.close()
    with office.room.database.transaction(EVERYWHERE) as connection:
        assert deliveries.counts(connection) == {"pending": 1, "sending": 0, "dead": 0, "uncertain": 0}
